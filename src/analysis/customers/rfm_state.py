"""RFM kept up to date: a new day is folded in, the day that left the window taken out.

The state holds one row a customer: orders, net and last purchase over a window. All three can be
moved by a day without reading the lines in between: orders and net by adding and subtracting, the
last purchase because a day that leaves the window is earlier than all that stay, so it can only
have been the last of a customer who has nothing left. An order belongs to one day.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.customers import rfm
from analysis.errors import ParamsError
from analysis.tables.periods import Period

if TYPE_CHECKING:
    import ibis

    from analysis.tables.engine import Tables


def fold(state: ibis.Table, tables: Tables, *, kept: Period, wanted: Period) -> ibis.Table:
    """Return the state of ``wanted`` from that of ``kept``.

    Parameters
    ----------
    state
        ``rfm.totals`` of ``kept``: customer_id, orders, net_cents, last_order_on.
    tables
        A study's tables; only the days that arrive and those that leave are read.
    kept, wanted
        The window of the state and the later window wanted; they must overlap.

    Raises
    ------
    ParamsError
        If ``wanted`` is earlier than ``kept`` or does not overlap with it.
    """
    import ibis

    if wanted.start < kept.start or wanted.end < kept.end or wanted.start >= kept.end:
        raise ParamsError(f"A state of {kept} cannot be moved to {wanted}")
    parts = [state]
    if wanted.end > kept.end:
        parts.append(rfm.totals(tables, Period(kept.end, wanted.end)))
    if wanted.start > kept.start:
        left = rfm.totals(tables, Period(kept.start, wanted.start))
        nothing = ibis.null("date")
        parts.append(left.mutate(orders=-left.orders, net_cents=-left.net_cents))
        parts[-1] = parts[-1].mutate(last_order_on=nothing)
    names = ("customer_id", "orders", "net_cents", "last_order_on")
    moved = ibis.union(*(part.select(*names) for part in parts)) if len(parts) > 1 else state
    summed = moved.group_by("customer_id").agg(
        orders=_whole(moved.orders.sum()),
        net_cents=_whole(moved.net_cents.sum()),
        last_order_on=moved.last_order_on.max(),
    )
    return summed.filter(summed.orders > 0)


def _whole(total: ibis.Value) -> ibis.Value:
    """Return a sum as int64: DuckDB sums integers into 128 bits, which Parquet does not know."""
    return total.cast("decimal(18, 0)").cast("int64")
