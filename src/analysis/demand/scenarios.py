"""What a plan would change: the forecast with and without it, and an interval on the difference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.demand.regression import Regression
from analysis.errors import ParamsError

if TYPE_CHECKING:
    import pandas as pd

_DRAWS = 4_000


@dataclass(frozen=True)
class Scenario:
    """A plan compared with going on as before.

    Parameters
    ----------
    table
        One row a period ahead: ahead, without, planned, difference, low, high (in units of the
        series).
    without, planned
        Totals over the horizon.
    difference, low, high
        Their difference and its interval.
    outside
        Regressors planned beyond what was ever seen, where the answer is an extrapolation.
    """

    table: pd.DataFrame
    without: float
    planned: float
    difference: float
    low: float
    high: float
    outside: tuple[str, ...]


def compare(
    fitted: Regression,
    *,
    without: pd.DataFrame,
    planned: pd.DataFrame,
    confidence: float = 0.95,
    seed: int = 0,
) -> Scenario:
    """Forecast one series with and without a plan.

    Both forecasts share the future that the regressors do not touch, and so its chance; what is
    uncertain about their difference is the size of the effects, drawn from their joint normal
    distribution, and the level they act on.

    Parameters
    ----------
    fitted
        From `regression.fit`.
    without, planned
        One row a period ahead, columns as the regressors fitted.
    confidence
        Coverage of the intervals.
    seed
        Seed of the draws.
    """
    import pandas as pd

    if tuple(without.columns) != fitted.names or tuple(planned.columns) != fitted.names:
        raise ParamsError(f"A plan needs the columns {', '.join(fitted.names)}, in this order")
    base, plan = _paths(fitted, without), _paths(fitted, planned)
    drawn = _differences(fitted, base, without, planned, seed)
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
    ends = np.quantile(drawn.sum(axis=1), [tail, 1 - tail])
    table = pd.DataFrame(
        {
            "ahead": np.arange(1, len(base) + 1),
            "without": base,
            "planned": plan,
            "difference": plan - base,
            "low": low,
            "high": high,
        }
    )
    totals = float(base.sum()), float(plan.sum())
    outside = _outside(fitted, planned)
    gain = totals[1] - totals[0]
    return Scenario(table, *totals, gain, float(ends[0]), float(ends[1]), outside)


def _paths(fitted: Regression, regressors: pd.DataFrame) -> np.ndarray:
    """Return the median forecast on the plain scale."""
    found = fitted.results.get_forecast(len(regressors), exog=regressors.to_numpy(dtype=float))
    mean = np.asarray(found.predicted_mean)
    return np.asarray((np.exp(mean) if fitted.logged else mean) * fitted.scale)


def _differences(
    fitted: Regression, base: np.ndarray, without: pd.DataFrame, planned: pd.DataFrame, seed: int
) -> np.ndarray:
    names = list(fitted.results.model.param_names)
    exog = list(fitted.results.model.exog_names)
    places = [names.index(name) for name in exog]
    covariance = np.asarray(fitted.results.cov_params())[np.ix_(places, places)]
    rng = np.random.default_rng(seed)
    coefficients = rng.multivariate_normal(
        np.asarray(fitted.results.params)[places], covariance, size=_DRAWS, method="eigh"
    )
    change = coefficients @ (planned.to_numpy(float) - without.to_numpy(float)).T
    if not fitted.logged:
        return np.asarray(change * fitted.scale)
    error = _level_error(fitted, without)
    level = np.log(base) + error * rng.standard_normal(_DRAWS)[:, None]
    return np.asarray(np.exp(level) * np.expm1(change))


def _level_error(fitted: Regression, without: pd.DataFrame) -> np.ndarray:
    found = fitted.results.get_forecast(len(without), exog=without.to_numpy(dtype=float))
    return np.asarray(found.se_mean)


def _outside(fitted: Regression, planned: pd.DataFrame) -> tuple[str, ...]:
    seen = fitted.results.model.exog
    low, high = seen.min(axis=0), seen.max(axis=0)
    beyond = ((planned.to_numpy(float) < low) | (planned.to_numpy(float) > high)).any(axis=0)
    return tuple(name for name, out in zip(fitted.names, beyond, strict=True) if out)
