"""Exponential smoothing (ETS) for many series at once: a grid, then a search around its best.

What statsmodels or statsforecast do one series after the other, this does for all of them in a
few array operations a period. The form of each series (trend, season, error) is chosen by AICc as
in Hyndman and Khandakar (2008), Journal of Statistical Software 27(3); that choice is part of the
model, whose worth against other models is judged by rolling origin alone (`backtest`).

Where exponential smoothing starts, and where its last states lead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from analysis.demand.models import ets_kernel
from analysis.demand.models.ets_kernel import Form, Outcome, Start
from analysis.demand.series import seasonality
from analysis.stats.sizes import FEWEST_PERIODS_OF_LEVEL
from analysis.stats.types import Floats

#: Grid of each parameter: coarse, since a search follows.
GRID: dict[str, tuple[float, ...]] = {
    "alpha": (0.02, 0.1, 0.25, 0.45, 0.7, 0.92),
    "beta": (0.01, 0.2),
    "phi": (0.9,),
    "gamma": (0.01, 0.2),
}


#: Bounds of each parameter, and the first step of the search.
BOUNDS: dict[str, tuple[float, float]] = {
    "alpha": (0.0001, 0.9999),
    "beta": (0.0001, 0.9999),
    "phi": (0.8, 0.98),
    "gamma": (0.0001, 0.9999),
}

_STEPS = {"alpha": 0.12, "beta": 0.08, "phi": 0.04, "gamma": 0.08}


#: Rounds of the search; the step shrinks by this factor where a round finds nothing better.
_ROUNDS, _SHRINK = 4, 0.5

FORMS: tuple[Form, ...] = (
    Form("none", "none"),
    Form("linear", "none"),
    Form("damped", "none"),
    Form("none", "additive"),
    Form("linear", "additive"),
    Form("damped", "additive"),
    Form("none", "multiplicative"),
    Form("linear", "multiplicative"),
    Form("damped", "multiplicative"),
)


#: Elements of one array of the recursion that fit a core's cache.
_CHUNK = 24_000


#: Longest season whose indices may be smoothed; a longer one has too few turns to learn from.
LONGEST_SEASON = 24


@dataclass(frozen=True)
class Fitted:
    """What was fitted: a row a series.

    Parameters
    ----------
    mean
        Point forecasts (S, horizon).
    form
        Position in the forms tried; -1 where nothing could be fitted.
    error
        ``additive`` or ``multiplicative`` error, the likelihood that chose the form.
    parameters
        The smoothing parameters, NaN where the form has none; beta and gamma as shares.
    criterion
        AICc of the form chosen.
    """

    mean: Floats
    form: npt.NDArray[np.int64]
    error: npt.NDArray[np.str_]
    parameters: dict[str, Floats]
    criterion: Floats


def fit(values: Floats, *, horizon: int, season: int = 1, forms: Sequence[Form] = FORMS) -> Fitted:
    """Fit the best of ``forms`` to every series (S, T) and forecast ``horizon`` periods.

    A season is tried where a series spans at least two of them, a multiplicative one and a
    multiplicative error where all its values are positive. Series shorter than four periods, or
    without a value, are forecast by their last value.
    """
    spans = seasonality.lengths(values)
    positive = seasonality.all_positive(values)
    best = _last_values(values, horizon)
    for number, form in enumerate(forms):
        if form.season != "none" and not 2 <= season <= LONGEST_SEASON:
            continue
        usable = spans >= max(4, 2 * season if form.season != "none" else 4)
        if form.season == "multiplicative":
            usable = usable & positive
        rows = np.flatnonzero(usable)
        if len(rows):
            _improve(best, rows, number, form, values, horizon, season, positive)
    return best


def _last_values(values: Floats, horizon: int) -> Fitted:
    return Fitted(
        np.repeat(seasonality.filled(values)[:, -1:], horizon, axis=1),
        np.full(len(values), -1),
        np.full(len(values), "additive", dtype="<U14"),
        {name: np.full(len(values), np.nan) for name in GRID},
        np.full(len(values), np.inf),
    )


def _improve(
    best: Fitted,
    rows: npt.NDArray[np.int64],
    number: int,
    form: Form,
    values: Floats,
    horizon: int,
    season: int,
    positive: npt.NDArray[np.bool_],
) -> None:
    """Fit one form to ``rows``, and keep it where its AICc is the lowest so far."""
    part, allowed = values[rows], positive[rows]
    start = starting_states(part, form, season=season)
    parameters = _search(part, start, form, allowed)
    outcome = ets_kernel.run(part, start, form, parameters)
    counted = (~np.isnan(part)).sum(axis=1)
    additive, multiplicative = _deviance(outcome, counted, allowed)
    deviance = np.minimum(additive, multiplicative)[:, 0]
    criterion = deviance + _penalty(form.estimated(season), counted)
    better = criterion < best.criterion[rows]
    won = rows[better]
    best.mean[won] = extrapolate(outcome, form, parameters, horizon, part.shape[1])[better]
    best.form[won], best.criterion[won] = number, criterion[better]
    best.error[won] = np.where(
        multiplicative[better, 0] < additive[better, 0], "multiplicative", "additive"
    )
    for name in GRID:
        found = parameters[name][better, 0] if name in parameters else np.nan
        best.parameters[name][won] = found


def _penalty(estimated: int, counted: npt.NDArray[np.int64]) -> Floats:
    """Return AICc's penalty; infinite where a series is too short for the form."""
    room = counted - estimated - 1
    correction = 2 * estimated * (estimated + 1) / np.maximum(room, 1)
    return np.where(room > 0, 2 * estimated + correction, np.inf)


