"""What change is usual: the range that past changes of the same kind give."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from analysis.stats.sizes import FEWEST_CHANGES


def usual_range(past: ArrayLike, coverage: float = 0.95) -> tuple[float, float]:
    """Return the range that holds the next change with the probability ``coverage`` or more.

    The ends are order statistics: of n exchangeable changes, the k-th least and the k-th greatest
    hold the next one with the probability 1 - 2 k / (n + 1), whatever their distribution.

    Parameters
    ----------
    past
        Changes seen before, NaN passed over.
    coverage
        Probability that is to be reached.

    Returns
    -------
    tuple of float
        NaN twice where fewer than `FEWEST_CHANGES` are known, or too few for the coverage.
    """
    known = np.sort(np.asarray(past, dtype=float))
    known = known[np.isfinite(known)]
    place = int(np.floor((len(known) + 1) * (1 - coverage) / 2 + 1e-9))
    if len(known) < FEWEST_CHANGES or place < 1:
        return float("nan"), float("nan")
    return float(known[place - 1]), float(known[-place])
