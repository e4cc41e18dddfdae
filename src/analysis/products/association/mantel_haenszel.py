"""Whether it is the pair, or what its orders share: size, store, week, customer, promotion.

Tests of chance that know that orders of one customer are alike. Everywhere here ``orders`` know who
holds the items of the ``rules``, whose sides are their antecedents and consequents, and a control
says what to compare orders within.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from itertools import chain, groupby, repeat
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.products.baskets.order_contents import BAND_OF, BANDS
from analysis.products.baskets.order_index import Numbered
from analysis.stats.multiplicity import normal_quantile
from analysis.stats.proportions import fisher_less, fisher_more
from analysis.stats.types import Floats, Integers

if TYPE_CHECKING:
    from analysis.products.baskets.order_index import Ints, Sides

#: Makes sums over strata of their cells and of one by their orders.
Sums = Callable[[tuple[Floats, ...]], Floats]

_NOTHING = "no stratum has both sides apart from each other"


@dataclass(frozen=True)
class Control:
    """What to compare orders within.

    Parameters
    ----------
    group
        For orders and the number of a rule, the group of each order; -1 leaves the order out.
    groups
        How many there are; None where they are the customers, of whom each worker has its own.
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

    group: Callable[[Numbered, int], Ints]
    groups: int | None
    by_size: bool = True

    @classmethod
    def of(cls, orders: Numbered, fact: str | None, *, by_size: bool = True) -> Control:
        """Return the control by one fact of the orders, or by none."""
        if fact is None:
            return cls(lambda own, _: own.alone, 1, by_size)
        groups = None if fact == "customer" else orders.groups(fact)
        return cls(lambda own, _: own.facts[fact], groups, by_size)

    def strata(self, orders: Numbered) -> int:
        """Return how many strata there are at most."""
        groups = orders.groups("customer") if self.groups is None else self.groups
        return groups * (len(BANDS) + 1) if self.by_size else groups


@dataclass(frozen=True)
class Cells:
    """The four cells of one rule in every stratum: both (a), one (b, c) and neither (d)."""

    place: Ints
    side: Sides
    counts: Ints

    @cached_property
    def parts(self) -> tuple[Floats, ...]:
        """The cells a, b, c, d and one by their sum, which is 0 where nothing can be compared."""
        return _parts(self.counts)


def _parts(counts: Ints) -> tuple[Floats, ...]:
    d, b, c, a = counts.T.astype(np.float64)
    compared = (a + b > 0) & (a + c > 0)
    return a, b, c, d, np.divide(1.0, a + b + c + d, out=np.zeros_like(a), where=compared)


def cells_of_rules(orders: Numbered, rules: pd.DataFrame, control: Control) -> Iterator[Cells]:
    """Return the cells of each rule, which last until those of the next are asked for.

    Orders with neither side are placed and counted once for all rules of the same groups; the rest
    costs as much as a rule's sides have orders.
    """
    from analysis.products.baskets.basket_kernels import cells_of, strata_of, with_holders

    before, bands = None, (BAND_OF, control.by_size)
    holders: tuple[Ints, ...] = ()
    side, place, placed = np.zeros(len(orders), np.uint8), *2 * [np.zeros(0, np.int32)]
    for rule, (a, b) in enumerate(zip(rules["antecedents"], rules["consequents"], strict=True)):
        group, rest = control.group(orders, rule), (_own(len(a), len(b)), orders.size)
        for held in holders:
            place[held], side[held] = placed[held], 0
        if group is not before:
            before, placed = group, strata_of(group, orders.size, *bands)
            place, neither = placed.copy(), cells_of(placed, control.strata(orders))
        holders, counts = (orders.held_by(a), orders.held_by(b)), neither.copy()
        with_holders(place, side, counts, group, rest, holders, *bands)
        yield Cells(place, side, counts)


def _own(first: int, second: int) -> Ints:
    """Return, by side, how many of an order's items are the rule's own."""
    return np.array([0, first, second, first + second], np.int32)


def mantel_haenszel(
    orders: Numbered, rules: pd.DataFrame, *controls: Control, confidence: float = 0.95
) -> pd.DataFrame:
    """Return the common odds ratio of each rule over its strata, control by control.

    Returns
    -------
    pandas.DataFrame
        strata (with something to compare), odds_ratio, low, high (over whole customers), reason
        (why there is no estimate, else empty): all rules by the first control, then by the others.
        The interval is without end where all that speaks for the pair, or against it, is one
        customer's.

    Notes
    -----
    Mantel and Haenszel (1959), J. Natl. Cancer Inst. 22(4); the variance is that of
    `log_variance`.
    """
    reach = normal_quantile(confidence)
    rows = [_estimate(*each, reach) for each in _asked(orders, rules, controls, odds_sums, moved)]
    return pd.DataFrame(rows, columns=["strata", "odds_ratio", "low", "high", "reason"])


