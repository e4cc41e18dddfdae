"""The same weeks of the year before: a seasonal forecast from one year, and how much to heed it.

A year and a bit tells no model its season, but it holds what the weeks ahead took a year ago. That
year's shape is smoothed over three weeks, freed of holidays that move, and shrunk towards the
shape of the next level up by its own noise (empirical Bayes: Efron and Morris 1975, J. Am. Statist.
Assoc. 70(350)). It is combined with the model's forecast by inverse error variances (Bates and
Granger 1969, Operational Research Quarterly 20(4)), on the logarithm: the model's are those of its
past forecasts, apart for series that were far from their usual level when they were made. A model
that has seen no year end takes a peak for a level; its errors after earlier peaks say so. What is
far from its usual level, at a peak, after one or in a hole, is told apart here too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from analysis.demand.models import holiday_run_up
from analysis.demand.models.backtest import mean_along, mean_of
from analysis.stats.sizes import FEWEST_WEEKS_OF_GROWTH, MOST_WEEKS_OF_GROWTH
from analysis.stats.types import Floats

if TYPE_CHECKING:
    from analysis.demand.models.backtest import Backtest
    from analysis.demand.series.sales_series import Series

#: Periods that count as the present, and times the usual level from which it is far.
RECENT, FAR = 4, 1.5

#: Times the usual level beyond which a peak's errors are not expected to grow.
_HIGHEST = 5.0

#: Times the past year's mean from which a forecast is at a peak, and the share of the way back to
#: that mean by which its lower end reaches further.
PEAK, _BACK = 4 / 3, 0.5


def far_from_usual(values: Floats) -> npt.NDArray[np.bool_]:
    """Tell which series (rows) sold more than 1.5 times, or less than 1/1.5 of, their mean.

    The last four periods are compared with all that is known. A series without a positive mean
    is never far.
    """
    mean, late = _level(values), np.nan_to_num(mean_along(values[:, -RECENT:], axis=1))
    ratio = late / np.where(mean > 0, mean, np.nan)
    return np.asarray((ratio > FAR) | (ratio < 1 / FAR))


@dataclass(frozen=True)
class Expected:
    """How large errors are expected to be, as is known when forecasts are made.

    Parameters
    ----------
    down, up
        Below and above each forecast, in naive errors.
    peak
        Whether each is at a peak: a third or more above the mean of the past year.
    """

    down: Floats
    up: Floats
    peak: npt.NDArray[np.bool_]


def expected(
    made: Floats, values: Floats, scale: Floats, ends: Sequence[int], *, season: int
) -> Expected:
    """Return what errors are expected of forecasts made from each end of the data.

    What sells three times as much as usual errs by about three times as much, up to five times.
    And what is forecast above the mean of the past year may come down to it sooner than forecast:
    errors below reach half of the way further.

    ``made`` are forecasts (ends x series x periods ahead), ``scale`` naive errors (ends x series)
    and ``season`` the periods of a year; 1 takes all that is known.
    """
    past = [values[:, max(0, end - season) if season > 1 else 0 : end] for end in ends]
    year = np.stack([_level(part) for part in past])[:, :, None]
    usual = np.stack([_level(values[:, :end]) for end in ends])[:, :, None]
    ratio = made / np.where(usual > 0, usual, np.nan)
    up = np.where(np.isnan(ratio), 1.0, np.clip(ratio, 1.0, _HIGHEST))
    above = np.nan_to_num(np.maximum(made - year, 0.0) / scale[:, :, None])
    return Expected(up + _BACK * above, up, (year > 0) & (made >= PEAK * year))


#: Names in a backtest: the year before alone, and combined with the automatic choice.
ALONE, COMBINED = "year_ago", "seasonal"

#: Share of a series' usual level below which a value counts as next to nothing.
_FLOOR = 0.02

#: Spread of a business' growth in a year that is taken for granted where none was seen.
_GROWTH = 0.10

#: Weeks that last year's shape is smoothed over.
_SMOOTHED = 3

#: Past errors of a class from which they decide.
_WORTH = 10

#: What is left of a sum that rounds to nothing.
_NOTHING = 1e-8

#: Weights tried where past forecasts can tell.
_WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.45, 0.6, 0.75, 0.9)

#: Median of a chi-squared variable of one degree of freedom.
_CHI2_MEDIAN = 0.4549


@dataclass(frozen=True)
class Shape:
    """What holds together the series whose shapes are pooled.

    Parameters
    ----------
    season
        Periods of the year.
    groups
        Level of each series, top level first.
    parents
        Row of the series one level up, -1 for none.
    marks
        Periods, those ahead included, x holidays' weeks; None for none.
    """

    season: int
    groups: np.ndarray
    parents: np.ndarray
    marks: Floats | None = None


def same_periods(values: Floats, *, season: int, horizon: int) -> Floats:
    """Return what the periods ahead took one season ago (S, horizon); NaN where not known."""
    columns = values.shape[1] - season + np.arange(horizon) % season
    known = (columns >= 0) & (season > 1)
    return np.where(known, values[:, np.where(known, columns, 0)], np.nan)


def parents_of(series: Series) -> np.ndarray:
    """Return the row of each series' parent: the level before that shares its columns' values."""
    keys = series.keys
    columns = [c for c in keys.columns if c not in ("level", "name")]
    table = keys[columns].fillna("").astype(str)
    levels = [np.flatnonzero(keys["level"] == level) for level in dict.fromkeys(keys["level"])]
    found = np.full(len(keys), -1)
    for above, own in pairwise(levels):
        shared = [c for c in columns if (table[c].iloc[above] != "").any()]
        rows = {tuple(table.iloc[row][shared]): row for row in above}
        wanted = (
            zip(*(table[c].iloc[own] for c in shared), strict=True) if shared else [()] * len(own)
        )
        found[own] = [rows.get(tuple(key), -1) for key in wanted]
    return found


def growth(values: Floats, shape: Shape) -> Floats:
    """Return each series' latest weeks over those a year before, shrunk towards all together.

    A step, a promotion or a launch since then is in it, so that only what came back with the time
    of the year is left of last year's shape. 1 where there are no such weeks.
    """
    weeks = min(values.shape[1] - shape.season, MOST_WEEKS_OF_GROWTH)
    if weeks < FEWEST_WEEKS_OF_GROWTH:
        return np.ones(len(values))
    late = mean_along(values[:, -weeks:], axis=1)
    early = mean_along(values[:, -shape.season - weeks : -shape.season], axis=1)
    usual = _level(values[:, -shape.season :])
    floor = np.maximum(_FLOOR * usual, 1e-9)
    logs = np.log((np.maximum(late, 0.0) + floor) / (np.maximum(early, 0.0) + floor))
    top = np.flatnonzero(shape.groups == shape.groups[0])
    whole = mean_of(logs[top])
    noise = 2 * _noise(values, floor[:, None]) * _SMOOTHED / weeks
    apart = logs - whole
    for level in list(dict.fromkeys(shape.groups))[1:]:
        mine = shape.groups == level
        apart[mine] *= _reliability(apart[mine][:, None], noise[mine][:, None])[:, 0]
    return np.asarray(np.exp(np.nan_to_num(whole + apart)))


def _reliability(apart: Floats, noise: Floats) -> Floats:
    """Return the share of each difference (S, K) that is not noise (S, 1)."""
    known = np.isfinite(noise)
    real = mean_of(np.where(known, apart**2 - noise, np.nan))
    real = max(real, 0.0) if np.isfinite(real) else 0.0
    share = real / np.maximum(real + np.where(known, noise, 1.0), 1e-12)
    return np.asarray(np.where(known, share, 0.0))


def forecast(values: Floats, shape: Shape, *, horizon: int) -> Floats:
    """Return last year's shape laid over the periods ahead (S, horizon); NaN where not known."""
    calm, factor = values, np.ones((len(values), horizon))
    if shape.marks is not None:
        calm, factor = holiday_run_up.apart(values, shape.marks[: values.shape[1] + horizon])
    usual = _level(calm[:, -shape.season :])
    floor = np.maximum(_FLOOR * usual, 1e-9)[:, None]
    around = np.stack([calm, _shifted(calm, 1), _shifted(calm, -1)])
    smooth = mean_along(around, axis=0)
    before = same_periods(smooth, season=shape.season, horizon=horizon)
    logs = np.log((np.maximum(before, 0.0) + floor) / (usual[:, None] + floor))
    shrunk = _shrunk(logs, _noise(calm, floor), shape)
    made = (usual[:, None] + floor) * np.exp(shrunk) - floor
    return np.maximum(made, 0.0) * factor * growth(values, shape)[:, None]


