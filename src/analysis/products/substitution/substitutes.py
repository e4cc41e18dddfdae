"""Products that may stand in for each other: seldom in one order, yet bought by the same people."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.errors import NotApplicable
from analysis.products.association.association_rules import clustered_lift
from analysis.products.association.confounding import MOSTLY
from analysis.products.association.mantel_haenszel import (
    Control,
    cochran_mantel_haenszel,
    design_effects,
    exact_p,
)
from analysis.products.baskets.order_index import gathered, order_facts
from analysis.stats.multiplicity import q_values
from analysis.stats.types import Floats

if TYPE_CHECKING:
    from analysis.products.baskets.order_contents import Baskets
    from analysis.products.baskets.order_index import Gathered, Numbered
    from analysis.tables.spark_engine import Spread

#: A pair that is together more than this share of what chance gives is hardly a choice.
_AT_MOST = 0.5


@dataclass(frozen=True)
class Substitutes:
    """Pairs within a group that shun each other's orders.

    Parameters
    ----------
    table
        One row a pair that was tested: group, a, b, a_orders, b_orders, both, expected (orders
        with both if they were independent), lift, lift_low, lift_high, buyers (customers who
        bought both in the period), buyer_lift (the same over customers: above 1, the same people
        buy both), p, q, expected_size (orders with both if items were drawn at random into orders
        of the sizes they have; of two sold by weight, into the places that orders have for such
        goods), expected_store and expected_week (by chance within stores and
        within weeks; NaN where not looked at), substitutes (q at most the rate asked for,
        same_buyers, at most half of expected_size, and below chance within sizes, stores and
        weeks, too); substitutes first, the surest on top.
    tested
        Pairs tested.
    """

    table: pd.DataFrame
    tested: int

    @property
    def items(self) -> list[str]:
        """Every item of the pairs that were tested, sorted."""
        return sorted({*self.table["a"], *self.table["b"]})

    def pairs(self) -> frozenset[frozenset[str]]:
        """Return the pairs that may stand in for each other."""
        found = self.table[self.table["substitutes"]]
        if found.empty:
            return frozenset()
        return frozenset(frozenset(p) for p in zip(found["a"], found["b"], strict=True))


def surest(found: Substitutes, most: int = 20) -> pd.DataFrame:
    """Return at most so many pairs that are substitutes; NotApplicable without one."""
    table = found.table[found.table["substitutes"]]
    if table.empty:
        raise NotApplicable(
            "No two products look like substitutes: no offer can cannibalise another."
        )
    return table.head(most)


#: Expected orders with both items; with fewer, never together means nothing.
MIN_EXPECTED = 5.0


def substitutes(baskets: Baskets, lines: ibis.Table, *, fdr: float = 0.05) -> Substitutes:
    """Find the pairs of a category that are together in an order too seldom for chance.

    Parameters
    ----------
    baskets
        Orders as sets of items, described by their category.
    lines
        `baskets.bought` over the same period, for customers.
    fdr
        False discovery rate over all pairs tested.

    Notes
    -----
    Items of a category tend to be bought together: who is at the shelf buys there; a pair that
    is together less than chance all the same may be a choice between the two. That the same
    customers buy both tells a choice from two different publics; without customers it cannot be
    told. Two variants that are never in the same store, or follow each other over the year, are
    told from a choice by counting within stores and within weeks. A small order has no room for
    two: what items drawn at random into orders of the same sizes would give is looked at, too.
    Where a till writes one line by weight an order, no two goods sold by weight are ever together,
    of one category or not: that is no choice, so that such pairs are held against the number of
    goods by weight in the order.

    Raises
    ------
    NotApplicable
        If most orders have no customer, or no two items of a category are frequent enough.
    """
    facts = order_facts(lines) if baskets.facts is None else baskets.facts
    pairs = _candidates(baskets)
    counted = pairs.merge(_together(baskets, pairs), on=["a", "b"], how="left")
    counted = counted.merge(_shared_buyers(lines, pairs), on=["a", "b"], how="left")
    counted["both"] = counted["both"].fillna(0).astype("int64")
    rules = _rules(counted)
    weighed = _weighed(lines)
    items = sorted({*counted["a"], *counted["b"], *weighed})
    orders = baskets.numbered(facts, items)
    _require_customers(orders)
    p = exact_p(orders, rules, more=False)
    lift = clustered_lift(orders, rules)
    table = counted.assign(
        lift=counted["both"] / counted["expected"], lift_low=lift["low"], lift_high=lift["high"],
        p=p, q=q_values(p),
    )  # fmt: skip
    table = _of_size(orders, table, weighed)
    few = (table["p_size"] <= fdr) & (table["both"] <= _AT_MOST * table["expected_size"])
    table["substitutes"] = (table["q"] <= fdr) & table["same_buyers"] & few
    table = _within(orders, table.drop(columns="p_size"), fdr)
    ordered = table.sort_values(["substitutes", "p", "a", "b"], ascending=[False, True, True, True])
    return Substitutes(ordered.reset_index(drop=True), len(table))


def _require_customers(orders: Numbered) -> None:
    """Raise NotApplicable where it cannot be told whether the same customers buy both."""
    known = orders.known("customer")
    if known < MOSTLY:
        raise NotApplicable(
            f"Only {100 * known:.0f} % of the orders have a known customer: whether the same "
            "customers buy both, one instead of the other, cannot be told."
        )


def _weighed(lines: ibis.Table) -> list[str]:
    """Return the items that are sold by weight: their quantity is no number of units."""
    if "counted" not in lines.columns:
        return []
    rows = lines.filter(~lines.counted).select("item").distinct()
    return sorted(rows.to_pandas()["item"].dropna().astype("str"))


def _of_size(orders: Numbered, table: pd.DataFrame, weighed: list[str]) -> pd.DataFrame:
    """Add expected_size and p_size, the chance of so few orders with both among random ones."""
    from scipy.special import gammaincc

    items = sorted({*table["a"], *table["b"]})
    sizes, places = _added(orders.each(partial(_by_size, items=items, weighed=weighed)))
    expected = _at_random(dict(zip(["", *items], sizes, strict=True)), table)
    alike = (table["a"].isin(weighed) & table["b"].isin(weighed)).to_numpy()
    if alike.any():
        by_weight = dict(zip(["", *items], places, strict=True))
        expected[alike] = np.minimum(expected[alike], _at_random(by_weight, table[alike]))
    worth = design_effects(orders, _rules(table))
    # A Poisson count of as many orders as they are worth, where customers' orders are alike.
    chance = gammaincc(table["both"].to_numpy(float) / worth + 1, np.maximum(expected / worth, 0))
    return table.assign(expected_size=expected, p_size=chance)


def _by_size(own: Numbered, items: list[str], weighed: list[str]) -> Floats:
    """Return the orders by size and by goods by weight, of all and of those that hold each item."""
    places = np.zeros(len(own), dtype=np.int64)
    for item in weighed:
        places[own.holders[item]] += 1
    width = int(own.size.max(initial=0)) + 1
    every: list[Any] = [slice(None), *(own.holders[item] for item in items)]
    found = [np.bincount(size[of], minlength=width) for size in (own.size, places) for of in every]
    return np.array(found, dtype=float).reshape(2, len(every), width)


def _added(parts: list[Floats]) -> Floats:
    width = max(part.shape[-1] for part in parts)
    wide = [np.pad(part, ((0, 0), (0, 0), (0, width - part.shape[-1]))) for part in parts]
    return np.sum(wide, axis=0)


def _at_random(held: dict[str, Floats], table: pd.DataFrame) -> Floats:
    """Return the orders with both if items were drawn at random into orders of these sizes.

    Who holds A in an order of s items has s - 1 places left, and B fills its share of all places
    but A's: a (s - 1) b / (s n - a), the same from either side for items as frequent.
    """
    n = np.trim_zeros(held[""], "b")
    places = np.arange(len(n), dtype=float)
    expected = np.zeros(len(table))
    for row, (x, y) in enumerate(zip(table["a"], table["b"], strict=True)):
        a, b = held[x][: len(n)], held[y][: len(n)]
        room = places * n - (a + b) / 2
        parts = np.divide(a * b * (places - 1), room, out=np.zeros_like(room), where=room > 0)
        expected[row] = parts.sum()
    return expected


def _rules(pairs: pd.DataFrame) -> pd.DataFrame:
    sides = {"antecedents": [(a,) for a in pairs["a"]], "consequents": [(b,) for b in pairs["b"]]}
    return pd.DataFrame(sides)


def _within(orders: Numbered, table: pd.DataFrame, fdr: float) -> pd.DataFrame:
    """Keep as substitutes what is below chance within stores and within weeks, too."""
    table = table.assign(expected_store=np.nan, expected_week=np.nan)
    found = table.index[table["substitutes"]]
    for name, fact in (("expected_store", "store"), ("expected_week", "week")):
        if fact not in orders.facts or found.empty:
            continue
        control = Control.of(orders, fact, by_size=False)
        within = cochran_mantel_haenszel(orders, _rules(table.loc[found]), control)
        below = (within["together"] < within["expected"]) & (within["p"] <= fdr)
        table.loc[found, name] = within["expected"].to_numpy()
        table.loc[found, "substitutes"] &= below.to_numpy()
    return table


def _candidates(baskets: Baskets) -> pd.DataFrame:
    """Return the pairs within a category that chance would put together often enough."""
    items = baskets.items
    # a * b / n >= MIN_EXPECTED needs the larger of the two to have root(MIN_EXPECTED * n) orders.
    items = items[items["orders"] ** 1.0 * items["orders"].max() >= MIN_EXPECTED * baskets.orders]
    columns = ["item", "orders", "category"]
    a = items[columns].rename(columns={"item": "a", "orders": "a_orders"})
    b = items[columns].rename(columns={"item": "b", "orders": "b_orders"})
    pairs = a.merge(b, on="category")
    pairs = pairs[pairs["a"] < pairs["b"]].rename(columns={"category": "group"})
    pairs["expected"] = pairs["a_orders"] * pairs["b_orders"] / baskets.orders
    pairs = pairs[pairs["expected"] >= MIN_EXPECTED]
    if pairs.empty:
        raise NotApplicable(
            f"No two items of one category are frequent enough for {MIN_EXPECTED:g} orders with "
            "both by chance, so that none can be called a substitute."
        )
    assert isinstance(pairs, pd.DataFrame)
    return pairs.reset_index(drop=True)


def _together(baskets: Baskets, pairs: pd.DataFrame) -> pd.DataFrame:
    """Return both, the orders that hold both items of each pair."""
    return _counted(baskets.gathered, baskets.known["item"].to_numpy(object), pairs, "both")


def _shared_buyers(lines: ibis.Table, pairs: pd.DataFrame) -> pd.DataFrame:
    """Return buyers and buyer_lift of each pair over customers."""
    known = lines.filter(lines.customer_id.notnull())
    customers = int(known.customer_id.nunique().to_pandas())
    names = np.unique(pairs[["a", "b"]].to_numpy(dtype=object))
    own = gathered(known, names, owner="customer_id")
    counts = own.each(lambda each: np.bincount(each.values, minlength=len(names)))
    singles = pd.Series(sum(counts), index=names)
    counted = _counted(own, names, pairs, "buyers")
    table = pairs[["a", "b"]].merge(counted, on=["a", "b"], how="left")
    table["buyers"] = table["buyers"].fillna(0).astype("int64")
    product = table["a"].map(singles).fillna(0) * table["b"].map(singles).fillna(0)
    chance = (product / max(customers, 1)).to_numpy(float)
    bought = table["buyers"].to_numpy(float)
    lift = np.divide(bought, chance, out=np.full(len(table), np.nan), where=chance > 0)
    # Not fewer than chance would give, as far as so many buyers can tell.
    same = bought + 2 * np.sqrt(np.maximum(bought, 1)) >= chance
    return table.assign(buyer_lift=lift, same_buyers=same)


def _counted(
    owners: Gathered | Spread, names: npt.NDArray[np.object_], pairs: pd.DataFrame, name: str
) -> pd.DataFrame:
    """Return how many owners hold both of each pair, in one walk along them."""
    from analysis.products.baskets.basket_kernels import count_pairs

    sides = [np.searchsorted(names, pairs[side].to_numpy(dtype=object)) for side in ("a", "b")]
    place = np.full(len(names), -1, np.int32)
    wanted = np.unique(np.concatenate(sides))
    place[wanted] = np.arange(len(wanted))
    n = len(wanted)
    both = sum(owners.each(lambda own: count_pairs(own.starts, own.values, place, n, 0, n)))
    return pairs[["a", "b"]].assign(**{name: both[place[sides[0]], place[sides[1]]]})
