"""Three items that are in one order more often than their pairs explain, then and later."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.products.association.itemsets import frequent_itemsets
from analysis.products.baskets import order_contents as orders_as_sets
from analysis.products.baskets.order_contents import BAND_OF, BANDS
from analysis.stats.multiplicity import normal_quantile, q_values
from analysis.stats.types import Floats

if TYPE_CHECKING:
    import ibis

    from analysis.products.association.itemsets import Itemsets
    from analysis.products.association.pairs import Halves, Pairs
    from analysis.products.baskets.order_contents import Baskets
    from analysis.products.baskets.order_index import Numbered


@dataclass(frozen=True)
class Triples:
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
) -> Triples:
    """Tell which sets of three say more than their pairs do.

    Parameters
    ----------
    pairs
        From `pairs.find`; where it stopped at pairs, the search goes on. Sets with an item that is
        no longer sold are left out.
    fdr
        False discovery rate, in each half.
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
    asked: dict[str, Any] = {"level": pairs.first.level, "known": pairs.first.known}
    later = orders_as_sets.of_lines(pairs.lines, period=halves.second, **asked)
    cells = SetCells.of(later, pairs.facts, found["itemset"].head(again))
    found = found.join(_again(cells, confidence))
    sure = (found["q"] <= fdr) & (found["second_q"] <= fdr) & (found["second_low"] > 1)
    ordered = found.assign(holds=sure).sort_values(
        ["holds", "z"], ascending=False, kind="stable", ignore_index=True
    )
    return Triples(ordered, itemsets)


def beyond_pairs(itemsets: Itemsets) -> pd.DataFrame:
    """Return the frequent sets of three against their pairs.

    Parameters
    ----------
    itemsets
        Frequent itemsets, of size three too.

    Returns
    -------
    pandas.DataFrame
        itemset, orders, expected, ratio, z, q as in `Triples`, the largest z first.
    """
    table = itemsets.table
    threes = table.loc[table["size"] == 3, ["itemset", "orders"]].reset_index(drop=True)
    known = dict(zip(table["itemset"], table["orders"], strict=True))
    counted = [[known[part] for part in ((a,), (b,), (c,), (a, b), (a, c), (b, c))]
               for a, b, c in threes["itemset"]]  # fmt: skip
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


Ints = npt.NDArray[np.integer]

#: Influences are summed as whole numbers of so small a part of the largest: exact in any order.
_PART = 1 << 30


@dataclass(frozen=True)
class SetCells:
    """Orders by what they hold of each set.

    Parameters
    ----------
    counts
        sets x bands x 8: orders by how many other items they hold and, as in `three_way`, by
        which of the set. Orders that hold nothing else are left out: if they held nothing of the
        set, either, they would be none, so there is nothing to compare them with.
    orders
        The orders, with the items of the sets. A guest's order is a customer of its own.
    sets
        The sets.
    """

    counts: Floats
    orders: Numbered
    sets: list[tuple[str, ...]]

    @classmethod
    def of(cls, baskets: Baskets, facts: ibis.Table, sets: Iterable[tuple[str, ...]]) -> SetCells:
        """Count the orders of ``baskets``, whose customers ``facts`` know."""
        sets = list(sets)
        orders = baskets.numbered(facts, sorted({i for s in sets for i in s}))
        return cls(sum(orders.each(partial(_counts, sets=sets))), orders, sets)

    def clustered_error(self, influence: Floats) -> Floats:
        """Return the standard error of an estimate for each set, over whole customers.

        Parameters
        ----------
        influence
            sets x bands x 8: what one order adds to the estimate.

        Notes
        -----
        Liang and Zeger (1986), Biometrika 73(1): influences are summed within customers before
        they are squared.
        """
        scale = np.maximum(np.abs(influence).max(axis=(1, 2)), np.finfo(float).tiny)
        weight = np.rint(influence / scale[:, None, None] * _PART).astype(np.int64)
        weight[:, 0] = 0
        squares = sum(self.orders.each(partial(_squares, sets=self.sets, weight=weight)))
        return np.sqrt(squares / _PART) * scale


def _counts(orders: Numbered, sets: list[tuple[str, ...]]) -> Floats:
    counts, band = np.zeros((len(sets), len(BANDS) + 1, CELLS)), _band(orders.size)
    everyone = np.bincount(band, minlength=len(BANDS) + 1)
    for own, items in zip(counts, sets, strict=True):
        held, place = _held(orders, items)
        own += np.bincount(place, minlength=own.size).reshape(own.shape)
        # An order with a part of the set is not among those with none.
        own[:, 0] += everyone - np.bincount(band[held], minlength=len(everyone))
        own[0] = 0.0
    return counts


