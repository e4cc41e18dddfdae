"""Orders as sets of items, at the level of products, categories or departments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from analysis.customers.features import lines_in
from analysis.errors import NotApplicable, ParamsError
from analysis.products.held import held
from analysis.tables.margin import NO_CATEGORY, UNKNOWN_PRODUCT

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from analysis.tables.engine import Tables
    from analysis.tables.periods import Period

Level = Literal["product", "category", "department"]

_KEYS = {"product": "product_id", "category": "category", "department": "department"}

#: What analyses of baskets need of a line.
_KEPT = (
    "order_id", "customer_id", "product_id", "ordered_at", "store_id", "department", "category",
    "brand", "net_amount", "discount_amount", "margin_micros",
)  # fmt: skip


@dataclass(frozen=True)
class Baskets:
    """The orders of a period as sets of items.

    Parameters
    ----------
    lines
        One row an item in an order: order_id, item. Returns and free lines are told apart by
        quantity: what was brought back is not in the basket.
    items
        One row an item: item, orders (that hold it), department, category; most frequent first.
    orders
        Number of orders with at least one item.
    level
        What an item is.
    period
        The days looked at; None where the rows were given.
    """

    lines: ibis.Table
    items: pd.DataFrame
    orders: int
    level: Level
    period: Period | None = None

    def require(self, least: int = 2) -> None:
        """Raise NotApplicable, saying why, if no two items can ever be bought together."""
        if self.orders < least:
            raise NotApplicable(
                f"There are {self.orders} orders: what is bought together by chance cannot be told."
            )
        if len(self.items) < least:
            raise NotApplicable(
                f"All orders hold the same {self.level}: there is nothing to be bought with it."
            )


def of_period(
    tables: Tables, period: Period, *, level: Level = "product", without: tuple[str, ...] = ()
) -> Baskets:
    """Return the baskets of ``period``.

    Parameters
    ----------
    tables
        A study's tables; needs order_lines and products.
    period
        Days whose orders count.
    level
        ``product``, ``category`` or ``department``.
    without
        Departments that are no goods: coupons, deposits, postings.
    """
    lines = bought(tables, period, level=level, without=without)
    return of_lines(lines, level=level, period=period)


def bought(
    tables: Tables, period: Period, *, level: Level = "product", without: tuple[str, ...] = ()
) -> ibis.Table:
    """Return the lines of ``period`` that are in a basket, with their ``item``.

    Lines of products that are not in the catalogue, or without a category at the level of
    categories, are left out: as an item they would be a crowd of strangers.
    """
    if level not in _KEYS:
        raise ParamsError(f"level {level!r} is none of {', '.join(_KEYS)}")
    lines = lines_in(tables, period)
    lines = lines.filter(
        lines.quantity >= 0, lines.department != UNKNOWN_PRODUCT, lines.net_amount >= 0
    )
    if without:
        lines = lines.filter(lines.department.notin(without))
    if level == "category":
        lines = lines.filter(lines.category != NO_CATEGORY)
    kept = [name for name in _KEPT if name in lines.columns]
    return held(lines.select(*kept, item=lines[_KEYS[level]]))


def of_lines(
    lines: ibis.Table, *, level: Level = "product", period: Period | None = None
) -> Baskets:
    """Return the baskets that ``lines`` make.

    Parameters
    ----------
    lines
        order_id and item; department and category, if there, describe the items.
    level
        What an item is.
    period
        Only orders of these days; None takes all lines.
    """
    import ibis

    if period is not None:
        start, end = (ibis.timestamp(d.isoformat()) for d in (period.start, period.end))
        lines = lines.filter(lines.ordered_at >= start, lines.ordered_at < end)
    distinct = held(lines.select("order_id", "item").distinct())
    described = {n: lines[n].max() for n in ("department", "category") if n in lines.columns}
    counts = distinct.group_by("item").agg(orders=distinct.order_id.count())
    if described:
        labels = lines.group_by("item").agg(**described)
        counts = counts.join(labels, "item")
    items = counts.to_pandas().sort_values(["orders", "item"], ascending=[False, True])
    total = int(distinct.order_id.nunique().to_pandas())
    return Baskets(distinct, items.reset_index(drop=True), total, level, period)
