"""Prediction intervals from the backtest's own errors.

Split conformal prediction with normalised residuals (Papadopoulos, Gammerman and Vovk 2008;
Lei, G'Sell, Rinaldo, Tibshirani and Wasserman 2018, J. Am. Statist. Assoc. 113(523)): the errors
made in the past at the same number of periods ahead, each over its series' own naive error, are
the distribution of the errors to come. No normality is assumed; what holds is shown as coverage.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from analysis.demand.models.backtest import Backtest, mean_of, pinball

#: How many periods ahead to either side lend their errors where one alone has too few.
_NEIGHBOURS = (0, 1, 2, 4, 10_000)

#: Errors wanted beyond each end: one alone makes ends that jump from period to period.
_WANTED = 2


#: What the name of a class of series that sell now and then ends in.
SPARSE_CLASS = ", now and then"

#: Past forecasts wanted before an interval is judged.
BURN_IN = 6


@dataclass(frozen=True)
class Offsets:
    """How far the interval reaches, in naive errors: horizon-long, NaN where it is unknown."""

    low: np.ndarray
    high: np.ndarray
    n: np.ndarray


def offsets(scaled: np.ndarray, *, coverage: float, lent: np.ndarray | None = None) -> Offsets:
    """Return the offsets for scaled errors (any x horizon), NaN being no error.

    The finite-sample quantiles are order statistics k = floor((n + 1) x tail). With fewer errors
    than these need, those ``lent`` by other series are added, at the same number of periods
    ahead; then the errors of neighbouring horizons, which are next to no news, for they were made
    at the same time; and without enough of those either the offset is NaN.
    """
    horizon = scaled.shape[-1]
    flat = scaled.reshape(-1, horizon)
    more = flat if lent is None else np.vstack([flat, lent.reshape(-1, horizon)])
    ends = [_ends(flat, more, h, (1 - coverage) / 2) for h in range(horizon)]
    low, high, n = (np.array(part) for part in zip(*ends, strict=True))
    lent = n > np.maximum((~np.isnan(flat)).sum(axis=0), 1)
    if lent.any():
        low, high = _smoothed(low), _smoothed(high)
    return Offsets(low, high, n.astype(int))


def _smoothed(ends: np.ndarray) -> np.ndarray:
    """Return ends averaged with their neighbours', so that few errors draw no zigzag."""
    padded = np.pad(ends, 1, mode="edge")
    return np.asarray((padded[:-2] + padded[1:-1] + padded[2:]) / 3)


def _ends(flat: np.ndarray, more: np.ndarray, h: int, tail: float) -> tuple[float, float, int]:
    found = (np.nan, np.nan, 0)
    for errors, reach in ((flat, 0), *((more, reach) for reach in _NEIGHBOURS)):
        pool = errors[:, max(0, h - reach) : h + reach + 1]
        pool = np.sort(pool[~np.isnan(pool)])
        k = int((len(pool) + 1) * tail + 1e-9)
        if k >= 1:
            found = (float(pool[k - 1]), float(pool[len(pool) - k]), len(pool))
        if k >= _WANTED:
            break
    return found


