"""What customers of promotions bought, by phase of the promotion and group of products.

Weekly contribution margin around a promotion, customer by customer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from analysis.stats.types import Floats
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
        promotion_id, customer_id, arm, assigned_at, randomised, and the moments before_from,
        window_from, window_to and after_to.
    tables
        A study's tables.

    Returns
    -------
    ibis.Table
        promotion_id, customer_id and the columns `PURCHASES`: cents, millionths (margin), units
        and orders; missing where nothing was bought.
    """
    lines = tables.once("netted_lines", netted_lines)  # every promotion looks at them
    orders = tables.once("netted_orders", lambda _: _by_order(lines))
    timed = timed.drop("arm", "assigned_at", "randomised")
    parts = _phases(timed.join(orders, "customer_id")).mutate(group=ibis.literal(GROUPS[0]))
    if "promotion_products" in tables:
        looked_at = lines.join(_marked(tables), "product_id")
        marked = _phases(timed.join(looked_at, ["promotion_id", "customer_id"]))
        parts = parts.union(marked.select(parts.columns))
    return _customers(parts)


def netted_lines(tables: Tables) -> ibis.Table:
    """Return the lines of known customers, refunds at the order they undo.

    Returns
    -------
    ibis.Table
        customer_id, order_id, product_id, category, ordered_at, net and discount (int64 cents),
        margin (int64 millionths), units, bought (no return).
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
    no_discount = ibis.literal(0).cast("decimal(18, 2)")
    discount = lines.discount_amount if "discount_amount" in lines.columns else no_discount
    return lines.select(
        "customer_id",
        "order_id",
        "product_id",
        "category",
        "ordered_at",
        net=(lines.net_amount * 100).cast("int64"),
        margin=lines.margin_micros,
        units=lines.counted.ifelse(lines.quantity, 0.0),
        discount=(ibis.coalesce(discount, no_discount) * 100).cast("int64"),
        bought=lines.quantity >= 0,
    )


def _by_order(lines: ibis.Table) -> ibis.Table:
    """Return the sums of each order's lines of one moment."""
    sums = {name: lines[name].sum().cast(lines[name].type()) for name in MEASURES[1:]}
    orders = lines.group_by("customer_id", "order_id", "ordered_at")
    return orders.agg(**sums, bought=lines.bought.any())


def _phases(both: ibis.Table) -> ibis.Table:
    """Give customers' lines the phase of the promotion that they fall into."""
    both = both.filter(both.ordered_at >= both.before_from, both.ordered_at < both.after_to)
    phase = ibis.cases(
        (both.ordered_at < both.window_from, PHASES[0]),
        (both.ordered_at < both.window_to, PHASES[1]),
        else_=PHASES[2],
    )
    both = both.mutate(phase=phase).drop("before_from", "window_from", "window_to", "after_to")
    return both.drop("ordered_at")


def _marked(tables: Tables) -> ibis.Table:
    """Return the products on offer, and the other products of the same categories.

    Joined to the lines first, they leave few to be given to every promotion's customers.
    """
    keys = ["promotion_id", "product_id"]
    offers = tables.promotion_products.select(*keys).distinct()
    products = tables.products.select("product_id", "category")
    products = products.filter(products.category.notnull())
    kinds = offers.join(products, "product_id").select("promotion_id", "category").distinct()
    rivals = kinds.join(products, "category").select(*keys).anti_join(offers, keys)
    offers, rivals = (
        rows.mutate(group=ibis.literal(g)) for rows, g in ((offers, GROUPS[1]), (rivals, GROUPS[2]))
    )
    return offers.union(rivals)


def _customers(parts: ibis.Table) -> ibis.Table:
    """Sum parts of orders by customer, phase and group; an order with a purchase counts as one."""
    keys = ["promotion_id", "customer_id", "phase", "group"]
    orders = parts.group_by(*keys, "order_id").agg(
        orders=parts.bought.cast("int64").max(),
        **{name: parts[name].sum() for name in MEASURES[1:]},
    )
    long = orders.group_by(*keys).agg(**{name: orders[name].sum() for name in MEASURES})
    sums = {
        phase + group + name: long[name].sum(where=(long.phase == phase) & (long.group == group))
        for phase in PHASES
        for group in GROUPS
        for name in MEASURES
    }
    return long.group_by("promotion_id", "customer_id").agg(**sums)


def days_of(periods: Mapping[str, Period]) -> ibis.Table:
    """Return periods by promotion as a table: promotion_id, first and after (the day after)."""
    rows = [(key, period.start, period.end) for key, period in periods.items()]
    return ibis.memtable(rows, schema={"promotion_id": "string", "first": "date", "after": "date"})


def within(rows: ibis.Table, periods: Mapping[str, Period]) -> ibis.Table:
    """Return the rows of each promotion's days: columns of ``rows`` (with day) and `days_of`."""
    days = days_of(periods)
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
