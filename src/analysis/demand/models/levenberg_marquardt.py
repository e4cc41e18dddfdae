"""Nonlinear least squares for many series at once: Levenberg (1944) and Marquardt (1963).

Every series has a problem of its own and all of them take their steps together, so that one call
evaluates what all series try. Derivatives are forward differences; unknowns are to be scaled so
that each is of the order of one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from analysis.stats.types import Floats

#: Given rows and what they try (rows, tries, unknowns), the residuals (rows, tries, periods);
#: not finite where a try makes no sense.
Residuals = Callable[[npt.NDArray[np.int64], Floats], Floats]

#: Step of the differences, and the dampings tried at once over the series' own.
_STEP, _DAMPINGS = 1e-6, (0.01, 1.0, 100.0)

#: A step that lowers the logarithm of the sum of squares by less ends the search of a series.
_NO_MORE = 2e-4

#: A sum of squares that leaves nothing to gain.
_EXACT = 1e-290


def minimise(
    residuals: Residuals, start: Floats, *, low: Floats, high: Floats, rounds: int
) -> tuple[Floats, Floats]:
    """Return each series' unknowns (S, P) of the least sum of squares found, and that sum (S,).

    Parameters
    ----------
    residuals
        The model's errors, periods without a value being zero.
    start
        Unknowns to begin at (S, P), within the bounds.
    low, high
        Bounds of the unknowns (P,); infinite where there are none.
    rounds
        Most steps taken.
    """
    best, everyone = start.copy(), np.arange(len(start))
    error = residuals(everyone, best[:, None, :])[:, 0]
    squared = _sum_of_squares(error)
    damping = np.full(len(start), 0.01)
    rows = everyone[np.isfinite(squared) & (squared > _EXACT)]
    for _ in range(rounds):
        if not len(rows):
            break
        steps = _steps(residuals, rows, best[rows], error[rows], damping[rows], (low, high))
        tried = np.clip(best[rows, None, :] + steps, low, high)
        made = residuals(rows, tried)
        sums = _sum_of_squares(made)
        winner, each = sums.argmin(axis=1), np.arange(len(rows))
        lower = sums[each, winner] < squared[rows]
        gained = np.log(squared[rows]) - np.log(np.maximum(sums[each, winner], 1e-300))
        damping[rows] *= np.where(lower, np.array(_DAMPINGS)[winner], 1e3)
        won, taken = rows[lower], winner[lower]
        best[won], error[won] = tried[lower, taken], made[lower, taken]
        squared[won] = sums[lower, taken]
        rows = rows[
            (lower & (gained > _NO_MORE) & (squared[rows] > _EXACT))
            | (~lower & (damping[rows] < 1e3))
        ]
    return best, squared


def _sum_of_squares(errors: Floats) -> Floats:
    with np.errstate(over="ignore", invalid="ignore"):
        found = np.einsum("...t,...t->...", errors, errors)
    return np.where(np.isfinite(found), found, np.inf)


def _steps(
    residuals: Residuals,
    rows: npt.NDArray[np.int64],
    at: Floats,
    error: Floats,
    damping: Floats,
    bounds: tuple[Floats, Floats],
) -> Floats:
    """Return the step of every damping (rows, dampings, unknowns)."""
    count = at.shape[1]
    step = np.where(at + _STEP > bounds[1], -_STEP, _STEP)
    slopes = residuals(rows, at[:, None, :] + step[:, None, :] * np.eye(count)) - error[:, None, :]
    slopes /= step[:, :, None]
    slopes[~np.isfinite(slopes).all(axis=2)] = 0.0
    gradient = np.einsum("spt,st->sp", slopes, error)
    stuck = ((at <= bounds[0]) & (gradient > 0)) | ((at >= bounds[1]) & (gradient < 0))
    slopes[stuck], gradient[stuck] = 0.0, 0.0
    curvature = slopes @ slopes.transpose(0, 2, 1)
    diagonal = np.einsum("spp->sp", curvature)
    diagonal = np.maximum(diagonal, 1e-9 * diagonal.max(axis=1, keepdims=True) + 1e-300)
    damped = damping[:, None] * np.array(_DAMPINGS)
    system = curvature[:, None] + (damped[:, :, None] * diagonal[:, None])[..., None] * np.eye(
        count
    )
    return -np.linalg.solve(
        system, np.broadcast_to(gradient[:, None, :, None], (*damped.shape, count, 1))
    )[..., 0]
