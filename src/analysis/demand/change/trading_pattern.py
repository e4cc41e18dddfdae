"""When customers buy: weeks, weekdays and hours of the day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import pandas as pd

from analysis.errors import NotApplicable
from analysis.stats.sizes import FEWEST_WHOLE_WEEKS
from analysis.tables.lines import in_period, is_order
from analysis.tables.margin import cents

if TYPE_CHECKING:
    from analysis.tables.engine import Tables
    from analysis.tables.periods import Period

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

#: Share of orders at midnight sharp above which the source is taken to know days only.
_MOST_AT_MIDNIGHT = 0.5


def weekly_sales(tables: Tables, period: Period) -> pd.DataFrame:
    """Return the whole weeks of ``period``, counted back from its end.

    Returns
    -------
    pandas.DataFrame
        week_start, days (with an order), orders, customers (known ones who bought), net_amount
        and basket_value (net / orders), earliest first.

    Raises
    ------
    NotApplicable
        If the period has no whole week.
    """
    weeks = period.weeks()
    if not weeks:
        raise NotApplicable(f"{period} holds no whole week, so there is no weekly rhythm.")
    orders = _orders(tables, period)
    late = (orders.days_before_end - 1) // 7
    by_week = orders.mutate(late=late).group_by("late")
    sums = by_week.agg(
        days=lambda t: t.day.nunique(where=t.purchase),
        orders=lambda t: t.purchase.sum(),
        customers=lambda t: t.customer_id.nunique(where=t.purchase),
        net_amount=lambda t: t.net.sum().cast("float64") / 100,
    ).to_pandas()
    late_of = {len(weeks) - 1 - i: week.start for i, week in enumerate(weeks)}
    table = sums.set_index("late").reindex(list(late_of), fill_value=0)
    table.insert(0, "week_start", pd.to_datetime(list(late_of.values())).as_unit("us"))
    table = table.astype({"days": "int64", "orders": "int64", "customers": "int64"})
    basket = table["net_amount"] / table["orders"].where(table["orders"] > 0)
    return table.assign(basket_value=basket).reset_index(drop=True)


def weekdays(tables: Tables, period: Period, *, confidence: float = 0.95) -> pd.DataFrame:
    """Return what each day of the week usually sells.

    Parameters
    ----------
    tables
        A study's tables.
    period
        The days looked at; only its whole weeks are, so that every weekday counts as often.
    confidence
        Coverage of the intervals; days of one weekday are taken as independent, Student's t.

    Returns
    -------
    pandas.DataFrame
        weekday (1 Monday to 7 Sunday), name, days (with an order), orders and net_amount a day,
        low and high (of net_amount), index (100: the average day) with index_low, index_high.

    Raises
    ------
    NotApplicable
        If the period has fewer than four whole weeks.
    """
    daily = _daily(tables, period)
    by_day = daily.groupby("weekday")
    mean = by_day["net_amount"].mean()
    reach = _reach(daily, confidence)
    average = daily["net_amount"].mean()
    scale = 100 / average if average > 0 else float("nan")
    table = by_day.agg(days=("orders", "size"), orders=("orders", "mean"))
    table = table.assign(net_amount=mean, low=mean - reach, high=mean + reach, index=mean * scale)
    table["index_low"], table["index_high"] = table["low"] * scale, table["high"] * scale
    table = table.reset_index()
    table.insert(1, "name", [WEEKDAYS[day - 1] for day in table["weekday"]])
    return table


def weekday_hours(tables: Tables, period: Period) -> pd.DataFrame:
    """Return orders and net amount by weekday and hour, for each hour open.

    An hour is open on the days of that weekday that saw any order; an hour in which nobody
    bought in the whole period is closed and has no row.

    Returns
    -------
    pandas.DataFrame
        weekday (1 Monday to 7 Sunday), name, hour (0 to 23), days (of that weekday with an
        order), orders and net_amount (sums), orders_an_hour and net_an_hour (per day).

    Raises
    ------
    NotApplicable
        If the period has fewer than four whole weeks, or the source knows days but not hours.
    """
    _require_weeks(period)
    orders = _orders(tables, period)
    if _at_midnight(orders) > _MOST_AT_MIDNIGHT:
        raise NotApplicable("Most orders are stamped at midnight: their hour is not known.")
    in_weeks = orders.filter(orders.days_before_end <= 7 * len(period.weeks()))
    by_hour = in_weeks.group_by("weekday", "hour").agg(
        orders=in_weeks.purchase.sum(), net_amount=in_weeks.net.sum().cast("float64") / 100
    )
    by_hour = by_hour.filter(by_hour.orders > 0)
    open_days = in_weeks.group_by("weekday").agg(days=in_weeks.day.nunique(where=in_weeks.purchase))
    table = by_hour.order_by("weekday", "hour").to_pandas()
    table = table.merge(open_days.to_pandas(), on="weekday", how="left", validate="many_to_one")
    table.insert(1, "name", pd.Series([WEEKDAYS[day - 1] for day in table["weekday"]], dtype="str"))
    return table.assign(
        orders_an_hour=table["orders"] / table["days"],
        net_an_hour=table["net_amount"] / table["days"],
    )


def busiest(hours: pd.DataFrame, *, share: float = 0.5) -> tuple[int, int]:
    """Return how many hours of the week bring ``share`` of orders, and how many are open."""
    ranked = hours["orders"].sort_values(ascending=False).cumsum()
    return int((ranked < share * hours["orders"].sum()).sum()) + 1, len(hours)


def _orders(tables: Tables, period: Period) -> ibis.Table:
    """Return one row an order or credit note: customer_id, time, day, weekday, hour, net (cents).

    ``purchase`` tells them apart: only a purchase is counted as an order.
    """
    lines = in_period(tables.order_lines, period)
    orders = lines.group_by("order_id", "customer_id").agg(
        time=lines.ordered_at.min(), net=cents(lines.net_amount).sum(), purchase=is_order(lines)
    )
    day = orders.time.date()
    end = ibis.date(period.end.isoformat())
    return orders.mutate(
        day=day,
        days_before_end=end.delta(day, unit="day").cast("int64"),
        weekday=(day.day_of_week.index() + 1).cast("int64"),
        hour=orders.time.hour().cast("int64"),
    )


def _daily(tables: Tables, period: Period) -> pd.DataFrame:
    _require_weeks(period)
    orders = _orders(tables, period)
    orders = orders.filter(orders.days_before_end <= 7 * len(period.weeks()))
    days = orders.group_by("day", "weekday").agg(
        orders=orders.purchase.sum(), net_amount=orders.net.sum().cast("float64") / 100
    )
    return days.order_by("day").to_pandas()


def _require_weeks(period: Period) -> None:
    if len(period.weeks()) < FEWEST_WHOLE_WEEKS:
        raise NotApplicable(
            f"{period} holds fewer than {FEWEST_WHOLE_WEEKS} whole weeks: too few to "
            "tell a weekday's habit from a single day."
        )


def _reach(daily: pd.DataFrame, confidence: float) -> pd.Series:
    from scipy.special import stdtrit

    values = daily.groupby("weekday")["net_amount"]
    n = values.size()
    return values.std() / n**0.5 * stdtrit((n - 1).clip(lower=1), 0.5 + confidence / 2)


def _at_midnight(orders: ibis.Table) -> float:
    at = orders.time
    sharp = (at.hour() + at.minute() + at.second() == 0).ifelse(1.0, 0.0)
    return float(orders.agg(share=sharp.mean()).to_pandas()["share"].fillna(0).iloc[0])
