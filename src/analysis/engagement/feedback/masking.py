"""Masking what names a person in a text, in English and in Chinese, before anything shows it.

Rules, not a model: what they catch is listed here. A name that stands alone is masked where the
study's customers bear it (`KnownNames`); what nothing tells (a nickname, a neighbour's name) is
kept from the page in another way (`text_topics.quotable`).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from analysis.stats.sizes import FEWEST_WHO_SAY

#: Characters of a text that are read; what comes after is cut before anything looks at it.
LONGEST = 2_000

NAME, MAIL, PHONE, ADDRESS, NUMBER, LINK = (
    "[name]", "[e-mail]", "[phone]", "[address]", "[number]", "[link]",
)  # fmt: skip

_HAN = r"\u4e00-\u9fff"
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕"
    "丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严武"
    "戴莫孔向汤"
)
_WORD = r"[A-Z\u00c0-\u00de][\w'’\-]{1,30}"
_FULL = rf"{_WORD}(?:[ \t]{{1,2}}{_WORD}){{0,2}}"
_STREET = (
    r"(?:street|st\.|road|rd\.?|avenue|ave\.?|lane|ln\.?|drive|dr\.|boulevard|blvd\.?|square|"
    r"way|court|close|place|terrace|crescent)"
)
_GERMAN = r"[\w\-äöüß]{2,30}(?:straße|strasse|str\.|weg|platz|allee|gasse)"
_FIRST_NAMES = (
    "Anna|Peter|Maria|Thomas|Sofia|Lukas|Emma|Jonas|James|John|Robert|Michael|William|David|"
    "Richard|Joseph|Mary|Patricia|Jennifer|Linda|Elizabeth|Barbara|Susan|Jessica|Sarah|Karen|"
    "Lisa|Nancy|Sandra|Ashley|Emily|Laura|Julia|Sophie|Hannah|Lea|Lena|Leon|Paul|Felix|Max|"
    "Daniel|Matthew|Anthony|Mark|Steven|Andrew|Kevin|Brian|George|Edward|Alice|Olivia|Charlotte|"
    "Amelia|Mia|Noah|Oliver|Harry|Jack|Mohammed|Ahmed|Fatima|Wei|Ming|Jing|Li|Xiao"
)

#: (pattern, what stands in its place), applied in this order. Every repetition has a limit, so
#: that no text takes long.
_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, flags), mask)
    for pattern, mask, flags in (
        (r"(?:https?://|www\.)\S{1,300}", LINK, re.I),
        (
            r"[\w.+\-]{1,64}\s{0,2}(?:@|\(at\)|\[at\]|＠)\s{0,2}[\w\-]{1,63}(?:\.[\w\-]{1,63}){1,4}",
            MAIL,
            re.I,
        ),
        (rf"(?:地址|住在|住址|家住|寄到|送到)(?:是|为|：|:)?[{_HAN}\w\-]{{2,40}}", ADDRESS, 0),
        (
            rf"[{_HAN}]{{2,12}}(?:省|市|区|县|镇|路|街|道|巷|弄|村)[{_HAN}\d\-]{{0,20}}\d{{1,5}}[号栋室]"
            rf"(?:[{_HAN}\d]{{0,10}}[室楼栋])?",
            ADDRESS,
            0,
        ),
        (
            rf"\b\d{{1,5}}[A-Za-z]?,?\s{{1,2}}(?:[A-Z][\w'\-]{{1,30}}\s{{1,2}}){{1,3}}(?i:{_STREET})"
            r"(?:,?\s{1,2}(?:\d{4,6}|[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}))?(?:\s[A-Z][\w\-]{1,30})?",
            ADDRESS,
            0,
        ),
        (
            rf"\b{_GERMAN}\s{{0,2}}\d{{1,4}}[a-z]?(?:,?\s{{1,2}}\d{{5}}(?:\s[A-ZÄÖÜ][\wäöüß\-]{{1,30}})?)?",
            ADDRESS,
            re.I,
        ),
        (
            r"\b(?:\d{4,5})\s(?:Berlin|Hamburg|München|Munich|Köln|Cologne|Frankfurt|Stuttgart|Wien|"
            r"Vienna|Zürich)\b",
            ADDRESS,
            re.I,
        ),
        (r"\b[A-Z]{2}\d{2}(?:\s?[A-Z\d]{4}){3,7}(?:\s?[A-Z\d]{1,4})?\b", NUMBER, 0),
        (r"(?<![\w])(?:\d[ \-]{0,1}){12,18}\d(?![\w])", NUMBER, re.A),
        (r"(?<!\d)(?:\+?86[ \-]?)?1[3-9]\d(?:[ \-]?\d{4}){2}(?!\d)", PHONE, re.A),
        (r"(?<![\w+])(?:\+|00)\d{1,3}(?:[ \-./()]{0,2}\d){6,13}", PHONE, re.A),
        (r"(?<![\w+])\(?0\d{1,4}\)?(?:[ \-./]{0,2}\d){5,10}", PHONE, re.A),
        (r"(?<!\d)\(?\d{3}\)?[ \-.]\d{3}[ \-.]\d{4}(?!\d)", PHONE, re.A),
        (
            rf"(?:我叫|我是|姓名(?:是|：|:)?|名字(?:是|叫)|联系人(?:是|：|:)?|收件人(?:是|：|:)?)"
            rf"[{_SURNAMES}][{_HAN}]{{1,2}}",
            NAME,
            0,
        ),
        (rf"[{_SURNAMES}][{_HAN}]{{0,2}}(?:先生|女士|小姐|太太|经理|老师|师傅)", NAME, 0),
        (
            rf"(?:(?i:\bmy name is|\bi am called|\bthis is|\bname:|\bsigned,?|\bregards,?|"
            rf"\bsincerely,?|\byours,?|\bcheers,?|\bthanks,)\s{{1,3}}){_FULL}",
            NAME,
            0,
        ),
        (rf"\b(?i:mr|mrs|ms|miss|dr|prof|herr|frau)\.?\s{{1,2}}{_FULL}", NAME, 0),
        (rf"\b(?:I am|I'm|It's|It is)\s{{1,2}}{_WORD}(?:[ \t]{{1,2}}{_WORD}){{1,2}}", NAME, 0),
        (rf"\b(?:{_FIRST_NAMES})(?:[ \t]{{1,2}}{_WORD}){{0,2}}\b", NAME, 0),
        (r"(?:[A-Za-z]{1,4}[\-#]?)?\d[\d\-]{3,30}\d(?!\w)", NUMBER, re.A),
        (r"(?:[A-Za-z]{1,4}[\-#]?)?\d{5,30}", NUMBER, re.A),
    )
)
#: Two lines that close a letter: a greeting, then a name alone.
_CUSTOMER = re.compile(
    r"\b(?:customer|member|client|order|invoice)\s{0,2}(?:no\.?|number|nr\.?|id|key|#)?"
    r"\s{0,2}[:#]?\s{0,2}(?:is\s)?[A-Za-z]{0,4}[\-#]?\d{1,30}\b|"
    r"(?:客户|会员|顾客|订单)(?:号|编号|号码)?(?:是|为|：|:)?\s{0,2}[A-Za-z]{0,4}\d{1,30}",
    re.I,
)

#: Columns of ``customers`` that hold names, as sources call them.
NAME_COLUMNS = (
    "name", "full_name", "first_name", "middle_name", "last_name", "given_name", "family_name",
    "surname", "forename", "customer_name", "contact_name", "vorname", "nachname", "姓名", "名字",
    "客户姓名", "姓", "名",
)  # fmt: skip
_LETTERS = re.compile(r"[^\W\d_]+")
_HAN_RUN = re.compile(rf"[{_HAN}]{{2,}}")
_LONGEST_HAN = 4
#: What is masked already, or what lies between.
_MASK_OR_TEXT = re.compile(r"(\[(?:name|e-mail|phone|address|number|link)\])|[^\[]+|\[")


@dataclass(frozen=True)
class KnownNames:
    """Names that the study's customers bear, each part of them, to be masked where they stand.

    Parameters
    ----------
    latin
        Parts of names in small letters.
    han
        Chinese names, whole and without the surname.
    """

    latin: frozenset[str] = frozenset()
    han: frozenset[str] = frozenset()

    @classmethod
    def of(cls, names: Iterable[str | None], texts: Iterable[str | None]) -> KnownNames:
        """Return the names, but for parts that several texts use as a plain word.

        A word in small letters, or a piece of a Chinese name, that stands in ``FEWEST_WHO_SAY``
        texts or more is a word of the language: "will", "美丽". Whole Chinese names stay.
        """
        whole = [_plain(name).strip() for name in names if isinstance(name, str)]
        latin = {part.lower() for name in whole for part in _LETTERS.findall(name)
                 if len(part) > 1 and not _HAN_RUN.search(part)}  # fmt: skip
        han = {run for name in whole for run in _HAN_RUN.findall(name)}
        given = {name[1:] for name in han if len(name) > 2}
        used: Counter[str] = Counter()
        for text in texts:
            if isinstance(text, str):
                said = _plain(text[:LONGEST])
                used.update({w for w in _LETTERS.findall(said) if w.islower() and w in latin})
                used.update(given.intersection(_pieces(said)))
        common = {word for word, count in used.items() if count >= FEWEST_WHO_SAY}
        return cls(frozenset(latin - common), frozenset(han | (given - common)))

    def hidden(self, text: str) -> str:
        """Return the text with the names masked."""
        if self.latin:
            text = _LETTERS.sub(lambda w: NAME if w[0].lower() in self.latin else w[0], text)
        return _HAN_RUN.sub(lambda found: self._without(found[0]), text) if self.han else text

    def _without(self, run: str) -> str:
        kept, place = "", 0
        while place < len(run):
            sizes = range(min(_LONGEST_HAN, len(run) - place), 1, -1)
            size = next((s for s in sizes if run[place : place + s] in self.han), 0)
            kept += NAME if size else run[place]
            place += size or 1
        return kept


def _pieces(text: str) -> set[str]:
    """Return the runs of two to three Chinese characters of a text."""
    return {
        run[i : i + size]
        for run in _HAN_RUN.findall(text)
        for size in (2, 3)
        for i in range(len(run) - size + 1)
    }


def mask(text: str | None, known: Iterable[str] = (), names: KnownNames | None = None) -> str:
    """Return ``text`` with names, e-mails, phones, addresses, numbers and links masked.

    Parameters
    ----------
    text
        The words; None and what is no text count as empty.
    known
        Keys that belong to the row itself (customer, order): masked wherever they stand, however
        short.
    names
        Names that the study's customers bear.
    """
    if not isinstance(text, str) or not text:
        return ""
    said = _plain(text[:LONGEST])
    for rule, stands_for in _RULES[:2]:
        said = rule.sub(stands_for, said)
    said = _CUSTOMER.sub(NUMBER, said)
    there = {key for key in known if isinstance(key, str) and key and key in said}
    for key in sorted(there, key=len, reverse=True):
        said = re.sub(rf"(?<!\w){re.escape(key)}(?!\w)", NUMBER, said, flags=re.A)
    for rule, stands_for in _RULES[2:]:
        said = rule.sub(stands_for, said)
    return (
        _MASK_OR_TEXT.sub(lambda found: found[0] if found[1] else names.hidden(found[0]), said)
        if names
        else said
    )


def _plain(text: str) -> str:
    """Return the text in one form: full-width digits as digits, no control or hidden characters."""
    said = unicodedata.normalize("NFKC", text)
    return "".join(
        " " if ch in "\r\n\t" else ch for ch in said
        if ch in "\r\n\t" or unicodedata.category(ch) not in ("Cc", "Cf", "Co", "Cs")
    )  # fmt: skip


def masked(
    texts: Iterable[str | None],
    keys: Iterable[tuple[str | None, ...]],
    names: KnownNames | None = None,
) -> list[str]:
    """Return every text masked, each with the keys of its own row and the customers' names."""
    return [
        mask(text, [key for key in mine if isinstance(key, str)], names)
        for text, mine in zip(texts, keys, strict=True)
    ]
