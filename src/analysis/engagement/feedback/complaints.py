"""How long complaints wait, and whether customers whose complaint was resolved come back more.

Like is compared with like; it is not causal.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import ibis
import numpy as np
import pandas as pd

from analysis.engagement.feedback.response_rates import band
from analysis.engagement.feedback.survey_rows import Surveys
from analysis.errors import NotApplicable
from analysis.stats.multiplicity import normal_quantile
from analysis.stats.net_promoter import clustered_mean, clustered_slope
from analysis.stats.proportions import stratified_difference, wilson_interval
from analysis.stats.sizes import FEWEST_ANSWERS, FEWEST_OF_A_SIDE
from analysis.stats.survival import Survival, kaplan_meier
from analysis.tables.engine import Tables
from analysis.tables.lines import midnight
from analysis.tables.periods import Period

#: Days by which the share dealt with is said.
MARKS = (1, 3, 7, 14, 30)


@dataclass(frozen=True)
class Complaints:
    """Complaints of a period and how long they took.

    Parameters
    ----------
    rows
        One row a complaint: customer_id, submitted_at, channel, order_id, product_id, responded
        and resolved (moments, NaT while not before the end of the period), compensation.
    curves
        By step and day: at_risk, events, still (share that still waits), low, high.
    times
        By step: complaints, done, median days with interval (NaN where half have not come).
    marks
        By step and days: share done with interval.
    channels
        By channel: complaints, median days to resolve, share resolved within a week.
    reach
        Complaints and purchases of the period: complaints, orders, share with interval; and of
        the orders promised for a day of it (missing where none is): promised, cancelled,
        cancelled_share with interval.
    """

    rows: pd.DataFrame
    curves: pd.DataFrame
    times: pd.DataFrame
    marks: pd.DataFrame
    channels: pd.DataFrame
    reach: pd.DataFrame


def wait(tables: Tables, period: Period, *, confidence: float = 0.95) -> Complaints:
    """Return how long complaints of the period took, those still open included.

    Raises
    ------
    NotApplicable
        If there are too few to draw a curve.
    """
    rows = _fetch(tables, period)
    if len(rows) < FEWEST_ANSWERS:
        raise NotApplicable(
            f"{len(rows)} complaints came from {period}; {FEWEST_ANSWERS} are needed to tell how "
            "long they take."
        )
    end = pd.Timestamp(period.end)
    curves = {
        step: curve_of(rows, column, end, confidence)
        for step, column in (("first answer", "responded"), ("resolved", "resolved"))
        if rows[column].notna().any()
    }
    return Complaints(
        rows=rows,
        curves=pd.concat([_curve(step, c) for step, c in curves.items()], ignore_index=True)
        if curves
        else pd.DataFrame(columns=["step", "days", "at_risk", "events", "still", "low", "high"]),
        times=pd.DataFrame([_times(step, c, len(rows)) for step, c in curves.items()]),
        marks=pd.DataFrame([m for step, c in curves.items() for m in _marks(step, c)]),
        channels=_channels(rows, end, confidence),
        reach=_reach(tables, period, rows, confidence),
    )


def curve_of(
    rows: pd.DataFrame, column: str, end: pd.Timestamp, confidence: float = 0.95
) -> Survival:
    """Return the curve of the wait for what ``column`` dates; who still waits is censored."""
    until = rows[column].fillna(end)
    days = (until - rows["submitted_at"]).dt.total_seconds().to_numpy() / 86_400
    return kaplan_meier(days, rows[column].notna().to_numpy(), confidence=confidence)


def _fetch(tables: Tables, period: Period) -> pd.DataFrame:
    feedback = tables.feedback
    mine = feedback.filter(
        feedback.kind == "complaint",
        feedback.submitted_at >= midnight(period.start),
        feedback.submitted_at < midnight(period.end),
    )
    wanted = {
        "customer_id": "string", "channel": "string", "order_id": "string", "product_id": "string",
        "first_response_at": "timestamp", "resolved_at": "timestamp", "compensation": "float64",
    }  # fmt: skip
    columns = {
        name: mine[name].cast(kind) if name in mine.columns else ibis.null(kind)
        for name, kind in wanted.items()
    }
    rows = mine.select("feedback_id", "submitted_at", **columns).to_pandas()
    rows = rows.sort_values(["submitted_at", "feedback_id"]).reset_index(drop=True)
    end = pd.Timestamp(period.end)
    for column, name in (("first_response_at", "responded"), ("resolved_at", "resolved")):
        moment = pd.to_datetime(rows[column])
        rows[name] = moment.where((moment < end) & (moment >= rows["submitted_at"]))
    # What is resolved has been answered, also where nobody wrote down when.
    known = rows["responded"].notna().any()
    earlier = rows[["responded", "resolved"]].min(axis=1)
    rows["responded"] = earlier if known else rows["responded"]
    return rows.drop(columns=["first_response_at", "resolved_at"])


def _curve(step: str, curve: Survival) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "step": step,
            "days": curve.times,
            "at_risk": curve.at_risk,
            "events": curve.events,
            "still": curve.still,
            "low": curve.low,
            "high": curve.high,
        }
    )


def _times(step: str, curve: Survival, complaints: int) -> dict[str, object]:
    median, low, high = curve.quantile(0.5)
    done = int(curve.events.sum())
    late, late_low, late_high = curve.quantile(0.9)
    return {
        "step": step, "complaints": complaints, "done": done, "median": median, "low": low,
        "high": high, "nine_in_ten": late, "nine_low": late_low, "nine_high": late_high,
    }  # fmt: skip


def _marks(step: str, curve: Survival) -> list[dict[str, object]]:
    found = []
    for days in MARKS:
        share, low, high = curve.share_by(days)
        found.append({"step": step, "days": days, "share": share, "low": low, "high": high})
    return found


def _channels(rows: pd.DataFrame, end: pd.Timestamp, confidence: float) -> pd.DataFrame:
    found = []
    for channel, mine in rows.groupby("channel"):
        if len(mine) < FEWEST_ANSWERS or not mine["resolved"].notna().any():
            continue
        curve = curve_of(mine, "resolved", end, confidence)
        median, low, high = curve.quantile()
        week = curve.share_by(7)
        found.append(
            {
                "channel": channel, "complaints": len(mine), "median": median, "low": low,
                "high": high, "week": week[0], "week_low": week[1], "week_high": week[2],
            }
        )  # fmt: skip
    columns = ["channel", "complaints", "median", "low", "high", "week", "week_low", "week_high"]
    return pd.DataFrame(found, columns=columns)


def _reach(tables: Tables, period: Period, rows: pd.DataFrame, confidence: float) -> pd.DataFrame:
    lines = tables.order_lines
    inside = lines.filter(
        lines.quantity > 0,
        lines.ordered_at >= midnight(period.start),
        lines.ordered_at < midnight(period.end),
    )
    orders = int(inside.order_id.nunique().to_pandas())
    low, high = wilson_interval(len(rows), max(orders, len(rows)), confidence=confidence)
    share = len(rows) / orders if orders else np.nan
    told = {"complaints": len(rows), "orders": orders, "share": share, "low": low[0],
            "high": high[0]}  # fmt: skip
    return pd.DataFrame([told | _cancelled(tables, period, confidence)])


def _cancelled(tables: Tables, period: Period, confidence: float) -> dict[str, float]:
    """Return how many orders that were to be delivered in the period were cancelled."""
    names = ("promised", "cancelled", "cancelled_share", "cancelled_low", "cancelled_high")
    if not (tables.has("orders", "promised_on") and tables.has("orders", "cancelled_at")):
        return dict.fromkeys(names, np.nan)
    rows = tables.orders
    rows = rows.filter(
        rows.promised_on >= ibis.date(period.start.isoformat()),
        rows.promised_on < ibis.date(period.end.isoformat()),
    )
    gone = rows.filter(rows.cancelled_at.notnull(), rows.cancelled_at < midnight(period.end))
    promised, cancelled = (int(part.count().to_pandas()) for part in (rows, gone))
    low, high = wilson_interval(cancelled, promised, confidence=confidence)
    share = cancelled / promised if promised else np.nan
    found = (promised, cancelled, share, low[0], high[0])
    return dict(zip(names, map(float, found), strict=True))


def open_list(tables: Tables, period: Period) -> pd.DataFrame:
    """Return the customers with a complaint of the period that is not resolved by its end.

    However few: customer_id, since (the day of the oldest), kind.
    """
    rows = _fetch(tables, period)
    waiting = rows[rows["resolved"].isna() & rows["customer_id"].notna()]
    since = waiting.groupby("customer_id")["submitted_at"].min().dt.date
    found = since.rename("since").reset_index().assign(kind="complaint")
    return found.sort_values(["since", "customer_id"]).reset_index(drop=True)


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
