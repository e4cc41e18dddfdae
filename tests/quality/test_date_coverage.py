"""Days: missing, unusual, and the broken weeks at the ends."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from analysis.quality.date_coverage import LIMIT, calendar, records
from analysis.tables.engine import Tables
from tests.sales import lines_of, tables_of

AS_OF = date(2018, 1, 1)


def calendar_of(days: pd.DatetimeIndex, amounts: list[float] | float = 10.0) -> pd.DataFrame:
    return calendar(tables_with(days, amounts), as_of=AS_OF)


def tables_with(days: pd.DatetimeIndex, amounts: list[float] | float = 10.0) -> Tables:
    each = amounts if isinstance(amounts, list) else [amounts] * len(days)
    rows = [
        {"order_id": str(day), "ordered_at": f"{day.date()} 09:00:00", "net_amount": amount}
        for day, amount in zip(days, each, strict=True)
    ]
    return tables_of(lines_of(*rows))


def test_missing_days_are_those_on_weekdays_that_trade() -> None:
    open_days = pd.date_range("2017-11-01", "2017-12-31")
    open_days = open_days[open_days.day_of_week != 6].drop(pd.Timestamp("2017-12-25"))
    days = calendar_of(open_days)
    assert days.loc[days["missing"], "day"].tolist() == [pd.Timestamp("2017-12-25")]
    assert days["day"].iloc[-1] == pd.Timestamp("2017-12-30")
    assert (days.loc[days["orders"] == 0, "net_amount"] == 0).all()


def test_a_day_far_from_its_weekday_is_told_by_its_score() -> None:
    days = pd.date_range("2017-10-02", "2017-12-31")
    weekday = np.where(days.day_of_week >= 5, 300.0, 100.0)
    amounts = weekday * np.random.default_rng(1).lognormal(0, 0.1, len(days))
    amounts[40] *= 3
    table = calendar_of(days, amounts.round(2).tolist())
    assert table["score"].abs().idxmax() == 40
    assert (table["score"].abs() > LIMIT).sum() <= 3
    logs = np.log(table["net_amount"])[table["day"].dt.day_of_week == days[40].day_of_week]
    away = logs - logs.median()
    assert table["score"][40] == pytest.approx(away[40] / (1.4826 * away.abs().median()))


def test_days_above_and_below_the_usual_do_not_cancel() -> None:
    days = pd.date_range("2017-10-02", "2017-12-31")
    amounts = 100 * np.random.default_rng(1).lognormal(0, 0.02, len(days))
    amounts[40], amounts[50] = 190.0, 10.0
    table = tables_with(days, amounts.round(2).tolist())
    rows = {r["check"]: r for r in records(table, as_of=AS_OF, stale_days=7)}
    row = rows["Day whose sales are far from its weekday's usual"]
    net = pd.Series(amounts.round(2), days)
    away = (net - net.groupby(net.index.day_of_week).transform("median")).abs()
    assert row["rows"] >= 2
    assert row["amount"] == pytest.approx(away.nlargest(row["rows"]).sum())
    assert row["amount"] > 170  # a day 90 above and one 90 below


def test_few_weeks_have_no_usual() -> None:
    assert calendar_of(pd.date_range("2017-12-04", "2017-12-31"))["score"].isna().all()


def test_broken_weeks_at_the_ends_are_named() -> None:
    rows = {
        r["check"]: r
        for r in records(
            tables_with(pd.date_range("2017-10-08", "2017-12-27")), as_of=AS_OF, stale_days=7
        )
    }
    broken = rows["Broken week (Monday to Sunday) at an end of the data"]
    assert broken["rows"] == 2
    assert "first week has 1 of 7 days and the last week has 3" in broken["what_to_do"]


def test_days_closed_every_year_ask_for_no_decision() -> None:
    """Christmas by its date, Easter by its distance; a day of one year alone stays a question."""
    easter, christmas = ["2016-03-27", "2017-04-16"], ["2016-12-25", "2017-12-25"]
    once = ["2017-05-03", "2017-06-07", "2017-07-05", "2017-08-02"]
    every = pd.date_range("2016-01-01", "2017-12-31")
    closed = every[~every.isin(pd.to_datetime(easter + christmas))]

    def gap(days: pd.DatetimeIndex) -> dict[str, object]:
        found = records(tables_with(days), as_of=AS_OF, stale_days=7)
        return next(r for r in found if str(r["check"]).startswith("Day without any order"))

    assert (gap(closed)["severity"], gap(closed)["rows"]) == ("know", 4)
    assert str(gap(closed)["what_to_do"]).endswith("25 Dec 2017: closed every year.")
    assert gap(closed[~closed.isin(pd.to_datetime(once))])["severity"] == "decide"
