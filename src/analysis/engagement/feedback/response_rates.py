"""Who answers, and what the scores would be if everybody asked had."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.engagement.feedback.survey_rows import ASKED, Surveys, promoted
from analysis.errors import NotApplicable
from analysis.stats.inverse_probability import Chances, fit_chances, weighted_mean
from analysis.stats.multiplicity import q_values
from analysis.stats.net_promoter import clustered_mean, net_promoter, repeats
from analysis.stats.proportions import p_value, wilson_interval
from analysis.stats.sizes import FEWEST_ANSWERS, FEWEST_OF_A_SIDE
from analysis.stats.types import Floats

#: Bands of orders in the half-year before, by their lower ends.
BANDS = {
    "no order": 0,
    "1 order": 1,
    "2 to 4 orders": 2,
    "5 to 11 orders": 5,
    "12 or more orders": 12,
}
#: What groups by these bands are called.
BY_ORDERS = "orders before"


@dataclass(frozen=True)
class Response:
    """Response rates, and scores as they would be if all had answered.

    Parameters
    ----------
    rates
        By kind, by what and which: kind, by, group, asked, answered, share, low, high, q (does
        the group differ from all others).
    model
        By kind and term: log odds of answering and their errors.
    corrected
        By kind: answers, effective (what the weighted answers are worth), as_answered with
        interval, weighted with interval, moved; NPS as fractions, other kinds on their scale.
    bounds
        By kind: the score if all who were silent were of one kind.
    """

    rates: pd.DataFrame
    model: pd.DataFrame
    corrected: pd.DataFrame
    bounds: pd.DataFrame


def respond(surveys: Surveys, *, confidence: float = 0.95) -> Response:
    """Return who answers and what that does to the scores.

    Raises
    ------
    NotApplicable
        Where the table holds answers alone, so that who was silent is not known.
    """
    if not surveys.knows_asked:
        raise NotApplicable(
            "The feedback holds answers alone: who was asked and did not answer is not known, so "
            "there is no response rate and no correction for silence."
        )
    parts = [_of_kind(surveys, kind, confidence) for kind in ASKED if _enough(surveys, kind)]
    if not parts:
        raise NotApplicable(
            f"Fewer than {FEWEST_OF_A_SIDE} customers answered or were silent in every survey, "
            "too few to tell who answers."
        )
    rates, models, corrected, bounds = (
        pd.concat(frames, ignore_index=True) for frames in zip(*parts, strict=True)
    )
    return Response(
        rates.assign(q=q_values(rates["p"].to_numpy("float64"))), models, corrected, bounds
    )


def _enough(surveys: Surveys, kind: str) -> bool:
    if kind in surveys.refused:
        return False
    mine = surveys.rows[(surveys.rows["kind"] == kind) & surveys.rows["invited"]]
    said = int(mine["answered"].sum())
    return min(said, len(mine) - said) >= FEWEST_OF_A_SIDE


def _of_kind(surveys: Surveys, kind: str, confidence: float) -> tuple[pd.DataFrame, ...]:
    rows = surveys.rows[(surveys.rows["kind"] == kind) & surveys.rows["invited"]]
    rows = rows.reset_index(drop=True)
    chances, terms = _chances(rows)
    model = pd.DataFrame(
        {"kind": kind, "term": terms, "log_odds": chances.coefficients, "error": chances.errors}
    )
    return (
        _rates(rows, kind, confidence),
        model,
        pd.DataFrame([_correct(rows, kind, chances, confidence)]),
        _bounds(rows, kind),
    )


def band(orders: pd.Series) -> pd.Series:
    """Return the band of orders in the half-year before, as an ordered category."""
    edges = [*BANDS.values(), np.inf]
    return pd.cut(orders, edges, right=False, labels=list(BANDS))


def _rates(rows: pd.DataFrame, kind: str, confidence: float) -> pd.DataFrame:
    groups = {
        "all": pd.Series("all", rows.index),
        BY_ORDERS: band(rows["orders_before"]).astype(str),
    }
    for name in ("channel", "wave", "region", "segment"):
        if rows[name].notna().any():
            groups[name] = rows[name]
    parts = []
    for by, group in groups.items():
        counted = rows.groupby(group)["answered"].agg(["size", "sum"])
        x, n = counted["sum"].to_numpy("float64"), counted["size"].to_numpy("float64")
        low, high = wilson_interval(x, n, confidence=confidence)
        rest_x, rest_n = x.sum() - x, n.sum() - n
        told = (n >= FEWEST_ANSWERS) & (rest_n >= FEWEST_ANSWERS) & (by != "all")
        p = np.where(told, p_value(x, n, rest_x, np.maximum(rest_n, 1)), np.nan)
        frame = {"kind": kind, "by": by, "group": counted.index.astype(str), "asked": n, "p": p}
        parts.append(
            pd.DataFrame({**frame, "answered": x, "share": x / n, "low": low, "high": high})
        )
    found = pd.concat(parts, ignore_index=True)
    found = found[(found["asked"] >= FEWEST_ANSWERS) | (found["by"] == "all")]
    order = {name: i for i, name in enumerate(BANDS)}
    place = found["group"].map(order).fillna(0)
    by = found["by"].map({name: i for i, name in enumerate(groups)})
    found = found.assign(place=place, rank=by).sort_values(["rank", "place", "group"])
    return found.drop(columns=["place", "rank"]).reset_index(drop=True)


def _chances(rows: pd.DataFrame) -> tuple[Chances, list[str]]:
    """Return the fitted chance to answer, by orders before, channel and time."""
    x = np.log1p(rows["orders_before"].to_numpy("float64"))
    month = rows["asked_on"].to_numpy("datetime64[D]").astype("float64")
    terms = {
        "constant": np.ones(len(rows)),
        "log of 1 + orders before": x - x.mean(),
        "the same, squared": (x - x.mean()) ** 2,
        "days later, standardised": (month - month.mean()) / max(month.std(), 1.0),
    }
    channels = rows["channel"].value_counts()
    for name in channels.index[1:][channels.iloc[1:] >= FEWEST_ANSWERS]:
        terms[f"channel {name}"] = (rows["channel"] == name).to_numpy("float64")
    varies = {n: v for n, v in terms.items() if n == "constant" or np.ptp(v) > 0}
    design = np.column_stack(list(varies.values()))
    return fit_chances(design, rows["answered"].to_numpy(bool)), list(varies)


def _correct(
    rows: pd.DataFrame, kind: str, chances: Chances, confidence: float
) -> dict[str, object]:
    """Return the score of those who answered, and of all who were asked by weights."""
    said = rows[rows["answered"]]
    value = promoted(rows["score"]) if kind == "nps" else rows["score"].to_numpy("float64")
    who = rows["customer"].to_numpy()
    weighted = weighted_mean(np.nan_to_num(value), chances, who, confidence=confidence)
    plain = value[rows["answered"].to_numpy()]
    raw = answered_interval(plain, said["customer"].to_numpy(), kind, confidence)
    return {
        "kind": kind, "asked": len(rows), "answers": len(said), "effective": chances.effective,
        **dict(zip(("as_answered", "as_answered_low", "as_answered_high"), raw, strict=True)),
        "weighted": weighted.value, "weighted_low": weighted.low, "weighted_high": weighted.high,
        "error": weighted.error, "moved": weighted.value - raw[0],
    }  # fmt: skip


def answered_interval(
    value: Floats, customer: np.ndarray, kind: str, confidence: float
) -> tuple[float, float, float]:
    """Return the score of those who answered and its interval: adjusted Wald for NPS."""
    if kind != "nps":
        mean = clustered_mean(value, customer, confidence=confidence)
        return mean.value, mean.low, mean.high
    counts = [(value == v).sum() for v in (1, 0, -1)]
    net = net_promoter(*counts, confidence=confidence, inflation=repeats(value, customer))
    return float(net.value[0]), float(net.low[0]), float(net.high[0])


def _bounds(rows: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Return the score if all who were silent had said one thing."""
    share = float(rows["answered"].mean())
    said = rows.loc[rows["answered"], "score"]
    if kind == "nps":
        here = float(promoted(said).mean())
        silent = {"all detractors": -1.0, "all passive": 0.0, "all promoters": 1.0}
    else:
        here = float(said.mean())
        low, high = float(rows["low"].min()), float(rows["high"].max())
        silent = {f"all {low:g}": low, f"all {high:g}": high}
    values = [share * here + (1 - share) * v for v in silent.values()]
    return pd.DataFrame({"kind": kind, "silent": list(silent), "score": values, "answered": share})
