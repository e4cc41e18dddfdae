"""What customers wrote: masked before anything reads it, with its language and its mood.

The mood comes from character n-grams and logistic regression, trained on the study's own stars.
Characters instead of words need no segmenter, so that Chinese and English go through one model.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import pandas as pd

from analysis.engagement.feedback.masking import LONGEST, NAME_COLUMNS, KnownNames, masked
from analysis.errors import NotApplicable
from analysis.stats.proportions import corrected_share, wilson_interval
from analysis.stats.sizes import FEWEST_ANSWERS, FEWEST_OF_A_MOOD, FEWEST_TEXTS
from analysis.stats.types import Floats
from analysis.tables.engine import Tables
from analysis.tables.lines import midnight
from analysis.tables.periods import Period

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

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


#: Stars that are glad and sorry, as places on the scale; what lies between teaches nothing.
GLAD_FROM, SORRY_TO = 0.75, 0.25
#: Lengths of the runs of characters, texts a run must stand in, most runs, strength of the fit.
RUNS, LEAST_IN, MOST_RUNS, STRENGTH = (1, 3), 2, 60_000, 4.0
FOLDS = 5


@dataclass(frozen=True)
class Sentiment:
    """The model of moods, judged on texts it has not seen, and what it says of all others.

    Parameters
    ----------
    accuracy
        By language (``all`` first), on held-out texts: texts, sorry_texts, accuracy with interval
        (texts called by the likelier mood), always (accuracy of always saying the commoner mood),
        sorry_found and glad_found with intervals (texts called by the mood that fits their words
        better, whichever is commoner), auc.
    calibration
        By fifth of the forecast: texts, forecast and share that were glad.
    rows
        The texts with ``glad``, the chance that each is glad: held-out for those with stars, NaN
        for those without words.
    kinds
        By kind and language: texts, sorry (share whose words fit a sorry review better) with
        interval, corrected (the share that is sorry, were the model wrong about these texts as
        often as about held-out reviews) with corrected_low and corrected_high, which hold how well
        its errors are known; NaN where it tells nothing.
    distinct
        Different texts among those learnt from.
    """

    accuracy: pd.DataFrame
    calibration: pd.DataFrame
    rows: pd.DataFrame
    kinds: pd.DataFrame
    distinct: int


def pipeline() -> Pipeline:
    """Return the model, not fitted yet."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    runs = TfidfVectorizer(
        analyzer="char", ngram_range=RUNS, min_df=LEAST_IN, max_features=MOST_RUNS,
        sublinear_tf=True, lowercase=False,
    )  # fmt: skip
    return make_pipeline(runs, LogisticRegression(C=STRENGTH, max_iter=1_000))


def judge(written: Written, *, seed: int, confidence: float = 0.95) -> Sentiment:
    """Return the mood of every text, and how often the model is right on held-out texts.

    Equal texts lie in one fold, so that none is learnt from and judged on.

    Raises
    ------
    NotApplicable
        If there are too few reviews with stars, or of either mood.
    """
    rows = written.rows.assign(said=normalised(written.rows["text"]))
    place = stars(rows)
    has_words = (rows["language"] != NONE).to_numpy() & (rows["said"] != "").to_numpy()
    review = (rows["kind"] == "review").to_numpy() & has_words
    labelled = review & ((place >= GLAD_FROM) | (place <= SORRY_TO))
    glad = place[labelled] >= GLAD_FROM
    _require(glad)
    texts = rows.loc[labelled, "said"].reset_index(drop=True)
    held_out = _held_out(texts, glad, seed)
    chance = np.full(len(rows), np.nan)
    chance[labelled] = held_out
    others = has_words & ~labelled
    model = pipeline().fit(texts, glad)
    if others.any():
        chance[others] = model.predict_proba(rows.loc[others, "said"])[:, 1]
    found = rows.drop(columns="said").assign(glad=chance)
    language = rows.loc[labelled, "language"].to_numpy()
    return Sentiment(
        accuracy=_accuracy(glad, held_out, language, confidence),
        calibration=_calibration(glad, held_out),
        rows=found,
        kinds=_kinds(found, glad, held_out, confidence),
        distinct=int(texts.nunique()),
    )


