"""A series taken apart: trend, weekly rhythm, and what neither explains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.demand.series.seasonality import filled
from analysis.errors import NotApplicable
from analysis.stats.sizes import FEWEST_WEEKS_OF_RHYTHM, LEAST_TRADED

if TYPE_CHECKING:
    from analysis.demand.series.sales_series import Series


def daily_parts(series: Series) -> pd.DataFrame:
    """Take one daily series apart, robustly.

    STL (Cleveland, Cleveland, McRae and Terpenning 1990, J. Official Statistics 6(1)) with
    seven days, and one weekly rhythm for all weeks: with one of its own for each few of them, or
    a day of the year beside, noise would be taken for rhythm. Closed days are bridged first and
    stay missing in the remainder.

    Returns
    -------
    pandas.DataFrame
        day, value, trend, weekly, remainder; the parts add up to the value.

    Raises
    ------
    NotApplicable
        If there are fewer than eight weeks of days, if fewer than half of the days saw a sale, or
        if every day sold the same.
    """
    from statsmodels.tsa.seasonal import STL

    if series.frequency != "day" or len(series.keys) != 1:
        raise NotApplicable("Only one daily series at a time can be taken apart.")
    values = filled(series.values)[0]
    if np.isnan(values).any() or len(values) < 7 * FEWEST_WEEKS_OF_RHYTHM:
        raise NotApplicable(f"A weekly rhythm needs {FEWEST_WEEKS_OF_RHYTHM} weeks of days.")
    traded = int((~np.isnan(series.values)).sum())
    if traded < LEAST_TRADED * len(values):
        raise NotApplicable(
            f"Only {traded} of {len(values)} days saw a sale: too few to tell a rhythm of the days."
        )
    if np.ptp(values) == 0:
        raise NotApplicable("Every day sold the same, so there is no rhythm to take apart.")
    days = pd.to_datetime(list(series.periods)).as_unit("us")
    table = pd.DataFrame({"day": days, "value": series.values[0]})
    found = STL(values, period=7, robust=True, seasonal=2 * (len(values) // 7) + 1).fit()
    table = table.assign(trend=found.trend, weekly=found.seasonal)
    return table.assign(remainder=table["value"] - table["trend"] - table["weekly"])


def strengths(parts: pd.DataFrame) -> dict[str, float]:
    """Return how strong trend and weekly rhythm are, from 0 to 1.

    1 - var(remainder) / var(part + remainder): Wang, Smith and Hyndman (2006), Data Mining and
    Knowledge Discovery 13(3); adjusted, as R squared is, for the six differences of seven days.
    """
    left = parts["remainder"].dropna()
    found = {}
    for name in ("trend", "weekly"):
        both = (parts[name] + parts["remainder"]).dropna()
        share = float(left.var() / both.var()) if both.var() else 1.0
        found[name] = max(0.0, 1 - share * (len(left) - 1) / (len(left) - 7))
    return found
