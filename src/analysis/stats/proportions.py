"""Shares of customers, such as conversion, and their differences, right for small counts too.

What chance alone would give: exact tests of a table of two by two, all rows at once. Shares whose
trials come in clusters, as visits of one visitor do, and differences within strata.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.stats.multiplicity import normal_quantile, two_sided_p
from analysis.stats.types import Floats

_HALVINGS = 60


def wilson_interval(
    hits: npt.ArrayLike, trials: npt.ArrayLike, *, confidence: float = 0.95
) -> tuple[Floats, Floats]:
    """Return the ends of Wilson's score interval of a share; NaN without trials.

    Wilson (1927), J. Am. Statist. Assoc. 22, 209-212. Single numbers come back as arrays of one.
    """
    k, n = _arrays(hits, trials)
    return _wilson(k, n, normal_quantile(confidence))


def _wilson(x: Floats, n: Floats, z: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Return Wilson's interval that reaches ``z`` standard errors to either side."""
    z, n = np.asarray(z, dtype=float), np.where(n > 0, n, np.nan)
    p, whole = x / n, 1 + z**2 / n
    middle = (p + z**2 / (2 * n)) / whole
    reach = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / whole
    # At the ends the two terms are equal, and their rounding must not lead out of 0 to 1.
    return np.where(x == 0, 0.0 * n, middle - reach), np.where(x == n, 1.0, middle + reach)


def corrected_share(
    found: npt.ArrayLike,
    of: npt.ArrayLike,
    errors: tuple[int, int, int, int],
    *,
    confidence: float = 0.95,
) -> tuple[Floats, Floats, Floats]:
    """Return a share found by an imperfect test, corrected for what it misses and what it makes up.

    Parameters
    ----------
    found, of
        Cases that the test called, of how many.
    errors
        On cases whose truth is known: called rightly and number of true cases (sensitivity), left
        alone rightly and number of others (specificity).

    Returns
    -------
    tuple
        Share, low, high, between 0 and 1; NaN where the test tells no better than chance.

    References
    ----------
    Rogan and Gladen (1978), Estimating prevalence from the results of a screening test, American
    Journal of Epidemiology 107(1), 71-76; Lang and Reiczigel (2014), Confidence limits for
    prevalence of disease adjusted for estimated sensitivity and specificity, Preventive Veterinary
    Medicine 113(1), 13-22 (interval).
    """
    x, n = _arrays(found, of)
    hit, ill, passed, well = errors
    z = normal_quantile(confidence)
    q = (x + z**2 / 2) / (n + z**2)
    n = n + z**2
    sure, clear = (hit + 1) / (ill + 2), (passed + 1) / (well + 2)
    told = sure + clear - 1
    if not told > 0:
        nothing = np.full(len(x), np.nan)
        return nothing, nothing, nothing
    share = (q + clear - 1) / told
    spread = (
        q * (1 - q) / n
        + share**2 * sure * (1 - sure) / (ill + 2)
        + (1 - share) ** 2 * clear * (1 - clear) / (well + 2)
    ) / told**2
    shift = (
        2
        * z**2
        * (share * sure * (1 - sure) / (ill + 2) - (1 - share) * clear * (1 - clear) / (well + 2))
    )
    reach = z * np.sqrt(spread)
    low, high = (np.clip(share + shift + side * reach, 0, 1) for side in (-1, 1))
    # Where the correction leads beyond 0 or 1 the cases differ from those of the errors: then the
    # ends go at least as far as those of the share as it was found.
    least, most = wilson_interval(found, of, confidence=confidence)
    low = np.where(share + shift + reach > 1, np.minimum(low, least), low)
    high = np.where(share + shift - reach < 0, np.maximum(high, most), high)
    plain = (hit / max(ill, 1)) + (passed / max(well, 1)) - 1
    raw = np.asarray(found, float) / np.asarray(of, float)
    point = (raw + passed / max(well, 1) - 1) / plain if plain > 0 else share
    return np.clip(point, low, high), low, high


