"""Frequent itemsets by Spark's own FP-growth, where the rows are in Spark."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from analysis.products.baskets import Baskets

Sets = npt.NDArray[np.int32]
Counts = npt.NDArray[np.int64]
Found = list[tuple[Sets, Counts]]


def larger(
    baskets: Baskets,
    least: int,
    code: dict[str, int],
    *,
    longest: int,
    grown: Callable[[Sets, Counts], Sets],
    searched: dict[int, int],
) -> Found:
    """Return the sets of two items and more that ``least`` orders hold, with their orders.

    Parameters
    ----------
    baskets
        The orders, in Spark.
    least
        Fewest orders.
    code
        Code of each frequent item.
    longest
        Size of the largest sets.
    grown
        Returns the sets of one item more, all of whose parts are among those given.
    searched
        Filled: size to the number of sets whose parts are all frequent.

    Notes
    -----
    Li, Wang, Zhang, Zhang and Chang (2008), PFP: parallel FP-growth for query recommendation. It
    knows no longest set: longer ones are found and left out.
    """
    rows = _mined(baskets, least, longest)
    found: Found = []
    for size in range(2, longest + 1):
        own = [(sorted(code[i] for i in items), n) for items, n in rows if len(items) == size]
        own.sort()
        sets = np.array([s for s, _ in own], np.int32).reshape(-1, size)
        found.append((sets, np.array([n for _, n in own], np.int64)))
        if size == longest or len(sets) == 0:
            break
        candidates = grown(*found[-1])
        if len(candidates) == 0:
            break
        searched[size + 1] = len(candidates)
    return found


def _mined(baskets: Baskets, least: int, longest: int) -> list[tuple[list[str], int]]:
    from pyspark.ml.fpm import FPGrowth
    from pyspark.sql import functions

    lines = baskets.lines
    lists = lines.group_by("order_id").agg(items=lines["item"].collect())
    # Half an order less: Spark rounds up what share times orders gives.
    share = (least - 0.5) / baskets.orders
    miner = FPGrowth(itemsCol="items", minSupport=share, minConfidence=1.0)
    sets = miner.fit(_in_spark(lists)).freqItemsets
    sets = sets.where(functions.size("items").between(2, longest))
    return [(list(row["items"]), int(row["freq"])) for row in sets.collect()]


def _in_spark(rows: Any) -> Any:
    """Return an Ibis table as a data frame of the Spark it lives in."""
    from pyspark.sql import SparkSession

    backend = rows.get_backend()
    name = "lists_of_items"
    backend.create_view(name, rows, overwrite=True)
    return SparkSession.active().table(name)
