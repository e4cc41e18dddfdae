"""What lifetime value must find: the planted order process, and who is truly worth most."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from analysis.customers.lifetime import bgnbd, gamma_gamma, pareto_nbd, purchase_counts
from analysis.customers.lifetime.lifetime_value import ValueSettings, lifetime_value
from analysis.customers.lifetime.purchase_counts import TRAIT, PurchaseCounts, trait_names
from analysis.customers.value import tiers
from analysis.tables.periods import Period
from tests.truth.shops import Shops, tables_of

HISTORY = Period(date(2024, 1, 1), date(2025, 12, 29))
SEEDS = range(8)


@pytest.fixture(scope="module")
def bought(shops: Shops) -> pd.DataFrame:
    """Return the customers of eight shops with what they bought and what is true of them."""
    found = []
    for seed in SEEDS:
        each = purchase_counts.fetch(tables_of(shops, seed), HISTORY)
        truth = shops.frame("select * from truth_customers where seed = $seed", seed=seed)
        truth["customer_id"] = truth["customer_id"].astype(str)
        found.append(each.merge(truth, on="customer_id").assign(seed=seed))
    return pd.concat(found, ignore_index=True)


def test_the_planted_order_process_is_found(shops: Shops, bought: pd.DataFrame) -> None:
    """BG/NBD of the main body, each parameter within four standard errors of the planted one.

    Days instead of moments make purchases of one day one, which costs a share of about the rate per
    day; it is far below the standard errors.
    """
    planted = shops.parameter("bgnbd", "parameters")
    main = bought[bought["group"] == "main"]
    found = bgnbd.fit(PurchaseCounts.of(main)).estimate
    truth = np.array([planted[name] for name in bgnbd.NAMES])
    z = np.log(found.values / truth) / np.sqrt(np.diag(found.log_covariance))
    assert (np.abs(z) < 4).all(), z


def test_the_planted_order_values_are_found(shops: Shops, bought: pd.DataFrame) -> None:
    planted = shops.parameter("gamma_gamma", "parameters")
    main = bought[(bought["group"] == "main") & (bought["net_amount"] > 0)]
    purchases = main["repeats"].to_numpy("float64") + 1
    found = gamma_gamma.fit(purchases, main["net_amount"].to_numpy("float64") / purchases)
    mean = planted["p"] * planted["gamma"] / (planted["q"] - 1)
    assert found.mean == pytest.approx(mean, rel=0.08)


@pytest.fixture(scope="module")
def valued(bought: pd.DataFrame) -> pd.DataFrame:
    """Return one shop's customers: what they brought, are expected to bring, and truly are worth.

    True is the rate times the order value of those who have not left.
    """
    one = bought[bought["seed"] == 0].reset_index(drop=True)
    model = bgnbd.fit(PurchaseCounts.of(one), modified=True)
    spend = one.assign(margin_amount=one["net_amount"].clip(lower=0.01))
    spend["margin_squares"] = spend["margin_amount"] ** 2
    values = lifetime_value(
        spend, model, gamma_gamma.fit_value(spend), history=HISTORY,
        settings=ValueSettings(months=(12,), draws=50),
    )  # fmt: skip
    return values.customers[["customer_id", "value_12"]].assign(
        margin_amount=one["net_amount"], truth=one["yearly_value"] * one["left_on"].isna()
    )


def test_expected_value_ranks_better_than_past_spend(valued: pd.DataFrame) -> None:
    expected = spearmanr(valued["value_12"], valued["truth"]).statistic
    past = spearmanr(valued["margin_amount"], valued["truth"]).statistic
    assert expected > past + 0.10


def test_channels_rank_as_planted_by_how_often_their_customers_come(
    shops: Shops, bought: pd.DataFrame
) -> None:
    """Planted: who orders often is won more through search, and less through social media."""
    tilt = shops.parameter("acquisition", "parameters", "tilt_of_order_rate")
    assert tilt["social"] < tilt["store"] == tilt["display"] < tilt["search"]
    main = purchase_counts.encode(bought[bought["group"] == "main"])
    traits = [name for name in trait_names(main) if "channel" in name]
    plain = pareto_nbd.fit(PurchaseCounts.of(main))
    counts = PurchaseCounts.of(main, traits)
    found = pareto_nbd.fit_with_traits(counts, traits, plain).estimate
    # Chance alone would gain more than this in one shop of a thousand (chi-square, 8 degrees).
    assert 2 * (found.log_likelihood - plain.estimate.log_likelihood) > 26.1
    factors = dict(zip(found.names, found.values, strict=True))
    social, store, display = (
        factors[f"{pareto_nbd.BUYS}{TRAIT}acquisition channel {name}, not search"]
        for name in ("social", "store", "display")
    )
    assert social < min(store, display)
    assert max(store, display) < 1


def test_the_best_by_expected_value_are_truly_worth_more(valued: pd.DataFrame) -> None:
    """As many of the best are truly worth more if chosen by what is expected than by the past."""
    basis = tiers.tier_values(valued, forecast=valued[["customer_id", "value_12"]], months=12)
    assert basis.months == 12
    most = int((tiers.assign(valued["margin_amount"]) == "High").sum())
    expected, past = (
        valued.loc[v.nlargest(most).index, "truth"].mean()
        for v in (basis.values, valued["margin_amount"])
    )
    assert expected > past
