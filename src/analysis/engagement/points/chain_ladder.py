"""The chain ladder with Mack's error: what a vintage will come to, from how the older ones did.

Mack (1993), ASTIN Bulletin 23(2), 213-225. Rows are vintages, columns ages; what has not been
seen yet is NaN. The error of the total holds what the vintages share, the estimated factors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.stats.types import Floats


@dataclass(frozen=True)
class Projection:
    """What each vintage comes to.

    Parameters
    ----------
    latest
        Last value seen of each vintage.
    ultimate
        Value expected at the last age.
    covariance
        Of the errors of the ultimates: vintages share the estimated factors still ahead of both.
    factors
        Growth from each age to the next.
    """

    latest: Floats
    ultimate: Floats
    covariance: Floats
    factors: Floats

    @property
    def error(self) -> Floats:
        """Standard error of each ultimate."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))

    def total_error(self, chosen: np.ndarray | None = None) -> float:
        """Return the standard error of the sum over the ``chosen`` vintages, or over all."""
        weights = np.ones(len(self.latest)) if chosen is None else chosen.astype(float)
        return float(np.sqrt(weights @ self.covariance @ weights))


def project(triangle: Floats, *, recent: int | None = None) -> Projection:
    """Project a triangle of cumulative values.

    Parameters
    ----------
    triangle
        Vintages x ages, oldest first; each row is known up to some age, NaN after. Every age
        must be known for one vintage at least.
    recent
        Steps that were taken so many periods ago at most tell the growth; None takes all.
    """
    known = ~np.isnan(triangle)
    age = known.sum(axis=1) - 1
    latest = triangle[np.arange(len(triangle)), age]
    both = known[:, 1:]
    if recent is not None:
        row, step = np.indices(both.shape)
        both = both & (row + step + 1 >= len(triangle) - recent)
    factors, sums = _factors(triangle, both)
    variances = _variances(triangle, both, factors)
    full = triangle.copy()
    for column in range(triangle.shape[1] - 1):
        ahead = full[:, column] * factors[column]
        full[:, column + 1] = np.where(known[:, column + 1], triangle[:, column + 1], ahead)
    ultimate = full[:, -1]
    relative = np.divide(variances, factors**2, out=np.zeros_like(variances), where=factors > 0)
    covariance = _covariance(full, age, relative, sums)
    return Projection(latest, ultimate, covariance, factors)


def _factors(triangle: Floats, both: np.ndarray) -> tuple[Floats, Floats]:
    """Return growth by age, and the sum of what each was estimated from."""
    before = np.where(both, triangle[:, :-1], 0.0).sum(axis=0)
    after = np.where(both, triangle[:, 1:], 0.0).sum(axis=0)
    return np.divide(after, before, out=np.ones_like(after), where=before > 0), before


def _variances(triangle: Floats, both: np.ndarray, factors: Floats) -> Floats:
    """Return the variance parameter by age; where one vintage is left, by Mack's rule."""
    both = both & (np.nan_to_num(triangle[:, :-1]) > 0)
    before = np.where(both, triangle[:, :-1], 1.0)
    ratio = np.where(both, np.nan_to_num(triangle[:, 1:]) / before, 0.0)
    squares = np.where(both, before * (ratio - factors) ** 2, 0.0).sum(axis=0)
    free = both.sum(axis=0) - 1
    found = np.divide(squares, free, out=np.zeros_like(squares), where=free > 0)
    for step in np.flatnonzero(free <= 0):
        one, two = (float(found[step - k]) if step >= k else 0.0 for k in (1, 2))
        found[step] = min(one**2 / two, one, two) if two > 0 else 0.0
    return found


def _squared_errors(full: Floats, age: np.ndarray, relative: Floats, sums: Floats) -> Floats:
    """Return Mack's squared error of each ultimate: chance ahead, and that of the factors."""
    steps = np.arange(full.shape[1] - 1)
    ahead = steps >= age[:, None]
    values = np.where(full[:, :-1] > 0, full[:, :-1], np.inf)
    inside = np.where(ahead, relative * (1 / values + _inverse(sums)), 0.0)
    return np.asarray(full[:, -1] ** 2 * inside.sum(axis=1))


def _covariance(full: Floats, age: np.ndarray, relative: Floats, sums: Floats) -> Floats:
    """Return Mack's squared errors, and beside them what the estimated factors share."""
    shared = np.append(np.cumsum((relative * _inverse(sums))[::-1])[::-1], 0.0)
    ultimate, older = full[:, -1], np.maximum(age[:, None], age[None, :])
    found = ultimate[:, None] * ultimate[None, :] * shared[older]
    np.fill_diagonal(found, _squared_errors(full, age, relative, sums))
    return np.asarray(found)


def _inverse(sums: Floats) -> Floats:
    return np.divide(1.0, sums, out=np.zeros_like(sums), where=sums > 0)
