"""ARIMA with and without regressors known in advance, candidates for the few series studied.

SARIMAX of statsmodels, on the logarithm where all values are positive: a local level,
ARIMA(0,1,1), moved by regressors whose coefficients are states of the filter, so that only the
level's smoothing is searched for (Durbin and Koopman 2012, Time Series Analysis by State Space
Methods, section 6.2.2). The states are brought up to date at every origin, the smoothing is
fitted anew at every fourth. Whether either is used is for the rolling origin to say.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.demand import naive
from analysis.demand.seasonal import Array

if TYPE_CHECKING:
    from analysis.demand.backtest import Backtest
    from analysis.demand.level_drivers import LevelDrivers

#: Names of the candidates.
DRIVEN, PLAIN = "driven", "arima"

#: Origins between two fits of the smoothing.
_REFIT = 4

#: Fewest weeks of a series, and for each regressor.
_FEWEST, _WEEKS_EACH = 20, 6

#: Highest forecast, times the highest value seen.
_HIGHEST = 5.0


def with_candidates(found: Backtest, values: Array, known: LevelDrivers) -> Backtest:
    """Return the backtest with both candidates, NaN for series without regressors.

    Parameters
    ----------
    found
        A backtest of other models.
    values
        The series that it is of.
    known
        Regressors of some of them.
    """
    for name in (DRIVEN, PLAIN):
        made = np.full(found.actual.shape, np.nan)
        for place, row in enumerate(known.rows):
            x = known.values[place] if name == DRIVEN else known.values[place, :, :0]
            made[:, row] = _rolled(values[row], x, found.origins, found.horizon)
        found = found.with_model(name, made)
    return found


def forecasts(values: Array, known: LevelDrivers, *, horizon: int) -> dict[str, Array]:
    """Return both candidates' forecasts from the last week, NaN without regressors."""
    made = {name: np.full((len(values), horizon), np.nan) for name in (DRIVEN, PLAIN)}
    origins = (values.shape[1],)
    for place, row in enumerate(known.rows):
        x = known.values[place]
        made[DRIVEN][row] = _rolled(values[row], x, origins, horizon)[0]
        made[PLAIN][row] = _rolled(values[row], x[:, :0], origins, horizon)[0]
    return made


def _rolled(row: Array, regressors: Array, origins: tuple[int, ...], horizon: int) -> Array:
    """Return one series' forecasts from each origin; the last value while it is too young."""
    made = np.full((len(origins), horizon), np.nan)
    smoothing: Array | None = None
    for o, origin in enumerate(origins):
        past = row[:origin]
        seen = ~np.isnan(past)
        if seen.sum() < _FEWEST:
            made[o] = naive.last_value(past[None], horizon=horizon)[0]
            continue
        logged = bool((past[seen] > 0).all())
        x = _told(regressors[: origin + horizon], origin, seen)
        ahead, smoothing = _forecast(
            np.log(past) if logged else past, x, horizon, None if o % _REFIT == 0 else smoothing
        )
        made[o] = _held_back(np.exp(ahead) if logged else ahead, past[seen])
    return made


def _held_back(ahead: Array, past: Array) -> Array:
    """Return forecasts no higher than a bold guess, and no lower than zero if none ever was."""
    low = 0.0 if past.min() >= 0 else -np.inf
    return np.asarray(np.clip(ahead, low, max(past.max(), 0.0) * _HIGHEST))


def _forecast(past: Array, x: Array, horizon: int, smoothing: Array | None) -> tuple[Array, Array]:
    """Return the forecast and the smoothing, fitted where it is not given."""
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    known: dict[str, Any] = {"exog": x[: len(past)], "mle_regression": False} if x.size else {}
    model = SARIMAX(past, order=(0, 1, 1), concentrate_scale=True, **known)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on starting values; a bad fit loses the backtest
        if smoothing is None:
            fitted = model.fit(disp=False, maxiter=50, cov_type="none")
        else:
            fitted = model.filter(smoothing, cov_type="none")
        ahead = fitted.forecast(horizon, exog=x[len(past) :] if x.size else None)
    return np.asarray(ahead), np.asarray(fitted.params)


def _told(regressors: Array, origin: int, seen: np.ndarray) -> Array:
    """Return the regressors that varied, standardised, no more of them than the weeks allow."""
    past = regressors[:origin][seen]
    spread = past.std(axis=0)
    kept = np.flatnonzero(spread > 1e-6)[: int(seen.sum()) // _WEEKS_EACH]
    return np.asarray((regressors[:, kept] - past[:, kept].mean(axis=0)) / spread[kept])
