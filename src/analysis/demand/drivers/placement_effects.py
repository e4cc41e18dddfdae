"""Which series displays and mailers move, over everything searched, and what more would bring."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.demand.drivers import arima_regression, what_if
from analysis.demand.drivers import regressors as drivers
from analysis.demand.drivers.what_if import Scenario
from analysis.demand.series.sales_series import Series
from analysis.errors import NotApplicable
from analysis.stats.multiplicity import q_values

if TYPE_CHECKING:
    from analysis.demand.drivers.arima_regression import Regression

#: Regressors of a series: the logarithm of placements, since the tenth display adds less.
LEVERS = ("displayed", "mailed")

#: Least spread of a regressor, that of placements a half more at most than at least: without it
#: a series says nothing about what twice as many would do.
_LEAST_SPREAD = float(np.log(1.5))

#: Weeks in which a lever must have been used for twice as much to mean anything.
_LATE = 8

#: Correlation beyond which two levers are one.
_SAME = 0.95


def regressors(
    series: Series,
    row: int,
    placements: pd.DataFrame,
    *,
    country: str | None,
    holidays: Sequence[str] = (),
) -> pd.DataFrame:
    """Return one series' regressors: log(1 + placements) and the holidays named.

    Where displays and mailers always come together only the displays are kept: nothing tells
    their effects apart.
    """
    key = series.keys.loc[row, ["department", "category"]].to_dict()
    columns = {
        name: np.log1p(drivers.over(placements, key, name, series.periods)) for name in LEVERS
    }
    table = pd.DataFrame(columns)
    if country is not None and holidays:
        marks = drivers.holiday_dummies(
            series.periods, country=country, names=holidays, frequency=series.frequency
        )
        table = pd.concat([table, marks], axis=1)
    if _alike(table["displayed"], table["mailed"]):
        table = table.drop(columns="mailed")
    spread = table.max() - table.min()
    return table[[name for name in table if spread[name] >= _LEAST_SPREAD]]


def _alike(one: pd.Series, other: pd.Series) -> bool:
    if one.nunique() < 2 or other.nunique() < 2:
        return False
    return abs(float(one.corr(other))) > _SAME


def search(
    series: Series,
    placements: pd.DataFrame,
    *,
    country: str | None = None,
    holidays: Sequence[str] = (),
    fdr: float = 0.10,
) -> pd.DataFrame:
    """Return what displays and mailers do to every series that has any.

    Returns
    -------
    pandas.DataFrame
        name, size, regressor, recent (mean of its places over the last weeks), effect (share by
        which demand is higher with twice the usual placements), low, high, p, q, found (q at most
        ``fdr``), reason; surest first.
    """
    rows = [
        _one(series, row, regressors(series, row, placements, country=country, holidays=holidays))
        for row in range(len(series.keys))
    ]
    table = pd.concat(rows, ignore_index=True)
    q = q_values(table["p"])
    table = table.assign(q=q, found=q <= fdr)
    return table.sort_values(["p", "size"], ascending=[True, False], ignore_index=True)


def _one(series: Series, row: int, known: pd.DataFrame) -> pd.DataFrame:
    head = {"name": series.keys.loc[row, "name"], "size": float(np.nansum(series.values[row]))}
    try:
        fitted = arima_regression.fit(series.values[row], known)
    except NotApplicable as refused:
        nothing = {"regressor": "", "effect": np.nan, "low": np.nan, "high": np.nan, "p": np.nan}
        nothing["recent"] = np.nan
        return pd.DataFrame([{**head, **nothing, "reason": str(refused)}])
    effects = fitted.effects[fitted.effects["regressor"].isin(LEVERS)]
    ends = {
        column: _of_doubling(effects, column, known, fitted, series.values[row])
        for column in ("effect", "low", "high")
    }
    late = np.expm1(known[list(effects["regressor"])].tail(_LATE)).mean().to_numpy(dtype=float)
    reason = "" if len(effects) else "placements never varied"
    return effects.assign(**ends, **head, recent=late, reason=reason)


def _of_doubling(
    effects: pd.DataFrame, column: str, known: pd.DataFrame, fitted: Regression, values: np.ndarray
) -> np.ndarray:
    """Return what twice the usual placements change, as a share of demand."""
    usual = np.expm1(known[list(effects["regressor"])]).mean().to_numpy(dtype=float)
    step = np.log1p(2 * usual) - np.log1p(usual)
    if not fitted.logged:
        return effects[column].to_numpy() * step / np.nanmean(values)
    return np.expm1(np.clip(np.log1p(effects[column].to_numpy()) * step, -50.0, 50.0))


def surest(table: pd.DataFrame) -> pd.Series:
    """Return the row of `search` worth a plan: the surest raising effect of a lever in use.

    Raises
    ------
    NotApplicable
        If no lever used of late raises any series significantly.
    """
    rising = table[table["found"] & (table["effect"] > 0) & (table["recent"] > 0)]
    if rising.empty:
        raise NotApplicable(
            "no lever used of late raises sales significantly, so no plan is weighed."
        )
    return rising.iloc[0]


def doubled(
    series: Series,
    name: str,
    lever: str,
    placements: pd.DataFrame,
    *,
    horizon: int,
    country: str | None = None,
    holidays: Sequence[str] = (),
    confidence: float = 0.95,
    seed: int = 0,
) -> tuple[Scenario, Regression]:
    """Return what twice as much of one lever as of late would change over the horizon.

    Without the plan every lever stays at its mean of the last ``horizon`` periods, and no
    holiday falls in.
    """
    row = int(np.flatnonzero(series.keys["name"] == name)[0])
    known = regressors(series, row, placements, country=country, holidays=holidays)
    fitted = arima_regression.fit(series.values[row], known, confidence=confidence)
    usual = known.tail(horizon).mean()
    usual[[c for c in known if c not in LEVERS]] = 0.0
    without = pd.DataFrame([usual] * horizon, columns=known.columns)
    placed = 2 * np.expm1(without[lever])
    planned = without.assign(**{lever: np.log1p(placed)})
    compared = what_if.compare(
        fitted, without=without, planned=planned, confidence=confidence, seed=seed
    )
    return compared, fitted
