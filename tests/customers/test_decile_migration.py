"""Persistence: against chance, and against what noise alone would move."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.customers.value.decile_migration import persistence
from analysis.errors import NotApplicable
from analysis.stats.resampling import Sampling
from tests.customers.populations import shoppers, weekly_of

FEW = Sampling(draws=400, seed=1)


def test_stable_customers_move_no_more_than_noise() -> None:
    inside = 0
    generator = np.random.default_rng(1)
    for seed in range(10):
        weeks = weekly_of(shoppers(600, 26, generator))
        found = persistence(weeks, sampling=Sampling(draws=400, seed=seed)).summary
        inside += ((found["change_low"] <= 0) & (found["change_high"] >= 0)).sum()
    assert inside >= 25


def test_customers_who_change_move_more_than_noise() -> None:
    weeks = shoppers(1_000, 52, np.random.default_rng(2))
    weeks[:, 26:] *= np.exp(0.8 * np.random.default_rng(3).standard_normal(1_000))[:, None]
    rows = persistence(weekly_of(weeks), sampling=FEW).summary.set_index("measure")
    assert rows.loc["same", "change_low"] > 0
    assert rows.loc["top", "change_low"] > 0
    assert rows.loc["far", "change_high"] < 0


def test_customers_without_noise_stay_where_they_are() -> None:
    weeks = np.tile(np.arange(1, 101)[:, None], (1, 8)).astype(float)
    found = persistence(weekly_of(weeks), sampling=FEW)
    assert (found.stayed["stayed"] == 1).all()
    assert (found.stayed["noise"] == 1).all()
    assert (found.stayed["chance"] == 0.1).all()
    assert found.stayed["customers"].tolist() == [10] * 10


def test_halves_that_have_nothing_in_common_stay_as_chance_says() -> None:
    generator = np.random.default_rng(4)
    weeks = np.hstack([np.exp(generator.standard_normal((4_000, 1))) * np.ones(4) for _ in "ab"])
    rows = persistence(weekly_of(weeks), sampling=FEW).summary.set_index("measure")
    for measure in ("same", "top", "far"):
        row = rows.loc[measure]
        assert row["stayed_low"] - 0.01 < row["chance"] < row["stayed_high"] + 0.01


def test_who_did_not_buy_has_a_group_of_their_own() -> None:
    weeks = np.tile(np.arange(1, 101)[:, None], (1, 8)).astype(float)
    weeks[:30, 4:] = 0
    weeks[95:, :4] = 0
    matrix = persistence(weekly_of(weeks), groups=5, sampling=FEW).matrix
    gone = matrix[matrix["second"] == 6]
    assert gone["customers"].sum() == 30
    assert matrix[matrix["first"] == 6]["customers"].sum() == 5
    assert matrix["customers"].sum() == 100


def test_rows_of_the_matrix_are_shares() -> None:
    found = persistence(weekly_of(shoppers(300, 12, np.random.default_rng(5))), sampling=FEW)
    rows = found.matrix.groupby("first")[["share", "noise_share", "chance_share"]].sum()
    np.testing.assert_allclose(rows.loc[1:10], 1, atol=1e-12)
    diagonal = found.matrix.query("first == second and first <= 10")["share"]
    np.testing.assert_allclose(diagonal, found.stayed["stayed"])


def test_intervals_of_staying_are_wide_enough() -> None:
    """The truth is the mean over many populations of the same kind."""
    generator = np.random.default_rng(6)
    seen = [
        persistence(weekly_of(shoppers(400, 10, generator)), deals=1, sampling=FEW).summary
        for _ in range(40)
    ]
    for place in (0, 1):
        truth = np.mean([table["stayed"].iloc[place] for table in seen])
        covered = sum(
            t["stayed_low"].iloc[place] <= truth <= t["stayed_high"].iloc[place] for t in seen
        )
        assert covered >= 34


def test_the_same_seed_deals_the_same_weeks_and_a_gap_is_refused() -> None:
    weeks = weekly_of(shoppers(200, 12, np.random.default_rng(7)))
    assert persistence(weeks, sampling=FEW).matrix.equals(persistence(weeks, sampling=FEW).matrix)
    with pytest.raises(NotApplicable, match="too late"):
        persistence(weekly_of(np.ones((40, 8)), gap="too late"), sampling=FEW)
