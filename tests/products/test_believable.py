"""Pairs that something else made are told from those that are real."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.contingency_tables import StratifiedTable

from analysis.products import baskets, pairs, substitutes, switching
from analysis.products.cells import BANDS, by_stratum, hits, side_orders, sizes
from analysis.products.stratified import clustered_lift, mantel_haenszel
from tests.products.shelves import baskets_of
from tests.products.shops import ORDERS, planted


@pytest.fixture(scope="module")
def shop():
    tables = planted()
    yield tables
    tables.close()


@pytest.fixture(scope="module")
def found(shop):
    halves = pairs.Halves.before(date(2024, 1, 1), days=182)
    return pairs.find(shop, halves, pairs.Search(checked=40), level="product")


def verdict(found, a, b):
    checked = found.checked
    sides = checked["antecedents"].map(lambda s: s[0]), checked["consequents"].map(lambda s: s[0])
    rows = checked[(sides[0].isin([a, b])) & (sides[1].isin([a, b]))]
    return rows.iloc[0] if len(rows) else None


def test_a_true_pair_holds_with_its_planted_lift(found):
    row = verdict(found, "true_a", "true_b")
    assert row["verdict"] == "holds"
    # An order that holds nothing is none, which lowers every lift by the share of such draws.
    truth = 0.40 / (0.06 * 0.40 + 0.94 * 0.04) * found.whole().orders / ORDERS
    assert row["first_low"] < truth < row["first_high"]
    assert row["second_low"] < truth < row["second_high"]


def test_a_pair_that_only_a_leaflet_made_is_flagged(found):
    row = verdict(found, "leaflet_a", "leaflet_b")
    assert row["lift_low"] > 2
    assert row["promotion_made"]
    assert row["or_promotion_low"] <= 1 <= row["or_promotion_high"]
    assert row["verdict"] == "promotion"


def test_a_pair_that_only_a_store_made_is_explained(found):
    row = verdict(found, "local_a", "local_b")
    assert row["lift_low"] > 2
    assert row["or_size_store_low"] <= 1 <= row["or_size_store_high"]
    assert row["verdict"] == "explained"


def test_independent_products_are_no_discovery(found):
    assert verdict(found, "free_a", "free_b") is None


def test_colas_are_substitutes_and_switched_at_random(shop, found):
    lines = found.lines
    table = substitutes.substitutes(found.whole(), lines).table
    assert table.loc[0, ["a", "b"]].tolist() == ["cola_1", "cola_2"]
    assert table.loc[0, "substitutes"]
    assert table.loc[0, "both"] == 0
    steps = switching.switching(lines.filter(lines.category == "COLA"), by="product_id")
    loyal = steps.loyalty.set_index("brand")
    assert (loyal["loyal_low"] < 0.5).all()
    assert (loyal["loyal_high"] > 0.5).all()


def counted(orders, facts, strata, by_size=False):
    """Return the cells of a -> b, counted in Python."""
    rows = []
    for items, fact in zip(orders, facts, strict=True):
        rest = len(items - {"a", "b"})
        band = next((i for i, end in enumerate(BANDS) if rest <= end), len(BANDS)) if by_size else 0
        if by_size and band == 0:
            continue
        rows.append((*(fact[s] for s in strata), band, "a" in items, "b" in items))
    table = pd.DataFrame(rows, columns=[*strata, "band", "a", "b"])
    cells = {}
    for key, part in table.groupby([*strata, "band"]):
        both, a_only = (part["a"] & part["b"]).sum(), (part["a"] & ~part["b"]).sum()
        b_only, neither = (~part["a"] & part["b"]).sum(), (~part["a"] & ~part["b"]).sum()
        cells[key] = (both, a_only, b_only, neither)
    return cells


@pytest.mark.parametrize("by_size", [False, True])
def test_cells_and_odds_are_those_of_a_plain_count_and_of_statsmodels(by_size):
    import ibis

    rng = np.random.default_rng(4)
    orders = []
    for _ in range(600):
        size = rng.integers(1, 6)
        held = set(rng.choice(list("abcdefg"), size))
        orders.append(held | {"b"} if "a" in held and rng.random() < 0.3 else held)
    facts = [{"store_id": f"s{rng.integers(0, 4)}"} for _ in orders]
    shelf = baskets_of(orders)
    frame = pd.DataFrame({"order_id": [f"o{i}" for i in range(len(orders))], **pd.DataFrame(facts)})
    rules = pd.DataFrame({"antecedents": [("a",)], "consequents": [("b",)]})
    engine = sizes(shelf.lines, ibis.memtable(frame))
    sides = side_orders(shelf.lines, rules)
    cells = by_stratum(hits(sides, engine, rules), engine, ("store_id",), by_size=by_size)
    expected = counted(orders, facts, ["store_id"], by_size)
    rows = cells.to_pandas()
    rows = rows[rows[["both", "a_only", "b_only", "neither"]].sum(axis=1) > 0]
    ours = {
        (r.store_id, r.band): (r.both, r.a_only, r.b_only, r.neither) for r in rows.itertuples()
    }
    with_sides = {k: v for k, v in expected.items() if sum(v[:3]) > 0}
    assert {k: ours[k] for k in with_sides} == with_sides
    assert all(expected[k] == v for k, v in ours.items())
    theirs = StratifiedTable([np.array(v).reshape(2, 2) for v in expected.values() if sum(v) > 1])
    row = mantel_haenszel(cells, rules=1).iloc[0]
    assert row["odds_ratio"] == pytest.approx(theirs.oddsratio_pooled)
    low, high = theirs.oddsratio_pooled_confint()
    assert (row["low"], row["high"]) == (pytest.approx(low), pytest.approx(high))
    assert row["p"] == pytest.approx(theirs.test_null_odds(correction=True).pvalue)


def test_the_interval_over_customers_covers_where_that_over_orders_does_not():
    import ibis

    rng = np.random.default_rng(9)
    rules = pd.DataFrame({"antecedents": [("a",)], "consequents": [("b",)]})
    covered, runs = 0, 24
    truth = (0.5 * 0.4 * 0.4 + 0.5 * 0.05 * 0.05) / (0.5 * 0.4 + 0.5 * 0.05) ** 2
    for _ in range(runs):
        keen = rng.random(120) < 0.5
        who = np.repeat(np.arange(120), 12)
        chance = np.where(keen[who], 0.4, 0.05)
        a, b = rng.random(len(who)) < chance, rng.random(len(who)) < chance
        orders = [{"c", *("a" * int(x)), *("b" * int(y))} for x, y in zip(a, b, strict=True)]
        shelf = baskets_of(orders)
        facts = pd.DataFrame({"order_id": [f"o{i}" for i in range(len(who))],
                              "customer_id": [f"c{w}" for w in who]})  # fmt: skip
        orders = sizes(shelf.lines, ibis.memtable(facts))
        found = hits(side_orders(shelf.lines, rules), orders, rules)
        cells = by_stratum(found, orders, ("customer_id",), by_size=False)
        row = clustered_lift(cells, orders=len(who), rules=1).iloc[0]
        covered += row["low"] <= truth <= row["high"]
    assert covered >= 20


def test_products_outside_the_catalogue_and_returns_are_in_no_basket(shop):
    halves = pairs.Halves.before(date(2024, 1, 1), days=182)
    lines = baskets.bought(shop, halves.whole, level="category")
    assert "(no category)" not in set(lines.item.to_pandas())
