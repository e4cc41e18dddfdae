"""Effects where customers of one store, or one cluster of any kind, resemble each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from analysis.errors import NotApplicable
from analysis.promotions.effect import Effect

if TYPE_CHECKING:
    import pandas as pd

Array = npt.NDArray[np.float64]

#: With fewer clusters the robust variance is too small to be believed.
FEWEST = 10


def difference(sums: pd.DataFrame) -> Effect:
    """Return the difference of means with a cluster-robust error.

    Parameters
    ----------
    sums
        One row a cluster: n_treated, sum_treated, n_control, sum_control.

    Raises
    ------
    NotApplicable
        With fewer than `FEWEST` clusters.

    Notes
    -----
    The variance of ordinary least squares on the arm with errors clustered and the usual
    correction for few clusters (CR1), clusters - 1 degrees of freedom: Liang and Zeger (1986),
    Biometrika 73, 13-22; Cameron and Miller (2015), J. Human Resources 50(2), section II.
    """
    columns = ["n_treated", "sum_treated", "n_control", "sum_control"]
    clusters = len(sums)
    if clusters < FEWEST:
        raise NotApplicable(
            f"{clusters} clusters are too few for an interval that allows for them; "
            f"it takes {FEWEST}."
        )
    return of_sums(*(sums[c].to_numpy(dtype=float) for c in columns))


def of_sums(n1: Array, s1: Array, n2: Array, s2: Array) -> Effect:
    """Return ``difference`` of arrays; last axis by cluster, others experiments side by side."""
    total1, total2 = n1.sum(-1), n2.sum(-1)
    one, two = s1.sum(-1) / total1, s2.sum(-1) / total2
    away1 = (s1 - one[..., None] * n1) / total1[..., None]
    away2 = (s2 - two[..., None] * n2) / total2[..., None]
    g, n = n1.shape[-1], total1 + total2
    correction = g / (g - 1) * (n - 1) / (n - 2)
    variance, v1, v2 = (correction * np.sum(away**2, -1) for away in (away1 - away2, away1, away2))
    shared = (v1 + v2 - variance) / 2
    degrees = np.full(np.shape(one), g - 1.0)
    return Effect(one - two, np.sqrt(variance), degrees, two, v2, v1, shared)
