"""An effect: the difference of two arms, absolute and relative, with its interval and p.

Everything is arithmetic on arrays, so that one experiment and ten thousand simulated ones go
through the same code.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.stats.multiplicity import student_quantile
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
