"""Why a product is recommended: what the customer bought that speaks for it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from analysis.products.recommenders import SCORERS, similarity
from analysis.products.steps import follow_ups

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from analysis.products.histories import Histories

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
#: For customers and their lists: the product that speaks most for each item of a list, -1 where
#: none does, and the days between the customer's own purchases of the item, NaN where unknown.
Reasons = Callable[[Codes, Codes], tuple[Codes, Floats]]
#: Pairs of places of products.
Apart = Collection[tuple[int, int]]


def alike(known: Histories, apart: Apart = ()) -> Reasons:
    """Give as reason the own product whose buyers are most like those of the recommended.

    Of ``apart``, pairs of products that may stand in for each other, neither is a reason for the
    other.
    """
    return _by(known, known.weights.log1p().tocsr(), _without(similarity(known), apart))


def followed(known: Histories, apart: Apart = ()) -> Reasons:
    """Give as reason the product bought in the latest step that it follows most; as `alike`."""
    return _by(known, known.steps[-1].tocsr(), _without(follow_ups(known), apart))


def _without(speaks: Floats, apart: Apart) -> Floats:
    if not len(apart):
        return speaks
    places = np.array([sorted(pair) for pair in apart], dtype=np.int64)
    kept = speaks.copy()
    kept[places[:, 0], places[:, 1]] = 0.0
    kept[places[:, 1], places[:, 0]] = 0.0
    return kept


def _by(known: Histories, weights: csr_array, speaks: Floats) -> Reasons:
    def reasons(rows: Codes, lists: Codes) -> tuple[Codes, Floats]:
        found = np.full(lists.shape, -1)
        for place, customer in enumerate(rows):
            own = slice(weights.indptr[customer], weights.indptr[customer + 1])
            items = weights.indices[own]
            if len(items):
                said = weights.data[own, None] * speaks[np.ix_(items, lists[place])]
                found[place] = np.where(said.max(axis=0) > 0, items[said.argmax(axis=0)], -1)
        return found.ravel(), _own_gaps(known, rows, lists)

    return reasons


def _own_gaps(known: Histories, rows: Codes, lists: Codes) -> Floats:
    """Return the mean days between a customer's purchases of each item, NaN below two."""
    parts = (known.count, known.first, known.last)
    times, first, last = (np.take_along_axis(m[rows].toarray(), lists, axis=1) for m in parts)
    gaps = np.divide(last - first, times - 1, out=np.full(times.shape, np.nan), where=times > 1)
    return gaps.ravel()


#: Reasons by recommender: of what it goes by, or else of what is bought by the same customers.
REASONS: dict[str, Callable[[Histories, Apart], Reasons]] = {
    name: followed if name == "bought next by others" else alike for name in SCORERS
}
