"""Every promotion drawn by lot as its daily reader would have seen it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.promotions import boundaries, days, monitor
from analysis.promotions.outcomes import CONTROL

if TYPE_CHECKING:
    import ibis

    from analysis.promotions.trials import Trials
    from analysis.tables.engine import Tables

#: Looks of the bounds for a fixed number of looks are a week apart, and so many at most.
_MOST_LOOKS = 26


def day_by_day(
    tables: Tables, trials: Trials, *, as_of: date, before_days: int, confidence: float = 0.95
) -> pd.DataFrame:
    """Follow the margin of every promotion that is not blocked, day by day.

    Returns
    -------
    pandas.DataFrame
        promotion_id, name, date and the columns of ``monitor.follow``.

    Raises
    ------
    NotApplicable
        If every promotion is blocked.
    """
    blocked = trials.verdicts["verdict"] == "no verdict"
    chosen = trials.overview[~blocked.to_numpy()]
    if chosen.empty:
        raise NotApplicable("No promotion drawn by lot passed the checks.")
    parts = [
        _one(tables, trials.rows, row, as_of, before_days, confidence)
        for row in chosen.to_dict("records")
    ]
    return pd.concat(parts, ignore_index=True)


def _one(
    tables: Tables,
    rows: ibis.Table,
    promotion: dict[str, Any],
    as_of: date,
    before_days: int,
    confidence: float,
) -> pd.DataFrame:
    people = rows.filter(rows.promotion_id == promotion["promotion_id"])
    people = people.select("customer_id", "arm", before="before_margin")
    first = promotion["starts_on"]
    last = min(promotion["ends_on"], as_of - timedelta(days=1))
    length = (last - first).days + 1
    planned_days = (promotion["ends_on"] - first).days + 1
    bought = days.purchases(tables, people=people, first=first, last=last)
    arms = days.by_arm(people, bought, days=length)
    known = min(before_days, promotion["days_before"])
    planned = _variance_before(arms) * planned_days / max(known, 1)
    if planned <= 0:
        planned = _variance_so_far(arms) * planned_days / length
    found = monitor.follow(arms, planned=planned, planned_days=planned_days, confidence=confidence)
    dates = [first + timedelta(days=int(d) - 1) for d in found["day"]]
    head = {"promotion_id": promotion["promotion_id"], "name": promotion["name"]}
    return found.assign(date=dates, **head)


def _variance_before(arms: dict[str, days.Days]) -> float:
    n = sum(arm.n for arm in arms.values())
    mean = sum(arm.covariate for arm in arms.values()) / n
    return sum(arm.covariate_squares for arm in arms.values()) / n - mean**2


def _variance_so_far(arms: dict[str, days.Days]) -> float:
    n = sum(arm.n for arm in arms.values())
    mean = sum(arm.total[-1] for arm in arms.values()) / n
    return float(sum(arm.squares[-1] for arm in arms.values()) / n - mean**2)


def advice(followed: pd.DataFrame) -> pd.DataFrame:
    """Return the last word on every arm.

    Returns
    -------
    pandas.DataFrame
        promotion_id, name, arm, advice, since (day on which it was first given; 1 is the first
        day of the promotion), days (followed), difference, low, high (always valid, last day).
    """
    last = followed.groupby(["promotion_id", "arm"], sort=False).tail(1)
    return (
        last.rename(columns={"first": "since", "day": "days"})
        .loc[
            :,
            ["promotion_id", "name", "arm", "advice", "since", "days", "difference", "low", "high"],
        ]
        .reset_index(drop=True)
    )


def at_fixed_looks(followed: pd.DataFrame, *, confidence: float) -> pd.DataFrame:
    """Return the weekly looks of one arm against the bounds made for so many looks.

    Parameters
    ----------
    followed
        ``day_by_day`` of one promotion and arm, to its planned end.
    confidence
        1 - alpha of the bounds.

    Returns
    -------
    pandas.DataFrame
        look, day, statistic (difference over its error), obrien_fleming, pocock, always_valid
        (what the confidence sequence asks), once (what a single look asks).
    """
    from analysis.discoveries import normal_quantile

    weekly = followed[followed["day"] % 7 == 0].head(_MOST_LOOKS)
    looks, alpha = len(weekly), 1 - confidence
    if not looks:
        return pd.DataFrame(
            columns=["look", "day", "statistic", "obrien_fleming", "pocock", "always_valid", "once"]
        )
    reach = (weekly["high"] - weekly["difference"]) / weekly["error"]
    return pd.DataFrame(
        {
            "look": np.arange(1, looks + 1),
            "day": weekly["day"].to_numpy(),
            "statistic": (weekly["difference"] / weekly["error"]).to_numpy(),
            "obrien_fleming": boundaries.bounds(looks, alpha=alpha, shape="obrien-fleming"),
            "pocock": boundaries.bounds(looks, alpha=alpha, shape="pocock"),
            "always_valid": reach.to_numpy(),
            "once": normal_quantile(confidence),
        }
    )


def of_arm(followed: pd.DataFrame, promotion_id: str, arm: str) -> pd.DataFrame:
    """Return one arm's days."""
    chosen = followed["promotion_id"].eq(promotion_id) & followed["arm"].eq(arm)
    return followed[chosen & (followed["arm"] != CONTROL)].reset_index(drop=True)