def newcombe(
    x1: npt.ArrayLike, n1: npt.ArrayLike, x2: npt.ArrayLike, n2: npt.ArrayLike, *, z: npt.ArrayLike
) -> tuple[Floats, Floats, Floats]:
    """Return the difference of two shares, treated minus control, and its interval.

    The hybrid of two score intervals, method 10 of Newcombe (1998), Statistics in Medicine 17,
    873-890: it stays inside -1 to 1 and holds for zero counts.
    """
    x1, n1, x2, n2 = (np.asarray(v, dtype=float) for v in (x1, n1, x2, n2))
    low1, high1 = _wilson(x1, n1, z)
    low2, high2 = _wilson(x2, n2, z)
    p1, p2 = x1 / n1, x2 / n2
    difference = p1 - p2
    down = np.hypot(p1 - low1, high2 - p2)
    up = np.hypot(high1 - p1, p2 - low2)
    return difference, difference - down, difference + up


def p_value(x1: npt.ArrayLike, n1: npt.ArrayLike, x2: npt.ArrayLike, n2: npt.ArrayLike) -> Floats:
    """Return the two-sided p at which Newcombe's interval just touches no difference.

    It agrees with the interval by construction: below 0.05 exactly where the 95 % interval leaves
    zero out.
    """
    from scipy.special import ndtr

    x1, n1, x2, n2 = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in (x1, n1, x2, n2)))
    low, high = np.zeros(x1.shape), np.full(x1.shape, 40.0)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        _, down, up = newcombe(x1, n1, x2, n2, z=middle)
        outside = (down > 0) | (up < 0)
        low, high = np.where(outside, middle, low), np.where(outside, high, middle)
    same = x1 * n2 == x2 * n1
    return np.where(same, 1.0, 2 * ndtr(-(low + high) / 2))


def relative(
    x1: npt.ArrayLike, n1: npt.ArrayLike, x2: npt.ArrayLike, n2: npt.ArrayLike, *, z: float
) -> tuple[Floats, Floats, Floats]:
    """Return the relative lift of a share and its interval; NaN where the control has none.

    The score intervals of both shares, combined for their ratio (MOVER): Donner and Zou (2012),
    Statistical Methods in Medical Research 21(4), 347-359.
    """
    x1, n1, x2, n2 = (np.asarray(v, dtype=float) for v in (x1, n1, x2, n2))
    p1, p2 = x1 / n1, x2 / n2
    low1, high1 = _wilson(x1, n1, z)
    low2, high2 = _wilson(x2, n2, z)
    product = p1 * p2
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = p1 / p2
        root = np.sqrt(
            np.maximum(product**2 - low1 * high2 * (2 * p1 - low1) * (2 * p2 - high2), 0)
        )
        low = (product - root) / (high2 * (2 * p2 - high2))
        up = np.sqrt(np.maximum(product**2 - high1 * low2 * (2 * p1 - high1) * (2 * p2 - low2), 0))
        high = (product + up) / (low2 * (2 * p2 - low2))
    there = (p2 > 0) & (low2 > 0)
    return tuple(np.where(there, v - 1, np.nan) for v in (ratio, low, high))  # type: ignore


#: Terms of a tail that are smaller than this share of it no longer count.
_NEGLIGIBLE = 1e-17


def fisher_more(
    both: npt.ArrayLike, a: npt.ArrayLike, b: npt.ArrayLike, orders: npt.ArrayLike
) -> Floats:
    """Return the p-value of Fisher's exact test that A and B are together too often for chance.

    Parameters
    ----------
    both, a, b
        Orders that hold both sides, the first, the second.
    orders
        All orders.

    Notes
    -----
    The upper tail of the hypergeometric distribution (Fisher 1935, The logic of inductive
    inference), summed from the observed count outwards by the ratio of neighbouring terms.
    """
    both, a, b, n = _arrays(both, a, b, orders)
    return _tail(both, a, b, n)


def fisher_less(
    both: npt.ArrayLike, a: npt.ArrayLike, b: npt.ArrayLike, orders: npt.ArrayLike
) -> Floats:
    """Return the p-value of Fisher's exact test that A and B are together too seldom."""
    both, a, b, n = _arrays(both, a, b, orders)
    # Both at most k is A without B at least a - k, and those without B are n - b.
    return _tail(a - both, a, n - b, n)


