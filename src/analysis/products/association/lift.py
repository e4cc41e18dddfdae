"""Lift, with an interval that knows that orders of one customer are alike."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.stats.multiplicity import normal_quantile
from analysis.stats.types import Floats

if TYPE_CHECKING:
    from analysis.products.baskets.order_index import Numbered


def clustered_lift(
    orders: Numbered, rules: pd.DataFrame, *, confidence: float = 0.95
) -> pd.DataFrame:
    """Return each rule's lift with an interval over whole customers.

    Parameters
    ----------
    orders
        The orders, with the items of the rules.
    rules
        antecedents, consequents.
    confidence
        Coverage of the interval.

    Returns
    -------
    pandas.DataFrame
        both, a, b (orders), customers (who have both in one order), lift, low, high; NaN where no
        order has both.

    Notes
    -----
    A customer's orders are alike, so that orders are no independent draws. The logarithm of the
    lift is linearised and its influences are summed within customers before they are squared (the
    sandwich of Liang and Zeger 1986, Biometrika 73(1), for a ratio of means).
    """
    from analysis.products.baskets.basket_kernels import lift_moments

    reach = normal_quantile(confidence)
    squares = float((np.diff(orders.starts).astype(np.float64) ** 2).sum())

    @cache
    def moments(a: tuple[str, ...], b: tuple[str, ...]) -> Floats:
        counted = lift_moments(orders.starts, orders.held_by(a), orders.held_by(b))
        return np.append(counted, squares)

    sides = zip(rules["antecedents"], rules["consequents"], strict=True)
    # A rule and its mirror image are counted once.
    rows = [_lift(moments(*sorted(pair)), len(orders), reach, pair[0] > pair[1]) for pair in sides]
    return pd.DataFrame(rows, columns=["both", "a", "b", "customers", "lift", "low", "high"])


def _lift(moments: Floats, orders: int, reach: float, mirrored: bool) -> tuple[float, ...]:
    t, a, b, customers = (int(v) for v in moments[:4])
    counts = (t, b, a, customers) if mirrored else (t, a, b, customers)
    if t == 0:
        return *counts, np.nan, np.nan, np.nan
    x = np.array([orders / t, -orders / a, -orders / b, 1.0])
    # Squares of influences, of which every product of two different parts is there twice.
    twice = np.array([1, 2, 2, 2, 1, 2, 2, 1, 2, 1])
    variance = float((moments[4:] * twice * np.outer(x, x)[np.triu_indices(4)]).sum())
    lift = t / (a * b) * orders
    spread = np.exp(reach * np.sqrt(max(variance, 0.0)) / orders)
    return *counts, lift, lift / spread, lift * spread
