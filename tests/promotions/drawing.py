"""Experiments made up by thousands, side by side, for tests of tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.promotions.outcomes import moments
from analysis.promotions.outcomes.moments import Moments

Floats = NDArray[np.float64]

NAMES = ("y", "x", "z", "orders")


def arms(
    seed: int, *, experiments: int = 2_000, n: tuple[int, int] = (150, 100), lift: float = 0.0
) -> tuple[Floats, Floats]:
    """Return values of a treated and a control arm: experiment, customer, `NAMES`.

    What customers bring is skewed like spending and goes with their past x; orders are whole.
    """
    rng = np.random.default_rng(seed)
    both = []
    for size, more in zip(n, (lift, 0.0), strict=True):
        x = rng.gamma(2.0, 5.0, (experiments, size))
        z = rng.normal(size=(experiments, size))
        y = 0.5 * x + z + rng.gamma(1.0, 4.0, (experiments, size)) + more
        orders = rng.poisson(2.0, (experiments, size)) + 1.0
        both.append(np.stack([y, x, z, orders], -1))
    return both[0], both[1]


def moments_of(values: Floats) -> Moments:
    """Return the moments of all experiments."""
    return moments.of_values(values, NAMES)
