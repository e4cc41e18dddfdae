"""Poisson regression with two sets of fixed effects, and errors robust to clusters.

Units sold are counts, most of them zero, and what moves them multiplies: the pseudo maximum
likelihood of Poisson is right for any such mean, whatever the variance.

References
----------
Hausman, Hall, Griliches (1984), Econometrica 52(4): fixed effects in Poisson regression.
Gourieroux, Monfort, Trognon (1984), Econometrica 52(3): right for any distribution with that mean.
Correia, Guimaraes, Zylkin (2020), Stata Journal 20(1), section 3: fixed effects taken out of the
weighted regression of every step.
Cameron, Gelbach, Miller (2011), Journal of Business and Economic Statistics 29(2): clusters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array
from scipy.sparse.csgraph import connected_components

from analysis.errors import AnalysisError, NotApplicable
from analysis.stats.types import Floats, Integers

_MOST_STEPS, _CLOSE = 100, 1e-12


@dataclass(frozen=True)
class Fit:
    """Coefficients of a regression with fixed effects.

    Parameters
    ----------
    coefficients, errors
        Logarithms of factors, and their cluster-robust standard errors.
    covariance
        Of the coefficients.
    clusters
        Number of clusters; intervals take Student's t with one degree of freedom less.
    cells
        Cells that were used.
    """

    coefficients: Floats
    errors: Floats
    covariance: Floats
    clusters: int
    cells: int

    def quantile(self, confidence: float) -> float:
        """Return how many standard errors an interval reaches to either side."""
        from scipy.stats import t

        return float(t.ppf(0.5 + confidence / 2, max(self.clusters - 1, 1)))


def poisson(units: Floats, terms: Floats, unit: Integers, time: Integers, cluster: Integers) -> Fit:
    """Fit the logarithm of expected units on ``terms``, a level a unit and one a time.

    Parameters
    ----------
    units
        Counts by cell, at least zero.
    terms
        Cells x regressors.
    unit, time
        Codes from 0 of the two sets of fixed effects, such as product in store, and week.
    cluster
        Codes from 0 of the clusters that errors may share.

    Raises
    ------
    NotApplicable
        If no regressor varies within units and times, or if there is only one cluster.
    """
    used = _informative(units, unit, time)
    units, terms = units[used], terms[used]
    unit, time, cluster = (_codes(c[used]) for c in (unit, time, cluster))
    if not len(units) or cluster.max() < 1:
        raise NotApplicable("Too few products and stores sold enough to tell.")
    mean, within, coefficients = _solved(units, terms, unit, time)
    weighted = within * mean[:, None]
    bread = np.linalg.inv(within.T @ weighted)
    clusters = int(cluster.max()) + 1
    scores = within * (units - mean)[:, None]
    sums = np.column_stack([np.bincount(cluster, s, clusters) for s in scores.T])
    scale = clusters / (clusters - 1)
    covariance = scale * bread @ (sums.T @ sums) @ bread
    return Fit(coefficients, np.sqrt(np.diag(covariance)), covariance, clusters, len(units))


def _solved(
    units: Floats, terms: Floats, unit: Integers, time: Integers
) -> tuple[Floats, Floats, Floats]:
    """Return fitted means, terms within, and coefficients, by weighted least squares steps."""
    mean, before = (units + units.mean()) / 2, np.inf
    index = np.log(mean)
    panel = _Panel.of(terms, unit, time)
    for _ in range(_MOST_STEPS):
        working = index + (units - mean) / mean
        base, level, whole, cross = panel.swept(mean, working)
        if not _varies(whole[1:, 1:], cross[1:, 1:]):
            raise NotApplicable("What is compared does not vary within products, stores and weeks.")
        coefficients = np.asarray(np.linalg.solve(cross[1:, 1:], cross[1:, 0]), dtype=float)
        blend = np.append(1.0, -coefficients)
        index = panel.terms @ coefficients + (base @ blend)[unit] + (level @ blend)[time]
        index = np.clip(index, -50, 50, out=index)
        mean = np.exp(index)
        deviance = float((mean - units * index).sum())
        if abs(deviance - before) < _CLOSE * (abs(deviance) + 1):
            return mean, terms - base[unit, 1:] - level[time, 1:], coefficients
        before = deviance
    raise AnalysisError("The regression with fixed effects did not settle.")


class _Panel(NamedTuple):
    """What stays the same from step to step; of the terms only what is not zero is added up."""

    unit: Integers
    time: Integers
    terms: csc_array
    cells: csr_array  # units x times
    pair: Integers  # which of ``cells`` every row belongs to
    groups: list[tuple[NDArray[Any], ...]]  # times that hang together; cells, rows, columns

    @classmethod
    def of(cls, terms: Floats, unit: Integers, time: Integers) -> _Panel:
        """Return the panel of some cells."""
        shape = int(unit.max()) + 1, int(time.max()) + 1
        known, pair = np.unique(unit * shape[1] + time, return_inverse=True)
        ends = np.searchsorted(known, np.arange(shape[0] + 1) * shape[1])
        cells = csr_array((np.ones(len(known)), known % shape[1], ends), shape)
        _, group = connected_components(cells.T @ cells, directed=False)
        order = np.argsort(group, kind="stable")
        groups: list[tuple[NDArray[Any], ...]] = []
        for times in np.split(order, np.flatnonzero(np.diff(group[order])) + 1):
            own = np.flatnonzero(group[cells.indices] == group[times[0]])
            row = _codes(np.searchsorted(ends, own, side="right"))
            groups.append((times, own, row, np.searchsorted(times, cells.indices[own])))
        return cls(unit, time, csc_array(terms), cells, pair, groups)

    def swept(self, weights: Floats, working: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Sweep both sets of effects out of the working values and the terms, by sums alone.

        Units are many and solved for one by one; what is left are equations in the times only.
        Returned are the effects of units and of times in each column, working values first, and
        the columns' weighted products before and after.
        """
        both = self.cells.copy()
        both.data = np.bincount(self.pair, weights)
        of_unit, of_time = (np.bincount(codes, weights) for codes in (self.unit, self.time))
        roots = both.data / np.sqrt(np.repeat(of_unit, np.diff(both.indptr)))
        by_unit, by_time = (self._sums(c, weights, working) for c in (self.unit, self.time))
        known = by_time - both.T @ (by_unit / of_unit[:, None])
        level = np.zeros_like(by_time)
        for times, own, row, column in self.groups:  # the first of a group is fixed at zero
            block = np.zeros((row[-1] + 1, len(times)))
            block[row, column] = roots[own]
            equations = (np.diag(of_time[times]) - block.T @ block)[1:, 1:]
            level[times[1:]] = np.linalg.solve(equations, known[times[1:]])
        base = (by_unit - both @ level) / of_unit[:, None]
        weighted = self.terms.copy()
        weighted.data = self.terms.data * weights[self.terms.indices]
        of_terms, cross = (self.terms.T @ weighted).toarray(), weighted.T @ working
        whole = np.vstack([np.r_[weights * working @ working, cross], np.c_[cross, of_terms]])
        return base, level, whole, whole - by_unit.T @ base - by_time.T @ level

    def _sums(self, codes: Integers, weights: Floats, working: Floats) -> Floats:
        """Return the weighted sums of the working values and of each term by code."""
        rows, k, size = self.terms.indices, self.terms.shape[1], int(codes.max()) + 1
        place = codes[rows] * k + np.repeat(np.arange(k), np.diff(self.terms.indptr))
        sums = np.bincount(place, self.terms.data * weights[rows], size * k).reshape(size, k)
        return np.column_stack([np.bincount(codes, weights * working), sums])


def _varies(whole: Floats, left: Floats) -> bool:
    """Tell whether no term is, within units and times, nothing or a sum of others."""
    scale = np.sqrt(np.maximum(np.diag(whole), 1e-300))
    rank = np.linalg.matrix_rank(left / np.outer(scale, scale), tol=1e-10, hermitian=True)
    return bool(rank == len(left))


def _informative(units: Floats, unit: Integers, time: Integers) -> NDArray[np.bool_]:
    """Leave out units and times that sold nothing: their level is zero whatever the terms."""
    used = np.ones(len(units), bool)
    while True:
        kept = used.copy()
        for codes in (unit, time):
            sold = np.bincount(codes, units * kept, minlength=int(codes.max(initial=0)) + 1)
            kept &= sold[codes] > 0
        if (kept == used).all():
            return used
        used = kept


def _codes(values: Integers) -> Integers:
    return np.unique(values, return_inverse=True)[1].astype(np.int64)
