"""Compiled walks over orders: what they hold together, their strata, what a customer adds.

A side tells what of a pair an order holds: 0 neither, 1 the first alone, 2 the second alone, 3
both. The side across in a table of two by two is 3 less the side.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True)
def put(owners: Any, codes: Any, ends: Any, values: Any) -> None:
    """Write each row's code where the next of its owner goes, which ``ends`` tells; moved on."""
    for row in range(len(owners)):
        values[ends[owners[row]]] = codes[row]
        ends[owners[row]] += 1


@njit(cache=True)
def distinct(bounds: Any, values: Any) -> Any:
    """Return where each owner's codes begin, the distinct codes, and which owners have any.

    ``values`` are the codes of each owner, from ``bounds`` on; written over.
    """
    starts, owners = np.empty_like(bounds), np.empty(len(bounds) - 1, np.int32)
    found = end = 0
    for owner in range(len(bounds) - 1):
        begin = end
        for row in range(bounds[owner], bounds[owner + 1]):
            value, at = values[row], end
            while at > begin and values[at - 1] > value:
                at -= 1
            if at > begin and values[at - 1] == value:
                continue
            for place in range(end, at, -1):
                values[place] = values[place - 1]
            values[at] = value
            end += 1
        if end > begin:
            starts[found], owners[found] = begin, owner
            found += 1
    starts[found] = end
    return starts[: found + 1].copy(), values[:end].copy(), owners[:found].copy()


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


@njit(cache=True)
def strata_of(group: Any, size: Any, bands: Any, by_size: Any) -> Any:
    """Return the stratum of each order that holds nothing of the pair, -1 of those left out.

    Parameters
    ----------
    group
        Group of each order; -1 leaves it out.
    size
        How many items each order holds.
    bands
        Band by number of other items; more than there are bands for count as the last.
    by_size
        Cut by band, too; orders in band 0 are then left out.
    """
    most, width = len(bands) - 1, bands[-1] + 1
    place = np.full(len(size), -1, np.int32)
    for i in range(len(size)):
        if group[i] < 0:
            continue
        if not by_size:
            place[i] = group[i]
            continue
        band = bands[min(size[i], most)]
        if band > 0:
            place[i] = group[i] * width + band
    return place


@njit(cache=True)
def with_holders(
    place: Any, sides: Any, cells: Any, group: Any, rest: Any, holders: Any, bands: Any,
    by_size: Any,
) -> None:  # fmt: skip
    """Place and count the orders that hold a side, walking only along them.

    Parameters
    ----------
    place, sides, cells
        Stratum and side of each order, and orders by stratum and side: those of all orders as if
        they held neither side; changed in place.
    group, bands, by_size
        As in `strata_of`.
    rest
        By side, how many of the order's items are the pair's own, and then the size of each order.
    holders
        The orders that hold the first side, and those that hold the second, both ascending.
    """
    own, size = rest
    first, second = holders
    most, width = len(bands) - 1, bands[-1] + 1
    i = j = 0
    while i < len(first) or j < len(second):
        a = first[i] if i < len(first) else len(size)
        b = second[j] if j < len(second) else len(size)
        order, side = min(a, b), (a <= b) + 2 * (b <= a)
        i, j, sides[order] = i + (a <= b), j + (b <= a), side
        if group[order] < 0:
            continue
        if place[order] >= 0:
            cells[place[order], 0] -= 1
        if by_size:
            others = bands[min(size[order] - own[side], most)]
            place[order] = group[order] * width + others if others > 0 else -1
        if place[order] >= 0:
            cells[place[order], side] += 1


@njit(cache=True)
def cells_of(place: Any, strata: Any) -> Any:
    """Return how many orders each stratum has, as if all held neither side: strata x 4."""
    cells = np.zeros((strata, 4), np.int32)
    for i in range(len(place)):
        if place[i] >= 0:
            cells[place[i], 0] += 1
    return cells


