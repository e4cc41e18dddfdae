"""What customers wrote: masked before anything reads it, with its language."""

from __future__ import annotations

import re
from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd

from analysis.engagement.feedback.masking import LONGEST, NAME_COLUMNS, KnownNames, masked
from analysis.errors import NotApplicable
from analysis.stats.types import Floats
from analysis.tables.engine import Tables
from analysis.tables.lines import midnight
from analysis.tables.periods import Period

#: Texts looked at, the latest first; more would say the same and take long.
MOST_TEXTS = 20_000
#: Share of Han characters among letters from which a text is Chinese, and below which it is not.
CHINESE_FROM, CHINESE_ABOVE = 0.5, 0.1

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_LETTER = re.compile(r"[^\W\d_]")
_MASKS = re.compile(r"\[(?:name|e-mail|phone|address|number|link)\]")

CHINESE, LATIN, BOTH, NONE = "Chinese", "English or other Latin", "both", "no words"


@dataclass(frozen=True)
class Written:
    """Texts of a period.

    Parameters
    ----------
    rows
        One row a text: feedback_id, customer_id, kind, product_id, submitted_at, score (NaN where
        there is none), low and high of its scale, text (masked), language, masks (how many).
    languages
        By kind and language: texts, masked (texts in which something was masked).
    found
        Texts in the period.
    cut
        Texts longer than what is read.
    """

    rows: pd.DataFrame
    languages: pd.DataFrame
    found: int
    cut: int


def read(tables: Tables, period: Period) -> Written:
    """Return the texts of a period, masked.

    Raises
    ------
    NotApplicable
        If nothing was written.
    """
    feedback = tables.feedback
    if "text" not in feedback.columns:
        raise NotApplicable("The feedback holds no texts.")
    mine = feedback.filter(
        feedback.text.notnull(),
        feedback.submitted_at >= midnight(period.start),
        feedback.submitted_at < midnight(period.end),
    )
    wanted = {
        "customer_id": "string", "product_id": "string", "order_id": "string",
        "score": "float64", "scale_min": "float64", "scale_max": "float64",
    }  # fmt: skip
    columns = {
        name: mine[name].cast(kind) if name in mine.columns else ibis.null(kind)
        for name, kind in wanted.items()
    }
    rows = mine.select(
        "feedback_id",
        "kind",
        "submitted_at",
        text=mine.text.substr(0, LONGEST),
        length=mine.text.length(),
        **columns,
    )
    found = int(rows.count().to_pandas())
    if not found:
        raise NotApplicable(f"Nothing was written from {period}.")
    latest = rows.order_by(ibis.desc("submitted_at"), "feedback_id").limit(MOST_TEXTS)
    frame = latest.to_pandas()
    return _masked(frame, found, KnownNames.of(_names(tables), frame["text"]))


def _names(tables: Tables) -> list[str]:
    """Return the names that the table of customers holds, and those behind its pseudonyms.

    Of an e-mail address it is what stands before the @: most are made of a name.
    """
    if "customers" not in tables:
        return []
    keys = [key.partition("@")[0] for key in tables.personal_keys()]
    rows = tables.customers
    columns = [c for c in rows.columns if c.lower() in NAME_COLUMNS and rows[c].type().is_string()]
    parts = [rows.select(name=c).filter(ibis._.name.notnull()).distinct() for c in columns]
    return keys + [name for part in parts for name in part.to_pandas()["name"]]


def _masked(raw: pd.DataFrame, found: int, names: KnownNames) -> Written:
    keys = raw[["customer_id", "order_id"]].astype(object).itertuples(index=False, name=None)
    text = masked(raw["text"], keys, names)
    rows = pd.DataFrame(
        {
            "feedback_id": raw["feedback_id"],
            "customer_id": raw["customer_id"],
            "kind": raw["kind"].astype(str),
            "product_id": raw["product_id"],
            "submitted_at": raw["submitted_at"],
            "score": raw["score"].astype("float64"),
            "low": raw["scale_min"].astype("float64").fillna(1.0),
            "high": raw["scale_max"].astype("float64").fillna(5.0),
            "text": text,
            "language": [language(each) for each in text],
            "masks": [len(_MASKS.findall(each)) for each in text],
        }
    )
    counted = rows.assign(masked=rows["masks"] > 0).groupby(["kind", "language"])["masked"]
    languages = counted.agg(texts="size", masked="sum").reset_index()
    return Written(rows, languages, found, int((raw["length"] > LONGEST).sum()))


def language(text: str) -> str:
    """Return the language of a text by its share of Han characters among letters."""
    letters = _LETTER.findall(_MASKS.sub("", text))
    if len(letters) < 2:
        return NONE if not _HAN.search(text) else CHINESE
    share = sum(1 for ch in letters if _HAN.match(ch)) / len(letters)
    # A Latin word has some five letters where a Chinese one has two characters.
    if share >= CHINESE_FROM:
        return CHINESE if share > 1 - CHINESE_ABOVE else _mixed(letters, share)
    return BOTH if share > CHINESE_ABOVE else LATIN


def _mixed(letters: list[str], share: float) -> str:
    """Return whether the Latin letters of a mostly Chinese text are more than a brand's name."""
    return BOTH if len(letters) * (1 - share) >= 12 else CHINESE


def stars(rows: pd.DataFrame) -> Floats:
    """Return scores as a share of their scale, NaN where there is none or it is off the scale."""
    score, low, high = (rows[c].to_numpy("float64") for c in ("score", "low", "high"))
    with np.errstate(invalid="ignore", divide="ignore"):
        place = (score - low) / (high - low)
    return np.where((place >= 0) & (place <= 1), place, np.nan)


def normalised(text: pd.Series) -> pd.Series:
    """Return texts as a model reads them: lower case, without what was masked, single spaces."""
    plain = text.str.replace(_MASKS.pattern, " ", regex=True).str.lower()
    return plain.str.replace(r"\s+", " ", regex=True).str.strip()
