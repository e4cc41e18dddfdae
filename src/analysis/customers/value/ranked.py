"""Customers ranked by value: the running total that deciles, Pareto and Gini are read from.

Ranked from the largest down, the first ``h`` customers bring ``amount(h)`` and it takes
``head(a)`` customers to bring ``a``; both are piecewise linear, a customer standing between two
whole numbers being counted in part. The Lorenz curve is the same line read from the other end.

References
----------
Beach, Davidson (1983), Distribution-free statistical inference with Lorenz curves and income
shares, Review of Economic Studies 50, 723-735 (influence of a customer on a share).
Davidson (2009), Reliable inference for the Gini index, Journal of Econometrics 150, 30-40,
equation 14 (influence on the Gini coefficient).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from analysis.stats.resampling import (
    TOO_FEW,
    Estimates,
    Sampling,
    acceleration,
    bca,
    without_interval,
)
from analysis.stats.sizes import FEWEST_CUSTOMERS
from analysis.stats.types import Floats
from analysis.tables.margin import MICROS

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

#: Beyond this many customers, neighbours in rank below the largest are drawn together.
MOST_CELLS = 20_000

_CHUNK = 4_000_000


@dataclass(frozen=True)
class Ranked:
    """Customers ranked by value, largest first.

    Parameters
    ----------
    values
        What each cell's customers are worth apiece, largest first; whole millionths of the
        currency, held as float64, so that sums are exact.
    sizes
        Customers in each cell: ones, but in a resample or after merging.
    beside
        Another amount of the same customers, in the same order.
    """

    values: Floats
    sizes: Floats
    beside: Floats

    @classmethod
    def of(cls, amounts: ArrayLike, *, beside: ArrayLike | None = None) -> Ranked:
        """Rank amounts of the currency, and carry another amount along."""
        values = _micros(amounts)
        order = np.argsort(-values, kind="stable")
        carried = values if beside is None else _micros(beside)
        return cls(values[order], np.ones(len(values)), carried[order])

    @cached_property
    def customers(self) -> Floats:
        """Customers up to and including each cell, from zero."""
        return np.concatenate([[0.0], np.cumsum(self.sizes)])

    @cached_property
    def reached(self) -> Floats:
        """Amount that the customers up to and including each cell bring, from zero."""
        return np.concatenate([[0.0], np.cumsum(self.sizes * self.values)])

    @property
    def n(self) -> float:
        """Number of customers."""
        return float(self.customers[-1])

    @property
    def total(self) -> float:
        """What all of them bring."""
        return float(self.reached[-1])

    @property
    def why_not(self) -> str:
        """Why shares of the total mean nothing here; empty where they do."""
        if len(self.values) == 0:
            return "there are no customers"
        if not self.values.any():
            return "every customer's total is zero"
        if self.total <= 0:
            return "the customers' totals add up to zero or less"
        return ""

    def amount(self, head: ArrayLike) -> Floats:
        """Return what the first ``head`` customers bring."""
        return np.interp(np.asarray(head, dtype=float), self.customers, self.reached)

    def amount_beside(self, head: ArrayLike) -> Floats:
        """Return what the first ``head`` customers bring of the amount carried along."""
        reached = np.concatenate([[0.0], np.cumsum(self.sizes * self.beside)])
        return np.interp(np.asarray(head, dtype=float), self.customers, reached)

    def head(self, amount: ArrayLike) -> Floats:
        """Return how many customers, from the largest down, it takes to bring ``amount``.

        The amount must be positive and not above the total.
        """
        rising = int((self.values > 0).sum()) + 1
        return np.interp(
            np.asarray(amount, dtype=float), self.reached[:rising], self.customers[:rising]
        )

    def within(self, part: int, parts: int) -> int:
        """Return how many customers lie wholly within the first ``part`` of ``parts`` equal parts.

        A customer across a boundary counts in the part in which their last cent falls; customers
        of zero or negative total count in the last part.
        """
        rising = self.reached[1:][self.values > 0]
        boundary = int(self.total) * part // parts
        return int(np.searchsorted(rising, boundary, side="right"))

    def gini(self, *, normalised: bool = False) -> float:
        """Return the Gini coefficient: half the relative mean difference.

        Parameters
        ----------
        normalised
            Divide by the mean of absolute amounts instead of the mean, so that the coefficient
            stays below 1 where some totals are negative (Raffinetti, Siletti, Vernizzi 2015, On
            the Gini coefficient normalization when attributes with negative values are
            considered, Statistical Methods & Applications 24, 507-521). The same where none is.
        """
        weighted = self.sizes * self.values
        behind = (self.customers[1:] - self.sizes / 2) / self.n
        scale = float(np.abs(weighted).sum()) if normalised else self.total
        return float(self.total - 2 * (weighted * behind).sum()) / scale

    def share_influence(self, head: float) -> Floats:
        """Return each customer's influence on the share that the first ``head`` bring."""
        return self._influence(head, self.values, self._at(head), float(self.amount(head)))

    def beside_influence(self, head: float) -> Floats:
        """Return the same for the amount carried along, taken as proportional at the boundary."""
        boundary = self._at(head) * float(self.beside.mean()) / float(self.values.mean())
        return self._influence(head, self.beside, boundary, float(self.amount_beside(head)))

    def head_influence(self, share: float) -> Floats:
        """Return each customer's influence on the part of customers that bring ``share``."""
        head = float(self.head(share * self.total))
        slope = self._at(head) / (self.total / self.n)
        return -self.share_influence(head) / slope

    def gini_influence(self, *, normalised: bool = False) -> Floats:
        """Return each customer's influence on the Gini coefficient."""
        at_most = 1 - (self.customers[1:] - self.sizes / 2) / self.n
        up_to = (self.total - self.reached[1:] + self.values / 2) / self.n
        difference = 2 * (self.values * at_most - up_to) - self.values
        scale = np.abs(self.values) if normalised else self.values
        centred = difference - difference.mean()
        shift = self.gini(normalised=normalised) * (scale - scale.mean())
        return (centred - shift) / scale.mean()

    def _influence(self, head: float, values: Floats, boundary: float, amount: float) -> Floats:
        above = np.clip(head - self.customers[:-1], 0, 1)
        share = amount / float(values.sum())
        own = (values - boundary) * above + head / self.n * boundary - share * values
        return own / float(values.mean())

    def _at(self, head: float) -> float:
        """Return the value of the customer with whom the first ``head`` end."""
        return float(self.values[min(max(int(np.ceil(head)) - 1, 0), len(self.values) - 1)])


