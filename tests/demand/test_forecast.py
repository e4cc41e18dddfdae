"""The whole way from series to a published forecast, kept and scored."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from analysis.demand.change.decomposition import daily_parts, strengths
from analysis.demand.forecast import (
    accuracy,
    forecast,
    horizon_totals,
    level_regressors,
    track_record,
)
from analysis.demand.forecast.level_regressors import LevelDrivers
from analysis.demand.models import gradient_boosting
from analysis.demand.series.sales_series import Series
from analysis.errors import NotApplicable

LEVELS = ((), ("department",), ("department", "category"))


def shop(periods: int = 60, seed: int = 0) -> Series:
    rng = np.random.default_rng(seed)
    bottom = [rng.gamma(20, 5, periods) for _ in range(4)]
    bottom.append(rng.poisson(0.3, periods) * 12.0)
    bottom.append(np.r_[np.full(periods - 20, np.nan), rng.gamma(20, 3, 20)])
    bottom = np.round(np.array(bottom), 2)
    departments = np.array(list("AAABBB"))
    sums = [np.nansum(bottom[departments == d], axis=0) for d in "AB"]
    values = np.vstack([sums[0] + sums[1], *sums, bottom])
    keys = pd.DataFrame(
        {
            "level": ["total", *["department"] * 2, *["department x category"] * 6],
            "name": ["Total", "A", "B", *[f"{d} / c{i}" for i, d in enumerate(departments)]],
            "department": [None, "A", "B", *departments],
            "category": [None, None, None, *[f"c{i}" for i in range(6)]],
        }
    )
    weeks = tuple(date(2024, 1, 1) + timedelta(days=7 * i) for i in range(periods))
    return Series(keys, values, weeks, np.full(periods, 7), "net_amount", "week", (), ())


PLAN = level_regressors.Plan(horizon=4, season=52, origins=20)


@pytest.fixture(scope="module")
def outlook():
    return forecast.predict(shop(), PLAN, levels=LEVELS)


def test_forecast_adds_up_and_stays_inside_its_interval(outlook):
    table = outlook.table.assign(cents=(outlook.table["mean"] * 100).round().astype("int64"))
    sums = table.groupby(["ahead", "level"])["cents"].sum().unstack()
    assert (sums.nunique(axis=1) == 1).all()
    assert (table["mean"] >= 0).all()
    known = table.dropna(subset=["low_80", "low_95"])
    assert (known["low_95"] <= known["mean"]).all()
    assert (known["mean"] <= known["high_80"]).all()
    assert (known["low_80"] >= 0).all()
    assert len(table) == 9 * 4
    assert table["period_start"].min() == pd.Timestamp(outlook.series.end)


def test_a_season_not_seen_once_is_not_used(outlook):
    assert outlook.plan.season == 1
    assert forecast.predict(shop(), replace(PLAN, season=4)).plan.season == 4


def test_every_missing_interval_has_a_reason(outlook):
    gone = outlook.table[outlook.table["low_95"].isna()]
    assert (gone["reason"] != "").all()
    there = outlook.table[outlook.table["low_95"].notna() & outlook.table["low_80"].notna()]
    assert (there["reason"] == "").all()


def test_sum_over_the_horizon_is_narrower_than_the_sum_of_intervals(outlook):
    whole = horizon_totals.over_horizon(outlook).iloc[0]
    rows = outlook.table[outlook.table["level"] == "total"]
    assert whole["mean"] == pytest.approx(rows["mean"].sum())
    assert whole["high"] - whole["low"] < (rows["high_95"] - rows["low_95"]).sum()
    assert whole["low"] < whole["mean"] < whole["high"]


def test_too_few_periods_are_refused():
    whole = shop()
    short = replace(whole, values=whole.values[:, :14], periods=whole.periods[:14])
    with pytest.raises(NotApplicable, match="too few to test"):
        forecast.predict(short, PLAN, levels=LEVELS)


def test_kept_forecast_is_scored_on_what_happened():
    whole = shop(60)
    then = replace(whole, values=whole.values[:, :56], periods=whole.periods[:56])
    made = track_record.to_keep(forecast.predict(then, PLAN, levels=LEVELS))
    now = forecast.predict(whole, PLAN, levels=LEVELS)
    scored = track_record.score(made, now)
    assert not scored.replayed
    row = scored.table.iloc[0]
    assert row["actual"] == pytest.approx(whole.values[0, 56:].sum())
    assert row["forecast"] == pytest.approx(made.loc[made["level"] == "total", "mean"].sum())
    assert not scored.drifted


def test_a_break_after_the_forecast_raises_the_alarm():
    whole = shop(60)
    then = replace(whole, values=whole.values[:, :56], periods=whole.periods[:56])
    made = track_record.to_keep(forecast.predict(then, PLAN, levels=LEVELS))
    broken = whole.values.copy()
    broken[:, 56:] *= 4
    now = forecast.predict(replace(whole, values=broken), PLAN, levels=LEVELS)
    scored = track_record.score(made, now)
    assert scored.drifted
    assert scored.table.iloc[0]["covered"] == 0


def test_replay_uses_only_what_was_known(outlook):
    whole = outlook.series
    broken = whole.values.copy()
    broken[:, 56:] *= 4
    other = forecast.predict(replace(whole, values=broken), PLAN, levels=LEVELS)
    columns = ["mean", "low_95", "high_95"]
    pd.testing.assert_frame_equal(
        track_record.replay(outlook)[columns], track_record.replay(other)[columns]
    )
    assert track_record.score(None, outlook).replayed


def test_a_forecast_whose_weeks_have_not_come_is_not_scored(outlook):
    with pytest.raises(NotApplicable, match="has passed yet"):
        track_record.score(track_record.to_keep(outlook), outlook)


def test_boosting_learns_across_series_what_one_alone_does_not_show():
    rng = np.random.default_rng(0)
    time = np.arange(80)
    level = rng.gamma(10, 10, (60, 1))
    values = level * (1 + 0.5 * (time % 4 == 3)) * np.exp(rng.normal(0, 0.03, (60, 80)))
    found = gradient_boosting.forecast(values[:, :76], horizon=4, seed=1)
    assert np.abs(found / values[:, 76:] - 1).mean() < 0.06
    np.testing.assert_array_equal(
        found, gradient_boosting.forecast(values[:, :76], horizon=4, seed=1)
    )
    low = gradient_boosting.forecast(values[:, :76], horizon=1, quantile=0.1)
    high = gradient_boosting.forecast(values[:, :76], horizon=1, quantile=0.9)
    assert (low <= high).mean() > 0.9


def test_challenger_meets_the_others_on_the_same_series():
    rng = np.random.default_rng(1)
    values = rng.gamma(20, 5, (40, 60))
    values[0, 30:] = 0
    values[1, :50] = np.nan
    keys = pd.DataFrame({"level": ["x"] * 40, "name": [str(i) for i in range(40)]})
    weeks = tuple(date(2024, 1, 1) + timedelta(days=7 * i) for i in range(60))
    series = Series(keys, values, weeks, np.full(60, 7), "net_amount", "week", (), ())
    tested = forecast.predict(series, PLAN).tested
    met = gradient_boosting.challenge(tested, values, season=1, origins=5, seed=0)
    assert len(met.origins) == 5
    board = accuracy.scoreboard(met, np.array(["x"] * 40))
    assert board["series"].nunique() == 1
    with pytest.raises(NotApplicable, match="too short for the boosted challenger"):
        gradient_boosting.forecast(values[:2, :20], horizon=2)


def test_daily_parts_add_up_and_the_week_is_found():
    rng = np.random.default_rng(0)
    time = np.arange(140)
    values = 100 + 20 * (time % 7 >= 5) + rng.normal(0, 2, 140)
    values[50] = np.nan
    days = tuple(date(2024, 1, 1) + timedelta(days=int(i)) for i in time)
    keys = pd.DataFrame({"level": ["total"], "name": ["Total"]})
    series = Series(keys, values[None], days, np.ones(140), "net_amount", "day", (), ())
    parts = daily_parts(series)
    whole = parts["trend"] + parts["weekly"] + parts["remainder"]
    assert whole.dropna().to_numpy() == pytest.approx(values[~np.isnan(values)])
    assert strengths(parts)["weekly"] > 0.9
    with pytest.raises(NotApplicable, match="weeks of days"):
        daily_parts(replace(series, values=values[None, :20], periods=days[:20]))


def test_noise_has_no_rhythm_of_the_week() -> None:
    keys = pd.DataFrame({"level": ["total"], "name": ["Total"]})
    for days in (60, 365, 760):
        values = np.random.default_rng(days).normal(280, 60, days)
        when = tuple(date(2024, 1, 1) + timedelta(days=i) for i in range(days))
        series = Series(keys, values[None], when, np.ones(days), "net_amount", "day", (), ())
        assert strengths(daily_parts(series))["weekly"] < 0.1


DEGENERATE = {
    "constant": np.full(60, 7.0),
    "zero": np.zeros(60),
    "one point": np.r_[np.full(59, np.nan), 5.0],
    "mostly missing": np.where(np.arange(60) % 9 == 0, 10.0, np.nan),
    "negative week": np.r_[np.full(30, 10.0), -3.0, np.linspace(9, 12, 29)],
    "huge outlier": np.r_[np.linspace(9, 12, 40), 1e9, np.linspace(9, 12, 19)],
    "usual": np.random.default_rng(0).gamma(20, 5, 60),
}


def test_degenerate_series_pass_the_whole_way_in_silence():
    """Warnings fail the tests: none may reach a report."""
    values = np.array(list(DEGENERATE.values()))
    keys = pd.DataFrame({"level": "department", "name": list(DEGENERATE)})
    weeks = tuple(date(2024, 1, 1) + timedelta(days=7 * i) for i in range(60))
    series = Series(keys, values, weeks, np.full(60, 7), "net_amount", "week", (), ())
    marks = (np.arange(64)[:, None] == [20, 51]).astype(float)
    known = LevelDrivers(np.arange(7), ("promoted",), np.zeros((7, 64, 1)), marks)
    found = forecast.predict(series, PLAN, known=known)
    assert len(found.table) == 7 * 4
    assert np.isfinite(found.table["mean"]).all()
    explained = found.table["reason"] != ""
    assert (found.table["low_95"].notna() | explained).all()
    sums = horizon_totals.over_horizon(found)
    assert len(sums) == 7
    assert (sums["high"] >= sums["mean"]).where(sums["high"].notna(), True).all()
    made = track_record.to_keep(found)
    assert len(track_record.replay(found)) == len(made)
    by_name = found.table.groupby("name")["mean"].max()
    assert by_name["zero"] == 0
    assert by_name["constant"] == pytest.approx(7.0, rel=0.01)
    assert by_name["huge outlier"] < 1e9
