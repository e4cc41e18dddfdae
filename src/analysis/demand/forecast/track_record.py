"""Last time's forecast against what happened since."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.demand.forecast import conformal
from analysis.demand.forecast.forecast import Outlook
from analysis.demand.models.backtest import mean_of, scales
from analysis.errors import NotApplicable

#: A mean error beyond this share of those in the backtest is a drift.
_USUAL = 0.95


@dataclass(frozen=True)
class Scored:
    """A forecast made before, scored.

    Parameters
    ----------
    table
        One row a level: level, series, periods, actual and forecast (sums over series and
        periods), bias (forecast / actual - 1; NaN unless actual is above zero), error (mean
        scaled absolute error), usual (its 95th percentile over the origins of the backtest),
        covered (share inside the widest interval kept), drifted (error beyond the usual).
    detail
        One row a series and period: level, name, period_start, ahead, mean, low, high, actual,
        scaled, inside.
    replayed
        Whether the forecast was made now, as it would have been made then.
    """

    table: pd.DataFrame
    detail: pd.DataFrame
    replayed: bool

    @property
    def drifted(self) -> bool:
        """Whether the error of any level has left what was usual."""
        return bool(self.table["drifted"].any())


def to_keep(outlook: Outlook) -> pd.DataFrame:
    """Return the forecast as every run keeps it: its table, origin and scale."""
    scale = scales(outlook.series.values, season=outlook.plan.season)[0]
    repeated = np.repeat(scale, outlook.plan.horizon)
    origin = pd.Timestamp(outlook.series.end).as_unit("us")
    return outlook.table.assign(origin=origin, scale=repeated)


def replay(outlook: Outlook) -> pd.DataFrame:
    """Return what this report would have kept one horizon ago, from what was known then."""
    tested, plan = outlook.tested, outlook.plan
    mean, scale = tested.of(outlook.published)[-1], tested.scale[-1]
    origin = tested.origins[-1]
    widest = max(plan.coverages)
    ends = outlook.reaches[widest].at(-2)
    low, high = conformal.intervals(mean, scale, ends, floor=np.zeros(len(mean)))
    columns = outlook.series.periods[origin : origin + plan.horizon]
    starts = pd.to_datetime(list(columns)).as_unit("us")
    keys = outlook.series.keys
    return pd.DataFrame(
        {
            "level": np.repeat(keys["level"].to_numpy(), plan.horizon),
            "name": np.repeat(keys["name"].to_numpy(), plan.horizon),
            "period_start": np.tile(starts, len(keys)),
            "ahead": np.tile(np.arange(1, plan.horizon + 1), len(keys)),
            "mean": mean.ravel(),
            f"low_{widest:.0%}".rstrip("%"): low.ravel(),
            f"high_{widest:.0%}".rstrip("%"): high.ravel(),
            "origin": starts[0],
            "scale": np.repeat(scale, plan.horizon),
        }
    )


def score(made: pd.DataFrame | None, outlook: Outlook) -> Scored:
    """Score the forecast kept by an earlier run; without one, what it would have been.

    Parameters
    ----------
    made
        `to_keep` of an earlier run; None replays.
    outlook
        This run's forecast, whose series hold what happened.

    Raises
    ------
    NotApplicable
        If none of the periods forecast has passed yet.
    """
    replayed = made is None
    made = replay(outlook) if made is None else made
    widest = f"{max(outlook.plan.coverages):.0%}".rstrip("%")
    happened = outlook.series.to_frame().rename(columns={"value": "actual"})
    detail = made.merge(happened, on=["level", "name", "period_start"]).dropna(subset="actual")
    if detail.empty:
        raise NotApplicable("None of the periods that the last run forecast has passed yet.")
    detail = detail.rename(columns={f"low_{widest}": "low", f"high_{widest}": "high"})
    inside = (detail["actual"] >= detail["low"]) & (detail["actual"] <= detail["high"])
    detail = detail.assign(
        scaled=(detail["actual"] - detail["mean"]) / detail["scale"],
        inside=inside.where(detail["low"].notna()).astype("float64"),
    )
    rows = [_level(level, part, outlook) for level, part in detail.groupby("level", sort=False)]
    kept = ["level", "name", "period_start", "ahead", "mean", "low", "high", "actual"]
    detail = detail[[*kept, "scaled", "inside"]].reset_index(drop=True)
    return Scored(pd.DataFrame(rows), detail, replayed)


def _level(level: object, part: pd.DataFrame, outlook: Outlook) -> dict[str, object]:
    forecast, actual = float(part["mean"].sum()), float(part["actual"].sum())
    error = mean_of(np.abs(part["scaled"].to_numpy()))
    usual = _usual(outlook, str(level), int(part["ahead"].max()))
    return {
        "level": level,
        "series": int(part["name"].nunique()),
        "periods": int(part["period_start"].nunique()),
        "actual": actual,
        "forecast": forecast,
        "bias": forecast / actual - 1 if actual > 0 else float("nan"),
        "error": error,
        "usual": usual,
        "covered": mean_of(part["inside"].to_numpy()),
        "drifted": bool(error > usual),
    }


def _usual(outlook: Outlook, level: str, periods: int) -> float:
    """Return the error that one origin in twenty exceeded, the last one left out."""
    tested = outlook.tested
    scaled = (tested.actual - tested.of(outlook.published)) / tested.scale[:, :, None]
    part = np.abs(scaled[:-1, outlook.groups == level, :periods])
    by_origin = np.array([mean_of(origin) for origin in part])
    known = by_origin[~np.isnan(by_origin)]
    return float(np.quantile(known, _USUAL)) if len(known) else float("nan")
