"""Masking what names a person in a text, in English and in Chinese, before anything shows it.

Rules, not a model: what they catch is listed here, and what they cannot know (a name that stands
alone, a nickname) is kept from the page in another way (`text_topics.quotable`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

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


def mask(text: str | None, known: Iterable[str] = ()) -> str:
    """Return ``text`` with names, e-mails, phones, addresses, numbers and links masked.

    Parameters
    ----------
    text
        The words; None and what is no text count as empty.
    known
        Keys that belong to the row itself (customer, order): masked wherever they stand, however
        short.
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
    return said


def _plain(text: str) -> str:
    """Return the text in one form: full-width digits as digits, no control or hidden characters."""
    said = unicodedata.normalize("NFKC", text)
    return "".join(
        " " if ch in "\r\n\t" else ch for ch in said
        if ch in "\r\n\t" or unicodedata.category(ch) not in ("Cc", "Cf", "Co", "Cs")
    )  # fmt: skip


def masked(texts: Iterable[str | None], keys: Iterable[tuple[str | None, ...]]) -> list[str]:
    """Return every text masked, each with the keys of its own row."""
    return [
        mask(text, [key for key in mine if isinstance(key, str)])
        for text, mine in zip(texts, keys, strict=True)
    ]
