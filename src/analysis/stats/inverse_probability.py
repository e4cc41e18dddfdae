"""Means over all who were asked, from those who answered: weights by the chance to answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.stats.multiplicity import normal_quantile
from analysis.stats.types import Flags, Floats, Integers

_STEPS, _TOLERANCE = 50, 1e-10
#: Keeps the fit finite where a group answered all or not at all: a prior of this precision.
_PRIOR = 1e-3


@dataclass(frozen=True)
class Chances:
    """The fitted chance to answer.

    Parameters
    ----------
    design
        Columns the chance depends on, the first of ones.
    coefficients, errors
        Log odds of answering and their standard errors.
    chance
        Fitted chance of each who was asked.
    answered
        Who answered.
    """

    design: Floats
    coefficients: Floats
    errors: Floats
    chance: Floats
    answered: Flags

    @property
    def weights(self) -> Floats:
        """One over the chance for who answered, zero for the others; they sum to all asked."""
        raw = np.where(self.answered, 1 / self.chance, 0.0)
        return raw * len(raw) / raw.sum()

    @property
    def effective(self) -> float:
        """Answers that the weighted ones are worth (Kish)."""
        w = self.weights
        return float(w.sum() ** 2 / (w**2).sum())


def fit_chances(design: Floats, answered: Flags) -> Chances:
    """Return the chance to answer by logistic regression, by Newton's method."""
    beta = np.zeros(design.shape[1])
    prior = np.full(design.shape[1], _PRIOR)
    prior[0] = 0.0
    hessian = np.eye(design.shape[1])
    for _ in range(_STEPS):
        p = _logistic(design @ beta)
        hessian = (design * (p * (1 - p))[:, None]).T @ design + np.diag(prior)
        step = np.linalg.solve(hessian, design.T @ (answered - p) - prior * beta)
        beta = beta + step
        if np.abs(step).max() < _TOLERANCE:
            break
    errors = np.sqrt(np.diag(np.linalg.inv(hessian)))
    return Chances(design, beta, errors, _logistic(design @ beta), answered)


def _logistic(x: Floats) -> Floats:
    return 1 / (1 + np.exp(-np.clip(x, -30, 30)))


@dataclass(frozen=True)
class Weighted:
    """A weighted mean with its interval."""

    value: float
    low: float
    high: float
    error: float


def weighted_mean(
    values: Floats, chances: Chances, customer: Integers, *, confidence: float = 0.95
) -> Weighted:
    """Return the mean over all who were asked.

    Parameters
    ----------
    values
        One value for each who was asked; what stands where nobody answered is not looked at.
    chances
        The fitted chances to answer.
    customer
        Code of the customer; those asked twice count once for the error.
    confidence
        Coverage.

    Notes
    -----
    The ratio (Hajek) estimate. Its influence is projected off the scores of the fitted chances,
    whose estimation makes it more precise, not less: Robins, Rotnitzky and Zhao (1994), J. Am.
    Statist. Assoc. 89, 846-866; the errors are by customer.
    """
    w = chances.weights
    y = np.where(chances.answered, values, 0.0)
    mean = float((w * y).sum() / w.sum())
    influence = np.where(chances.answered, w * (y - mean), 0.0)
    scores = chances.design * (chances.answered - chances.chance)[:, None]
    slope, *_ = np.linalg.lstsq(scores, influence, rcond=None)
    influence = influence - scores @ slope
    by_customer = np.bincount(customer, influence)
    g = len(np.unique(customer))
    error = float(np.sqrt((by_customer**2).sum() * g / max(g - 1, 1)) / len(y))
    reach = normal_quantile(confidence) * error
    return Weighted(mean, mean - reach, mean + reach, error)