def _shifted(values: Floats, by: int) -> Floats:
    moved = np.full_like(values, np.nan)
    if by > 0:
        moved[:, by:] = values[:, :-by]
    else:
        moved[:, :by] = values[:, -by:]
    return moved


def _level(values: Floats) -> Floats:
    return np.maximum(np.nan_to_num(mean_along(values, axis=1)), 0.0)


def _noise(values: Floats, floor: Floats) -> Floats:
    """Return the variance of the logarithm of three weeks' mean, from week to week changes."""
    logs = np.log(np.maximum(values, 0.0) + floor)
    steps = np.diff(logs, axis=1) ** 2
    found = np.full(len(values), np.nan)
    known = (~np.isnan(steps)).sum(axis=1) >= 4
    found[known] = np.nanmedian(steps[known], axis=1)
    return found / _CHI2_MEDIAN / 2 / _SMOOTHED


def _shrunk(logs: Floats, noise: Floats, shape: Shape) -> Floats:
    """Return each series' shape, shrunk towards its parent's by how noisy it is."""
    found = logs.copy()
    for level in list(dict.fromkeys(shape.groups))[1:]:
        mine = np.flatnonzero((shape.groups == level) & (shape.parents >= 0))
        towards = found[shape.parents[mine]]
        apart = logs[mine] - towards
        pulled = towards + _reliability(apart, noise[mine][:, None]) * apart
        found[mine] = np.where(np.isnan(pulled), logs[mine], pulled)
    return found


