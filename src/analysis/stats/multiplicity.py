"""Telling a few real differences from the many that a long search turns up.

Several arms against one control, and several measures: keeping chance finds rare.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from analysis.stats.types import Floats


def two_sided_p(z: npt.ArrayLike) -> Floats:
    """Return the two-sided normal p-value of each ``z``; NaN stays NaN."""
    from scipy.special import ndtr

    return np.asarray(2 * ndtr(-np.abs(np.asarray(z, dtype=float))))


def q_values(p_values: npt.ArrayLike) -> Floats:
    """Return the false discovery rate at which each p-value would be called a discovery.

    Benjamini and Hochberg (1995), J. R. Statist. Soc. B 57(1), adjusted p-values over everything
    that was searched. NaN means not searched: it stays NaN and does not count.
    """
    p = np.asarray(p_values, dtype=float)
    q = np.full(p.shape, np.nan)
    searched = np.flatnonzero(~np.isnan(p))
    order = searched[np.argsort(p[searched], kind="stable")]
    m = len(order)
    if m:
        raw = p[order] * m / np.arange(1, m + 1)
        q[order] = np.minimum(np.minimum.accumulate(raw[::-1])[::-1], 1.0)
    return q


def selected_confidence(q: npt.ArrayLike, *, fdr: float, most: int | None = None) -> float:
    """Return the confidence at which to draw the intervals of what was discovered.

    Intervals of estimates picked for being large miss too often. Drawn at 1 - fdr x discoveries /
    searched, a share ``fdr`` of them at most is expected to miss, and an interval leaves zero out
    where its q-value is at most ``fdr``: Benjamini and Yekutieli (2005), J. Am. Statist. Assoc.
    100(469), section 3. Without a discovery it is 1 - fdr. Where only the ``most`` surest get an
    interval, these are what was picked.
    """
    q = np.asarray(q, dtype=float)
    searched, found = int(np.sum(~np.isnan(q))), int(np.sum(q <= fdr))
    found = found if most is None else min(found, most)
    return 1 - fdr * (found / searched if found else 1.0)


def bonferroni(confidence: float, comparisons: int) -> float:
    """Return the confidence of each of several intervals that hold all at once with ``confidence``.

    Notes
    -----
    Bonferroni: whatever hangs together among them.
    """
    return 1 - (1 - confidence) / max(comparisons, 1)


def normal_quantile(confidence: float) -> float:
    """Return how many standard errors a two-sided interval reaches to either side."""
    from scipy.special import ndtri

    return float(ndtri(0.5 + confidence / 2))


def student_quantile(confidence: float, degrees: npt.ArrayLike) -> Floats:
    """Return Student's quantile of a two-sided interval; the normal's for infinite degrees."""
    from scipy.special import ndtri, stdtrit

    degrees = np.asarray(degrees, dtype=float)
    finite = np.where(np.isfinite(degrees), degrees, 1e6)
    t = stdtrit(finite, 0.5 + confidence / 2)
    return np.asarray(np.where(np.isfinite(degrees), t, ndtri(0.5 + confidence / 2)))


_NODES = 64


def dunnett_p(statistics: npt.ArrayLike, weights: npt.ArrayLike, degrees: float = np.inf) -> Floats:
    """Return p-values corrected for comparing every arm with the same control.

    Parameters
    ----------
    statistics
        Differences over their standard errors; last axis by arm.
    weights
        Root of the control's part in the variance of each difference; the correlation of two
        differences is the product of theirs.
    degrees
        Degrees of freedom that the standard errors share.

    Notes
    -----
    The chance that the largest of the correlated statistics is as large: Dunnett (1955), J. Am.
    Statist. Assoc. 50, 1096-1121, for unequal arms and variances as in Hothorn, Bretz and
    Westfall (2008), Biometrical Journal 50(3), 346-363. Given the control's share all differences
    are independent, which leaves an integral over one (and the variance's) dimension.
    """
    t = np.abs(np.asarray(statistics, dtype=float))
    weights = np.broadcast_to(np.asarray(weights, dtype=float), t.shape)
    inside = [_all_below(t[..., i], weights, degrees) for i in range(t.shape[-1])]
    return np.clip(1 - np.stack(inside, -1), 0.0, 1.0)


def dunnett_quantile(
    weights: npt.ArrayLike, *, confidence: float, degrees: float = np.inf
) -> float:
    """Return how many standard errors intervals that hold for all arms at once reach."""
    from scipy.optimize import brentq

    if len(np.atleast_1d(weights)) == 1:
        return float(student_quantile(confidence, degrees))
    w = np.asarray(weights, dtype=float)
    return float(brentq(lambda c: _all_below(np.array(c), w, degrees) - confidence, 0.5, 60.0))


def _all_below(limit: Floats, weights: Floats, degrees: float) -> Floats:
    """Return the chance that all statistics stay within ``limit``; ``limit`` of any shape."""
    scales, chances = _scales(degrees)
    scaled = limit[..., None] * scales
    return np.sum(_normal_below(scaled, weights[..., None, :]) * chances, -1)


@cache
def _scales(degrees: float) -> tuple[Floats, Floats]:
    """Return values of the estimated over the true standard error, and their chances."""
    from scipy.special import chdtri

    if not np.isfinite(degrees) or degrees > 5_000:
        return np.ones(1), np.ones(1)
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    u = (nodes + 1) / 2
    return np.sqrt(chdtri(degrees, 1 - u) / degrees), weights / 2


@cache
def _normal_nodes() -> tuple[Floats, Floats]:
    nodes, chances = np.polynomial.hermite_e.hermegauss(_NODES)
    return nodes, chances


def _normal_below(limit: Floats, weights: Floats) -> Floats:
    from scipy.special import ndtr

    nodes, chances = _normal_nodes()
    own = np.sqrt(np.maximum(1 - weights**2, 1e-12))[..., None]
    shift = weights[..., None] * nodes
    edge = limit[..., None, None]
    within = ndtr((edge - shift) / own) - ndtr((-edge - shift) / own)
    return np.sum(np.prod(within, -2) * chances, -1) / np.sqrt(2 * np.pi)


def holm(p_values: npt.ArrayLike) -> Floats:
    """Return p-values corrected for all of them (Holm 1979, Scand. J. Statist. 6, 65-70).

    NaN was not tested: it stays NaN and does not count.
    """
    p = np.asarray(p_values, dtype=float)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    factor = len(order) - np.arange(len(order))
    found = np.full(p.shape, np.nan)
    found[order] = np.minimum(np.maximum.accumulate(p[order] * factor), 1.0) if len(order) else []
    return found
