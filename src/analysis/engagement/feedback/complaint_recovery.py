"""Whether customers whose complaint was resolved come back more: like with like, not causal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd

from analysis.engagement.feedback.complaint_times import Complaints
from analysis.engagement.feedback.response_rates import band
from analysis.engagement.feedback.survey_rows import Surveys
from analysis.errors import NotApplicable
from analysis.stats.multiplicity import normal_quantile
from analysis.stats.proportions import stratified_difference
from analysis.stats.sizes import FEWEST_ANSWERS, FEWEST_OF_A_SIDE
from analysis.stats.surveys.net_promoter import clustered_mean, clustered_slope
from analysis.tables.engine import Tables
from analysis.tables.lines import midnight
from analysis.tables.periods import Period

#: Days of orders that make complaints alike.
BEFORE_DAYS = 182


@dataclass(frozen=True)
class Recovery:
    """Coming back after a complaint, resolved by the landmark or not.

    Parameters
    ----------
    landmark, follow
        Days after the complaint at which it is resolved or not; days followed from then on.
    strata
        By orders before: resolved and open complaints, and the share of either that came back.
    table
        One line each for as it is and like with like: resolved, open, difference, low, high.
    """

    landmark: int
    follow: int
    strata: pd.DataFrame
    table: pd.DataFrame


def recover(
    tables: Tables,
    complaints: Complaints,
    period: Period,
    *,
    landmark: int,
    follow: int,
    confidence: float = 0.95,
) -> Recovery:
    """Return the share that orders again after the landmark, resolved against open.

    Who is resolved is read at the landmark and orders are counted from then on, so that a customer
    who came back early could not have been resolved for it. Strata are orders in the half-year
    before and whether there was one between complaint and landmark.

    Raises
    ------
    NotApplicable
        If too few complaints of either side can be followed so long.
    """
    rows = _followed(tables, complaints.rows, period, landmark, follow)
    sizes = rows["is_resolved"].value_counts()
    fewest = int(min(sizes.get(True, 0), sizes.get(False, 0)))
    if fewest < FEWEST_OF_A_SIDE:
        raise NotApplicable(
            f"{fewest} complaints could be followed for {follow} days that were "
            f"{'open' if sizes.get(False, 0) <= sizes.get(True, 0) else 'resolved'} after "
            f"{landmark} days; {FEWEST_OF_A_SIDE} are needed to compare who comes back."
        )
    strata = _strata(rows)
    lines = [_crude(rows, confidence), _standardised(strata, confidence)]
    return Recovery(landmark, follow, strata, pd.DataFrame(lines))


def _followed(
    tables: Tables, complaints: pd.DataFrame, period: Period, landmark: int, follow: int
) -> pd.DataFrame:
    """Return the first complaint of each customer that can be followed, with orders around it."""
    last = pd.Timestamp(period.end) - timedelta(days=landmark + follow)
    rows = complaints[complaints["customer_id"].notna() & (complaints["submitted_at"] <= last)]
    rows = rows.drop_duplicates("customer_id").reset_index(drop=True)
    if rows.empty:
        return rows.assign(is_resolved=pd.Series(dtype=bool))
    marks = rows["submitted_at"] + timedelta(days=landmark)
    orders = _orders(tables, rows, period)
    orders["days"] = (orders["moment"] - orders["submitted_at"]).dt.total_seconds() / 86_400
    day = orders["days"]

    def counted(inside: pd.Series) -> np.ndarray:
        count = orders[inside].groupby("customer_id").size()
        return rows["customer_id"].map(count).fillna(0).to_numpy("int64")

    return pd.DataFrame(
        {
            "is_resolved": (rows["resolved"].notna() & (rows["resolved"] <= marks)).to_numpy(),
            "before": counted((day < 0) & (day >= -BEFORE_DAYS)),
            "between": counted((day >= 0) & (day < landmark)) > 0,
            "back": counted((day >= landmark) & (day < landmark + follow)) > 0,
        }
    )


def _orders(tables: Tables, rows: pd.DataFrame, period: Period) -> pd.DataFrame:
    """Return the moments of orders of customers who complained, beside the complaint's."""
    lines = tables.order_lines
    feedback = tables.feedback
    who = feedback.filter(feedback.kind == "complaint").select("customer_id").distinct()
    bought = lines.filter(lines.quantity > 0, lines.ordered_at < midnight(period.end))
    bought = bought.semi_join(who, "customer_id")
    orders = bought.group_by("customer_id", "order_id").agg(moment=bought.ordered_at.min())
    moments = orders.select("customer_id", "moment").to_pandas()
    return moments.merge(rows[["customer_id", "submitted_at"]], on="customer_id")


