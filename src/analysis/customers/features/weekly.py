"""What each customer was worth, week by week.

The engine sums order lines to customer and week; what leaves it is laid side by side, one row a
customer. Change, noise and persistence are judged on these weeks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from analysis.errors import NotApplicable, ParamsError
from analysis.tables.engine import kind_of
from analysis.tables.lines import bought, by_part, lines_in
from analysis.tables.margin import MICROS
from analysis.tables.periods import Period, written

if TYPE_CHECKING:
    from analysis.tables.engine import Tables

Value = Literal["net_amount", "margin_amount"]

#: Days by which the first order may come after the period's start before the first half counts as
#: not covered by the data.
_SLACK_DAYS = 7


@dataclass(frozen=True)
class WeeklyAmounts:
    """Weekly totals of every customer who bought in the period, guests excluded.

    Parameters
    ----------
    customers
        ``customer_id`` by row, ascending.
    weeks
        The weeks by column, earliest first; an even number, so that they make two halves.
    net_amount, margin_amount
        Customers x weeks, in millionths of the currency: whole numbers held as float64, so that
        every sum below 9 thousand million of the currency is exact.
    """

    customers: pd.Index
    weeks: tuple[Period, ...]
    net_amount: np.ndarray
    margin_amount: np.ndarray
    gap: str = ""

    @property
    def before(self) -> Period:
        """The first half."""
        return Period(self.weeks[0].start, self.weeks[len(self.weeks) // 2 - 1].end)

    @property
    def now(self) -> Period:
        """The second half."""
        return Period(self.before.end, self.weeks[-1].end)

    def of(self, value: Value) -> np.ndarray:
        """Return the customers x weeks of ``value`` in millionths of the currency."""
        return self.net_amount if value == "net_amount" else self.margin_amount

    def require(self) -> None:
        """Raise NotApplicable with the reason if the halves cannot be compared."""
        if self.gap:
            raise NotApplicable(self.gap)

    def require_return(self) -> None:
        """Raise NotApplicable if nobody bought in two weeks: then nobody can stay or move."""
        if not ((self.net_amount != 0).sum(axis=1) > 1).any():
            raise NotApplicable("Nobody bought in two different weeks, so nobody stays or moves.")

    def serial_correlation(self, value: Value = "margin_amount") -> float:
        """Return the correlation of neighbouring weeks within a half, over all customers.

        Taking each customer's own mean off makes independent weeks look correlated by
        -1 / weeks; that is added back. NaN where no customer's weeks differ.
        """
        parts = np.split(self.of(value), 2, axis=1)
        halves = [part - part.mean(axis=1, keepdims=True) for part in parts]
        together = sum(float((half[:, 1:] * half[:, :-1]).sum()) for half in halves)
        alone = sum(float((half**2).sum()) for half in halves)
        return together / alone + 2 / len(self.weeks) if alone > 0 else float("nan")

    def halves(self) -> pd.DataFrame | None:
        """Return each customer's two halves; None where they cannot be compared.

        Returns
        -------
        pandas.DataFrame
            customer_id; net_before, net_now, margin_before, margin_now (currency).
        """
        if self.gap:
            return None
        middle = len(self.weeks) // 2
        sums = {
            f"{name}_{half}": amounts[:, part].sum(axis=1) / MICROS
            for name, amounts in (("net", self.net_amount), ("margin", self.margin_amount))
            for half, part in (("before", slice(0, middle)), ("now", slice(middle, None)))
        }
        return pd.DataFrame({"customer_id": self.customers, **sums})


def fetch(tables: Tables, period: Period) -> WeeklyAmounts:
    """Return the weekly totals of every customer over ``period``.

    Where the orders start so late that the first half is not covered, or where all customers
    together brought nothing in a half, the result says so as its ``gap``, and whoever compares
    the halves refuses with that sentence.

    Parameters
    ----------
    tables
        A study's tables; needs order_lines and products.
    period
        Two halves of whole weeks each.

    Raises
    ------
    ParamsError
        If the period is not two halves of whole weeks.
    NotApplicable
        If no customer bought anything.
    """
    if period.days % 14:
        raise ParamsError(
            f"{period.days} days are not two halves of whole weeks: "
            "choose a compare_days that 7 divides"
        )
    rows = _brought(by_part(tables, lambda part: compute(part, period)))
    if not pc.any(pc.equal(rows["came"], 1)).as_py():
        raise NotApplicable(f"No known customer bought anything from {period}.")
    keys = rows["customer_id"].combine_chunks()
    begins = np.ones(len(keys), dtype=bool)
    begins[1:] = pc.not_equal(keys[1:], keys[:-1]).to_numpy(zero_copy_only=False)
    row, week = np.cumsum(begins) - 1, rows["week"].to_numpy()
    net, margin = (np.zeros((row[-1] + 1, period.days // 7), order="F") for _ in range(2))
    net[row, week], margin[row, week] = rows["net"].to_numpy(), rows["margin"].to_numpy()
    customers = pd.Index(keys.filter(pa.array(begins)).to_pandas(), name="customer_id")
    came = np.maximum.reduceat(rows["came"].to_numpy(), np.flatnonzero(begins)) > 0
    if not came.all():  # who only returned goods is no buyer of these weeks
        customers, net, margin = customers[came], net[came], margin[came]
    return WeeklyAmounts(
        customers=customers,
        weeks=tuple(period.weeks()),
        net_amount=net,
        margin_amount=margin,
        gap=_late(tables, period) or _nothing(net) or _nothing(margin),
    )


def _brought(rows: ibis.Table) -> pa.Table:
    """Return the rows by customer; from Spark's workers they come as one of each customer."""
    if kind_of(rows.get_backend()) == "duckdb":
        return rows.order_by("customer_id", "week").to_pyarrow()
    weeks = ibis.struct({n: rows[n] for n in rows.columns if n != "customer_id"}).collect()
    found = rows.group_by("customer_id").agg(weeks=weeks).to_pyarrow().sort_by("customer_id")
    each = found["weeks"].combine_chunks()
    keys = found["customer_id"].take(each.value_parent_indices())
    return pa.Table.from_struct_array(each.flatten()).append_column("customer_id", keys)


