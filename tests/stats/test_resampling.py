"""Whole-customer resampling: right variance, paired, reproducible, and it covers."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.stats.resampling import (
    MOST_UNITS,
    group_totals,
    percentile_interval,
    resampled_totals,
)


@pytest.mark.parametrize("n", [300, 4 * MOST_UNITS + 3])
def test_totals_vary_as_sums_of_independent_customers_do(n: int) -> None:
    values = np.random.default_rng(1).lognormal(0, 1, (n, 1))
    drawn = resampled_totals(values, seed=2)[:, 0]
    expected = np.sqrt(n * values.var())
    assert drawn.mean() == pytest.approx(values.sum(), abs=4 * expected / 40)
    assert drawn.std() == pytest.approx(expected, rel=0.06)


def test_columns_of_a_customer_are_drawn_together() -> None:
    values = np.random.default_rng(1).random((50, 1))
    drawn = resampled_totals(np.hstack([values, 3 * values]), seed=2)
    np.testing.assert_allclose(drawn[:, 1], 3 * drawn[:, 0])


def test_the_same_seed_draws_the_same_customers_whatever_the_columns() -> None:
    values = np.random.default_rng(1).random((50, 3))
    whole, part = resampled_totals(values, seed=5), resampled_totals(values[:, :1], seed=5)
    np.testing.assert_array_equal(whole[:, :1], part)
    assert not np.array_equal(whole, resampled_totals(values, seed=6))


def test_nobody_gives_zeros() -> None:
    assert not resampled_totals(np.empty((0, 2)), seed=1, replicates=10).any()


def test_inputs_are_left_alone() -> None:
    values = np.ones((5, 1))
    resampled_totals(values, seed=1)
    assert (values == 1).all()


def test_an_interval_is_refused_where_replicates_are_undefined() -> None:
    drawn = np.column_stack([np.arange(1000.0), np.arange(1000.0)])
    drawn[:20, 1] = np.nan
    low, high = percentile_interval(drawn, confidence=0.9)
    assert (low[0], high[0]) == pytest.approx((49.95, 949.05))
    assert np.isnan([low[1], high[1]]).all()


def test_intervals_of_a_ratio_cover_the_truth() -> None:
    """Orders of 20 on average, of customers who differ much: 95 of 100 intervals hold 20."""
    rng, hits, rounds = np.random.default_rng(7), 0, 300
    for _ in range(rounds):
        orders = 1 + rng.poisson(rng.gamma(1.0, 4.0, 150))
        net = 20 * orders + rng.normal(0, 15, 150) * np.sqrt(orders)
        totals = np.column_stack([net, orders])
        drawn = resampled_totals(totals, seed=int(rng.integers(2**31)), replicates=400)
        low, high = percentile_interval(drawn[:, 0] / drawn[:, 1], confidence=0.95)
        hits += low.item() <= 20 <= high.item()
    assert 0.91 <= hits / rounds <= 0.98


def test_too_few_customers_are_no_certainty() -> None:
    one = np.array([[3.0, 5.0]])
    assert (resampled_totals(one, seed=1, replicates=4) == one).all()
    assert np.isnan(resampled_totals(one, seed=1, replicates=4, fewest=2)).all()
    assert not np.isnan(resampled_totals(np.vstack([one, one]), seed=1, fewest=2)).any()


@pytest.mark.parametrize("n", [300, 3 * MOST_UNITS + 7])
def test_totals_of_groups_are_those_of_a_column_for_each(
    n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analysis.stats.resampling._ROWS", 1_000)
    rng = np.random.default_rng(4)
    values, codes = rng.lognormal(0, 1, (n, 3)).round(2), rng.integers(-1, 4, n)
    member = np.equal.outer(codes, np.arange(4))
    each = (member[:, :, None] * values[:, None, :]).reshape(n, 12)
    whole = resampled_totals(each, seed=1, replicates=40)
    assert (resampled_totals(values, seed=1, replicates=40, groups=(codes, 4)) == whole).all()
    assert (group_totals(values, (codes, 4)).ravel() == each.sum(axis=0)).all()
