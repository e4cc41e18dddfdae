"""Counting orders that hold whole sets of items, on one bit an order and item.

The orders are the columns of a bit matrix, the items its rows; the orders that hold a set are the
bitwise AND of its rows. Blocks of columns keep the work inside the processor's cache.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
Sets = npt.NDArray[np.int32]

#: 64-bit words of a row that are worked on at a time.
_BLOCK = 1 << 13


def count_sets(matrix: Words, sets: Sets) -> npt.NDArray[np.int64]:
    """Return how many orders hold each of ``sets``.

    Parameters
    ----------
    matrix
        One row of bits an item, from `basket_kernel.bit_matrix`.
    sets
        One row a set: item codes, sorted, so that sets with the same beginning are together.
    """
    counts = np.zeros(len(sets), np.int64)
    for begin in range(0, matrix.shape[1], _BLOCK):
        block = matrix[:, begin : begin + _BLOCK]
        for first, last in _same_prefix(sets):
            common = np.bitwise_and.reduce(block[sets[first, :-1]], axis=0)
            together = block[sets[first:last, -1]] & common
            counts[first:last] += np.bitwise_count(together).sum(axis=1, dtype=np.int64)
    return counts


def _same_prefix(sets: Sets) -> Iterator[tuple[int, int]]:
    changes = np.flatnonzero((sets[1:, :-1] != sets[:-1, :-1]).any(axis=1)) + 1
    edges = [0, *changes.tolist(), len(sets)]
    return itertools.pairwise(edges)


def grow(frequent: Sets, *, most: int) -> Sets | None:
    """Return the sets of one item more, all of whose parts are frequent; None if above ``most``.

    The join and prune of Agrawal and Srikant (1994), Fast algorithms for mining association
    rules, section 2.1.1.

    Parameters
    ----------
    frequent
        All frequent sets of one size: rows sorted, items sorted within.
    most
        Sets to allow before pruning.
    """
    parts, total = [], 0
    known = _Known(frequent)
    for first, last in _same_prefix(frequent):
        size = last - first
        total += size * (size - 1) // 2
        if total > most:
            return None
        left, right = np.triu_indices(size, 1)
        parts.append(np.column_stack([frequent[first + left], frequent[first + right, -1]]))
    if not parts:
        return np.empty((0, frequent.shape[1] + 1), np.int32)
    grown = np.concatenate(parts).astype(np.int32)
    # The two parts that were joined are frequent already.
    for left_out in range(frequent.shape[1] - 1):
        grown = grown[known.holds(np.delete(grown, left_out, axis=1))]
    return grown


class _Known:
    """Sets that can be looked up, by as many steps as they have items."""

    def __init__(self, sets: Sets) -> None:
        self._items = int(sets.max(initial=0)) + 1
        self._steps = []
        begun = np.zeros(len(sets), np.int64)
        for column in sets.T:
            step, begun = np.unique(begun * self._items + column, return_inverse=True)
            self._steps.append(step)

    def holds(self, sets: Sets) -> npt.NDArray[np.bool_]:
        """Tell which of ``sets``, whose items all occur among the known, are known."""
        begun, found = np.zeros(len(sets), np.int64), np.ones(len(sets), bool)
        for column, step in zip(sets.T, self._steps, strict=True):
            wanted = begun * self._items + column
            begun = np.minimum(np.searchsorted(step, wanted), len(step) - 1)
            found &= step[begun] == wanted
        return found
