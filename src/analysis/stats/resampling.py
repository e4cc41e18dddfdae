"""Intervals from resampling whole customers.

A customer's lines, orders and weeks depend on each other, customers do not: the customer is what
is drawn again. Every statistic here is a function of totals over customers, so the totals of each
replicate are all that is needed, and they cost the same for a thousand customers or ten million.

Estimates over whole customers, with bias-corrected and accelerated intervals.

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

Bootstrap intervals of an effect, for a million customers as for a thousand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.stats.sizes import FEWEST_AT_HEAD, FEWEST_CUSTOMERS
from analysis.stats.types import Floats, Integers

#: Above this many customers, equal random groups of them are drawn instead.
MOST_UNITS = 4_000

#: Replicates, and rows, held in memory at once.
_BATCH, _ROWS = 500, 100_000


def resampled_totals(
    values: Floats,
    *,
    seed: int,
    replicates: int = 2_000,
    most_units: int = MOST_UNITS,
    fewest: int = 0,
    groups: tuple[Integers, int] | None = None,
) -> Floats:
    """Return the totals of every column over customers drawn with replacement.

    Parameters
    ----------
    values
        One row a customer, one column a quantity to be totalled. Columns of two periods side by
        side keep the periods paired.
    seed
        Seed of the draws; the same seed draws the same customers whatever the columns.
    replicates
        Number of replicates.
    most_units
        Above so many customers, so many random groups of them are drawn instead. Fewer are
        quicker; the spread they show is off by a share of about 1 / sqrt(2 x most_units).
    fewest
        With fewer customers all replicates are NaN: one alone is the same in every draw, which is
        no certainty.
    groups
        Each customer's group, from 0, -1 for those in none, and how many there are. Totals are then
        those of each group, while everybody is drawn.

    Returns
    -------
    Array
        One row a replicate, one column a quantity; with groups, all quantities of one after those
        of the other.

    Notes
    -----
    The nonparametric bootstrap of Efron (1979), Annals of Statistics 7(1), the customer being the
    cluster. Above ``most_units`` customers, equal random groups of customers are drawn: the sum
    over a random group of c customers has c times the variance of one, so totals keep theirs.
    Totals come out the same to the last bit in whatever order, on however many threads, they are
    summed.
    """
    if len(values) < fewest:
        return np.full((replicates, values.shape[1]), np.nan)
    rng = np.random.default_rng(seed)
    groups = groups or (np.zeros(len(values), np.int64), 1)
    units = _exactly_summable(_grouped(values, groups, rng, most_units))
    n = len(units)
    if n == 0:
        return np.zeros((replicates, units.shape[1]))
    sizes = [min(_BATCH, replicates - done) for done in range(0, replicates, _BATCH)]
    return np.vstack([_times_drawn(n, size, rng) @ units for size in sizes])


def _times_drawn(n: int, replicates: int, rng: np.random.Generator) -> Floats:
    """Return how often each of ``n`` units is drawn in each replicate."""
    drawn = rng.integers(0, n, size=(replicates, n))
    drawn += np.arange(replicates)[:, None] * n
    times = np.bincount(drawn.ravel(), minlength=replicates * n)
    return times.reshape(replicates, n).astype(np.float64)


def _exactly_summable(units: Floats) -> Floats:
    """Round every column to a grid on which the totals of all draws are exact.

    Multiples of one power of two are summed without rounding as long as the sum has no more than
    53 bits. The grid is as fine as that allows, far below a cent for any sales.
    """
    largest = np.abs(units).max(axis=0, initial=0.0) * max(len(units), 1)
    grid = np.exp2(np.ceil(np.log2(np.where(largest > 0, largest, 1.0))) - 52)
    return np.rint(units / grid) * grid


def group_totals(values: Floats, groups: tuple[Integers, int]) -> Floats:
    """Return the totals of every column, one row a group, customers added one after the other."""
    n = len(values)
    totals = _unit_totals(values, groups, np.arange(n), np.zeros(n, np.int64))
    return totals.reshape(groups[1], values.shape[1])


def _grouped(
    values: Floats, groups: tuple[Integers, int], rng: np.random.Generator, most_units: int
) -> Floats:
    """Sum equal random units of rows, so that at most ``most_units`` are left, group by group."""
    n = len(values)
    order = unit = np.arange(n)
    if n > most_units:
        unit = unit % (n // -(-n // most_units))
        order = rng.permutation(n)
    return _unit_totals(values, groups, order, unit)


def _unit_totals(
    values: Floats, groups: tuple[Integers, int], order: Integers, unit: Integers
) -> Floats:
    codes, number = groups
    sums = np.zeros(((int(unit.max(initial=-1)) + 1) * number, values.shape[1]))
    for begin in range(0, len(values), _ROWS):  # a part at a time: no second copy of all
        rows, own = order[begin : begin + _ROWS], unit[begin : begin + _ROWS]
        known = codes[rows] >= 0
        np.add.at(sums, own[known] * number + codes[rows[known]], values[rows[known]])
    return sums.reshape(-1, number * values.shape[1])


def percentile_interval(replicates: Floats, *, confidence: float) -> tuple[Floats, Floats]:
    """Return the lower and upper percentile ends of every column.

    A column where more than one replicate in a hundred is undefined gets NaN: its interval
    would describe only the replicates that happened to be defined.
    """
    replicates = np.atleast_2d(replicates.T).T
    if replicates.shape[1] == 0:
        return np.empty(0), np.empty(0)
    tail = (1 - confidence) / 2
    undefined = np.isnan(replicates).mean(axis=0) > 0.01
    filled = np.where(undefined, 0.0, replicates)
    # The variant that skips NaN is many times slower, and rarely needed.
    quantile = np.nanquantile if np.isnan(filled).any() else np.quantile
    low, high = quantile(filled, [tail, 1 - tail], axis=0)
    return np.where(undefined, np.nan, low), np.where(undefined, np.nan, high)


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


#: Beyond this many customers an arm, so many random groups of them are drawn.
_MOST_GROUPS = 4_000
_GROUPS = 1_000


def by_buckets(
    treated: Floats, control: Floats, *, confidence: float, seed: int, replicates: int = 2_000
) -> tuple[float, float]:
    """Return the interval of the difference of means, resampling random groups of customers.

    Up to a few thousand customers they are drawn one by one; beyond, equal random groups are,
    which have the same variance of totals (see `analysis.stats.resampling.resampled_totals`).
    """
    one, two = (
        _means(values, seed + place, replicates) for place, values in enumerate((treated, control))
    )
    low, high = percentile_interval(one - two, confidence=confidence)
    return float(low[0]), float(high[0])


def _means(values: Floats, seed: int, replicates: int) -> Floats:
    n = len(values)
    units = n if n <= _MOST_GROUPS else _GROUPS
    drawn = resampled_totals(values[:, None], seed=seed, replicates=replicates, most_units=units)
    return drawn[:, 0] / n
