"""Prediction intervals from the backtest's own errors.

Split conformal prediction with normalised residuals (Papadopoulos, Gammerman and Vovk 2008;
Lei, G'Sell, Rinaldo, Tibshirani and Wasserman 2018, J. Am. Statist. Assoc. 113(523)): the errors
made in the past at the same number of periods ahead, each over its series' own naive error, are
the distribution of the errors to come. No normality is assumed; what holds is shown as coverage.

Errors are taken over what is expected of each forecast (`year_ago.expected`: one at a multiple of
the usual level errs by a multiple, and falls back sooner than it is forecast to), as normalised
residuals allow, and forecasts at a peak are a class of their own where enough of them were
(Mondrian conformal prediction: Vovk, Gammerman and Shafer 2005, section 4.5): conditional coverage
holds for classes, never for single weeks (Barber, Candes, Ramdas and Tibshirani 2021, Information
and Inference 10(2)). Errors of later weeks are not exchangeable with those of earlier ones, a
December's least of all: where truth fell beyond an end more often than promised, that end's tail is
made smaller until it no longer does (adaptive conformal inference: Gibbs and Candes 2021, NeurIPS
34), for each class by its own record, and never larger than promised.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from analysis.demand.forecast.accuracy import diebold_mariano
from analysis.demand.models.backtest import Backtest, mean_of, pinball
from analysis.demand.series.year_ago import Expected
from analysis.stats.sizes import FEWEST_AT_PEAKS

#: How many periods ahead to either side lend their errors where one alone has too few.
_NEIGHBOURS = (0, 1, 2, 4, 10_000)

#: Errors wanted beyond each end: one alone makes ends that jump from period to period.
_WANTED = 2

#: What the name of a class of series that sell now and then ends in.
SPARSE_CLASS = ", now and then"

#: Smallest tail that an end is given where truth was beyond it too often, over the promised one.
LEAST_TAIL = 0.1

#: Past forecasts wanted before an interval is judged.
BURN_IN = 6


@dataclass(frozen=True)
class Offsets:
    """How far the interval reaches, in naive errors: horizon-long, NaN where it is unknown."""

    low: np.ndarray
    high: np.ndarray
    n: np.ndarray


@dataclass(frozen=True)
class Reach:
    """How far every series' interval reaches, in naive errors, from each origin and from the end.

    Parameters
    ----------
    low, high
        (Origins + 1) x series x periods ahead, each known at its origin; the last is from the
        end of the data.
    n
        (Origins + 1) x series: least number of errors behind an end.
    """

    low: np.ndarray
    high: np.ndarray
    n: np.ndarray

    def at(self, origin: int) -> Offsets:
        """Return how far every series' interval reaches from an origin's place; -1 is the end."""
        return Offsets(self.low[origin], self.high[origin], self.n[origin])


def offsets(
    scaled: np.ndarray,
    *,
    coverage: float,
    lent: np.ndarray | None = None,
    tails: tuple[float, float] | None = None,
) -> Offsets:
    """Return the offsets for scaled errors (any x horizon), NaN being no error.

    The finite-sample quantiles are order statistics k = floor((n + 1) x tail). With fewer errors
    than these need, those ``lent`` by other series are added, at the same number of periods
    ahead; then the errors of neighbouring horizons, which are next to no news, for they were made
    at the same time; and without enough of those either the offset is NaN. ``tails``, if
    given, are what the lower and the upper end leave out instead of half the rest each.
    """
    horizon = scaled.shape[-1]
    flat = scaled.reshape(-1, horizon)
    more = flat if lent is None else np.vstack([flat, lent.reshape(-1, horizon)])
    tail = (1 - coverage) / 2
    ends = [_ends(flat, more, h, tail, tails or (tail, tail)) for h in range(horizon)]
    low, high, n = (np.array(part) for part in zip(*ends, strict=True))
    lent = n > np.maximum((~np.isnan(flat)).sum(axis=0), 1)
    if lent.any():
        low, high = _smoothed(low), _smoothed(high)
    return Offsets(low, high, n.astype(int))


def _smoothed(ends: np.ndarray) -> np.ndarray:
    """Return ends averaged with their neighbours', so that few errors draw no zigzag."""
    padded = np.pad(ends, 1, mode="edge")
    return np.asarray((padded[:-2] + padded[1:-1] + padded[2:]) / 3)


