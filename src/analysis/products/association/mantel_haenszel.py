"""Whether it is the pair, or what its orders share: size, store, week, customer, promotion.

Tests of chance that know that orders of one customer are alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.products.baskets.order_contents import BAND_OF, BANDS
from analysis.stats.multiplicity import normal_quantile
from analysis.stats.proportions import fisher_less, fisher_more
from analysis.stats.types import Floats

if TYPE_CHECKING:
    from analysis.products.baskets.order_index import Ints, Numbered, Sides

_NOTHING = "no stratum has both sides apart from each other"


@dataclass(frozen=True)
class Control:
    """What to compare orders within.

    Parameters
    ----------
    group
        For the number of a rule, the group of each order; -1 leaves the order out.
    groups
        How many there are.
    by_size
        Cut by how many items the order holds beside the rule's own, too.

    Notes
    -----
    The size is that of the rest of the order. Taking the whole order's would make any two items
    of a small order seem to shun each other. An order exists because it holds something: one with
    neither side holds something else. Orders without anything else are therefore left out where
    size is a control, for there would be none with neither side among them, and every pair would
    seem to be shunned.
    """

    group: Callable[[int], Ints]
    groups: int
    by_size: bool = True

    @classmethod
    def of(cls, orders: Numbered, fact: str | None, *, by_size: bool = True) -> Control:
        """Return the control by one fact of the orders, or by none."""
        if fact is None:
            alone = np.zeros(len(orders), np.int32)
            return cls(lambda _: alone, 1, by_size)
        return cls(lambda _: orders.facts[fact], orders.groups(fact), by_size)

    @property
    def strata(self) -> int:
        """How many strata there are at most."""
        return self.groups * (len(BANDS) + 1) if self.by_size else self.groups


@dataclass(frozen=True)
class Cells:
    """The four cells of one rule in every stratum: both (a), one (b, c) and neither (d)."""

    place: Ints
    side: Sides
    counts: Ints

    @cached_property
    def parts(self) -> tuple[Floats, ...]:
        """The cells a, b, c, d and one by their sum, which is 0 where nothing can be compared."""
        d, b, c, a = self.counts.T.astype(np.float64)
        compared = (a + b > 0) & (a + c > 0)
        return a, b, c, d, np.divide(1.0, a + b + c + d, out=np.zeros_like(a), where=compared)


def cells_of_rules(orders: Numbered, rules: pd.DataFrame, control: Control) -> Iterator[Cells]:
    """Return the cells of each rule, which last until those of the next are asked for.

    Orders with neither side are placed and counted once for all rules of the same groups; the rest
    costs as much as a rule's sides have orders.
    """
    from analysis.products.baskets.basket_kernels import cells_of, strata_of, with_holders

    holders: tuple[Ints, ...] = ()
    before, bands = None, (BAND_OF, control.by_size)
    side, place, placed = np.zeros(len(orders), np.uint8), *2 * [np.zeros(0, np.int32)]
    for rule, (a, b) in enumerate(zip(rules["antecedents"], rules["consequents"], strict=True)):
        group, rest = control.group(rule), (_own(len(a), len(b)), orders.size)
        for held in holders:
            place[held], side[held] = placed[held], 0
        if group is not before:
            before, placed = group, strata_of(group, orders.size, *bands)
            place, neither = placed.copy(), cells_of(placed, control.strata)
        holders, counts = (orders.held_by(a), orders.held_by(b)), neither.copy()
        with_holders(place, side, counts, group, rest, holders, *bands)
        yield Cells(place, side, counts)


def _own(first: int, second: int) -> Ints:
    """Return, by side, how many of an order's items are the rule's own."""
    return np.array([0, first, second, first + second], np.int32)


def mantel_haenszel(
    orders: Numbered, rules: pd.DataFrame, control: Control, *, confidence: float = 0.95
) -> pd.DataFrame:
    """Return the common odds ratio of each rule over its strata.

    Parameters
    ----------
    orders
        The orders, with the items of the rules.
    rules
        antecedents, consequents.
    control
        What to compare orders within.
    confidence
        Coverage of the interval.

    Returns
    -------
    pandas.DataFrame
        strata (with something to compare), odds_ratio, low, high (over whole customers), reason
        (why there is no estimate, else empty). The interval is without end where all that speaks
        for the pair, or against it, is one customer's.

    Notes
    -----
    Mantel and Haenszel (1959), J. Natl. Cancer Inst. 22(4); the variance is that of
    `log_variance`.
    """
    reach = normal_quantile(confidence)
    rows = [_estimate(orders, cells, reach) for cells in cells_of_rules(orders, rules, control)]
    return pd.DataFrame(rows, columns=["strata", "odds_ratio", "low", "high", "reason"])


def common_odds(orders: Numbered, rules: pd.DataFrame, control: Control) -> Floats:
    """Return the odds ratio of `mantel_haenszel` alone, without its interval, which costs more."""
    found = []
    for cells in cells_of_rules(orders, rules, control):
        r, s = _sums(cells.parts)
        found.append(r / s if r > 0 and s > 0 else np.nan)
    return np.array(found, dtype=np.float64)


def _sums(parts: tuple[Floats, ...]) -> tuple[float, float]:
    """Return the sums over strata of a d / n and of b c / n."""
    a, b, c, d, inverse = parts
    return float((a * d * inverse).sum()), float((b * c * inverse).sum())


def _estimate(orders: Numbered, cells: Cells, reach: float) -> tuple[object, ...]:
    strata = int((cells.parts[-1] > 0).sum())
    r, s = _sums(cells.parts)
    if not (r > 0 and s > 0):
        return strata, np.nan, np.nan, np.nan, _NOTHING
    ends = reach * np.sqrt(log_variance(orders, cells, r, s)) * np.array([0, -1, 1])
    return strata, *(float(v) for v in np.exp(np.log(r / s) + ends)), ""


def log_variance(orders: Numbered, cells: Cells, r: float, s: float) -> float:
    """Return the variance of the logarithm of the common odds ratio, customers taken whole.

    Parameters
    ----------
    orders, cells
        The orders and their cells.
    r, s
        Sums over strata of a d / n and of b c / n, both above 0.

    Returns
    -------
    float
        Infinite where all terms of either sum are one customer's.

    Notes
    -----
    A customer's orders are alike, so that orders are no independent draws, and customers are
    resampled whole: the sum over customers of the squared moves of the logarithm when one is left
    out (the jackknife, Efron and Stein 1981, Ann. Stat. 9(3)). Leaving out is done by formula, at
    fixed sizes of the strata: r and s are sums of terms of two orders each that lie across from
    each other in a stratum, and lose the terms that one of the customer's orders is in. Every term
    between two customers is then lost with either of them; its square, which counts twice, is
    taken off once. Terms of the same two customers are taken as unrelated, which takes off rather
    too little; never more than half is taken off (Hoeffding 1948, Ann. Math. Stat. 19(3): the
    variance of such a sum is at least half of what the moves say).

    Where every order is a customer, this estimates what Robins, Breslow and Greenland (1986),
    Biometrics 42(2), do, in few large strata and in many sparse ones; where the customers are
    themselves the strata, it is Breslow's (1981), Biometrika 68(1), sum of squares over strata,
    of which Liang (1985), Biometrika 72(3), makes use because it needs no independence within
    them. Begg and Panageas (1999), Stat. Med. 18(9), correct for clusters that lie across strata.
    """
    from analysis.products.baskets.basket_kernels import left_out

    a, b, c, d, inverse = cells.parts
    sums = np.array([r, s])
    moves, within = left_out(orders.starts, cells.place, cells.side, cells.counts, inverse, sums)
    terms = np.array([(a * d * inverse**2).sum(), (b * c * inverse**2).sum()])
    between = float(((terms - within) / sums**2).sum())
    return max(moves - between, moves / 2)


def exact_p(orders: Numbered, rules: pd.DataFrame, counted: pd.DataFrame, *, more: bool) -> Floats:
    """Return the p-value of each rule that its sides are together too often, or too seldom.

    Parameters
    ----------
    orders
        The orders, with the items of the rules.
    rules
        antecedents, consequents.
    counted
        Orders with both sides, with the first and with the second: both, a, b.
    more
        Too often for chance, else too seldom.

    Notes
    -----
    Fisher's exact test on as many orders as they are worth: all counts are divided by
    `design_effects` (Rao and Scott 1992, Biometrics 48(2)).
    """
    worth = design_effects(orders, rules)
    n = counted[["both", "a", "b"]].to_numpy().T
    both, a_only, b_only = n[0] / worth, (n[1] - n[0]) / worth, (n[2] - n[0]) / worth
    test = fisher_more if more else fisher_less
    return test(both, a_only + both, b_only + both, len(orders) / worth)


def design_effects(orders: Numbered, rules: pd.DataFrame) -> Floats:
    """Return how many orders are worth no more than one independent one, for each rule.

    Notes
    -----
    If the two sides have nothing to do with each other, two orders of one customer add to the
    variance of how often they are together the product of the intraclass correlations of either
    side (as Bartlett 1935, J. R. Stat. Soc. 98(3), for two series in time): the design effect is
    1 + m x that product, m being how many other orders of its customer an order has on average.
    """
    n = np.diff(orders.starts).astype(np.float64)
    others = float((n * (n - 1)).sum())

    @cache
    def correlation(items: Sequence[str]) -> float:
        return _alike(orders, orders.held_by(items), n, others)

    sides = zip(rules["antecedents"], rules["consequents"], strict=True)
    products = np.array([correlation(a) * correlation(b) for a, b in sides])
    return 1 + products * others / max(len(orders), 1)


def _alike(orders: Numbered, held: Ints, n: Floats, others: float) -> float:
    """Return the intraclass correlation of holding something; 0 where it cannot be told."""
    count = np.bincount(orders.customer[held], minlength=orders.customers)
    share = len(held) / max(len(orders), 1)
    spread = share * (1 - share)
    if spread == 0 or others == 0:
        return 0.0
    deviations = float(((count - share * n) ** 2).sum()) - len(orders) * spread
    return max(deviations / (others * spread), 0.0)


def cochran_mantel_haenszel(
    orders: Numbered, rules: pd.DataFrame, control: Control
) -> pd.DataFrame:
    """Return whether the sides of each rule are together as chance would have it within strata.

    Parameters
    ----------
    orders
        The orders, with the items of the rules.
    rules
        antecedents, consequents.
    control
        What to compare orders within.

    Returns
    -------
    pandas.DataFrame
        together (orders with both), expected (the same by chance within strata), chi2 (with
        continuity correction, one degree of freedom; NaN where there is nothing to compare), p
        (its upper tail, two-sided).

    Notes
    -----
    Mantel and Haenszel (1959), J. Natl. Cancer Inst. 22(4), with `null_variance` as its variance.
    """
    from scipy.special import chdtrc

    rows = [_tested(orders, cells) for cells in cells_of_rules(orders, rules, control)]
    table = pd.DataFrame(rows, columns=["together", "expected", "chi2"])
    return table.assign(p=chdtrc(1, table["chi2"].to_numpy(float)))


def _tested(orders: Numbered, cells: Cells) -> tuple[int, float, float]:
    a, b, c, _, inverse = cells.parts
    together, expected = int(a.sum()), float(((a + b) * (a + c) * inverse).sum())
    spread = null_variance(orders, cells)
    distance = max(abs(together - expected) - 0.5, 0.0)
    return together, expected, distance**2 / spread if spread > 0 else np.nan


def null_variance(orders: Numbered, cells: Cells) -> float:
    """Return the variance of the orders with both if the sides had nothing to do with each other.

    Notes
    -----
    Within strata that of Mantel and Haenszel, as if orders were independent. Two orders of one
    customer add the product of their covariances, that of the first side and that of the second,
    each an intraclass correlation, common to all customers, times the spreads of the two strata
    (as Clifford, Richardson and Hemon 1989, Biometrics 45(1), for two processes in space; Donald
    and Donner 1987, Stat. Med. 6(4), adjust the same test by correlations within clusters). It
    rests on what was bought of either side alone, so that it does not vanish where nothing was
    bought together.
    """
    from analysis.products.baskets.basket_kernels import likeness

    a, b, c, d, inverse = cells.parts
    n = a + b + c + d
    several = np.where(n > 1, n - 1, 1.0)
    alone = float(((a + b) * (c + d) * (a + c) * (b + d) * inverse**2 / several).sum())
    shares = ((a + b) * inverse, (a + c) * inverse)
    like_a, most_a, like_b, most_b, both = likeness(orders.starts, cells.place, cells.side, *shares)
    return alone + _correlation(like_a, most_a) * _correlation(like_b, most_b) * both


def _correlation(like: float, most: float) -> float:
    return max(like / most, 0.0) if most > 0 else 0.0
