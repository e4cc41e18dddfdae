"""A test for small arms that needs no distribution: how rare is this among other draws."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

#: Below so many customers in an arm this p is given instead of Welch's.
SMALL_ARM = 30


def p_value(treated: Array, control: Array, *, seed: int, draws: int = 9_999) -> Array:
    """Return the two-sided p of Welch's statistic over other draws of the lot.

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
    n = treated.shape[-1]
    seen = np.abs(_statistic(values, n))
    more = np.zeros(seen.shape)
    for _ in range(draws):
        other = values[..., rng.permutation(values.shape[-1])]
        more += np.abs(_statistic(other, n)) >= seen * (1 - 1e-12)
    return (more + 1) / (draws + 1)


def _statistic(values: Array, n: int) -> Array:
    one, two = values[..., :n], values[..., n:]
    error = np.sqrt(one.var(-1, ddof=1) / n + two.var(-1, ddof=1) / (values.shape[-1] - n))
    gap = one.mean(-1) - two.mean(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(error > 0, gap / error, np.where(gap == 0, 0.0, np.inf))
