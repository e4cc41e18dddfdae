"""Bunching at a threshold: how many stand there who would not without it.

Counts by bin are fitted by a polynomial that leaves the region of the threshold out; what stands
in the region beyond the fit is the excess. Chetty, Friedman, Olsen and Pistaferri (2011),
Quarterly Journal of Economics 126(2), 749-804; Kleven (2016), Annual Review of Economics 8,
435-464.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.stats.types import Flags, Floats, Integers

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


def estimate(
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
