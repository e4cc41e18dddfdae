"""The forecast: models chosen by rolling origin, intervals from their errors, sums that add up.

The forecast as it is published: means, intervals, and a reason where there is none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.demand.forecast import accuracy, conformal, horizon_totals, model_selection
from analysis.demand.forecast.level_regressors import Plan
from analysis.demand.models import arima, backtest, ets, holiday_run_up, intermittent
from analysis.demand.models import registry as zoo
from analysis.demand.models.backtest import Backtest, mean_along, scales
from analysis.demand.series import hierarchy, year_ago
from analysis.demand.series.hierarchy import Hierarchy, bottom_up, minimum_trace
from analysis.demand.series.sales_series import Series, ahead
from analysis.demand.series.year_ago import Expected, expected

if TYPE_CHECKING:
    from analysis.demand.forecast.conformal import Reach
    from analysis.demand.forecast.level_regressors import LevelDrivers, Plan
    from analysis.demand.series.sales_series import Level

#: Forecasts of the automatic choice, made coherent.
COHERENT = "coherent"

#: Forecasts of the automatic choice at the bottom, added up.
BOTTOM_UP = "bottom_up"


@dataclass(frozen=True)
class Outlook:
    """A forecast with everything that says how far to trust it.

    Parameters
    ----------
    table
        One row a series and period ahead: level, name, period_start, ahead, mean, low_80,
        high_80, low_95, high_95 (for the plan's coverages), model, kind (``regular`` or
        ``sparse``), reason (why there is no interval or no forecast; empty where there is).
    tested
        The backtest of every model, of the automatic choice and of what is published.
    published
        Name in ``tested`` of the forecasts in ``table``.
    scores
        `judgement.scoreboard` of ``tested``.
    coverage, at_peaks
        `conformal.realised` of the published forecasts, of all and of those at a peak.
    series, plan
        What was forecast, and how; the plan's season is 1 where the data are too short for it.
    groups, sparse
        Level of each series, and whether it sells now and then.
    expect
        `year_ago.expected` of the published forecasts' errors, then and now.
    reaches
        `conformal.reach` of the published forecasts by nominal coverage.
    before
        What the periods ahead took one season before (series x horizon); NaN where not known.
    """

    table: pd.DataFrame
    tested: Backtest
    published: str
    scores: pd.DataFrame
    coverage: pd.DataFrame
    at_peaks: pd.DataFrame
    series: Series
    plan: Plan
    groups: np.ndarray
    sparse: np.ndarray
    expect: Expected
    reaches: dict[float, conformal.Reach]
    before: np.ndarray

    def classes(self) -> dict[str, np.ndarray]:
        """Return the series that share an interval's calibration, as masks by name."""
        return _levels(self.groups, self.sparse)

    @cached_property
    def of_sums(self) -> pd.DataFrame:
        """Return `horizon_totals.realised`, the coverage of sums over the horizon."""
        return horizon_totals.realised(self)


def predict(
    series: Series,
    plan: Plan,
    *,
    levels: tuple[Level, ...] | None = None,
    known: LevelDrivers | None = None,
) -> Outlook:
    """Forecast every series of ``series``, coherently where ``levels`` form a hierarchy.

    Parameters
    ----------
    series
        From `series.fetch`.
    plan
        Horizon, season, backtest and coverages.
    levels
        The levels, top first, whose sums must add up; None where nothing has to.
    known
        What is known in advance about some of the series, for candidates that use it.

    Raises
    ------
    NotApplicable
        If there are too few periods to test a forecast.
    """
    import scipy.linalg  # noqa: F401  its own BLAS can be limited only once it is loaded
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):  # many small systems: threads only wait
        return _predict(series, plan, levels, known)


