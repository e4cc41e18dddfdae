"""Closed and maximal itemsets: the few that stand for all."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


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
