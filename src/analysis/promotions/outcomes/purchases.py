"""What customers of promotions bought, by phase of the promotion and group of products.

Weekly contribution margin around a promotion, customer by customer.
"""

from __future__ import annotations

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
    parts = _phases(timed, orders).mutate(group=ibis.literal(GROUPS[0]))
    if "promotion_products" in tables:
        parts = parts.union(_marked(_phases(timed, lines), tables).select(parts.columns))
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


def _phases(timed: ibis.Table, lines: ibis.Table) -> ibis.Table:
    """Give every customer's lines the phase of the promotion that they fall into."""
    both = timed.drop("arm", "assigned_at", "randomised").join(lines, "customer_id")
    both = both.filter(both.ordered_at >= both.before_from, both.ordered_at < both.after_to)
    phase = ibis.cases(
        (both.ordered_at < both.window_from, PHASES[0]),
        (both.ordered_at < both.window_to, PHASES[1]),
        else_=PHASES[2],
    )
    both = both.mutate(phase=phase).drop("before_from", "window_from", "window_to", "after_to")
    return both.drop("ordered_at")


def _marked(lines: ibis.Table, tables: Tables) -> ibis.Table:
    """Return the lines of products on offer, and of other products of the same categories."""
    offers = tables.promotion_products.select("promotion_id", "product_id").distinct()
    kinds = offers.join(tables.products.select("product_id", "category"), "product_id")
    kinds = kinds.filter(kinds.category.notnull()).select("promotion_id", "category").distinct()
    offers, kinds = offers.mutate(on_offer=True), kinds.mutate(of_kind=True)
    marked = lines.left_join(offers, ["promotion_id", "product_id"])
    marked = marked.drop("promotion_id_right", "product_id_right")
    marked = marked.left_join(kinds, ["promotion_id", "category"])
    marked = marked.filter(marked.on_offer.notnull() | marked.of_kind.notnull())
    return marked.mutate(group=marked.on_offer.notnull().ifelse(*GROUPS[1:]))


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


def weekly_margin(tables: Tables, customers: pd.Series, period: Period) -> Floats:
    """Return customers x whole weeks of contribution margin in the currency.

    Parameters
    ----------
    tables
        A study's tables.
    customers
        ``customer_id`` by row; whoever bought nothing has zeros.
    period
        Days covered; weeks are counted from its start, and the last one is left out unless whole.

    Notes
    -----
    Refunds count in the week of the order they undo, as in `outcomes`.
    """
    weeks = period.days // 7
    lines = tables.once("netted_lines", netted_lines)
    start, end = (ibis.timestamp(day.isoformat()) for day in (period.start, period.end))
    lines = lines.filter(lines.ordered_at >= start, lines.ordered_at < end)
    days = lines.ordered_at.date().delta(ibis.date(period.start.isoformat()), unit="day")
    weekly = lines.mutate(week=days.cast("int64") // 7)
    sums = weekly.group_by("customer_id", "week").agg(margin=weekly.margin.sum().cast("int64"))
    found = sums.to_pandas()
    at = customers.reset_index(drop=True).reset_index().set_index("customer_id")["index"]
    rows = found["customer_id"].map(at)
    inside = (rows.notna() & (found["week"] < weeks)).to_numpy()
    laid = np.zeros((len(customers), weeks))
    laid[rows[inside].to_numpy("int64"), found.loc[inside, "week"].to_numpy("int64")] = (
        found.loc[inside, "margin"].to_numpy("float64") / MICROS
    )
    return laid
