"""The difference of two shares among likes: one figure over many strata."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.stats.multiplicity import normal_quantile
from analysis.stats.types import Floats


@dataclass(frozen=True)
class Difference:
    """A difference of shares, first less second, over the strata that hold both sides.

    Parameters
    ----------
    first, second
        The shares, weighted alike.
    value, low, high
        Their difference and its interval; NaN where no stratum holds both.
    n_first, n_second
        How many of either lie in strata that hold both.
    """

    first: float
    second: float
    value: float
    low: float
    high: float
    n_first: int
    n_second: int


def stratified_difference(
    x1: Floats, n1: Floats, x0: Floats, n0: Floats, *, confidence: float = 0.95
) -> Difference:
    """Return the Mantel-Haenszel difference of shares with Sato's variance.

    Sato (1989), Biometrics 45, 1323-1324: right for many thin strata as for few thick ones.

    Parameters
    ----------
    x1, n1, x0, n0
        Hits and trials of either side by stratum.
    """
    both = (np.asarray(n1) > 0) & (np.asarray(n0) > 0)
    x1, n1, x0, n0 = (np.asarray(v, float)[both] for v in (x1, n1, x0, n0))
    if not both.any():
        return Difference(np.nan, np.nan, np.nan, np.nan, np.nan, 0, 0)
    n = n1 + n0
    weight = n1 * n0 / n
    total = weight.sum()
    gap = float(((x1 * n0 - x0 * n1) / n).sum() / total)
    p = (n1**2 * x0 - n0**2 * x1 + n1 * n0 * (n0 - n1) / 2) / n**2
    q = (x1 * (n0 - x0) / n + x0 * (n1 - x1) / n) / 2
    error = float(np.sqrt(max((gap * p.sum() + q.sum()) / total**2, 0.0)))
    reach = normal_quantile(confidence) * error
    first, second = (float((weight * x / m).sum() / total) for x, m in ((x1, n1), (x0, n0)))
    return Difference(first, second, gap, gap - reach, gap + reach, int(n1.sum()), int(n0.sum()))
