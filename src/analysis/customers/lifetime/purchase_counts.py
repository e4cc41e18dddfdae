"""Repeat purchases, recency and time observed of every customer: what purchase models need.

In the notation of the field: x repeat purchase days, t_x weeks from the first to the last of them,
T weeks from the first to the end of the period. Customers with the same three numbers are one row
with a count, summed up in the engine where there are many: the likelihood costs no more than these
rows. Four million customers without any rhythm, seen for two years, are 1.4 million rows.

Reference
---------
Fader, Hardie, Lee (2005), "Counting your customers" the easy way, Marketing Science 24(2), 275-284.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.errors import NotApplicable
from analysis.stats.sizes import FEWEST_LEARNT
from analysis.stats.types import Floats
from analysis.tables.lines import lines_in, raw_lines_in
from analysis.tables.margin import MICROS
from analysis.tables.periods import Period

if TYPE_CHECKING:
    from datetime import date

    from analysis.tables.engine import Tables

#: Days in a unit of the models' time.
WEEK = 7.0

#: Logarithms are summed as whole thousand-millionths: sums then do not depend on thread order.
_NANOS = 1_000_000_000

#: Rows whose likelihood is taken at once: as many as a processor keeps near by.
_BLOCK = 50_000

#: Begins the name of a column that says, as a number, what a customer is known to be.
TRAIT = "trait: "

_FETCHED = (
    "customer_id", "repeats", "recency", "observed", "log_gaps", "first_on", "last_on",
    "net_amount", "margin_amount", "margin_squares",
)  # fmt: skip

#: Attributes of the customer table that are settled on joining.
SETTLED = ("acquisition_channel", "gender")


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
    traits
        What customers are known to be, rows x traits; without columns where nothing is.
    """

    repeats: Floats
    recency: Floats
    observed: Floats
    customers: Floats
    log_gaps: float = 0.0
    traits: Floats = field(default_factory=lambda: np.zeros((1, 0)))

    def __len__(self) -> int:
        return len(self.repeats)

    @cached_property
    def distinct_repeats(self) -> tuple[Floats, NDArray[np.int64]]:
        """The numbers of repeat purchases there are, and the place of each row's among them."""
        numbers, row = np.unique(self.repeats, return_inverse=True)
        return numbers, row

    @property
    def runs(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The first of rows one after the other that are alike, and the run of each row."""
        new = np.arange(len(self)) == 0
        for values in (self.repeats, self.recency, self.observed, *self.traits.T):
            new[1:] |= values[1:] != values[:-1]
        return np.flatnonzero(new), np.cumsum(new) - 1

    @cached_property
    def _blocks(self) -> tuple[PurchaseCounts, ...]:
        if len(self) <= _BLOCK:
            return (self,)
        return tuple(self.part(slice(i, i + _BLOCK)) for i in range(0, len(self), _BLOCK))

    def by_blocks(
        self, of: Callable[[PurchaseCounts], tuple[float, Floats]]
    ) -> tuple[float, Floats]:
        """Return the sum of a likelihood and its slopes over parts of the rows.

        What is reckoned on the way is then never larger than a part, however many rows there are.
        """
        heights, slopes = zip(*map(of, self._blocks), strict=True)
        return float(sum(heights)), np.sum(slopes, axis=0)

    def summed(self, values: Floats) -> float:
        """Return the sum over customers of a value by row.

        Not by a product of vectors: its threads are slower for so little, and wait for busy cores.
        """
        return float((values * self.customers).sum())

    @property
    def total(self) -> int:
        """Number of customers."""
        return int(self.customers.sum())

    @classmethod
    def of(cls, summary: pd.DataFrame, traits: Sequence[str] = ()) -> PurchaseCounts:
        """Return the counts of one row a customer: repeats, recency, observed, [log_gaps], traits.

        Customers who differ in a trait asked for are rows of their own.
        """
        keys = ["repeats", "recency", "observed"]
        rows = summary.groupby([*keys, *traits], sort=True).size().rename("customers")
        rows = rows.reset_index()
        logs = float(summary["log_gaps"].sum()) if "log_gaps" in summary else 0.0
        x, last, end, n = (rows[name].to_numpy("float64") for name in (*keys, "customers"))
        return cls(x, last, end, n, logs, rows[list(traits)].to_numpy("float64"))

    @classmethod
    def each(cls, summary: pd.DataFrame) -> PurchaseCounts:
        """Return one row a customer in the order of ``summary`` with all traits, for scoring."""
        keys = ("repeats", "recency", "observed")
        x, last, end = (summary[name].to_numpy("float64") for name in keys)
        traits = summary[trait_names(summary)].to_numpy("float64")
        return cls(x, last, end, np.ones(len(summary)), traits=traits)

    def part(self, rows: slice | NDArray[np.int64]) -> PurchaseCounts:
        """Return some of the rows."""
        x, last, end, n = self.repeats, self.recency, self.observed, self.customers
        traits = self.traits[rows] if self.traits.shape[1] else self.traits
        return PurchaseCounts(x[rows], last[rows], end[rows], n[rows], self.log_gaps, traits)

    def rate(self) -> float:
        """Return the repeat purchases per customer and week observed."""
        weeks = float(self.observed @ self.customers)
        return float(self.repeats @ self.customers) / weeks if weeks > 0 else 0.0


def trait_names(summary: pd.DataFrame) -> list[str]:
    """Return the columns of ``summary`` that hold traits."""
    return [name for name in summary.columns if name.startswith(TRAIT)]


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
    alike = ibis.window(group_by=["customer_id", "bought"], order_by="day")
    days = days.mutate(gap=days.day.delta(days.day.lag().over(alike), unit="day"))
    logs = ((days.gap.cast("float64") / WEEK).ln() * _NANOS).round().cast("int64")
    cents = (days.margin / 10_000).round().cast("int64")
    each = days.group_by("customer_id").agg(
        repeats=(days.count(where=days.bought) - 1).cast("int64"),
        first_on=days.day.min(where=days.bought),
        last_on=days.day.max(where=days.bought),
        log_gaps=ibis.coalesce(logs.sum(where=days.bought), 0).cast("float64") / _NANOS,
        margin_squares=(cents * cents).sum(where=days.bought).cast("float64") / 10_000,
        net_micros=days.net.sum().cast("int64"),
        margin_micros=days.margin.sum().cast("int64"),
    )
    each = each.filter(each.repeats >= 0)
    last_day = ibis.date(period.last_day.isoformat())
    return each.mutate(
        recency_days=each.last_on.delta(each.first_on, unit="day").cast("int64"),
        observed_days=last_day.delta(each.first_on, unit="day").cast("int64"),
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
        margin_amount, margin_squares, and those of `SETTLED` that the study states.
    """
    frame = compute(tables, period).order_by("customer_id").to_pandas()
    known = [name for name in SETTLED if tables.has("customers", name)]
    if known:
        stated = tables.customers.select("customer_id", *known).to_pandas()
        frame = frame.merge(stated, on="customer_id", how="left")
    return _in_weeks(frame)[[*_FETCHED, *known]]


def in_batches(tables: Tables, period: Period, *, size: int) -> Iterator[pd.DataFrame]:
    """Yield ``fetch`` some customers at a time, those of the same counts one after the other.

    Sorted in the engine, so that memory does not grow with the number of customers, and that a
    batch holds few different counts.
    """
    each = compute(tables, period)
    each = each.order_by("repeats", "recency_days", "observed_days", "customer_id")
    for batch in each.to_pyarrow_batches(chunk_size=size):
        yield _in_weeks(batch.to_pandas())[list(_FETCHED)]


def _in_weeks(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(
        recency=frame["recency_days"] / WEEK,
        observed=frame["observed_days"] / WEEK,
        net_amount=frame["net_micros"] / MICROS,
        margin_amount=frame["margin_micros"] / MICROS,
    )


def fetch_counts(tables: Tables, period: Period) -> PurchaseCounts:
    """Return customers by (x, t_x, T), summed up in the engine: no row per customer leaves it."""
    return summed_up(compute(tables, period))


def summed_up(each: ibis.Table) -> PurchaseCounts:
    """Return the counts of one row a customer that the engine holds.

    Parameters
    ----------
    each
        repeats, recency_days, observed_days, and log_gaps where models with regular gaps are asked.
    """
    keys = {k: each[k].cast("int32") for k in ("repeats", "recency_days", "observed_days")}
    sums = {"customers": each.count()}
    if "log_gaps" in each.columns:
        sums["nanos"] = (each.log_gaps * _NANOS).round().cast("int64").sum()
    rows = each.group_by(**keys).agg(**sums).order_by(*keys).to_pyarrow()
    x, last, end, n = (rows[name].to_numpy().astype("float64") for name in (*keys, "customers"))
    logs = float(rows["nanos"].to_numpy().sum()) / _NANOS if "nanos" in sums else 0.0
    return PurchaseCounts(x, last / WEEK, end / WEEK, n, logs)


def repeats_by_week(tables: Tables, period: Period, *, until: date) -> pd.DataFrame:
    """Return the repeat purchases of every week of customers first seen before ``until``.

    Returns
    -------
    pandas.DataFrame
        week (from the start of ``period``, 0 first), repeats (purchase days after the first).
    """
    days = _days(tables, period)
    bought = days.filter(days.bought)
    first = bought.day.min().over(group_by=bought.customer_id)
    bought = bought.mutate(first=first)
    again = bought.filter(bought.day > bought["first"], bought["first"] < ibis.date(str(until)))
    place = again.day.delta(ibis.date(str(period.start)), unit="day").cast("int64") // 7
    weeks = again.group_by(week=place).agg(repeats=again.count())
    return weeks.order_by("week").to_pandas()


def encode(customers: pd.DataFrame) -> pd.DataFrame:
    """Return ``customers`` with one column a trait, of mean nought among those who state it.

    A trait is a level of an attribute against its commonest one. Levels that fewer than a hundred
    customers state count as not stated, and so does an attribute with a single level.
    """
    traits = {}
    for name in SETTLED:
        if name not in customers:
            continue
        sizes = customers[name].value_counts()
        levels = sorted(sizes.index[sizes >= FEWEST_LEARNT], key=lambda v: (-sizes[v], v))
        stated = customers[name].isin(levels)
        for level in levels[1:]:
            own = (customers[name] == level).astype("float64")
            column = f"{TRAIT}{name.replace('_', ' ')} {level}, not {levels[0]}"
            traits[column] = (own - own[stated].mean()).where(stated, 0.0)
    return customers.assign(**traits)
