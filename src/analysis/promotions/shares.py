"""Shares of customers, such as conversion, and their differences, right for small counts too."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

_HALVINGS = 60


def wilson(successes: npt.ArrayLike, n: npt.ArrayLike, *, z: npt.ArrayLike) -> tuple[Array, Array]:
    """Return Wilson's score interval of a share (1927, J. Am. Statist. Assoc. 22, 209-212)."""
    x, n, z = (np.asarray(v, dtype=float) for v in (successes, n, z))
    p = x / n
    spread = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    low = (p + z**2 / (2 * n) - spread) / (1 + z**2 / n)
    high = (p + z**2 / (2 * n) + spread) / (1 + z**2 / n)
    return np.where(x == 0, 0.0, low), np.where(x == n, 1.0, high)


def newcombe(
    x1: npt.ArrayLike,
    n1: npt.ArrayLike,
    x2: npt.ArrayLike,
    n2: npt.ArrayLike,
    *,
    z: npt.ArrayLike,
) -> tuple[Array, Array, Array]:
    """Return the difference of two shares, treated minus control, and its interval.

    The hybrid of two score intervals, method 10 of Newcombe (1998), Statistics in Medicine 17,
    873-890: it stays inside -1 to 1 and holds for zero counts.
    """
    x1, n1, x2, n2 = (np.asarray(v, dtype=float) for v in (x1, n1, x2, n2))
    low1, high1 = wilson(x1, n1, z=z)
    low2, high2 = wilson(x2, n2, z=z)
    p1, p2 = x1 / n1, x2 / n2
    difference = p1 - p2
    down = np.hypot(p1 - low1, high2 - p2)
    up = np.hypot(high1 - p1, p2 - low2)
    return difference, difference - down, difference + up


def p_value(x1: npt.ArrayLike, n1: npt.ArrayLike, x2: npt.ArrayLike, n2: npt.ArrayLike) -> Array:
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
) -> tuple[Array, Array, Array]:
    """Return the relative lift of a share and its interval; NaN where the control has none.

    The score intervals of both shares, combined for their ratio (MOVER): Donner and Zou (2012),
    Statistical Methods in Medical Research 21(4), 347-359.
    """
    x1, n1, x2, n2 = (np.asarray(v, dtype=float) for v in (x1, n1, x2, n2))
    p1, p2 = x1 / n1, x2 / n2
    low1, high1 = wilson(x1, n1, z=z)
    low2, high2 = wilson(x2, n2, z=z)
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