def _deviance(
    outcome: Outcome, counted: npt.NDArray[np.int64], positive: npt.NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Return -2 log likelihood of the additive and of the multiplicative error, (S, G) each."""
    n = counted[:, None]
    floor = 1e-20 * np.maximum(outcome.squared.min(axis=1, keepdims=True), 1e-20)
    additive = n * np.log(np.maximum(outcome.squared, floor + 1e-300))
    relative = n * np.log(np.maximum(outcome.relative, 1e-300)) + 2 * outcome.log_fitted
    return additive, np.where(positive[:, None], relative, np.inf)


def _search(
    values: Floats, start: Start, form: Form, positive: npt.NDArray[np.bool_]
) -> dict[str, Floats]:
    """Return each series' best parameters (S, 1): the grid's best, then a pattern search."""
    names = form.parameters
    combinations = np.array(list(product(*(GRID[name] for name in names))))
    grid = np.repeat(combinations[None], len(values), axis=0)
    best, deviance = _best_of(values, start, form, grid, positive)
    steps = np.repeat([[_STEPS[name] for name in names]], len(values), axis=0)
    low, high = np.array([BOUNDS[name] for name in names]).T
    moves = np.vstack([np.eye(len(names)), -np.eye(len(names))])
    for _ in range(_ROUNDS):
        around = np.clip(best[:, None, :] + moves[None] * steps[:, None, :], low, high)
        candidate, found = _best_of(values, start, form, around, positive)
        better = found < deviance
        best = np.where(better[:, None], candidate, best)
        deviance = np.where(better, found, deviance)
        steps = np.where(better[:, None], steps, steps * _SHRINK)
    return {name: best[:, [i]] for i, name in enumerate(names)}


def _best_of(
    values: Floats, start: Start, form: Form, candidates: Floats, positive: npt.NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Return each series' best candidate (S, P) and its deviance."""
    chosen, deviances = [], []
    size = max(1, _CHUNK // candidates.shape[1])
    for begin in range(0, len(values), size):
        part = slice(begin, begin + size)
        there = Start(start.level[part], start.slope[part], start.index[part], start.first[part])
        tried = candidates[part]
        parameters = {
            name: np.ascontiguousarray(tried[:, :, i]) for i, name in enumerate(form.parameters)
        }
        outcome = ets_kernel.run(values[part], there, form, parameters)
        counted = (~np.isnan(values[part])).sum(axis=1)
        deviance = np.minimum(*_deviance(outcome, counted, positive[part]))
        winner = deviance.argmin(axis=1)
        rows = np.arange(len(tried))
        chosen.append(tried[rows, winner])
        deviances.append(deviance[rows, winner])
    return np.concatenate(chosen), np.concatenate(deviances)


def starting_states(values: Floats, form: Form, *, season: int) -> Start:
    """Return initial level, slope and seasonal indices of every series.

    The indices come from classical decomposition, level and slope from the straight line through
    the first deseasonalised periods: Hyndman and Khandakar (2008), section 2.3.
    """
    first = values.shape[1] - seasonality.lengths(values)
    index = np.full((len(values), max(season, 1)), 1.0 if form.season == "multiplicative" else 0.0)
    series = seasonality.filled(values)
    if form.season == "additive":
        index = seasonality.indices(values, season=season, kind="additive")
        series = series - seasonality.over_time(index, columns=series.shape[1])
    elif form.season == "multiplicative":
        index = seasonality.indices(values, season=season, kind="multiplicative")
        series = series / seasonality.over_time(index, columns=series.shape[1])
    level, slope = _first_line(series, first, periods=max(FEWEST_PERIODS_OF_LEVEL, season))
    if form.trend == "none":
        level, slope = (
            _first_mean(series, first, periods=max(FEWEST_PERIODS_OF_LEVEL, season)),
            0 * slope,
        )
    return Start(level, slope, index, first)


def _window(series: Floats, first: np.ndarray, periods: int) -> Floats:
    """Return the first ``periods`` periods of every series, NaN beyond its end."""
    columns = first[:, None] + np.arange(periods)
    inside = columns < series.shape[1]
    taken = series[np.arange(len(series))[:, None], np.minimum(columns, series.shape[1] - 1)]
    return np.where(inside, taken, np.nan)


def _first_mean(series: Floats, first: np.ndarray, *, periods: int) -> Floats:
    return np.asarray(np.nanmean(_window(series, first, periods), axis=1))


def _first_line(series: Floats, first: np.ndarray, *, periods: int) -> tuple[Floats, Floats]:
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
    outcome: Outcome, form: Form, parameters: dict[str, Floats], horizon: int, columns: int
) -> Floats:
    """Return the forecasts (S, horizon) that the last states of the first candidate lead to."""
    level, slope = outcome.level[:, [0]], outcome.slope[:, [0]]
    phi = parameters["phi"] if "phi" in parameters else np.ones_like(level)
    steps = np.cumsum(phi ** np.arange(1, horizon + 1), axis=1)
    mean = level + slope * steps
    if outcome.index is None:
        return mean
    index = seasonality.over_time(outcome.index[:, :, 0].T, columns=horizon, start=columns)
    return mean + index if form.season == "additive" else mean * index
