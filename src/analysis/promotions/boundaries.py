"""Bounds for a promotion that is looked at a fixed number of times.

Looks at equal steps, two-sided: exact by recursive integration of the density of the running sum
(Armitage, McPherson and Rowe 1969, J. R. Statist. Soc. A 132, 235-244; Jennison and Turnbull
2000, Group Sequential Methods with Applications to Clinical Trials, chapters 2 and 19).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Shape = Literal["obrien-fleming", "pocock"]

_NODES = 121


def bounds(looks: int, *, alpha: float = 0.05, shape: Shape = "obrien-fleming") -> Array:
    """Return the standardised statistic beyond which each look stops.

    O'Brien and Fleming (1979), Biometrics 35, 549-556, hardly ever stop early; Pocock (1977),
    Biometrika 64, 191-199, asks the same at every look.
    """
    return constant(looks, alpha=alpha, shape=shape) * _scaled(looks, shape)


def constant(looks: int, *, alpha: float = 0.05, shape: Shape = "obrien-fleming") -> float:
    """Return the constant that tables print: the bound of the last look."""
    from scipy.optimize import brentq

    form = _scaled(looks, shape)
    return float(brentq(lambda c: crossing(c * form) - alpha, 0.5, 12.0, xtol=1e-10))


def _scaled(looks: int, shape: Shape) -> Array:
    k = np.arange(1, looks + 1)
    return np.sqrt(looks / k) if shape == "obrien-fleming" else np.ones(looks)


def crossing(limits: npt.ArrayLike, *, drift: float = 0.0) -> float:
    """Return the chance that any look is beyond its limit.

    Parameters
    ----------
    limits
        Of the standardised statistic at looks 1, 2, ... at equal steps.
    drift
        Mean of the standardised statistic at the last look; the chance is then the power.
    """
    from scipy.special import ndtr

    limits = np.asarray(limits, dtype=float)
    step = drift / np.sqrt(len(limits))
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    edge = limits[0]
    out = 1 - (ndtr(edge - step) - ndtr(-edge - step))
    at, density = edge * nodes, np.exp(-((edge * nodes - step) ** 2) / 2) / np.sqrt(2 * np.pi)
    mass = density * weights * edge
    for k, limit in enumerate(limits[1:], start=2):
        edge = limit * np.sqrt(k)
        inside = ndtr(edge - at - step) - ndtr(-edge - at - step)
        out += float(np.sum(mass * (1 - inside)))
        there = edge * nodes
        gap = there[:, None] - at[None, :] - step
        density = np.exp(-(gap**2) / 2) @ mass / np.sqrt(2 * np.pi)
        at, mass = there, density * weights * edge
    return float(out)
