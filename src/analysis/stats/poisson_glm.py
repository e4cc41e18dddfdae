"""Poisson regression of many series at once, each with its own regressors.

Counts of units are explained on the logarithmic scale, so that effects are factors and weeks
without a sale need no special case. What scatters more than Poisson (McCullagh and Nelder 1989,
Generalized Linear Models, section 6.2) and what remembers the week before both widen the errors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.stats.types import Floats


def inflation(left: np.ndarray) -> float:
    """Return by how much first-order autocorrelation raises the variance of a mean; at least 1.

    The estimate is taken from ranks, so that a single outlier does not hide it, and corrected
    for its bias of -(1 + 4 r) / n (Kendall 1954).
    """
    ordered = np.sort(left)
    below, up_to = (np.searchsorted(ordered, left, side) for side in ("left", "right"))
    ranks = (below + up_to - len(left)) / 2
    total = float((ranks**2).sum())
    if total == 0 or len(left) < 4:
        return 1.0
    r = float((ranks[1:] * ranks[:-1]).sum()) / total
    r = min(max((r * len(left) + 1) / (len(left) - 4), 0.0), 0.9)
    return (1 + r) / (1 - r)


#: Rounds of iteratively reweighted least squares, and the change of a coefficient that ends them.
_ROUNDS, _CLOSE = 40, 1e-9

#: Largest logarithm of an expectation; weight that keeps a regressor without sales finite.
_HIGHEST, _RIDGE = 25.0, 1e-7


@dataclass(frozen=True)
class Fits:
    """Regressions side by side, a row a series.

    Parameters
    ----------
    coefficients
        Series x regressors, on the logarithmic scale; NaN where a regressor was not used.
    covariance
        Series x regressors x regressors; zero where a regressor was not used.
    fitted
        Expected units, series x periods.
    dispersion
        Pearson's chi-square over its degrees of freedom, at least 1.
    freedom
        Degrees of freedom left.
    """

    coefficients: Floats
    covariance: Floats
    fitted: Floats
    dispersion: Floats
    freedom: Floats

    @property
    def errors(self) -> Floats:
        """Standard errors, NaN where a regressor was not used."""
        variance = np.einsum("spp->sp", self.covariance)
        return np.where(np.isnan(self.coefficients), np.nan, np.sqrt(variance))


def fit(values: Floats, design: Floats, used: np.ndarray) -> Fits:
    """Fit every series on its own regressors by maximum quasi-likelihood.

    Parameters
    ----------
    values
        Series x periods, not negative; NaN is left out.
    design
        Series x periods x regressors, the first a constant.
    used
        Series x regressors: which of them to estimate. A regressor that is not used counts as
        zero; without its first regressor a series is not fitted.
    """
    design = design * used[:, None, :]
    known = ~np.isnan(values) & used[:, :1]
    counts = np.where(known, values, 0.0)
    beta = _iterated(counts, design, known, used)
    fitted = _expected(design, beta)
    freedom = np.maximum(known.sum(axis=1) - used.sum(axis=1), 1).astype(float)
    pearson = np.where(known, (counts - fitted) / np.sqrt(fitted), 0.0)
    dispersion = np.maximum((pearson**2).sum(axis=1) / freedom, 1.0)
    covariance = _covariance(design, fitted * known, used, dispersion, _memories(pearson, known))
    coefficients = np.where(used & used[:, :1], beta, np.nan)
    return Fits(coefficients, covariance, fitted, dispersion, freedom)


def _expected(design: Floats, beta: Floats) -> Floats:
    return np.exp(np.clip(np.einsum("stp,sp->st", design, beta), -_HIGHEST, _HIGHEST))


def _iterated(counts: Floats, design: Floats, known: np.ndarray, used: np.ndarray) -> Floats:
    beta = np.zeros(used.shape)
    mean = counts.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    beta[:, 0] = np.log(np.maximum(mean, 1e-6))
    for _ in range(_ROUNDS):
        fitted = _expected(design, beta)
        weight = np.where(known, fitted, 0.0)
        information = _information(design, weight, used)
        score = np.einsum("stp,st->sp", design, np.where(known, counts - fitted, 0.0))
        step = np.linalg.solve(information, score[:, :, None])[:, :, 0]
        beta = beta + np.clip(step, -2.0, 2.0)
        if np.abs(step).max(initial=0.0) < _CLOSE:
            break
    return beta


def _information(design: Floats, weight: Floats, used: np.ndarray) -> Floats:
    found = np.matmul(np.swapaxes(design * weight[:, :, None], 1, 2), design)
    diagonal = np.arange(design.shape[2])
    found[:, diagonal, diagonal] += np.where(used, _RIDGE, 1.0)
    return np.asarray(found)


def _memories(pearson: Floats, known: np.ndarray) -> Floats:
    """Return each series' first-order autocorrelation of what is left, at least 0."""
    raised = np.array([inflation(row[seen]) for row, seen in zip(pearson, known, strict=True)])
    return np.asarray((raised - 1) / (raised + 1))


def _covariance(
    design: Floats, weight: Floats, used: np.ndarray, dispersion: Floats, memory: Floats
) -> Floats:
    """Return the sandwich whose middle has the errors' memory: isolated weeks widen little."""
    inverse = np.linalg.inv(_information(design, weight, used))
    rooted = design * np.sqrt(weight)[:, :, None]
    blended = _remembered(rooted, memory)
    middle = np.matmul(np.swapaxes(rooted, 1, 2), blended)
    found = np.matmul(np.matmul(inverse, middle), inverse) * dispersion[:, None, None]
    both = used[:, :, None] & used[:, None, :]
    return np.where(both, found, 0.0)


def _remembered(rooted: Floats, memory: Floats) -> Floats:
    """Return R x for the correlation matrix R of first-order memory, without building R."""
    forward, backward = rooted.copy(), rooted.copy()
    r = memory[:, None]
    for t in range(1, rooted.shape[1]):
        forward[:, t] += r * forward[:, t - 1]
        backward[:, -1 - t] += r * backward[:, -t]
    return forward + backward - rooted
