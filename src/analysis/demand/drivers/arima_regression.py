"""One series that a person studies: ARIMA with regressors, and statsmodels where it is right."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.errors import NotApplicable

#: Fewest periods for each estimated coefficient.
_PERIODS_A_COEFFICIENT = 5

#: Share of periods without a sale up to which they are taken for closed or not delivered.
_CLOSED = 0.05

#: Logarithm beyond which an effect is as good as infinite.
_LARGEST = 30.0


@dataclass(frozen=True)
class Regression:
    """Demand explained by regressors, with ARIMA errors, on the log or the plain scale.

    Parameters
    ----------
    results
        statsmodels' results.
    names
        Regressors, in order.
    logged
        Whether the logarithm of demand was modelled; effects are then factors.
    effects
        One row a regressor: regressor, effect (change of demand, as a share if ``logged``, for
        one unit of it), low, high, p.
    scale
        What values were divided by before the fit; ``results`` are in this unit.
    """

    results: Any
    names: tuple[str, ...]
    logged: bool
    effects: pd.DataFrame
    scale: float = 1.0


def fit(
    values: np.ndarray,
    regressors: pd.DataFrame,
    *,
    order: tuple[int, int, int] = (1, 0, 0),
    seasonal_order: tuple[int, int, int, int] = (0, 0, 0, 0),
    trend: str = "ct",
    confidence: float = 0.95,
) -> Regression:
    """Fit one series on regressors known in advance, errors following an ARIMA.

    The logarithm is modelled where all values are positive, or all but a few that are zero: a
    period in which what always sells did not is closed or not delivered, says nothing about
    demand, and is left out. Values are taken as an index of mean 100, so that nothing depends on
    the currency's unit. Maximum likelihood by the state space
    form: Durbin and Koopman (2012), Time Series Analysis by State Space Methods, chapter 7; gaps
    are allowed.

    Parameters
    ----------
    values
        The series, NaN where not known.
    regressors
        One row a period, no gaps; constant columns explain nothing and are refused.
    order, seasonal_order
        Orders of the ARIMA.
    trend
        ``n`` none, ``c`` constant, ``ct`` constant and straight line.
    confidence
        Coverage of the effects' intervals.

    Raises
    ------
    NotApplicable
        If the series is too short for so many regressors, or never varies.
    """
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    _check(values, regressors)
    y, logged, scale = _fitted_on(values)
    model = SARIMAX(
        y, exog=regressors.to_numpy(dtype=float) if regressors.shape[1] else None,
        order=order, seasonal_order=seasonal_order, trend=trend,
    )  # fmt: skip
    results = _maximised(model)
    names = tuple(str(name) for name in regressors.columns)
    effects = _effects(results, names, logged, confidence)
    if not logged:
        effects = effects.assign(**(effects[["effect", "low", "high"]] * scale))
    return Regression(results, names, logged, effects, scale)


def _fitted_on(values: np.ndarray) -> tuple[np.ndarray, bool, float]:
    """Return what is modelled, whether that is a logarithm, and the unit of the values in it."""
    seen = values[~np.isnan(values)]
    scale = float(np.abs(seen).mean()) / 100
    if seen.min() >= 0 and (seen == 0).mean() <= _CLOSED:
        return np.log(np.where(values > 0, values, np.nan) / scale), True, scale
    return values / scale, False, scale


def _maximised(model: Any) -> Any:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on starting values; convergence is checked
        results = model.fit(disp=False, maxiter=200, cov_type="approx")
        if results.mle_retvals["converged"]:
            return results
        return model.fit(results.params, method="nm", disp=False, maxiter=2_000, cov_type="approx")


def _check(values: np.ndarray, regressors: pd.DataFrame) -> None:
    seen = values[~np.isnan(values)]
    needed = _PERIODS_A_COEFFICIENT * (regressors.shape[1] + 3)
    if len(seen) < needed:
        raise NotApplicable(
            f"{len(seen)} periods are too few to tell {regressors.shape[1]} effects apart; "
            f"{needed} are the least."
        )
    if seen.min() == seen.max():
        raise NotApplicable("The series never varies, so nothing can explain it.")
    known = regressors[~np.isnan(values)]
    flat = [str(name) for name in regressors if known[name].nunique() < 2]
    if flat:
        raise NotApplicable(f"{', '.join(flat)} never varied, so no effect can be told.")


def _effects(results: Any, names: tuple[str, ...], logged: bool, confidence: float) -> pd.DataFrame:
    from analysis.stats.multiplicity import normal_quantile, two_sided_p

    places = [results.model.param_names.index(_parameter(results, i)) for i in range(len(names))]
    estimate, error = results.params[places], np.asarray(results.bse)[places]
    reach = normal_quantile(confidence) * error
    ends = [estimate, estimate - reach, estimate + reach]
    effect, low, high = (
        np.expm1(np.clip(end, -_LARGEST, _LARGEST)) if logged else end for end in ends
    )
    p = two_sided_p(estimate / error)
    table = {"regressor": list(names), "effect": effect, "low": low, "high": high, "p": p}
    return pd.DataFrame(table)


def _parameter(results: Any, position: int) -> str:
    return str(results.model.exog_names[position])
