"""Variance inflation by serial correlation."""

from __future__ import annotations

import numpy as np


def inflation(left: np.ndarray) -> float:
    """Return by how much first-order autocorrelation raises the variance of a mean; at least 1.

    The estimate is taken from ranks, so that a single outlier does not hide it, and corrected
    for its bias of -(1 + 4 r) / n (Kendall 1954).
    """
    from scipy.stats import rankdata

    ranks = rankdata(left) - (len(left) + 1) / 2
    total = float((ranks**2).sum())
    if total == 0 or len(left) < 4:
        return 1.0
    r = float((ranks[1:] * ranks[:-1]).sum()) / total
    r = min(max((r * len(left) + 1) / (len(left) - 4), 0.0), 0.9)
    return (1 + r) / (1 - r)