def _ends(
    flat: np.ndarray, more: np.ndarray, h: int, tail: float, tails: tuple[float, float]
) -> tuple[float, float, int]:
    found = (np.nan, np.nan, 0)
    for errors, reach in ((flat, 0), *((more, reach) for reach in _NEIGHBOURS)):
        pool = errors[:, max(0, h - reach) : h + reach + 1]
        pool = np.sort(pool[~np.isnan(pool)])
        k = int((len(pool) + 1) * tail + 1e-9)
        if k >= 1:
            low, high = (max(int((len(pool) + 1) * part + 1e-9), 1) for part in tails)
            found = (float(pool[low - 1]), float(pool[len(pool) - high]), len(pool))
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
    low, high = mean + scale[:, None] * reach.low, mean + scale[:, None] * reach.high
    return np.maximum(np.minimum(low, mean), floor[:, None]), np.maximum(high, mean)


def reach(
    scaled: np.ndarray,
    known: np.ndarray,
    classes: dict[str, np.ndarray],
    expect: Expected | None = None,
    *,
    coverage: float,
    least: float = LEAST_TAIL,
) -> Reach:
    """Return how far the intervals of every origin reach, from what was known there.

    Parameters
    ----------
    scaled
        Errors over naive errors, origins x series x periods ahead.
    known
        (Origins + 1) x origins x periods ahead: which errors had been seen at each origin, and
        at the end.
    classes
        Series that share a calibration, as masks by name.
    expect
        What is expected of the errors, (origins + 1) x series x periods ahead; None expects the
        same of all.
    coverage
        Nominal coverage.
    least
        Smallest tail an end is given, over the promised one; 1 does not adapt.
    """
    shape = (len(known), *scaled.shape[1:])
    low, high = np.full(shape, np.nan), np.full(shape, np.nan)
    n, lent = np.zeros(shape[:2], dtype=int), lenders(classes)
    if expect is None:
        expect = Expected(np.ones(shape), np.ones(shape), np.zeros(shape, dtype=bool))
    calm = scaled / np.where(scaled < 0, expect.down[:-1], expect.up[:-1])
    for name, mine in classes.items():
        more = calm[:, lent[name]] if name in lent else None
        adapted = _adapted(calm[:, mine], known, expect.peak[:, mine], (coverage, least), more)
        low[:, mine], high[:, mine], n[:, mine] = adapted
    return Reach(low * expect.down, high * expect.up, n)


