"""Lift, with an interval that knows that orders of one customer are alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from analysis.discoveries import normal_quantile

if TYPE_CHECKING:
    import pandas as pd

    from analysis.products.numbered import Numbered, Sides

Floats = npt.NDArray[np.float64]


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
    import pandas as pd

    reach = normal_quantile(confidence)
    rows = [_lift(orders, side, reach) for side in orders.sides(rules)]
    return pd.DataFrame(rows, columns=["both", "a", "b", "customers", "lift", "low", "high"])


def _lift(orders: Numbered, side: Sides, reach: float) -> tuple[float, ...]:
    held = np.flatnonzero(side)
    owner, side = orders.customer[held], side[held]
    t, a, b = (
        np.bincount(owner[kept], minlength=orders.customers)
        for kept in (side == 3, (side & 1) == 1, side >= 2)
    )
    n = np.diff(orders.starts)
    counts = (int(t.sum()), int(a.sum()), int(b.sum()), int((t > 0).sum()))
    if counts[0] == 0:
        return *counts, np.nan, np.nan, np.nan
    both, of_a, of_b = (count / len(orders) for count in counts[:3])
    influence = t / both - a / of_a - b / of_b + n
    lift = both / (of_a * of_b)
    spread = np.exp(reach * np.sqrt(float((influence**2).sum())) / len(orders))
    return *counts, lift, lift / spread, lift * spread
