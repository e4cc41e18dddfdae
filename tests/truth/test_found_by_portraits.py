"""Tastes, regions, value and change over time: found by the portraits of the customers."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from analysis.customers.features import features
from analysis.customers.features.attributes import customer_attributes
from analysis.customers.retention import lifecycle, regularity
from analysis.customers.segments import areas
from analysis.customers.segments.segment_profiles import portrait
from analysis.customers.value import tiers
from analysis.tables.periods import Period
from tests.truth.shops import Shops, tables_of

AS_OF = date(2025, 12, 29)
YEAR = Period.before(AS_OF, days=364)
SEEDS = range(6)


@pytest.fixture(scope="module")
def people(shops: Shops) -> dict[int, pd.DataFrame]:
    """Return the customers of some shops with their features and what is true of them."""
    found = {}
    for seed in SEEDS:
        truth = shops.frame(
            'select customer_id::varchar as customer_id, "group", value_group, yearly_value '
            "from truth_customers where seed = $seed",
            seed=seed,
        )
        mine = features.fetch_detailed(tables_of(shops, seed), YEAR)
        found[seed] = mine.merge(truth, on="customer_id", validate="one_to_one")
    return found


def test_young_families_over_index_on_babies_and_the_retired_on_health(
    shops: Shops, people: dict[int, pd.DataFrame]
) -> None:
    hits = 0
    for seed, mine in people.items():
        tables = tables_of(shops, seed)
        known, _ = customer_attributes(tables, as_of=AS_OF)
        stage = mine["customer_id"].map(known.set_index("customer_id")["life_stage"].astype(object))
        table = portrait(
            mine, features.spending_mix(tables, YEAR), None, stage.astype("category"), seed=seed
        ).set_index(["segment", "item"])
        family = table.loc[("young family", "Baby & kids")]
        retired = table.loc[("retired", "Health & beauty")]
        young = table.loc[("young single", "Baby & kids")]
        hits += bool(family["low"] > 150) + bool(retired["low"] > 100) + bool(young["high"] < 100)
    assert hits >= 3 * len(people) - 2


def test_the_north_is_worth_more(shops: Shops) -> None:
    """All shops as one large one: the tilt is too slight for fifteen hundred customers."""
    parts = []
    for seed in shops.truth:
        tables = tables_of(shops, seed)
        known, _ = customer_attributes(tables, as_of=AS_OF)
        mine = features.fetch(tables, YEAR)
        parts.append(mine.assign(region=areas.regions(mine, known)))
    everybody = pd.concat(parts, ignore_index=True)
    table = areas.by_area(everybody, everybody["region"]).set_index("area")
    assert table.index[0] == "North"
    assert table.loc["North", "low"] > table.drop("North")["shrunk"].max()


def test_tiers_go_with_expected_value(people: dict[int, pd.DataFrame]) -> None:
    for mine in people.values():
        tier = tiers.assign(mine["net_amount"])
        best = mine["value_group"] == "high"
        share = best.groupby(tier, observed=True).mean()
        assert share["High"] > 2 * best.mean()
        assert share["High"] > share["Medium"] > share["Low"]
        assert mine["net_amount"].corr(mine["yearly_value"], method="spearman") > 0.35


def test_growing_and_declining_customers_are_called_so(shops: Shops) -> None:
    called: dict[str, list[bool]] = {"growing": [], "declining": []}
    false_growth = []
    for seed in SEEDS:
        table = lifecycle.stages(tables_of(shops, seed), AS_OF, window_days=364, seed=seed).table
        truth = shops.frame(
            'select customer_id::varchar as customer_id, "group" from truth_customers '
            "where seed = $seed",
            seed=seed,
        )
        table = table.merge(truth, on="customer_id")
        rising, fallen = (
            table["stage"] == "Growing",
            table["stage"].isin(["Declining", "At risk", "Lapsed", "Won back"]),
        )
        called["growing"] += list(rising[table["group"] == "growing"])
        called["declining"] += list(fallen[table["group"] == "declining"])
        false_growth += list((table["group"] != "growing")[rising])
    assert sum(called["growing"]) > 0.4 * len(called["growing"])
    assert sum(called["declining"]) > 0.7 * len(called["declining"])
    assert sum(false_growth) <= 0.2 * len(false_growth)


def test_rare_big_tickets_are_never_taken_for_a_rhythm(people: dict[int, pd.DataFrame]) -> None:
    """Two orders a year are too few to tell a rhythm by; the larger baskets show all the same."""
    everybody = pd.concat(people.values(), ignore_index=True)
    big = everybody["group"] == "big_ticket"
    found = regularity.rhythms(everybody, regularity.shapes(everybody)).astype("str")
    refused = found.isin([regularity.TOO_FEW, regularity.LARGE])
    assert refused[big].mean() > 0.95
    assert everybody.loc[big, "basket_value"].median() > 2 * everybody["basket_value"].median()
