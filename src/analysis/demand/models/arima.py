"""ARIMA with and without what is known in advance, candidates for the few series studied.

SARIMAX of statsmodels, on the logarithm where all values are positive: a local level,
ARIMA(0,1,1), moved by regressors whose coefficients are states of the filter, so that only the
level's smoothing is searched for (Durbin and Koopman 2012, Time Series Analysis by State Space
Methods, section 6.2.2). The states are brought up to date at every origin, the smoothing is
fitted anew at every fourth. Holidays are taken out first where they are clear (`occasions`).
Whether either is used is for the rolling origin to say.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.demand.models import holiday_run_up, registry
from analysis.stats.sizes import FEWEST_WEEKS_OF_ARIMA, WEEKS_EACH_OF_ARIMA
from analysis.stats.types import Floats

if TYPE_CHECKING:
    from analysis.demand.forecast.level_regressors import LevelDrivers
    from analysis.demand.models.backtest import Backtest

#: Names of the candidates.
DRIVEN, PLAIN = "driven", "arima"

#: Origins between two fits of the smoothing.
_REFIT = 4

#: Highest forecast, times the highest value seen.
_HIGHEST = 5.0


def with_candidates(found: Backtest, values: Floats, known: LevelDrivers) -> Backtest:
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
        made[:, known.rows] = _rolled(values[known.rows], known, found.origins, found.horizon, name)
        found = found.with_model(name, made)
    return found


def forecasts(values: Floats, known: LevelDrivers, *, horizon: int) -> dict[str, Floats]:
    """Return both candidates' forecasts from the last week, NaN without regressors."""
    made = {name: np.full((len(values), horizon), np.nan) for name in (DRIVEN, PLAIN)}
    for name, table in made.items():
        origin = (values.shape[1],)
        table[known.rows] = _rolled(values[known.rows], known, origin, horizon, name)[0]
    return made


def _rolled(
    values: Floats, known: LevelDrivers, origins: tuple[int, ...], horizon: int, name: str
) -> Floats:
    """Return the forecasts (origins x series x horizon) of one candidate."""
    made = np.full((len(origins), len(values), horizon), np.nan)
    smoothing: list[Floats | None] = [None] * len(values)
    for o, origin in enumerate(origins):
        past = values[:, :origin]
        calm, factor = past, np.ones((len(values), horizon))
        if name == DRIVEN:
            calm, factor = holiday_run_up.apart(past, known.marks[: origin + horizon])
        for row in range(len(values)):
            x = known.values[row, : origin + horizon, : None if name == DRIVEN else 0]
            start = None if o % _REFIT == 0 else smoothing[row]
            made[o, row], smoothing[row] = _one(calm[row], x, horizon, start)
        made[o] = np.stack([_held_back(a, p) for a, p in zip(made[o] * factor, past, strict=True)])
    return made


def _one(
    past: Floats, regressors: Floats, horizon: int, smoothing: Floats | None
) -> tuple[Floats, Floats | None]:
    """Return one series' forecast and its smoothing; the last value while it is too young."""
    seen = ~np.isnan(past)
    if seen.sum() < FEWEST_WEEKS_OF_ARIMA:
        return registry.last_value(past[None], horizon=horizon)[0], None
    x = _told(regressors, len(past), seen)
    if not (past[seen] > 0).all():
        return _forecast(past, x, horizon, smoothing)
    ahead, found = _forecast(np.log(past), x, horizon, smoothing)
    return np.exp(ahead), found


def _held_back(ahead: Floats, past: Floats) -> Floats:
    """Return forecasts no higher than a bold guess, and no lower than zero if none ever was."""
    if np.isnan(past).all():
        return ahead
    low = 0.0 if np.nanmin(past) >= 0 else -np.inf
    return np.asarray(np.clip(ahead, low, max(float(np.nanmax(past)), 0.0) * _HIGHEST))


def _forecast(
    past: Floats, x: Floats, horizon: int, smoothing: Floats | None
) -> tuple[Floats, Floats]:
    """Return the forecast and the smoothing, fitted where it is not given."""
    # Imported before warnings are silenced: the import has filters of its own.
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    def model(values: Floats, x: Floats) -> SARIMAX:
        known: dict[str, Any] = {"exog": x, "mle_regression": False} if x.size else {}
        return SARIMAX(values, order=(0, 1, 1), concentrate_scale=True, **known)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on starting values; a bad fit loses the backtest
        if smoothing is None:
            begun = model(past, x[: len(past)])
            smoothing = np.asarray(begun.fit(disp=False, maxiter=50, return_params=True))
        # Periods ahead are periods without a value: one pass of the filter foresees them.
        whole = model(np.append(past, np.full(horizon, np.nan)), x)
        whole.update(smoothing)
        return np.asarray(whole.ssm.filter().forecasts[0, -horizon:]), smoothing


def _told(regressors: Floats, origin: int, seen: np.ndarray) -> Floats:
    """Return the regressors that varied, standardised, no more of them than the weeks allow."""
    past = regressors[:origin][seen]
    spread = past.std(axis=0)
    kept = np.flatnonzero(spread > 1e-6)[: int(seen.sum()) // WEEKS_EACH_OF_ARIMA]
    return np.asarray((regressors[:, kept] - past[:, kept].mean(axis=0)) / spread[kept])
