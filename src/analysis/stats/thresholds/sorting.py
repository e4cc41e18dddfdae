"""Do people sort themselves at a threshold: does the density jump there.

McCrary (2008), Journal of Econometrics 142(2), 698-714: where people can choose their side, those
on either side are not alike, and no effect of crossing can be read from them. Counts by bin are
fitted on either side by a log-linear Poisson regression, whose jump is tested.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.stats import poisson_glm
from analysis.stats.multiplicity import two_sided_p
from analysis.stats.types import Floats


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
