"""What needs no distribution: how rare this is among other draws, or among what came before."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from analysis.stats.sizes import FEWEST_CHANGES
from analysis.stats.types import Floats

#: Draws are made in batches of so many customers over all draws.
_MOST_CELLS = 2_000_000


def p_value(treated: Floats, control: Floats, *, seed: int, draws: int = 9_999) -> Floats:
    """Return the two-sided p of Welch's statistic over other random assignments.

    Parameters
    ----------
    treated, control
        Values; last axis by customer, others are experiments side by side.
    seed, draws
        Of the other draws; the p is a multiple of 1 / (draws + 1), never zero.

    Notes
    -----
    Of the studentised difference, so that unequal spread of the arms does no harm for many
    customers: Janssen (1997), Statistics and Probability Letters 36, 9-21; the count includes the
    draw that happened: Phipson and Smyth (2010), Stat. Appl. Genet. Mol. Biol. 9(1), 39.
    """
    rng = np.random.default_rng(seed)
    values = np.concatenate([treated, control], -1)
    values = values - values.mean(-1, keepdims=True)
    n, total = treated.shape[-1], values.shape[-1]
    first = np.zeros((1, total))
    first[0, :n] = 1.0
    seen = _statistics(values, first)[..., 0]
    more = np.zeros(seen.shape)
    batch = max(1, _MOST_CELLS // total)
    for start in range(0, draws, batch):
        drawn = _drawn(min(batch, draws - start), n, total, rng)
        more += (_statistics(values, drawn) >= (seen * (1 - 1e-9))[..., None]).sum(-1)
    return (more + 1) / (draws + 1)


def _drawn(draws: int, n: int, total: int, rng: np.random.Generator) -> Floats:
    """Return other random assignments, one a row: 1 for the treated."""
    places = np.argpartition(rng.random((draws, total)), n - 1, axis=-1)[:, :n]
    drawn = np.zeros((draws, total))
    np.put_along_axis(drawn, places, 1.0, axis=-1)
    return drawn


def _statistics(values: Floats, drawn: Floats) -> Floats:
    """Return the size of Welch's statistic; last axis by draw. Sums are all that it takes."""
    n, m = drawn[0].sum(), drawn.shape[1] - drawn[0].sum()
    sums, squares = values @ drawn.T, values**2 @ drawn.T
    others = values.sum(-1)[..., None] - sums
    other_squares = (values**2).sum(-1)[..., None] - squares
    one = np.maximum(squares - sums**2 / n, 0.0) / (n - 1) / n
    two = np.maximum(other_squares - others**2 / m, 0.0) / (m - 1) / m
    error, gap = np.sqrt(one + two), np.abs(sums / n - others / m)
    with np.errstate(divide="ignore", invalid="ignore"):
        # Rounding leaves a trace of spread where there is none.
        return np.where(error > 1e-12 * (gap + 1e-300), gap / error, np.where(gap > 0, np.inf, 0.0))


def usual_range(past: ArrayLike, coverage: float = 0.95) -> tuple[float, float]:
    """Return the range that holds the next change with the probability ``coverage`` or more.

    The ends are order statistics: of n exchangeable changes, the k-th least and the k-th greatest
    hold the next one with the probability 1 - 2 k / (n + 1), whatever their distribution.

    Parameters
    ----------
    past
        Changes seen before, NaN passed over.
    coverage
        Probability that is to be reached.

    Returns
    -------
    tuple of float
        NaN twice where fewer than `FEWEST_CHANGES` are known, or too few for the coverage.
    """
    known = np.sort(np.asarray(past, dtype=float))
    known = known[np.isfinite(known)]
    place = int(np.floor((len(known) + 1) * (1 - coverage) / 2 + 1e-9))
    if len(known) < FEWEST_CHANGES or place < 1:
        return float("nan"), float("nan")
    return float(known[place - 1]), float(known[-place])
