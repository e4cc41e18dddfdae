"""Compiled counting of items that orders hold together.

Compiled walks over orders: which stratum each is in, its cells, and what its customer adds.

A side tells what of a pair an order holds: 0 neither, 1 the first alone, 2 the second alone, 3
both. The side across in a table of two by two is 3 less the side.
"""

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
def put(owners: Any, codes: Any, ends: Any, values: Any) -> None:
    """Write each row's code where the next of its owner goes, which ``ends`` tells; moved on."""
    for row in range(len(owners)):
        values[ends[owners[row]]] = codes[row]
        ends[owners[row]] += 1


@njit(cache=True)
def distinct(bounds: Any, values: Any) -> Any:
    """Return as `compact` does, and which owners have codes; ``values`` are those of each owner."""
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
def strata_of(group: Any, rest: Any, side: Any, bands: Any, by_size: Any) -> Any:
    """Return the stratum of each order, -1 of those left out.

    Parameters
    ----------
    group
        Group of each order; -1 leaves it out.
    rest
        By side, how many of the order's items are the pair's own, and then the size of each order.
    side
        What of the pair each order holds.
    bands
        Band by number of other items; more than there are bands for count as the last.
    by_size
        Cut by band, too; orders in band 0 are then left out.
    """
    own, size = rest
    most, width = len(bands) - 1, bands[-1] + 1
    place = np.full(len(side), -1, np.int32)
    for i in range(len(side)):
        if group[i] < 0:
            continue
        if not by_size:
            place[i] = group[i]
            continue
        band = bands[min(size[i] - own[side[i]], most)]
        if band > 0:
            place[i] = group[i] * width + band
    return place


@njit(cache=True)
def cells_of_holders(
    cells: Any, group: Any, rest: Any, holders: Any, bands: Any, by_size: Any
) -> Any:
    """Count the orders of each stratum by side, walking only along those that hold a side.

    Parameters
    ----------
    cells
        Strata x 4, with all orders counted as if they held neither side; changed in place.
    group, rest, bands, by_size
        As in `strata_of`.
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
        i, j = i + (a <= b), j + (b <= a)
        if group[order] < 0:
            continue
        if not by_size:
            cells[group[order], 0] -= 1
            cells[group[order], side] += 1
            continue
        whole = bands[min(size[order] - own[0], most)]
        others = bands[min(size[order] - own[side], most)]
        if whole > 0:
            cells[group[order] * width + whole, 0] -= 1
        if others > 0:
            cells[group[order] * width + others, side] += 1
    return cells


@njit(cache=True)
def cells_of(place: Any, side: Any, strata: Any) -> Any:
    """Return how many orders of each stratum have each side: strata x 4."""
    cells = np.zeros((strata, 4), np.int32)
    for i in range(len(side)):
        if place[i] >= 0:
            cells[place[i], side[i]] += 1
    return cells


@njit(cache=True)
def pair_moments(starts: Any, begins: Any, items: Any, number: Any) -> Any:
    """Return `lift_moments` of every two of ``number`` items, in one walk along the orders.

    Parameters
    ----------
    starts
        Where each customer's orders begin, and the end after the last.
    begins, items
        Where each order's items begin, and the items, ascending within an order.
    number
        How many items there are.

    Returns
    -------
    tuple of array
        By item, sums over customers of a, aa and an; by two items, the smaller first, of t, the
        customers with both, tt, ta, tb, tn and ab.
    """
    alone, both = np.zeros((number, 3), np.int64), np.zeros((number, number, 7), np.int64)
    own, together = np.zeros(number, np.int64), np.zeros((number, number), np.int64)
    touched = np.empty(number, np.int64)
    for customer in range(len(starts) - 1):
        n, count = starts[customer + 1] - starts[customer], 0
        for r in range(begins[starts[customer]], begins[starts[customer + 1]]):
            if own[items[r]] == 0:
                touched[count] = items[r]
                count += 1
            own[items[r]] += 1
        for order in range(starts[customer], starts[customer + 1]):
            for r in range(begins[order], begins[order + 1]):
                for s in range(r + 1, begins[order + 1]):
                    together[items[r], items[s]] += 1
        for i in range(count):
            a = touched[i]
            x = own[a]
            alone[a, 0] += x
            alone[a, 1] += x * x
            alone[a, 2] += x * n
            for j in range(count):
                b = touched[j]
                if b <= a:
                    continue
                sums = both[a, b]
                sums[6] += x * own[b]
                t = together[a, b]
                if t:
                    sums[0] += t
                    sums[1] += 1
                    sums[2] += t * t
                    sums[3] += t * x
                    sums[4] += t * own[b]
                    sums[5] += t * n
                    together[a, b] = 0
        own[touched[:count]] = 0
    return alone, both


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
    moves, within = 0.0, np.zeros(2)
    for customer in range(len(starts) - 1):
        part = np.zeros(2)
        for i in range(starts[customer], starts[customer + 1]):
            k = place[i]
            if k < 0 or inverse[k] == 0.0:
                continue
            which = 0 if side[i] == 0 or side[i] == 3 else 1
            across = 3 - side[i]
            # A term of two orders of this customer would count twice, once from either end.
            part[which] += (cells[k, across] - own[k, across]) * inverse[k]
            within[which] += own[k, across] * inverse[k] ** 2
            own[k, side[i]] += 1
        for i in range(starts[customer], starts[customer + 1]):
            if place[i] >= 0:
                own[place[i], side[i]] = 0
        if part[0] == 0.0 and part[1] == 0.0:
            continue
        left = 1 - part / sums
        # Of a sum that is this customer's alone, rounding may leave a little on either side.
        if left.min() < 1e-9:
            return np.inf, within
        moves += (np.log(left[0]) - np.log(left[1])) ** 2
    return moves, within


@njit(cache=True)
def lift_moments(starts: Any, a: Any, b: Any) -> Any:
    """Return what the lift of two sides, and its variance over customers, are made of.

    Parameters
    ----------
    starts
        Where each customer's orders begin, and the end after the last.
    a, b
        The orders that hold the first side, and the second, ascending.

    Returns
    -------
    array
        Sums over customers of t (orders with both), a and b, the customers with both, and sums of
        the products tt, ta, tb, tn, aa, ab, an, bb and bn, n being all orders of the customer.
    """
    sums = np.zeros(13, np.int64)
    i = j = customer = 0
    while i < len(a) or j < len(b):
        first = a[i] if i < len(a) else starts[-1]
        first = min(first, b[j]) if j < len(b) else first
        customer += np.searchsorted(starts[customer:], first, side="right") - 1
        end = starts[customer + 1]
        t, begin_a, begin_b = 0, i, j
        while i < len(a) and a[i] < end:
            while j < len(b) and b[j] < a[i]:
                j += 1
            t += j < len(b) and b[j] == a[i]
            i += 1
        while j < len(b) and b[j] < end:
            j += 1
        x, y, n = i - begin_a, j - begin_b, end - starts[customer]
        parts = (t, x, y, min(t, 1), t * t, t * x, t * y, t * n, x * x, x * y, x * n, y * y, y * n)
        for k in range(13):
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