def _predict(
    series: Series, plan: Plan, levels: tuple[Level, ...] | None, known: LevelDrivers | None
) -> Outlook:
    groups = np.asarray(series.keys["level"], dtype=object)
    sparse = intermittent.is_intermittent(series.values)
    wanted, plan = plan, _with_known_season(series, plan)
    tested = _tested(series, plan, groups, sparse, known)
    candidates = tested.models[:-1]
    weights = model_selection.weigh(tested, groups, sparse)[:-1]
    mean = model_selection.combine(_made(series, plan, candidates, known), weights)
    published = model_selection.AUTOMATIC
    shape, left = _shape(series, wanted, groups, known), np.ones(len(mean))
    if shape is not None:
        tested, evidence = year_ago.with_combination(
            tested, series.values, shape, sparse, model=published
        )
        mean, left = year_ago.combined(tested, mean, evidence, series.values, shape, sparse)
        published = year_ago.COMBINED
    if levels is not None:
        built = hierarchy.build(series, levels)
        tested, mean = _coherent(tested, mean, built, series, left, model=published)
        published = COHERENT
    classes = _levels(groups, sparse)
    ends = [*tested.origins, series.values.shape[1]]
    made = np.stack([*tested.of(published), mean])
    scale = np.stack([*tested.scale, scales(series.values, season=plan.season)[0]])
    expect = expected(made, series.values, scale, ends, season=plan.season)
    judge = (tested, published, classes)
    reaches = {c: conformal.of_backtest(*judge, expect, c) for c in plan.coverages}
    names = model_selection.names(candidates, weights)
    table = _table(series, plan, mean, names, reaches)
    return Outlook(
        table, tested, published, accuracy.scoreboard(tested, groups),
        conformal.realised(*judge, reaches),
        conformal.realised(*judge, reaches, judged=expect.peak[:-1]),
        series, plan, groups, sparse, expect, reaches,
        year_ago.same_periods(series.values, season=wanted.season, horizon=plan.horizon),
    )  # fmt: skip


def _shape(
    series: Series, plan: Plan, groups: np.ndarray, known: LevelDrivers | None
) -> year_ago.Shape | None:
    """Return what is pooled of the year before; None where it says nothing that models do not.

    A season short enough to be learnt index by index is the models' own where it was seen.
    """
    learnt = plan.season <= ets.LONGEST_SEASON and _origins(series, plan)[0] >= plan.season
    if learnt or plan.season <= 1 or series.values.shape[1] < plan.season:
        return None
    marks = None if known is None else known.marks
    return year_ago.Shape(plan.season, groups, year_ago.parents_of(series), marks)


def _origins(series: Series, plan: Plan) -> tuple[int, ...]:
    columns = series.values.shape[1]
    return backtest.origins_for(
        columns, horizon=plan.horizon, count=plan.origins, step=plan.step,
        frequency=series.frequency,
    )  # fmt: skip


def _with_known_season(series: Series, plan: Plan) -> Plan:
    """Return the plan without a season that the first origin had not seen once."""
    return plan if _origins(series, plan)[0] >= plan.season else replace(plan, season=1)


def _made(
    series: Series, plan: Plan, names: tuple[str, ...], known: LevelDrivers | None
) -> np.ndarray:
    """Return every candidate's forecasts from the last period (models x series x horizon)."""
    models = [name for name in names if name in zoo.MODELS]
    made = zoo.forecasts(series.values, models=models, horizon=plan.horizon, season=plan.season)
    if known is not None:
        made |= arima.forecasts(series.values, known, horizon=plan.horizon)
        made |= holiday_run_up.forecasts(series.values, known.marks)
    return np.stack([made[name] for name in names])


def _tested(
    series: Series, plan: Plan, groups: np.ndarray, sparse: np.ndarray, known: LevelDrivers | None
) -> Backtest:
    origins = _origins(series, plan)
    models = zoo.candidates(season=plan.season, columns=origins[0])
    tested = backtest.run(
        series.values, models=models, horizon=plan.horizon, season=plan.season, origins=origins
    )
    if known is not None:
        tested = arima.with_candidates(tested, series.values, known)
        tested = holiday_run_up.with_candidates(tested, series.values, known.marks)
    return model_selection.with_automatic(tested, groups, sparse)


def _free(series: Series, built: Hierarchy) -> np.ndarray:
    bottom = series.values[built.bottom]
    return np.asarray((np.where(np.isnan(bottom), 0.0, bottom) < 0).any(axis=1))


