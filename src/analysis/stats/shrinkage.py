"""Shrinkage of group estimates towards their common mean (empirical Bayes)."""

from __future__ import annotations

import numpy as np

from analysis.stats.types import Floats


def shrink(mean: Floats, error: Floats) -> tuple[Floats, Floats, Floats]:
    """Shrink means towards the mean of all as far as their errors say.

    Returns
    -------
    tuple
        Shrunk means, their errors (that of the mean of all included), and the weight of each
        area's own mean.
    """
    between = _between(mean, error)
    weight = 1 / (error**2 + between)
    centre = (weight * mean).sum() / weight.sum()
    own = between / (between + error**2)
    shrunk = centre + own * (mean - centre)
    variance = own * error**2 + (1 - own) ** 2 / weight.sum()
    return shrunk, np.sqrt(variance), own


def _between(mean: Floats, error: Floats) -> float:
    """Return the variance between areas at which their spread is what it should be."""
    from scipy.optimize import brentq

    def excess(between: float) -> float:
        weight = 1 / (error**2 + between)
        centre = (weight * mean).sum() / weight.sum()
        return float((weight * (mean - centre) ** 2).sum() - (len(mean) - 1))

    if excess(0.0) <= 0:
        return 0.0
    top = float(mean.var()) + 1.0
    while excess(top) > 0:
        top *= 4
    return float(brentq(excess, 0.0, top))
