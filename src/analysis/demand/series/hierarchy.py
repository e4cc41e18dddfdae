"""Which series add up to which: the structure that coherent forecasts must keep.

Forecasts that add up: bottom-up, and the minimum trace combination of all levels.

Wickramasuriya, Athanasopoulos and Hyndman (2019), J. Am. Statist. Assoc. 114(526): the coherent
forecasts closest to the incoherent ones, distance counted in each series' forecast error. With
the bottom series held at or above zero: Wickramasuriya, Turlach and Hyndman (2020), Statistics and
Computing 30, here by block principal pivoting (Kim and Park 2011, SIAM J. Sci. Comput. 33(6)).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.demand.series.sales_series import ADDITIVE, Series, level_name
from analysis.errors import ParamsError

if TYPE_CHECKING:
    from analysis.demand.series.sales_series import Level


@dataclass(frozen=True)
class Hierarchy:
    """Sums of the bottom series.

    Parameters
    ----------
    matrix
        One row a series, one column a bottom series: 1 where it is part of the sum.
    bottom
        Row of each bottom series.
    """

    matrix: np.ndarray
    bottom: np.ndarray

    def add_up(self, bottom: np.ndarray) -> np.ndarray:
        """Return every series as the sum of its bottom series, exact to the cent."""
        cents = np.rint(np.asarray(bottom) * 100).astype(np.int64)
        return np.asarray((self.matrix.astype(np.int64) @ cents) / 100)


def build(series: Series, levels: tuple[Level, ...]) -> Hierarchy:
    """Return the hierarchy of ``series``, whose last level is the bottom one.

    Raises
    ------
    ParamsError
        If the measure does not add up, or a level's columns are not among the bottom's.
    """
    if series.measure not in ADDITIVE:
        raise ParamsError(f"{series.measure} of parts do not add up to the whole's")
    floor = levels[-1]
    for level in levels:
        if not set(level) <= set(floor):
            raise ParamsError(f"{level_name(level)} is not made of {level_name(floor)}")
    bottom = np.flatnonzero(series.keys["level"] == level_name(floor))
    names = series.keys.iloc[bottom]
    rows = [_members(row, names, levels) for _, row in series.keys.iterrows()]
    return Hierarchy(np.array(rows, dtype=float), bottom)


def _members(row: pd.Series, bottom: pd.DataFrame, levels: tuple[Level, ...]) -> np.ndarray:
    level = next(level for level in levels if level_name(level) == row["level"])
    inside = np.ones(len(bottom), dtype=bool)
    for column in level:
        inside &= np.asarray(bottom[column] == row[column])
    return inside


#: Times its weight that a series counts which keeps its forecast.
_HELD = 1e6

#: Exchanges of active and passive set before the slow, sure solver takes over.
_MOST_PIVOTS = 30


def bottom_up(forecasts: np.ndarray, hierarchy: Hierarchy) -> np.ndarray:
    """Return the bottom series' forecasts (series x horizon), summed up, never below zero."""
    bottom = np.nan_to_num(forecasts[hierarchy.bottom])
    return hierarchy.add_up(np.maximum(bottom, 0.0))


def minimum_trace(
    forecasts: np.ndarray,
    hierarchy: Hierarchy,
    *,
    variances: np.ndarray | None = None,
    free: np.ndarray | None = None,
    held: np.ndarray | None = None,
) -> np.ndarray:
    """Return the coherent forecasts closest to ``forecasts``, adding up to the cent.

    Parameters
    ----------
    forecasts
        Series x horizon; a series not yet sold is NaN and counts as zero.
    hierarchy
        What adds up to what.
    variances
        Variance of each series' forecast errors (the diagonal of MinTrace's W, "variance
        scaling"); where missing or zero, and by default, the number of bottom series in each
        sum ("structural scaling").
    free
        Bottom series that may be negative; None for none.
    held
        Series that keep their forecast, as far as the bottom allows; None for none.
    """
    base = np.nan_to_num(forecasts)
    weight = 1 / _variances(hierarchy, variances)
    weight = weight if held is None else np.where(held, _HELD * weight, weight)
    matrix = hierarchy.matrix
    normal = _Normal.of(hierarchy, weight)
    target = matrix.T @ (weight[:, None] * base)
    bottom = normal.solve(target, np.ones(len(target), dtype=bool))
    free = np.zeros(len(bottom), dtype=bool) if free is None else free
    passive = None
    for column in np.flatnonzero((bottom < 0)[~free].any(axis=0)):
        start = (bottom[:, column] >= 0) | free if passive is None else passive
        bottom[:, column], passive = _not_negative(normal, target[:, column], start, free)
    bottom[~free] = np.maximum(bottom[~free], 0.0)
    return hierarchy.add_up(bottom)