def common_odds(orders: Numbered, rules: pd.DataFrame, control: Control) -> Floats:
    """Return the odds ratio of `mantel_haenszel` alone, without its interval, which costs more."""
    sums = np.array([found for _, found in _whole(orders, rules, [control], odds_sums)])
    r, s = sums.reshape(-1, 5).T[1:3]
    return np.divide(r, s, out=np.full(len(r), np.nan), where=(r > 0) & (s > 0))


def _whole(
    orders: Numbered, rules: pd.DataFrame, controls: Sequence[Control], sums: Sums
) -> list[tuple[Any, Floats]]:
    """Return, by control and rule, the cells of all orders, and what their strata add up to.

    Where customers are the strata, they stay where they are: only the sums are returned.
    """

    def counted(own: Numbered) -> list[Any]:
        cells = ((each.groups, cells_of_rules(own, rules, each)) for each in controls)
        return [sums(c.parts) if n is None else c.counts for n, found in cells for c in found]

    asked = (control.groups for control in controls for _ in range(len(rules)))
    found = zip(asked, zip(*orders.each(counted), strict=True), strict=True)
    return [(None, sum(row)) if n is None else (sum(row), sums(_parts(sum(row))))
            for n, row in found]  # fmt: skip


def _asked(
    orders: Numbered, rules: pd.DataFrame, controls: Sequence[Control], sums: Sums, walk: Any
) -> list[tuple[Floats, Floats]]:
    """Return, by control and rule, what all strata add up to and, a walk each, all customers."""
    whole = None if orders.parts is None else _whole(orders, rules, controls, sums)

    def walked(own: Numbered) -> list[tuple[Floats, Floats]]:
        cells = chain.from_iterable(cells_of_rules(own, rules, each) for each in controls)
        rows = []
        for each, (counts, found) in zip(cells, whole or repeat((None, None)), strict=False):
            every = each if counts is None else replace(each, counts=counts)
            found = sums(every.parts) if found is None else found
            rows.append((found, walk(own, every, found)))
        return rows

    rows = zip(*orders.each(walked), strict=True)
    return [(row[0][0], sum(found for _, found in row)) for row in rows]


def odds_sums(parts: tuple[Floats, ...]) -> Floats:
    """Return how many strata compare anything, and sums over them: of a d / n, b c / n, squares."""
    a, b, c, d, inverse = parts
    terms = [(a * d * inverse).sum(), (b * c * inverse).sum()]
    squares = [(a * d * inverse**2).sum(), (b * c * inverse**2).sum()]
    return np.array([(inverse > 0).sum(), *terms, *squares])


def moved(orders: Numbered, cells: Cells, sums: Floats) -> Floats:
    """Return what leaving out each of the customers adds up to, as `left_out` has it."""
    from analysis.products.baskets.basket_kernels import left_out

    if not (sums[1:3] > 0).all():
        return np.zeros(3)
    counted = cells.counts, cells.parts[-1], sums[1:3]
    moves, within = left_out(orders.starts, cells.place, cells.side, *counted)
    return np.array([moves, *within])


def _estimate(sums: Floats, moves: Floats, reach: float) -> tuple[object, ...]:
    strata, (r, s) = int(sums[0]), sums[1:3]
    if not (r > 0 and s > 0):
        return strata, np.nan, np.nan, np.nan, _NOTHING
    ends = reach * np.sqrt(log_variance(sums, moves)) * np.array([0, -1, 1])
    return strata, *(float(v) for v in np.exp(np.log(r / s) + ends)), ""


