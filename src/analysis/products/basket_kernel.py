"""Compiled counting of items that orders hold together."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True)
def _sort(values: Any, lo: Any, hi: Any) -> None:
    """Sort ``values[lo:hi]`` in place, by Shell's method: quick for a handful and for thousands."""
    gap = 1
    while 3 * gap < hi - lo:
        gap = 3 * gap + 1
    while gap > 0:
        for r in range(lo + gap, hi):
            value, s = values[r], r
            while s >= lo + gap and values[s - gap] > value:
                values[s] = values[s - gap]
                s -= gap
            values[s] = value
        gap //= 3


@njit(cache=True)
def compact(sizes: Any, values: Any) -> Any:
    """Sort consecutive lists in place, each without repetitions; return sizes and values left."""
    kept = np.empty_like(sizes)
    lo = end = 0
    for row in range(len(sizes)):
        hi, begin = lo + sizes[row], end
        _sort(values, lo, hi)
        for r in range(lo, hi):
            if end == begin or values[end - 1] != values[r]:
                values[end] = values[r]
                end += 1
        kept[row] = end - begin
        lo = hi
    return kept, values[:end].copy()


@njit(cache=True)
def held_sizes(starts: Any, values: Any, place: Any) -> Any:
    """Return how many items with a place of 0 and above each order holds."""
    sizes = np.zeros(len(starts) - 1, np.int32)
    for row in range(len(starts) - 1):
        for r in range(starts[row], starts[row + 1]):
            sizes[row] += place[values[r]] >= 0
    return sizes


@njit(cache=True)
def count_pairs(starts: Any, values: Any, place: Any, items: Any, low: Any, high: Any) -> Any:
    """Count the orders that hold two items, the first with a place from ``low`` to ``high``.

    Parameters
    ----------
    starts, values
        `gathered.Gathered` of the orders.
    place
        Place of each item among the ``items`` that count, ascending; -1 of others.
    items
        How many count.
    low, high
        First place, and the one after the last, of the pair's smaller item.

    Returns
    -------
    array
        (high - low) x items; filled where the second place is above the first.
    """
    counts = np.zeros((high - low, items), np.int32)
    for row in range(len(starts) - 1):
        for r in range(starts[row], starts[row + 1]):
            first = place[values[r]]
            if first < low or first >= high:
                continue
            for s in range(r + 1, starts[row + 1]):
                second = place[values[s]]
                if second >= 0:
                    counts[first - low, second] += 1
    return counts


@njit(cache=True)
def bit_matrix(starts: Any, values: Any, place: Any, items: Any, sizes: Any, least: Any) -> Any:
    """Return one row of bits an item: a bit is set if the order holds the item.

    Parameters
    ----------
    starts, values, place, items
        As in `count_pairs`.
    sizes, least
        From `held_sizes`; orders with fewer items that count have no bit.
    """
    orders = np.sum(sizes >= least)
    matrix = np.zeros((items, (orders + 63) // 64), np.uint64)
    bit = 0
    for row in range(len(starts) - 1):
        if sizes[row] < least:
            continue
        word, mask = bit // 64, np.uint64(1) << np.uint64(bit % 64)
        for r in range(starts[row], starts[row + 1]):
            if place[values[r]] >= 0:
                matrix[place[values[r]], word] |= mask
        bit += 1
    return matrix
