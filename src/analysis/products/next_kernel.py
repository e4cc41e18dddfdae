"""Compiled counting of what customers bought after what."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True)
def owners(starts: Any, values: Any, items: Any) -> Any:
    """Count the owners that have each item, the rest of a value divided by ``items``."""
    counts, seen = np.zeros(items, np.int64), np.full(items, -1, np.int64)
    for c in range(len(starts) - 1):
        for r in range(starts[c], starts[c + 1]):
            item = values[r] % items
            if seen[item] != c:
                seen[item] = c
                counts[item] += 1
    return counts


@njit(cache=True)
def unpacked(starts: Any, values: Any, place: Any) -> Any:
    """Return owner, day and the item's place of the values whose item has one of 0 and above.

    A value is the day times the number of items, plus the item.
    """
    items, end = len(place), 0
    owner, day = np.empty(len(values), np.int32), np.empty(len(values), np.int32)
    item = np.empty(len(values), np.int32)
    for c in range(len(starts) - 1):
        for r in range(starts[c], starts[c + 1]):
            own = place[values[r] % items]
            if own >= 0:
                owner[end], day[end], item[end] = c, values[r] // items, own
                end += 1
    return owner[:end], day[:end], item[:end]


@njit(cache=True)
def _later(day: Any, at: Any, hi: Any, moment: Any) -> Any:
    """Return the first place from ``at`` on, before ``hi``, whose day is after ``moment``."""
    while at < hi and day[at] <= moment:
        at += 1
    return at


@njit(cache=True)
def follow(
    starts: Any, day: Any, item: Any, n_items: Any, window: Any, last: Any, quiet: Any
) -> Any:
    """Count who bought what within ``window`` days after the first purchase of an item.

    Parameters
    ----------
    starts
        Where each customer's rows begin.
    day, item
        Rows sorted by customer, day, item.
    n_items
        How many items there are.
    window
        Days after which nothing counts; only moments followed for so long are taken.
    last
        The last day seen.
    quiet
        First day on which a purchase may count as a customer's first.

    Returns
    -------
    array
        item x item: customers by first purchase, by what they bought within the window after it.
    """
    followed = np.zeros((n_items, n_items), np.int32)
    known, seen = np.full(n_items, -1, np.int64), np.full(n_items, -1, np.int64)
    for c in range(len(starts) - 1):
        hi = starts[c + 1]
        begin = starts[c]
        for r in range(starts[c], hi):
            moment = day[r]
            if known[item[r]] == c:
                continue
            known[item[r]] = c
            if moment + window > last or moment < quiet:
                continue
            begin = _later(day, max(begin, r), hi, moment)
            seen[item[r]] = r
            for s in range(begin, _later(day, begin, hi, moment + window)):
                if seen[item[s]] != r:
                    seen[item[s]] = r
                    followed[item[r], item[s]] += 1
    return followed


@njit(cache=True)
def chances(
    starts: Any,
    day: Any,
    item: Any,
    cell: Any,
    n_items: Any,
    n_cells: Any,
    window: Any,
    last: Any,
    quiet: Any,
) -> Any:
    """Count where first purchases fell, and who bought what after any visit.

    Parameters
    ----------
    starts, day, item, n_items, window, last, quiet
        As in `follow`.
    cell
        Cell of every customer and week, customers x weeks: -1 without a visit, else the cell to
        compare within times 8 plus the weekday of the first visit of that week.
    n_cells
        How many there are.

    Returns
    -------
    tuple of arrays
        index (item x cell): customers by where their first purchase of the item fell; visits
        (cell); base (cell x item): customers with a visit in the cell who bought the item within
        the window after it.
    """
    index = np.zeros((n_items, n_cells), np.int64)
    visits = np.zeros(n_cells, np.int64)
    base = np.zeros((n_cells, n_items), np.int64)
    known, seen = np.full(n_items, -1, np.int64), np.full(n_items, -1, np.int64)
    for c in range(len(starts) - 1):
        hi, begin = starts[c + 1], starts[c]
        for r in range(starts[c], hi):
            if known[item[r]] != c:
                known[item[r]] = c
                if day[r] + window <= last and day[r] >= quiet:
                    index[item[r], cell[c, day[r] // 7] // 8] += 1
        for w in range(cell.shape[1]):
            moment = 7 * w + cell[c, w] % 8
            if cell[c, w] < 0 or moment + window > last:
                continue
            place = cell[c, w] // 8
            visits[place] += 1
            begin = _later(day, begin, hi, moment)
            for s in range(begin, _later(day, begin, hi, moment + window)):
                if seen[item[s]] != c * cell.shape[1] + w:
                    seen[item[s]] = c * cell.shape[1] + w
                    base[place, item[s]] += 1
    return index, visits, base
