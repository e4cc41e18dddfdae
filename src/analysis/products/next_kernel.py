"""Compiled counting of what customers bought after what."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True)
def owners(events: Any, day_bits: Any, item_bits: Any, items: Any) -> Any:
    """Count the customers of each item; ``events`` as `events._Packed` has them."""
    counts, seen = np.zeros(items, np.int64), np.full(items, -1, np.int64)
    for event in events:
        item, customer = event & ((1 << item_bits) - 1), event >> (day_bits + item_bits)
        if seen[item] != customer:
            seen[item] = customer
            counts[item] += 1
    return counts


@njit(cache=True)
def unpacked(events: Any, day_bits: Any, item_bits: Any, place: Any) -> Any:
    """Return the distinct events whose item has a place of 0 and above.

    Parameters
    ----------
    events, day_bits, item_bits
        As `events._Packed` has them.
    place
        Place of each item; -1 of those to leave out.

    Returns
    -------
    tuple of arrays
        Customer (numbered anew), day and the item's place of each event, and what each customer's
        number was before.
    """
    day, item = np.empty(len(events), np.int32), np.empty(len(events), np.int32)
    customer, numbers = np.empty(len(events), np.int32), np.empty(len(events), np.int32)
    end, customers = 0, 0
    for row in range(len(events)):
        event = events[row]
        own = place[event & ((1 << item_bits) - 1)]
        if own < 0 or (row > 0 and event == events[row - 1]):
            continue
        number = event >> (day_bits + item_bits)
        if customers == 0 or numbers[customers - 1] != number:
            numbers[customers] = number
            customers += 1
        customer[end], item[end] = customers - 1, own
        day[end] = (event >> item_bits) & ((1 << day_bits) - 1)
        end += 1
    return customer[:end], day[:end], item[:end], numbers[:customers].copy()


@njit(cache=True)
def _later(day: Any, at: Any, hi: Any, moment: Any) -> Any:
    """Return the first place from ``at`` on, before ``hi``, whose day is after ``moment``."""
    while at < hi and day[at] <= moment:
        at += 1
    return at


@njit(cache=True)
def follow(
    starts: Any, day: Any, item: Any, known: Any, n_items: Any, window: Any, last: Any, quiet: Any,
    at: Any, pairs: Any,
) -> Any:  # fmt: skip
    """Find who bought what within ``window`` days after the first purchase of an item.

    Parameters
    ----------
    starts
        Where each customer's rows begin.
    day, item
        Rows sorted by customer, day, item.
    known
        The last customer seen to buy each item; -1 at first. Kept between calls.
    n_items
        How many items there are.
    window
        Days after which nothing counts; only moments followed for so long are taken.
    last
        The last day seen.
    quiet
        First day on which a purchase may count as a customer's first.
    at
        Customer and row to go on with.
    pairs
        Filled with one number a customer and pair: first item x ``n_items`` + item that followed.

    Returns
    -------
    tuple
        Customer and row to go on with when ``pairs`` is full, and how many were found.
    """
    seen = np.full(n_items, -1, np.int64)
    found = 0
    for c in range(at[0], len(starts) - 1):
        hi = starts[c + 1]
        begin = starts[c]
        for r in range(max(at[1], starts[c]), hi):
            moment = day[r]
            if known[item[r]] == c:
                continue
            if found + hi - r > len(pairs):
                return c, r, found
            known[item[r]] = c
            if moment + window > last or moment < quiet:
                continue
            begin = _later(day, max(begin, r), hi, moment)
            seen[item[r]] = r
            for s in range(begin, hi):
                if day[s] > moment + window:
                    break
                if seen[item[s]] != r:
                    seen[item[s]] = r
                    pairs[found] = np.int64(item[r]) * n_items + item[s]
                    found += 1
    return len(starts) - 1, len(day), found


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
