"""What deciles and concentration must find: the spread of spend, and intervals that cover it."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from analysis.customers.features import features, weekly
from analysis.customers.retention import decline
from analysis.customers.value.concentration import concentration
from analysis.customers.value.deciles import monetary_deciles
from analysis.stats.resampling import Sampling
from analysis.tables.periods import Period
from tests.truth.calibration import assert_covers
from tests.truth.shops import Shops, tables_of

YEAR = Period.before(date(2025, 12, 29), days=364)


@pytest.fixture(scope="module")
def spent(shops: Shops) -> dict[int, pd.DataFrame]:
    """Return the features of every shop's customers over the last year, by seed."""
    return {seed: features.fetch(tables_of(shops, seed), YEAR) for seed in shops.truth}


def test_realised_shares_are_those_of_the_features(
    shops: Shops, spent: dict[int, pd.DataFrame]
) -> None:
    for seed, customers in spent.items():
        truth = shops.truth[seed]["planted"]["spend_concentration"]["realised"]
        worth = customers["net_amount"].to_numpy()
        assert (worth != 0).sum() == truth["customers"]
        assert worth.sum() == pytest.approx(truth["net"], abs=1e-4)
        top = np.sort(worth)[::-1][: round(0.1 * truth["customers"])]
        assert top.sum() / worth.sum() == pytest.approx(truth["top_10_percent"], abs=1e-7)


def test_intervals_of_shares_cover_at_their_nominal_rate(spent: dict[int, pd.DataFrame]) -> None:
    """The population is all shops together; each shop is a sample of it."""
    everybody = pd.concat(spent.values(), ignore_index=True)
    sampling = Sampling(draws=400, seed=5)
    shares = monetary_deciles(everybody, sampling=Sampling(draws=20, seed=1)).table["share"]
    gini = concentration(everybody, sampling=Sampling(draws=20, seed=1))["estimate"].iloc[0]
    covered = {"1": 0, "5": 0, "10": 0, "gini": 0}
    for customers in spent.values():
        table = monetary_deciles(customers, sampling=sampling).table
        measure = concentration(customers, sampling=sampling).iloc[0]
        for decile in (1, 5, 10):
            low, high = table.loc[decile - 1, ["share_low", "share_high"]]
            covered[str(decile)] += bool(low <= shares[decile - 1] <= high)
        covered["gini"] += bool(measure["low"] <= gini <= measure["high"])
    for count in covered.values():
        assert_covers(count, len(spent))


def test_fading_finds_declining_customers_and_hardly_any_others(shops: Shops) -> None:
    """Who is called fell for good (or left), but for the share of false alarms allowed."""
    called, right, declining, found = 0, 0, 0, 0
    for seed in list(shops.truth)[:8]:
        weeks = weekly.fetch(tables_of(shops, seed), YEAR)
        table = decline.judge(weeks, fdr=0.10, sampling=Sampling(draws=2_000, seed=seed)).table
        truth = shops.frame(
            """
            select customer_id::varchar as customer_id, "group" = 'declining' as declining,
                   "group" in ('declining', 'lapsed') or left_on is not null as fell
            from truth_customers where seed = $seed
            """,
            seed=seed,
        )
        judged = table.merge(truth, on="customer_id")
        beyond = judged["status"].isin(["fading", "silent"])
        called += beyond.sum()
        right += (beyond & judged["fell"]).sum()
        declining += judged["declining"].sum()
        found += (beyond & judged["declining"]).sum()
    assert called > 20
    assert binom.sf(called - right - 1, called, 0.10) > 1e-3
    assert found / declining > 0.2


def test_the_spread_of_spend_is_that_of_a_retailer(spent: dict[int, pd.DataFrame]) -> None:
    everybody = pd.concat(spent.values(), ignore_index=True)
    worth = np.sort(everybody["net_amount"].to_numpy())[::-1]
    reached = np.cumsum(worth) / worth.sum()
    assert reached[len(worth) // 10] == pytest.approx(0.350, abs=0.02)
    assert reached[len(worth) // 5] == pytest.approx(0.545, abs=0.02)
