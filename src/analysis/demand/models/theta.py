"""The Theta method for many series at once, standard and optimised.

Assimakopoulos and Nikolopoulos (2000), International Journal of Forecasting 16(4); the optimised
method after Fiorucci, Pellegrini, Louzada, Petropoulos and Koehler (2016), ibid. 32(4), section 3:
a Theta line of slope theta is smoothed, and the straight line added back with weight 1 - 1/theta.
With theta = 2 that is the standard method, simple smoothing with half the trend as drift. The
smoothing constant and the level that smoothing starts from are those of the least one-step errors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.demand.models.levenberg_marquardt import minimise
from analysis.demand.series import seasonality
from analysis.stats.types import Floats

#: Where the search for the smoothing constant begins, its bounds, and those of theta.
_ALPHAS, _SMOOTHING = (0.05, 0.2, 0.5, 0.9), (0.01, 0.99)
_STANDARD, _LARGEST = 2.0, 9.0

#: Most steps of the search.
_ROUNDS = 6


def standard(values: Floats, *, horizon: int, season: int = 1) -> Floats:
    """Return the standard Theta forecasts (S, horizon)."""
    return _forecast(values, horizon, season, bounds=(_STANDARD, _STANDARD))


def optimised(values: Floats, *, horizon: int, season: int = 1) -> Floats:
    """Return the forecasts with each series' theta chosen by its one-step errors."""
    return _forecast(values, horizon, season, bounds=(1.0, _LARGEST))


def _forecast(values: Floats, horizon: int, season: int, *, bounds: tuple[float, float]) -> Floats:
    series, index, kind = deseasonalised(values, season=season)
    mean = _nonseasonal(series, horizon, bounds)
    ahead = seasonality.over_time(index, columns=horizon, start=values.shape[1])
    return np.where(kind[:, None], mean * ahead, mean + ahead)


def deseasonalised(values: Floats, *, season: int) -> tuple[Floats, Floats, np.ndarray]:
    """Return the series without season, the indices, and whether these multiply.

    A series without a significant season keeps neutral indices; one with values that are not
    positive is deseasonalised additively.
    """
    series = seasonality.filled(values)
    positive = seasonality.all_positive(values)
    if season < 2:
        return series, np.where(positive, 1.0, 0.0)[:, None], positive
    tested = seasonality.has_season(values, season=season)[:, None]
    multiplied = np.where(
        tested, seasonality.indices(values, season=season, kind="multiplicative"), 1
    )
    added = np.where(tested, seasonality.indices(values, season=season, kind="additive"), 0)
    columns = series.shape[1]
    without = np.where(
        positive[:, None],
        series / seasonality.over_time(multiplied, columns=columns),
        series - seasonality.over_time(added, columns=columns),
    )
    return without, np.where(positive[:, None], multiplied, added), positive


def _nonseasonal(series: Floats, horizon: int, bounds: tuple[float, float]) -> Floats:
    """Return the forecasts of the smoothing constant, first level and theta of least errors."""
    spans = seasonality.lengths(series)
    intercept, slope = _line(series, spans)
    time = np.arange(series.shape[1]) - (series.shape[1] - spans)[:, None] + 1.0
    line = intercept[:, None] + slope[:, None] * time
    size = np.sqrt(np.nansum(series * series, axis=1) / np.maximum(spans, 1))
    lines = _Lines(series, line, series.shape[1] - spans, np.where(size > 0, size, 1.0))
    found = lines.searched(bounds)
    theta, level = found[:, 2], lines.smoothed(found)
    ahead = intercept[:, None] + slope[:, None] * (spans[:, None] + np.arange(1, horizon + 1.0))
    made = level[:, None] / theta[:, None] + (1 - 1 / theta[:, None]) * ahead
    return np.where((spans > 1)[:, None], made, series[:, -1:])


def _line(series: Floats, spans: np.ndarray) -> tuple[Floats, Floats]:
    """Return intercept and slope of each series' least-squares line, time counting from one."""
    seen = ~np.isnan(series)
    time = np.arange(series.shape[1]) - (series.shape[1] - spans)[:, None] + 1.0
    time = np.where(seen, time, 0.0)
    n = np.maximum(spans, 1)
    middle = time.sum(axis=1) / n
    mean = np.where(seen, series, 0.0).sum(axis=1) / n
    centred = np.where(seen, time - middle[:, None], 0.0)
    spread = (centred**2).sum(axis=1)
    slope = (centred * np.where(seen, series, 0.0)).sum(axis=1) / np.where(spread > 0, spread, 1)
    return mean - slope * middle, slope


@dataclass(frozen=True)
class _Lines:
    """Series and their straight lines (S, T), first column and size of each."""

    series: Floats
    line: Floats
    first: npt.NDArray[np.int64]
    size: Floats

    def searched(self, bounds: tuple[float, float]) -> Floats:
        """Return smoothing constant, first level over the series' size and theta (S, 3)."""
        rows, columns = np.arange(len(self.series)), self.series.shape[1]
        begin = np.minimum(self.first, columns - 1)
        there = _STANDARD * self.series[rows, begin] + (1 - _STANDARD) * self.line[rows, begin]
        tried = np.empty((len(rows), len(_ALPHAS), 3))
        tried[:, :, 0], tried[:, :, 2] = _ALPHAS, _STANDARD
        tried[:, :, 1] = (np.nan_to_num(there) / self.size)[:, None]
        errors = self.errors(rows, tried)
        best = np.einsum("sgt,sgt->sg", errors, errors).argmin(axis=1)
        low = np.array([_SMOOTHING[0], -np.inf, bounds[0]])
        high = np.array([_SMOOTHING[1], np.inf, bounds[1]])
        return minimise(self.errors, tried[rows, best], low=low, high=high, rounds=_ROUNDS)[0]

    def errors(self, rows: npt.NDArray[np.int64], tried: Floats) -> Floats:
        """Return the one-step errors (S, G, T) of what is tried (S, G, 3)."""
        return self._run(rows, tried)[0]

    def smoothed(self, found: Floats) -> Floats:
        """Return the last level of every series' curved line."""
        return self._run(np.arange(len(found)), found[:, None])[1][:, 0]

    def _run(self, rows: npt.NDArray[np.int64], tried: Floats) -> tuple[Floats, Floats]:
        alpha, theta = tried[:, :, 0], tried[:, :, 2]
        level = tried[:, :, 1] * self.size[rows, None]
        series = np.nan_to_num(self.series[rows]).T[:, :, None]
        line, first = self.line[rows].T[:, :, None], self.first[rows]
        errors = np.zeros((self.series.shape[1], *alpha.shape))
        for t in range(int(first.min()), len(errors)):
            inside = (first <= t)[:, None]
            fitted = level / theta + (1 - 1 / theta) * line[t]
            errors[t] = np.where(inside, series[t] - fitted, 0.0)
            level = level + np.where(inside, alpha * theta * errors[t], 0.0)
        return np.ascontiguousarray(np.moveaxis(errors, 0, 2)), level
