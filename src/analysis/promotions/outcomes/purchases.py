"""What customers of promotions bought, by phase of the promotion and group of products.

Weekly contribution margin around a promotion, customer by customer.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from analysis.stats.types import Floats
from analysis.tables.engine import held, kind_of
from analysis.tables.margin import MICROS, lines_with_margin

if TYPE_CHECKING:
    from analysis.tables.engine import Tables
    from analysis.tables.periods import Period


PHASES = ("before_", "", "after_")

GROUPS = ("", "offered_", "rival_")

MEASURES = ("orders", "net", "margin", "units", "discount")


#: Every column of purchases, in the order of the table.
PURCHASES = tuple(p + g + m for p in PHASES for g in GROUPS for m in MEASURES)


def by_customer(timed: ibis.Table, tables: Tables) -> ibis.Table:
    """Return purchases of customers of promotions, one row a customer who bought.

    Parameters
    ----------
    timed
        promotion_id, customer_id, arm, assigned_at, randomised, the moments before_from,
        window_from, window_to and after_to and, to be grouped by, perhaps a number ``row``.
    tables
        A study's tables.

    Returns
    -------
    ibis.Table
        row, else promotion_id and customer_id; and the columns `PURCHASES`: cents, millionths
        (margin), units and orders; missing where nothing was bought.
    """
    lines = tables.once("netted_lines", netted_lines)  # every promotion looks at them
    orders = tables.once("netted_orders", lambda _: _by_order(lines))
    timed = timed.drop("arm", "assigned_at", "randomised")
    keys = ["row"] if "row" in timed.columns else ["promotion_id", "customer_id"]
    parts = _parts(timed.join(orders, "customer_id").mutate(group=ibis.literal(0, "int8")), keys)
    moments = orders.agg(rows=orders.count(), orders=orders.order.nunique()).to_pandas().iloc[0]
    if moments["rows"] > moments["orders"]:  # else they are orders already
        parts = _orders(parts, keys)
    if "promotion_products" in tables:
        looked_at = lines.join(_marked(tables, timed), "product_id")
        marked = _parts(timed.join(looked_at, ["promotion_id", "customer_id"]), keys)
        parts = parts.union(_orders(marked, keys).select(parts.columns))
    return _customers(parts, keys)


def netted_lines(tables: Tables) -> ibis.Table:
    """Return the lines of known customers, refunds at the order they undo.

    Returns
    -------
    ibis.Table
        customer_id, order (order_id, or a number where numbers are grouped faster), product_id,
        category, ordered_at, net and discount (int64 cents), margin (int64 millionths), units,
        bought (no return).
    """
    lines = lines_with_margin(tables)
    lines = lines.filter(lines.customer_id.notnull())
    if "returned_order_id" in lines.columns:
        bought = lines.filter(lines.quantity >= 0)
        first = bought.group_by(returned=bought.order_id).agg(undone_at=bought.ordered_at.min())
        lines = lines.left_join(first, lines.returned_order_id == first.returned)
        undoes = lines.undone_at.notnull()
        lines = lines.mutate(
            order_id=undoes.ifelse(lines.returned_order_id, lines.order_id),
            ordered_at=ibis.coalesce(lines.undone_at, lines.ordered_at),
        )
    lines = _with_order(lines, tables)
    no_discount = ibis.literal(0).cast("decimal(18, 2)")
    discount = lines.discount_amount if "discount_amount" in lines.columns else no_discount
    return lines.select(
        "customer_id",
        "order",
        "product_id",
        "category",
        "ordered_at",
        net=(lines.net_amount * 100).cast("int64"),
        margin=lines.margin_micros,
        units=lines.counted.ifelse(lines.quantity, 0.0),
        discount=(ibis.coalesce(discount, no_discount) * 100).cast("int64"),
        bought=lines.quantity >= 0,
    )


def _with_order(lines: ibis.Table, tables: Tables) -> ibis.Table:
    if kind_of(tables.connection) == "spark":
        return lines.rename(order="order_id")
    orders = tables.order_lines.select("order_id").distinct()
    return lines.join(held(orders.mutate(order=ibis.row_number().cast("int32"))), "order_id")


def _by_order(lines: ibis.Table) -> ibis.Table:
    """Return the sums of each order's lines of one moment."""
    orders = lines.group_by("customer_id", "order", "ordered_at")
    return orders.agg(**_sums(lines, MEASURES[1:]), bought=lines.bought.any())


