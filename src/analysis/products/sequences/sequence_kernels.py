"""Compiled counting of what customers bought after what, and of where patterns go on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


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
    starts: Any, day: Any, item: Any, cell: Any, n_items: Any, n_cells: Any, window: Any, last: Any,
    quiet: Any,
) -> Any:  # fmt: skip
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


@njit(cache=True)
def later(
    who: Any, end: Any, start: Any, item_who: Any, item_day: Any, min_gap: Any, max_gap: Any,
    span: Any, once: Any,
) -> Any:  # fmt: skip
    """Return where the pattern goes on with the item: customer, day, latest start.

    Parameters
    ----------
    who, end, start
        Occurrences of the pattern, sorted by customer and end; of all that end on a day, the one
        that starts last, for it leaves the most room below the span.
    item_who, item_day
        Purchases of the item, sorted.
    min_gap, max_gap
        Days between the pattern's last visit and this one.
    span
        Days between the first visit and this one.
    once
        Return no more than one place a customer.
    """
    n = len(item_who)
    w, e, s = np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.int32)
    found, next_ = 0, 0
    for i in range(n):
        if once and found > 0 and w[found - 1] == item_who[i]:
            continue
        moment = item_day[i] - min_gap
        while next_ < len(who) and (
            who[next_] < item_who[i] or (who[next_] == item_who[i] and end[next_] <= moment)
        ):
            next_ += 1
        # Who ends later starts no earlier: of all that may go on, the last is the latest start.
        j = next_ - 1
        if j < 0 or who[j] != item_who[i] or end[j] < item_day[i] - max_gap:
            continue
        if item_day[i] - start[j] <= span:
            w[found], e[found], s[found] = item_who[i], item_day[i], start[j]
            found += 1
    return w[:found], e[:found], s[:found]


@njit(cache=True)
def together(who: Any, end: Any, start: Any, item_who: Any, item_day: Any) -> Any:
    """Return where the item is bought at the pattern's last visit, too."""
    w, e = np.empty(len(who), np.int32), np.empty(len(who), np.int32)
    s = np.empty(len(who), np.int32)
    found, j = 0, 0
    for i in range(len(who)):
        while j < len(item_who) and (
            item_who[j] < who[i] or (item_who[j] == who[i] and item_day[j] < end[i])
        ):
            j += 1
        if j < len(item_who) and item_who[j] == who[i] and item_day[j] == end[i]:
            w[found], e[found], s[found] = who[i], end[i], start[i]
            found += 1
    return w[:found], e[:found], s[:found]


@njit(cache=True)
def days_of_items(starts: Any, key: Any, day: Any, begins: Any, items: Any, ends: Any) -> Any:
    """Return the days on which each item was bought, every customer's visits put in random order.

    Parameters
    ----------
    starts
        Where each customer's visits begin, and the end after the last.
    key
        A random number a visit: the visit of a customer's first day is that of the least.
    day
        Days of the visits, ascending within a customer.
    begins, items
        Where the items of each visit begin, and the items.
    ends
        Where the days of each item begin; moved on to where they end.
    """
    found = np.empty(len(items), np.int32)
    for c in range(len(starts) - 1):
        lo, hi = starts[c], starts[c + 1]
        visit = np.empty(hi - lo, np.int64)
        visit[np.argsort(key[lo:hi])] = np.arange(lo, hi)
        for place in range(hi - lo):
            for r in range(begins[visit[place]], begins[visit[place] + 1]):
                found[ends[items[r]]] = day[lo + place]
                ends[items[r]] += 1
    return found


@njit(cache=True)
def customers(who: Any) -> Any:
    """Return how many different customers there are in the sorted ``who``."""
    count = 0
    for i in range(len(who)):
        if i == 0 or who[i] != who[i - 1]:
            count += 1
    return count


@njit(cache=True)
def pairs(
    starts: Any, day: Any, item: Any, low: Any, high: Any, items: Any, min_gap: Any, reach: Any
) -> Any:
    """Count the customers who bought one item some days after another, and on the same day.

    Parameters
    ----------
    starts
        Where each customer's rows begin, and the end after the last.
    day, item
        Rows sorted by customer, day, item.
    low, high
        The first item counted before the other, and the one after the last.
    items
        How many items there are.
    min_gap, reach
        Least and most days between the two.

    Returns
    -------
    tuple of arrays
        (high - low) x items each: later; on the same day, filled where the second item is above
        the first.
    """
    after = np.zeros((high - low, items), np.int32)
    beside = np.zeros((high - low, items), np.int32)
    seen_after, seen_beside = np.full_like(after, -1), np.full_like(after, -1)
    for c in range(len(starts) - 1):
        for r in range(starts[c], starts[c + 1]):
            if item[r] < low or item[r] >= high:
                continue
            a = item[r] - low
            for s in range(r + 1, starts[c + 1]):
                gap, b = day[s] - day[r], item[s]
                if gap > reach:
                    break
                if gap == 0:
                    beside[a, b] += seen_beside[a, b] != c
                    seen_beside[a, b] = c
                elif gap >= min_gap:
                    after[a, b] += seen_after[a, b] != c
                    seen_after[a, b] = c
    return after, beside