@njit(cache=True)
def left_out(starts: Any, place: Any, side: Any, cells: Any, inverse: Any, sums: Any) -> Any:
    """Return how far leaving out each customer moves the logarithm of the common odds ratio.

    Parameters
    ----------
    starts
        Where each customer's orders begin, and the end after the last.
    place, side
        Stratum and side of each order.
    cells
        Orders by stratum and side.
    inverse
        One by the number of orders of each stratum; 0 where nothing can be compared.
    sums
        Sums over strata of a d / n and of b c / n, both above 0.

    Returns
    -------
    tuple of float
        The sum of the squares of the moves, infinite if a customer makes up all of either sum; the
        sums of the squares of those terms of the first sum, and of the second, that are of two
        orders of one customer.
    """
    own = np.zeros_like(cells)
    # What an order with neither side adds where its customer has none with both.
    alone = cells[:, 3] * inverse
    moves, within = 0.0, np.zeros(2)
    for customer in range(len(starts) - 1):
        seen = 0
        for i in range(starts[customer], starts[customer + 1]):
            seen |= 1 << side[i]
        both = seen & 8
        more = less = 0.0
        for i in range(starts[customer], starts[customer + 1]):
            k = place[i]
            if k < 0:
                continue
            if side[i] == 0 and not both:
                more += alone[k]
                continue
            if inverse[k] == 0.0:
                continue
            across = 3 - side[i]
            # A term of two orders of this customer would count twice, once from either end.
            part = (cells[k, across] - own[k, across]) * inverse[k]
            if side[i] == 0 or side[i] == 3:
                more += part
                within[0] += own[k, across] * inverse[k] ** 2
            else:
                less += part
                within[1] += own[k, across] * inverse[k] ** 2
            own[k, side[i]] += 1
        if seen > 1:
            for i in range(starts[customer], starts[customer + 1]):
                if place[i] >= 0:
                    own[place[i], side[i]] = 0
        if more == 0.0 and less == 0.0:
            continue
        left, right = 1 - more / sums[0], 1 - less / sums[1]
        # Of a sum that is this customer's alone, rounding may leave a little on either side.
        if min(left, right) < 1e-9:
            return np.inf, within
        moves += (np.log(left) - np.log(right)) ** 2
    return moves, within


@njit(cache=True)
def mark(customer: Any, held: Any, on: Any, marked: Any, counts: Any) -> None:
    """Mark the orders ``held`` and count them by customer, or take both back."""
    for order in held:
        marked[order] = on
        counts[customer[order]] += 1 if on else -1


@njit(cache=True)
def lift_moments(starts: Any, customer: Any, a: Any, marked: Any, counts: Any) -> Any:
    """Return what the lift of two sides, and its variance over customers, are made of.

    Parameters
    ----------
    starts, customer
        Where each customer's orders begin, and the end after the last; whose each order is.
    a
        The orders that hold the first side, ascending.
    marked, counts
        From `mark`, of the orders that hold the second.

    Returns
    -------
    array
        Sums over customers of t (orders with both), a, the customers with both, and sums of the
        products tt, ta, tb, tn, aa, ab and an, n being all orders of the customer.
    """
    sums = np.zeros(10, np.int64)
    i = 0
    while i < len(a):
        own = customer[a[i]]
        end, begin, t = starts[own + 1], i, 0
        while i < len(a) and a[i] < end:
            t += marked[a[i]]
            i += 1
        x, y, n = i - begin, np.int64(counts[own]), end - starts[own]
        parts = (t, x, min(t, 1), t * t, t * x, t * y, t * n, x * x, x * y, x * n)
        for k in range(10):
            sums[k] += parts[k]
    return sums


@njit(cache=True)
def likeness(starts: Any, place: Any, side: Any, share_a: Any, share_b: Any) -> Any:
    """Return how alike two orders of one customer are in what they hold of the pair.

    Parameters
    ----------
    starts, place, side
        As in `left_out`.
    share_a, share_b
        Share of the orders of each stratum that hold the first side, and the second; both are
        strictly between 0 and 1 where the stratum counts.

    Returns
    -------
    array
        Over all ordered pairs of different orders of one customer, the sums of: products of the
        deviations from the stratum's share, for the first side; what they would be if the two
        orders were the same draw; the same two for the second side; the products of the latter.
    """
    sums = np.zeros(5)
    for customer in range(len(starts) - 1):
        parts, singles = np.zeros(5), np.zeros(5)
        for i in range(starts[customer], starts[customer + 1]):
            k = place[i]
            if k < 0 or not (0.0 < share_a[k] < 1.0 and 0.0 < share_b[k] < 1.0):
                continue
            spread_a = np.sqrt(share_a[k] * (1 - share_a[k]))
            spread_b = np.sqrt(share_b[k] * (1 - share_b[k]))
            terms = (
                (side[i] & 1) - share_a[k], spread_a,
                (side[i] >> 1) - share_b[k], spread_b,
                spread_a * spread_b,
            )  # fmt: skip
            for j in range(5):
                parts[j] += terms[j]
                singles[j] += terms[j] * terms[j]
        sums += parts * parts - singles
    return sums