def _adapted(
    scaled: np.ndarray,
    known: np.ndarray,
    peak: np.ndarray,
    promised: tuple[float, float],
    lent: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the ends and their numbers of errors for one class, origin by origin."""
    coverage, least = promised
    shape, tail = (len(known), *scaled.shape[1:]), (1 - coverage) / 2
    low, high = np.full(shape, np.nan), np.full(shape, np.nan)
    n = np.zeros(shape, dtype=int)
    beyond = np.full((2, *scaled.shape), np.nan)
    for o, seen in enumerate(known):
        more = None if lent is None else np.where(seen[:, None, :], lent, np.nan)
        for mine, past in _kinds(peak, o, np.where(seen[:, None, :], scaled, np.nan)):
            missed = np.where(np.isnan(past[None]), np.nan, beyond)
            tails = _tails(missed, seen, tail, least)
            found = offsets(past, coverage=coverage, lent=more, tails=tails)
            low[o] = np.where(mine, np.minimum(found.low, 0.0), low[o])
            high[o] = np.where(mine, np.maximum(found.high, 0.0), high[o])
            n[o] = np.where(mine, found.n, n[o])
        if o < len(scaled):
            judged = ~np.isnan(scaled[o]) & ~np.isnan(low[o])
            beyond[0, o] = np.where(judged, scaled[o] < low[o], np.nan)
            beyond[1, o] = np.where(judged, scaled[o] > high[o], np.nan)
    return low, high, n.min(axis=2)


def _tails(beyond: np.ndarray, seen: np.ndarray, tail: float, least: float) -> tuple[float, float]:
    """Return what each end leaves out, given how often truth was beyond it so far."""
    share = seen.mean(axis=1)
    found = []
    for part in np.where(seen[None, :, None, :], beyond, np.nan):
        missed = np.array([mean_of(origin) for origin in part])
        short = np.nansum(share * (tail - missed))
        found.append(float(np.clip(tail + short, tail * least, tail)))
    return found[0], found[1]


def _kinds(peak: np.ndarray, o: int, past: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the forecasts at a peak and not, as masks, each with the errors that calibrate it."""
    then, now = peak[: len(past)], peak[o]
    apart = [(now == kind, np.where(then == kind, past, np.nan)) for kind in (False, True)]
    if any((~np.isnan(errors).all(axis=2)).sum() < FEWEST_AT_PEAKS for _, errors in apart):
        return [(np.ones(now.shape, dtype=bool), past)]
    return [(mine, errors) for mine, errors in apart if mine.any()]


def realised(
    tested: Backtest,
    model: str,
    classes: dict[str, np.ndarray],
    reaches: dict[float, Reach] | None = None,
    *,
    coverages: tuple[float, ...] = (0.80, 0.95),
    judged: np.ndarray | None = None,
) -> pd.DataFrame:
    """Return how often the truth lay inside intervals drawn before it was known.

    Each origin's interval is calibrated on errors that had been seen by then; origins before
    which fewer than `BURN_IN` others had come to their end are left out.

    Parameters
    ----------
    tested, model
        The forecasts judged.
    classes
        Series that share a calibration.
    reaches
        `reach` of the forecasts by coverage; None calibrates without regard to peaks.
    coverages
        Nominal coverages.
    judged
        Which forecasts to judge, origins x series x periods ahead; None judges all.

    Returns
    -------
    pandas.DataFrame
        level, nominal, realised with low and high (95 %: the wider of the binomial interval of
        Clopper and Pearson 1934, Biometrika 26(4), as if different weeks of a series were
        independent and forecasts of the same week one, and of that which allows for forecasts
        from neighbouring origins sharing their luck, `judgement.diebold_mariano`), gap (realised
        - nominal), n (forecasts judged), weeks (different weeks of series among them), series,
        quantile_loss (pinball loss of both ends, in naive errors).
    """
    reaches = reaches or {c: of_backtest(tested, model, classes, None, c) for c in coverages}
    judged = np.ones(tested.actual.shape, dtype=bool) if judged is None else judged
    rows = [
        {"level": level, "nominal": nominal,
         **_covered(tested, model, judged & chosen[None, :, None], nominal, ends)}
        for level, chosen in classes.items()
        for nominal, ends in reaches.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


def of_backtest(
    tested: Backtest,
    model: str,
    classes: dict[str, np.ndarray],
    expect: Expected | None,
    coverage: float,
) -> Reach:
    """Return `reach` of a model in a backtest."""
    scaled = (tested.actual - tested.of(model)) / tested.scale[:, :, None]
    known = [tested.known_at(origin) for origin in tested.origins]
    every = np.ones((len(tested.origins), tested.horizon), dtype=bool)
    known_then = np.stack([*known, every])
    return reach(scaled, known_then, classes, expect, coverage=coverage)


def _covered(
    tested: Backtest, model: str, chosen: np.ndarray, nominal: float, ends: Reach
) -> dict[str, float]:
    """Return the coverage of the forecasts chosen; NaN where none of them can be judged."""
    tail = (1 - nominal) / 2
    over = [tested.known_at(origin).all(axis=1).sum() >= BURN_IN for origin in tested.origins]
    judged = np.flatnonzero(over)
    error = (tested.actual - tested.of(model)) / tested.scale[:, :, None]
    error, chosen = error[judged], chosen[judged]
    low, high = (end[:-1][judged] for end in (ends.low, ends.high))
    known = chosen & ~np.isnan(error) & ~np.isnan(low)
    if not known.any():
        nothing = dict.fromkeys(("realised", "low", "high", "gap", "quantile_loss"), np.nan)
        return {**nothing, "n": 0, "weeks": 0, "series": 0}
    inside = np.where(known, (error >= low) & (error <= high), np.nan)
    loss = pinball(error, low, level=tail) + pinball(error, high, level=1 - tail)
    targets = [_targets(known[i], tested.origins[o]) for i, o in enumerate(judged)]
    share, weeks = mean_of(inside), len(np.unique(np.concatenate(targets)))
    first, last = _interval(inside, tested, weeks)
    return {
        "realised": share,
        "low": first,
        "high": last,
        "gap": share - nominal,
        "n": int(known.sum()),
        "weeks": weeks,
        "series": int(known.any(axis=(0, 2)).sum()),
        "quantile_loss": mean_of(np.where(known, loss / 2, np.nan)),
    }


def _interval(inside: np.ndarray, tested: Backtest, weeks: int) -> tuple[float, float]:
    """Return the wider of the binomial interval and of that between origins."""
    share = mean_of(inside)
    low, high = _binomial(share, weeks)
    by_origin = np.array([mean_of(part) for part in inside])
    by_origin = by_origin[~np.isnan(by_origin)]
    if len(by_origin) > tested.horizon:
        step = tested.origins[1] - tested.origins[0]
        around = diebold_mariano(by_origin - share, horizon=tested.horizon, step=step)[1]
        low, high = min(low, share - around), max(high, share + around)
    return max(low, 0.0), min(high, 1.0)


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
