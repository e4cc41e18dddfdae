"""Series: the calendar laid over sales, what is cut, and both engines alike."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from analysis.demand.series import sales_series as demand
from analysis.errors import NotApplicable, ParamsError
from analysis.tables.engine import EngineSettings, in_memory

PRODUCTS = pd.DataFrame(
    {
        "product_id": ["a", "b", "f"],
        "department": ["Food", "Food", "Fuel"],
        "category": ["Bread", "Milk", "Petrol"],
        "counted": [True, True, False],
        "unit_cost": [0.5, 0.25, 1.0],
    }
)


def line(order: str, product: str, day: str, net: float, quantity: float = 1.0, store="s1"):
    return {
        "order_id": order,
        "customer_id": "c",
        "product_id": product,
        "ordered_at": pd.Timestamp(day),
        "quantity": quantity,
        "net_amount": net,
        "store_id": store,
    }


#: Weeks of Monday 4, 11, 18 and 25 March 2024, after half a week, before half a week.
LINES = [
    line("0", "a", "2024-02-29 10:00", 99.0),
    *[line(f"w1{d}", "a", f"2024-03-0{d} 10:00", 1.0) for d in range(4, 10)],
    line("w1-10", "a", "2024-03-10 23:59:59", 1.0),
    line("w2", "b", "2024-03-12 09:00", 10.1, 2.0, "s2"),
    line("w2", "a", "2024-03-12 09:00", 0.1),
    line("w2x", "a", "2024-03-17 09:00", 0.2),
    line("w4", "f", "2024-03-25 09:00", 40.0, 31.4),
    line("w4b", "a", "2024-03-31 09:00", -2.0, -1.0),
    line("w5", "a", "2024-04-01 09:00", 7.0),
]


def tables(settings: EngineSettings | None = None, lines=LINES):
    frames = {"order_lines": pd.DataFrame(lines), "products": PRODUCTS}
    return in_memory(frames, settings=settings, default_margin_rate=0.25)


LEVELS = ((), ("department",), ("department", "category"), ("department", "store_id"))


def test_calendar_is_laid_over_sales():
    found = demand.fetch(tables(), as_of="2024-04-03", levels=LEVELS)
    assert found.periods == tuple(date(2024, 3, day) for day in (4, 11, 18, 25))
    assert found.cut == (date(2024, 2, 26), date(2024, 4, 1))
    total = found.at("total").values[0]
    assert total == pytest.approx([7.0, 10.4, 0.0, 38.0])
    names = found.keys["name"].tolist()
    milk = found.values[names.index("Food / Milk")]
    assert np.isnan(milk[0])  # not yet sold: unknown, not zero
    assert milk[1:] == pytest.approx([10.1, 0.0, 0.0])
    assert "Fuel / Petrol" in names


def test_parts_add_up_to_the_whole():
    found = demand.fetch(tables(), as_of="2024-04-03", levels=LEVELS)
    total = found.at("total").values[0]
    for level in ("department", "department x category", "department x store_id"):
        assert np.nansum(found.at(level).values, axis=0) == pytest.approx(total)


def test_units_leave_out_what_is_not_counted_and_orders_are_distinct():
    units = demand.fetch(tables(), as_of="2024-04-01", measure="units")
    assert units.values[0] == pytest.approx([7, 4, 0, -1])
    orders = demand.fetch(tables(), as_of="2024-04-01", measure="orders")
    assert orders.values[0] == pytest.approx([7, 2, 0, 1])  # and a credit note
    margin = demand.fetch(tables(), as_of="2024-04-01", measure="margin")
    assert margin.values[0] == pytest.approx(
        [3.5, 9.4 - 0.5 - 0.5 + 0.5 - 0.1 + 0.1, 0, 40 - 31.4 - 1.5]
    )


def test_closed_days_are_missing_by_day_and_counted_by_week():
    daily = demand.fetch(tables(), as_of="2024-04-01", frequency="day")
    assert date(2024, 3, 11) in daily.closed
    column = daily.periods.index(date(2024, 3, 11))
    assert np.isnan(daily.values[0, column])
    weekly = demand.fetch(tables(), as_of="2024-04-01")
    assert weekly.open_days.tolist() == [7, 2, 0, 2]


def test_months_are_calendar_months():
    lines = [line(str(d), "a", str(d), 1.0) for d in pd.date_range("2024-01-01", "2024-03-15")]
    found = demand.fetch(tables(lines=lines), as_of="2024-03-16", frequency="month")
    assert found.periods == (date(2024, 1, 1), date(2024, 2, 1))
    assert found.values[0] == pytest.approx([31.0, 29.0])
    assert found.end == date(2024, 3, 1)
    assert demand.ahead(found, 2) == (date(2024, 3, 1), date(2024, 4, 1))


def test_a_week_that_always_ends_on_saturday_is_whole():
    days = [d for d in pd.date_range("2024-01-01", "2024-01-27") if d.weekday() != 6]
    found = demand.fetch(
        tables(lines=[line(str(d), "a", str(d), 1.0) for d in days]), as_of="2024-02-01"
    )
    assert len(found.periods) == 4
    assert found.cut == ()


def test_marked_stock_outs_are_unknown():
    out = pd.DataFrame({"department": ["Food"], "period_start": ["2024-03-18"]})
    found = demand.fetch(tables(), as_of="2024-04-01", levels=[("department",)], unavailable=out)
    food = found.values[found.keys["name"].tolist().index("Food")]
    assert np.isnan(food[2])
    assert found.censored == 1


def test_largest_keeps_the_best_sellers():
    found = demand.fetch(tables(), as_of="2024-04-01", levels=[("product_id",)], largest=1)
    assert found.keys["name"].tolist() == ["a"]  # half weeks count towards the size
    assert found.values[0] == pytest.approx([7.0, 0.3, 0.0, -2.0])


def test_refusals_say_what_is_missing():
    with pytest.raises(ParamsError, match="no series by 'colour'"):
        demand.fetch(tables(), as_of="2024-04-01", levels=[("colour",)])
    with pytest.raises(NotApplicable, match="no order lines before"):
        demand.fetch(tables(), as_of="2020-01-01")
    with pytest.raises(NotApplicable, match="no whole month"):
        demand.fetch(
            tables(lines=[line("1", "a", "2024-01-05", 1.0)]), as_of="2024-02-01", frequency="month"
        )


def test_later_lines_change_nothing():
    later = [*LINES, line("z", "b", "2024-04-03 00:00", 1e6)]
    before = demand.fetch(tables(), as_of="2024-04-03", levels=LEVELS)
    after = demand.fetch(tables(lines=later), as_of="2024-04-03", levels=LEVELS)
    np.testing.assert_array_equal(before.values, after.values)


@pytest.mark.spark
@pytest.mark.parametrize("measure", ["net_amount", "margin", "units", "orders"])
def test_both_engines_agree(spark, measure):
    ours = demand.fetch(tables(), as_of="2024-04-03", levels=LEVELS, measure=measure)
    theirs = demand.fetch(tables(spark), as_of="2024-04-03", levels=LEVELS, measure=measure)
    pd.testing.assert_frame_equal(ours.keys, theirs.keys)
    np.testing.assert_array_equal(ours.values, theirs.values)
    assert (ours.periods, ours.closed) == (theirs.periods, theirs.closed)
