"""Repeat purchases, recency and time observed of every customer: what purchase models need.

In the notation of the field: x repeat purchase days, t_x weeks from the first to the last of them,
T weeks from the first to the end of the period. Customers with the same three numbers are one row
with a count: a million customers of a shop become some ten thousand rows, and the likelihood costs
no more than these.

Reference
---------
Fader, Hardie, Lee (2005), "Counting your customers" the easy way, Marketing Science 24(2), 275-284.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.stats.types import Floats
from analysis.tables.lines import lines_in, raw_lines_in
from analysis.tables.margin import MICROS
from analysis.tables.periods import Period

if TYPE_CHECKING:
    from analysis.tables.engine import Tables


#: Days in a unit of the models' time.
WEEK = 7.0

#: Logarithms are summed as whole thousand-millionths: sums then do not depend on thread order.
_NANOS = 1_000_000_000


@dataclass(frozen=True)
class PurchaseCounts:
    """Customers by (x, t_x, T).

    Parameters
    ----------
    repeats, recency, observed
        x (purchase days after the first), t_x and T (weeks).
    customers
        How many customers share the row.
    log_gaps
        Sum over all customers of the logarithms of the weeks between their purchases; only models
        with regular gaps need it.
    """

    repeats: Floats
    recency: Floats
    observed: Floats
    customers: Floats
    log_gaps: float = 0.0

    def __len__(self) -> int:
        return len(self.repeats)

    @property
    def total(self) -> int:
        """Number of customers."""
        return int(self.customers.sum())

    @classmethod
    def of(cls, summary: pd.DataFrame) -> PurchaseCounts:
        """Return the counts of one row a customer: repeats, recency, observed, [log_gaps]."""
        keys = ["repeats", "recency", "observed"]
        rows = summary.groupby(keys, sort=True).size().rename("customers").reset_index()
        logs = float(summary["log_gaps"].sum()) if "log_gaps" in summary else 0.0
        x, last, end, n = (rows[name].to_numpy("float64") for name in (*keys, "customers"))
        return cls(x, last, end, n, logs)

    @classmethod
    def each(cls, summary: pd.DataFrame) -> PurchaseCounts:
        """Return one row a customer in the order of ``summary``, for scoring."""
        keys = ("repeats", "recency", "observed")
        x, last, end = (summary[name].to_numpy("float64") for name in keys)
        return cls(x, last, end, np.ones(len(summary)))

    def part(self, rows: slice) -> PurchaseCounts:
        """Return some of the rows."""
        x, last, end, n = self.repeats, self.recency, self.observed, self.customers
        return PurchaseCounts(x[rows], last[rows], end[rows], n[rows], self.log_gaps)

    def rate(self) -> float:
        """Return the repeat purchases per customer and week observed."""
        weeks = float(self.observed @ self.customers)
        return float(self.repeats @ self.customers) / weeks if weeks > 0 else 0.0


def observed_history(tables: Tables, period: Period) -> Period:
    """Return the part of ``period`` from the first order line on: before it nothing was observed.

    Raises
    ------
    NotApplicable
        If there is no order line in ``period``.
    """
    lines = raw_lines_in(tables, period)
    first = lines.ordered_at.min().date().to_pandas()
    if pd.isna(first):
        raise NotApplicable(f"There is no order from {period}.")
    return Period(pd.Timestamp(first).date(), period.end)


def compute(tables: Tables, period: Period) -> ibis.Table:
    """Return one row a customer with a purchase in ``period``; guests are left out.

    Purchases of one day are one, and whatever a customer brings on other days (returns) belongs
    to the average of the purchase days.

    Returns
    -------
    ibis.Table
        customer_id, repeats, first_on, last_on (dates of purchases), recency_days (first to last),
        observed_days (first to the last day of the period), log_gaps (sum of ln weeks between
        purchases), net_micros, margin_micros (of all lines), margin_squares (sum of squared
        margins of purchase days, currency).
    """
    days = _days(tables, period)
    by_day = ibis.window(group_by=days.customer_id, order_by=days.day)
    bought = days.filter(days.bought)
    bought = bought.mutate(gap=bought.day.delta(bought.day.lag().over(by_day), unit="day"))
    logs = ((bought.gap.cast("float64") / WEEK).ln() * _NANOS).round().cast("int64")
    cents = (bought.margin / 10_000).round().cast("int64")
    timing = bought.group_by("customer_id").agg(
        repeats=(bought.count() - 1).cast("int64"),
        first_on=bought.day.min(),
        last_on=bought.day.max(),
        log_gaps=ibis.coalesce(logs.sum(), 0).cast("float64") / _NANOS,
        margin_squares=(cents * cents).sum().cast("float64") / 10_000,
    )
    money = days.group_by("customer_id").agg(
        net_micros=days.net.sum().cast("int64"), margin_micros=days.margin.sum().cast("int64")
    )
    joined = timing.left_join(money, "customer_id").drop("customer_id_right")
    last_day = ibis.date(period.last_day.isoformat())
    return joined.mutate(
        recency_days=joined.last_on.delta(joined.first_on, unit="day").cast("int64"),
        observed_days=last_day.delta(joined.first_on, unit="day").cast("int64"),
    )


def _days(tables: Tables, period: Period) -> ibis.Table:
    """Return one row a customer and day: day, net, margin (micros), bought (no mere return)."""
    lines = lines_in(tables, period)
    lines = lines.filter(lines.customer_id.notnull())
    lines = lines.mutate(day=lines.ordered_at.date())
    return lines.group_by("customer_id", "day").agg(
        net=(lines.net_amount * 100).cast("int64").sum() * (MICROS // 100),
        margin=lines.margin_micros.sum(),
        bought=(lines.quantity >= 0).any(),
    )


def fetch(tables: Tables, period: Period) -> pd.DataFrame:
    """Return ``compute`` by customer_id, in weeks and currency.

    Returns
    -------
    pandas.DataFrame
        customer_id, repeats, recency, observed (weeks), log_gaps, first_on, last_on, net_amount,
        margin_amount, margin_squares.
    """
    frame = compute(tables, period).order_by("customer_id").to_pandas()
    return frame.assign(
        recency=frame["recency_days"] / WEEK,
        observed=frame["observed_days"] / WEEK,
        net_amount=frame["net_micros"] / MICROS,
        margin_amount=frame["margin_micros"] / MICROS,
    )[
        [
            "customer_id", "repeats", "recency", "observed", "log_gaps", "first_on", "last_on",
            "net_amount", "margin_amount", "margin_squares",
        ]
    ]  # fmt: skip


def fetch_counts(tables: Tables, period: Period) -> PurchaseCounts:
    """Return customers by (x, t_x, T), summed up in the engine: no row per customer leaves it."""
    each = compute(tables, period)
    keys = ("repeats", "recency_days", "observed_days")
    nanos = (each.log_gaps * _NANOS).round().cast("int64")
    rows = each.group_by(*keys).agg(customers=each.count(), nanos=nanos.sum())
    frame = rows.order_by(*keys).to_pandas()
    return PurchaseCounts(
        frame["repeats"].to_numpy("float64"),
        frame["recency_days"].to_numpy("float64") / WEEK,
        frame["observed_days"].to_numpy("float64") / WEEK,
        frame["customers"].to_numpy("float64"),
        float(frame["nanos"].sum()) / _NANOS,
    )
