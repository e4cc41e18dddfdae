"""Telling a few real differences from the many that a long search turns up."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def two_sided_p(z: npt.ArrayLike) -> Array:
    """Return the two-sided normal p-value of each ``z``; NaN stays NaN."""
    from scipy.special import ndtr

    return np.asarray(2 * ndtr(-np.abs(np.asarray(z, dtype=float))))


def q_values(p_values: npt.ArrayLike) -> Array:
    """Return the false discovery rate at which each p-value would be called a discovery.

    Benjamini and Hochberg (1995), J. R. Statist. Soc. B 57(1), adjusted p-values over everything
    that was searched. NaN means not searched: it stays NaN and does not count.
    """
    p = np.asarray(p_values, dtype=float)
    q = np.full(p.shape, np.nan)
    searched = np.flatnonzero(~np.isnan(p))
    order = searched[np.argsort(p[searched], kind="stable")]
    m = len(order)
    if m:
        raw = p[order] * m / np.arange(1, m + 1)
        q[order] = np.minimum(np.minimum.accumulate(raw[::-1])[::-1], 1.0)
    return q


def selected_confidence(q: npt.ArrayLike, *, fdr: float) -> float:
    """Return the confidence at which to draw the intervals of what was discovered.

    Intervals of estimates picked for being large miss too often. Drawn at 1 - fdr x discoveries /
    searched, a share ``fdr`` of them at most is expected to miss, and an interval leaves zero out
    where its q-value is at most ``fdr``: Benjamini and Yekutieli (2005), J. Am. Statist. Assoc.
    100(469), section 3. Without a discovery it is 1 - fdr.
    """
    q = np.asarray(q, dtype=float)
    searched, found = int(np.sum(~np.isnan(q))), int(np.sum(q <= fdr))
    return 1 - fdr * (found / searched if found else 1.0)


def normal_quantile(confidence: float) -> float:
    """Return how many standard errors a two-sided interval reaches to either side."""
    from scipy.special import ndtri

    return float(ndtri(0.5 + confidence / 2))