def _arrays(*values: npt.ArrayLike) -> list[Floats]:
    return [v.astype(np.float64) for v in np.broadcast_arrays(*map(np.atleast_1d, values))]


def _tail(k: Floats, a: Floats, b: Floats, n: Floats) -> Floats:
    """Return P(K >= k), summed on the side of the mode on which it is small."""
    upper = k > a * b / n
    above = _sum_up(np.where(upper, k, np.minimum(a, b) + 1), a, b, n)
    # P(K >= k) = 1 - P(K <= k - 1), and K <= k - 1 is A outside B at least a - k + 1.
    below = _sum_up(np.where(upper, a + 1, a - k + 1), a, n - b, n)
    return np.clip(np.where(upper, above, 1 - below), 0.0, 1.0)


def _sum_up(k: Floats, a: Floats, b: Floats, n: Floats) -> Floats:
    """Return P(K >= k) where k lies at or above the mode; 0 where k is out of reach."""
    top = np.minimum(a, b)
    start = np.maximum(k, np.maximum(0, a + b - n))
    reachable = start <= top
    term = np.where(reachable, np.exp(_log_pmf(np.minimum(start, top), a, b, n)), 0.0)
    total, place, active = term.copy(), start.copy(), reachable & (start < top)
    while active.any():
        i = np.flatnonzero(active)
        x = place[i]
        term[i] *= (a[i] - x) * (b[i] - x) / ((x + 1) * (n[i] - a[i] - b[i] + x + 1))
        total[i] += term[i]
        place[i] += 1
        active[i] = (place[i] < top[i]) & (term[i] > _NEGLIGIBLE * total[i])
    return total


def _log_pmf(k: Floats, a: Floats, b: Floats, n: Floats) -> Floats:
    return _log_choose(b, k) + _log_choose(n - b, a - k) - _log_choose(n, a)


def _log_choose(n: Floats, k: Floats) -> Floats:
    from scipy.special import betaln

    inside = (k > 0) & (k < n)
    n_, k_ = np.where(inside, n, 2.0), np.where(inside, k, 1.0)
    return np.where(inside, -betaln(1 + n_ - k_, 1 + k_) - np.log1p(n_), 0.0)


@dataclass(frozen=True)
class ClusterSums:
    """Sums over clusters, of one share or of several at once.

    Parameters
    ----------
    hits, trials
        Totals.
    hits_squared, cross, trials_squared
        Sums over clusters of hits x hits, hits x trials and trials x trials.
    clusters
        Clusters with a trial.
    """

    hits: npt.ArrayLike
    trials: npt.ArrayLike
    hits_squared: npt.ArrayLike
    cross: npt.ArrayLike
    trials_squared: npt.ArrayLike
    clusters: npt.ArrayLike

    @classmethod
    def of(
        cls,
        *,
        x: npt.ArrayLike,
        n: npt.ArrayLike,
        xx: npt.ArrayLike,
        xn: npt.ArrayLike,
        nn: npt.ArrayLike,
        m: npt.ArrayLike,
    ) -> ClusterSums:
        """Take the sums by the letters of formulas: hits x, trials n, clusters m."""
        return cls(x, n, xx, xn, nn, m)


def clustered_interval(
    sums: ClusterSums, *, confidence: float = 0.95
) -> tuple[Floats, Floats, Floats]:
    """Return the ends of the interval of a share of clustered trials, and its design effect.

    The variance of a ratio of two totals over whole clusters gives the design effect (Cochran
    1977, Sampling Techniques, section 9A.2), and Wilson's interval is drawn at the effective size
    (Franco, Little, Louis and Slud 2019, J. Surv. Stat. Methodol. 7(3), 334-364). The effect is
    never taken to be below 1; of a share of 0 or 1, which shows no spread, it is the mean size of
    the cluster that a trial is in: trials of one cluster then count about once.
    """
    k, n, kk, kn, nn, m = (
        np.atleast_1d(np.asarray(v, dtype=float))
        for v in (sums.hits, sums.trials, sums.hits_squared, sums.cross, sums.trials_squared,
                  sums.clusters)
    )  # fmt: skip
    with np.errstate(divide="ignore", invalid="ignore"):
        p = k / n
        variance = (kk - 2 * p * kn + p**2 * nn) / n**2 * m / (m - 1)
        effect = np.where((p > 0) & (p < 1) & (m > 1), variance * n / (p * (1 - p)), nn / n)
    effect = np.maximum(np.nan_to_num(effect, nan=1.0, posinf=1.0), 1.0)
    low, high = wilson_interval(k / effect, n / effect, confidence=confidence)
    return low, high, effect


