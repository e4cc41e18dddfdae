"""The Theta method for many series at once, standard and optimised.

Assimakopoulos and Nikolopoulos (2000), International Journal of Forecasting 16(4); the optimised
method after Fiorucci, Pellegrini, Louzada, Petropoulos and Koehler (2016), ibid. 32(4), section 3:
a Theta line of slope theta is smoothed, and the straight line added back with weight 1 - 1/theta.
With theta = 2 that is the standard method, simple smoothing with half the trend as drift.
"""

from __future__ import annotations

import numpy as np

from analysis.demand.series import seasonality
from analysis.stats.types import Floats

_ALPHAS = np.r_[0.01, 0.03, np.linspace(0.05, 0.95, 19), 0.99]
_THETAS = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 9.0)


def standard(values: Floats, *, horizon: int, season: int = 1) -> Floats:
    """Return the standard Theta forecasts (S, horizon)."""
    return _forecast(values, horizon, season, thetas=(2.0,))


def optimised(values: Floats, *, horizon: int, season: int = 1) -> Floats:
    """Return the forecasts with each series' theta chosen by its one-step errors."""
    return _forecast(values, horizon, season, thetas=_THETAS)


def _forecast(values: Floats, horizon: int, season: int, *, thetas: tuple[float, ...]) -> Floats:
    series, index, kind = deseasonalised(values, season=season)
    mean = _nonseasonal(series, horizon, thetas)
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


def _nonseasonal(series: Floats, horizon: int, thetas: tuple[float, ...]) -> Floats:
    """Smooth every Theta line with every alpha; keep each series' best one-step errors."""
    spans = seasonality.lengths(series)
    intercept, slope = _line(series, spans)
    time = np.arange(series.shape[1]) - (series.shape[1] - spans)[:, None] + 1.0
    line = intercept[:, None] + slope[:, None] * time
    best = np.full(len(series), np.inf)
    mean = np.repeat(series[:, -1:], horizon, axis=1)
    ahead = intercept[:, None] + slope[:, None] * (spans[:, None] + np.arange(1, horizon + 1.0))
    for theta in thetas:
        curved = theta * series + (1 - theta) * line
        squared, level = _smooth(curved, line, series, spans, theta)
        better = squared < best
        best = np.where(better, squared, best)
        forecast = level[:, None] / theta + (1 - 1 / theta) * ahead
        mean = np.where(better[:, None], forecast, mean)
    return mean


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


def _smooth(
    curved: Floats, line: Floats, series: Floats, spans: np.ndarray, theta: float
) -> tuple[Floats, Floats]:
    """Return each series' smallest sum of squared errors over alphas, and its last level."""
    first = series.shape[1] - spans
    rows = np.arange(len(series))
    starts = np.nan_to_num(curved[rows, np.minimum(first, series.shape[1] - 1)])
    level = np.repeat(starts[:, None], len(_ALPHAS), axis=1)
    squared = np.zeros_like(level)
    for t in range(int(first.min()), series.shape[1]):
        inside = (first < t)[:, None]
        fitted = level / theta + (1 - 1 / theta) * line[:, t, None]
        error = np.where(inside, series[:, t, None] - fitted, 0.0)
        squared += error * error
        level = level + np.where(inside, _ALPHAS * (curved[:, t, None] - level), 0.0)
    winner = squared.argmin(axis=1)
    return squared[rows, winner], level[rows, winner]
