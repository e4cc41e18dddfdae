"""What changed and why: the last week and month against those before, a plan, and last year."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.reporting.briefing.board import Board
from analysis.stats.permutation import usual_range

#: The report whose tables the figures are from.
SALES = "01_profiling"

_WEEK, _YEAR = 7, 364
_PER_ORDER = "Net per order"
_NO_PLAN = "no plan is given"
_TOO_SHORT = "the data do not reach back so far"
_FEW = "too few earlier changes to say what is usual"


def sales_changes(
    board: Board, *, plan: Mapping[str, float], coverage: float = 0.95
) -> pd.DataFrame:
    """Return the last whole week and month against others.

    Parameters
    ----------
    board
        The board.
    plan
        Planned net sales: by month as ``2025-11``, by week as ``2025-W52``.
    coverage
        Of the range of changes that are usual from one week to the next.

    Returns
    -------
    pandas.DataFrame
        One comparison a row: period (week, month), starts_on, days (of a week, those with orders),
        usual_days (the median of the weeks before), net_amount, against (before, plan, last
        year), other (its net sales), change (relative), low, high (range of usual
        changes; NaN with a reason), reason.
    """
    weeks = _whole_weeks(board)
    days = board.table(f"{SALES}/days")
    daily = pd.Series(
        days["net_amount"].to_numpy(dtype=float), index=pd.to_datetime(days["day"])
    ).sort_index()
    rows = [*_week_rows(weeks, plan, coverage), *_month_rows(daily, board, plan)]
    return pd.DataFrame(rows)


def _whole_weeks(board: Board) -> pd.DataFrame:
    """Return the weeks that lie wholly in the data; a closed day leaves a week whole."""
    weeks = board.table(f"{SALES}/weeks")
    starts = pd.to_datetime(weeks["week_start"])
    first = pd.to_datetime(board.table(f"{SALES}/days")["day"]).min()
    ended = starts + timedelta(days=_WEEK) <= pd.Timestamp(board.as_of)
    whole = weeks.assign(week_start=starts)[ended & (starts >= first)]
    if len(whole) < 2:
        raise NotApplicable("Two whole weeks are needed to compare them; the data hold fewer.")
    return whole.sort_values("week_start", ignore_index=True)


def _week_rows(
    weeks: pd.DataFrame, plan: Mapping[str, float], coverage: float
) -> list[dict[str, Any]]:
    net = pd.Series(weeks["net_amount"].to_numpy(dtype=float), index=weeks["week_start"])
    start = net.index[-1]
    iso = start.isocalendar()
    usual = usual_range(_steps(net)[:-1], coverage)
    days = int(weeks["days"].iloc[-1])
    usual_days = int(weeks["days"].iloc[:-1].median())
    opened = {"days": days, "usual_days": usual_days}
    shared = {"period": "week", "starts_on": start, **opened, "net_amount": net.iloc[-1]}
    return [
        _row(shared, "before", net.get(start - timedelta(days=_WEEK)), usual),
        _row(shared, "plan", plan.get(f"{iso.year}-W{iso.week:02}"), missing=_NO_PLAN),
        _row(shared, "last year", net.get(start - timedelta(days=_YEAR))),
    ]


def _steps(net: pd.Series) -> np.ndarray:
    """Return the relative change from each week to the next where both are whole."""
    before = net.reindex(net.index - timedelta(days=_WEEK)).to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(net.to_numpy() / before - 1)


def _month_rows(daily: pd.Series, board: Board, plan: Mapping[str, float]) -> list[dict[str, Any]]:
    first = pd.Timestamp(board.as_of).to_period("M") - 1
    if daily.empty or first.start_time < daily.index[0]:
        return []
    shared = {
        "period": "month",
        "starts_on": first.start_time,
        "days": first.days_in_month,
        "net_amount": _month(daily, first),
    }
    return [
        _row(shared, "before", _month(daily, first - 1)),
        _row(shared, "plan", plan.get(str(first)), missing=_NO_PLAN),
        _row(shared, "last year", _month(daily, first - 12)),
    ]


def _month(daily: pd.Series, month: pd.Period) -> float | None:
    """Return the net sales of a month; None unless all of it is in the data."""
    covered = daily.index[0] <= month.start_time
    return float(daily.loc[month.start_time : month.end_time].sum()) if covered else None


def _row(
    shared: Mapping[str, Any],
    against: str,
    other: float | None,
    usual: tuple[float, float] = (float("nan"), float("nan")),
    *,
    missing: str = _TOO_SHORT,
) -> dict[str, Any]:
    known = other is not None and other > 0
    change = float(shared["net_amount"]) / float(other) - 1 if known and other else float("nan")
    ranged = bool(np.isfinite(usual[0]))
    return {
        **shared,
        "against": against,
        "other": float(other) if known and other else float("nan"),
        "change": change,
        "low": usual[0],
        "high": usual[1],
        "reason": ("" if ranged else _FEW) if known else missing,
    }


def week_drivers(board: Board) -> pd.DataFrame:
    """Return what the change of the last week on the one before is made of.

    Net sales are customers times orders per customer times net per order; each factor has its
    part by the logarithmic mean Divisia index, which leaves no remainder.

    Returns
    -------
    pandas.DataFrame
        One factor a row: factor, before, now, unit, growth, contribution. Guests' orders count as
        orders of the customers known.
    """
    before, now = (row for _, row in _whole_weeks(board).tail(2).iterrows())
    if min(float(row["net_amount"]) for row in (before, now)) <= 0:
        raise NotApplicable("A week with net sales of zero or less has no factors.")
    pairs = list(zip(_factors(before).items(), _factors(now).values(), strict=True))
    weight = _logarithmic_mean(float(before["net_amount"]), float(now["net_amount"]))
    rows = [
        {
            "factor": factor,
            "before": was,
            "now": is_now,
            "growth": is_now / was - 1,
            "unit": board.currency if factor == _PER_ORDER else "",
            "contribution": weight * float(np.log(is_now / was)),
        }
        for (factor, was), is_now in pairs
    ]
    return pd.DataFrame(rows)


def _factors(week: pd.Series) -> dict[str, float]:
    """Return what a week's net sales are the product of; NotApplicable where nobody is known."""
    customers, orders = float(week["customers"]), float(week["orders"])
    if customers <= 0 or orders <= 0:
        raise NotApplicable("No customers are known in one of the last two weeks.")
    return {
        "Customers": customers,
        "Orders per customer": orders / customers,
        _PER_ORDER: float(week["net_amount"]) / orders,
    }


def _logarithmic_mean(one: float, other: float) -> float:
    return one if one == other else (other - one) / float(np.log(other / one))


def window_drivers(board: Board) -> pd.DataFrame:
    """Return the revenue tree of the report on sales: one factor a row, with its interval."""
    return board.table(f"{SALES}/revenue_tree")