def combine(model: Floats, before: Floats, usual: Floats, weight: Floats) -> Floats:
    """Return the geometric mean of two forecasts (S, H), the year before weighing ``weight``."""
    floor = np.maximum(_FLOOR * usual, 1e-9)[:, None]
    known = ~np.isnan(before) & ~np.isnan(model) & (model >= 0)
    logs = np.log(np.where(known, model, 0.0) + floor)
    other = np.log(np.where(known, before, 0.0) + floor)
    mixed = np.exp(logs + weight[:, None] * (other - logs)) - floor
    return np.where(known, np.where(mixed > _NOTHING, mixed, 0.0), model)


@dataclass(frozen=True)
class Evidence:
    """What past forecasts say about a model and the year before.

    Parameters
    ----------
    wrong
        Logarithms of actual over the model's forecast sums (origins x series).
    losses
        Mean scaled error of every weight (weights x origins x series); NaN without a year before.
    far
        Whether each series was far from its usual level (origins x series).
    """

    wrong: Floats
    losses: Floats
    far: np.ndarray

    def known(self, tested: Backtest, origin: int) -> Evidence:
        """Return what of it was known when ``origin`` columns were."""
        over = np.asarray(tested.known_at(origin).all(axis=1))[:, None]
        return Evidence(
            np.where(over, self.wrong, np.nan), np.where(over, self.losses, np.nan), self.far
        )


def gather(tested: Backtest, values: Floats, *, model: str) -> Evidence:
    """Return the evidence of a backtest that holds ``model`` and `ALONE`."""
    losses = np.full((len(_WEIGHTS), *tested.scale.shape), np.nan)
    for o, origin in enumerate(tested.origins):
        mine, before = tested.of(model)[o], tested.of(ALONE)[o]
        if np.isnan(before).all():
            continue
        usual, unknown = _level(_cut(values, origin)), np.isnan(before).any(axis=1)
        for w, weight in enumerate(_WEIGHTS):
            mixed = combine(mine, before, usual, np.full(len(values), weight))
            error = np.abs(tested.actual[o] - mixed).mean(axis=1) / tested.scale[o]
            losses[w, o] = np.where(unknown, np.nan, error)
    far = np.stack([far_from_usual(_cut(values, o)) for o in tested.origins])
    return Evidence(_log_error(tested, model), losses, far)


def weights(
    evidence: Evidence, values: Floats, shape: Shape, sparse: np.ndarray, *, horizon: int
) -> Floats:
    """Return how much the year before weighs for each series.

    The ratio of variances decides until so many past forecasts could have used a year before
    that the weight with the least scaled error in them can be taken instead; level by level, and
    apart for series that sell now and then and for those far from their usual level.

    Parameters
    ----------
    evidence
        What was known when ``values`` were.
    values
        The series, up to then.
    shape, sparse
        What is pooled, and which series sell now and then.
    horizon
        Periods ahead.
    """
    far, found, drifted = far_from_usual(values), np.zeros(len(values)), _drift(values, shape)
    for level in dict.fromkeys(shape.groups):
        for rare in (False, True):
            mine = np.asarray((shape.groups == level) & (sparse == rare))
            granted = _granted(values[mine], horizon, shape.season) + drifted
            for kind in (False, True):
                past: np.ndarray = np.logical_and(mine[None, :], evidence.far == kind)
                enough = (~np.isnan(evidence.wrong[past])).sum() >= _WORTH
                past = past if enough else np.tile(mine, (len(past), 1))
                found[np.logical_and(mine, far == kind)] = _weight(
                    evidence.wrong[past], evidence.losses[:, past], granted
                )
    return found


