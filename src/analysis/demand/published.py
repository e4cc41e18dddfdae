"""The forecast as it is published: means, intervals, and a reason where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.demand import conformal
from analysis.demand.scores import scales
from analysis.demand.series import Series, ahead

if TYPE_CHECKING:
    import pandas as pd

    from analysis.demand.conformal import Reach
    from analysis.demand.forecast import Plan


def table(
    series: Series,
    plan: Plan,
    mean: np.ndarray,
    names: np.ndarray,
    reaches: dict[float, Reach],
) -> pd.DataFrame:
    """Return the table of `forecast.Outlook`.

    Parameters
    ----------
    series, plan
        What is forecast, and how.
    mean
        Series x periods ahead.
    names
        Model of each series.
    reaches
        How far the intervals reach, by nominal coverage.
    """
    import pandas as pd

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
        low, high = conformal.around(mean, scale, reach, floor=floor)
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