def _variances(hierarchy: Hierarchy, variances: np.ndarray | None) -> np.ndarray:
    parts = hierarchy.matrix.sum(axis=1)
    if variances is None:
        return np.asarray(parts)
    known = np.isfinite(variances) & (variances > 0)
    if not known.any():
        return np.asarray(parts)
    per_part = np.median(variances[known] / parts[known])
    return np.where(known, variances, parts * per_part)


@dataclass(frozen=True)
class _Normal:
    """The normal equations of MinTrace: a diagonal (the bottom) and few columns (the sums).

    Solved by Woodbury's identity, so that hundreds of bottom series cost what a few sums do.
    """

    diagonal: np.ndarray
    sums: np.ndarray
    weight: np.ndarray

    @classmethod
    def of(cls, hierarchy: Hierarchy, weight: np.ndarray) -> _Normal:
        upper = np.ones(len(weight), dtype=bool)
        upper[hierarchy.bottom] = False
        return cls(weight[hierarchy.bottom], hierarchy.matrix[upper].T, weight[upper])

    def solve(self, target: np.ndarray, inside: np.ndarray) -> np.ndarray:
        """Return the solution with the rows not ``inside`` held at zero."""
        sums, diagonal = self.sums[inside], self.diagonal[inside]
        part = target[inside] if target.ndim == 2 else target[inside, None]
        plain, scaled = part / diagonal[:, None], sums / diagonal[:, None]
        core = np.diag(1 / self.weight) + sums.T @ scaled
        found = np.zeros((len(inside), part.shape[1]))
        found[inside] = plain - scaled @ np.linalg.solve(core, sums.T @ plain)
        return found if target.ndim == 2 else found[:, 0]

    def times(self, bottom: np.ndarray) -> np.ndarray:
        return np.asarray(
            self.diagonal * bottom + self.sums @ (self.weight * (self.sums.T @ bottom))
        )

    def full(self) -> np.ndarray:
        return np.asarray(np.diag(self.diagonal) + (self.sums * self.weight) @ self.sums.T)


def _not_negative(
    normal: _Normal, target: np.ndarray, passive: np.ndarray, free: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Solve the quadratic programme with the bottom series not free at or above zero.

    Returns the solution and which series are not held at zero, a start for the next.
    """
    for _ in range(_MOST_PIVOTS):
        bottom = normal.solve(target, passive)
        gradient = normal.times(bottom) - target
        slack = 1e-9 * max(float(np.abs(target).max()), 1.0)
        negative = passive & ~free & (bottom < -1e-9 * max(float(np.abs(bottom).max()), 1e-12))
        wanted = ~passive & (gradient < -slack)
        if not negative.any() and not wanted.any():
            return bottom, passive
        passive = (passive & ~negative) | wanted
    return _surely(normal.full(), target, free), passive


def _surely(normal: np.ndarray, target: np.ndarray, free: np.ndarray) -> np.ndarray:
    from scipy.optimize import lsq_linear

    root = np.linalg.cholesky(normal).T
    low = np.where(free, -np.inf, 0.0)
    found = lsq_linear(root, np.linalg.solve(root.T, target), bounds=(low, np.inf))
    return np.asarray(np.maximum(found.x, low))
