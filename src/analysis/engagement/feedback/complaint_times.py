"""How long complaints wait for a first answer and for being resolved."""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.stats.proportions import wilson_interval
from analysis.stats.sizes import FEWEST_ANSWERS
from analysis.stats.surveys.kaplan_meier import Survival, kaplan_meier
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
        "customer_id": "string",
        "channel": "string",
        "order_id": "string",
        "product_id": "string",
        "first_response_at": "timestamp",
        "resolved_at": "timestamp",
        "compensation": "float64",
    }
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
