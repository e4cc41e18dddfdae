"""Itemsets that enough orders hold.

Items and pairs are counted in the engine, where the rows are. An item can be in a frequent triple
only if it is in two frequent pairs; what is left of the orders after that rule is small, and a bit
matrix counts the larger sets. Where the rows are in Spark, its own FP-growth mines them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.errors import NotApplicable
from analysis.products import spark_itemsets
from analysis.products.bitsets import bit_matrix, count_sets, grow
from analysis.products.estimate import frequent_lines
from analysis.products.held import held
from analysis.tables.engine import kind_of

if TYPE_CHECKING:
    import ibis
    import numpy.typing as npt
    import pandas as pd

    from analysis.products.baskets import Baskets
    from analysis.products.estimate import Support

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
        if kind_of(baskets.lines.get_backend()) == "spark":
            found += spark_itemsets.larger(
                baskets, least, code, longest=longest, searched=searched,
                grown=lambda sets, counts: _grown(sets, counts, most_sets, support),
            )  # fmt: skip
        else:
            found += _larger(baskets, support, code, longest, most_sets, searched)
    return Itemsets(_table(found, names, baskets.orders), baskets.orders, searched, support)


def _larger(
    baskets: Baskets,
    support: Support,
    code: dict[str, int],
    longest: int,
    most_sets: int,
    searched: dict[int, int],
) -> list[tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]]:
    pairs, counts = _pairs(baskets, support.orders, code)
    found = [(pairs, counts)]
    if longest < 3:
        return found
    candidates = _grown(pairs, counts, most_sets, support)
    if len(candidates) == 0:
        return found
    kept = np.unique(candidates)
    matrix = _matrix(baskets, kept, code)
    place = {int(item): i for i, item in enumerate(kept)}
    size = 3
    while len(candidates):
        searched[size] = len(candidates)
        local = np.vectorize(place.__getitem__, otypes=[np.int32])(candidates)
        counts = count_sets(matrix, local)
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
    baskets: Baskets, least: int, code: dict[str, int]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Count the pairs in the engine; return those that are frequent, by code."""
    lines = _coded(baskets, least, code)
    first, second = (lines.select("order_id", **{name: lines.code}) for name in ("a", "b"))
    both = first.join(second, "order_id").filter(lambda t: t.a < t.b)
    counted = both.group_by("a", "b").agg(n=lambda t: t.count())
    table = counted.filter(counted.n >= least).order_by("a", "b").to_pyarrow()
    pairs = np.column_stack([table["a"].to_numpy(), table["b"].to_numpy()]).astype(np.int32)
    return pairs.reshape(-1, 2), table["n"].to_numpy().astype(np.int64)


def _coded(baskets: Baskets, least: int, code: dict[str, int]) -> ibis.Table:
    import ibis
    import pandas as pd

    codes = pd.DataFrame({"item": pd.Series(list(code), dtype="str"), "code": code.values()})
    lines = frequent_lines(baskets, least).join(ibis.memtable(codes), "item")
    return held(lines.select("order_id", code=lines.code.cast("int32")))


def _matrix(
    baskets: Baskets, kept: npt.NDArray[np.int32], code: dict[str, int]
) -> npt.NDArray[np.uint64]:
    """Return the bit matrix of the orders that hold three or more of the items ``kept``."""
    import ibis
    import pandas as pd

    names = list(code)
    chosen = pd.DataFrame(
        {"item": pd.Series([names[i] for i in kept], dtype="str"), "code": range(len(kept))}
    )
    lines = baskets.lines.join(ibis.memtable(chosen), "item").select("order_id", "code")
    large = lines.group_by("order_id").agg(n=lambda t: t.count())
    large = large.filter(large.n >= 3)
    numbered = large.select("order_id", row=ibis.row_number().over(order_by=large.order_id))
    table = lines.join(numbered, "order_id").select("row", "code").to_pyarrow()
    orders = int(table["row"].to_numpy().max(initial=-1)) + 1
    needed = len(kept) * orders // 8
    if needed > MOST_BYTES:
        raise NotApplicable(
            f"Sets of three and more of {len(kept):,} items in {orders:,} orders would need "
            f"{needed / 1e9:.1f} GB; a higher support, or pairs alone, would do."
        )
    return bit_matrix(
        table["row"].to_numpy().astype(np.int64),
        table["code"].to_numpy().astype(np.int32),
        orders=orders,
        items=len(kept),
    )


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
