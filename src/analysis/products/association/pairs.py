"""From orders to the pairs one can believe in, at one level, beyond what their categories say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import ibis
import pandas as pd

from analysis.answers import without
from analysis.errors import NotApplicable
from analysis.products.association import association_rules as rule_mining
from analysis.products.association.confounding import Doubts, check
from analysis.products.association.itemsets import Itemsets, mined
from analysis.products.association.mantel_haenszel import Control, common_odds
from analysis.products.baskets import order_contents as orders_as_sets
from analysis.products.baskets.order_contents import gone_items
from analysis.products.baskets.order_index import items_of, order_facts
from analysis.tables.margin import MICROS
from analysis.tables.periods import Period, as_date, written

if TYPE_CHECKING:
    from datetime import date

    from analysis.products.association.association_rules import Rules
    from analysis.products.baskets.order_contents import Baskets, Level
    from analysis.products.baskets.order_index import Numbered
    from analysis.tables.engine import Tables


@dataclass(frozen=True)
class Halves:
    """The same shop in two periods.

    Parameters
    ----------
    first, second
        Where pairs are found, and where they are checked.
    """

    first: Period
    second: Period

    @classmethod
    def before(cls, as_of: date | str, *, days: int) -> Halves:
        """Return the two periods of ``days`` days that end just before ``as_of``."""
        second = Period.before(as_of, days=days)
        return cls(second.previous(), second)

    @classmethod
    def known(cls, tables: Tables, as_of: date | str, *, days: int) -> Halves:
        """Return them as `before` does, no longer than half of what the study knows."""
        begin = tables.order_lines.ordered_at.min().to_pandas()
        known = 0 if begin != begin else (as_date(as_of) - begin.date()).days
        return cls.before(as_of, days=max(1, min(days, known // 2)))

    @property
    def whole(self) -> Period:
        """Both together."""
        return Period(self.first.start, self.second.end)


@dataclass(frozen=True)
class Pairs:
    """Pairs of one level, found and checked.

    Parameters
    ----------
    lines
        What was bought in both halves, by `baskets.bought`.
    facts
        `order_facts` of them.
    first
        Orders of the first half as sets.
    orders
        The same orders by customer.
    itemsets
        Its frequent itemsets.
    rules
        All rules between them.
    discovered
        Rules at the false discovery rate asked for, lift above 1, one a pair: the direction with
        the higher confidence.
    looked_at
        The pairs of `shortlist`, checked by `believable.check`, with gain: the margin of the second
        side in the orders of both halves that hold both beyond chance; None without any.
    gone
        Items that are no longer sold; no pair of theirs is looked at.
    """

    lines: ibis.Table
    facts: ibis.Table
    first: Baskets
    orders: Numbered
    itemsets: Itemsets
    rules: Rules
    discovered: pd.DataFrame
    looked_at: pd.DataFrame | None
    gone: frozenset[str] = frozenset()

    def whole(self) -> Baskets:
        """Return the orders of both halves as sets, described for items that are still sold."""
        found = orders_as_sets.of_lines(self.lines, level=self.first.level, known=self.first.known)
        sold = ~found.items["item"].isin(self.gone)
        items = found.items[sold].reset_index(drop=True)
        return replace(found, items=items, facts=self.facts)

    @property
    def checked(self) -> pd.DataFrame:
        """The pairs that were looked at again; NotApplicable without any."""
        if self.looked_at is None:
            raise NotApplicable(f"No pair at the level of {self.first.level} is significant.")
        return self.looked_at

    @property
    def believed(self) -> pd.DataFrame:
        """The checked pairs that hold; NotApplicable without any."""
        found = self.checked[self.checked["verdict"] == "holds"]
        if found.empty:
            n, level = len(self.checked), self.first.level
            said = f"The one significant pair at the level of {level} does not hold"
            if n > 1:
                said = f"None of the {n} checked pairs at the level of {level} holds"
            raise NotApplicable(
                f"{said} in the second half and under all controls, large enough to act on."
            )
        return found.reset_index(drop=True)

    @property
    def items(self) -> list[str]:
        """Every item of the rules, sorted."""
        return items_of(self.rules.table)


def believed(pairs: Pairs) -> pd.DataFrame:
    """Return `Pairs.believed`; NotApplicable without any."""
    return pairs.believed


@dataclass(frozen=True)
class Search:
    """What to look for, and how hard.

    Parameters
    ----------
    support
        Share of orders; 0 lets the data choose.
    checked
        Pairs to check.
    longest
        Size of the largest itemsets.
    without
        Departments that are no goods.
    least_odds
        As in `believable.Doubts`.
    """

    support: float = 0.0
    fdr: float = 0.05
    confidence: float = 0.95
    checked: int = 60
    longest: int = 3
    without: tuple[str, ...] = ()
    least_odds: float = 2.0


@without("categories")
def find(
    tables: Tables, halves: Halves, search: Search, *, level: Level, categories: Pairs | None = None
) -> Pairs:
    """Find pairs in the first half and check them in the second.

    Parameters
    ----------
    tables
        A study's tables; needs order_lines and products.
    search
        What to look for.
    categories
        The same at the level of categories: pairs of products that say no more than their two
        categories do are not checked. Pairs within a category are, and are marked.
    """
    lines = orders_as_sets.bought(tables, halves.whole, level=level, without=search.without)
    known = orders_as_sets.described(lines)
    orders_of = partial(orders_as_sets.of_lines, lines, level=level, known=known)
    first, second = (orders_of(period=period) for period in (halves.first, halves.second))
    if second.orders and not first.orders:
        when = written(halves.second.start) if halves.second.days == 1 else str(halves.second)
        raise NotApplicable(
            f"All orders are of {when}, none of the days before: pairs are found in one "
            "half of the days and checked in the other, so it takes orders of two days or more."
        )
    itemsets = mined(first, search.support or None, longest=search.longest)
    frequent = [s[0] for s in itemsets.table["itemset"] if len(s) == 1]
    every = orders_as_sets.bought(tables, halves.whole, without=search.without)
    # Of all levels: an order is the same whatever its items are called.
    facts = tables.once(f"facts, {halves.whole}, {search.without}", lambda _: order_facts(every))
    orders = first.numbered(facts, frequent)
    rules = rule_mining.mine(itemsets, orders=orders, confidence=search.confidence)
    discovered = _one_a_pair(rules, search.fdr)
    if categories is not None:
        discovered = beyond_categories(discovered, first, categories.itemsets)
    gone = gone_items(lines, halves.second.end)
    whole = orders_of()
    margin = margins(whole)
    chosen = shortlist(discovered, orders, margin, gone=gone, search=search)
    doubts = Doubts(search.fdr, search.confidence, search.least_odds)
    checked = None
    if len(chosen):
        sides = {"first": first, "second": second, "whole": whole, "facts": facts}
        checked = _with_gain(check(tables, chosen, **sides, doubts=doubts), margin)
    return Pairs(lines, facts, first, orders, itemsets, rules, discovered, checked, gone)


def _one_a_pair(rules: Rules, fdr: float) -> pd.DataFrame:
    found = rules.discoveries(fdr=fdr)
    single = (found["antecedents"].map(len) == 1) & (found["consequents"].map(len) == 1)
    found = found[single & (found["lift"] > 1)]
    sides = zip(found["antecedents"], found["consequents"], strict=True)
    pair = ["\x1f".join(sorted((x, y))) for (x,), (y,) in sides]
    ordered = found.assign(pair=pair).sort_values(["confidence", "pair"], ascending=[False, True])
    return ordered.drop_duplicates("pair").drop(columns="pair").reset_index(drop=True)


#: Of so many pairs, by what they would gain and by their lift, the size of orders is allowed for
#: before any is chosen.
_LOOKED_THROUGH = 200


def shortlist(
    discovered: pd.DataFrame,
    orders: Numbered,
    margin: pd.Series,
    *,
    gone: frozenset[str],
    search: Search,
) -> pd.DataFrame:
    """Return the pairs to look at again.

    Parameters
    ----------
    discovered
        Pairs beyond chance, as in `Pairs`.
    orders, margin
        Orders of the first half, and the `margins` of both.
    gone
        Items that are no longer sold.
    search
        How many, and the least odds.

    Returns
    -------
    pandas.DataFrame
        First the pairs of which orders of the same size leave the least odds, those that would gain
        most on top; then, up to the number asked for, those with the highest lift, which a plain
        reading would believe.
    """
    if "beyond" in discovered:
        discovered = discovered[discovered["beyond"]]
    sides = [discovered[c].map(lambda s: s[0] in gone) for c in ("antecedents", "consequents")]
    alive = discovered[~(sides[0] | sides[1])].reset_index(drop=True)
    if alive.empty:
        return alive
    gain = _gain(alive, alive["leverage"] * len(orders), margin)
    by_gain = gain.sort_values(ascending=False, kind="stable").index[:_LOOKED_THROUGH]
    by_lift = alive["lift_low"].sort_values(ascending=False, kind="stable").index
    looked = sorted({*by_gain, *by_lift[:_LOOKED_THROUGH]})
    table = alive.loc[looked].reset_index(drop=True)
    odds = common_odds(orders, table, Control.of(orders, None))
    large = alive.loc[looked].index[odds >= search.least_odds]
    first = gain[large].sort_values(ascending=False, kind="stable").index
    rest = [i for i in by_lift if i not in set(first)]
    return alive.loc[[*first, *rest][: search.checked]].reset_index(drop=True)


def margins(baskets: Baskets) -> pd.Series:
    """Return the margin of one order's worth of each item (currency), by item."""
    items = baskets.items.set_index("item")
    return items["margin_micros"] / MICROS / items["orders"]