def _squares(orders: Numbered, sets: list[tuple[str, ...]], weight: Ints) -> Floats:
    """Return the squares of what each set's orders add up to by customer."""
    band, customer = _band(orders.size), orders.customer
    of_customers = customer.astype(np.int64) * (len(BANDS) + 1) + band
    shape = (len(orders.starts) - 1, len(BANDS) + 1)
    many = np.bincount(of_customers, minlength=shape[0] * shape[1]).reshape(shape)
    squares = np.zeros(len(sets))
    for number, (own, items) in enumerate(zip(weight, sets, strict=True)):
        held, place = _held(orders, items)
        beyond = own.reshape(-1)[place] - own[band[held], 0]
        total = many @ own[:, 0] + np.bincount(customer[held], beyond, shape[0])
        squares[number] = np.rint((total / _PART) ** 2 * _PART).sum()
    return squares


def _held(orders: Numbered, items: tuple[str, ...]) -> tuple[Ints, Ints]:
    """Return the orders that hold something of a set, and the place of each: band x 8 + cell."""
    cell = np.zeros(len(orders), np.uint8)
    for place, item in enumerate(items):
        cell[orders.holders[item]] |= 1 << place
    held = np.flatnonzero(cell)
    cell = cell[held]
    return held, _band(orders.size[held] - np.bitwise_count(cell)) * CELLS + cell


def _band(size: Ints) -> Ints:
    return BAND_OF[np.minimum(size, len(BAND_OF) - 1)]


#: Cells are numbered by what an order holds: 1 for the first, 2 for the second, 4 for the third.
CELLS = 8

WHOLE = CELLS - 1

#: Sign of each cell in the logarithm of the three-factor interaction.
_SIGN = np.array([-1.0, 1.0, 1.0, -1.0, 1.0, -1.0, -1.0, 1.0])

#: Halvings of an interval: to the last bit of a number of orders.
_STEPS = 100


@dataclass(frozen=True)
class ThreeWay:
    """Tables of 2 x 2 x 2, with and without a three-factor interaction.

    Parameters
    ----------
    together
        Orders with all three.
    expected
        The same without the interaction, all pairs as they are.
    fitted
        All eight cells without it.
    information
        Sum of one over the fitted cells; infinite where the pairs leave nothing open.
    """

    together: Floats
    expected: Floats
    fitted: Floats
    information: Floats

    @classmethod
    def of(cls, cells: npt.ArrayLike) -> ThreeWay:
        """Fit tables; the last axis of ``cells`` has the eight counts.

        Notes
        -----
        Bartlett (1935), Suppl. J. R. Statist. Soc. 2(2): with the margins of all pairs kept, one
        number is left, and the odds ratio of the first two with the third must be that without
        it. As a screen for sets of products: DuMouchel and Pregibon (2001), Empirical Bayes
        screening for multi-item associations, section 4 (the all-two-factor model).
        """
        counts = np.asarray(cells, dtype=float)
        low = counts[..., WHOLE] - counts[..., _SIGN > 0].min(axis=-1)
        high = counts[..., WHOLE] + counts[..., _SIGN < 0].min(axis=-1)
        for _ in range(_STEPS):
            middle = (low + high) / 2
            if ((middle == low) | (middle == high)).all():
                break
            below = _interaction(_moved(counts, middle)) < 0
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        expected = (low + high) / 2
        fitted = np.maximum(_moved(counts, expected), 0.0)
        with np.errstate(divide="ignore"):
            information = (1 / fitted).sum(axis=-1)
        return cls(counts[..., WHOLE], expected, fitted, information)

    @property
    def z(self) -> Floats:
        """How far beyond its pairs, in standard errors: the score test of the interaction."""
        known = np.isfinite(self.information)
        root = np.sqrt(np.where(known, self.information, 0.0))
        return np.where(known, (self.together - self.expected) * root, np.nan)

    @property
    def pull(self) -> Floats:
        """What one more order in each cell adds to ``together - expected``."""
        known = np.isfinite(self.information)
        information = np.where(known, self.information, 1.0)[..., None]
        weight = np.where(known[..., None], self.fitted * information, np.inf)
        return _SIGN / weight


def cells_of(
    orders: int, single: Floats, pairs: Floats, together: npt.ArrayLike
) -> npt.NDArray[np.float64]:
    """Return the eight cells from how many orders hold what.

    Parameters
    ----------
    orders
        All orders.
    single
        sets x 3: orders with the first, the second, the third.
    pairs
        sets x 3: with the first and second, first and third, second and third.
    together
        With all three.
    """
    t = np.asarray(together, dtype=float)
    a, b, c = single.T
    ab, ac, bc = pairs.T
    cells = [
        orders - a - b - c + ab + ac + bc - t,
        a - ab - ac + t, b - ab - bc + t, ab - t,
        c - ac - bc + t, ac - t, bc - t, t,
    ]  # fmt: skip
    return np.stack(cells, axis=-1)


def _moved(counts: Floats, together: Floats) -> Floats:
    """Return the cells with so many orders together, all pairs as they were."""
    return counts - _SIGN * (counts[..., WHOLE] - together)[..., None]


def _interaction(cells: Floats) -> Floats:
    """Return what has the sign of the three-factor interaction: 0 where any answer is allowed."""
    above = np.maximum(cells, 0.0)
    return above[..., _SIGN > 0].prod(axis=-1) - above[..., _SIGN < 0].prod(axis=-1)
