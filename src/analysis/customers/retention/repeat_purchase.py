"""From the first order to the second: how many come back, and by when.

Do customers stay? Customers by the month of their first order, and who still buys later.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from analysis.customers.features.habits import purchase_days
from analysis.errors import NotApplicable
from analysis.stats.proportions import wilson_interval
from analysis.stats.sizes import FEWEST_FOLLOWED, FEWEST_IN_COHORT
from analysis.tables.periods import Period

if TYPE_CHECKING:
    from analysis.tables.engine import Tables


def newcomers(tables: Tables, *, as_of: date, quiet_days: int = 90) -> pd.DataFrame:
    """Return the customers who are really new: first seen after so many days of data.

    Parameters
    ----------
    tables
        A study's tables.
    as_of
        The first day not looked at.
    quiet_days
        Days from the start of the data within which a first purchase may be anybody's.

    Returns
    -------
    pandas.DataFrame
        customer_id, first_on, second_on (missing if there was none), days (to the second
        purchase day, or to ``as_of`` if it has not come), came_back.

    Raises
    ------
    NotApplicable
        If fewer than twenty customers are new.
    """
    start = tables.first_day
    if start is None or start >= as_of:
        raise NotApplicable(f"There are no orders before {as_of}.")
    rows = _first_two(tables, Period(start, as_of)).to_pandas()
    first = pd.to_datetime(rows["first_on"])
    rows = rows[first >= pd.Timestamp(start + timedelta(days=quiet_days))].copy()
    if len(rows) < FEWEST_FOLLOWED:
        raise NotApplicable(
            f"Newcomers cannot be followed: fewer than {FEWEST_FOLLOWED} customers "
            f"({len(rows)}) were first seen {quiet_days} days or more after the data begin."
        )
    _require_arrivals(pd.to_datetime(rows["first_on"]), as_of)
    rows["came_back"] = rows["second_on"].notna()
    until = pd.to_datetime(rows["second_on"]).fillna(pd.Timestamp(as_of))
    rows["days"] = (until - pd.to_datetime(rows["first_on"])).dt.days
    return rows.reset_index(drop=True)


def _require_arrivals(first: pd.Series, as_of: date) -> None:
    """Raise NotApplicable where first purchases peter out: rare buyers seen late, not newcomers.

    A shop that wins customers sees about as many first purchases in the second half of the time
    as in the first. Old customers who had not happened to buy before are used up.
    """
    from scipy.stats import binomtest

    begin, end = first.min(), pd.Timestamp(as_of)
    early = int((first < begin + (end - begin) / 2).sum())
    if binomtest(early, len(first), 0.5, alternative="greater").pvalue < 0.001:
        raise NotApplicable(
            f"Newcomers cannot be told from old customers who buy rarely: of {len(first):,} first "
            f"seen after the quiet days, {early:,} were first seen in the first half of the time "
            "since, as where old customers turn up late."
        )


def _first_two(tables: Tables, period: Period) -> ibis.Table:
    days = purchase_days(tables, period)
    return (
        days.group_by("customer_id")
        .agg(first_on=days.ordered_on.min(), second_on=days.ordered_on.max(where=days.place == 1))
        .order_by("customer_id")
    )


def return_curve(found: pd.DataFrame, *, confidence: float = 0.95) -> pd.DataFrame:
    """Return the share that has come back by each day: one minus Kaplan and Meier's estimate.

    Customers who have not come back by ``as_of`` are censored, not counted as gone. Intervals are
    on the scale of log(-log), which keeps them between 0 and 1 (Kalbfleisch and Prentice 2002,
    The Statistical Analysis of Failure Time Data, section 1.4).

    Returns
    -------
    pandas.DataFrame
        days, returned, low, high, at_risk (customers still waiting that day).

    Raises
    ------
    NotApplicable
        If nobody has come back.
    """
    from scipy.special import ndtri
    from statsmodels.duration.survfunc import SurvfuncRight

    if not found["came_back"].any():
        raise NotApplicable(f"None of {len(found)} newcomers has come back yet.")
    fitted = SurvfuncRight(found["days"], found["came_back"].astype("int64"))
    survival = np.asarray(fitted.surv_prob, dtype="float64")
    error = np.asarray(fitted.surv_prob_se, dtype="float64")
    inside = (survival > 0) & (survival < 1)
    log = np.log(np.where(inside, survival, 0.5))
    reach = ndtri(0.5 + confidence / 2) * error / np.where(inside, survival * -log, 1.0)
    ends = [np.where(inside, survival ** np.exp(sign * reach), survival) for sign in (-1, 1)]
    return pd.DataFrame(
        {
            "days": np.asarray(fitted.surv_times, dtype="int64"),
            "returned": 1 - survival,
            "low": 1 - ends[0],
            "high": 1 - ends[1],
            "at_risk": np.asarray(fitted.n_risk, dtype="int64"),
        }
    )


def returned_by(curve: pd.DataFrame, days: int) -> pd.Series:
    """Return the row of the curve that holds at ``days``."""
    upto = curve[curve["days"] <= days]
    return (curve.iloc[0] * 0 if upto.empty else upto.iloc[-1]).rename(days)


def retention(tables: Tables, *, as_of: date, confidence: float = 0.95) -> pd.DataFrame:
    """Return for each cohort and month after the first the share that bought in it.

    Parameters
    ----------
    tables
        A study's tables.
    as_of
        The first day not looked at; a month that is not over by then is left out.
    confidence
        Coverage of the Wilson intervals.

    Returns
    -------
    pandas.DataFrame
        cohort (first day of the month of the first purchase), months_later (0 is the first month
        itself), customers (of the cohort), bought, share, low, high, known (False for the cohort
        of the data's first month: its customers may be of any age).
    """
    start = tables.first_day
    if start is None or start >= as_of:
        raise NotApplicable(f"There are no orders before {as_of}.")
    days = purchase_days(tables, Period(start, as_of))
    month = days.ordered_on.year() * 12 + days.ordered_on.month() - 1
    days = days.mutate(month=month.cast("int64"))
    first = days.month.min().over(ibis.window(group_by=days.customer_id))
    months = days.mutate(cohort=first).select("customer_id", "cohort", "month").distinct()
    counts = months.group_by("cohort", "month").agg(bought=months.count())
    table = counts.order_by("cohort", "month").to_pandas()
    table["months_later"] = table["month"] - table["cohort"]
    table["customers"] = table.groupby("cohort")["bought"].transform("first")
    over = table["month"] < as_of.year * 12 + as_of.month - 1
    table = table[over & (table["customers"] >= FEWEST_IN_COHORT)].reset_index(drop=True)
    low, high = wilson_interval(table["bought"], table["customers"], confidence=confidence)
    known = table["cohort"] > start.year * 12 + start.month - 1
    cohort = pd.to_datetime(
        {"year": table["cohort"] // 12, "month": table["cohort"] % 12 + 1, "day": 1}
    )
    return pd.DataFrame(
        {
            "cohort": cohort,
            "months_later": table["months_later"],
            "customers": table["customers"],
            "bought": table["bought"],
            "share": table["bought"] / table["customers"],
            "low": low,
            "high": high,
            "known": known,
        }
    )


def require(kept: pd.DataFrame) -> None:
    """Raise NotApplicable where no cohort of ``retention`` can be followed for two months."""
    if not (kept["months_later"] > 1).any():
        raise NotApplicable(
            "Cohorts cannot be followed: none is large enough with a second month that is over."
        )
