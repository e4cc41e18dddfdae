"""Effects of several groups drawn together: random-effects meta-analysis and shrinkage.

References
----------
Paule, Mandel (1982), Journal of Research of the NBS 87(5): variance between the effects such that
their weighted spread is what it should be.
Hartung, Knapp (2001), Statistics in Medicine 20(24), and Sidik, Jonkman (2002), Statistics in
Medicine 21(21): the error of the mean by the observed spread, with Student's t.
Viechtbauer (2007), Statistics in Medicine 26(1): interval of the variance between (Q-profile).
Nagashima, Noma, Furukawa (2019), Statistical Methods in Medical Research 28(6): interval of the
next effect, over all variances between that the data leave possible. That of Higgins, Thompson and
Spiegelhalter (2009) takes the variance for known and misses too often with few promotions.
Morris (1983), Journal of the American Statistical Association 78(381): empirical Bayes shrinkage.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.errors import NotApplicable
from analysis.stats.types import Floats

_LARGEST, _HALVINGS = 1e8, 60

#: Quantiles of the variance between that an interval of the next effect is mixed over.
_MIXED = 25


@dataclass(frozen=True)
class Pooled:
    """Effects pooled.

    Parameters
    ----------
    mean, low, high
        Mean effect and its interval (Hartung and Knapp).
    p
        Two-sided p that the mean is zero.
    between, between_low, between_high
        Variance between the true effects (Paule and Mandel) and its Q-profile interval.
    share
        Share of the spread seen that is between promotions, not chance: I squared.
    next_low, next_high
        Interval of the effect of another promotion like these; NaN below three.
    shrunk, shrunk_low, shrunk_high
        Every effect drawn towards the mean as far as it is uncertain.
    effects
        How many were pooled.
    """

    mean: float
    low: float
    high: float
    p: float
    between: float
    between_low: float
    between_high: float
    share: float
    next_low: float
    next_high: float
    shrunk: Floats
    shrunk_low: Floats
    shrunk_high: Floats
    effects: int


def pool(effects: Floats, errors: Floats, *, confidence: float = 0.95) -> Pooled:
    """Pool effects with their standard errors.

    Raises
    ------
    NotApplicable
        If there are fewer than two effects, or if one has no error.
    """
    from scipy.special import stdtr, stdtrit

    k, variances = len(effects), np.asarray(errors, float) ** 2
    if k < 2:
        raise NotApplicable("Two promotions or more are needed to draw them together.")
    if not (np.isfinite(effects).all() and (variances > 0).all() and np.isfinite(variances).all()):
        raise NotApplicable("An effect without a standard error cannot be pooled.")
    between = paule_mandel(effects, variances)
    mean, error = _mean(effects, variances + between)
    quantile = float(stdtrit(k - 1, 0.5 + confidence / 2))
    ahead = _ahead(effects, variances, confidence) if k > 2 else (np.nan, np.nan)
    shrunk, low, high = _shrunk(effects, variances, between, (mean, error), quantile)
    ends = _between_interval(effects, variances, confidence)
    return Pooled(
        mean=mean,
        low=mean - quantile * error,
        high=mean + quantile * error,
        p=float(2 * stdtr(k - 1, -abs(mean) / error)) if error > 0 else np.nan,
        between=between,
        between_low=ends[0],
        between_high=ends[1],
        share=_share(variances, between),
        next_low=ahead[0],
        next_high=ahead[1],
        shrunk=shrunk,
        shrunk_low=low,
        shrunk_high=high,
        effects=k,
    )


def shrink(mean: Floats, error: Floats) -> tuple[Floats, Floats, Floats]:
    """Shrink means towards the mean of all as far as their errors say.

    Returns
    -------
    tuple
        Shrunk means, their errors (that of the mean of all included), and the weight of each
        group's own mean.
    """
    between = paule_mandel(mean, error**2)
    weight = 1 / (error**2 + between)
    centre = (weight * mean).sum() / weight.sum()
    own = between / (between + error**2)
    shrunk = centre + own * (mean - centre)
    variance = own * error**2 + (1 - own) ** 2 / weight.sum()
    return shrunk, np.sqrt(variance), own


def paule_mandel(effects: Floats, variances: Floats) -> float:
    """Return the variance between the true effects at which their spread is what it should be."""
    return float(_between(effects, variances, len(effects) - 1)[0])


def _spread(effects: Floats, variances: Floats, between: Floats) -> Floats:
    """Return the weighted spread of the effects at each variance between."""
    weights = 1 / (variances + between[:, None])
    means = weights @ effects / weights.sum(axis=1)
    return np.asarray((weights * (effects - means[:, None]) ** 2).sum(axis=1))


def _between(effects: Floats, variances: Floats, targets: npt.ArrayLike) -> Floats:
    """Return the variances between at which the weighted spread equals each of ``targets``.

    The spread falls as the variance grows; where it is below the target already, it is zero.
    """
    wanted = np.atleast_1d(np.asarray(targets, dtype=float))
    low, high = np.zeros(len(wanted)), np.full(len(wanted), np.ptp(effects) ** 2 + 1e-12)
    while (wide := (_spread(effects, variances, high) > wanted) & (high < _LARGEST)).any():
        high = np.where(wide, 4 * high, high)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        above = _spread(effects, variances, middle) > wanted
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    none = _spread(effects, variances, np.zeros(1)) <= wanted
    return np.where(none, 0.0, (low + high) / 2)


def _chi_squared(shares: Floats, free: int) -> Floats:
    """Return quantiles, as ``chi2.ppf`` does, which is several times slower on a few numbers."""
    from scipy.special import gammaincinv

    return np.asarray(2 * gammaincinv(free / 2, shares))


def _between_interval(effects: Floats, variances: Floats, confidence: float) -> tuple[float, float]:
    tail, free = (1 - confidence) / 2, len(effects) - 1
    low, high = _between(effects, variances, _chi_squared(np.array([1 - tail, tail]), free))
    return float(low), float(high)


def _ahead(effects: Floats, variances: Floats, confidence: float) -> tuple[float, float]:
    """Return the interval of one more effect, mixed over the variances that are possible."""
    from scipy.optimize import brentq
    from scipy.special import stdtr

    free = len(effects) - 1
    targets = _chi_squared((np.arange(_MIXED) + 0.5) / _MIXED, free)
    between = _between(effects, variances, targets)
    means = np.array([_mean(effects, variances + b) for b in between])
    scale = np.sqrt(means[:, 1] ** 2 + between)
    wide = 1e3 * (scale.max() + np.ptp(effects))

    def end(share: float) -> float:
        def off(x: float) -> float:
            return float(stdtr(free, (x - means[:, 0]) / scale).mean()) - share

        return float(brentq(off, means[:, 0].min() - wide, means[:, 0].max() + wide))

    return end((1 - confidence) / 2), end((1 + confidence) / 2)


def _mean(effects: Floats, variances: Floats) -> tuple[float, float]:
    weights = 1 / variances
    mean = float(weights @ effects / weights.sum())
    spread = float(weights @ (effects - mean) ** 2) / (len(effects) - 1)
    return mean, float(np.sqrt(spread / weights.sum()))


def _share(variances: Floats, between: float) -> float:
    """Return I squared with the typical variance of Higgins and Thompson (2002), equation 9."""
    weights, free = 1 / variances, len(variances) - 1
    typical = free * weights.sum() / (weights.sum() ** 2 - (weights**2).sum())
    return float(between / (between + typical))


def _shrunk(
    effects: Floats, variances: Floats, between: float, mean: tuple[float, float], quantile: float
) -> tuple[Floats, Floats, Floats]:
    kept = between / (between + variances)
    middle = kept * effects + (1 - kept) * mean[0]
    error = np.sqrt(kept * variances + ((1 - kept) * mean[1]) ** 2)
    return middle, middle - quantile * error, middle + quantile * error


#: Strength of a prior that knows no difference between groups: so many trials.
STRONGEST_PRIOR = 1e6


@dataclass(frozen=True)
class BetaPrior:
    """How the true shares of groups are spread: Beta(mean x strength, (1 - mean) x strength)."""

    mean: float
    strength: float


def beta_prior(hits: Floats, trials: Floats) -> BetaPrior:
    """Return the prior by the method of moments; `STRONGEST_PRIOR` where the groups do not differ.

    Kleinman (1973), J. Am. Statist. Assoc. 68(341), with trials as weights: the spread of the
    groups' shares beyond what chance gives is the spread of the true ones.
    """
    hits, trials = (np.asarray(v, dtype=float) for v in (hits, trials))
    seen = trials > 0
    x, n = hits[seen], trials[seen]
    total = n.sum()
    if total == 0:
        return BetaPrior(float("nan"), STRONGEST_PRIOR)
    mean = float(x.sum() / total)
    if mean in (0.0, 1.0) or len(n) < 2:
        return BetaPrior(mean, STRONGEST_PRIOR)
    spread = float((n * (x / n - mean) ** 2).sum())
    chance = mean * (1 - mean)
    free = float(total - (n**2).sum() / total)
    # E[spread] = chance x ((groups - 1) + rho x (total - sum n^2 / total - (groups - 1)))
    room = free - (len(n) - 1)
    rho = (spread / chance - (len(n) - 1)) / room if room > 0 else 0.0
    strength = (
        STRONGEST_PRIOR
        if rho <= 1 / STRONGEST_PRIOR
        else min(1 / min(rho, 0.99) - 1, STRONGEST_PRIOR)
    )
    return BetaPrior(mean, float(strength))


def beta_posterior(
    hits: Floats, trials: Floats, prior: BetaPrior, *, confidence: float = 0.95
) -> tuple[Floats, Floats, Floats]:
    """Return each group's share given its own trials and the prior, and its interval."""
    from scipy.special import betaincinv

    a = prior.mean * prior.strength + hits
    b = (1 - prior.mean) * prior.strength + (trials - hits)
    tail = (1 - confidence) / 2
    ends = (np.maximum(a, 1e-12), np.maximum(b, 1e-12))
    low, high = (np.asarray(betaincinv(*ends, q)) for q in (tail, 1 - tail))
    return a / (a + b), low, high