def log_variance(sums: Floats, moves: Floats) -> float:
    """Return the variance of the logarithm of the common odds ratio, customers taken whole.

    It is infinite where all terms of either of the `odds_sums`, which must be above 0, are one
    customer's.

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
    between = float(((sums[3:] - moves[1:]) / sums[1:3] ** 2).sum())
    return max(moves[0] - between, moves[0] / 2)


def moments(orders: Numbered, rules: pd.DataFrame) -> tuple[Integers, npt.NDArray[np.bool_]]:
    """Return what the lift of each rule is made of, and which rules are mirrored there.

    Sums over customers, as `lift_moments` has them, a being the smaller side of the two: t, a, b,
    the customers with both, tt, ta, tb, tn, aa, ab, an, bb and bn. A rule and its mirror image are
    counted once.
    """
    sides = list(zip(rules["antecedents"], rules["consequents"], strict=True))
    pairs = [pair if pair[0] <= pair[1] else pair[::-1] for pair in sides]
    if wanted := sorted({*pairs} - orders.counted.keys()):
        found = sum(orders.each(partial(_moments, wanted=wanted)))
        orders.counted.update(zip(wanted, found, strict=True))
    rows = np.array([orders.counted[pair] for pair in pairs], np.int64).reshape(-1, 13)
    return rows, np.array([a > b for a, b in sides], dtype=bool)


def _moments(orders: Numbered, wanted: list[Any]) -> Integers:
    """Return them for each two sides.

    The orders of the rarer side, or of the one of more items, are walked along; those of the other
    are marked once for all that it is asked for with.
    """
    from analysis.products.baskets.basket_kernels import lift_moments, mark

    holding, found = cache(orders.held_by), {}
    marked, counts = np.zeros(len(orders), np.uint8), np.zeros(len(orders.starts) - 1, np.int32)
    common = {pair: min(pair, key=lambda side: (len(side), -len(holding(side)))) for pair in wanted}
    for side, pairs in groupby(sorted(wanted, key=common.__getitem__), common.__getitem__):
        held = holding(side)
        mark(orders.customer, held, True, marked, counts)
        walk = partial(lift_moments, orders.starts, orders.customer, marked=marked, counts=counts)
        _, y, *_, yy, _, yn = walk(a=held)
        for a, b in pairs:
            t, x, people, tt, tx, ty, tn, xx, xy, xn = walk(a=holding(a if side == b else b))
            one, other = (x, tx, xx, xn), (y, ty, yy, yn)
            (x, tx, xx, xn), (z, tz, zz, zn) = (one, other) if side == b else (other, one)
            found[a, b] = np.array([t, x, z, people, tt, tx, tz, tn, xx, xy, xn, zz, zn])
        mark(orders.customer, held, False, marked, counts)
    return np.array([found[pair] for pair in wanted])


def exact_p(orders: Numbered, rules: pd.DataFrame, *, more: bool) -> Floats:
    """Return the p-value of each rule that its sides are together too often, or too seldom.

    Notes
    -----
    Fisher's exact test on as many orders as they are worth: all counts are divided by
    `design_effects` (Rao and Scott 1992, Biometrics 48(2)).
    """
    counted, mirrored = moments(orders, rules)
    worth = design_effects(orders, rules)
    both, a, b = counted[:, :3].T / worth
    a, b = np.where(mirrored, b, a), np.where(mirrored, a, b)
    return (fisher_more if more else fisher_less)(both, a, b, len(orders) / worth)


def design_effects(orders: Numbered, rules: pd.DataFrame) -> Floats:
    """Return how many orders are worth no more than one independent one, for each rule.

    Notes
    -----
    If the two sides have nothing to do with each other, two orders of one customer add to the
    variance of how often they are together the product of the intraclass correlations of either
    side (as Bartlett 1935, J. R. Stat. Soc. 98(3), for two series in time): the design effect is
    1 + m x that product, m being how many other orders of its customer an order has on average.
    """
    sums, n = moments(orders, rules)[0].T.astype(np.float64), len(orders)
    others = float(orders.told[1] - n)

    def alike(held: Floats, squares: Floats, every: Floats) -> Floats:
        """Return the intraclass correlation of holding a side; 0 where it cannot be told."""
        share = held / max(n, 1)
        spread = share * (1 - share)
        deviations = squares - 2 * share * every + share**2 * orders.told[1] - n * spread
        known = (spread > 0) & (others > 0)
        like = np.divide(deviations, others * spread, out=np.zeros_like(share), where=known)
        return np.maximum(like, 0.0)

    products = alike(*sums[[1, 8, 10]]) * alike(*sums[[2, 11, 12]])
    return 1 + products * others / max(n, 1)


def cochran_mantel_haenszel(
    orders: Numbered, rules: pd.DataFrame, control: Control
) -> pd.DataFrame:
    """Return whether the sides of each rule are together as chance would have it within strata.

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

    found = _asked(orders, rules, [control], chance_sums, likenesses)
    rows = [_tested(*each) for each in found]
    table = pd.DataFrame(rows, columns=["together", "expected", "chi2"])
    return table.assign(p=chdtrc(1, table["chi2"].to_numpy(float)))


def _tested(sums: Floats, likeness: Floats) -> tuple[int, float, float]:
    together, expected = int(sums[0]), float(sums[1])
    spread = null_variance(sums, likeness)
    distance = max(abs(together - expected) - 0.5, 0.0)
    return together, expected, distance**2 / spread if spread > 0 else np.nan


def chance_sums(parts: tuple[Floats, ...]) -> Floats:
    """Return sums over strata: orders with both, those by chance, and their variance by chance."""
    a, b, c, d, inverse = parts
    n = a + b + c + d
    several = np.where(n > 1, n - 1, 1.0)
    alone = ((a + b) * (c + d) * (a + c) * (b + d) * inverse**2 / several).sum()
    return np.array([a.sum(), ((a + b) * (a + c) * inverse).sum(), alone])


def likenesses(orders: Numbered, cells: Cells, _: Floats | None = None) -> Floats:
    """Return how alike two orders of a customer are, as `likeness` has it, over customers."""
    from analysis.products.baskets.basket_kernels import likeness

    a, b, c, _, inverse = cells.parts
    shares = ((a + b) * inverse, (a + c) * inverse)
    return likeness(orders.starts, cells.place, cells.side, *shares)


def null_variance(sums: Floats, likeness: Floats) -> float:
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
    like_a, most_a, like_b, most_b, both = likeness
    return sums[2] + _correlation(like_a, most_a) * _correlation(like_b, most_b) * both


def _correlation(like: float, most: float) -> float:
    return max(like / most, 0.0) if most > 0 else 0.0
