"""Itemsets that enough orders hold.

The engine gathers each order's items as integers; a compiled kernel counts the pairs. An item can
be in a frequent triple only if it is in two frequent pairs; what is left of the orders after that
rule is small, and a bit matrix counts the larger sets. Where the rows are in Spark, its workers do
so for some of the orders each, and what they counted is added up.

Closed and maximal itemsets: the few that stand for all.

Counting orders that hold whole sets of items, on one bit an order and item.

The orders are the columns of a bit matrix, the items its rows; the orders that hold a set are the
bitwise AND of its rows. Blocks of columns keep the work inside the processor's cache.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.errors import NotApplicable
from analysis.products.association.support import choose_support, frequent_sizes, places, raised
from analysis.tables.spark_engine import Spread

if TYPE_CHECKING:
    from analysis.products.association.support import Support
    from analysis.products.baskets.order_contents import Baskets
    from analysis.products.baskets.order_index import Gathered

Sets = npt.NDArray[np.int32]

Counts = npt.NDArray[np.int64]

#: Candidate sets of one size; more mean a support far too low.
MOST_SETS = 2_000_000

#: Bytes of the bit matrix.
MOST_BYTES = 2_000_000_000


class TooManySets(NotApplicable):
    """There are more sets than can be looked through; a support of ``enough`` orders would do."""

    def __init__(self, sentence: str, enough: int) -> None:
        super().__init__(sentence)
        self.enough = enough


@dataclass(frozen=True)
class Itemsets:
    """Frequent itemsets and the family they were searched in.

    Parameters
    ----------
    table
        One row a frequent itemset: itemset (tuple of items, sorted), size, orders, support;
        by size, then by orders, most first.
    orders
        Number of all orders.
    searched
        Size of a set to the number of sets of that size that were looked at.
    support
        The minimum support and its reason.
    """

    table: pd.DataFrame
    orders: int
    searched: dict[int, int]
    support: Support


def mined(baskets: Baskets, support: float | None, *, longest: int) -> Itemsets:
    """Return the frequent itemsets at the support asked for, or at the least that can be searched.

    Parameters
    ----------
    support
        Share of orders; None lets the data choose: the least that tells something, and with the
        orders of many customers the least whose sets can be looked through.
    """
    chosen = choose_support(baskets, support=support)
    while True:
        try:
            return frequent_itemsets(baskets, chosen, longest=longest)
        except TooManySets as refused:
            if support is not None:
                raise
            chosen = raised(baskets, refused.enough)


def frequent_itemsets(
    baskets: Baskets, support: Support, *, longest: int = 4, most_sets: int = MOST_SETS
) -> Itemsets:
    """Return the itemsets that at least ``support.orders`` orders hold.

    Parameters
    ----------
    support
        From `estimate.choose_support`, which has seen that the search is affordable.
    most_sets
        Refuse to look at more sets of one size.

    Raises
    ------
    NotApplicable
        If there would be too many sets, with the support that would do.
    """
    least = support.orders
    items = baskets.items[baskets.items["orders"] >= least]
    names = np.sort(items["item"].to_numpy(dtype=object))
    code = {name: i for i, name in enumerate(names)}
    single = items["item"].map(code).to_numpy(np.int32)[:, None]
    found = [(single, items["orders"].to_numpy(np.int64))]
    searched = {1: len(baskets.items), 2: len(items) * (len(items) - 1) // 2}
    if longest >= 2 and len(items) >= 2:
        found += _larger(baskets, support, longest, most_sets, searched)
    return Itemsets(_table(found, names, baskets.orders), baskets.orders, searched, support)


def _larger(
    baskets: Baskets, support: Support, longest: int, most_sets: int, searched: dict[int, int]
) -> list[tuple[Sets, Counts]]:
    place = places(baskets, support.orders)
    own = baskets.gathered
    found = [_pairs(own, place, support.orders)]
    if longest < 3:
        return found
    candidates = _grown(*found[0], most_sets, support)
    if len(candidates) == 0:
        return found
    kept = np.unique(candidates)
    if isinstance(own, Spread):
        count = partial(_sets_on_workers, own, place, kept)
    else:
        count = partial(count_sets, _matrix(own, place, kept, support.orders))
    size = 3
    while len(candidates):
        searched[size] = len(candidates)
        counts = count(np.searchsorted(kept, candidates).astype(np.int32))
        enough = counts >= support.orders
        found.append((candidates[enough], counts[enough]))
        if size == longest:
            break
        candidates = _grown(*found[-1], most_sets, support)
        size += 1
    return found


def _sets_on_workers(orders: Spread, place: Sets, kept: Sets, sets: Sets) -> Counts:
    """Count the orders that hold each of ``sets``, in Spark; see `count_sets`."""
    return sum(orders.each(lambda own: count_sets(_matrix(own, place, kept, 1), sets)))


def _grown(
    sets: npt.NDArray[np.int32], counts: npt.NDArray[np.int64], most: int, support: Support
) -> npt.NDArray[np.int32]:
    if len(sets) == 0:
        return sets
    grown = grow(sets, most=most)
    if grown is None:
        # Half the sets in support order make about a quarter of the candidates.
        higher = int(np.quantile(counts, 0.75))
        enough = max(higher, support.orders + 1)
        raise TooManySets(
            f"At a support of {support.orders:,} orders there are {len(sets):,} frequent sets of "
            f"{sets.shape[1]} items and more than {most:,} candidates above them. A support of "
            f"about {enough:,} orders, or shorter sets, would do.",
            enough,
        )
    return grown


def _pairs(orders: Gathered | Spread, place: Sets, least: int) -> tuple[Sets, Counts]:
    """Count the pairs of items that have a place; return those that are frequent."""
    enough = 1 if isinstance(orders, Spread) else least  # a pair may be seldom in a part of them
    items, parts = int(place.max()) + 1, orders.each(lambda own: _pairs_of(own, place, enough))
    codes, counts = (np.concatenate(each) for each in zip(*parts, strict=True))
    codes, where = np.unique(codes, return_inverse=True)
    sums = np.bincount(where, counts, len(codes)).astype(np.int64)
    codes, sums = codes[sums >= least], sums[sums >= least]
    return np.column_stack(np.divmod(codes, items)).astype(np.int32), sums


def _pairs_of(gathered: Gathered, place: Sets, least: int) -> tuple[Counts, Counts]:
    """Return the pairs, as first x items + second, that so many of these orders hold."""
    from analysis.products.baskets.basket_kernels import count_pairs

    items = int(place.max()) + 1
    step = max(1, MOST_BYTES // (4 * 4 * items))
    found = []
    for low in range(0, items, step):
        high = min(low + step, items)
        counted = count_pairs(gathered.starts, gathered.values, place, items, low, high)
        first, second = np.nonzero(counted >= least)
        found.append(((first + low) * items + second, counted[first, second].astype(np.int64)))
    codes, counts = (np.concatenate(each) for each in zip(*found, strict=True))
    return codes, counts


def _matrix(
    gathered: Gathered, place: npt.NDArray[np.int32], kept: npt.NDArray[np.int32], least: int
) -> npt.NDArray[np.uint64]:
    """Return the bit matrix of the orders that hold three or more of the items ``kept``."""
    from analysis.products.baskets.basket_kernels import bit_matrix

    local = np.full(place.max() + 2, -1, np.int32)
    local[kept] = np.arange(len(kept))
    own = local[place]  # the place -1 is the last, which no item has
    sizes = frequent_sizes(gathered, own)
    orders = int((sizes >= 3).sum())
    needed = len(kept) * orders // 8
    if needed > MOST_BYTES:
        raise TooManySets(
            f"Sets of three and more of {len(kept):,} items in {orders:,} orders would need "
            f"{needed / 1e9:.1f} GB; a higher support, or pairs alone, would do.",
            2 * least,
        )
    matrix: npt.NDArray[np.uint64] = bit_matrix(
        gathered.starts, gathered.values, own, len(kept), sizes, 3
    )
    return matrix


def _table(
    found: list[tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]],
    names: npt.NDArray[np.object_],
    orders: int,
) -> pd.DataFrame:
    rows = (names[np.sort(codes, axis=1)].tolist() for codes, _ in found)
    sets = [tuple(row) for of_size in rows for row in of_size]
    counts = np.concatenate([counts for _, counts in found])
    table = pd.DataFrame({"itemset": pd.Series(sets, dtype=object)})
    table["size"] = [len(s) for s in sets]
    table["orders"] = counts
    table["support"] = counts / orders
    table["key"] = ["\x1f".join(s) for s in sets]
    ordered = table.sort_values(["size", "orders", "key"], ascending=[True, False, True])
    return ordered.drop(columns="key").reset_index(drop=True)


def condense(table: pd.DataFrame) -> pd.DataFrame:
    """Return the itemsets with columns ``closed`` and ``maximal``.

    Parameters
    ----------
    table
        ``Itemsets.table``: itemset, size and orders, complete up to its longest size.

    Returns
    -------
    pandas.DataFrame
        A copy. An itemset is closed if no larger one is in as many orders (Pasquier, Bastide,
        Taouil and Lakhal 1999, Discovering frequent closed itemsets), maximal if no larger one
        is frequent. Sets of the longest size that was searched are both as far as was looked.
    """
    orders = dict(zip(table["itemset"], table["orders"], strict=True))
    not_closed, not_maximal = set(), set()
    for itemset, count in orders.items():
        for part in combinations(itemset, len(itemset) - 1):
            if part:
                not_maximal.add(part)
                if orders.get(part) == count:
                    not_closed.add(part)
    return table.assign(
        closed=[s not in not_closed for s in table["itemset"]],
        maximal=[s not in not_maximal for s in table["itemset"]],
    )


Words = npt.NDArray[np.uint64]

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
