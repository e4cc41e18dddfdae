"""Bounds for a promotion that is looked at a fixed number of times.

Looks at equal steps, two-sided: exact by recursive integration of the density of the running sum
(Armitage, McPherson and Rowe 1969, J. R. Statist. Soc. A 132, 235-244; Jennison and Turnbull
2000, Group Sequential Methods with Applications to Clinical Trials, chapters 2 and 19).

Every randomised promotion as its daily reader would have seen it.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Literal

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.errors import NotApplicable
from analysis.promotions.experiments import sequential
from analysis.promotions.outcomes.outcomes import CONTROL
from analysis.stats.types import Floats

if TYPE_CHECKING:
    from analysis.promotions.experiments.experiments import Trials
    from analysis.tables.engine import Tables

Shape = Literal["obrien-fleming", "pocock"]

_NODES = 121


def bounds(looks: int, *, alpha: float = 0.05, shape: Shape = "obrien-fleming") -> Floats:
    """Return the standardised statistic beyond which each look stops.

    O'Brien and Fleming (1979), Biometrics 35, 549-556, hardly ever stop early; Pocock (1977),
    Biometrika 64, 191-199, asks the same at every look.
    """
    return constant(looks, alpha=alpha, shape=shape) * _scaled(looks, shape)


def constant(looks: int, *, alpha: float = 0.05, shape: Shape = "obrien-fleming") -> float:
    """Return the constant that tables print: the bound of the last look."""
    from scipy.optimize import brentq

    form = _scaled(looks, shape)
    return float(brentq(lambda c: crossing(c * form) - alpha, 0.5, 12.0, xtol=1e-10))


def _scaled(looks: int, shape: Shape) -> Floats:
    k = np.arange(1, looks + 1)
    return np.sqrt(looks / k) if shape == "obrien-fleming" else np.ones(looks)


def crossing(limits: npt.ArrayLike, *, drift: float = 0.0) -> float:
    """Return the chance that any look is beyond its limit.

    Parameters
    ----------
    limits
        Of the standardised statistic at looks 1, 2, ... at equal steps.
    drift
        Mean of the standardised statistic at the last look; the chance is then the power.
    """
    from scipy.special import ndtr

    limits = np.asarray(limits, dtype=float)
    step = drift / np.sqrt(len(limits))
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    edge = limits[0]
    out = 1 - (ndtr(edge - step) - ndtr(-edge - step))
    at, density = edge * nodes, np.exp(-((edge * nodes - step) ** 2) / 2) / np.sqrt(2 * np.pi)
    mass = density * weights * edge
    for k, limit in enumerate(limits[1:], start=2):
        edge = limit * np.sqrt(k)
        inside = ndtr(edge - at - step) - ndtr(-edge - at - step)
        out += float(np.sum(mass * (1 - inside)))
        there = edge * nodes
        gap = there[:, None] - at[None, :] - step
        density = np.exp(-(gap**2) / 2) @ mass / np.sqrt(2 * np.pi)
        at, mass = there, density * weights * edge
    return float(out)


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
        raise NotApplicable("No randomised promotion passed the checks.")
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
    bought = sequential.purchases(tables, people=people, first=first, last=last)
    arms = sequential.by_arm(people, bought, days=length)
    known = min(before_days, promotion["days_before"])
    planned = _variance_before(arms) * planned_days / max(known, 1)
    if planned <= 0:
        planned = _variance_so_far(arms) * planned_days / length
    found = sequential.follow(
        arms, planned=planned, planned_days=planned_days, confidence=confidence
    )
    dates = [first + timedelta(days=int(d) - 1) for d in found["day"]]
    head = {"promotion_id": promotion["promotion_id"], "name": promotion["name"]}
    return found.assign(date=dates, **head)


def _variance_before(arms: dict[str, sequential.Days]) -> float:
    n = sum(arm.n for arm in arms.values())
    mean = sum(arm.covariate for arm in arms.values()) / n
    return sum(arm.covariate_squares for arm in arms.values()) / n - mean**2


def _variance_so_far(arms: dict[str, sequential.Days]) -> float:
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
    from analysis.stats.multiplicity import normal_quantile

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
            "obrien_fleming": bounds(looks, alpha=alpha, shape="obrien-fleming"),
            "pocock": bounds(looks, alpha=alpha, shape="pocock"),
            "always_valid": reach.to_numpy(),
            "once": normal_quantile(confidence),
        }
    )


def of_arm(followed: pd.DataFrame, promotion_id: str, arm: str) -> pd.DataFrame:
    """Return one arm's days."""
    chosen = followed["promotion_id"].eq(promotion_id) & followed["arm"].eq(arm)
    return followed[chosen & (followed["arm"] != CONTROL)].reset_index(drop=True)
