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
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from analysis.demand.models import holiday_run_up, registry
from analysis.stats.sizes import FEWEST_WEEKS_OF_ARIMA, WEEKS_EACH_OF_ARIMA
from analysis.stats.types import Floats

if TYPE_CHECKING:
    from collections.abc import Callable

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


class _Asked(NamedTuple):
    """One series at one origin: their places, its past, regressors with those ahead, smoothing."""

    place: tuple[int, int]
    past: Floats
    logged: bool
    x: Floats
    smoothing: float


def _rolled(
    values: Floats, known: LevelDrivers, origins: tuple[int, ...], horizon: int, name: str
) -> Floats:
    """Return the forecasts (origins x series x horizon) of one candidate."""
    made, factor = np.ones((2, len(origins), len(values), horizon))
    smoothing: list[float | None] = [None] * len(values)
    asked: list[_Asked] = []
    for o, origin in enumerate(origins):
        calm = values[:, :origin]
        if name == DRIVEN:
            calm, factor[o] = holiday_run_up.apart(calm, known.marks[: origin + horizon])
        made[o] = registry.last_value(calm, horizon=horizon)
        for row in np.flatnonzero((~np.isnan(calm)).sum(axis=1) >= FEWEST_WEEKS_OF_ARIMA):
            past, seen = calm[row], ~np.isnan(calm[row])
            x = known.values[row, : origin + horizon, : None if name == DRIVEN else 0]
            x, logged = _told(x, origin, seen), bool((past[seen] > 0).all())
            past = np.log(past) if logged else past
            if o % _REFIT == 0 or (fitted := smoothing[row]) is None:
                fitted = smoothing[row] = _smoothing(past.tobytes(), x[:origin].tobytes())
            asked.append(_Asked((o, int(row)), past, logged, x, fitted))
    for one, ahead in zip(asked, _foreseen(asked, horizon), strict=True):
        made[one.place] = np.exp(ahead) if one.logged else ahead
    for o, origin in enumerate(origins):
        pairs = zip(made[o] * factor[o], values[:, :origin], strict=True)
        made[o] = np.stack([_held_back(ahead, past) for ahead, past in pairs])
    return made


def _held_back(ahead: Floats, past: Floats) -> Floats:
    """Return forecasts no higher than a bold guess, and no lower than zero if none ever was."""
    if np.isnan(past).all():
        return ahead
    low = 0.0 if np.nanmin(past) >= 0 else -np.inf
    return np.asarray(np.clip(ahead, low, max(float(np.nanmax(past)), 0.0) * _HIGHEST))


