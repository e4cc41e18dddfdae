"""Monetary deciles: equal groups, exact sums, intervals that hold what they promise."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from analysis.customers.features import features, weekly
from analysis.customers.value.deciles import equal_groups, monetary_deciles
from analysis.stats.resampling import NOT_STABLE, SINGLE_CASES, TOO_FEW, Sampling
from analysis.tables.engine import Tables
from analysis.tables.periods import Period
from tests.customers.populations import features_of, lognormal, shoppers, weekly_of

FEW = Sampling(draws=200, seed=1)
amounts = st.lists(st.integers(-500, 5_000).map(lambda cents: cents / 100), max_size=60)


@given(values=amounts, groups=st.integers(2, 12))
@settings(max_examples=150, deadline=None)
def test_groups_are_as_equal_as_ties_allow(values: list[float], groups: int) -> None:
    found = equal_groups(values, groups)
    table = pd.DataFrame({"value": values, "group": found})
    assert len(found) == len(values)
    assert table["group"].between(1, groups).all()
    assert (table.groupby("value")["group"].nunique() <= 1).all()
    best_first = table.sort_values("value", ascending=False)
    assert best_first["group"].is_monotonic_increasing
    if len(values) and not table["value"].duplicated().any():
        sizes = table["group"].value_counts().reindex(range(1, groups + 1), fill_value=0)
        assert sizes.max() - sizes.min() <= 1
        assert (sizes.sort_index().cumsum() <= sizes.index * len(values) / groups).all()


@given(values=amounts, seed=st.integers(0, 1_000))
@settings(max_examples=60, deadline=None)
def test_groups_depend_on_neither_order_nor_unit(values: list[float], seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(values))
    mixed = np.asarray(values)[order]
    assert (equal_groups(values, 10)[order] == equal_groups(mixed, 10)).all()
    assert (equal_groups(8 * mixed, 10) == equal_groups(mixed, 10)).all()


def test_a_tie_across_a_boundary_stays_together() -> None:
    assert equal_groups([9, 5, 5, 1], 2).tolist() == [1, 2, 2, 2]
    assert equal_groups([9, 8, 5, 5, 5, 1], 2).tolist() == [1, 1, 2, 2, 2, 2]
    assert set(equal_groups([3] * 25, 10)) == {6}


def test_the_published_shares_of_the_real_customers(real: Tables) -> None:
    customers = features.fetch(real, Period.before("2018-01-01", days=365))
    found = monetary_deciles(customers, sampling=FEW)
    table = found.table
    assert table["customers"].tolist() == [246] + [247] * 9
    assert round(100 * table["cumulative_share"].iloc[0], 1) == 35.0
    assert round(100 * table["cumulative_share"].iloc[1], 1) == 54.5
    assert round(table["net_amount"].sum(), 2) == 4_596_039.58
    assert (table["share_low"] < table["share"]).all()
    assert (table["share"] < table["share_high"]).all()


def test_the_real_growth_adds_up(real: Tables) -> None:
    customers = features.fetch(real, Period.before("2018-01-01", days=365))
    weeks = weekly.fetch(real, Period.before("2018-01-01", days=364))
    found = monetary_deciles(customers, halves=weeks.halves(), sampling=FEW)
    halves = [features.fetch(real, half)["net_amount"].sum() for half in (weeks.before, weeks.now)]
    total = found.total.iloc[0]
    assert [round(total["before"], 2), round(total["now"], 2)] == [round(h, 2) for h in halves]
    assert found.table["contribution"].sum() == pytest.approx(total["growth"], abs=1e-14)
    assert total["growth"] == pytest.approx(halves[1] / halves[0] - 1, abs=1e-12)


def test_sums_and_shares_are_those_of_all_customers() -> None:
    values = lognormal(333, 1.0, np.random.default_rng(3))
    customers = features_of(values, values * 0.3)
    found = monetary_deciles(customers, sampling=FEW)
    assert found.table["customers"].sum() == len(found.members) == 333
    assert found.table["share"].sum() == pytest.approx(1, abs=1e-14)
    assert found.table["margin_share"].sum() == pytest.approx(1, abs=1e-14)
    assert round(found.table["net_amount"].sum(), 2) == round(values.sum(), 2)
    np.testing.assert_allclose(found.table["margin_share"], found.table["share"], rtol=1e-6)
    by_hand = customers.groupby(found.members["decile"].to_numpy())["net_amount"].sum()
    np.testing.assert_allclose(found.table["net_amount"], by_hand, rtol=1e-12)


def test_features_stay_as_they_were_and_the_seed_decides() -> None:
    customers = features_of(lognormal(80, 1.0, np.random.default_rng(3)))
    before = customers.copy(deep=True)
    first, again = (monetary_deciles(customers, sampling=FEW).table for _ in range(2))
    pd.testing.assert_frame_equal(customers, before)
    pd.testing.assert_frame_equal(first, again, check_exact=True)
    other = monetary_deciles(customers, sampling=Sampling(draws=200, seed=2)).table
    assert (other["share"] == first["share"]).all()
    assert (other["share_low"] != first["share_low"]).any()


def test_the_order_of_customers_does_not_matter() -> None:
    customers = features_of(lognormal(120, 1.0, np.random.default_rng(4)))
    mixed = customers.sample(frac=1, random_state=1)
    columns = ["decile", "customers", "share", "share_low", "share_high"]
    pd.testing.assert_frame_equal(
        monetary_deciles(customers, sampling=FEW).table[columns],
        monetary_deciles(mixed, sampling=FEW).table[columns],
        check_exact=True,
    )


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([0.0] * 40, "every customer's total is zero"),
        ([-3.0] * 20 + [1.0] * 20, "add up to zero or less"),
    ],
)
def test_no_share_of_a_total_that_is_not_positive(values: list[float], reason: str) -> None:
    table = monetary_deciles(features_of(values), sampling=FEW).table
    assert table["share"].isna().all()
    assert table["reason"].str.contains(reason).all()


def test_one_customer_has_a_share_and_no_interval() -> None:
    table = monetary_deciles(features_of([12.5]), sampling=FEW).table
    assert table["share"].tolist() == [1.0]
    assert table["share_low"].isna().all()
    assert table["reason"].tolist() == [TOO_FEW]


def test_groups_of_a_few_customers_have_no_interval() -> None:
    values = lognormal(50, 1.0, np.random.default_rng(1))
    halves = weekly_of(np.column_stack([values, values])).halves()
    table = monetary_deciles(features_of(2 * values), halves=halves, sampling=FEW).table
    assert set(table["reason"]) == {SINGLE_CASES}
    assert table[["share_low", "margin_share_high", "growth_low"]].isna().all(axis=None)
    assert table["share"].sum() == pytest.approx(1)
    assert not table["stands_out"].any()


def test_no_customer_gives_no_group() -> None:
    assert monetary_deciles(features_of([]), sampling=FEW).table.empty


def test_negative_totals_are_kept_in_the_last_group() -> None:
    values = np.concatenate([np.full(45, 10.0) + np.arange(45), np.full(5, -20.0)])
    table = monetary_deciles(features_of(values), sampling=FEW).table
    assert table["share"].iloc[-1] < 0
    assert table["cumulative_share"].iloc[-2] > 1
    assert table["share"].sum() == pytest.approx(1)


def test_a_group_that_sold_nothing_before_has_no_growth() -> None:
    weeks = np.zeros((80, 4))
    weeks[:, 2:] = 1.0
    weeks[:40, :2] = 5.0
    table = monetary_deciles(
        features_of(weeks.sum(axis=1) + np.arange(80)[::-1] / 1000),
        groups=2, halves=weekly_of(weeks).halves(), sampling=FEW,
    ).table  # fmt: skip
    assert np.isnan(table["growth"].iloc[1])
    assert table["reason"].iloc[1] == NOT_STABLE
    assert table["contribution"].notna().all()


def test_ranking_on_the_whole_window_favours_neither_half() -> None:
    generator = np.random.default_rng(11)
    weeks = weekly_of(shoppers(4_000, 12, generator, visits=0.3))
    halves = weeks.halves()
    whole = features_of((halves["net_before"] + halves["net_now"]).to_numpy())
    late = features_of(halves["net_now"].to_numpy())
    fair = monetary_deciles(whole, halves=halves, sampling=FEW).table["growth"].iloc[0]
    biased = monetary_deciles(late, halves=halves, sampling=FEW).table["growth"].iloc[0]
    assert abs(fair) < 0.04
    assert biased > 0.10


def test_nothing_stands_out_where_nothing_happened() -> None:
    generator = np.random.default_rng(5)
    loud = 0
    for seed in range(20):
        weeks = weekly_of(shoppers(1_000, 8, generator))
        halves = weeks.halves()
        customers = features_of((halves["net_before"] + halves["net_now"]).to_numpy())
        sampling = Sampling(draws=500, seed=seed)
        table = monetary_deciles(customers, groups=5, halves=halves, sampling=sampling).table
        loud += bool(table["stands_out"].any())
    assert loud <= 4


def test_intervals_of_a_heavy_tailed_share_hold_what_they_promise() -> None:
    """The truth is the Lorenz curve of the lognormal: Aitchison and Brown (1957), chapter 11."""
    sigma, rounds = 0.8, 120
    truth = 1 - norm.cdf(norm.ppf(0.9) - sigma)
    generator = np.random.default_rng(17)
    covered, too_low = 0, 0
    for seed in range(rounds):
        customers = features_of(lognormal(1_000, sigma, generator))
        best = monetary_deciles(customers, sampling=Sampling(draws=300, seed=seed)).table.iloc[0]
        covered += best["share_low"] <= truth <= best["share_high"]
        too_low += best["share_high"] < truth
    assert 0.88 <= covered / rounds <= 0.99
    assert too_low / rounds < 0.09


def test_many_customers_are_drawn_in_cells_with_the_same_result() -> None:
    customers = features_of(lognormal(30_000, 1.0, np.random.default_rng(2)))
    found = monetary_deciles(customers, sampling=Sampling(draws=300)).table.iloc[0]
    values = customers["net_amount"].sort_values(ascending=False).to_numpy()
    share, boundary = values[:3_000].sum() / values.sum(), values[2_999]
    own = (values - boundary) * (np.arange(30_000) < 3_000) + 0.1 * boundary - share * values
    error = (own / values.mean()).std() / np.sqrt(30_000)
    assert (found["share_high"] - found["share_low"]) / 2 == pytest.approx(1.96 * error, rel=0.15)
