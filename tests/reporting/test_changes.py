from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import norm

from analysis.reporting.notebook.findings import Direction, Finding
from analysis.reporting.site.history import compare, strip


def finding(value: float | None, unit: str = "", **rest: object) -> Finding:
    detail = "too few" if value is None else None
    return Finding("k", "s", value, unit=unit, detail=detail, **rest)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("now", "before", "text"),
    [
        (finding(0.362, "%"), finding(0.351, "%"), "▲ 1.1 points since last run"),
        (finding(212.0), finding(233.0), "▼ 9.0 % since last run"),
        (finding(17.0), finding(19.0), "▼ 2 since last run"),
        (finding(-50.0, "USD"), finding(-80.0, "USD"), "▲ $ 30 since last run"),
        (finding(5.0, "days"), finding(0.0, "days"), "▲ 5 days since last run"),
        (finding(0.3512, "%"), finding(0.3508, "%"), "unchanged since last run"),
        (finding(1.0), None, "new since last run"),
        (finding(1.0), finding(1.0, "%"), "new since last run"),
        (finding(None), finding(1.0), "no value now, unlike last run"),
        (finding(None), finding(None), "no value as in last run"),
    ],
)
def test_the_change_reads_in_the_unit_of_the_finding(
    now: Finding, before: Finding | None, text: str
):
    assert compare(now, before).text == text


@pytest.mark.parametrize(
    ("direction", "before", "tone"),
    [
        ("up_good", 100.0, "good"),
        ("up_good", 300.0, "bad"),
        ("up_bad", 100.0, "bad"),
        ("up_bad", 300.0, "good"),
        (None, 100.0, "plain"),
    ],
)
def test_good_and_bad_need_a_direction(direction: Direction | None, before: float, tone: str):
    change = compare(finding(200.0, direction=direction), finding(before))
    assert (change.tone, change.moved) == (tone, True)


def test_a_change_within_the_interval_is_no_news():
    now = finding(0.35, "%", low=0.33, high=0.37, direction="up_good")
    change = compare(now, finding(0.34, "%"))
    assert change.text == "▲ 1.0 points since last run, within the interval"
    assert (change.tone, change.moved) == ("plain", False)
    assert compare(now, finding(0.32, "%")).tone == "good"


def test_the_earlier_run_is_named():
    text = compare(finding(2.0), finding(1.0), since="the run of 7 Nov 2026").text
    assert text == "▲ 1 since the run of 7 Nov 2026"


def test_no_strip_without_two_ends():
    assert strip(finding(1.0)) is None
    assert strip(finding(1.0, low=0.5)) is None
    assert strip(finding(None, low=0.5, high=1.0)) is None


def test_an_earlier_value_far_away_is_left_off_the_strip():
    near = strip(finding(1.0, low=0.9, high=1.1), 0.8)
    far = strip(finding(1.0, low=0.9, high=1.1), 40.0)
    assert near is not None
    assert far is not None
    assert "before" in near
    assert "before" not in far


def test_zero_is_marked_where_the_strip_reaches_it():
    assert "zero" in (strip(finding(4100.0, "USD", low=-900, high=9300)) or {})
    assert "zero" not in (strip(finding(0.351, "%", low=0.338, high=0.363)) or {})


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.floats(0, 1), st.floats(-1e7, 1e7))
def test_everything_lies_on_the_strip_in_the_right_order(
    low: float, span: float, at: float, before: float
):
    high = low + span
    assume(high > low)
    marks = strip(finding(min(low + at * span, high), low=low, high=high), before)
    assert marks is not None
    left, right = marks["left"], marks["left"] + marks["width"]
    assert 0 <= left <= right <= 100.2
    assert left - 0.2 <= marks["value"] <= right + 0.2


def test_two_independent_estimates_of_one_thing_are_news_once_in_twenty():
    """Each with a right 95 % interval: held against today's alone, one in six would be called."""
    draws = np.random.default_rng(5).normal(0.35, 0.01, size=(4000, 2))
    half = 0.01 * norm.ppf(0.975)
    pairs = [
        [finding(x, "%", low=x - half, high=x + half, direction="up_good", decimals=6) for x in row]
        for row in draws
    ]
    called = np.mean([compare(now, before).tone != "plain" for now, before in pairs])
    assert 0.043 < called < 0.057
