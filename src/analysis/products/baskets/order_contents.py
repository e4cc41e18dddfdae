"""Orders as sets of items, at the level of products, categories or departments.

How many items an order holds, in bands; what items are called on a page, no two the same; and which
are still sold, for what is gone is in no call for action.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import ibis
import numpy as np
import pandas as pd

from analysis.errors import NotApplicable, ParamsError
from analysis.products.baskets.order_index import Gathered, gathered, numbered
from analysis.tables.engine import held, kind_of
from analysis.tables.lines import lines_in
from analysis.tables.margin import NO_CATEGORY, UNKNOWN_PRODUCT
from analysis.tables.spark_engine import Spread

if TYPE_CHECKING:
    from datetime import date

    from analysis.products.baskets.order_index import Numbered
    from analysis.tables.engine import Tables
    from analysis.tables.periods import Period

#: Days at the end in which an article must still sell, and days before that tell how it did.
RECENT, BEFORE = 28, 182

#: An article that sells less than this share of its usual orders, beyond chance, is on its way out.
_LEFT = 0.25

#: Chance at which an article that is still sold would be taken for gone.
_ALARM = 0.001


def live(lines: ibis.Table, until: date) -> pd.DataFrame:
    """Return for each item whether it is still sold.

    Parameters
    ----------
    lines
        `baskets.bought`: order_id, item, ordered_at.
    until
        The day after the last one known. Where the lines end earlier, their last day counts.

    Returns
    -------
    pandas.DataFrame
        item, recent (orders in the last `RECENT` days), expected (as many as its rate in the
        `BEFORE` days before them gives), live. An article is gone if it was not sold in all these
        days, or if so few recent orders as a quarter of those expected, or fewer, would be no
        accident (Poisson, one in a thousand). One out of season is gone for now, too.
    """
    from scipy.special import pdtr

    days = lines.aggregate(first=lines.ordered_at.min(), last=lines.ordered_at.max())
    first, last = days.to_pandas().iloc[0]
    if last != last:
        return pd.DataFrame({"item": [], "recent": [], "expected": [], "live": []})
    until = min(until, last.date() + timedelta(days=1))
    recent, before = (until - timedelta(days=d) for d in (RECENT, RECENT + BEFORE))
    days = max((recent - max(before, first.date())).days, 0)
    start, middle = (ibis.timestamp(d.isoformat()) for d in (before, recent))
    late = lines.ordered_at >= middle
    nobody = ibis.null(lines.order_id.type())
    counted = lines.group_by("item").agg(
        recent=ibis.ifelse(late, lines.order_id, nobody).nunique(),
        earlier=ibis.ifelse((lines.ordered_at >= start) & ~late, lines.order_id, nobody).nunique(),
    )
    table = counted.order_by("item").to_pandas()
    expected = table["earlier"] * RECENT / days if days else table["recent"].astype("float64")
    few = table["recent"] <= _LEFT * expected
    unlikely = pdtr(table["recent"].to_numpy(float), expected.to_numpy(float)) < _ALARM
    never = (table["recent"] == 0) & (table["earlier"] == 0)
    gone = np.asarray(few & unlikely | never)
    return table.assign(expected=expected, live=~gone)[["item", "recent", "expected", "live"]]


def gone_items(lines: ibis.Table, until: date) -> frozenset[str]:
    """Return the items that are no longer sold."""
    table = live(lines, until)
    return frozenset(table.loc[~table["live"].astype(bool), "item"].astype(str))


Level = Literal["product", "category", "department"]

_KEYS = {"product": "product_id", "category": "category", "department": "department"}

#: What analyses of baskets need of a line.
_KEPT = (
    "order_id", "customer_id", "product_id", "ordered_at", "store_id", "department", "category",
    "net_amount", "discount_amount", "margin_micros", "counted",
)  # fmt: skip


@dataclass(frozen=True)
class Baskets:
    """The orders of a period as sets of items.

    Parameters
    ----------
    rows
        The lines that were given: order_id, item. Returns and free lines are told apart by
        quantity: what was brought back is not in the basket.
    items
        One row an item: item, orders (that hold it) and what is ``known``; most frequent first.
    orders
        Number of orders with at least one item.
    known
        Every item of the rows at least, whatever of them ``items`` still holds, by `described`.
    gathered
        The items of each order, as places in ``known``; of rows in Spark the workers keep them.
    period
        The days looked at; None where the rows were given.
    facts
        `order_facts` of these orders at least, where they are known.
    """

    rows: ibis.Table
    items: pd.DataFrame
    orders: int
    level: Level
    known: pd.DataFrame
    gathered: Gathered | Spread
    period: Period | None = None
    facts: ibis.Table | None = None

    @cached_property
    def lines(self) -> ibis.Table:
        """One row an item in an order: order_id, item."""
        return held(self.rows.select("order_id", "item").distinct())

    def numbered(self, facts: ibis.Table, items: Sequence[str]) -> Numbered:
        """Return the orders by customer, as `order_index.numbered` does."""
        own = self.gathered
        if isinstance(own, Gathered) and own.owners is not None:
            return numbered(self.rows, facts, items, known=(own, self.known["item"]))
        return numbered(self.lines, facts, items)

    @property
    def how_many(self) -> str:
        """The words that say how many orders there are, and of which days."""
        verb, plural = ("is", "") if self.orders == 1 else ("are", "s")
        days = f" in {self.period}" if self.period else ""
        return f"There {verb} {self.orders} order{plural}{days}"

    def require(self, least: int = 2) -> None:
        """Raise NotApplicable, saying why, if no two items can ever be bought together."""
        if self.orders < least:
            raise NotApplicable(
                f"{self.how_many}: what is bought together by chance cannot be told."
            )
        if len(self.items) < least:
            raise NotApplicable(
                f"All orders hold the same {self.level}: there is nothing to be bought with it."
            )


def bought(
    tables: Tables, period: Period, *, level: Level = "product", without: tuple[str, ...] = ()
) -> ibis.Table:
    """Return the lines of ``period`` that are in a basket, with their ``item``.

    Lines of products that are not in the catalogue, or without a category at the level of
    categories, are left out: as an item they would be a crowd of strangers.

    Parameters
    ----------
    tables
        A study's tables; needs order_lines and products.
    period
        Days whose orders count.
    without
        Departments that are no goods: coupons, deposits, postings.
    """
    if level not in _KEYS:
        raise ParamsError(f"level {level!r} is none of {', '.join(_KEYS)}")
    lines = lines_in(tables, period)
    lines = lines.filter(
        lines.quantity >= 0, lines.department != UNKNOWN_PRODUCT, lines.net_amount >= 0
    )
    if without:
        lines = lines.filter(lines.department.notin(without))
    kept = lines.select(*(name for name in _KEPT if name in lines.columns))
    kept = held(kept if kind_of(tables.connection) == "spark" else _by_number(kept))
    if level == "category":  # the same rows for every level, kept once
        kept = kept.filter(kept.category != NO_CATEGORY)
    return kept.mutate(item=kept[_KEYS[level]])


def _by_number(lines: ibis.Table) -> ibis.Table:
    """Return the lines with a number in place of each order's name, and in the same order.

    Everything that follows brings orders together: by numbers at a third of what names cost.
    """
    names = lines.select("order_id").distinct()
    place = ibis.row_number().over(order_by=names.order_id)
    numbers = held(names.select(name="order_id", order_id=place))
    return lines.rename(name="order_id").join(numbers, "name").drop("name")


def described(lines: ibis.Table) -> pd.DataFrame:
    """Return each item of the lines, sorted: item; department, category, margin_micros if known."""
    told = {n: lines[n].max() for n in ("department", "category") if n in lines.columns}
    if "margin_micros" in lines.columns:
        told["margin_micros"] = lines.margin_micros.sum()
    known = lines.group_by("item").agg(orders=lines.count(), **told).drop("orders").to_pandas()
    return known.sort_values("item", ignore_index=True)


def of_lines(
    lines: ibis.Table,
    *,
    level: Level = "product",
    period: Period | None = None,
    known: pd.DataFrame | None = None,
) -> Baskets:
    """Return the baskets that ``lines`` make.

    Parameters
    ----------
    lines
        order_id and item; department and category, if there, describe the items.
    period
        Only orders of these days; None takes all lines.
    known
        What is `described` of all lines, where it was asked for before.
    """
    known = described(lines) if known is None else known
    if period is not None:
        start, end = (ibis.timestamp(d.isoformat()) for d in (period.start, period.end))
        lines = lines.filter(lines.ordered_at >= start, lines.ordered_at < end)
    names = known["item"].to_numpy(dtype=object)
    orders = gathered(lines, names)
    # An item may be in several lines of an order.
    each = orders.each(lambda own: (len(own), np.bincount(own.values, minlength=len(names))))
    items = known.assign(orders=sum((n for _, n in each), np.zeros(len(names), np.int64)))
    items = items[items["orders"] > 0]
    items = items.sort_values(["orders", "item"], ascending=[False, True], ignore_index=True)
    return Baskets(lines, items, sum(n for n, _ in each), level, known, orders, period)


#: Upper ends of the bands.
BANDS = (0, 1, 3, 7, 15, 31)

#: Band by number of items; the last is that of all larger ones, too.
BAND_OF = np.searchsorted(BANDS, np.arange(BANDS[-1] + 2)).astype(np.int32)


def band_of(n: ibis.Value) -> ibis.Value:
    """Return the band that a number of items falls in."""
    cases = [(n <= end, i) for i, end in enumerate(BANDS)]
    return ibis.cases(*cases, else_=len(BANDS)).cast("int8")


def labels(tables: Tables, items: Iterable[str], *, level: Level = "product") -> dict[str, str]:
    """Return a readable name of each item.

    Parameters
    ----------
    items
        Items of that level.
    level
        What the items are. Categories and departments are named as they are; a product by its
        name, else by its subcategory. Products that share a name get their package size, or, where
        that is the same, their number, too.
    """
    wanted = sorted(set(items))
    if level != "product":
        return {item: tidy(item) for item in wanted}
    plain, sized = _named(tables, wanted)
    once = ~plain.duplicated(keep=False)
    once_sized = ~sized.duplicated(keep=False)
    return {
        item: plain[item]
        if once[item]
        else sized[item]
        if once_sized[item]
        else f"{plain[item]} ({item})"
        for item in wanted
    }


def tidy(text: str) -> str:
    """Return a name in capitals as a sentence would have it."""
    plain = " ".join(text.split())
    return plain.capitalize() if plain.isupper() else plain


def _named(tables: Tables, items: list[str]) -> tuple[pd.Series, pd.Series]:
    """Return the names by product, without and with the package size."""
    products = tables.products
    columns = [c for c in ("name", "subcategory", "package_size") if c in products.columns]
    wanted = ibis.memtable(pd.DataFrame({"product_id": pd.Series(items, dtype="str")}))
    rows = products.semi_join(wanted, "product_id").select("product_id", *columns)
    frame = rows.to_pandas().set_index("product_id").reindex(items).astype("str")
    numbers = pd.Series(items, index=items, dtype="str")
    plain = next((frame[c] for c in ("name", "subcategory") if c in frame), numbers)
    plain = plain.map(tidy, na_action="ignore").fillna(numbers)
    if "package_size" not in frame:
        return plain, plain
    size = frame["package_size"].map(tidy, na_action="ignore").str.lower()
    return plain, (plain + ", " + size).fillna(plain)
