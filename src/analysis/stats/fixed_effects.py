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

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from analysis.errors import AnalysisError, NotApplicable
from analysis.stats.types import Floats, Integers

_MOST_STEPS, _CLOSE = 100, 1e-12

_Codes = tuple[Integers, Integers]
_Sums = tuple[csr_array, csr_array]


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
    summed = _summing(unit), _summing(time)
    swept, scratch = np.empty((2, len(units), terms.shape[1] + 1))
    for _ in range(_MOST_STEPS):
        working = index + (units - mean) / mean
        swept[:, 0], swept[:, 1:] = working, terms
        _sweep(swept, scratch, mean, (unit, time), summed)
        target, within = swept[:, 0], swept[:, 1:]
        cross = within.T @ (within * mean[:, None])
        if np.linalg.matrix_rank(cross) < terms.shape[1]:
            raise NotApplicable("What is compared does not vary within products, stores and weeks.")
        coefficients = np.linalg.solve(cross, within.T @ (target * mean))
        index = np.clip(working - (target - within @ coefficients), -50, 50)
        mean = np.exp(index)
        deviance = float((mean - units * index).sum())
        if abs(deviance - before) < _CLOSE * (abs(deviance) + 1):
            return mean, within, coefficients
        before = deviance
    raise AnalysisError("The regression with fixed effects did not settle.")


def _summing(codes: Integers) -> csr_array:
    """Return the matrix that sums rows by code, in their order."""
    ends = np.append(0, np.cumsum(np.bincount(codes)))
    return csr_array((np.ones(len(codes)), np.argsort(codes, kind="stable"), ends))


def _sweep(columns: Floats, scratch: Floats, weights: Floats, codes: _Codes, sums: _Sums) -> None:
    """Leave of every column what weighted regression on both sets of effects leaves.

    Units are many and solved for one by one; what is left are equations in the times only, one
    time of each group of units and times that hang together being fixed at zero.
    """
    unit, time = codes
    both = csr_array((weights, codes))
    each = 1 / np.bincount(unit, weights)
    scaled = both.multiply(each[:, None]).tocsr()
    linked = (both.T @ scaled).tocsr()
    _, group = connected_components(linked, directed=False)
    free = np.setdiff1d(np.arange(len(group)), np.unique(group, return_index=True)[1])
    np.multiply(columns, weights[:, None], out=scratch)
    by_unit, by_time = (each_sum @ scratch for each_sum in sums)
    level = np.zeros_like(by_time)
    if len(free):
        equations = np.diag(np.bincount(time, weights)) - linked.toarray()
        known = by_time - scaled.T @ by_unit
        level[free] = np.linalg.solve(equations[np.ix_(free, free)], known[free])
    base = (by_unit - both @ level) * each[:, None]
    for effects, code in ((level, time), (base, unit)):
        columns -= np.take(effects, code, axis=0, out=scratch, mode="clip")


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