@lru_cache(maxsize=512)  # without regressors and holidays both candidates ask for the same
def _smoothing(past: bytes, x: bytes) -> float:
    """Return the smoothing fitted: the moving average's parameter."""
    # Imported before warnings are silenced: the import has filters of its own.
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    y = np.frombuffer(past)
    known: dict[str, Any] = {"exog": np.frombuffer(x).reshape(len(y), -1), "mle_regression": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on starting values; a bad fit loses the backtest
        begun = SARIMAX(y, order=(0, 1, 1), concentrate_scale=True, **(known if x else {}))
        asked = {"loglike_and_score": _likelihood(begun), "approx_grad": False, "epsilon": None}
        return float(begun.fit(disp=False, maxiter=50, return_params=True, **asked)[0])


def _likelihood(begun: Any) -> Callable[..., tuple[float, Floats]]:
    """Return the mean log-likelihood and its numerical slope of a model just built.

    Bit for bit what statsmodels finds, which for every smoothing tried writes all matrices and
    first states anew; here only those that hold it.
    """
    begun.loglike(np.zeros(1))  # compiles the model and its filter
    model, burn = begun.ssm, begun.loglikelihood_burn
    compiled, run = model._statespaces["d"], model._kalman_filters["d"]
    selection, remembering = model._representations["d"]["selection"], model.initialization.blocks
    likely, squares = (np.asarray(of)[burn:] for of in (run.loglikelihood, run.scale))
    seen = np.sum(1 - np.asarray(compiled.nmissing)[burn:])

    def mean(free: Floats) -> float:
        selection[2, 0, 0] = begun.transform_params(free)[0]
        compiled.initialize(remembering[1, 2], offset=1, clear=False)
        run()
        found = likely.sum() - 0.5 * seen - 0.5 * seen * np.log(squares.sum() / seen)
        return float(found / begun.nobs)

    def with_slope(free: Floats, *_: object) -> tuple[float, Floats]:
        here, further = mean(free), free + 1e-5
        return here, (mean(further) - here) / (further - free)

    return with_slope


def _foreseen(asked: list[_Asked], horizon: int) -> Floats:
    """Return what follows each past (asked x horizon), of all at once.

    Given the smoothing, the level before the first week and the coefficients are those of least
    squares between what the filter leaves of the series and of their columns: all are filtered
    side by side, periods ahead as periods without a value.
    """
    if not asked:
        return np.empty((0, horizon))
    ends = np.array([len(one.past) for one in asked])
    seen = np.zeros((len(asked), ends.max() + horizon), bool)
    columns = np.zeros((*seen.shape, 2 + max(one.x.shape[1] for one in asked)))
    columns[:, :, 1] = 1.0
    for row, (one, end) in enumerate(zip(asked, ends, strict=True)):
        seen[row, :end], columns[row, :end, 0] = ~np.isnan(one.past), np.nan_to_num(one.past)
        columns[row, : len(one.x), 2 : 2 + one.x.shape[1]] = one.x
    left, predicted = _filtered(columns, seen, np.array([one.smoothing for one in asked]))
    products = np.matmul(left.transpose(0, 2, 1), left)
    # As vague as statsmodels has them before the first week.
    vague = np.where([one.x.size > 0 for one in asked], 1e10, 1e6)[:, None, None]
    penalised = products[:, 1:, 1:] + np.eye(columns.shape[2] - 1) / vague
    found = np.linalg.solve(penalised, products[:, 1:, :1])
    ahead = ends[:, None] + np.arange(horizon)
    known, guess = (np.take_along_axis(c, ahead[:, :, None], 1) for c in (columns, predicted))
    return np.asarray(guess[:, :, 0] + ((known - guess)[:, :, 1:] @ found)[:, :, 0])


def _filtered(columns: Floats, seen: np.ndarray, smoothing: Floats) -> tuple[Floats, Floats]:
    """Return each column's surprises over their deviation, and what was predicted.

    The filter of an ARIMA(0,1,1) that begins at zero: where a value is seen the level is the
    value, and of its surprise a share stays on for one period.
    """
    left, predicted = np.zeros_like(columns), np.empty_like(columns)
    level, stays = np.zeros((2, *columns[:, 0].shape))
    of_level, both, square = np.zeros(len(columns)), np.zeros(len(columns)), smoothing**2
    of_stays = 1 + square
    for t in range(columns.shape[1]):
        variance = of_level + 2 * both + of_stays
        predicted[:, t] = level + stays
        there, now = seen[:, t, None], columns[:, t]
        surprise = np.where(there, now - predicted[:, t], 0.0)
        left[:, t] = surprise / np.sqrt(variance)[:, None]
        level = np.where(there, now, predicted[:, t])
        stays = (smoothing / variance)[:, None] * surprise
        of_stays = 1 + square - np.where(seen[:, t], square / variance, 0.0)
        of_level, both = (np.where(seen[:, t], 0.0, v) for v in (variance, smoothing))
    return left, predicted


def _told(regressors: Floats, origin: int, seen: np.ndarray) -> Floats:
    """Return the regressors that varied, standardised, no more of them than the weeks allow."""
    past = regressors[:origin][seen]
    spread = past.std(axis=0)
    kept = np.flatnonzero(spread > 1e-6)[: int(seen.sum()) // WEEKS_EACH_OF_ARIMA]
    return np.asarray((regressors[:, kept] - past[:, kept].mean(axis=0)) / spread[kept])
