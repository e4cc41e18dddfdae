"""One series that a person studies: regressors, a line and errors that remember one period."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.stats.types import Floats

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


def fit(values: np.ndarray, regressors: pd.DataFrame, *, confidence: float = 0.95) -> Regression:
    """Fit one series on a line and regressors known in advance, errors with first-order memory.

    The logarithm is modelled where all values are positive, or all but a few that are zero: a
    period in which what always sells did not is closed or not delivered, says nothing about
    demand, and is left out. Values are taken as an index of mean 100, so that nothing depends on
    the currency's unit. Maximum likelihood, exact: Durbin and Koopman (2012), Time Series Analysis
    by State Space Methods, chapter 7; gaps are allowed.

    Parameters
    ----------
    values
        The series, NaN where not known.
    regressors
        One row a period, no gaps; constant columns explain nothing and are refused.
    confidence
        Coverage of the effects' intervals.

    Raises
    ------
    NotApplicable
        If the series is too short for so many regressors, or never varies.
    """
    from statsmodels.tsa.statespace.sarimax import SARIMAX
    from threadpoolctl import threadpool_limits

    _check(values, regressors)
    y, logged, scale = _fitted_on(values)
    x = regressors.to_numpy(dtype=float)
    model = SARIMAX(y, exog=x if x.shape[1] else None, order=(1, 0, 0), trend="ct")
    with threadpool_limits(limits=1, user_api="blas"):
        results = model.smooth(_likeliest(y, x), cov_type="approx")
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


def _likeliest(y: Floats, x: Floats) -> Floats:
    """Return the parameters of greatest likelihood, in statsmodels' order.

    Given the memory all others are those of weighted least squares, so that only the memory is
    searched for: of all at once a search from numerical slopes often stops short of the maximum.
    """
    from scipy.optimize import minimize_scalar

    tried = np.tanh(np.linspace(-3.8, 3.8, 61))
    lost = [_given(memory, y, x)[0] for memory in tried]
    at = min(max(int(np.argmin(lost)), 1), len(tried) - 2)
    found = minimize_scalar(
        lambda memory: _given(memory, y, x)[0], bounds=(tried[at - 1], tried[at + 1]),
        method="bounded", options={"xatol": 1e-10},
    )  # fmt: skip
    _, coefficients, variance = _given(found.x, y, x)
    return np.array([*coefficients, found.x, variance])


def _given(memory: float, y: Floats, x: Floats) -> tuple[float, Floats, float]:
    """Return -2 log likelihood (less a constant), coefficients and variance, given the memory.

    What is left of a period known is independent of those before once ``memory`` to the power of
    the periods since the last one known is taken off, times its value.
    """
    from scipy.signal import lfilter

    seen = np.flatnonzero(~np.isnan(y))
    steps = np.column_stack([np.ones(len(y)), np.arange(len(y))])
    steps[0] = 1 / (1 - memory)  # what the line has led to before the first period
    line = lfilter([1.0], [1.0, -memory], steps, axis=0)
    columns = np.column_stack([y, line, x])[seen]
    kept = memory ** np.diff(seen)
    columns[1:] -= kept[:, None] * columns[:-1]
    spread = np.r_[1.0, 1 - kept**2] / (1 - memory**2)
    columns /= np.sqrt(spread)[:, None]
    coefficients, *_ = np.linalg.lstsq(columns[:, 1:], columns[:, 0], rcond=None)
    variance = float(((columns[:, 0] - columns[:, 1:] @ coefficients) ** 2).mean())
    lost = len(seen) * np.log(max(variance, 1e-300)) + np.log(spread).sum()
    return float(lost), coefficients, variance


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

    model = results.model
    places = [model.param_names.index(str(model.exog_names[i])) for i in range(len(names))]
    estimate, error = results.params[places], np.asarray(results.bse)[places]
    reach = normal_quantile(confidence) * error
    ends = [estimate, estimate - reach, estimate + reach]
    effect, low, high = (
        np.expm1(np.clip(end, -_LARGEST, _LARGEST)) if logged else end for end in ends
    )
    p = two_sided_p(estimate / error)
    table = {"regressor": list(names), "effect": effect, "low": low, "high": high, "p": p}
    return pd.DataFrame(table)
