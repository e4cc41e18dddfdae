from __future__ import annotations

import math
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.reporting.notebook import words


def test_shares_are_fractions_and_read_as_per_cent():
    assert words.percent(0.35) == "35.0 %"
    assert words.percent(0.0182, 2) == "1.82 %"
    assert words.percent(-0.05, signed=True) == "−5.0 %"
    assert words.percent(0.021, signed=True) == "+2.1 %"


def test_money_has_its_sign_and_thousands():
    assert words.money(1_615_240) == "$ 1,615,240"
    assert words.money(-900) == "−$ 900"
    assert words.money(12.5, 2, "EUR") == "€ 12.50"
    assert words.money(7, 0, "CHF") == "CHF 7"
    assert words.money(3, signed=True) == "+$ 3"


def test_counts_take_the_plural():
    assert words.count(2469, "household") == "2,469 households"
    assert words.count(1, "household") == "1 household"
    assert words.count(0, "category") == "0 categories"
    assert words.count(2, "day") == "2 days"
    assert words.count(2, "box") == "2 boxes"
    assert words.count(3, "person", "people") == "3 people"


def test_interval_says_its_unit_once():
    assert words.interval(0.338, 0.363) == "33.8 to 36.3 %"
    assert words.interval(-900, 9300, 0, "USD") == "−900 to 9,300"
    assert words.interval(1.25, 2.5, 2, "days") == "1.25 to 2.50 days"
    assert words.interval(0.1, math.nan) == "10.0 to – %"
    assert words.interval(None, None) == words.MISSING


def test_the_interval_of_a_difference_reads_as_ending_at_zero_only_where_it_does():
    assert words.interval(-0.0592, -0.0004, 0) == "−5.92 to −0.04 %"
    assert words.interval(-0.004, 0.0594, 0) == "−0.4 to 5.9 %"
    assert words.interval(0.004, 0.0594, 0, signed=True) == "0.4 to 5.9 %"
    assert words.interval(0.004, 0.0594, 0) == "0 to 6 %", "a share: near zero is near zero"
    assert words.interval(-0.06, 0.0, 0) == "−6 to 0 %"
    assert words.interval(-1e-9, 5.0, 0, "") == "0 to 5", "not without end"


def test_the_ends_of_an_interval_read_apart_where_they_are():
    assert words.interval(0.0, 0.00394, unit="") == "0.000 to 0.004"
    assert words.interval(0.0, 0.0, unit="") == "0 to 0"
    assert words.interval(0.4981, 0.4984, unit="%") == "49.81 to 49.84 %"
    assert words.interval(0.0, 1e-9, unit="") == "0.0000 to 0.0000", "not without end"


@pytest.mark.parametrize("absent", [None, math.nan, math.inf])
def test_what_is_not_there_is_a_dash(absent: float | None):
    assert words.number(absent) == words.MISSING
    assert words.percent(absent) == words.MISSING
    assert words.money(absent) == words.MISSING
    assert words.quantity(absent, "days") == words.MISSING


def test_digits_follow_unit_and_size():
    assert words.quantity(212) == "212"
    assert words.quantity(0.561) == "0.56"
    assert words.quantity(12.34) == "12.3"
    assert words.quantity(1234.5) == "1,234" or words.quantity(1234.5) == "1,235"
    assert words.quantity(41_250.4, "USD") == "$ 41,250"
    assert words.quantity(0.012, words.POINTS, signed=True) == "+1.2 points"


def test_no_probability_reads_as_nothing():
    assert words.chance(0.0231) == "0.023"
    assert words.chance(0.00004) == "< 0.001"
    assert words.chance(1.0) == "1.000"
    assert words.chance(None) == words.MISSING


def test_lists_and_days_read_as_english():
    assert words.listing(["a"]) == "a"
    assert words.listing(["a", "b", "c"]) == "a, b and c"
    assert words.listing([]) == words.MISSING
    assert words.day(date(2017, 12, 31)) == "31 Dec 2017"


@given(st.floats(-1e12, 1e12), st.integers(0, 6))
def test_a_number_reads_back_as_its_rounding(value: float, decimals: int):
    written = words.number(value, decimals)
    read = float(written.replace(",", "").replace("−", "-"))
    assert read == float(f"{value:.{decimals}f}")
    assert not (read == 0 and "−" in written)
