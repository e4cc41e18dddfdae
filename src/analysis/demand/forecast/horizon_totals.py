"""What the whole horizon brings: sums over the periods ahead, with intervals of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.demand.forecast import conformal
from analysis.demand.models.backtest import scales

if TYPE_CHECKING:
    from analysis.demand.forecast.forecast import Outlook


def over_horizon(outlook: Outlook, *, coverage: float = 0.80) -> pd.DataFrame:
    """Return each series' forecast summed over the horizon.

    Errors of neighbouring periods go together, so that the interval of a sum is not the sum of
    intervals: it is calibrated on the sums that were forecast in the past.

    Returns
    -------
    pandas.DataFrame
        level, name, recent (sum of as many periods before), usual (as many median periods), mean,
        low, high, change (mean / recent - 1) with change_low and change_high, n (past sums the
        interval rests on), kind (``regular``, ``now and then``); largest forecast first within a
        level.
    """
    plan, values = outlook.plan, outlook.series.values
    mean = outlook.table["mean"].to_numpy().reshape(-1, plan.horizon).sum(axis=1)
    recent = np.nansum(values[:, -plan.horizon :], axis=1)
    scale = scales(values, season=plan.season)[0]
    low, high, n = _ends(outlook, mean, scale, coverage)
    base = np.where(recent > 0, recent, np.nan)
    table = outlook.series.keys[["level", "name"]].assign(
        recent=recent,
        usual=_medians(values) * plan.horizon,
        mean=mean,
        low=low,
        high=high,
        change=mean / base - 1,
        change_low=low / base - 1,
        change_high=high / base - 1,
        n=n,
        kind=np.where(outlook.sparse, "now and then", "regular"),
    )
    place = {level: i for i, level in enumerate(dict.fromkeys(table["level"]))}
    order = table.assign(place=table["level"].map(place)).sort_values(
        ["place", "mean", "name"], ascending=[True, False, True]
    )
    return order.drop(columns="place").reset_index(drop=True)


def _medians(values: np.ndarray) -> np.ndarray:
    """Return each series' median over what is known of it."""
    return np.array([np.median(row[~np.isnan(row)]) for row in values])


def _ends(
    outlook: Outlook, mean: np.ndarray, scale: np.ndarray, coverage: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    tested = outlook.tested
    error = (tested.actual - tested.of(outlook.published)).sum(axis=2) / tested.scale
    low, high, n = np.full_like(mean, np.nan), np.full_like(mean, np.nan), np.zeros(len(mean), int)
    lent = conformal.lenders(outlook.classes())
    for name, mask in outlook.classes().items():
        more = error[:, lent[name]].reshape(-1, 1) if name in lent else None
        reach = conformal.offsets(error[:, mask].reshape(-1, 1), coverage=coverage, lent=more)
        low[mask] = mean[mask] + scale[mask] * reach.low[0]
        high[mask] = mean[mask] + scale[mask] * reach.high[0]
        n[mask] = reach.n[0]
    floor = np.where(np.nanmin(np.nan_to_num(outlook.series.values), axis=1) >= 0, 0.0, -np.inf)
    return np.maximum(np.minimum(low, mean), floor), np.maximum(high, mean), n
