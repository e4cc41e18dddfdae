"""Fading: false alarms held, real falls found, the season taken out, and what comes back."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from analysis.customers.retention.decline import cutoff, judge, rebound
from analysis.errors import NotApplicable
from analysis.stats.resampling import Sampling
from tests.customers.populations import shoppers, weekly_of

FEW = Sampling(draws=1_000, seed=1)


def with_falls(n: int, falling: int, generator: np.random.Generator, *, to: float) -> np.ndarray:
    """Return stable shoppers, the first of whom fall to a share of their past halfway."""
    weeks = shoppers(n, 52, generator, visits=0.8, spread=0.5)
    weeks[:falling, 26:] *= to
    return weeks


def test_the_published_example_of_benjamini_and_hochberg() -> None:
    """Their section 3.1: of 15 comparisons of Neuhaus et al. (1992), four are called at 0.05."""
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459]
    p += [0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    assert cutoff(np.array(p), 0.05) == 0.0095
    assert cutoff(np.array([0.2, np.nan, 0.9]), 0.05) == 0.0


def test_where_nobody_changed_hardly_anybody_is_called() -> None:
    generator = np.random.default_rng(7)
    small, tested, alarmed = 0, 0, 0
    for seed in range(25):
        found = judge(
            weekly_of(shoppers(200, 26, generator)), fdr=0.10,
            sampling=Sampling(draws=1_000, seed=seed),
        )  # fmt: skip
        p = found.table["p"].dropna()
        small, tested = small + (p <= 0.05).sum(), tested + len(p)
        alarmed += len(found.called) > 0
    assert 0.03 < small / tested < 0.055
    assert alarmed <= 6


def test_false_alarms_stay_below_the_rate_and_real_falls_are_found() -> None:
    generator = np.random.default_rng(8)
    false, called, power = 0, 0, []
    for seed in range(8):
        found = judge(
            weekly_of(with_falls(300, 60, generator, to=0.3)), fdr=0.10,
            sampling=Sampling(draws=1_000, seed=seed),
        )  # fmt: skip
        numbers = found.called["customer_id"].str[1:].astype(int)
        false, called = false + (numbers >= 60).sum(), called + len(numbers)
        power.append((numbers < 60).sum() / 60)
    assert false / called <= 0.13
    assert np.mean(power) > 0.6


def test_many_fall_by_chance_alone_and_the_report_knows_how_many() -> None:
    found = judge(weekly_of(shoppers(2_000, 26, np.random.default_rng(3))), sampling=FEW)
    assert found.fell > 300
    assert found.fell_by_chance_low <= found.fell <= found.fell_by_chance_high


def test_the_test_is_exact_for_a_rare_shopper() -> None:
    weeks = np.zeros((3, 52))
    weeks[0, [1, 7, 20]] = [10.0, 12.0, 9.0]
    weeks[1, [3, 40]] = 5.0
    weeks[2] = 30.0
    table = judge(weekly_of(weeks), sampling=Sampling(draws=40_000, seed=5)).table
    assert table["p"].iloc[0] == pytest.approx(comb(26, 3) / comb(52, 3), abs=0.006)
    assert table["p"].iloc[1] == pytest.approx(1 - comb(26, 2) / comb(52, 2), abs=0.01)
    assert table["status"].tolist() == ["within noise", "steady", "steady"]


def test_a_season_that_all_share_is_nobody_s_fading() -> None:
    weeks = with_falls(300, 0, np.random.default_rng(4), to=1.0)
    weeks[:, 26:] *= 0.4
    found = judge(weekly_of(weeks), sampling=FEW)
    assert found.growth == pytest.approx(0.4, abs=0.03)
    assert len(found.called) <= 3
    alone = weeks.copy()
    alone[:5, 26:] *= 0.2
    assert len(judge(weekly_of(alone), sampling=FEW).called) >= 3


def test_who_buys_nothing_any_more_is_silent_not_fading() -> None:
    weeks = with_falls(200, 0, np.random.default_rng(5), to=1.0)
    weeks[:5] = 40.0
    weeks[:5, 26:] = 0.0
    weeks[5:10] = 40.0
    weeks[5:10, 26:] = 4.0
    found = judge(weekly_of(weeks), sampling=FEW)
    assert (found.table["status"].iloc[:5] == "silent").all()
    assert (found.table["status"].iloc[5:10] == "fading").all()
    assert (found.called["now"] > 0).all()


def test_losses_are_sums_over_halves_moved_with_the_total() -> None:
    weeks = with_falls(100, 20, np.random.default_rng(6), to=0.2)
    found = judge(weekly_of(weeks), sampling=FEW)
    before, now = weeks[:, :26].sum(axis=1), weeks[:, 26:].sum(axis=1)
    np.testing.assert_allclose(found.table["before"], before * now.sum() / before.sum(), atol=1e-4)
    np.testing.assert_allclose(found.table["now"], now, atol=1e-6)
    np.testing.assert_allclose(found.table["loss"].sum(), 0, atol=1e-3)
    assert found.called["loss"].is_monotonic_decreasing
    assert found.false_alarms == found.tested * found.threshold


def test_a_half_without_any_sales_cannot_be_judged() -> None:
    weeks = np.ones((40, 8))
    weeks[:, 4:] = 0
    with pytest.raises(NotApplicable, match="brought nothing in one of the halves"):
        judge(weekly_of(weeks), sampling=FEW)
    with pytest.raises(NotApplicable, match="too late"):
        judge(weekly_of(np.ones((40, 8)), gap="too late"), sampling=FEW)


def test_the_same_seed_gives_the_same_verdict() -> None:
    weeks = weekly_of(with_falls(150, 20, np.random.default_rng(9), to=0.3))
    first, again = (judge(weeks, sampling=FEW) for _ in range(2))
    assert first.table.equals(again.table)
    assert first.threshold == again.threshold


def test_half_of_a_fall_that_was_noise_comes_back() -> None:
    """The quarter before was as much too high as the quarter of the fall too low."""
    weeks = weekly_of(shoppers(3_000, 52, np.random.default_rng(10)))
    found = rebound(weeks, threshold=1.0, drop=0.3, sampling=FEW)
    assert found.low[0] < 0.5 < found.high[0]
    assert found.high[0] - found.low[0] < 0.15


def test_a_fall_that_was_real_does_not_come_back() -> None:
    weeks = with_falls(1_500, 500, np.random.default_rng(11), to=0.1)
    weeks[:500, :26] = with_falls(500, 0, np.random.default_rng(12), to=1.0)[:, :26]
    found = rebound(weekly_of(weeks), threshold=0.001, drop=0.3, sampling=FEW)
    assert abs(found.value[0]) < 0.05


def test_what_came_back_to_a_few_is_not_taken_off() -> None:
    weeks = with_falls(300, 12, np.random.default_rng(13), to=0.1)
    found = rebound(weekly_of(weeks), threshold=0.001, drop=0.3, sampling=FEW)
    assert np.isnan(found.value[0])
    assert "fewer than 30 customers fell like this" in found.reason[0]


def test_no_rebound_where_nobody_fell() -> None:
    found = rebound(weekly_of(np.ones((50, 52))), threshold=0.01, drop=0.3, sampling=FEW)
    assert np.isnan(found.value[0])
    assert "nobody fell" in found.reason[0]
