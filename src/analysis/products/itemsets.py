"""Itemsets that enough orders hold.

The engine gathers each order's items as integers; a compiled kernel counts the pairs. An item can
be in a frequent triple only if it is in two frequent pairs; what is left of the orders after that
rule is small, and a bit matrix counts the larger sets. Where the rows are in Spark, its own
FP-growth mines them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.errors import NotApplicable
from analysis.products import spark_itemsets
from analysis.products.bitsets import count_sets, grow
from analysis.products.estimate import frequent_sizes, places

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from analysis.products.baskets import Baskets
    from analysis.products.estimate import Support
    from analysis.products.gathered import Gathered

#: Candidate sets of one size; more mean a support far too low.
MOST_SETS = 2_000_000

#: Bytes of the bit matrix.
MOST_BYTES = 2_000_000_000


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


def frequent_itemsets(
    baskets: Baskets, support: Support, *, longest: int = 4, most_sets: int = MOST_SETS
) -> Itemsets:
    """Return the itemsets that at least ``support.orders`` orders hold.

    Parameters
    ----------
    baskets
        The orders.
    support
        From `estimate.choose_support`, which has seen that the search is affordable.
    longest
        Size of the largest sets to look for.
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
        if baskets.gathered is None:
            found += spark_itemsets.larger(
                baskets, least, code, longest=longest, searched=searched,
                grown=lambda sets, counts: _grown(sets, counts, most_sets, support),
            )  # fmt: skip
        else:
            place = places(baskets, least)
            found += _larger(baskets.gathered, support, place, longest, most_sets, searched)
    return Itemsets(_table(found, names, baskets.orders), baskets.orders, searched, support)


def _larger(
    gathered: Gathered,
    support: Support,
    place: npt.NDArray[np.int32],
    longest: int,
    most_sets: int,
    searched: dict[int, int],
) -> list[tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]]:
    pairs, counts = _pairs(gathered, place, support.orders)
    found = [(pairs, counts)]
    if longest < 3:
        return found
    candidates = _grown(pairs, counts, most_sets, support)
    if len(candidates) == 0:
        return found
    kept = np.unique(candidates)
    matrix = _matrix(gathered, place, kept)
    size = 3
    while len(candidates):
        searched[size] = len(candidates)
        counts = count_sets(matrix, np.searchsorted(kept, candidates).astype(np.int32))
        enough = counts >= support.orders
        found.append((candidates[enough], counts[enough]))
        if size == longest:
            break
        candidates = _grown(candidates[enough], counts[enough], most_sets, support)
        size += 1
    return found


def _grown(
    sets: npt.NDArray[np.int32], counts: npt.NDArray[np.int64], most: int, support: Support
) -> npt.NDArray[np.int32]:
    if len(sets) == 0:
        return sets
    grown = grow(sets, most=most)
    if grown is None:
        # Half the sets in support order make about a quarter of the candidates.
        higher = int(np.quantile(counts, 0.75))
        raise NotApplicable(
            f"At a support of {support.orders:,} orders there are {len(sets):,} frequent sets of "
            f"{sets.shape[1]} items and more than {most:,} candidates above them. A support of "
            f"about {max(higher, support.orders + 1):,} orders, or shorter sets, would do."
        )
    return grown


def _pairs(
    gathered: Gathered, place: npt.NDArray[np.int32], least: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Count the pairs of items that have a place; return those that are frequent."""
    from analysis.products.basket_kernel import count_pairs

    items = int(place.max()) + 1
    step = max(1, MOST_BYTES // (4 * 4 * items))
    found = []
    for low in range(0, items, step):
        high = min(low + step, items)
        counted = count_pairs(gathered.starts, gathered.values, place, items, low, high)
        first, second = np.nonzero(counted >= least)
        found.append(np.column_stack([first + low, second, counted[first, second]]))
    pairs = np.concatenate(found)
    return pairs[:, :2].astype(np.int32), pairs[:, 2].astype(np.int64)


def _matrix(
    gathered: Gathered, place: npt.NDArray[np.int32], kept: npt.NDArray[np.int32]
) -> npt.NDArray[np.uint64]:
    """Return the bit matrix of the orders that hold three or more of the items ``kept``."""
    from analysis.products.basket_kernel import bit_matrix

    local = np.full(place.max() + 2, -1, np.int32)
    local[kept] = np.arange(len(kept))
    own = local[place]  # the place -1 is the last, which no item has
    sizes = frequent_sizes(gathered, own)
    orders = int((sizes >= 3).sum())
    needed = len(kept) * orders // 8
    if needed > MOST_BYTES:
        raise NotApplicable(
            f"Sets of three and more of {len(kept):,} items in {orders:,} orders would need "
            f"{needed / 1e9:.1f} GB; a higher support, or pairs alone, would do."
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
    import pandas as pd

    sets = [tuple(names[row]) for codes, _ in found for row in np.sort(codes, axis=1)]
    counts = np.concatenate([counts for _, counts in found])
    table = pd.DataFrame({"itemset": pd.Series(sets, dtype=object)})
    table["size"] = [len(s) for s in sets]
    table["orders"] = counts
    table["support"] = counts / orders
    table["key"] = ["\x1f".join(s) for s in sets]
    ordered = table.sort_values(["size", "orders", "key"], ascending=[True, False, True])
    return ordered.drop(columns="key").reset_index(drop=True)
