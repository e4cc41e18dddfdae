"""Those who take part against like others: like in what they bought before.

Customers are set into cells of equal history; within each cell those who take part are compared
with those who do not, and the cells are weighted by those who take part (exact matching on
coarsened values: Iacus, King and Porro 2012, Political Analysis 20(1)). What the history does not
show stays in the difference: it is selection, not an effect.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.stats.multiplicity import normal_quantile
from analysis.stats.sizes import FEWEST_OF_A_SIDE
from analysis.stats.types import Floats

#: Groups that a history of numbers is cut into, by size.
PARTS = 8


@dataclass(frozen=True)
class Matched:
    """A group against all others, and against like others.

    Parameters
    ----------
    customers, others
        Of the group, and all others.
    matched
        Of the group that have like others.
    group_mean, others_mean
        Mean outcome.
    plain, plain_low, plain_high
        Difference of the means.
    difference, low, high
        Difference to like others.
    like_mean
        Mean outcome of the like others, weighted as the group.
    """

    customers: int
    others: int
    matched: int
    group_mean: float
    others_mean: float
    plain: float
    plain_low: float
    plain_high: float
    difference: float
    low: float
    high: float
    like_mean: float


def compare(
    group: pd.Series, outcome: pd.Series, history: pd.DataFrame, *, confidence: float = 0.95
) -> Matched:
    """Compare a group with all others and with like others.

    Parameters
    ----------
    group
        Whether each customer belongs to it.
    outcome
        What is compared.
    history
        What makes customers alike; numbers are cut into groups of equal size.
    confidence
        Of the intervals.

    Raises
    ------
    NotApplicable
        If either side, or what of the group has like others, is too small.
    """
    inside, values = group.to_numpy(bool), outcome.to_numpy(float)
    _require(int(inside.sum()), int((~inside).sum()))
    cell = _cells(history)
    own, other = (_moments(cell, values, side) for side in (inside, ~inside))
    used = (own[0] > 0) & (other[0] > 1)
    count = own[0][used]
    _require(int(count.sum()), int(other[0][used].sum()))
    weight = count / count.sum()
    gap = own[1][used] - other[1][used]
    variance = (weight**2 * other[2][used] / other[0][used]).sum()
    # Cells with one of the group have no spread of their own: the pooled one stands for it.
    pooled = _pooled(own, used)
    spread = np.where(count > 1, own[2][used], pooled)
    variance += (weight**2 * spread / count).sum()
    z = normal_quantile(confidence)
    difference, reach = float((weight * gap).sum()), z * float(np.sqrt(variance))
    one, two = values[inside], values[~inside]
    plain = float(one.mean() - two.mean())
    wide = z * float(np.sqrt(one.var(ddof=1) / len(one) + two.var(ddof=1) / len(two)))
    return Matched(
        len(one), len(two), int(count.sum()), float(one.mean()), float(two.mean()),
        plain, plain - wide, plain + wide, difference, difference - reach, difference + reach,
        float((weight * other[1][used]).sum()),
    )  # fmt: skip


def _require(inside: int, outside: int) -> None:
    if min(inside, outside) < FEWEST_OF_A_SIDE:
        raise NotApplicable(
            f"{inside} customers of the group and {outside} others can be compared; "
            f"{FEWEST_OF_A_SIDE} of either are needed."
        )


def _cells(history: pd.DataFrame) -> np.ndarray:
    """Return the number of each customer's cell."""
    parts = {name: _coarse(history[name]) for name in history.columns}
    return pd.DataFrame(parts).groupby(list(parts), dropna=False).ngroup().to_numpy()


def _coarse(column: pd.Series) -> pd.Series:
    if not pd.api.types.is_numeric_dtype(column) or column.nunique() <= PARTS:
        return column.astype(str)
    return pd.qcut(column.rank(method="average"), PARTS, labels=False, duplicates="drop")


def _moments(cell: np.ndarray, values: Floats, side: np.ndarray) -> tuple[Floats, Floats, Floats]:
    """Return count, mean and variance of the outcome by cell."""
    size = int(cell.max()) + 1
    count = np.bincount(cell[side], minlength=size).astype(float)
    total = np.bincount(cell[side], values[side], minlength=size)
    mean = np.divide(total, count, out=np.zeros(size), where=count > 0)
    squares = np.bincount(cell[side], (values[side] - mean[cell[side]]) ** 2, minlength=size)
    return count, mean, np.divide(squares, count - 1, out=np.zeros(size), where=count > 1)


def _pooled(moments: tuple[Floats, Floats, Floats], used: np.ndarray) -> float:
    count, _, variance = (part[used] for part in moments)
    free = (count - 1).clip(min=0)
    return float((free * variance).sum() / free.sum()) if free.sum() > 0 else 0.0
