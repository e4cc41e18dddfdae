"""What is to be forecast, and what is known in advance of the business and its departments.

Only what really is known: promotions and holidays always, displays and mailers where the study
has them for the weeks ahead. Prices of weeks to come are a decision, weighed product by product
(`product_plans`), not a regressor of what will happen anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.demand.drivers import future_covariates, regressors
from analysis.demand.models import backtest
from analysis.errors import NotApplicable
from analysis.stats.types import Floats

if TYPE_CHECKING:
    from analysis.demand.drivers.future_covariates import KnownAhead
    from analysis.demand.series.sales_series import Series
    from analysis.tables.engine import Tables


@dataclass(frozen=True)
class Plan:
    """How to forecast and to test it.

    Parameters
    ----------
    horizon
        Periods ahead.
    season
        Periods of one season; 1 for none.
    origins, step
        Number of past origins tested, and periods between them; models are refitted at each.
    coverages
        Nominal coverages of the intervals.
    """

    horizon: int = 8
    season: int = 1
    origins: int = 24
    step: int = 1
    coverages: tuple[float, ...] = (0.80, 0.95)


#: Levels that a person studies one by one.
STUDIED = ("total", "department")


@dataclass(frozen=True)
class LevelDrivers:
    """Regressors of series that hold many products.

    Parameters
    ----------
    rows
        Which of the series they are for.
    names
        ``promoted`` (share of the best sellers' sales that is on promotion), ``displayed`` and
        ``mailed`` (logarithms of 1 + places) where they are planned.
    values
        Those series x weeks x regressors, the weeks ahead included.
    marks
        Weeks, those ahead included, x weeks before holidays: 1 in the week, else 0; the same for
        every series.
    """

    rows: np.ndarray
    names: tuple[str, ...]
    values: Floats
    marks: Floats


def gather(
    tables: Tables,
    series: Series,
    products: Series,
    known: KnownAhead,
    *,
    plan: Plan,
    country: str,
    holidays: Sequence[str],
) -> LevelDrivers:
    """Return the regressors of the total and the departments among ``series``.

    Parameters
    ----------
    tables
        A study's tables.
    series
        What is to be forecast.
    products, known
        Its best sellers with their department, and what is known about them over the horizon
        too. What they sold before the first test weighs them.
    plan
        Horizon and tests.
    country, holidays
        Calendar, and the holidays that people shop for.
    """
    weeks = [*series.periods, *(series.end + timedelta(days=7 * i) for i in range(plan.horizon))]
    rows = np.flatnonzero(series.keys["level"].isin(STUDIED))
    departments = list(series.keys["department"].iloc[rows])
    until = backtest.origins_for(
        len(series.periods), horizon=plan.horizon, count=plan.origins, step=plan.step,
        frequency=series.frequency,
    )[0]  # fmt: skip
    names, parts = ["promoted"], [_promoted(departments, products, known, until)]
    placed = _placed(tables, departments, weeks, len(series.periods))
    if placed is not None:
        names += ["displayed", "mailed"]
        parts.append(placed)
    marks = future_covariates.run_ups(weeks, country=country, names=holidays)[1]
    return LevelDrivers(rows, tuple(names), np.concatenate(parts, axis=2), marks)


def _promoted(
    departments: Sequence[object], products: Series, known: KnownAhead, until: int
) -> Floats:
    weight = np.nansum(np.maximum(np.nan_to_num(products.values[:, :until]), 0.0), axis=1)
    own = products.keys["department"].to_numpy()
    on = known.values[:, :, known.names.index("promoted")]
    rows = []
    for name in departments:
        mine = weight * (own == name) if isinstance(name, str) else weight
        rows.append(mine @ on / max(mine.sum(), 1e-300))
    return np.stack(rows)[:, :, None]


def _placed(
    tables: Tables, departments: Sequence[object], weeks: Sequence[date], past: int
) -> Floats | None:
    """Return log(1 + places) of each series; None unless they are planned for all weeks ahead."""
    try:
        table = regressors.placements_by(tables, level=("department",), periods=weeks)
    except NotApplicable:
        return None
    planned = {str(start)[:10] for start in table["period_start"]}
    if not {str(week) for week in weeks[past:]} <= planned:
        return None
    return np.stack([_places(table, name, weeks) for name in departments])


def _places(table: pd.DataFrame, name: object, weeks: Sequence[date]) -> Floats:
    key = {"department": name} if isinstance(name, str) else {}
    mine = table.groupby("period_start", as_index=False)[["displayed", "mailed"]].sum()
    places = [regressors.over(table if key else mine, key, lever, weeks)
              for lever in ("displayed", "mailed")]  # fmt: skip
    return np.log1p(np.column_stack(places))