def compute(tables: Tables, period: Period) -> ibis.Table:
    """Return the weekly totals as an expression.

    Returns
    -------
    ibis.Table
        customer_id, week (from 0 at the start of ``period``), net and margin (millionths of the
        currency, int64), came (1 where anything was bought): one row a customer and week with an
        order line.
    """
    lines = lines_in(tables, period)
    start = ibis.date(period.start.isoformat())
    days = lines.ordered_at.date().delta(start, unit="day").cast("int64")
    micros = (lines.net_amount * 100).cast("int64") * (MICROS // 100)
    weekly = lines.filter(lines.customer_id.notnull()).mutate(week=days // 7, net_micros=micros)
    sums = weekly.group_by("customer_id", "week").agg(
        net=weekly.net_micros.sum(),
        margin=weekly.margin_micros.sum(),
        came=bought(weekly).cast("int64").max(),
    )
    return sums.cast(dict.fromkeys(("week", "net", "margin", "came"), "int64"))


def _late(tables: Tables, period: Period) -> str:
    first = tables.first_day
    if first is None or (first - period.start).days <= _SLACK_DAYS:
        return ""
    return (
        f"Orders start on {written(first)}, but comparing two halves needs them from "
        f"{written(period.start)} on; shorter halves would need less."
    )


def _nothing(amounts: np.ndarray) -> str:
    middle = amounts.shape[1] // 2
    if min(amounts[:, :middle].sum(), amounts[:, middle:].sum()) > 0:
        return ""
    return "All customers together brought nothing in one of the halves."
