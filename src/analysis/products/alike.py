"""Tests of chance that know that orders of one customer are alike."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from analysis.products.chance import fisher_less, fisher_more
from analysis.products.stratified import cells_of_rules

if TYPE_CHECKING:
    import pandas as pd

    from analysis.products.numbered import Ints, Numbered
    from analysis.products.stratified import Cells, Control

Floats = npt.NDArray[np.float64]


def exact_p(orders: Numbered, rules: pd.DataFrame, *, more: bool) -> Floats:
    """Return the p-value of each rule that its sides are together too often, or too seldom.

    Parameters
    ----------
    orders
        The orders, with the items of the rules.
    rules
        antecedents, consequents.
    more
        Too often for chance, else too seldom.

    Notes
    -----
    Fisher's exact test on as many orders as they are worth: all counts are divided by
    `design_effects` (Rao and Scott 1992, Biometrics 48(2)).
    """
    counted = np.array([np.bincount(side, minlength=4) for side in orders.sides(rules)])
    worth = design_effects(orders, rules)
    _, a_only, b_only, both = counted.reshape(-1, 4).T / worth
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
    import pandas as pd
    from scipy.special import chdtrc

    rows = [_tested(orders, cells) for cells in cells_of_rules(orders, rules, control)]
    table = pd.DataFrame(rows, columns=["together", "expected", "chi2"])
    return table.assign(p=chdtrc(1, table["chi2"].to_numpy(float)))


def _tested(orders: Numbered, cells: Cells) -> tuple[int, float, float]:
    a, b, c, _, inverse = cells.parts()
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
    from analysis.products.order_kernel import likeness

    a, b, c, d, inverse = cells.parts()
    n = a + b + c + d
    several = np.where(n > 1, n - 1, 1.0)
    alone = float(((a + b) * (c + d) * (a + c) * (b + d) * inverse**2 / several).sum())
    shares = ((a + b) * inverse, (a + c) * inverse)
    like_a, most_a, like_b, most_b, both = likeness(orders.starts, cells.place, cells.side, *shares)
    return alone + _correlation(like_a, most_a) * _correlation(like_b, most_b) * both


def _correlation(like: float, most: float) -> float:
    return max(like / most, 0.0) if most > 0 else 0.0
