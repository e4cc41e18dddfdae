"""Concentration: the Gini coefficient's identities, negative totals, and losing the largest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from analysis.customers.value.concentration import concentration, losses
from analysis.customers.value.ranked import Ranked
from analysis.stats.resampling import SINGLE_CASES, TOO_FEW, Sampling
from tests.customers.populations import features_of, lognormal

FEW = Sampling(draws=200, seed=1)
cents = st.lists(st.integers(0, 100_000), min_size=2, max_size=40).filter(any)


def measured(values: np.ndarray | list[float], measure: str, column: str = "estimate") -> float:
    table = concentration(features_of(values), sampling=FEW).set_index("measure")
    return table.loc[measure, column]


@given(values=cents)
@settings(max_examples=100, deadline=None)
def test_gini_by_differences_is_gini_by_area(values: list[int]) -> None:
    worth = np.sort(np.array(values) / 100)
    gini = measured(worth, "gini")
    differences = np.abs(worth[:, None] - worth[None, :]).mean()
    assert gini == pytest.approx(differences / (2 * worth.mean()), abs=1e-9)
    curve = np.concatenate([[0], np.cumsum(worth)]) / worth.sum()
    assert gini == pytest.approx(1 - 2 * np.trapezoid(curve, dx=1 / len(worth)), abs=1e-9)
    assert measured(worth, "gini_normalised") == pytest.approx(gini, abs=1e-12)


@given(values=cents, copies=st.integers(2, 4))
@settings(max_examples=40, deadline=None)
def test_gini_depends_on_neither_unit_nor_number_of_copies(values: list[int], copies: int) -> None:
    worth = np.array(values) / 100
    gini = Ranked.of(worth).gini()
    assert Ranked.of(worth * 1_000).gini() == pytest.approx(gini, abs=1e-9)
    assert Ranked.of(np.repeat(worth, copies)).gini() == pytest.approx(gini, abs=1e-9)
    assert 0 <= gini < 1


@given(
    values=st.lists(st.integers(-100_000, 100_000), min_size=2, max_size=40).filter(
        lambda v: sum(v) > 0
    )
)
@settings(max_examples=100, deadline=None)
def test_the_normalised_gini_stays_below_one(values: list[int]) -> None:
    assert 0 <= Ranked.of(np.array(values) / 100).gini(normalised=True) <= 1


def test_negative_totals_push_the_plain_gini_beyond_one() -> None:
    values = [-7.0, -15, 11, -10, 2, 4, 40]
    assert measured(values, "gini") == pytest.approx(436 / (7 * 25))
    assert measured(values, "gini_normalised") == pytest.approx(436 / (7 * 89))
    assert measured(values, "gini", "negative") == 3
    assert np.isnan(measured(values, "effective_customers"))
    assert "negative" in str(measured(values, "hhi", "reason"))


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([], "there are no customers"),
        ([3.0], "one customer has no spread"),
        ([0.0] * 50, "every customer's total is zero"),
        ([1.0] * 30 + [-2.0] * 30, "zero or less"),
    ],
)
def test_what_is_not_defined_says_why(values: list[float], reason: str) -> None:
    table = concentration(features_of(values), sampling=FEW)
    assert table[["estimate", "low", "high"]].isna().all(axis=None)
    assert (table["reason"].str.contains(reason) | table["reason"].str.contains("negative")).all()
    assert table["reason"].str.contains(reason).any()


def test_equal_customers_are_as_many_as_they_are() -> None:
    assert measured([5.0] * 60, "gini") == pytest.approx(0, abs=1e-12)
    assert measured([5.0] * 60, "effective_customers") == pytest.approx(60)
    assert measured([5.0] * 60, "effective_customers", "low") == pytest.approx(60)


def test_intervals_of_the_gini_hold_what_they_promise() -> None:
    """The Gini coefficient of the lognormal is 2 Phi(sigma / sqrt 2) - 1."""
    sigma, rounds = 1.0, 100
    truth = 2 * norm.cdf(sigma / np.sqrt(2)) - 1
    generator = np.random.default_rng(29)
    covered = 0
    for seed in range(rounds):
        customers = features_of(lognormal(400, sigma, generator))
        row = concentration(customers, sampling=Sampling(draws=300, seed=seed)).iloc[0]
        covered += row["low"] <= truth <= row["high"]
    assert 0.88 <= covered / rounds <= 0.99


def test_losing_customers_costs_what_they_bring() -> None:
    values = lognormal(400, 1.0, np.random.default_rng(1))
    table = losses(features_of(values), sampling=FEW)
    largest = np.sort(values)[::-1]
    assert table["customers"].tolist() == [4, 10, 20, 40, 80]
    for row in table.itertuples():
        assert row.net_amount == pytest.approx(largest[: row.customers].sum())
        assert row.share == pytest.approx(row.net_amount / values.sum())
    assert table["reason"].tolist() == [SINGLE_CASES, "", "", "", ""]
    assert table["share_low"].isna().tolist() == [True, False, False, False, False]


def test_losing_one_of_few() -> None:
    table = losses(features_of([6.0, 3.0, 1.0]), top=[1, 3], sampling=FEW)
    assert table["share"].tolist() == [0.6, 1.0]
    assert set(table["reason"]) == {TOO_FEW}
    assert losses(features_of([]), sampling=FEW).empty
    assert set(losses(features_of([1.0] * 20), top=[10])["reason"]) == {TOO_FEW}