def _weight(wrong: Floats, losses: Floats, granted: float) -> float:
    """Return the weight of a class, from the model's errors and the losses of every weight."""
    known = ~np.isnan(losses).any(axis=0)
    if known.sum() >= _WORTH:
        return float(_WEIGHTS[int(losses[:, known].mean(axis=1).argmin())])
    seen = wrong[~np.isnan(wrong)]
    variance = float(np.median(seen**2)) / _CHI2_MEDIAN if len(seen) else np.nan
    if not np.isfinite(variance + granted):
        return 0.0
    return variance / max(variance + granted, 1e-12)


def _cut(values: Floats, origin: int) -> Floats:
    return values[:, :origin]


def _log_error(tested: Backtest, model: str) -> Floats:
    """Return the logarithms of actual over forecast sums (origins x series)."""
    actual, made = tested.actual.sum(axis=2), tested.of(model).sum(axis=2)
    floor = np.maximum(_FLOOR * np.nan_to_num(np.abs(actual)), 1e-9)
    wrong = np.log((np.maximum(actual, 0.0) + floor) / (np.maximum(made, 0.0) + floor))
    return np.asarray(np.clip(wrong, -3.0, 3.0))


def _granted(values: Floats, horizon: int, season: int) -> float:
    """Return the squared error of a year before that is expected before any was seen.

    Between two years lies as much as between two stretches of one: an upper limit, for these have
    seasons of their own.
    """
    recent = values[:, -season:]
    count = recent.shape[1] // horizon
    if count < 2 or not len(values):
        return np.inf
    parts = recent[:, recent.shape[1] - count * horizon :].reshape(len(values), count, horizon)
    sums = np.maximum(parts.sum(axis=2), 0.0)
    floor = _FLOOR * np.nanmean(sums) if np.isfinite(sums).any() else np.nan
    logs = np.log(sums + max(np.nan_to_num(floor), 1e-9))
    pairs = [(logs[:, i] - logs[:, j]) ** 2 for i in range(count) for j in range(i + 1, count)]
    seen = np.concatenate(pairs)
    seen = seen[~np.isnan(seen)]
    return float(np.median(seen) / _CHI2_MEDIAN) if len(seen) else np.inf


def _drift(values: Floats, shape: Shape) -> float:
    """Return the variance of a year's growth: what the top level moved between half-years."""
    top = np.nan_to_num(values[shape.groups == shape.groups[0]]).sum(axis=0)
    half = shape.season // 2
    late, early = top[-half:].sum(), top[-2 * half : -half].sum()
    moved = np.log(late / early) if late > 0 and early > 0 else np.inf
    return float(max(moved**2, _GROWTH**2))


def with_combination(
    tested: Backtest, values: Floats, shape: Shape, sparse: np.ndarray, *, model: str
) -> tuple[Backtest, Evidence]:
    """Return the backtest with the year before alone and combined with ``model``, and why."""
    horizon = tested.horizon
    alone = [forecast(_cut(values, o), shape, horizon=horizon) for o in tested.origins]
    tested = tested.with_model(ALONE, np.stack(alone))
    evidence = gather(tested, values, model=model)
    made = tested.of(model).copy()
    for o, origin in enumerate(tested.origins):
        if np.isnan(alone[o]).all():
            continue
        past, known = evidence.known(tested, origin), _cut(values, origin)
        weight = weights(past, known, shape, sparse, horizon=horizon)
        made[o] = combine(made[o], alone[o], _level(known), weight)
    return tested.with_model(COMBINED, made), evidence


def combined(
    tested: Backtest, mean: Floats, evidence: Evidence, values: Floats, shape: Shape,
    sparse: np.ndarray,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Return a model's forecasts from the last period, combined with the year before.

    And the share of the model's past error variance that is expected of the combination: where
    past forecasts could use no year before, what inverse variances leave of it.
    """
    horizon = mean.shape[1]
    weight = weights(evidence, values, shape, sparse, horizon=horizon)
    made = combine(mean, forecast(values, shape, horizon=horizon), _level(values), weight)
    untried = np.isnan(tested.of(ALONE)).all(axis=(0, 2))
    return made, np.where(untried, 1 - weight, 1.0)
