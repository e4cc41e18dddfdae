"""Large customers: effects on quantiles, and what cutting the largest would change."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def quantile_effects(
    treated: Array,
    control: Array,
    shares: Sequence[float],
    *,
    confidence: float,
    seed: int,
    replicates: int = 2_000,
) -> tuple[Array, Array, Array]:
    """Return the difference of quantiles of two arms and its bootstrap interval.

    Parameters
    ----------
    treated, control
        Values of the customers; last axis by customer, others are experiments side by side.
    shares
        Quantiles, such as 0.5 for the median.
    confidence, seed, replicates
        Of the percentile interval.

    Returns
    -------
    tuple
        Differences, lower and upper ends; last axis by quantile.

    Notes
    -----
    A quantile of a resample is one of the sample's order statistics, and which one is a Beta
    draw: the bootstrap needs no resamples. Schultzberg and Ankargren (2022), arXiv:2202.10992.
    """
    rng = np.random.default_rng(seed)
    one, two = (np.sort(np.asarray(v, dtype=float), -1) for v in (treated, control))
    tail = (1 - confidence) / 2
    found = []
    for share in shares:
        gaps = _drawn(one, share, replicates, rng) - _drawn(two, share, replicates, rng)
        low, high = np.quantile(gaps, [tail, 1 - tail], axis=-1)
        found.append((_order(one, share) - _order(two, share), low, high))
    return tuple(np.stack(part, -1) for part in zip(*found, strict=True))  # type: ignore


def _rank(n: int, share: float) -> int:
    return min(max(int(np.ceil(share * n)), 1), n)


def _order(ordered: Array, share: float) -> Array:
    return ordered[..., _rank(ordered.shape[-1], share) - 1]


def _drawn(ordered: Array, share: float, replicates: int, rng: np.random.Generator) -> Array:
    n = ordered.shape[-1]
    rank = _rank(n, share)
    places = rng.beta(rank, n - rank + 1, size=(*ordered.shape[:-1], replicates))
    index = np.minimum((places * n).astype(int), n - 1)
    return np.take_along_axis(ordered, index, -1)


def cut(values: Array, *, at: float) -> tuple[Array, float]:
    """Return values with those above the quantile ``at`` set to it, and that value.

    Cut over both arms together, or the cut itself would differ by arm.
    """
    limit = float(np.quantile(values, at, method="inverted_cdf"))
    return np.minimum(values, limit), limit
