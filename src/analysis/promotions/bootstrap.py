"""Bootstrap intervals of an effect, for a million customers as for a thousand."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analysis.resampling import percentile_interval, resampled_totals

Array = npt.NDArray[np.float64]

_BATCH = 50


def by_buckets(
    treated: Array, control: Array, *, confidence: float, seed: int, replicates: int = 2_000
) -> tuple[float, float]:
    """Return the interval of the difference of means, resampling random groups of customers.

    Up to a few thousand customers they are drawn one by one; beyond, equal random groups are,
    which have the same variance of totals (see `analysis.resampling.resampled_totals`).
    """
    gaps = [
        _means(resampled_totals(values[:, None], seed=seed + i, replicates=replicates), len(values))
        for i, values in enumerate((treated, control))
    ]
    low, high = percentile_interval(gaps[0] - gaps[1], confidence=confidence)
    return float(low[0]), float(high[0])


def _means(totals: Array, n: int) -> Array:
    return totals[:, 0] / n


def by_values(
    treated: tuple[Array, Array],
    control: tuple[Array, Array],
    *,
    confidence: float,
    seed: int,
    replicates: int = 2_000,
) -> tuple[float, float]:
    """Return the interval of the difference of means, exactly as if every customer were redrawn.

    Parameters
    ----------
    treated, control
        Distinct values and how many customers have each. Customers with equal values are one to
        the bootstrap, so how often a value is drawn is multinomial.
    """
    rng = np.random.default_rng(seed)
    gaps = _redrawn(*treated, rng, replicates) - _redrawn(*control, rng, replicates)
    low, high = percentile_interval(gaps, confidence=confidence)
    return float(low[0]), float(high[0])


def _redrawn(values: Array, counts: Array, rng: np.random.Generator, replicates: int) -> Array:
    n = int(counts.sum())
    chances = counts / n
    means = []
    for start in range(0, replicates, _BATCH):
        size = min(_BATCH, replicates - start)
        means.append(rng.multinomial(n, chances, size=size) @ values / n)
    return np.concatenate(means)
