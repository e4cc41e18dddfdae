"""The period under report, the one before it, and whether the data cover both."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from analysis.errors import NotApplicable
from analysis.tables.credit_notes import is_order
from analysis.tables.periods import Period

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from analysis.tables.engine import Tables


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


def midnight(day: date) -> ibis.Value:
    """Return the start of ``day`` as the engine compares it with a timestamp."""
    import ibis

    return ibis.timestamp(f"{day.isoformat()} 00:00:00")


def in_period(rows: ibis.Table, period: Period) -> ibis.Table:
    """Return the rows ordered in ``period``."""
    moment = rows.ordered_at
    return rows.filter(moment >= midnight(period.start), moment < midnight(period.end))


def in_either(rows: ibis.Table, compared: Comparison) -> ibis.Table:
    """Return the rows ordered in either period, with ``now`` telling which of the two."""
    both = in_period(rows, Period(compared.previous.start, compared.current.end))
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