def _coherent(
    tested: Backtest,
    mean: np.ndarray,
    built: Hierarchy,
    series: Series,
    left: np.ndarray,
    *,
    model: str,
) -> tuple[Backtest, np.ndarray]:
    """Return the backtest with ``model`` added up and reconciled, and ``mean`` reconciled.

    ``left`` is the share of each series' past error variance that is expected of ``mean``.

    Errors of neighbouring series go together, so that their sum errs by more than the variances
    say. The top level therefore gives way by the variances or keeps its own forecast, whichever
    has erred less at all levels until then.
    """
    made, groups = tested.of(model), np.asarray(series.keys["level"], dtype=object)
    free, top = _free(series, built), np.asarray(groups == groups[0])

    def both(
        base: np.ndarray, origin: int | None, share: float | np.ndarray = 1.0
    ) -> tuple[np.ndarray, np.ndarray]:
        variances = share * _error_variances(tested, model, origin=origin)
        plain = minimum_trace(base, built, variances=variances, free=free)
        return plain, minimum_trace(base, built, variances=variances, free=free, held=top)

    pairs = [both(made[o], origin) for o, origin in enumerate(tested.origins)]
    ways = [np.stack(way) for way in zip(*pairs, strict=True)]
    known = [tested.known_at(origin) for origin in tested.origins]
    best = [model_selection.nearest(ways, tested, groups, known=seen) for seen in known]
    traced = np.stack([ways[way][o] for o, way in enumerate(best)])
    summed = np.stack([bottom_up(base, built) for base in made])
    latest = model_selection.nearest(ways, tested, groups, known=np.ones_like(known[0]))
    tested = tested.with_model(BOTTOM_UP, summed).with_model(COHERENT, traced)
    return tested, both(mean, None, left)[latest]


def _error_variances(tested: Backtest, model: str, *, origin: int | None = None) -> np.ndarray:
    """Return each series' mean squared forecast error, as known at ``origin``."""
    error = tested.actual - tested.of(model)
    if origin is not None:
        error = np.where(tested.known_at(origin)[:, None, :], error, np.nan)
    enough = (~np.isnan(error)).sum(axis=(0, 2)) >= tested.horizon
    return np.where(enough, mean_along(error**2, axis=(0, 2)), np.nan)


def _levels(groups: np.ndarray, sparse: np.ndarray) -> dict[str, np.ndarray]:
    """Return the series that share an interval's calibration, by name."""
    return {
        f"{level}{conformal.SPARSE_CLASS}" if kind else level: mask
        for level, kind, mask in (
            (str(groups[mask][0]), kind, mask)
            for mask, kind in model_selection.classes(groups, sparse)
        )
    }


def _table(
    series: Series, plan: Plan, mean: np.ndarray, names: np.ndarray, reaches: dict[float, Reach]
) -> pd.DataFrame:
    """Return the table of `Outlook` from means (series x periods ahead) and models' names."""
    scale = scales(series.values, season=plan.season)[0]
    ends = _ends(series, mean, scale, reaches)
    starts = pd.to_datetime(list(ahead(series, plan.horizon))).as_unit("us")
    wide = {
        "level": np.repeat(series.keys["level"].to_numpy(), plan.horizon),
        "name": np.repeat(series.keys["name"].to_numpy(), plan.horizon),
        "period_start": np.tile(starts, len(mean)),
        "ahead": np.tile(np.arange(1, plan.horizon + 1), len(mean)),
        "mean": mean.ravel(),
        **{name: end.ravel() for name, end in ends.items()},
        "model": np.repeat(names.astype(str), plan.horizon),
    }
    return pd.DataFrame(wide).assign(reason=_reasons(mean, scale, ends).ravel())


def _ends(
    series: Series, mean: np.ndarray, scale: np.ndarray, reaches: dict[float, Reach]
) -> dict[str, np.ndarray]:
    """Return the intervals' ends by name; none below zero for what never was."""
    seen = np.where(np.isnan(series.values), 0.0, series.values)
    floor = np.where((seen >= 0).all(axis=1), 0.0, -np.inf)
    ends = {}
    for coverage, reach in reaches.items():
        low, high = conformal.intervals(mean, scale, reach.at(-1), floor=floor)
        percent = f"{coverage:.0%}".rstrip("%")
        ends[f"low_{percent}"], ends[f"high_{percent}"] = low, high
    return ends


def _reasons(mean: np.ndarray, scale: np.ndarray, ends: dict[str, np.ndarray]) -> np.ndarray:
    """Return why a forecast stands without an interval; empty where it has one."""
    reasons = np.full(mean.shape, "", dtype=object)
    unknown = np.any([np.isnan(end) for end in ends.values()], axis=0)
    reasons[unknown] = "too few past errors to draw an interval from"
    reasons[np.isnan(scale)[:, None] & unknown] = "never varied, so its error cannot be told"
    reasons[np.isnan(mean)] = "no value known"
    return reasons
