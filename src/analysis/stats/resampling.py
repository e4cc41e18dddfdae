"""Intervals from resampling whole customers.

A customer's lines, orders and weeks depend on each other, customers do not: the customer is what
is drawn again. Every statistic here is a function of totals over customers, so the totals of each
replicate are all that is needed, and they cost the same for a thousand customers or ten million.
"""

from __future__ import annotations

import numpy as np

from analysis.stats.types import Floats

#: Above this many customers, equal random groups of them are drawn instead.
MOST_UNITS = 4_000

#: Replicates held in memory at once.
_BATCH = 500


def resampled_totals(
    values: Floats,
    *,
    seed: int,
    replicates: int = 2_000,
    most_units: int = MOST_UNITS,
    fewest: int = 0,
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

    Returns
    -------
    Array
        One row a replicate, one column a quantity.

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
    units = _exactly_summable(_grouped(values, rng, most_units))
    n = len(units)
    if n == 0:
        return np.zeros((replicates, values.shape[1]))
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


def _grouped(values: Floats, rng: np.random.Generator, most_units: int) -> Floats:
    """Sum equal random groups of rows, so that at most ``most_units`` are left."""
    n = len(values)
    if n <= most_units:
        return values.astype(np.float64)
    group = np.arange(n) % (n // -(-n // most_units))
    order = rng.permutation(n)
    sums = np.zeros((group.max() + 1, values.shape[1]))
    np.add.at(sums, group, values[order])
    return sums


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
