"""Purchase deciles, the Pareto curve and its mirror image."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from analysis.customers.features import features
from analysis.customers.value.concentration import (
    lorenz_curve,
    pareto_curve,
    purchase_deciles,
    shown,
)
from analysis.stats.resampling import TOO_FEW, Sampling
from analysis.tables.engine import Tables
from analysis.tables.periods import Period
from tests.customers.populations import features_of, lognormal

FEW = Sampling(draws=200, seed=1)


def by_hand(cents: list[int], parts: int) -> list[int]:
    """Count, in whole cents, the customers whose last cent falls into each part."""
    ordered, total = sorted(cents, reverse=True), sum(cents)
    counts, reached = [0] * parts, 0
    for worth in ordered:
        reached += worth
        part = next((k for k in range(1, parts) if reached * parts <= total * k), parts)
        counts[(part if worth > 0 else parts) - 1] += 1
    return counts


@given(
    cents=st.lists(st.integers(0, 10_000), min_size=1, max_size=60).filter(any),
    parts=st.integers(2, 12),
)
@settings(max_examples=150, deadline=None)
def test_counts_are_those_of_adding_up_by_hand(cents: list[int], parts: int) -> None:
    table = purchase_deciles(features_of(np.array(cents) / 100), parts=parts, sampling=FEW)
    assert table["customers"].tolist() == by_hand(cents, parts)
    assert table["customers"].sum() == len(cents)
    assert round(table["amount"].sum() * 100) == sum(cents)


def test_a_customer_across_the_boundary_counts_where_their_last_cent_falls() -> None:
    assert purchase_deciles(features_of([5, 3, 2]), parts=2)["customers"].tolist() == [1, 2]
    assert purchase_deciles(features_of([6, 3, 1]), parts=2)["customers"].tolist() == [0, 3]
    assert purchase_deciles(features_of([1] * 10))["customers"].tolist() == [1] * 10


def test_the_published_counts_of_the_real_customers(real: Tables) -> None:
    customers = features.fetch(real, Period.before("2018-01-01", days=365))
    table = purchase_deciles(customers, sampling=FEW)
    assert table["customers"].tolist() == [44, 66, 85, 105, 127, 155, 194, 254, 368, 1_071]
    low, high = table["share_low"] * 2_469, table["share_high"] * 2_469
    assert ((low - 1 < table["customers"]) & (table["customers"] < high + 1)).all()


def test_negative_totals_stand_last_and_the_curve_comes_back_to_one() -> None:
    values = np.concatenate([np.linspace(50, 10, 35), np.zeros(5), np.full(10, -5.0)])
    table = purchase_deciles(features_of(values), sampling=FEW)
    assert table["customers"].sum() == 50
    assert table["customers"].iloc[-1] >= 15
    assert table["amount"].sum() == pytest.approx(values.sum())
    curve = pareto_curve(features_of(values), sampling=FEW)
    assert curve["value_share"].max() > 1
    assert curve["value_share"].iloc[-1] == 1
    assert lorenz_curve(curve)["value_share"].min() < 0


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([], "there are no customers"),
        ([0.0, 0.0], "every customer's total is zero"),
        ([5.0, -9.0], "zero or less"),
    ],
)
def test_a_total_that_cannot_be_cut_says_so(values: list[float], reason: str) -> None:
    table = purchase_deciles(features_of(values), sampling=FEW)
    assert table["customers"].isna().all()
    assert table["reason"].str.contains(reason).all()
    curve = pareto_curve(features_of(values), sampling=FEW)
    assert curve["value_share"].isna().all()
    assert curve["reason"].str.contains(reason).all()


def test_one_customer_makes_everything_and_has_no_interval() -> None:
    table = purchase_deciles(features_of([7.0]), sampling=FEW)
    assert table["customers"].tolist() == [0] * 9 + [1]
    assert set(table["reason"]) == {TOO_FEW}


def test_the_curve_rises_bends_and_has_a_mirror_image() -> None:
    curve = pareto_curve(features_of(lognormal(500, 1.0, np.random.default_rng(1))), sampling=FEW)
    steps = curve["value_share"].diff().dropna()
    assert (steps >= 0).all()
    assert (steps.diff().dropna() <= 1e-12).all()
    lorenz = lorenz_curve(curve)
    assert lorenz["value_share"].iloc[[0, -1]].tolist() == [0.0, 1.0]
    assert lorenz["value_share"].iloc[30] == 1 - curve["value_share"].iloc[70]
    known = lorenz.dropna()
    assert len(known) == len(lorenz) - 1
    assert (known["share_low"] <= known["value_share"]).all()
    assert (known["value_share"] <= known["share_high"]).all()
    pd.testing.assert_frame_equal(
        lorenz_curve(lorenz)[["customers_share", "value_share"]],
        curve[["customers_share", "value_share"]],
    )


def test_a_published_curve_tells_of_no_single_customer() -> None:
    for customers, steps in ((500, 100), (200, 50), (70, 20), (20, 4), (4, 2)):
        curve = pareto_curve(features_of(np.arange(1.0, customers + 1)), sampling=FEW)
        found = shown(curve, customers)
        assert len(found) == steps + 1
        assert found["customers_share"].iloc[[0, steps // 2, -1]].tolist() == [0, 0.5, 1]


def test_equal_customers_lie_on_the_diagonal() -> None:
    curve = pareto_curve(features_of([4.0] * 200), sampling=FEW)
    np.testing.assert_allclose(curve["value_share"], curve["customers_share"], atol=1e-12)
    known = curve.dropna()
    assert len(known) > 90
    np.testing.assert_allclose(known["share_low"], known["customers_share"], atol=1e-12)


def test_how_many_bring_half_is_covered_as_promised() -> None:
    """The truth is the inverse of the lognormal's Lorenz curve."""
    sigma, rounds = 1.0, 100
    truth = 1 - norm.cdf(norm.ppf(0.5) + sigma)
    generator = np.random.default_rng(23)
    covered = 0
    for seed in range(rounds):
        customers = features_of(lognormal(400, sigma, generator))
        half = purchase_deciles(customers, parts=2, sampling=Sampling(draws=300, seed=seed))
        covered += half["share_low"].iloc[0] <= truth <= half["share_high"].iloc[0]
    assert 0.88 <= covered / rounds <= 0.99