def _parts(both: ibis.Table, keys: list[str]) -> ibis.Table:
    """Give customers' lines their place in `PHASES` x `GROUPS`: small numbers are grouped fast."""
    both = both.filter(both.ordered_at >= both.before_from, both.ordered_at < both.after_to)
    phase = ibis.cases(
        (both.ordered_at < both.window_from, 0), (both.ordered_at < both.window_to, 1), else_=2
    )
    both = both.mutate(part=(phase * len(GROUPS) + both.group).cast("int8"))
    return both.select(*keys, "part", "order", *MEASURES[1:], orders=both.bought.cast("int64"))


def _orders(parts: ibis.Table, keys: list[str]) -> ibis.Table:
    """Sum parts of orders by order and place; an order with a purchase counts as one."""
    sums = _sums(parts, MEASURES[1:])
    return parts.group_by(*keys, "part", "order").agg(**sums, orders=parts.orders.max())


def _sums(rows: ibis.Table, names: tuple[str, ...]) -> dict[str, ibis.Value]:
    return {name: rows[name].sum().cast(rows[name].type()) for name in names}


def _marked(tables: Tables, timed: ibis.Table) -> ibis.Table:
    """Return the products on offer, and the other products of the same categories.

    Joined to the lines first, they leave few to be given to every promotion's customers.
    """
    keys = ["promotion_id", "product_id"]
    offers = tables.promotion_products.select(*keys).distinct().semi_join(timed, "promotion_id")
    products = tables.products.select("product_id", "category")
    products = products.filter(products.category.notnull())
    kinds = offers.join(products, "product_id").select("promotion_id", "category").distinct()
    rivals = kinds.join(products, "category").select(*keys).anti_join(offers, keys)
    marks = [rows.mutate(group=ibis.literal(g, "int8")) for g, rows in ((1, offers), (2, rivals))]
    return marks[0].union(marks[1])


def _customers(orders: ibis.Table, keys: list[str]) -> ibis.Table:
    """Sum orders by customer and place; each place has one sum, and the highest is cheapest."""
    long = orders.group_by(*keys, "part").agg(**_sums(orders, MEASURES))
    places = enumerate(product(PHASES, GROUPS))
    sums = {
        phase + group + name: long[name].max(where=long.part == at)
        for at, (phase, group) in places
        for name in MEASURES
    }
    return long.group_by(*keys).agg(**sums)


def days_of(periods: Mapping[str, Period]) -> ibis.Table:
    """Return periods by promotion as a table: promotion_id, first and after (the day after)."""
    rows = [(key, period.start, period.end) for key, period in periods.items()]
    return ibis.memtable(rows, schema={"promotion_id": "string", "first": "date", "after": "date"})


def within(rows: ibis.Table, periods: Mapping[str, Period]) -> ibis.Table:
    """Return the rows of each promotion's days: columns of ``rows`` (with day) and `days_of`."""
    days = days_of(periods)
    first, after = min(p.start for p in periods.values()), max(p.end for p in periods.values())
    rows = rows.filter(rows.day >= ibis.date(str(first)), rows.day < ibis.date(str(after)))
    return rows.join(days, [rows.day >= days["first"], rows.day < days["after"]])


def weekly_margins(
    tables: Tables, people: pd.DataFrame, periods: Mapping[str, Period]
) -> dict[str, Floats]:
    """Return customers x whole weeks of contribution margin in the currency, by promotion.

    Parameters
    ----------
    tables
        A study's tables.
    people
        ``promotion_id`` and ``customer_id`` by row; whoever bought nothing has zeros.
    periods
        Days covered by promotion; weeks are counted from its start, and the last one is left out
        unless whole.

    Notes
    -----
    Refunds count in the week of the order they undo, as in `outcomes`.
    """
    lines = tables.once("netted_lines", netted_lines)
    daily = lines.group_by("customer_id", day=lines.ordered_at.date())
    rows = within(daily.agg(margin=lines.margin.sum().cast("int64")), periods)
    weekly = rows.mutate(week=rows.day.delta(rows["first"], unit="day").cast("int64") // 7)
    sums = weekly.group_by("promotion_id", "customer_id", "week")
    found = sums.agg(margin=weekly.margin.sum().cast("int64")).to_pandas()
    by_promotion = dict(list(found.groupby("promotion_id")))
    laid = {}
    for key, period in periods.items():
        customers = pd.Index(people.loc[people["promotion_id"] == key, "customer_id"])
        mine, weeks = by_promotion.get(key, found[:0]), period.days // 7
        rows_of, week = customers.get_indexer(mine["customer_id"]), mine["week"].to_numpy("int64")
        inside = (rows_of >= 0) & (week < weeks)
        laid[key] = np.zeros((len(customers), weeks))
        margin = mine["margin"].to_numpy("float64")[inside] / MICROS
        laid[key][rows_of[inside], week[inside]] = margin
    return laid
