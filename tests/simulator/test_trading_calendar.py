"""The clock: a process keeps its weeks, the week takes the shop's shape, closed days are closed."""

from __future__ import annotations

from datetime import date

import numpy as np

from analysis.simulator.shop import Shop
from analysis.simulator.trading_calendar import DAY_US, HOURS, OPENS, WEEKDAYS, Calendar

TWO_YEARS = Calendar.of(Shop())


def test_bending_keeps_order_and_week() -> None:
    moments = np.linspace(0, 5, 5_001, endpoint=False)  # no closed day in these weeks
    stamps = TWO_YEARS.stamps(moments)
    assert (np.diff(stamps) >= 0).all()
    assert (TWO_YEARS.days_since_start(stamps) // 7 == np.floor(moments)).all()


def test_weekdays_and_hours_take_their_shares() -> None:
    stamps = TWO_YEARS.stamps(np.linspace(5, 6, 100_001, endpoint=False))
    weekday = TWO_YEARS.days_since_start(stamps) % 7
    hour = stamps % DAY_US // (DAY_US // 24)
    assert hour.min() == OPENS
    assert hour.max() == OPENS + len(HOURS) - 1
    shares = np.bincount(weekday) / len(weekday)
    assert np.allclose(shares, np.array(WEEKDAYS) / sum(WEEKDAYS), atol=1e-4)
    by_hour = np.bincount(hour)[OPENS:] / len(hour)
    assert np.allclose(by_hour, np.array(HOURS) / sum(HOURS), atol=1e-4)


def test_nothing_is_sold_on_closed_days_and_no_week_loses_an_order() -> None:
    assert [TWO_YEARS.date_of(d) for d in TWO_YEARS.closed] == [
        date(2024, 3, 31),
        date(2024, 12, 25),
        date(2025, 4, 20),
        date(2025, 12, 25),
    ]
    moments = np.linspace(0, 104, 104_001, endpoint=False)
    days = TWO_YEARS.days_since_start(TWO_YEARS.stamps(moments))
    assert not np.isin(days, TWO_YEARS.closed).any()
    assert (days // 7 == np.floor(moments)).all()


def test_a_closed_monday_moves_to_tuesday() -> None:
    calendar = Calendar(date(2023, 12, 18), 28)  # 25 December 2023 is a Monday
    days = calendar.days_since_start(calendar.stamps(np.linspace(1, 2, 2_001, endpoint=False)))
    assert days.min() == 8
    assert set(days) == {8, 9, 10, 11, 12, 13}


def test_holidays_and_windows() -> None:
    assert TWO_YEARS.holiday_weeks("christmas") == (49, 50, 51, 101, 102, 103)
    assert TWO_YEARS.holiday_weeks("easter") == (11, 12, 66, 67)
    assert TWO_YEARS.holds(100, 4)
    assert not TWO_YEARS.holds(101, 4)
    assert Calendar(date(2024, 1, 1), 1).weeks == 1
