"""The period under report, the one before it, and whether the data cover both.

Each customer's buying in the two periods of a comparison, side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import ibis
import pandas as pd

from analysis.errors import NotApplicable
from analysis.tables.engine import Tables
from analysis.tables.lines import by_part, is_order, lines_in, midnight, raw_lines_in
from analysis.tables.margin import cents
from analysis.tables.periods import Period


@dataclass(frozen=True)
class Comparison:
    """Two periods of equal length, one after the other.

    Parameters
    ----------
    current, previous
        The period under report and the one before it.
    first_day, last_day
        First and last day with an order, of those before the end of ``current``.
    reason
        Why the two cannot be compared, in one sentence; None where they can.
    """

    current: Period
    previous: Period
    first_day: date
    last_day: date
    reason: str | None

    def check(self) -> None:
        """Raise NotApplicable if the two periods cannot be compared."""
        if self.reason is not None:
            raise NotApplicable(self.reason)

    @property
    def whole_years(self) -> bool:
        """Whether each period spans whole years, so that seasons do not tell them apart."""
        return self.current.days % 364 in (0, 1)

    @property
    def window(self) -> Period:
        """Both periods, or as much of them as there are data for."""
        return Period(max(self.previous.start, self.first_day), self.current.end)


def compare(tables: Tables, as_of: date | str, *, days: int) -> Comparison:
    """Return the ``days`` days before ``as_of`` and the ``days`` days before those.

    A full period against one that the data cover in part would show growth that is none. So at
    most one trading day in a hundred may be missing at either end; a weekday that never sees an
    order (closed on Sundays) is no trading day.

    Raises
    ------
    NotApplicable
        If there is no order before ``as_of``.
    """
    current = Period.before(as_of, days=days)
    previous = current.previous()
    daily = daily_sales(tables, end=current.end)
    traded = [day.date() for day in daily["day"]]
    reason = _reason(current, previous, traded)
    return Comparison(current, previous, traded[0], traded[-1], reason)


def daily_sales(tables: Tables, *, end: date) -> pd.DataFrame:
    """Return the days with lines before ``end``: day, lines, orders, net_amount, earliest first.

    A credit note counts in net_amount and not in orders.

    Raises
    ------
    NotApplicable
        If there is none.
    """
    lines = tables.order_lines
    before = lines.filter(lines.ordered_at < midnight(end))
    orders = before.group_by(day=before.ordered_at.date(), order_id=before.order_id).agg(
        lines=before.count(), net=before.net_amount.sum(), purchase=is_order(before)
    )
    days = orders.group_by("day").agg(
        lines=orders.lines.sum(),
        orders=orders.purchase.sum(),
        net_amount=orders.net.sum().cast("float64"),
    )
    daily = days.order_by("day").to_pandas()
    if daily.empty:
        raise NotApplicable(f"There is no order before {end}, so there is nothing to report.")
    return daily.astype({"day": "datetime64[us]"})


def in_either(tables: Tables, compared: Comparison, *, raw: bool = False) -> ibis.Table:
    """Return the order lines of either period, with ``now`` telling which of the two.

    With margin (see ``lines_with_margin``), or ``raw``, as they are.
    """
    whole = Period(compared.previous.start, compared.current.end)
    both = raw_lines_in(tables, whole) if raw else lines_in(tables, whole)
    return both.mutate(now=both.ordered_at >= midnight(compared.current.start))


def _reason(current: Period, previous: Period, traded: list[date]) -> str | None:
    first, last = traded[0], traded[-1]
    weekdays = {day.weekday() for day in traded}
    slack = current.days // 100
    if _trading_days(last + timedelta(days=1), current.end, weekdays) > slack:
        return (
            f"The data end on {last}, before {current} is over, so it is not compared with the "
            f"period before; as_of: {last + timedelta(days=1)} would use all there is."
        )
    if _trading_days(previous.start, first, weekdays) > slack:
        return (
            f"The data begin on {first} and do not cover {previous}, so there is no prior period "
            f"to compare {current} with."
        )
    return None


def _trading_days(start: date, end: date, weekdays: set[int]) -> int:
    return sum(
        (start + timedelta(days=i)).weekday() in weekdays for i in range(max((end - start).days, 0))
    )


_SUMS = ("orders", "items", "net")


def paired_customers(tables: Tables, compared: Comparison) -> pd.DataFrame:
    """Return one row a customer with an order line in either period; guests are left out.

    Parameters
    ----------
    tables
        A study's tables; needs order_lines and products.
    compared
        The two periods.

    Returns
    -------
    pandas.DataFrame
        Sorted by customer_id: customer_id; first_on (first day with an order line in all data);
        orders_before and orders_now (orders with at least one line that is not a return);
        items_before and items_now (units; a line whose quantity counts no units is one item);
        net_before and net_now (currency, returns subtracted); net_odd and net_even (net amount
        of every other week of both periods together, from the first week on).

    Raises
    ------
    NotApplicable
        If the data do not cover both periods.
    """
    compared.check()
    rows = by_part(tables, lambda part: _paired(part, compared))
    return rows.order_by("customer_id").to_pandas().astype({"first_on": "datetime64[us]"})


def _paired(tables: Tables, compared: Comparison) -> ibis.Table:
    orders = _orders(tables, compared)
    orders = orders.filter(orders.customer_id.notnull())
    sums = {
        f"{name}_{when}": chosen.ifelse(orders[name], 0).sum()
        for name in _SUMS
        for when, chosen in (("before", ~orders.now), ("now", orders.now))
    }
    sums |= {
        f"net_{when}": chosen.ifelse(orders.net, 0).sum()
        for when, chosen in (("odd", orders.week % 2 == 0), ("even", orders.week % 2 == 1))
    } | {name: value for name, value in sums.items() if name.startswith("net")}
    totals = orders.group_by("customer_id").agg(**sums)
    totals = totals.mutate(
        **{name: totals[name].cast("float64") / 100 for name in sums if name.startswith("net")},
        **{name: totals[name].cast("float64") for name in sums if not name.startswith("net")},
    )
    lines = tables.order_lines
    first = lines.group_by("customer_id").agg(first_on=lines.ordered_at.min().date())
    return first.inner_join(totals, "customer_id")


def paired_guests(tables: Tables, compared: Comparison) -> pd.Series:
    """Return what guests bought in the two periods.

    Returns
    -------
    pandas.Series
        orders_before, orders_now, net_before, net_now and variance: of the change in their net
        amount, each guest order being independent of the others.
    """
    compared.check()
    orders = _orders(tables, compared)
    guests = orders.filter(orders.customer_id.isnull())
    net = guests.net.cast("float64") / 100
    before, now = (~guests.now), guests.now
    sums = guests.agg(
        orders_before=before.ifelse(guests.orders, 0).sum(),
        orders_now=now.ifelse(guests.orders, 0).sum(),
        net_before=before.ifelse(guests.net, 0).sum().cast("float64") / 100,
        net_now=now.ifelse(guests.net, 0).sum().cast("float64") / 100,
        variance=(net * net).round(4).cast("decimal(38, 4)").sum().cast("float64"),
    )
    return sums.to_pandas().fillna(0).iloc[0].astype("float64")


def _orders(tables: Tables, compared: Comparison) -> ibis.Table:
    """Return one row an order: customer_id, now, week, orders (0 or 1), items, net (cents)."""
    lines = in_either(tables, compared)
    start = ibis.date(compared.previous.start.isoformat())
    one = (lines.quantity < 0).ifelse(-1.0, 1.0)
    lines = lines.mutate(
        items=lines.counted.ifelse(lines.quantity, one),
        net_cents=cents(lines.net_amount),
        bought=(lines.quantity >= 0).ifelse(1, 0),
        day=lines.ordered_at.date().delta(start, unit="day").cast("int64"),
    )
    return lines.group_by("order_id", "customer_id").agg(
        now=lines.now.max(),
        week=(lines.day.min() // 7).cast("int64"),
        orders=lines.bought.max(),
        items=lines.items.sum(),
        net=lines.net_cents.sum(),
    )
