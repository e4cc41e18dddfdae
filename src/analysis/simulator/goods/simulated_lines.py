"""Order lines as aligned arrays, and the arithmetic of price, discount and cost on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.simulator.arrow_columns import Aligned, sums
from analysis.simulator.goods.catalogue import Catalogue
from analysis.stats.types import Floats, Integers

#: Depth of a discount and how often each is met.
DEPTHS, DEPTH_SHARES = (0.1, 0.2, 0.3, 0.5), (0.10, 0.20, 0.30, 0.40)


@dataclass(frozen=True)
class Lines(Aligned):
    """Order lines of a chunk.

    Parameters
    ----------
    visit
        Position of the order in the chunk's visits.
    product
        Row number in the catalogue.
    quantity
        Units, or kilograms.
    net, listed
        Cents received, and before discounts.
    """

    visit: Integers
    product: Integers
    quantity: Floats
    net: Integers
    listed: Integers

    def on(self, visits: NDArray[np.generic]) -> Lines:
        """Return the same lines, their visit replaced by ``visits``."""
        return Lines(visits.astype(np.int64), self.product, self.quantity, self.net, self.listed)


def single(
    catalogue: Catalogue, visit: Integers, product: Integers, depth: Floats | None = None
) -> Lines:
    """Return lines of one unit at list price, or at a discount of ``depth``."""
    listed = catalogue.price[product]
    net = listed if depth is None else discounted(listed, depth)
    return Lines(visit, product, np.ones(len(visit)), net, listed)


def discounted(listed: Integers, depth: Floats) -> Integers:
    """Return cents after a discount of ``depth``, rounded to whole cents."""
    return listed - np.rint(listed * depth).astype(np.int64)


def depths(bought_at: Floats, rng: np.random.Generator) -> Floats:
    """Return a discount depth for each line, 0 for none; ``bought_at`` is the chance of any."""
    until = np.cumsum(DEPTH_SHARES)
    drawn = np.searchsorted(until[:-1], rng.random(len(bought_at)), side="right")
    return np.where(rng.random(len(bought_at)) < bought_at, np.array(DEPTHS)[drawn], 0.0)


def totals(lines: Lines, count: int) -> Integers:
    """Return the net cents of each of ``count`` orders."""
    return sums(lines.visit, lines.net, count)


def costs(catalogue: Catalogue, lines: Lines) -> Integers:
    """Return the cost of each line in cents."""
    return np.rint(catalogue.cost[lines.product] * lines.quantity).astype(np.int64)
