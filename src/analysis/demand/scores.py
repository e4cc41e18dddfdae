"""How far forecasts were off, in measures that compare across series.

MASE and RMSSE divide by the error that the naive forecast made inside the training data, one
season back where there are two seasons, else one period: Hyndman and Koehler (2006),
International Journal of Forecasting 22(4); Makridakis, Spiliotis and Assimakopoulos (2022), ibid.
38(4). Neither breaks down on zeros, as percentage errors do.
"""

from __future__ import annotations

import numpy as np

from analysis.demand.seasonal import Array, lengths
from analysis.demand.smoothing import LONGEST_SEASON


def scales(values: Array, *, season: int = 1) -> tuple[Array, Array]:
    """Return each series' mean absolute and root mean squared naive error; NaN where it is zero.

    A season too long to be learnt (`smoothing.LONGEST_SEASON`) is not used: the scale of a series
    must not change its meaning from one origin to the next.
    """
    season = season if season <= LONGEST_SEASON else 1
    one, one_squared = _steps(values, 1)
    if season > 1 and values.shape[1] > season:
        far, far_squared = _steps(values, season)
        turns = lengths(values) >= 2 * season
        one, one_squared = np.where(turns, far, one), np.where(turns, far_squared, one_squared)
    return one, np.sqrt(one_squared)


def _steps(values: Array, lag: int) -> tuple[Array, Array]:
    moves = np.abs(values[:, lag:] - values[:, :-lag])
    seen = ~np.isnan(moves)
    count = np.maximum(seen.sum(axis=1), 1)
    moves = np.where(seen, moves, 0.0)
    absolute, squared = moves.sum(axis=1) / count, (moves**2).sum(axis=1) / count
    usable = absolute > 0
    return np.where(usable, absolute, np.nan), np.where(usable, squared, np.nan)


def smape(actual: Array, forecast: Array) -> float:
    """Return the symmetric mean absolute percentage error of the M3 competition, in per cent.

    Makridakis and Hibon (2000), International Journal of Forecasting 16(4), appendix A.
    """
    return float(np.mean(200 * np.abs(actual - forecast) / (np.abs(actual) + np.abs(forecast))))


def pinball(actual: Array, quantile: Array, *, level: float) -> Array:
    """Return the quantile loss of forecasts of the quantile ``level``."""
    error = actual - quantile
    return np.where(error >= 0, level * error, (level - 1) * error)


def mean_of(values: Array) -> float:
    """Return the mean of what is there; NaN where nothing is."""
    seen = ~np.isnan(values)
    return float(values[seen].mean()) if seen.any() else float("nan")