def _strata(rows: pd.DataFrame) -> pd.DataFrame:
    group = band(rows["before"]).astype(str) + np.where(rows["between"], ", ordered since", "")
    counted = rows.groupby([group.rename("stratum"), "is_resolved"])["back"].agg(["size", "sum"])
    wide = counted.unstack("is_resolved", fill_value=0).reindex(
        columns=pd.MultiIndex.from_product([["size", "sum"], [True, False]]), fill_value=0
    )
    return pd.DataFrame(
        {
            "stratum": wide.index,
            "resolved": wide[("size", True)].to_numpy(),
            "open": wide[("size", False)].to_numpy(),
            "resolved_back": wide[("sum", True)].to_numpy(),
            "open_back": wide[("sum", False)].to_numpy(),
        }
    )


def _crude(rows: pd.DataFrame, confidence: float) -> dict[str, object]:
    from analysis.stats.proportions import newcombe

    a, b = rows[rows["is_resolved"]]["back"], rows[~rows["is_resolved"]]["back"]
    z = normal_quantile(confidence)
    gap, low, high = newcombe(a.sum(), len(a), b.sum(), len(b), z=z)
    return {
        "comparison": "as it is", "resolved": a.mean(), "open": b.mean(), "difference": float(gap),
        "low": float(low), "high": float(high), "n_resolved": len(a), "n_open": len(b),
    }  # fmt: skip


def _standardised(strata: pd.DataFrame, confidence: float) -> dict[str, object]:
    """Return the difference among likes; NaN where no stratum holds both sides."""
    columns = ("resolved_back", "resolved", "open_back", "open")
    found = stratified_difference(
        *(strata[name].to_numpy("float64") for name in columns), confidence=confidence
    )
    return {
        "comparison": "like with like", "resolved": found.first, "open": found.second,
        "difference": found.value, "low": found.low, "high": found.high,
        "n_resolved": found.n_first, "n_open": found.n_second,
    }  # fmt: skip


@dataclass(frozen=True)
class Effort:
    """How easy customers found it, by how long their complaint took.

    Parameters
    ----------
    bands
        By days to resolve: answers, customers, value (mean score), low, high.
    slope, low, high
        Change of the score when the time doubles.
    answers
        Answers whose complaint is known.
    """

    bands: pd.DataFrame
    slope: float
    low: float
    high: float
    answers: int


def effort_by_wait(complaints: Complaints, surveys: Surveys, *, confidence: float = 0.95) -> Effort:
    """Return the effort score by the time a complaint took, joined by the order it is about.

    Raises
    ------
    NotApplicable
        If too few answers name the order of a resolved complaint.
    """
    answers = surveys.of("ces")
    answers = answers[answers["answered"] & answers["order_id"].notna()]
    done = complaints.rows[complaints.rows["resolved"].notna()].drop_duplicates("order_id")
    took = (done["resolved"] - done["submitted_at"]).dt.total_seconds() / 86_400
    days = pd.Series(took.to_numpy(), done["order_id"])
    rows = answers.assign(days=answers["order_id"].map(days)).dropna(subset=["days"])
    if len(rows) < FEWEST_ANSWERS:
        raise NotApplicable(
            f"{len(rows)} effort scores name the order of a resolved complaint; {FEWEST_ANSWERS} "
            "are needed to tell what waiting does to them."
        )
    x = np.log2(np.maximum(rows["days"].to_numpy("float64"), _SHORTEST_DAYS))
    slope, error = clustered_slope(x, rows["score"], rows["customer"])
    reach = normal_quantile(confidence) * error
    return Effort(_bands(rows, confidence), slope, slope - reach, slope + reach, len(rows))


#: Days below which a complaint counts as taken care of at once: about an hour.
_SHORTEST_DAYS = 0.05
_BANDS = {"within a day": 0, "1 to 3 days": 1, "3 to 7 days": 3, "longer": 7}


def _bands(rows: pd.DataFrame, confidence: float) -> pd.DataFrame:
    edges = [*_BANDS.values(), np.inf]
    groups = pd.cut(rows["days"], edges, right=False, labels=list(_BANDS))
    lines = []
    for name, mine in rows.groupby(groups, observed=True):
        if mine["customer"].nunique() < FEWEST_ANSWERS:
            continue
        mean = clustered_mean(mine["score"], mine["customer"], confidence=confidence)
        line = {"band": str(name), "answers": len(mine), "value": mean.value}
        lines.append({**line, "low": mean.low, "high": mean.high})
    return pd.DataFrame(lines, columns=["band", "answers", "value", "low", "high"])
