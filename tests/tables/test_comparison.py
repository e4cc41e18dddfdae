"""Two periods are compared only where the data cover both."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from analysis.errors import NotApplicable
from analysis.tables.comparison import Comparison, compare, daily_sales, in_either
from tests.sales import AS_OF, lines_of, tables_of


def compared_with(days: list[str], *, of: int = 28) -> Comparison:
    rows = [{"order_id": day, "ordered_at": f"{day} 12:00:00"} for day in days]
    return compare(tables_of(lines_of(*rows)), AS_OF, days=of)


def span(start: str, end: str, *, but: tuple[int, ...] = ()) -> list[str]:
    days = pd.date_range(start, end)
    return [str(day.date()) for day in days if day.day_of_week not in but]


def test_periods_that_the_data_cover_are_compared() -> None:
    compared = compared_with(span("2017-11-06", "2017-12-31"))
    assert compared.reason is None
    compared.check()
    assert (compared.current.start, compared.previous.start) == (
        date(2017, 12, 4),
        date(2017, 11, 6),
    )
    assert compared.window.start == date(2017, 11, 6)


@pytest.mark.parametrize(
    ("days", "told"),
    [
        (span("2017-11-07", "2017-12-31"), "begin on 2017-11-07"),
        (span("2017-11-06", "2017-12-30"), "as_of: 2017-12-31 would use"),
    ],
)
def test_a_day_short_at_either_end_is_refused(days: list[str], told: str) -> None:
    compared = compared_with(days)
    with pytest.raises(NotApplicable, match=told):
        compared.check()


def test_one_day_in_a_hundred_may_be_missing() -> None:
    assert compared_with(span("2017-01-03", "2017-12-31"), of=182).reason is None
    assert compared_with(span("2017-01-04", "2017-12-31"), of=182).reason is not None


def test_a_shop_closed_on_sundays_misses_no_day() -> None:
    assert compared_with(span("2017-11-06", "2017-12-30", but=(6,))).reason is None


def test_the_window_is_what_there_are_data_for() -> None:
    compared = compared_with(["2017-12-20", "2017-12-31"])
    assert (compared.window.start, compared.window.end) == (date(2017, 12, 20), date(2018, 1, 1))


def test_no_order_before_the_date_is_said() -> None:
    with pytest.raises(NotApplicable, match="no order before 2018-01-01"):
        compared_with(["2018-01-01"])


def test_days_are_summed_and_later_ones_left_out() -> None:
    lines = lines_of(
        {"net_amount": 1.10},
        {"net_amount": 2.2},
        {"order_id": "o2", "net_amount": 4.0},
        {"order_id": "o3", "ordered_at": "2018-01-01 00:00:00"},
    )
    daily = daily_sales(tables_of(lines), end=date(2018, 1, 1))
    assert daily.to_dict("list") == {
        "day": [pd.Timestamp("2017-12-01")],
        "lines": [3],
        "orders": [2],
        "net_amount": [7.3],
    }


def test_midnight_belongs_to_the_day_it_opens() -> None:
    days = ["2017-11-06", *span("2017-12-04", "2017-12-31")]
    rows = [{"order_id": d, "ordered_at": f"{d} 00:00:00"} for d in days]
    rows.append({"order_id": "late", "ordered_at": "2017-12-03 23:59:59"})
    tables = tables_of(lines_of(*rows))
    both = in_either(tables, compare(tables, AS_OF, days=28), raw=True).to_pandas()
    assert both.groupby("now")["order_id"].count().to_dict() == {False: 2, True: 28}