def common_difference(
    x1: npt.ArrayLike,
    n1: npt.ArrayLike,
    x2: npt.ArrayLike,
    n2: npt.ArrayLike,
    *,
    confidence: float = 0.95,
) -> tuple[float, float, float, float]:
    """Return the difference of two shares within strata, its interval and its p-value.

    Parameters
    ----------
    x1, n1, x2, n2
        Hits and trials of either side by stratum.
    confidence
        Coverage of the interval.

    Notes
    -----
    Mantel-Haenszel weights; the variance is that of Greenland and Robins (1985), Biometrics
    41(1), 55-68, which holds for few large strata and for many small ones. NaN where no
    stratum has both sides.
    """
    x1, n1, x2, n2 = (np.atleast_1d(np.asarray(v, dtype=float)) for v in (x1, n1, x2, n2))
    both = (n1 > 0) & (n2 > 0)
    x1, n1, x2, n2 = x1[both], n1[both], x2[both], n2[both]
    if not both.any():
        return (float("nan"),) * 4
    whole = n1 + n2
    weight = n1 * n2 / whole
    difference = float(((x1 * n2 - x2 * n1) / whole).sum() / weight.sum())
    spread = (x1 * (n1 - x1) * n2**3 + x2 * (n2 - x2) * n1**3) / (n1 * n2 * whole**2)
    error = float(np.sqrt(spread.sum()) / weight.sum())
    reach = normal_quantile(confidence) * error
    p = float(two_sided_p(difference / error)) if error > 0 else float("nan")
    return difference, difference - reach, difference + reach, p


@dataclass(frozen=True)
class Difference:
    """A difference of shares, first less second, over the strata that hold both sides.

    Parameters
    ----------
    first, second
        The shares, weighted alike.
    value, low, high
        Their difference and its interval; NaN where no stratum holds both.
    n_first, n_second
        How many of either lie in strata that hold both.
    """

    first: float
    second: float
    value: float
    low: float
    high: float
    n_first: int
    n_second: int


def stratified_difference(
    x1: Floats, n1: Floats, x0: Floats, n0: Floats, *, confidence: float = 0.95
) -> Difference:
    """Return the Mantel-Haenszel difference of shares with Sato's variance.

    Sato (1989), Biometrics 45, 1323-1324: right for many thin strata as for few thick ones.

    Parameters
    ----------
    x1, n1, x0, n0
        Hits and trials of either side by stratum.
    """
    both = (np.asarray(n1) > 0) & (np.asarray(n0) > 0)
    x1, n1, x0, n0 = (np.asarray(v, float)[both] for v in (x1, n1, x0, n0))
    if not both.any():
        return Difference(np.nan, np.nan, np.nan, np.nan, np.nan, 0, 0)
    n = n1 + n0
    weight = n1 * n0 / n
    total = weight.sum()
    gap = float(((x1 * n0 - x0 * n1) / n).sum() / total)
    p = (n1**2 * x0 - n0**2 * x1 + n1 * n0 * (n0 - n1) / 2) / n**2
    q = (x1 * (n0 - x0) / n + x0 * (n1 - x1) / n) / 2
    error = float(np.sqrt(max((gap * p.sum() + q.sum()) / total**2, 0.0)))
    reach = normal_quantile(confidence) * error
    first, second = (float((weight * x / m).sum() / total) for x, m in ((x1, n1), (x0, n0)))
    return Difference(first, second, gap, gap - reach, gap + reach, int(n1.sum()), int(n0.sum()))
