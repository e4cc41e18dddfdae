"""Where exponential smoothing starts, and where its last states lead."""

from __future__ import annotations

import numpy as np

from analysis.demand import seasonal
from analysis.demand.recursion import Array, Form, Outcome, Start

#: Fewest periods that the first level and slope are read from.
_FEWEST = 10


def starting_states(values: Array, form: Form, *, season: int) -> Start:
    """Return initial level, slope and seasonal indices of every series.

    The indices come from classical decomposition, level and slope from the straight line through
    the first deseasonalised periods: Hyndman and Khandakar (2008), section 2.3.
    """
    first = values.shape[1] - seasonal.lengths(values)
    index = np.full((len(values), max(season, 1)), 1.0 if form.season == "multiplicative" else 0.0)
    series = seasonal.filled(values)
    if form.season == "additive":
        index = seasonal.indices(values, season=season, kind="additive")
        series = series - seasonal.over_time(index, columns=series.shape[1])
    elif form.season == "multiplicative":
        index = seasonal.indices(values, season=season, kind="multiplicative")
        series = series / seasonal.over_time(index, columns=series.shape[1])
    level, slope = _first_line(series, first, periods=max(_FEWEST, season))
    if form.trend == "none":
        level, slope = _first_mean(series, first, periods=max(_FEWEST, season)), 0 * slope
    return Start(level, slope, index, first)


def _window(series: Array, first: np.ndarray, periods: int) -> Array:
    """Return the first ``periods`` periods of every series, NaN beyond its end."""
    columns = first[:, None] + np.arange(periods)
    inside = columns < series.shape[1]
    taken = series[np.arange(len(series))[:, None], np.minimum(columns, series.shape[1] - 1)]
    return np.where(inside, taken, np.nan)


def _first_mean(series: Array, first: np.ndarray, *, periods: int) -> Array:
    return np.asarray(np.nanmean(_window(series, first, periods), axis=1))


def _first_line(series: Array, first: np.ndarray, *, periods: int) -> tuple[Array, Array]:
    """Return the level before the first period and the slope of the line through the first."""
    window = _window(series, first, periods)
    seen = ~np.isnan(window)
    time = np.where(seen, np.arange(1, window.shape[1] + 1), 0.0)
    n = seen.sum(axis=1)
    mean_time = time.sum(axis=1) / n
    mean = np.where(seen, window, 0.0).sum(axis=1) / n
    centred = np.where(seen, time - mean_time[:, None], 0.0)
    spread = (centred**2).sum(axis=1)
    slope = (centred * np.where(seen, window, 0.0)).sum(axis=1) / np.where(spread > 0, spread, 1)
    return mean - slope * mean_time, slope


def extrapolate(
    outcome: Outcome, form: Form, parameters: dict[str, Array], horizon: int, columns: int
) -> Array:
    """Return the forecasts (S, horizon) that the last states of the first candidate lead to."""
    level, slope = outcome.level[:, [0]], outcome.slope[:, [0]]
    phi = parameters["phi"] if "phi" in parameters else np.ones_like(level)
    steps = np.cumsum(phi ** np.arange(1, horizon + 1), axis=1)
    mean = level + slope * steps
    if outcome.index is None:
        return mean
    index = seasonal.over_time(outcome.index[:, :, 0].T, columns=horizon, start=columns)
    return mean + index if form.season == "additive" else mean * index
