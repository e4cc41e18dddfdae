"""Series that are far from their usual level: at a peak, after one, or in a hole.

What a forecast errs there is not what it errs on a calm series, so that both how far to trust it
and how wide its interval must be are learnt apart.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analysis.stats.types import Floats

#: Periods that count as the present, and times the usual level from which it is far.
RECENT, FAR = 4, 1.5

#: Times the usual level beyond which a peak's errors are not expected to grow.
_HIGHEST = 5.0


def far_from_usual(values: Floats) -> npt.NDArray[np.bool_]:
    """Tell which series (rows) sold more than 1.5 times, or less than 1/1.5 of, their mean.

    The last four periods are compared with all that is known. A series without a positive mean
    is never far.
    """
    seen = ~np.isnan(values)
    kept = np.where(seen, values, 0.0)
    mean = kept.sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    late = kept[:, -RECENT:].sum(axis=1) / np.maximum(seen[:, -RECENT:].sum(axis=1), 1)
    ratio = late / np.where(mean > 0, mean, np.nan)
    return np.asarray((ratio > FAR) | (ratio < 1 / FAR))


def stretches(mean: Floats, values: Floats) -> Floats:
    """Return how many times the usual level each forecast (S, horizon) is, from 1 to 5.

    What sells three times as much as usual errs by about three times as much.
    """
    seen = ~np.isnan(values)
    usual = np.where(seen, values, 0.0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    ratio = mean / np.where(usual > 0, usual, np.nan)[:, None]
    return np.where(np.isnan(ratio), 1.0, np.clip(ratio, 1.0, _HIGHEST))
