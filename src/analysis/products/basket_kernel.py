"""Compiled counting of items that orders hold together."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True)
def count_buckets(owners: Any, mask: Any, counts: Any) -> None:
    """Add to ``counts`` how many of ``owners`` end in each pattern of the bits in ``mask``."""
    for owner in owners:
        counts[owner & mask] += 1


@njit(cache=True)
def deal(owners: Any, codes: Any, mask: Any, ends: Any, keys: Any) -> None:
    """Write each row into its bucket of ``keys``, its code in place of the owner's last bits.

    Parameters
    ----------
    owners, codes
        A row's hash, and a number that fits into ``mask``.
    mask
        The last bits of the hash, by which rows are dealt.
    ends
        Where the next row of each bucket goes; moved on.
    keys
        Filled.
    """
    for row in range(len(owners)):
        bucket = owners[row] & mask
        keys[ends[bucket]] = (owners[row] & ~mask) | np.uint64(codes[row])
        ends[bucket] += 1


@njit(cache=True)
def compact(keys: Any, bounds: Any, mask: Any) -> Any:
    """Return where each owner's codes begin, and the distinct codes.

    Parameters
    ----------
    keys
        From `deal`, sorted within each bucket.
    bounds
        Where each bucket begins, and the end after the last.
    mask
        The bits that hold the code.
    """
    starts, values = np.empty(len(keys) + 1, np.int64), np.empty(len(keys), np.int32)
    owners = end = 0
    for bucket in range(len(bounds) - 1):
        for row in range(bounds[bucket], bounds[bucket + 1]):
            first = row == bounds[bucket]
            if first or (keys[row] & ~mask) != (keys[row - 1] & ~mask):
                starts[owners] = end
                owners += 1
            elif keys[row] == keys[row - 1]:
                continue
            values[end] = keys[row] & mask
            end += 1
    starts[owners] = end
    return starts[: owners + 1].copy(), values[:end].copy()


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
