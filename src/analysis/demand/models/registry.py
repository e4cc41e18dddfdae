"""The forecasting models by name, each for many series at once.

A model takes one series a row (see `seasonal`), ``horizon`` and ``season``, and returns one row a
series. Whatever the model, a series that was never negative is not forecast below zero, and one
without a value is forecast as NaN.

The bar to clear: forecasts that need no model.

Every function takes one series a row (see `seasonal`), and returns one row a series, one column a
period ahead. A series without any value is forecast as NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.demand.models import ets, intermittent, theta
from analysis.demand.series import seasonality
from analysis.demand.series.seasonality import filled, lengths
from analysis.errors import ParamsError
from analysis.stats.types import Floats


def last_value(values: Floats, *, horizon: int, season: int = 1) -> Floats:  # noqa: ARG001
    """Return the last value known, for every period ahead."""
    return np.repeat(filled(values)[:, -1:], horizon, axis=1)


def seasonal(values: Floats, *, horizon: int, season: int = 1) -> Floats:
    """Return the value of the same phase one season ago; the last value for younger series."""
    series = filled(values)
    if season < 2 or series.shape[1] < season:
        return last_value(values, horizon=horizon)
    last = series[:, -season:]
    ahead = last[:, np.arange(horizon) % season]
    return np.where(np.isnan(ahead), series[:, -1:], ahead)


def mean(values: Floats, *, horizon: int, season: int = 1) -> Floats:  # noqa: ARG001
    """Return the mean of all past values."""
    seen = ~np.isnan(values)
    total, count = np.where(seen, values, 0.0).sum(axis=1), seen.sum(axis=1)
    level = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return np.repeat(level[:, None], horizon, axis=1)


def moving_average(values: Floats, *, horizon: int, season: int = 1, window: int = 4) -> Floats:
    """Return the mean of the last ``window`` values, or of the last season where it is longer."""
    recent = filled(values)[:, -max(window, season) :]
    seen = ~np.isnan(recent)
    total = np.where(seen, recent, 0.0).sum(axis=1)
    count = seen.sum(axis=1)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return np.repeat(mean[:, None], horizon, axis=1)


Forecaster = Callable[..., Floats]

#: The simple forecasts, the best of which every other has to beat.
BENCHMARKS: tuple[str, ...] = ("naive", "seasonal_naive", "mean")


@dataclass(frozen=True)
class Model:
    """A model or the plain mean of several."""

    label: str
    forecaster: Forecaster | None = None
    members: tuple[str, ...] = ()


#: Models that `driven`, `occasions` and `year_ago` add.
_STUDIED = {
    "driven": "ARIMA, what is planned",
    "arima": "ARIMA",
    "theta_holidays": "Theta, holidays known",
    "ets_holidays": "smoothing, holidays known",
    "year_ago": "last year's shape",
    "seasonal": "automatic choice with last year's shape",
}

#: Seasons a series must span for its wave to be told from its trend.
_WAVE_SEASONS = 1.25

#: Highest forecast on logarithms, over the highest value seen.
_LARGEST_LOG = 5.0

#: Weight that holds the wave of a short series down, as if so many periods had shown none.
_WAVE_RIDGE = 4.0


def _ets(values: Floats, *, horizon: int, season: int = 1) -> Floats:
    return ets.fit(values, horizon=horizon, season=season).weighted()


def _additive(values: Floats, *, horizon: int, season: int = 1) -> Floats:
    return ets.fit(values, horizon=horizon, season=season, forms=ets.ADDITIVE).weighted()


def _wave(values: Floats, *, horizon: int, season: int = 1) -> Floats:
    """Smooth what a yearly wave of two harmonics leaves: Hyndman and Athanasopoulos, FPP3, 10.5."""
    columns = values.shape[1]
    enough = seasonality.lengths(values) >= _WAVE_SEASONS * season
    if season <= ets.LONGEST_SEASON or not enough.any():
        return _ets(values, horizon=horizon)
    angle = 2 * np.pi * np.outer(np.arange(columns + horizon), [1, 2]) / season
    wave = np.hstack([np.sin(angle), np.cos(angle)])
    time = np.arange(columns + horizon) / season
    design = np.column_stack([np.ones(columns + horizon), time, wave])
    held = np.diag([0, 0, *([_WAVE_RIDGE] * wave.shape[1])])
    added = np.zeros((len(values), columns + horizon))
    for row in np.flatnonzero(enough):
        seen = ~np.isnan(values[row])
        x = design[:columns][seen]
        found = np.linalg.solve(x.T @ x + held, x.T @ values[row, seen])
        added[row] = wave @ found[2:]
    return _ets(values - added[:, :columns], horizon=horizon) + added[:, columns:]


def _on_logs(forecaster: Forecaster) -> Forecaster:
    """Return the forecaster on the logarithm of what is positive: seasons and trends multiply.

    Taken over each series' highest value, so that no logarithm is taken for a positive value.
    """

    def forecast(values: Floats, *, horizon: int, season: int = 1) -> Floats:
        positive = (seasonality.all_positive(values) & (lengths(values) > 0))[:, None]
        top = np.where(np.isnan(values), -np.inf, values).max(axis=1, keepdims=True)
        top = np.where(positive, top, 1.0)
        series = np.where(positive, np.log(np.where(positive, values, 1.0) / top), values)
        made = forecaster(series, horizon=horizon, season=season)
        return np.where(positive, np.exp(np.minimum(made, _LARGEST_LOG)) * top, made)

    return forecast


def _short(forecaster: Forecaster) -> Forecaster:
    """Return the forecaster without seasons too long to be learnt index by index."""

    def forecast(values: Floats, *, horizon: int, season: int = 1) -> Floats:
        known = season if season <= ets.LONGEST_SEASON else 1
        return np.asarray(forecaster(values, horizon=horizon, season=known))

    return forecast


MODELS: dict[str, Model] = {
    "naive": Model("last value", last_value),
    "seasonal_naive": Model("last season's value", seasonal),
    "mean": Model("mean of all past", mean),
    "moving_average": Model("moving average", moving_average),
    "ets": Model("exponential smoothing", _ets),
    "theta": Model("Theta", _short(theta.standard)),
    "optimised_theta": Model("optimised Theta", _short(theta.optimised)),
    "ets_logs": Model("smoothing of logarithms", _on_logs(_additive)),
    "theta_logs": Model("Theta on logarithms", _on_logs(_short(theta.standard))),
    "wave": Model("yearly wave and smoothing", _wave),
    "croston": Model("Croston, corrected", intermittent.croston),
    "tsb": Model("Teunter-Syntetos-Babai", intermittent.tsb),
    "logs": Model("smoothing and Theta on logarithms", members=("ets_logs", "theta_logs")),
    "combination": Model("smoothing, both Thetas", members=("ets", "theta", "optimised_theta")),
}

#: What is tried for series that sell in most periods, one of each family: many variants of one
#: would outvote the others. And what is tried for those that sell now and then.
REGULAR: tuple[str, ...] = (*BENCHMARKS, "ets_logs", "theta_logs")

SPARSE: tuple[str, ...] = (*BENCHMARKS, "moving_average", "croston", "tsb")


def candidates(*, season: int, columns: int) -> tuple[str, ...]:
    """Return every model worth a try.

    The yearly wave only where there is more than a year, last season's value where there is a
    season.
    """
    wave = season > ets.LONGEST_SEASON and columns >= _WAVE_SEASONS * season
    tried = dict.fromkeys((*REGULAR, *(("wave",) if wave else ()), *SPARSE))
    return tuple(name for name in tried if season > 1 or name != "seasonal_naive")


def label(name: str) -> str:
    """Return how a model is called on a page."""
    if name in MODELS:
        return MODELS[name].label
    return _STUDIED.get(name, name.replace("_", " "))


def forecasts(
    values: Floats, *, models: Sequence[str], horizon: int, season: int = 1
) -> dict[str, Floats]:
    """Return the forecasts (S, horizon) of each of ``models``, each base model run once."""
    for name in models:
        if name not in MODELS:
            raise ParamsError(f"There is no model {name!r}; there are {', '.join(MODELS)}")
    base = dict.fromkeys(m for name in models for m in (MODELS[name].members or (name,)))
    found = {name: _bounded(name, values, horizon, season) for name in base}
    for name in models:
        if MODELS[name].members:
            found[name] = np.mean([found[m] for m in MODELS[name].members], axis=0)
    return {name: found[name] for name in models}


def _bounded(name: str, values: Floats, horizon: int, season: int) -> Floats:
    forecaster = MODELS[name].forecaster
    assert forecaster is not None  # a base model, by construction
    mean = forecaster(values, horizon=horizon, season=season)
    return within_reason(mean, values)


def within_reason(mean: Floats, values: Floats) -> Floats:
    """Return forecasts that no planner would laugh at.

    Never below zero where the series never was, and no further from its range than the range is
    wide: what runs away further is an unstable fit, not a forecast.
    """
    seen = ~np.isnan(values)
    low = np.where(seen, values, np.inf).min(axis=1)
    high = np.where(seen, values, -np.inf).max(axis=1)
    known = seen.any(axis=1)
    low, high = np.where(known, low, np.nan), np.where(known, high, np.nan)
    width = np.maximum(high - low, np.abs(high) * 0.5)
    floor = np.where(low >= 0, 0.0, low - width)
    return np.clip(mean, floor[:, None], (high + width)[:, None])
