"""Regression discontinuity: the jump of an outcome where a threshold is crossed.

Local lines with a triangular kernel on either side; the interval is that of the local parabola at
the same bandwidth, whose centre takes the line's bias out: Calonico, Cattaneo and Titiunik (2014),
Econometrica 82(6), 2295-2326, with equal bandwidths. Where people sort themselves at
the threshold, the density jumps, which is tested too.

Bunching at a threshold: how many stand there who would not without it.

Counts by bin are fitted by a polynomial that leaves the region of the threshold out; what stands
in the region beyond the fit is the excess. Chetty, Friedman, Olsen and Pistaferri (2011),
Quarterly Journal of Economics 126(2), 749-804; Kleven (2016), Annual Review of Economics 8,
435-464.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.stats import poisson_glm
from analysis.stats.multiplicity import normal_quantile, two_sided_p
from analysis.stats.types import Flags, Floats, Integers


@dataclass(frozen=True)
class Discontinuity:
    """The jump of an outcome at zero distance.

    Parameters
    ----------
    effect
        Jump of the local lines.
    low, high, p
        Of the bias-corrected interval, and its p.
    bandwidth
        Distance within which customers count.
    below, above
        Customers within it on either side.
    """

    effect: float
    low: float
    high: float
    p: float
    bandwidth: float
    below: int
    above: int


def jump(
    distance: Floats, outcome: Floats, *, bandwidth: float | None = None, confidence: float = 0.95
) -> Discontinuity:
    """Return the jump of ``outcome`` where ``distance`` is zero.

    Parameters
    ----------
    distance, outcome
        Of each customer; a distance of zero or more is beyond the threshold.
    bandwidth
        None takes a rule of thumb.
    confidence
        Of the interval.
    """
    width = rule_of_thumb(distance, outcome) if bandwidth is None else bandwidth
    near = np.abs(distance) < width
    d, y = distance[near], outcome[near]
    weight = 1 - np.abs(d) / width
    effect, _ = _jump(d / width, y, weight, 1)
    centre, error = _jump(d / width, y, weight, 2)
    reach = normal_quantile(confidence) * error
    p = float(two_sided_p(np.array([centre / error]))[0]) if error > 0 else float("nan")
    above = int((d >= 0).sum())
    return Discontinuity(effect, centre - reach, centre + reach, p, width, len(d) - above, above)


def rule_of_thumb(distance: Floats, outcome: Floats) -> float:
    """Return a bandwidth by Fan and Gijbels' rule, from a parabola on either side.

    The curvature of each side's parabola and its residual variance stand for those at the
    threshold; at most half of the reach of the narrower side.
    """
    terms, spread = [], []
    for side in (distance < 0, distance >= 0):
        d, y = distance[side], outcome[side]
        fitted = np.polynomial.Polynomial.fit(d, y, 2).convert()
        terms.append(2 * fitted.coef[2] if len(fitted.coef) > 2 else 0.0)
        spread.append(float(np.var(y - fitted(d))))
    density = float((np.abs(distance) < np.std(distance)).mean() / (2 * np.std(distance)))
    curve = max((terms[1] - terms[0]) ** 2, 1e-12 * sum(spread) / np.std(distance) ** 4)
    most = float(min(-distance.min(), distance.max()))
    if not density * curve > 0:  # an outcome without any spread
        return most
    width = 3.4375 * (sum(spread) / (density * curve * len(distance))) ** 0.2
    return float(min(width, most))


def _jump(d: Floats, y: Floats, weight: Floats, degree: int) -> tuple[float, float]:
    """Return the jump of local polynomials and its standard error (HC1)."""
    above = (d >= 0).astype(float)
    powers = np.vander(d, degree + 1, increasing=True)
    design = np.column_stack([powers, powers * above[:, None]])
    bread = np.linalg.pinv(design.T @ (design * weight[:, None]))
    beta = bread @ (design.T @ (weight * y))
    left = (y - design @ beta) * weight
    free = max(len(y) - design.shape[1], 1)
    meat = (design * left[:, None]).T @ (design * left[:, None]) * len(y) / free
    covariance = bread @ meat @ bread
    return float(beta[degree + 1]), float(np.sqrt(covariance[degree + 1, degree + 1]))


@dataclass(frozen=True)
class Jump:
    """The jump of the density at a threshold, on the logarithmic scale, with its error and p."""

    jump: float
    error: float
    p: float
    below: int
    above: int


def density_jump(distance: Floats, *, reach: float, bins: int = 20) -> Jump:
    """Return the jump of the density where ``distance`` is zero.

    Parameters
    ----------
    distance
        Of each customer from the threshold; zero or more is above.
    reach
        Distances within this are looked at.
    bins
        On either side.
    """
    edges = np.linspace(-reach, reach, 2 * bins + 1)
    counts = np.histogram(distance[(distance >= -reach) & (distance < reach)], edges)[0]
    middle = (edges[:-1] + edges[1:]) / 2 / reach
    above = (middle > 0).astype(float)
    design = np.column_stack([np.ones(2 * bins), middle, above, above * middle])
    fitted = poisson_glm.fit(
        counts[None, :].astype(float), design[None, :, :], np.ones((1, 4), bool)
    )
    jump, error = float(fitted.coefficients[0, 2]), float(fitted.errors[0, 2])
    p = float(two_sided_p(np.array([jump / error]))[0])
    return Jump(jump, error, p, int(counts[:bins].sum()), int(counts[bins:].sum()))


_MOST_STEPS, _CLOSE = 200, 1.0


@dataclass(frozen=True)
class Bunching:
    """Who stands at a threshold.

    Parameters
    ----------
    places
        Bins relative to the one of the threshold, which is 0.
    counts, expected
        Counts, and what the fit expects without the threshold.
    above, missing
        Counts beyond the fit at the threshold and above, and short of it below, in the region.
    excess
        Beyond the fit in the whole region.
    height
        Mean expected count of a bin in the region.
    error
        Standard errors of above, missing and excess, by resampling what was counted.
    """

    places: Integers
    counts: Floats
    expected: Floats
    above: float
    missing: float
    excess: float
    height: float
    error: tuple[float, float, float]

    @property
    def relative(self) -> float:
        """The excess in units of the expected height: b of the literature."""
        return self.excess / self.height


def bunching(
    counts: npt.ArrayLike,
    places: npt.ArrayLike,
    *,
    degree: int,
    below: int = 0,
    above: int = 0,
    integrate: bool = False,
    draws: int = 0,
    seed: int = 0,
) -> Bunching:
    """Estimate the excess at the bin 0.

    Parameters
    ----------
    counts, places
        Counts by bin, and where each bin stands relative to the threshold's.
    degree
        Of the polynomial.
    below, above
        Bins of the region on either side of the threshold's.
    integrate
        Who bunches came from above: raise the counts above the threshold so that all are kept.
    draws, seed
        Resamples for the errors; none gives NaN.
    """
    values, where = np.asarray(counts, float), np.asarray(places, int)
    region = (where >= -below) & (where <= above)
    solve = _Solver(where, region, degree, integrate)
    expected = solve(values)
    rng = np.random.default_rng(seed)
    # Who is counted where is a multinomial draw; given the total it is Poisson bin by bin.
    again = [_sums(drawn, solve(drawn), where, region)
             for drawn in rng.poisson(values, (draws, len(values))).astype(float)]  # fmt: skip
    errors = np.std(again, axis=0, ddof=1) if draws > 1 else np.full(3, np.nan)
    found = _sums(values, expected, where, region)
    return Bunching(
        where, values, expected, *found, float(expected[region].mean()),
        (float(errors[0]), float(errors[1]), float(errors[2])),
    )  # fmt: skip


def _sums(
    counts: Floats, expected: Floats, where: Integers, region: Flags
) -> tuple[float, float, float]:
    beyond = counts - expected
    above = float(beyond[region & (where >= 0)].sum())
    missing = float(-beyond[region & (where < 0)].sum())
    return above, missing, above - missing


class _Solver:
    """The fit outside the region, the counts above raised until nobody is lost, if asked."""

    def __init__(self, where: Integers, region: Flags, degree: int, integrate: bool) -> None:
        scaled = where / np.abs(where).max()
        self.powers = np.vander(scaled, degree + 1)
        self.region, self.integrate, self.higher = region, integrate, where > 0
        self.inverse = np.linalg.pinv(self.powers[~region])

    def __call__(self, counts: Floats) -> Floats:
        """Return the expected counts of all bins."""
        expected = self.powers @ (self.inverse @ counts[~self.region])
        if not self.integrate:
            return np.asarray(expected)
        excess = float((counts - expected)[self.region].sum())
        for _ in range(_MOST_STEPS):
            raised = counts * (1 + self.higher * excess / counts[self.higher].sum())
            expected = self.powers @ (self.inverse @ raised[~self.region])
            before, excess = excess, float((counts - expected)[self.region].sum())
            if before - excess < _CLOSE:
                break
        return np.asarray(expected)
