"""Trends, shifts, outliers and launches: planted ones are found, noise is left alone."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from analysis.demand.change import changepoints, trends
from analysis.demand.series import product_lifecycle
from analysis.demand.series.sales_series import Series


def of(values: np.ndarray) -> Series:
    rows, columns = values.shape
    keys = pd.DataFrame({"level": ["item"] * rows, "name": [f"i{n}" for n in range(rows)]})
    periods = tuple(date(2023, 1, 2) + timedelta(days=7 * i) for i in range(columns))
    return Series(keys, values, periods, np.full(columns, 7), "units", "week", (), ())


def everything(values: np.ndarray) -> np.ndarray:
    return np.ones(len(values), dtype=bool)


def poisson(level, rows: int, seed: int = 0) -> np.ndarray:
    level = np.broadcast_to(level, (rows, np.shape(level)[-1]))
    return np.random.default_rng(seed).poisson(level).astype(float)


def autocorrelated(rows: int, columns: int, r: float = 0.5, seed: int = 2) -> np.ndarray:
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 5, (rows, columns))
    for t in range(1, columns):
        noise[:, t] += r * noise[:, t - 1]
    return 100 + noise


def test_planted_trend_is_recovered_within_its_interval():
    time = np.arange(104) / 52
    values = poisson(60 * np.exp(0.35 * time), 40)
    table = trends.slopes(of(values), continuing=everything(values), per=52)
    truth = 60 * (np.exp(0.7) - 1) / 2
    assert (table["direction"] == "rising").all()
    inside = (table["slope_low"] <= truth) & (truth <= table["slope_high"])
    assert inside.mean() >= 0.85
    assert table["slope"].median() == pytest.approx(truth, rel=0.08)


def test_noise_with_memory_has_no_trend():
    values = autocorrelated(400, 52)
    table = trends.slopes(of(values), continuing=everything(values), fdr=0.10)
    assert (table["p"] < 0.05).mean() < 0.10
    assert (table["direction"] != "steady").sum() <= 6


def test_yearly_wave_is_no_trend_where_two_years_are_known():
    wave = 50 * (1 + 0.6 * np.cos(2 * np.pi * (np.arange(104) - 26) / 52))
    values = poisson(wave, 30)
    table = trends.slopes(of(values), continuing=everything(values), season=52)
    assert (table["direction"] != "steady").sum() <= 3  # one in ten found may be false
    rising = poisson(wave * np.exp(0.3 * np.arange(104) / 52), 30, seed=4)
    found = trends.slopes(of(rising), continuing=everything(rising), season=52)
    assert (found["direction"] == "rising").mean() > 0.9


def test_single_freak_week_makes_no_trend():
    values = autocorrelated(1, 52, 0.0)
    freak = values.copy()
    freak[0, -1] = 1e9
    slopes = [trends.slopes(of(v), continuing=everything(v))["slope"][0] for v in (values, freak)]
    assert abs(slopes[1] - slopes[0]) < 1.5


def test_launches_and_ends_are_told_apart_from_pauses():
    values = poisson(np.full(104, 45.0), 5)
    values[0, :80] = np.nan  # a launch: before its first sale a series is unknown
    values[1, 75:] = 0
    values[2, 40:43] = 0
    values[3] = np.where(np.arange(104) % 9 == 4, 3.0, 0.0)
    values[4, :80] = np.nan
    values[4, 95:] = 0
    table = product_lifecycle.statuses(of(values))
    assert table["status"].tolist() == [
        "launched", "ended", "continuing", "continuing", "launched and ended",
    ]  # fmt: skip
    assert table["first_sold"][0] == pd.Timestamp("2023-01-02") + pd.Timedelta(weeks=80)
    kept = trends.slopes(of(values), continuing=product_lifecycle.continuing(table))
    assert kept["reason"][0] == "launched or ended inside"
    assert np.isnan(kept["p"][0])


@pytest.mark.parametrize(("week", "factor"), [(60, 1.6), (70, 0.5), (30, 1.4)])
def test_planted_shift_is_found_and_dated(week, factor):
    level = np.where(np.arange(104) >= week, 50 * factor, 50.0)
    values = poisson(level, 20, seed=week)
    table = changepoints.shifts(of(values), continuing=everything(values))
    assert table["shifted"].mean() > 0.9
    dates = pd.Timestamp("2023-01-02") + pd.Timedelta(weeks=week)
    off = (table["period_start"] - dates).abs() / pd.Timedelta(weeks=1)
    assert off.median() <= 1
    assert table["change"].median() == pytest.approx(factor - 1, abs=0.07)


def test_noise_and_trends_are_no_shifts():
    noise = autocorrelated(300, 60)
    found = changepoints.shifts(of(noise), continuing=everything(noise), fdr=0.05)
    assert found["shifted"].sum() <= 6
    line = poisson(30 + np.arange(104) * 0.6, 30)
    assert changepoints.shifts(of(line), continuing=everything(line))["shifted"].mean() < 0.1


def test_freak_week_is_an_outlier_and_no_shift():
    values = poisson(np.full(104, 60.0), 30, seed=8)
    values[3, 57] *= 6
    found = changepoints.outliers(of(values), continuing=everything(values))
    assert found["name"].tolist()[0] == "i3"
    assert found["period_start"][0] == pd.Timestamp("2023-01-02") + pd.Timedelta(weeks=57)
    assert found["ratio"][0] == pytest.approx(6, rel=0.35)
    assert len(found) <= 3
    assert not changepoints.shifts(of(values), continuing=everything(values))["shifted"][3]


def test_degenerate_series_give_a_reason_and_no_warning():
    values = np.vstack(
        [np.full(52, 5.0), np.zeros(52), np.r_[np.full(51, np.nan), 3.0], np.r_[np.zeros(51), 1e9]]
    )
    lives = product_lifecycle.statuses(of(values))
    table = trends.slopes(of(values), continuing=product_lifecycle.continuing(lives))
    assert (table["reason"] != "").all()
    assert changepoints.outliers(of(values), continuing=everything(values)).empty
    shifts = changepoints.shifts(of(values), continuing=everything(values))
    assert not shifts["shifted"].any()


def test_what_was_never_negative_falls_by_all_of_its_level_at_most():
    """A line to a tenth in 26 weeks, stated for 52: the slope says -164 % of the median."""
    values = np.linspace(100, 10, 26)[None] + np.tile([0.5, -0.5], 13)
    row = trends.slopes(of(values), continuing=everything(values), per=52).iloc[0]
    assert row["slope"] < -100
    assert (row["growth"], row["growth_low"], row["growth_high"]) == (-1.0, -1.0, -1.0)
    returned = trends.slopes(of(values - 60), continuing=everything(values), per=52).iloc[0]
    assert np.isnan(returned["growth"]) or returned["growth"] < -1
