"""Compiled counting of what customers bought after what."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True)
def _first_after(day: Any, lo: Any, hi: Any, moment: Any) -> Any:
    """Return the first place in ``day[lo:hi]``, ascending, that is later than ``moment``."""
    while lo < hi:
        middle = (lo + hi) // 2
        if day[middle] > moment:
            hi = middle
        else:
            lo = middle + 1
    return lo


@njit(cache=True)
def follow(
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
    """Count who bought what within ``window`` days after a first purchase, and after any visit.

    Parameters
    ----------
    starts
        Where each customer's rows begin.
    day, item
        Rows sorted by customer, item, day.
    cell
        Cell of every customer and week, customers x weeks: -1 without a visit, else the cell to
        compare within times 8 plus the weekday of the first visit of that week.
    n_items, n_cells
        How many there are.
    window
        Days after which nothing counts; only moments followed for so long are taken.
    last
        The last day seen.
    quiet
        First day on which a purchase may count as a customer's first.

    Returns
    -------
    tuple of arrays
        index (item x cell): customers by where their first purchase of the item fell; followed
        (item x item): of them, how many bought the second within the window; visits (cell);
        base (cell x item): customers with a visit in the cell who bought the item within the
        window after it.
    """
    index = np.zeros((n_items, n_cells), np.int64)
    followed = np.zeros((n_items, n_items), np.int64)
    visits = np.zeros(n_cells, np.int64)
    base = np.zeros((n_cells, n_items), np.int64)
    edges = np.empty(n_items + 1, np.int64)
    for c in range(len(starts) - 1):
        lo, hi = starts[c], starts[c + 1]
        kinds = 0
        for r in range(lo, hi):
            if r == lo or item[r] != item[r - 1]:
                edges[kinds] = r
                kinds += 1
        edges[kinds] = hi
        for w in range(cell.shape[1]):
            if cell[c, w] < 0:
                continue
            moment = 7 * w + cell[c, w] % 8
            if moment + window > last:
                continue
            place = cell[c, w] // 8
            visits[place] += 1
            for k in range(kinds):
                at = _first_after(day, edges[k], edges[k + 1], moment)
                if at < edges[k + 1] and day[at] <= moment + window:
                    base[place, item[edges[k]]] += 1
        for a in range(kinds):
            moment = day[edges[a]]
            if moment + window > last or moment < quiet:
                continue
            index[item[edges[a]], cell[c, moment // 7] // 8] += 1
            for k in range(kinds):
                at = _first_after(day, edges[k], edges[k + 1], moment)
                if k != a and at < edges[k + 1] and day[at] <= moment + window:
                    followed[item[edges[a]], item[edges[k]]] += 1
    return index, followed, visits, base
