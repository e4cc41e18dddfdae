"""Pairs that something else made are told from those that are real."""

from __future__ import annotations

import gc
from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.contingency_tables import StratifiedTable

from analysis.errors import NotApplicable
from analysis.products.association import pairs
from analysis.products.association.association_rules import clustered_lift
from analysis.products.association.confounding import check
from analysis.products.association.mantel_haenszel import (
    Control,
    cells_of_rules,
    cochran_mantel_haenszel,
    mantel_haenszel,
)
from analysis.products.baskets import order_contents
from analysis.products.baskets.order_contents import BANDS
from analysis.products.baskets.order_index import order_facts
from analysis.products.substitution import brand_switching, substitutes
from tests.products.regulars import as_numbers, rule, shop_of
from tests.products.shops import ORDERS, planted
from tests.truth.calibration import assert_covers


@pytest.fixture(scope="module")
def shop():
    tables = planted()
    yield tables
    # Compiling may leave frames behind that still hold what the engine keeps.
    gc.collect()
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


def test_without_customers_every_order_is_one_and_nothing_is_put_down_to_them(shop):
    halves = pairs.Halves.before(date(2024, 1, 1), days=182)
    lines = order_contents.bought(shop, halves.whole).mutate(customer_id=ibis.null("string"))
    first, second = (
        order_contents.of_lines(lines, period=p) for p in (halves.first, halves.second)
    )
    row = check(
        shop,
        rule("true_a", "true_b"),
        first=first,
        second=second,
        whole=order_contents.of_lines(lines),
        facts=order_facts(lines),
    ).iloc[0]
    assert row["verdict"] == "holds"
    assert "or_customer" not in row
    assert row["first_customers"] == row["first_both"]


def test_independent_products_are_no_discovery(found):
    assert verdict(found, "free_a", "free_b") is None


def test_colas_are_substitutes_and_switched_at_random(shop, found):
    lines = found.lines
    table = substitutes.substitutes(found.whole(), lines).table
    assert table.loc[0, ["a", "b"]].tolist() == ["cola_1", "cola_2"]
    assert table.loc[0, "substitutes"]
    assert table.loc[0, "both"] == 0
    steps = brand_switching.switching(lines.filter(lines.category == "COLA"), by="product_id")
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
    rng = np.random.default_rng(4)
    orders = []
    for _ in range(600):
        size = rng.integers(1, 6)
        held = set(rng.choice(list("abcdefg"), size))
        orders.append(held | {"b"} if "a" in held and rng.random() < 0.3 else held)
    facts = [{"store_id": f"s{rng.integers(0, 4)}"} for _ in orders]
    known, rules = as_numbers(orders, pd.DataFrame(facts)), rule("a", "b")
    control = Control.of(known, "store", by_size=by_size)
    expected = counted(orders, facts, ["store_id"], by_size)
    (cells,) = cells_of_rules(known, rules, control)
    assert sorted(
        map(tuple, cells.counts[:, [3, 1, 2, 0]][cells.counts.sum(axis=1) > 0].tolist())
    ) == sorted(tuple(int(n) for n in v) for v in expected.values())
    theirs = StratifiedTable([np.array(v).reshape(2, 2) for v in expected.values() if sum(v) > 1])
    row = mantel_haenszel(known, rules, control).iloc[0]
    assert row["odds_ratio"] == pytest.approx(theirs.oddsratio_pooled)
    # Every order is a customer: theirs supposes as much, and ours comes near it.
    ends = np.log(row[["low", "high"]].to_numpy(float) / row["odds_ratio"])
    others = np.log(np.array(theirs.oddsratio_pooled_confint()) / row["odds_ratio"])
    assert ends == pytest.approx(others, rel=0.03)
    test = cochran_mantel_haenszel(known, rules, control).iloc[0]
    assert test["p"] == pytest.approx(theirs.test_null_odds(correction=True).pvalue)


def test_the_interval_over_customers_covers_where_that_over_orders_does_not():
    rng = np.random.default_rng(9)
    covered, runs = 0, 400
    truth = (0.5 * 0.4 * 0.4 + 0.5 * 0.05 * 0.05) / (0.5 * 0.4 + 0.5 * 0.05) ** 2
    for _ in range(runs):
        keen = rng.random(120) < 0.5
        who = np.repeat(np.arange(120), 12)
        chance = np.where(keen[who], 0.4, 0.05)
        shop = shop_of(who, a=rng.random(len(who)) < chance, b=rng.random(len(who)) < chance)
        row = clustered_lift(shop, rule("a", "b")).iloc[0]
        covered += row["low"] <= truth <= row["high"]
    assert_covers(covered, runs)


def test_orders_become_numbers_whatever_is_missing_of_them():
    facts = pd.DataFrame({
        "customer_id": ["x", None, "w", "x", None],
        "store_id": ["s1", "s1", None, "s0", "s0"],
    })  # fmt: skip
    known = as_numbers([{"a"}, {"b"}, {"a", "b"}, {"c"}, {"b", "c"}], facts)
    assert known.starts.tolist() == [0, 1, 2, 3, 5]  # two guests, w and x
    assert known.facts["customer"].tolist() == [-1, -1, 0, 1, 1]
    assert known.facts["store"].tolist() == [1, 0, -1, 1, 0]
    assert known.facts["place"].tolist() == [1, 0, -1, 1, 0]
    assert known.size.tolist() == [1, 2, 2, 1, 1]
    held = {item: orders.tolist() for item, orders in known.holders.items()}
    assert held == {"a": [2, 3], "b": [0, 1, 2], "c": [1, 4]}


def test_products_outside_the_catalogue_and_returns_are_in_no_basket(shop):
    halves = pairs.Halves.before(date(2024, 1, 1), days=182)
    lines = order_contents.bought(shop, halves.whole, level="category")
    assert "(no category)" not in set(lines.item.to_pandas())


def test_halves_are_no_longer_than_what_is_known(shop):
    begin = shop.order_lines.ordered_at.min().to_pandas().date()
    short = pairs.Halves.known(shop, begin + timedelta(days=81), days=182)
    assert (short.first.days, short.second.days) == (40, 40)
    assert short.first.start == begin + timedelta(days=1)
    enough = pairs.Halves.known(shop, date(2024, 1, 1), days=60)
    assert enough == pairs.Halves.before(date(2024, 1, 1), days=60)


def test_without_a_pair_the_search_stands_and_says_so(shop):
    halves = pairs.Halves.before(date(2024, 1, 1), days=182)
    none = pairs.find(shop, halves, pairs.Search(fdr=0.0, longest=2), level="product")
    assert none.rules.tested > 0
    for ask in ("checked", "believed"):
        with pytest.raises(NotApplicable, match="No pair at the level of product"):
            getattr(none, ask)
