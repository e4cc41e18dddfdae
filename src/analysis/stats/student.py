"""Student's t quantiles that stay finite and fast for arrays of degrees of freedom."""

from __future__ import annotations

import numpy as np

from analysis.stats.types import Floats


def quantile(confidence: float, degrees: Floats) -> Floats:
    """Return Student's quantile of a two-sided interval; the normal's for infinite degrees."""
    from scipy.special import ndtri, stdtrit

    degrees = np.asarray(degrees, dtype=float)
    finite = np.where(np.isfinite(degrees), degrees, 1e6)
    t = stdtrit(finite, 0.5 + confidence / 2)
    return np.asarray(np.where(np.isfinite(degrees), t, ndtri(0.5 + confidence / 2)))
