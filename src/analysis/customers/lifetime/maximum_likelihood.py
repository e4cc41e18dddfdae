"""Maximum likelihood for models with positive parameters, with standard errors.

Parameters are searched for by their logarithms, which keeps them positive and makes the surface
rounder. The covariance is the inverse of the observed information: differences of the analytic
slopes, on the log scale, where a normal approximation holds sooner; standard errors on the natural
scale follow by the delta method.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.stats.types import Floats

#: Takes parameters (natural scale); returns the log-likelihood and its slopes by parameter.
LogLikelihood = Callable[[Floats], tuple[float, Floats]]

#: Parameters beyond e to this power are no estimates: the likelihood has no maximum.
_FARTHEST = 13.0
_STEP = 1e-4


@dataclass(frozen=True)
class Estimate:
    """Parameters where the likelihood is largest.

    Parameters
    ----------
    names
        Names of the parameters.
    values
        Their estimates.
    log_covariance
        Covariance of the logarithms of the estimates; NaN where the data do not tell them apart.
    log_likelihood
        Log-likelihood at the estimates.
    """

    names: tuple[str, ...]
    values: Floats
    log_covariance: Floats
    log_likelihood: float

    @property
    def identified(self) -> bool:
        """Whether the data tell all parameters apart, so that standard errors exist."""
        return bool(np.isfinite(self.log_covariance).all())

    @property
    def errors(self) -> Floats:
        """Standard errors of the estimates."""
        return np.asarray(self.values * np.sqrt(np.diag(self.log_covariance)))

    def table(self) -> pd.DataFrame:
        """Return one parameter a row: parameter, estimate, error, low, high (95 %, log scale)."""
        reach = 1.959964 * np.sqrt(np.diag(self.log_covariance))
        return pd.DataFrame(
            {
                "parameter": self.names,
                "estimate": self.values,
                "error": self.errors,
                "low": self.values * np.exp(-reach),
                "high": self.values * np.exp(reach),
            }
        )

    def drawn(self, draws: int, generator: np.random.Generator) -> Floats:
        """Return parameters drawn from their approximate sampling distribution, draws x names.

        Without standard errors, every draw is the estimate itself.
        """
        if not self.identified:
            return np.tile(self.values, (draws, 1))
        root = np.linalg.cholesky(self.log_covariance)
        steps = generator.standard_normal((draws, len(self.values))) @ root.T
        return np.asarray(self.values * np.exp(np.clip(steps, -3, 3)))


def maximise(
    log_likelihood: LogLikelihood, names: tuple[str, ...], starts: list[tuple[float, ...]]
) -> Estimate:
    """Return the estimate with the largest likelihood.

    Later starts are tried only where an earlier one ended without standard errors.

    Raises
    ------
    NotApplicable
        If the likelihood is not finite anywhere, as with data that no parameters explain.
    """
    from scipy.optimize import minimize

    scale = _scale(log_likelihood, starts)

    def minus(logs: Floats) -> tuple[float, Floats]:
        values = np.exp(logs)
        height, slopes = log_likelihood(values)
        return -height / scale, -slopes * values / scale

    best: Estimate | None = None
    for start in starts:
        found = minimize(
            minus,
            np.log(start),
            jac=True,
            method="L-BFGS-B",
            bounds=[(-_FARTHEST, _FARTHEST)] * len(names),
            options={"ftol": 1e-14, "gtol": 1e-9, "maxiter": 500},
        )
        if not np.isfinite(found.fun):
            continue
        covariance = _covariance(minus, found.x, scale)
        now = Estimate(names, np.exp(found.x), covariance, float(-found.fun * scale))
        if best is None or now.log_likelihood > best.log_likelihood:
            best = now
        if best.identified:
            break
    if best is None:
        raise NotApplicable("No parameters explain these purchases: the likelihood is not finite.")
    return best


def _scale(log_likelihood: LogLikelihood, starts: list[tuple[float, ...]]) -> float:
    height = log_likelihood(np.asarray(starts[0], dtype="float64"))[0]
    return max(1.0, abs(height)) if np.isfinite(height) else 1.0


def _covariance(minus: LogLikelihood, logs: Floats, scale: float) -> Floats:
    """Return the inverse information; NaN where the likelihood is flat or has its end."""
    size = len(logs)
    nothing = np.full((size, size), np.nan)
    if (np.abs(logs) > _FARTHEST - 0.01).any():
        return nothing
    steps = np.eye(size) * _STEP
    rows = [(minus(logs + step)[1] - minus(logs - step)[1]) / (2 * _STEP) for step in steps]
    information = np.array(rows) * scale
    information = (information + information.T) / 2
    if not np.isfinite(information).all() or np.linalg.eigvalsh(information).min() <= 1e-6:
        return nothing
    return np.asarray(np.linalg.inv(information))
