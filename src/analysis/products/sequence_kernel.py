"""Compiled joins of where patterns end with where items are bought."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True)
def later(
    who: Any,
    end: Any,
    start: Any,
    item_who: Any,
    item_day: Any,
    min_gap: Any,
    max_gap: Any,
    span: Any,
) -> Any:
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
    """
    n = len(item_who)
    w, e, s = np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.int32)
    found, begin = 0, 0
    for i in range(n):
        while begin < len(who) and (
            who[begin] < item_who[i]
            or (who[begin] == item_who[i] and end[begin] < item_day[i] - max_gap)
        ):
            begin += 1
        latest = -1
        j = begin
        while j < len(who) and who[j] == item_who[i] and end[j] <= item_day[i] - min_gap:
            if start[j] > latest:
                latest = start[j]
            j += 1
        if latest >= 0 and item_day[i] - latest <= span:
            w[found], e[found], s[found] = item_who[i], item_day[i], latest
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
