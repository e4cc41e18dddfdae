"""Post-stratification: comparing like with like, stratum by stratum."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.errors import NotApplicable
from analysis.promotions.effect import Effect
from analysis.promotions.moments import Moments


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