def _gain(rules: pd.DataFrame, beyond: pd.Series, margin: pd.Series) -> pd.Series:
    """Return the margin of the second side in so many orders."""
    return beyond * rules["consequents"].map(lambda s: s[0]).map(margin).astype("float64")


def _with_gain(checked: pd.DataFrame, margin: pd.Series) -> pd.DataFrame:
    both = checked["first_both"] + checked["second_both"]
    return checked.assign(gain=_gain(checked, both * (1 - 1 / checked["or_least"]), margin))


def leading_to(pairs: Pairs, target: str, *, fdr: float = 0.05) -> pd.DataFrame:
    """Return the rules that lead to one item, redundant ones left out, the largest lift first.

    NotApplicable if no item is named, it is not frequent or nothing leads to it.
    """
    if not target:
        raise NotApplicable("No category is named to which rules should lead (target).")
    mined = rule_mining.mine(pairs.itemsets, orders=pairs.orders, target=target)
    kept = rule_mining.prune(mined)
    kept = kept[(kept["q"] <= fdr) & (kept["lift"] > 1)] if len(kept) else kept
    kept = kept[kept["antecedents"].map(pairs.gone.isdisjoint).astype(bool)]
    if kept.empty:
        raise NotApplicable(f"No rule leads to {target} significantly.")
    return kept.reset_index(drop=True)


