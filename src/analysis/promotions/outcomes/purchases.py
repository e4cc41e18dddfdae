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
    return _customers(_orders(_grouped(_phases(timed, lines), tables)))


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


def _phases(timed: ibis.Table, lines: ibis.Table) -> ibis.Table:
    """Give every customer's lines the phase of the promotion that they fall into."""
    both = timed.drop("arm", "assigned_at", "randomised").join(lines, "customer_id")
    both = both.filter(both.ordered_at >= both.before_from, both.ordered_at < both.after_to)
    phase = ibis.cases(
        (both.ordered_at < both.window_from, PHASES[0]),
        (both.ordered_at < both.window_to, PHASES[1]),
        else_=PHASES[2],
    )
    return both.mutate(phase=phase).drop("before_from", "window_from", "window_to", "after_to")


def _grouped(lines: ibis.Table, tables: Tables) -> ibis.Table:
    """Mark lines of products on offer, and of other products of the same categories."""
    if "promotion_products" not in tables:
        never = ibis.literal(False)
        return lines.mutate(offered=never, rival=never)
    offers = tables.promotion_products.select("promotion_id", "product_id").distinct()
    kinds = offers.join(tables.products.select("product_id", "category"), "product_id")
    kinds = kinds.filter(kinds.category.notnull()).select("promotion_id", "category").distinct()
    offers, kinds = offers.mutate(on_offer=True), kinds.mutate(of_kind=True)
    marked = lines.left_join(offers, ["promotion_id", "product_id"])
    marked = marked.drop("promotion_id_right", "product_id_right")
    marked = marked.left_join(kinds, ["promotion_id", "category"])
    marked = marked.drop("promotion_id_right", "category_right")
    return marked.mutate(
        offered=marked.on_offer.notnull(), rival=marked.on_offer.isnull() & marked.of_kind.notnull()
    )


def _belongs(table: ibis.Table, group: str) -> ibis.BooleanValue:

    return table[group.removesuffix("_")] if group else ibis.literal(True)


def _orders(lines: ibis.Table) -> ibis.Table:
    """Sum the lines of each order by group, and say whether it bought of the group."""
    sums = {}
    for group in GROUPS:
        inside = _belongs(lines, group)
        sums[f"{group}orders"] = (lines.bought & inside).cast("int64").max()
        for name in ("net", "margin", "units", "discount"):
            sums[group + name] = lines[name].sum(where=inside)
    return lines.group_by("promotion_id", "customer_id", "phase", "order_id").agg(**sums)


def _customers(orders: ibis.Table) -> ibis.Table:
    sums = {
        phase + group + name: orders[group + name].sum(where=orders.phase == phase)
        for phase in PHASES
        for group in GROUPS
        for name in MEASURES
    }
    return orders.group_by("promotion_id", "customer_id").agg(**sums)


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
