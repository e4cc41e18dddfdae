"""Each customer's buying in the two periods of a comparison, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.tables.comparison import in_either
from analysis.tables.margin import lines_with_margin
from analysis.tables.money import cents

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from analysis.tables.comparison import Comparison
    from analysis.tables.engine import Tables

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
    joined = first.inner_join(totals, "customer_id")
    return joined.order_by("customer_id").to_pandas().astype({"first_on": "datetime64[us]"})


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
    import ibis

    lines = in_either(lines_with_margin(tables), compared)
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