def _require(glad: np.ndarray) -> None:
    rarer = int(min(glad.sum(), (~glad).sum()))
    if len(glad) < FEWEST_TEXTS or rarer < FEWEST_OF_A_MOOD:
        raise NotApplicable(
            f"{len(glad)} reviews are clearly glad or sorry by their stars, {rarer} of the rarer "
            f"mood; {FEWEST_TEXTS} and {FEWEST_OF_A_MOOD} are needed to learn the mood of texts "
            "from."
        )


def _held_out(texts: pd.Series, glad: np.ndarray, seed: int) -> Floats:
    """Return for each text the chance that it is glad, by a model that has not seen it."""
    codes = pd.factorize(texts)[0]
    rng = np.random.default_rng(seed)
    fold = rng.permutation(np.arange(codes.max() + 1) % FOLDS)[codes]
    chance = np.full(len(texts), glad.mean())
    for number in range(FOLDS):
        test = fold == number
        learn = ~test
        if test.any() and len(np.unique(glad[learn])) == 2:
            model = pipeline().fit(texts[learn], glad[learn])
            chance[test] = model.predict_proba(texts[test])[:, 1]
    return chance


def _accuracy(
    glad: np.ndarray, chance: Floats, language: np.ndarray, confidence: float
) -> pd.DataFrame:
    from sklearn.metrics import roc_auc_score

    lines: list[dict[str, Any]] = []
    usual = float(glad.mean())
    for name in ["all", *sorted(set(language))]:
        mine = np.ones(len(glad), bool) if name == "all" else language == name
        truth, said = glad[mine], chance[mine]
        both = len(np.unique(truth)) == 2
        line = {
            "language": name, "texts": int(mine.sum()), "sorry_texts": int((~truth).sum()),
            "always": max(truth.mean(), 1 - truth.mean()),
            "auc": roc_auc_score(truth, said) if both else np.nan,
        }  # fmt: skip
        line |= _rate("accuracy", (said >= 0.5) == truth, confidence)
        line |= _rate("sorry_found", said[~truth] < usual, confidence)
        lines.append(line | _rate("glad_found", said[truth] >= usual, confidence))
    return pd.DataFrame(lines)


def _rate(name: str, hits: np.ndarray, confidence: float) -> dict[str, float]:
    """Return a share with its interval; NaN without cases."""
    low, high = wilson_interval(hits.sum(), len(hits), confidence=confidence)
    share = float(hits.mean()) if len(hits) else np.nan
    return {name: share, f"{name}_low": low[0], f"{name}_high": high[0]}


def _calibration(glad: np.ndarray, chance: Floats) -> pd.DataFrame:
    fifth = np.minimum((chance * 5).astype(int), 4)
    frame = pd.DataFrame({"fifth": fifth + 1, "forecast": chance, "glad": glad})
    return frame.groupby("fifth").agg(
        texts=("glad", "size"), forecast=("forecast", "mean"), glad=("glad", "mean")
    ).reset_index()  # fmt: skip


def _kinds(
    rows: pd.DataFrame, glad: np.ndarray, held_out: Floats, confidence: float
) -> pd.DataFrame:
    usual = float(glad.mean())
    known = rows[rows["glad"].notna()]
    sorry = (known["glad"] < usual).groupby([known["kind"], known["language"]])
    counted = sorry.agg(["size", "sum"]).reset_index()
    counted = counted[counted["size"] >= FEWEST_ANSWERS].reset_index(drop=True)
    low, high = wilson_interval(counted["sum"], counted["size"], confidence=confidence)
    said = held_out < usual
    errors = (int(said[~glad].sum()), int((~glad).sum()), int((~said[glad]).sum()), int(glad.sum()))
    corrected = corrected_share(counted["sum"], counted["size"], errors, confidence=confidence)
    return pd.DataFrame(
        {
            "kind": counted["kind"],
            "language": counted["language"],
            "texts": counted["size"],
            "sorry": counted["sum"] / counted["size"],
            "low": low,
            "high": high,
            "corrected": corrected[0],
            "corrected_low": corrected[1],
            "corrected_high": corrected[2],
        }
    )
