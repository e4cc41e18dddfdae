"""Report 04 on shops with nothing to score, to draw or to compare: it says so and stands."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from analysis.demand.change import changepoints, trends
from analysis.demand.change.decomposition import daily_parts
from analysis.demand.forecast import accuracy as judgement
from analysis.demand.forecast import forecast, horizon_totals, level_regressors, track_record
from analysis.demand.forecast.forecast import Outlook
from analysis.demand.models.registry import BENCHMARKS
from analysis.demand.series import product_lifecycle
from analysis.demand.series.sales_series import Series
from analysis.errors import NotApplicable
from analysis.reporting.charts import svg
from analysis.reporting.notebook.findings import Finding
from analysis.reporting.notebook.words import MISSING
from analysis.reports.forecast import charts, text_accuracy, text_products
from analysis.reports.forecast import charts_products as lever_charts
from analysis.reports.forecast import charts_products as trend_charts
from analysis.reports.forecast import text as last_time
from analysis.reports.forecast import text as readings
from analysis.reports.forecast import text_products as trend_readings

LEVELS = ((), ("department",), ("department", "category"))
NEXT = "the next 4 weeks"


def shop(total: np.ndarray, *, open_days: int = 7) -> Series:
    """Return a shop of one department and one category, which all sell the same."""
    keys = pd.DataFrame(
        {
            "level": ["total", "department", "department x category"],
            "name": ["Total", "Food", "Food / Tea"],
            "department": [None, "Food", "Food"],
            "category": [None, None, "Tea"],
        }
    )
    weeks = tuple(date(2024, 1, 1) + timedelta(days=7 * i) for i in range(len(total)))
    days = np.full(len(total), open_days)
    return Series(keys, np.tile(total, (3, 1)), weeks, days, "net_amount", "week", (), ())


def predicted(total: np.ndarray, *, origins: int = 8) -> Outlook:
    return forecast.predict(
        shop(total), level_regressors.Plan(horizon=4, season=52, origins=origins), levels=LEVELS
    )


@pytest.fixture(scope="module")
def constant() -> Outlook:
    return predicted(np.full(40, 17.5))


@pytest.fixture(scope="module")
def short() -> Outlook:
    return predicted(np.random.default_rng(3).gamma(40, 5, 19).round(2))


@pytest.fixture(scope="module")
def returned() -> Outlook:
    sold = np.random.default_rng(4).gamma(40, 5, 40).round(2)
    sold[[20, 33, 38]] = -5_000.0
    return predicted(sold, origins=24)


def test_sales_that_never_vary_are_forecast_without_an_interval(constant: Outlook) -> None:
    ahead = horizon_totals.over_horizon(constant)
    assert readings.title(ahead, NEXT, "USD") == (
        "The next 4 weeks should bring $ 70; how surely, past forecasts do not tell"
    )
    found = Finding(**readings.total_finding(ahead, NEXT, "USD"))
    assert (found.value, found.interval, found.n) == (70, None, None)
    assert found.detail == f"0.0 % against the last 4 weeks; {readings.NO_INTERVAL}"
    assert readings.outlook(ahead, NEXT) == (
        f"The next 4 weeks: 0.0 % against the last 4; {readings.NO_INTERVAL}"
    )
    whole = constant.table[constant.table["level"] == "total"]
    assert readings.bands(whole).startswith("No band: ")
    assert "band" not in readings.fan_alt(whole)
    assert readings.departments(ahead).startswith("No department sells significantly more or less")


@pytest.mark.parametrize(
    ("sold", "bottom", "label"),
    [(17.5, 0.0, "$"), (0.0, 0.0, "$"), (-21.0, -22.05, "$"), (17_500.0, 0.0, "$ thousand")],
)
def test_a_flat_line_lies_inside_its_chart(sold: float, bottom: float, label: str) -> None:
    found = shop(np.full(30, sold))
    unit, scale = readings.unit(found, "USD")
    assert unit == f"Net sales a week, {label}"
    ahead = pd.DataFrame({"period_start": [pd.Timestamp(found.end)], "mean": sold})
    ends = dict.fromkeys(("low_80", "high_80", "low_95", "high_95"), np.nan)
    ax = charts.fan(found.history("total", "Total"), ahead.assign(**ends), unit=unit, scale=scale)
    low, high = ax.get_ylim()
    assert low == pytest.approx(bottom)
    assert low <= sold / scale < high


def test_what_has_no_score_is_not_reported(constant: Outlook) -> None:
    assert constant.scores.empty
    with pytest.raises(NotApplicable, match="for the total could be scored"):
        text_accuracy.accuracy_finding(constant)
    with pytest.raises(NotApplicable, match="could be scored"):
        charts.gains(constant.scores)
    with pytest.raises(NotApplicable, match="challenger has no error to save"):
        text_accuracy.challenged(constant.scores, constant.published, "boosted")
    errors = judgement.by_horizon(constant.tested, constant.groups == "department")
    with pytest.raises(NotApplicable, match="no error grows"):
        charts.by_horizon(errors, own=constant.published, benchmark=BENCHMARKS[0])
    assert readings.reconciled(constant).endswith("no past forecast could be scored.")


def test_intervals_that_none_has_tested_are_not_judged(constant: Outlook, short: Outlook) -> None:
    for found in (constant, short):
        with pytest.raises(NotApplicable, match="too few past forecasts"):
            text_accuracy.coverage_finding(found.coverage)
        with pytest.raises(NotApplicable, match="too few past forecasts"):
            text_accuracy.kept_promise(found.coverage)


def test_trust_neither_holds_nor_fails_where_nothing_was_tested(constant: Outlook) -> None:
    lines = text_accuracy.trust(constant, track_record.score(None, constant), 52)
    told = {label: (ok, text) for label, ok, text in lines}
    assert told["Better than a simple forecast"][0] is None
    assert told["Better than a simple forecast"][1].startswith(
        "No past forecast for the total could be"
    )
    assert told["Intervals"][0] is None
    assert told["Adds up"][0] is True


def test_an_exact_forecast_was_neither_too_high_nor_too_low(constant: Outlook) -> None:
    scored = track_record.score(None, constant)
    assert last_time.last_time(scored, "USD") == (
        "The last forecast would have been exact for the total"
    )
    told = Finding(**last_time.drift_finding(scored))
    assert told.detail == "no error before it to compare with"


def test_few_past_forecasts_tell_nothing_from_luck(short: Outlook) -> None:
    assert len(short.tested.origins) < 5
    found = Finding(**text_accuracy.accuracy_finding(short))
    assert found.detail == "too few past forecasts to tell it from luck"
    assert text_accuracy.worth(short).startswith("Too few past forecasts to tell")
    assert text_accuracy.unbeaten(short).startswith("Fewer than five past forecasts")
    ok, text = {
        a: (b, c) for a, b, c in text_accuracy.trust(short, track_record.score(None, short), 52)
    }["Better than a simple forecast"]
    assert ok is None
    assert "p <" not in text
    assert text.endswith("too few to tell that from luck.")


def test_more_error_than_the_benchmark_is_called_more(short: Outlook) -> None:
    scores = short.scores.assign(gain=-0.34, p=0.2, verdict="no different")
    worse = replace(short, scores=scores)
    text = text_accuracy.trust(worse, track_record.score(None, short), 52)[0][2]
    assert text.startswith("34 % more error at the total, p = 0.200")


def test_returns_beyond_sales_give_no_shares(returned: Outlook) -> None:
    ahead = horizon_totals.over_horizon(returned)
    assert ahead["change"].isna().all()
    assert "sold nothing net of returns" in readings.outlook(ahead, NEXT)
    assert "or anything from −$ " in readings.title(ahead, NEXT, "USD")
    scored = track_record.score(None, returned)
    assert math.isnan(scored.table["bias"].iloc[0])
    assert " came" in last_time.last_time(scored, "USD")
    found = Finding(**last_time.drift_finding(scored))
    assert str(found.detail).startswith("no share, for net sales were not above zero")


def test_a_total_that_sells_now_and_then_is_still_the_total() -> None:
    row = {"level": "total, now and then", "nominal": 0.95, "realised": 0.94, "low": 0.7,
           "high": 1.0, "gap": -0.01, "n": 80, "weeks": 18}  # fmt: skip
    assert text_accuracy.few_weeks(pd.DataFrame([row])).startswith("The total alone, over 18 weeks")


def test_data_that_end_early_name_the_weeks_that_are_forecast() -> None:
    sold = shop(np.full(30, 5.0))
    end = sold.end
    for as_of in (end, end + timedelta(days=6)):
        assert readings.late(sold, str(as_of)) == ""
        assert readings.weeks_ahead(sold, 8, str(as_of)) == "the next 8 weeks"
    later = str(end + timedelta(days=100))
    assert readings.weeks_ahead(sold, 8, later) == "the 8 weeks from 29 Jul 2024"
    assert "14 weeks before 6 Nov 2024" in readings.span(sold, later)
    ahead = pd.DataFrame([{"mean": 40.0, "low": 30.0, "high": 50.0, "change": 0.1, "n": 9,
                           "change_low": 0.05, "change_high": 0.2}])  # fmt: skip
    weeks = readings.weeks_ahead(sold, 8, later)
    assert readings.title(ahead, weeks, "USD").startswith("The 8 weeks from 29 Jul 2024 should")
    assert readings.outlook(ahead, weeks) == (
        "The 8 weeks from 29 Jul 2024: more than the 8 weeks before (+10.0 %)"
    )


def test_a_shop_open_on_saturdays_alone_is_not_open_on_all_days() -> None:
    sold = shop(np.full(30, 5.0), open_days=1)
    assert "none of them open on more than 1 day" in readings.span(sold, str(sold.end))


def test_nothing_to_draw_is_no_chart() -> None:
    empty = pd.DataFrame({"name": [], "growth": [], "direction": []})
    for draw in (
        lambda: trend_charts.steps([], unit="$"),
        lambda: trend_charts.trends(empty, weeks=13),
        lambda: lever_charts.influences(empty),
        lambda: lever_charts.levers(empty),
    ):
        with pytest.raises(NotApplicable):
            draw()


def test_a_week_below_zero_is_on_the_chart_of_levels() -> None:
    weeks = pd.date_range("2024-01-01", periods=20, freq="7D")
    history = pd.DataFrame({"period_start": weeks, "value": [5.0] * 10 + [-4.0] * 10})
    row = pd.Series({"period_start": weeks[10], "before": 5.0, "after": -4.0})
    drawn = trend_charts.steps([("Tea", history, row)], unit="$")
    assert drawn.get_ylim()[0] == -4
    assert "Tea" in svg.render(drawn, name="steps", alt="Levels.")


def test_series_that_cannot_be_searched_are_not_counted_as_searched() -> None:
    sold = shop(np.full(60, 5.0))
    lasting = product_lifecycle.continuing(product_lifecycle.statuses(sold))
    table = trends.slopes(sold, continuing=lasting)
    assert trend_readings.category_trend_counts(table).startswith(
        "No series is searched for a trend"
    )
    found = Finding(**trend_readings.trend_finding(table, 0.1))
    assert str(found.detail).startswith("each is too short, never varies")
    assert text_products.trend_counts(table).startswith("No product sold all the time")
    steps = changepoints.shifts(sold, continuing=lasting)
    assert trend_readings.shift_counts(steps) == "No series moved to another level"
    assert changepoints.largest_shifts(sold, steps, count=6) == []


def test_what_was_searched_in_vain_is_said_in_words() -> None:
    table = pd.DataFrame({"direction": ["steady"] * 3, "p": [0.5, 0.6, 0.7]})
    assert trend_readings.category_trend_counts(table) == (
        "None of 3 series searched rises or falls significantly"
    )
    assert text_products.trend_counts(table).endswith("none rises or falls significantly")
    alone = pd.DataFrame({"holiday": [""]})
    assert trend_readings.stood_out(alone[:0]) == "No week of a series stood out alone"
    assert trend_readings.stood_out(alone).endswith(
        "alone, not in or before the week of a holiday or occasion"
    )
    lives = pd.DataFrame({"status": ["continuing", "too rare to tell"]})
    assert trend_readings.came_and_went(lives) == (
        "Of 2 best sellers none significantly came or went; 1 sell too rarely to tell"
    )
    assert trend_readings.came_and_went(lives[1:]).startswith("No product sells often enough")


def days(values: np.ndarray) -> Series:
    keys = pd.DataFrame({"level": ["total"], "name": ["Total"]})
    dates = tuple(date(2024, 1, 1) + timedelta(days=i) for i in range(len(values)))
    return Series(keys, values[None], dates, np.ones(len(values)), "net_amount", "day", (), ())


def test_exactly_two_years_of_days_are_taken_apart_without_a_yearly_season() -> None:
    values = 100 + 20.0 * (np.arange(730) % 7 >= 5)
    parts = daily_parts(days(values))
    assert "yearly" not in parts
    assert (parts["trend"] + parts["weekly"]).to_numpy() == pytest.approx(values, abs=1e-6)


def test_days_without_a_rhythm_have_none() -> None:
    with pytest.raises(NotApplicable, match="Every day sold the same"):
        daily_parts(days(np.full(100, 60.0)))
    saturdays = np.where(np.arange(100) % 7 == 0, 50.0 + np.arange(100), np.nan)
    with pytest.raises(NotApplicable, match="Only 15 of 100 days saw a sale"):
        daily_parts(days(saturdays))


def test_no_sentence_has_a_hole(constant: Outlook, short: Outlook, returned: Outlook) -> None:
    for found in (constant, short, returned):
        ahead, scored = horizon_totals.over_horizon(found), track_record.score(None, found)
        said = [
            readings.title(ahead, NEXT, "USD"), readings.outlook(ahead, NEXT),
            readings.departments(ahead), readings.categories(ahead),
            readings.total_finding(ahead, NEXT, "USD")["detail"], readings.reconciled(found),
            last_time.last_time(scored, "USD"),
            *[text for _, _, text in text_accuracy.trust(found, scored, 52)],
        ]  # fmt: skip
        for text in said:
            assert MISSING not in text
            assert "nan" not in text.split()


def test_where_nothing_beats_the_mean_that_is_the_headline() -> None:
    """Weekly sales drawn at random about one level: no model can know more than the mean."""
    rng = np.random.default_rng(5)
    values = np.round(1_000 + 50 * rng.standard_normal(60), 2)
    found = predicted(values, origins=24)
    assert {"naive", "mean"} <= set(text_accuracy.compared(found)["model"])
    assert "mean of all past" in text_accuracy.bars(found)
    assert "does not beat" in text_accuracy.worth(found) or "No model beats" in text_accuracy.worth(
        found
    )
    told = text_accuracy.accuracy_finding(found)
    assert told["detail"].startswith("against the mean of all past")
    assert not told["alert"]  # the mean is among what is averaged: as close, for all that is known
    assert abs(told["value"]) < 0.05
    assert text_accuracy.in_title(found) == ""
    scores = found.scores.assign(verdict=found.scores["verdict"].replace("no different", "worse"))
    beaten = replace(found, scores=scores)
    assert text_accuracy.accuracy_finding(beaten)["alert"]
    assert text_accuracy.in_title(beaten) == "; the mean of all past has been closer so far"


def test_a_title_adds_nothing_where_nothing_could_be_told(
    constant: Outlook, short: Outlook
) -> None:
    assert text_accuracy.in_title(constant) == text_accuracy.in_title(short) == ""