def replicate(ranked: Ranked, statistic: Callable[[Ranked], Floats], sampling: Sampling) -> Floats:
    """Return ``statistic`` of resampled customers, ranked anew: resamples x statistics."""
    cells = _merged(ranked)
    rows = [
        statistic(Ranked(cells.values, counts, cells.beside))
        for block in _drawn_counts(cells.sizes, sampling)
        for counts in block
    ]
    return np.array(rows)


def _drawn_counts(sizes: Floats, sampling: Sampling) -> Iterator[Floats]:
    """Yield how often each cell's customers are drawn, a block of resamples at a time."""
    generator = np.random.default_rng(sampling.seed)
    cells, customers = len(sizes), int(sizes.sum())
    block = max(1, _CHUNK // cells)
    for start in range(0, sampling.draws, block):
        rows = min(block, sampling.draws - start)
        if cells == customers:
            drawn = generator.integers(0, cells, size=(rows, cells))
            drawn += np.arange(rows)[:, None] * cells
            counts = np.bincount(drawn.ravel(), minlength=rows * cells).reshape(rows, cells)
        else:
            counts = generator.multinomial(customers, sizes / customers, size=rows)
        yield counts.astype("float64")


def _merged(ranked: Ranked) -> Ranked:
    """Merge neighbours in rank where there are too many customers to draw one by one."""
    if len(ranked.values) <= MOST_CELLS:
        return ranked
    alone = MOST_CELLS // 4
    blocks = np.array_split(np.arange(alone, len(ranked.values)), MOST_CELLS // 4)
    starts = np.concatenate([np.arange(alone), [block[0] for block in blocks]])
    sizes = np.diff(starts, append=len(ranked.values)).astype("float64")
    values = np.add.reduceat(ranked.values, starts) / sizes
    return Ranked(values, sizes, np.add.reduceat(ranked.beside, starts) / sizes)


def _micros(amounts: ArrayLike) -> Floats:
    return np.rint(np.asarray(amounts, dtype="float64") * MICROS)


def estimate(
    ranked: Ranked,
    statistic: Callable[[Ranked], Floats],
    influences: Callable[[], Iterable[Floats]],
    sampling: Sampling,
) -> Estimates:
    """Estimate what is read from the ranking, with intervals over whole customers.

    Parameters
    ----------
    ranked
        The customers; ``why_not`` must be empty.
    statistic
        Takes ranked customers, returns estimates.
    influences
        Gives the customers' influence on each estimate, one estimate after the other.
    sampling
        How intervals are made.
    """
    value = statistic(ranked)
    if ranked.n < FEWEST_CUSTOMERS:
        return without_interval(value, TOO_FEW)
    with np.errstate(divide="ignore", invalid="ignore"):
        accelerations = np.nan_to_num([acceleration(influence) for influence in influences()])
    replicates = replicate(ranked, _or_nothing(statistic, len(value)), sampling)
    return bca(value, replicates, accelerations, sampling.confidence)


def _or_nothing(statistic: Callable[[Ranked], Floats], count: int) -> Callable[[Ranked], Floats]:
    """Return NaN for a resample whose total is zero or negative."""
    nothing = np.full(count, np.nan)
    return lambda ranked: statistic(ranked) if ranked.total > 0 else nothing
