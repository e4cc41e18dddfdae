"""From the first order to the second: how many come back, and by when."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from analysis.customers.gaps import purchase_days
from analysis.errors import NotApplicable
from analysis.tables.periods import Period

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from analysis.tables.engine import Tables

_FEWEST = 20


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
    import pandas as pd

    start = tables.order_lines.ordered_at.min().to_pandas()
    if start is None or start != start or start.date() >= as_of:
        raise NotApplicable(f"There are no orders before {as_of}.")
    rows = _first_two(tables, Period(start.date(), as_of)).to_pandas()
    first = pd.to_datetime(rows["first_on"])
    rows = rows[first >= pd.Timestamp(start.date() + timedelta(days=quiet_days))].copy()
    if len(rows) < _FEWEST:
        raise NotApplicable(
            f"Newcomers cannot be followed: fewer than {_FEWEST} customers ({len(rows)}) were "
            f"first seen {quiet_days} days or more after the data begin."
        )
    rows["came_back"] = rows["second_on"].notna()
    until = pd.to_datetime(rows["second_on"]).fillna(pd.Timestamp(as_of))
    rows["days"] = (until - pd.to_datetime(rows["first_on"])).dt.days
    return rows.reset_index(drop=True)


def _first_two(tables: Tables, period: Period) -> ibis.Table:
    days = purchase_days(tables, period)
    return (
        days.group_by("customer_id")
        .agg(
            first_on=days.ordered_on.min(),
            second_on=days.ordered_on.max(where=days.place == 1),
        )
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
    import pandas as pd
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
