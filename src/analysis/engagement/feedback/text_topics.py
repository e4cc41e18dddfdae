"""What texts are about, by lists of words that anybody can read, in English and in Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.engagement.feedback.written_feedback import (
    GLAD_FROM,
    NONE,
    SORRY_TO,
    Written,
    normalised,
    stars,
)
from analysis.errors import NotApplicable
from analysis.stats.multiplicity import q_values, two_sided_p
from analysis.stats.proportions import wilson_interval
from analysis.stats.sizes import FEWEST_ANSWERS, FEWEST_WHO_SAY
from analysis.stats.types import Flags

DEFECT = "defect"

#: Beginnings of English words (or whole phrases) and Chinese words, by topic.
TOPICS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "delivery": (
        ("deliver", "parcel", "shipping", "shipment", "courier", "arrived late", "late", "postman"),
        ("快递", "送货", "物流", "包裹", "发货", "配送", "迟到", "晚到"),
    ),
    "price": (
        ("price", "expensive", "cheap", "charged", "money", "value", "cost", "overpriced"),
        ("价格", "太贵", "便宜", "标价", "收银", "多收", "性价比", "价廉", "划算", "贵"),
    ),
    "quality": (
        ("quality", "well made", "cheaply made", "poor", "worth keeping", "material", "does what"),
        ("质量", "做工", "材质", "粗糙", "精致", "马马虎虎"),
    ),
    DEFECT: (
        ("broke", "broken", "defect", "faulty", "stopped working", "does not work", "damaged",
         "crack", "leak"),
        ("坏了", "坏的", "缺陷", "断裂", "次品", "不能用", "故障", "裂", "漏"),
    ),
    "packaging": (
        ("packag", "packed", "box", "wrapp", "dented", "crushed"),
        ("包装", "盒子", "压扁", "压坏", "洒了"),
    ),
    "staff and service": (
        ("staff", "unfriendly", "rude", "friendly", "service", "cashier", "helped", "treated"),
        ("店员", "服务", "态度", "工作人员", "客服", "不理人"),
    ),
    "range and stock": (
        ("out of stock", "sold out", "selection", "range", "choice", "available"),
        ("缺货", "没货", "品种", "种类", "选择", "断货"),
    ),
    "returns and refund": (
        ("refund", "return", "sent the", "money back", "exchange"),
        ("退款", "退货", "换货", "退钱"),
    ),
    "size and fit": (
        ("too small", "too large", "too big", "size", "fits", "tight"),
        ("尺寸", "大小", "太小", "太大", "合身"),
    ),
    "web, app and payment": (
        ("website", "the app", "checkout", "login", "payment", "password"),
        ("网站", "应用", "支付", "付款", "登录", "密码"),
    ),
    "moved or another shop": (
        ("moved away", "another shop", "competitor", "no store nearby"),
        ("搬家", "另一家", "附近没有"),
    ),
}  # fmt: skip

#: Strength of the prior of a word's log odds, in texts.
_DISCOVERED = 0.05
_PRIOR = 10.0
_WORD = re.compile(r"[a-zà-þ']{3,}")
_HAN_RUN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]+")
_STOP = frozenset(
    (
        "the", "and", "for", "was", "are", "with", "that", "this", "from", "have", "has", "had",
        "not", "but", "you", "your", "our", "they", "them", "what", "when", "will", "would", "out",
        "too", "very", "more", "just", "its", "it's", "i'm", "one", "all", "any", "can", "could",
        "did", "does", "done", "been", "there", "here", "than", "then", "who", "were", "which",
        "she", "her", "his", "him",
    )
)  # fmt: skip
QUOTES_A_TOPIC = 2


@dataclass(frozen=True)
class Topics:
    """What texts are about.

    Parameters
    ----------
    shares
        By kind and topic: texts, share with interval, sorry (share of those whose stars are low;
        NaN without stars), sorry_low, sorry_high.
    covered
        By kind: texts with words, share in which some topic was found.
    words
        Words that tell sorry from glad reviews: word, texts, sorry_share, log_odds, q; used by
        several customers each.
    quotes
        Masked texts that hold no word that fewer than a few customers use: topic, text, customers
        (who wrote just this).
    rows
        One row a text: feedback_id, customer_id, kind, product_id, submitted_at, topics
        (``"; "`` between), text (masked), sorry (low stars).
    flags
        One column a topic, aligned to ``rows``.
    """

    shares: pd.DataFrame
    covered: pd.DataFrame
    words: pd.DataFrame
    quotes: pd.DataFrame
    rows: pd.DataFrame
    flags: pd.DataFrame


def find(written: Written, *, confidence: float = 0.95) -> Topics:
    """Return the topics of a period's texts.

    Raises
    ------
    NotApplicable
        If there are too few texts with words.
    """
    rows = written.rows[written.rows["language"] != NONE].reset_index(drop=True)
    if len(rows) < FEWEST_ANSWERS:
        raise NotApplicable(
            f"{len(rows)} texts hold words; {FEWEST_ANSWERS} are needed to tell what they are "
            "about."
        )
    said = normalised(rows["text"])
    flags = flagged(said)
    sorry = stars(rows) <= SORRY_TO
    glad = stars(rows) >= GLAD_FROM
    tokens = [_tokens(text) for text in said]
    known = _widely_used(tokens, rows["customer_id"])
    named = ["; ".join(flags.columns[values]) for values in flags.to_numpy(dtype=bool)]
    shown = rows[["feedback_id", "customer_id", "kind", "product_id", "submitted_at"]]
    return Topics(
        shares=_shares(rows, flags, sorry, confidence),
        covered=_covered(rows, flags),
        words=_words(tokens, sorry, glad, known),
        quotes=_quotes(rows, said, flags, tokens, known),
        rows=shown.assign(topics=named, text=rows["text"], sorry=sorry),
        flags=flags,
    )


def flagged(said: pd.Series) -> pd.DataFrame:
    """Return which topics each text names; one column a topic."""
    return pd.DataFrame(
        {topic: said.str.contains(_pattern(topic), regex=True).to_numpy() for topic in TOPICS}
    )


def _pattern(topic: str) -> str:
    english, chinese = TOPICS[topic]
    return rf"\b(?:{'|'.join(map(re.escape, english))})|(?:{'|'.join(chinese)})"


def _shares(
    rows: pd.DataFrame, flags: pd.DataFrame, sorry: Flags, confidence: float
) -> pd.DataFrame:
    starred = np.isfinite(stars(rows))
    lines = []
    for kind, place in rows.groupby("kind").indices.items():
        if len(place) < FEWEST_ANSWERS:
            continue
        for topic in flags.columns:
            mine = flags[topic].to_numpy()[place]
            if not mine.any():
                continue
            low, high = wilson_interval(mine.sum(), len(mine), confidence=confidence)
            rated = mine & starred[place]
            bad = (rated & sorry[place]).sum()
            enough = rated.sum() >= FEWEST_ANSWERS
            bad_low, bad_high = wilson_interval(bad, max(rated.sum(), 1), confidence=confidence)
            lines.append(
                {
                    "kind": kind, "topic": topic, "texts": int(mine.sum()),
                    "share": mine.mean(), "low": low[0], "high": high[0],
                    "sorry": bad / rated.sum() if enough else np.nan,
                    "sorry_low": bad_low[0] if enough else np.nan,
                    "sorry_high": bad_high[0] if enough else np.nan,
                }
            )  # fmt: skip
    columns = ["kind", "topic", "texts", "share", "low", "high", "sorry", "sorry_low", "sorry_high"]
    found = pd.DataFrame(lines, columns=columns)
    return found.sort_values(["kind", "texts"], ascending=[True, False]).reset_index(drop=True)


def _covered(rows: pd.DataFrame, flags: pd.DataFrame) -> pd.DataFrame:
    some = flags.any(axis=1).groupby(rows["kind"]).agg(texts="size", covered="mean")
    return some.reset_index()


def _tokens(text: str) -> frozenset[str]:
    """Return the words of a text: Latin words, and pairs of Chinese characters."""
    words = {w for w in _WORD.findall(text) if w not in _STOP}
    for run in _HAN_RUN.findall(text):
        words |= {run[i : i + 2] for i in range(len(run) - 1)}
    return frozenset(words)


def _widely_used(tokens: list[frozenset[str]], customer: pd.Series) -> frozenset[str]:
    """Return the words that several different customers use.

    Texts without a customer count as one each: who wrote them is not known, so they add nobody.
    """
    users: dict[str, set[str]] = {}
    for words, who in zip(tokens, customer.astype(object), strict=True):
        if isinstance(who, str):
            for word in words:
                users.setdefault(word, set()).add(who)
    return frozenset(word for word, people in users.items() if len(people) >= FEWEST_WHO_SAY)


def _words(
    tokens: list[frozenset[str]], sorry: Flags, glad: Flags, known: frozenset[str]
) -> pd.DataFrame:
    """Return words by their log odds in sorry against glad texts, with an informative prior.

    Those that differ significantly (q up to 5 %) come first: a word of one text heads any ranking.

    Monroe, Colaresi and Quinn (2008), Fightin' words, Political Analysis 16(4), 372-403.
    """
    counts = {word: [0, 0] for word in sorted(known)}
    for words, bad, good in zip(tokens, sorry, glad, strict=True):
        if bad or good:
            for word in words & known:
                counts[word][0 if bad else 1] += 1
    n = np.array([sorry.sum(), glad.sum()], float)
    columns = ["word", "texts", "sorry_share", "log_odds", "q"]
    if not counts or n.min() < FEWEST_ANSWERS:
        return pd.DataFrame(columns=columns)
    y = np.array(list(counts.values()), float)
    rate = np.clip(y.sum(axis=1) / n.sum(), 1e-6, 1 - 1e-6)
    prior = _PRIOR * rate
    top, rest = y + prior[:, None], n - y + _PRIOR - prior[:, None]
    odds = np.log(top[:, 0] / rest[:, 0]) - np.log(top[:, 1] / rest[:, 1])
    spread = np.sqrt((1 / top).sum(axis=1))
    found = pd.DataFrame(
        {
            "word": list(counts),
            "texts": y.sum(axis=1),
            "sorry_share": y[:, 0] / np.maximum(y.sum(axis=1), 1),
            "log_odds": odds,
            "q": q_values(two_sided_p(odds / spread)),
        }
    )
    order = found["log_odds"].abs().rsub(0)
    return (
        found.assign(order=order, luck=found["q"] > _DISCOVERED)
        .sort_values(["luck", "order", "word"])
        .drop(columns=["order", "luck"])
        .reset_index(drop=True)
    )


def quotable(text: str, words: Iterable[str], known: frozenset[str]) -> bool:
    """Return whether a page may show a masked text.

    Nothing in it was masked, it has no figures, and each of its words is used by several
    customers: what only one person says, a name above all, is never shown.
    """
    own = frozenset(words)
    return bool(own) and own <= known and "[" not in text and not re.search(r"\d|@", text)


def _quotes(
    rows: pd.DataFrame, said: pd.Series, flags: pd.DataFrame, tokens: list[frozenset[str]],
    known: frozenset[str],
) -> pd.DataFrame:  # fmt: skip
    fit = [quotable(t, w, known) for t, w in zip(rows["text"], tokens, strict=True)]
    able = rows.assign(said=said, place=range(len(rows)))[fit].groupby("said")
    users = able.agg(
        customers=("customer_id", "nunique"), text=("text", "first"), place=("place", "first")
    )
    # Just these words, written by several: the whole text names nobody either.
    users = users[users["customers"] >= FEWEST_WHO_SAY]
    users = users.sort_values(["customers", "text"], ascending=[False, True])
    lines = []
    for topic in flags.columns:
        mine = users[flags[topic].to_numpy()[users["place"]]].head(QUOTES_A_TOPIC)
        lines += [
            {"topic": topic, "text": text, "customers": customers}
            for text, customers in zip(mine["text"], mine["customers"], strict=True)
        ]
    return pd.DataFrame(lines, columns=["topic", "text", "customers"])