#: How far a lift must pass that of the categories to say something of its own.
BEYOND = 1.1


def beyond_categories(rules: pd.DataFrame, products: Baskets, categories: Itemsets) -> pd.DataFrame:
    """Return the rules with what their categories alone would give.

    Parameters
    ----------
    rules
        Rules between single products, with lift and lift_low.
    products
        Baskets of products, whose items know their category.
    categories
        Frequent itemsets of the categories, in the same orders.

    Returns
    -------
    pandas.DataFrame
        The rules with category_a, category_b, same_category, category_lift (NaN within a category
        and where the categories are together too seldom to be frequent), beyond (lift_low passes
        BEYOND x category_lift, or there is none to pass).

    Notes
    -----
    Srikant and Agrawal (1995), Mining generalized association rules, section 2: a rule is
    interesting if its support is more than ``BEYOND`` times what its ancestors lead to expect.
    """
    category = dict(zip(products.items["item"], products.items["category"], strict=True))
    shares = dict(zip(categories.table["itemset"], categories.table["support"], strict=True))
    a = rules["antecedents"].map(lambda s: category.get(s[0], ""))
    b = rules["consequents"].map(lambda s: category.get(s[0], ""))
    lifts = [_lift(shares, x, y) for x, y in zip(a, b, strict=True)]
    found = rules.assign(category_a=a, category_b=b, same_category=a == b, category_lift=lifts)
    passed = ~(found["lift_low"] <= BEYOND * found["category_lift"])
    return found.assign(beyond=passed)


def _lift(shares: dict[tuple[str, ...], float], a: str, b: str) -> float:
    pair = tuple(sorted((a, b)))
    if a == b or pair not in shares:
        return float("nan")
    return shares[pair] / (shares[a,] * shares[b,])
