"""Differences of arms, plain and freed of what was known about the customers before the start.

All of it works on moments (`moments`), so customers stay in the engine.

Post-stratification: comparing like with like, stratum by stratum.

Effects where customers of one store, or one cluster of any kind, resemble each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.promotions.outcomes.moments import Moments, pooled
from analysis.stats.multiplicity import student_quantile
from analysis.stats.sizes import FEWEST_CLUSTERS_DRAWN
from analysis.stats.types import Floats


@dataclass(frozen=True)
class Effect:
    """Difference of a treated arm and the control, with what its uncertainty rests on.

    Parameters
    ----------
    difference, error, degrees
        Treated minus control, its standard error and degrees of freedom.
    baseline, baseline_variance
        The control's figure and its variance.
    treated_variance, shared
        Variance of the treated arm's figure, and the covariance of the two (not zero where both
        are adjusted to the same average customer).
    """

    difference: Floats
    error: Floats
    degrees: Floats
    baseline: Floats
    baseline_variance: Floats
    treated_variance: Floats
    shared: Floats

    def reach(self, confidence: float) -> Floats:
        """Return how far a two-sided interval reaches to either side of the difference."""
        return student_quantile(confidence, self.degrees) * self.error

    def interval(self, confidence: float) -> tuple[Floats, Floats]:
        """Return the ends of the interval of the difference (Student's t)."""
        reach = self.reach(confidence)
        return self.difference - reach, self.difference + reach

    def p(self) -> Floats:
        """Return the two-sided p of no difference; 1 where nothing varies and nothing differs."""
        from scipy.special import stdtr

        error = np.where(self.error > 0, self.error, np.nan)
        p = 2 * stdtr(self.degrees, -np.abs(self.difference) / error)
        same = (self.error == 0) & (self.difference == 0)
        return np.where(same, 1.0, p)

    def lift(self, confidence: float) -> tuple[Floats, Floats, Floats]:
        """Return the difference over the size of the control's figure, with Fieller's interval.

        A control below zero is measured by its size, so that the sign stays that of the
        difference. Where the control's own interval holds zero, it is no yardstick: all NaN.
        Fieller (1954), J. R. Statist. Soc. B 16(2), 175-185.
        """
        base, sign = np.abs(self.baseline), np.sign(self.baseline)
        t = student_quantile(confidence, self.degrees)
        v22 = self.baseline_variance
        v11 = self.error**2
        v12 = sign * (self.shared - v22)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = self.difference / base
            g = t**2 * v22 / base**2
            inner = v11 - 2 * ratio * v12 + ratio**2 * v22
            inner = inner - g * (v11 - np.where(v22 > 0, v12**2 / v22, 0.0))
            reach = t / base * np.sqrt(np.maximum(inner, 0.0))
            middle = ratio - np.where(v22 > 0, g * v12 / v22, 0.0)
            low, high = (middle - reach) / (1 - g), (middle + reach) / (1 - g)
        yardstick = (base > 0) & (g < 1)
        return (
            np.where(yardstick, ratio, np.nan),
            np.where(yardstick, low, np.nan),
            np.where(yardstick, high, np.nan),
        )


def of_figures(
    treated: tuple[Floats, Floats, Floats],
    control: tuple[Floats, Floats, Floats],
    *,
    shared: Floats | float = 0.0,
) -> Effect:
    """Return the effect of two figures, each (value, variance, degrees), with Welch's degrees.

    ``shared`` is variance that both have in common; it is not in the variances given. Welch
    (1947), Biometrika 34, 28-35; with degrees by Satterthwaite's formula.
    """
    (one, v1, d1), (two, v2, d2) = treated, control
    total = np.maximum(v1 + v2, 0.0)  # rounding may leave a trace below zero
    with np.errstate(divide="ignore", invalid="ignore"):
        degrees = total**2 / (v1**2 / d1 + v2**2 / d2)
    degrees = np.where(total > 0, degrees, np.inf)
    both = np.asarray(shared, dtype=float)
    return Effect(one - two, np.sqrt(total), degrees, two, v2 + both, v1 + both, both)


#: A covariate whose spread is this share of its size, or less, counts as constant.
_CONSTANT = 1e-12

#: Covariates are left out until each arm has so many customers for every one of them.
CUSTOMERS_A_COVARIATE = 20


@dataclass(frozen=True)
class Covariates:
    """Covariates that can be used, and why others cannot.

    Parameters
    ----------
    used
        Names.
    reasons
        Name of each one left out, and why, in words.
    """

    used: tuple[str, ...]
    reasons: dict[str, str]


def usable(
    arms: Sequence[Moments], covariates: Sequence[str], *, in_each: bool = True
) -> Covariates:
    """Leave out covariates that are constant, repeat others, or are too many for the arms.

    Parameters
    ----------
    arms
        Those that are compared.
    covariates
        Names, in the order in which they are kept.
    in_each
        Ask it of every arm by itself, as slopes of its own need (`regression`); else of all
        customers together.
    """
    everybody = pooled(arms)
    smallest = min(float(arm.n) for arm in arms)
    kept: list[str] = []
    reasons: dict[str, str] = {}
    for name in covariates:
        if _is_constant(everybody, name):
            reasons[name] = "it is the same for every customer"
        elif _unexplained(everybody, name, kept) < 1e-8:
            reasons[name] = "other covariates say the same"
        elif in_each and any(_is_constant(arm, name) for arm in arms):
            reasons[name] = "it is the same for every customer of one arm"
        elif in_each and any(_unexplained(arm, name, kept) < 1e-8 for arm in arms):
            reasons[name] = "other covariates say the same within one arm"
        elif smallest < CUSTOMERS_A_COVARIATE * (len(kept) + 1):
            reasons[name] = "the smallest arm has too few customers for it"
        else:
            kept.append(name)
    return Covariates(tuple(kept), reasons)


def _is_constant(arm: Moments, name: str) -> bool:
    mean, variance = arm.figure(name)
    return bool(variance <= _CONSTANT * max(1.0, float(mean) ** 2))


def _unexplained(arm: Moments, name: str, others: Sequence[str]) -> float:
    """Return the share of a covariate's variance that the ``others`` leave."""
    i, rest = arm.at([name])[0], arm.at(others)
    variance = float(arm.covariance[i, i])
    if not rest:
        return 1.0
    slopes = np.linalg.solve(arm.covariance[np.ix_(rest, rest)], arm.covariance[rest, i])
    return 1 - float(arm.covariance[i, rest] @ slopes) / variance


def plain(treated: Moments, control: Moments, metric: str) -> Effect:
    """Return the difference of means (Welch), nothing adjusted."""
    return of_figures(_mean(treated, metric), _mean(control, metric))


def _mean(arm: Moments, metric: str) -> tuple[Floats, Floats, Floats]:
    mean, variance = arm.figure(metric)
    return mean, variance / arm.n, np.maximum(arm.n - 1, 1)


def cuped(treated: Moments, control: Moments, metric: str, covariates: Sequence[str]) -> Effect:
    """Return the difference with the covariates taken out, one slope for both arms.

    The slope is that of the two arms put together: Deng, Xu, Kohavi and Walker (2013), WSDM '13,
    section 3. Its variance is that of the plain difference times 1 - the squared correlation.
    """
    if not covariates:
        return plain(treated, control, metric)
    both = pooled([treated, control])
    slopes = _slopes(both, metric, covariates)
    return _adjusted(treated, control, metric, covariates, (slopes, slopes), both, spent=0)


def regression(
    treated: Moments, control: Moments, metric: str, covariates: Sequence[str]
) -> Effect:
    """Return the difference adjusted by a regression with slopes for each arm.

    Lin (2013), Annals of Applied Statistics 7(1), 295-318: it is never less precise than the
    plain difference for many customers, whatever the arms' sizes; Neyman's variance of the
    residuals, degrees of freedom reduced by the slopes, and for customers drawn from a larger
    population the spread of the covariates where the slopes differ (Negi and Wooldridge 2021,
    Econometric Reviews 40(5), 504-534).
    """
    if not covariates:
        return plain(treated, control, metric)
    slopes = tuple(_slopes(arm, metric, covariates) for arm in (treated, control))
    both = pooled([treated, control])
    return _adjusted(treated, control, metric, covariates, slopes, both, spent=len(covariates))


def _slopes(arm: Moments, metric: str, covariates: Sequence[str]) -> Floats:
    x, (y,) = arm.at(covariates), arm.at([metric])
    among = arm.covariance[..., x, :][..., :, x]
    along = arm.covariance[..., x, y]
    # What does not vary within an arm explains nothing: its slope is zero, not undetermined.
    variance = np.diagonal(among, axis1=-2, axis2=-1)
    constant = variance <= _CONSTANT * np.maximum(1.0, arm.mean[..., x] ** 2)
    along = np.where(constant, 0.0, along)
    among = np.where(constant[..., None] | constant[..., None, :], 0.0, among)
    among = among + constant[..., None] * np.eye(len(x))
    return np.asarray(np.linalg.solve(among, along[..., None])[..., 0], dtype=np.float64)


def _adjusted(
    treated: Moments,
    control: Moments,
    metric: str,
    covariates: Sequence[str],
    slopes: tuple[Floats, ...],
    both: Moments,
    *,
    spent: int,
) -> Effect:
    x = both.at(covariates)
    centre, spread = both.mean[..., x], both.covariance[..., x, :][..., :, x]
    one = _residual(treated, metric, x, slopes[0], centre, spent)
    two = _residual(control, metric, x, slopes[1], centre, spent)
    apart = slopes[0] - slopes[1]
    extra = np.einsum("...i,...ij,...j->...", apart, spread, apart) / both.n
    shared = np.einsum("...i,...ij,...j->...", slopes[1], spread, slopes[1]) / both.n
    return of_figures((one[0], one[1] + extra, one[2]), two, shared=shared)


def _residual(
    arm: Moments, metric: str, x: list[int], slopes: Floats, centre: Floats, spent: int
) -> tuple[Floats, Floats, Floats]:
    """Return an arm's mean at the average customer, its variance and degrees of freedom."""
    (y,) = arm.at([metric])
    mean = arm.mean[..., y] - np.sum(slopes * (arm.mean[..., x] - centre), -1)
    along = np.sum(slopes * arm.covariance[..., x, y], -1)
    among = arm.covariance[..., x, :][..., :, x]
    explained = 2 * along - np.einsum("...i,...ij,...j->...", slopes, among, slopes)
    degrees = np.maximum(arm.n - 1 - spent, 1)
    variance = np.maximum(arm.covariance[..., y, y] - explained, 0.0) * (arm.n - 1) / degrees
    return mean, variance / arm.n, degrees


def as_ratio(
    treated: Moments, control: Moments, top: str, bottom: str, *, name: str = "ratio"
) -> tuple[Moments, Moments]:
    """Return both arms with a column whose mean is the ratio of two totals, such as net an order.

    The ratio of sums is no mean of customers: it is linearised about the arm's own ratio, which
    gives the delta method's variance. Deng, Knoblich and Lu (2018), KDD '18, section 2.
    """
    arms = []
    for arm in (treated, control):
        above, below = arm.figure(top)[0], arm.figure(bottom)[0]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = above / below
        arms.append(_shifted(arm.weighted(name, {top: 1 / below, bottom: -ratio / below}), ratio))
    return arms[0], arms[1]


def _shifted(arm: Moments, by: Floats) -> Moments:
    mean = arm.mean.copy()
    mean[..., -1] += by
    return Moments(arm.names, arm.n, mean, arm.covariance)


def post_stratified(treated: Sequence[Moments], control: Sequence[Moments], metric: str) -> Effect:
    """Return the mean of the strata's differences, weighted by their customers.

    Parameters
    ----------
    treated, control
        Moments of each stratum, in the same order.
    metric
        Column compared.

    Raises
    ------
    NotApplicable
        If a stratum has fewer than two customers in an arm.

    Notes
    -----
    Miratrix, Sekhon and Yu (2013), J. R. Statist. Soc. B 75(2), 369-396, section 2, with the
    spread of the strata's differences added for customers drawn from a larger population.
    """
    if min(float(m.n) for m in (*treated, *control)) < 2:
        raise NotApplicable("A stratum has fewer than two customers in one of the arms.")
    n = np.array([float(a.n + b.n) for a, b in zip(treated, control, strict=True)])
    share = n / n.sum()
    mean1, v1 = (np.array(v) for v in zip(*(m.figure(metric) for m in treated), strict=True))
    mean2, v2 = (np.array(v) for v in zip(*(m.figure(metric) for m in control), strict=True))
    n1, n2 = (np.array([float(m.n) for m in arm]) for arm in (treated, control))
    gaps = mean1 - mean2
    whole, base, other = (float(share @ v) for v in (gaps, mean2, mean1))
    within1, within2 = (float(share**2 @ (v / k)) for v, k in ((v1, n1), (v2, n2)))
    between = float(share @ (gaps - whole) ** 2 / n.sum())
    own, its = (float(share @ (m - c) ** 2 / n.sum()) for m, c in ((mean2, base), (mean1, other)))
    error = np.sqrt(within1 + within2 + between)
    degrees = float(n.sum() - 2 * len(n))
    shared = (own + its - between) / 2
    parts = (whole, error, degrees, base, within2 + own, within1 + its, shared)
    return Effect(*(np.asarray(v, dtype=float) for v in parts))


def difference(sums: pd.DataFrame) -> Effect:
    """Return the difference of means with a cluster-robust error.

    Parameters
    ----------
    sums
        One row a cluster: n_treated, sum_treated, n_control, sum_control.

    Raises
    ------
    NotApplicable
        With fewer than `FEWEST_CLUSTERS_DRAWN` clusters.

    Notes
    -----
    The variance of ordinary least squares on the arm with errors clustered and the usual
    correction for few clusters (CR1), clusters - 1 degrees of freedom: Liang and Zeger (1986),
    Biometrika 73, 13-22; Cameron and Miller (2015), J. Human Resources 50(2), section II.
    """
    columns = ["n_treated", "sum_treated", "n_control", "sum_control"]
    clusters = len(sums)
    if clusters < FEWEST_CLUSTERS_DRAWN:
        raise NotApplicable(
            f"{clusters} clusters are too few for an interval that allows for them; "
            f"it takes {FEWEST_CLUSTERS_DRAWN}."
        )
    return of_sums(*(sums[c].to_numpy(dtype=float) for c in columns))


def of_sums(n1: Floats, s1: Floats, n2: Floats, s2: Floats) -> Effect:
    """Return ``difference`` of arrays; last axis by cluster, others experiments side by side."""
    total1, total2 = n1.sum(-1), n2.sum(-1)
    one, two = s1.sum(-1) / total1, s2.sum(-1) / total2
    away1 = (s1 - one[..., None] * n1) / total1[..., None]
    away2 = (s2 - two[..., None] * n2) / total2[..., None]
    g, n = n1.shape[-1], total1 + total2
    correction = g / (g - 1) * (n - 1) / (n - 2)
    variance, v1, v2 = (correction * np.sum(away**2, -1) for away in (away1 - away2, away1, away2))
    shared = (v1 + v2 - variance) / 2
    degrees = np.full(np.shape(one), g - 1.0)
    return Effect(one - two, np.sqrt(variance), degrees, two, v2, v1, shared)
