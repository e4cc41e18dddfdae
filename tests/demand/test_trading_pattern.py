"""Weeks, weekdays and hours, against plain pandas."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.demand.change import trading_pattern
from analysis.errors import NotApplicable
from analysis.tables.comparison import daily_sales
from analysis.tables.engine import Tables
from analysis.tables.periods import Period
from tests.sales import AS_OF, lines_of, shop, tables_of

WEEKS = 8
PERIOD = Period.before(AS_OF, days=7 * WEEKS)


@pytest.fixture(scope="module")
def tables() -> Tables:
    frames = shop(9)
    return tables_of(frames["order_lines"], frames["products"])


@pytest.fixture(scope="module")
def orders(tables: Tables) -> pd.DataFrame:
    lines = tables.order_lines.to_pandas().astype({"net_amount": float})
    orders = lines.groupby("order_id").agg(
        time=("ordered_at", "min"),
        net=("net_amount", "sum"),
        who=("customer_id", "first"),
        bought=("quantity", lambda quantity: (quantity >= 0).any()),
    )
    return orders.assign(
        day=orders["time"].dt.normalize(), weekday=orders["time"].dt.day_of_week + 1
    )


def test_weeks(tables: Tables, orders: pd.DataFrame) -> None:
    weeks = trading_pattern.weekly_sales(tables, PERIOD)
    start = orders["day"] - pd.to_timedelta(orders["weekday"] - 1, unit="D")
    by_week = orders.groupby(start)
    assert list(weeks["week_start"]) == list(by_week.groups)
    bought = orders[orders["bought"]].groupby(start)
    assert list(weeks["orders"]) == by_week["bought"].sum().tolist()
    assert list(weeks["customers"]) == bought["who"].nunique().tolist()
    assert list(weeks["net_amount"]) == pytest.approx(by_week["net"].sum().tolist())


def test_a_week_without_orders_is_zero_and_a_broken_week_left_out() -> None:
    tables = tables_of(lines_of({"ordered_at": "2017-12-05 10:00:00", "order_id": "o2"}, {}))
    weeks = trading_pattern.weekly_sales(tables, Period.before(AS_OF, days=30))
    assert list(weeks["orders"]) == [1, 0, 0, 0]
    assert weeks["basket_value"].isna().tolist() == [False, True, True, True]


def test_a_credit_note_is_no_order_and_who_only_returned_is_no_buyer() -> None:
    """One order of 10 on Monday the 4th; 4 of it come back under a number of its own, by another
    customer, and a line of an order that also holds a purchase comes back on Tuesday."""
    tables = tables_of(
        lines_of(
            {"ordered_at": "2017-12-04 10:00:00", "order_id": "o1", "net_amount": 10.0},
            {"ordered_at": "2017-12-04 21:00:00", "order_id": "c1", "customer_id": "only",
             "quantity": -1.0, "net_amount": -4.0},
            {"ordered_at": "2017-12-05 10:00:00", "order_id": "o2", "net_amount": 10.0},
            {"ordered_at": "2017-12-05 10:00:00", "order_id": "o2", "quantity": -1.0,
             "net_amount": -3.0},
        )
    )  # fmt: skip
    period = Period.before(AS_OF, days=28)
    week = trading_pattern.weekly_sales(tables, period).iloc[0]
    assert (week["days"], week["orders"], week["customers"]) == (2, 2, 1)
    assert (week["net_amount"], week["basket_value"]) == (13.0, 6.5)
    days = trading_pattern.weekdays(tables, period).set_index("name")
    assert days.loc["Monday", ["orders", "net_amount"]].tolist() == [1.0, 6.0]
    hours = trading_pattern.weekday_hours(tables, period)
    assert hours[["weekday", "hour", "orders"]].to_numpy().tolist() == [[1, 10, 1], [2, 10, 1]]
    daily = daily_sales(tables, end=period.end)
    assert daily["orders"].tolist() == [1, 1]
    assert daily["net_amount"].tolist() == [6.0, 7.0]


def test_weekdays(tables: Tables, orders: pd.DataFrame) -> None:
    table = trading_pattern.weekdays(tables, PERIOD)
    daily = orders.groupby(["weekday", "day"])["net"].sum()
    mean = daily.groupby("weekday").mean()
    assert list(table["net_amount"]) == pytest.approx(mean.tolist())
    assert list(table["index"]) == pytest.approx((100 * mean / daily.mean()).tolist())
    error = daily.groupby("weekday").sem()
    reach = table["high"] - table["net_amount"]
    assert list(reach) == pytest.approx((2.364624 * error).tolist(), rel=1e-4)


def test_hours(tables: Tables, orders: pd.DataFrame) -> None:
    table = trading_pattern.weekday_hours(tables, PERIOD)
    bought = orders[orders["bought"]]
    count = bought.groupby(["weekday", bought["time"].dt.hour]).size()
    assert list(table["orders"]) == count.tolist()
    assert table["orders"].sum() == len(bought)
    days = bought.groupby("weekday")["day"].nunique()
    assert list(table["orders_an_hour"]) == pytest.approx((count / days).tolist())


def test_half_of_the_orders_in_the_fewest_hours() -> None:
    assert trading_pattern.busiest(pd.DataFrame({"orders": [1, 10, 5, 4]})) == (1, 4)
    assert trading_pattern.busiest(pd.DataFrame({"orders": [1, 1, 1, 1]})) == (2, 4)


def test_too_little_time_is_said(tables: Tables) -> None:
    with pytest.raises(NotApplicable, match="no whole week"):
        trading_pattern.weekly_sales(tables, Period.before(AS_OF, days=6))
    for analysis in (trading_pattern.weekdays, trading_pattern.weekday_hours):
        with pytest.raises(NotApplicable, match="fewer than 4"):
            analysis(tables, Period.before(AS_OF, days=27))


def test_a_source_that_knows_days_only_has_no_hours() -> None:
    days = [{"order_id": f"o{i}", "ordered_at": f"2017-12-{i:02d}"} for i in range(4, 31)]
    with pytest.raises(NotApplicable, match="midnight"):
        trading_pattern.weekday_hours(tables_of(lines_of(*days)), Period.before(AS_OF, days=28))
