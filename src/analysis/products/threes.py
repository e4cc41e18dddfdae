"""Three items that are in one order more often than their pairs explain, then and later."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from analysis.discoveries import normal_quantile, q_values
from analysis.products import baskets as orders_as_sets
from analysis.products.itemsets import frequent_itemsets
from analysis.products.set_cells import SetCells
from analysis.products.three_way import ThreeWay, cells_of

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from analysis.products.itemsets import Itemsets
    from analysis.products.pairs import Halves, Pairs


@dataclass(frozen=True)
class Threes:
    """Sets of three items, found in the first half and looked at again in the second.

    Parameters
    ----------
    table
        One row a frequent set: itemset, orders, expected (by its pairs alone), ratio, z, q (false
        discovery rate over all sets of three that were looked at, frequent or not); of those
        looked at again, too: second_orders, second_expected, second_ratio, second_low,
        second_high, second_q; holds (at the rate asked for in both halves, second_low above 1).
        Those that hold come first, then the largest z.
    itemsets
        The frequent sets of one to three items that they are among.
    """

    table: pd.DataFrame
    itemsets: Itemsets

    @property
    def believed(self) -> pd.DataFrame:
        """The sets that hold."""
        return self.table[self.table["holds"]].reset_index(drop=True)


def find(
    pairs: Pairs, halves: Halves, *, fdr: float = 0.05, confidence: float = 0.95, again: int = 60
) -> Threes:
    """Tell which sets of three say more than their pairs do.

    Parameters
    ----------
    pairs
        From `pairs.find`; where it stopped at pairs, the search goes on. Sets with an item that is
        no longer sold are left out.
    halves
        The two periods.
    fdr
        False discovery rate, in each half.
    confidence
        Coverage of the intervals.
    again
        Sets with the largest z that get a look at the second half.

    Notes
    -----
    What is expected keeps all orders with each pair and leaves out only the three-factor
    interaction (`three_way.ThreeWay`). In the second half it is made among orders that hold as
    many other items, for a full trolley holds everything, and the interval takes whole customers.
    """
    itemsets = pairs.itemsets
    if 3 not in itemsets.searched:
        itemsets = frequent_itemsets(pairs.first, itemsets.support, longest=3)
    found = beyond_pairs(itemsets)
    sold = found["itemset"].map(pairs.gone.isdisjoint).astype(bool)
    found = found[sold].reset_index(drop=True)
    later = orders_as_sets.of_lines(pairs.lines, level=pairs.first.level, period=halves.second)
    cells = SetCells.of(later, pairs.lines, found["itemset"].head(again))
    found = found.join(_again(cells, confidence))
    sure = (found["q"] <= fdr) & (found["second_q"] <= fdr) & (found["second_low"] > 1)
    ordered = found.assign(holds=sure).sort_values(
        ["holds", "z"], ascending=False, kind="stable", ignore_index=True
    )
    return Threes(ordered, itemsets)


def beyond_pairs(itemsets: Itemsets) -> pd.DataFrame:
    """Return the frequent sets of three against their pairs.

    Parameters
    ----------
    itemsets
        Frequent itemsets, of size three too.

    Returns
    -------
    pandas.DataFrame
        itemset, orders, expected, ratio, z, q as in `Threes`, the largest z first.
    """
    table = itemsets.table
    threes = table.loc[table["size"] == 3, ["itemset", "orders"]].reset_index(drop=True)
    known = dict(zip(table["itemset"], table["orders"], strict=True))
    counted = [[known[part] for size in (1, 2) for part in combinations(s, size)]
               for s in threes["itemset"]]  # fmt: skip
    parts = np.array(counted, dtype=float).reshape(-1, 6)
    model = ThreeWay.of(
        cells_of(itemsets.orders, parts[:, :3], parts[:, 3:], threes["orders"].to_numpy(float))
    )
    z = np.nan_to_num(model.z)
    unseen = np.ones(max(0, itemsets.searched.get(3, 0) - len(threes)))
    threes = threes.assign(expected=model.expected, ratio=model.together / model.expected, z=z)
    threes["q"] = q_values(np.concatenate([_upper(z), unseen]))[: len(threes)]
    return threes.sort_values("z", ascending=False, kind="stable", ignore_index=True)


def _again(cells: SetCells, confidence: float) -> pd.DataFrame:
    """Return each set's orders, those expected and their ratio, within sizes of orders."""
    import pandas as pd

    model = ThreeWay.of(cells.counts)
    together, expected = model.together.sum(axis=1), model.expected.sum(axis=1)
    known = (together > 0) & (expected > 0)
    t, e = np.where(known, together, np.nan), np.where(known, expected, np.nan)
    # The logarithm of the ratio, linearised: what one order in each cell adds to it.
    whole = np.zeros(8)
    whole[-1] = 1.0
    influence = whole / t[:, None, None] - (whole - model.pull) / e[:, None, None]
    error = cells.clustered_error(np.nan_to_num(influence))
    ratio, reach = t / e, normal_quantile(confidence) * error
    with np.errstate(divide="ignore", invalid="ignore"):
        p = _upper(np.log(ratio) / error)
    return pd.DataFrame(
        {
            "second_orders": together,
            "second_expected": expected,
            "second_ratio": ratio,
            "second_low": ratio * np.exp(-reach),
            "second_high": ratio * np.exp(reach),
            "second_q": q_values(np.where(known, p, 1.0)),
        }
    )


def _upper(z: npt.ArrayLike) -> npt.NDArray[np.float64]:
    from scipy.special import ndtr

    return np.asarray(ndtr(-np.asarray(z, dtype=float)))