def lenders(classes: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return for each class of a single series the next level's series, which lend their errors.

    A total has one error a past forecast and horizon, too few to tell how far the rare ones reach.
    """
    names = [name for name in classes if not name.endswith(SPARSE_CLASS)]
    return {one: classes[other] for one, other in pairwise(names) if classes[one].sum() == 1}


def intervals(
    mean: np.ndarray, scale: np.ndarray, reach: Offsets, *, floor: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return lower and upper ends (series x horizon), not below ``floor`` of each series."""
    low = mean + scale[:, None] * reach.low[None]
    high = mean + scale[:, None] * reach.high[None]
    return np.maximum(np.minimum(low, mean), floor[:, None]), np.maximum(high, mean)


def calibrate(
    tested: Backtest,
    model: str,
    chosen: np.ndarray,
    *,
    coverage: float,
    origin: int | None = None,
    lent: np.ndarray | None = None,
) -> Offsets:
    """Return the offsets of a model for the series ``chosen``, as known at ``origin``.

    ``lent`` marks the series that lend their errors where those of ``chosen`` are too few.
    """
    scaled = (tested.actual - tested.of(model)) / tested.scale[:, :, None]
    if origin is not None:
        scaled = np.where(tested.known_at(origin)[:, None, :], scaled, np.nan)
    more = None if lent is None else scaled[:, lent]
    return offsets(scaled[:, chosen], coverage=coverage, lent=more)


def realised(
    tested: Backtest,
    model: str,
    classes: dict[str, np.ndarray],
    *,
    coverages: tuple[float, ...] = (0.80, 0.95),
) -> pd.DataFrame:
    """Return how often the truth lay inside intervals drawn before it was known.

    Each origin's interval is calibrated on errors that had been seen by then; origins before
    which fewer than `BURN_IN` others had come to their end are left out.

    Returns
    -------
    pandas.DataFrame
        level, nominal, realised with low and high (95 % binomial interval, Clopper and Pearson
        1934, Biometrika 26(4), as if different weeks of a series were independent and forecasts
        of the same week one), gap (realised - nominal), n (forecasts judged), weeks (different
        weeks of series among them), quantile_loss (pinball loss of both ends, in naive errors).
    """
    lent = lenders(classes)
    rows = [
        {
            "level": level,
            "nominal": nominal,
            **_covered(tested, model, chosen, nominal, lent.get(level)),
        }
        for level, chosen in classes.items()
        for nominal in coverages
    ]
    return pd.DataFrame(rows)


def _covered(
    tested: Backtest, model: str, chosen: np.ndarray, nominal: float, lent: np.ndarray | None
) -> dict[str, float]:
    inside, losses, targets = [], [], []
    tail = (1 - nominal) / 2
    for o, origin in enumerate(tested.origins):
        if tested.known_at(origin).all(axis=1).sum() < BURN_IN:
            continue
        reach = calibrate(tested, model, chosen, coverage=nominal, origin=origin, lent=lent)
        error = (tested.actual[o] - tested.of(model)[o])[chosen]
        error = error / tested.scale[o, chosen, None]
        within = (error >= np.minimum(reach.low, 0)) & (error <= np.maximum(reach.high, 0))
        known = ~np.isnan(error) & ~np.isnan(reach.low)
        inside.append(np.where(known, within, np.nan).ravel())
        loss = pinball(error, reach.low, level=tail) + pinball(error, reach.high, level=1 - tail)
        losses.append(np.where(known, loss / 2, np.nan).ravel())
        targets.append(_targets(known, origin))
    if not inside:
        nothing = dict.fromkeys(("realised", "low", "high", "gap", "quantile_loss"), np.nan)
        return {**nothing, "n": 0, "weeks": 0}
    share = mean_of(np.concatenate(inside))
    weeks = len(np.unique(np.concatenate(targets)))
    low, high = _binomial(share, weeks)
    return {
        "realised": share,
        "low": low,
        "high": high,
        "gap": share - nominal,
        "n": int((~np.isnan(np.concatenate(inside))).sum()),
        "weeks": weeks,
        "quantile_loss": mean_of(np.concatenate(losses)),
    }


def _targets(known: np.ndarray, origin: int) -> np.ndarray:
    """Return one number for each week of a series that was judged."""
    rows, ahead = np.nonzero(known)
    return np.asarray(rows * 1_000_000 + origin + ahead)


def _binomial(share: float, n: int) -> tuple[float, float]:
    from scipy.stats import beta

    if not n or np.isnan(share):
        return np.nan, np.nan
    hits = share * n
    low = beta.ppf(0.025, hits, n - hits + 1) if hits > 0 else 0.0
    high = beta.ppf(0.975, hits + 1, n - hits) if hits < n else 1.0
    return float(low), float(high)
