"""What is planted about baskets and sequences, found by report 05's analyses."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from analysis import products
from analysis.products.association import association_rules, confounding, itemsets, triples
from analysis.products.association.pairs import Halves, Search
from analysis.products.association.support import choose_support
from analysis.products.baskets import order_contents
from analysis.products.baskets.order_index import order_facts
from analysis.products.sequences import purchase_events
from analysis.products.sequences.matched_follow_on import Design, compare
from analysis.products.sequences.purchase_events import Events
from analysis.products.substitution import brand_switching, substitutes
from analysis.tables.engine import Tables
from tests.truth.calibration import UNLIKELY, assert_calibrated, assert_covers
from tests.truth.shops import Shops, tables_of

HALVES = Halves.before(date(2025, 12, 29), days=364)
WINDOW, FDR = 90, 0.05


@dataclass(frozen=True)
class Shelf:
    """One shop's orders with a line sold by weight, the planted products in them, and its truth."""

    tables: Tables
    lines: Any
    rules: association_rules.Rules
    itemsets: itemsets.Itemsets
    planted: dict[str, Any]

    def products(self, key: str) -> list[str]:
        return list(map(str, self.planted[key]["parameters"]["products"]))

    def rule(self, a: str, b: str) -> pd.Series:
        """Return the rule from one product to another."""
        table = self.rules.table
        rows = table[(table["antecedents"] == (a,)) & (table["consequents"] == (b,))]
        return rows.iloc[0]


@pytest.fixture(scope="module")
def shelves(shops: Shops) -> list[Shelf]:
    """Return the shops, each with the rules between its planted products."""
    return [_shelf(shops, seed) for seed in list(shops.truth)[:16]]


def _shelf(shops: Shops, seed: int) -> Shelf:
    tables, planted = tables_of(shops, seed), shops.truth[seed]["planted"]
    lines = _with_weighed(shops, seed, order_contents.bought(tables, HALVES.whole))
    everything = order_contents.of_lines(lines)
    keys = ("independent", "pair_0", "pair_1", "pair_2", "bundle")
    wanted = {str(p) for key in keys for p in planted[key]["parameters"]["products"]}
    chosen = replace(
        everything,
        rows=everything.rows.filter(everything.rows.item.isin(sorted(wanted))),
        items=everything.items[everything.items["item"].isin(wanted)],
    )
    support = choose_support(chosen, support=0.0005)
    found = itemsets.frequent_itemsets(chosen, support, longest=3)
    return Shelf(tables, lines, association_rules.mine(found), found, planted)


def _with_weighed(shops: Shops, seed: int, lines: Any) -> Any:
    """Return the lines of the orders that patterns are drawn for."""
    weighed = shops.sql(f"select product_id from keys where key = 'weighed' and seed = {seed}")
    names = [str(p) for p in weighed["product_id"]]
    orders = lines.filter(lines.product_id.isin(names)).select("order_id").distinct()
    return lines.semi_join(orders, "order_id").cache()


def planted_rules(shelf: Shelf, *keys: str) -> pd.DataFrame:
    """Return the planted pairs as rules to check."""
    sides = [shelf.products(key)[:2] for key in keys]
    return pd.DataFrame({"antecedents": [(a,) for a, _ in sides],
                         "consequents": [(b,) for _, b in sides]})  # fmt: skip


def test_independent_products_make_no_rule(shelves: list[Shelf]) -> None:
    falsely, below = 0, []
    for shelf in shelves:
        names = shelf.products("independent")
        own = shelf.rules.table[
            shelf.rules.table["antecedents"].map(lambda s: set(s) <= set(names))  # noqa: B023
            & shelf.rules.table["consequents"].map(lambda s: set(s) <= set(names))  # noqa: B023
        ]
        falsely += bool((own["q"] <= FDR).any())
        below.append(len(own))
    assert min(below) > 50  # they were looked at
    assert falsely <= binom.ppf(1 - UNLIKELY, len(shelves), FDR)


@pytest.mark.parametrize("number", range(3))
def test_every_pair_is_found_with_its_lift_and_confidence(
    shelves: list[Shelf], number: int
) -> None:
    truth = shelves[0].planted[f"pair_{number}"]["superpopulation"]
    found = pd.DataFrame([s.rule(*s.products(f"pair_{number}")) for s in shelves])
    assert (found["q"] <= FDR).all()
    covered = (found["lift_low"] <= truth["lift"]) & (truth["lift"] <= found["lift_high"])
    assert_covers(int(covered.sum()), len(found))
    confidence = truth["confidence"]
    error = np.sqrt(confidence * (1 - confidence) / found["antecedent_orders"])
    assert_calibrated(found["confidence"], error, confidence)


def test_the_bundle_of_three_is_found_as_a_whole(shelves: list[Shelf]) -> None:
    truth = shelves[0].planted["bundle"]["superpopulation"]
    covered = 0
    for shelf in shelves:
        whole = tuple(sorted(shelf.products("bundle")))
        table = shelf.rules.table
        rule = table[(table["antecedents"] == whole[:2]) & (table["consequents"] == whole[2:])]
        (row,) = rule.to_dict("records")
        assert row["q"] <= FDR
        # Two of them bring the third: the pairs alone do not say so.
        assert row["improvement"] > 0.3
        share, n = truth["support"][2], shelf.rules.orders
        covered += abs(row["support"] - share) < 1.96 * np.sqrt(share * (1 - share) / n)
    assert_covers(covered, len(shelves))


def test_only_the_bundle_is_a_three_beyond_its_pairs(shelves: list[Shelf]) -> None:
    falsely = 0
    for shelf in shelves:
        table = triples.beyond_pairs(shelf.itemsets)
        whole = tuple(sorted(shelf.products("bundle")))
        assert len(table) > 20  # the others were looked at
        assert table["itemset"].iloc[0] == whole
        assert table["q"].iloc[0] <= FDR
        falsely += bool((table["q"].iloc[1:] <= FDR).any())
    assert falsely <= binom.ppf(1 - UNLIKELY, len(shelves), FDR)


@pytest.fixture(scope="module")
def judged(shelves: list[Shelf]) -> pd.DataFrame:
    """Return the verdicts on planted pairs, true and false, of eight shops."""
    parts = []
    for shelf in shelves[:8]:
        keys = ["pair_0", "pair_1", "pair_2", "leaflet", "local", "summer"]
        asked = planted_rules(shelf, *keys)
        lines = shelf.lines
        first, second = (
            order_contents.of_lines(lines, period=p) for p in (HALVES.first, HALVES.second)
        )
        found = confounding.check(
            shelf.tables,
            asked,
            first=first,
            second=second,
            whole=order_contents.of_lines(lines),
            facts=order_facts(lines),
        )
        parts.append(found.assign(key=keys))
    return pd.concat(parts, ignore_index=True)


def test_pairs_that_are_published_are_the_planted_ones_over_many_shops(shops: Shops) -> None:
    """The table `pairs_that_hold` of six shops: complements and the bundle's pairs, little else.

    All pairs of some 400 products are searched. Complements too rare for a shop's own minimum of
    support are asked for by a lower one; the stated share of false calls is FDR.
    """
    search = Search(checked=60, longest=2, support=0.004, fdr=FDR)
    found: Counter[str] = Counter()
    false = 0
    for seed in list(shops.truth)[:6]:
        planted = shops.truth[seed]["planted"]
        true = {
            frozenset(map(str, two)): key
            for key in ("pair_0", "pair_1", "pair_2", "bundle")
            for two in combinations(planted[key]["parameters"]["products"], 2)
        }
        table = products.pairs_that_hold(
            products.pairs(tables_of(shops, seed), HALVES, search, level="product")
        )
        called = [frozenset((*a, *b)) for a, b in
                  zip(table["antecedents"], table["consequents"], strict=True)]  # fmt: skip
        found.update(true[pair] for pair in called if pair in true)
        false += sum(pair not in true for pair in called)
    assert [found[key] for key in ("pair_0", "pair_1", "bundle")] == [6, 6, 18]
    assert found["pair_2"] >= 5
    assert false <= binom.ppf(1 - UNLIKELY, false + found.total(), FDR)


def of(judged: pd.DataFrame, key: str) -> pd.DataFrame:
    return judged[judged["key"] == key]


@pytest.mark.parametrize("key", ["pair_0", "pair_1", "pair_2"])
def test_true_pairs_hold_under_every_control(judged: pd.DataFrame, key: str) -> None:
    assert (of(judged, key)["verdict"] == "holds").all()


def test_the_pair_that_only_a_leaflet_made_is_flagged(judged: pd.DataFrame) -> None:
    found = of(judged, "leaflet")
    assert (found["or_raw_low"] > 1.5).all()
    assert found["promotion_made"].sum() >= binom.ppf(UNLIKELY, len(found), 0.975)
    assert (found["verdict"] != "holds").all()
    inside = (found["or_promotion_low"] <= 1) & (found["or_promotion_high"] >= 1)
    assert_covers(int(inside.sum()), len(found))


@pytest.mark.parametrize(("key", "control"), [("local", "size_store"), ("summer", "size_week")])
def test_pairs_of_a_store_or_a_season_disappear_within_it(
    judged: pd.DataFrame, key: str, control: str
) -> None:
    found = of(judged, key)
    assert np.log(found["or_raw"]).mean() > 0.15
    ends = np.log(found[[f"or_{control}_low", f"or_{control}_high"]]).to_numpy()
    assert_calibrated(np.log(found[f"or_{control}"]), np.ptp(ends, axis=1) / 2 / 1.96, 0.0)
    assert (found["verdict"] != "holds").sum() >= binom.ppf(UNLIKELY, len(found), 0.975)


def test_brands_of_cola_are_substitutes_and_switched_as_planted(shelves: list[Shelf]) -> None:
    covered, looked = 0, 0
    for shelf in shelves[:8]:
        names = [str(p) for p in shelf.planted["brands"]["parameters"]["products"]]
        colas = shelf.lines.filter(shelf.lines.product_id.isin(names))
        everything = order_contents.of_lines(shelf.lines)
        chosen = replace(everything, items=everything.items[everything.items["item"].isin(names)])
        table = substitutes.substitutes(chosen, shelf.lines, fdr=FDR).table
        assert {frozenset(p) for p in zip(table["a"], table["b"], strict=True)} == {
            frozenset(p) for p in combinations(names, 2)
        }
        assert table["substitutes"].all()
        assert (table["both"] == 0).all()
        steps = brand_switching.switching(colas, by="product_id", seed=1).loyalty.set_index("brand")
        truth = np.diag(np.array(shelf.planted["brands"]["superpopulation"]["switching"]))
        rows = steps.loc[names]
        covered += int(((rows["loyal_low"] <= truth) & (truth <= rows["loyal_high"])).sum())
        looked += len(names)
    assert_covers(covered, looked)


def test_goods_by_weight_of_which_an_order_has_one_line_are_no_substitutes(
    shops: Shops, shelves: list[Shelf]
) -> None:
    """An order holds one of them at most, of whatever category; the brands of cola are found."""
    for seed, shelf in zip(list(shops.truth)[:4], shelves, strict=False):
        keys = f"select product_id from keys where key = 'weighed' and seed = {seed}"
        weighed = {str(p) for p in shops.sql(keys)["product_id"]}
        colas = {str(p) for p in shelf.planted["brands"]["parameters"]["products"]}
        everything = order_contents.of_lines(shelf.lines)
        kept = everything.items["item"].isin(weighed | colas)
        chosen = replace(everything, items=everything.items[kept])
        table = substitutes.substitutes(chosen, shelf.lines, fdr=FDR).table
        both = table["a"].isin(weighed) & table["b"].isin(weighed)
        assert both.sum() > 20
        assert (table.loc[both, "both"] == 0).all()
        assert not table.loc[both, "substitutes"].any()
        assert table["substitutes"].sum() == 3


@pytest.fixture(scope="module")
def followed(shops: Shops) -> list[Events]:
    """Return what customers bought when, of four times six shops taken as one."""
    return [_together(shops, range(begin, begin + 6)) for begin in range(0, 24, 6)]


def _together(shops: Shops, seeds: range) -> Events:
    parts = [
        purchase_events.fetch(
            order_contents.bought(tables_of(shops, seed), HALVES.whole, level="category"),
            HALVES.whole,
            min_customers=1,
        )
        for seed in seeds
    ]
    assert all((p.names == parts[0].names).all() for p in parts)
    offsets = np.cumsum([0, *(len(p.customers) for p in parts[:-1])])
    codes = [p.customer + o for p, o in zip(parts, offsets, strict=True)]
    return replace(
        parts[0],
        customer=np.concatenate(codes).astype(np.int32),
        day=np.concatenate([p.day for p in parts]),
        item=np.concatenate([p.item for p in parts]),
        customers=np.arange(offsets[-1] + len(parts[-1].customers)).astype(object),
    )


def test_audio_follows_a_television_at_the_planted_rate(
    shops: Shops, followed: list[Events]
) -> None:
    truth = shops.planted("tv_audio")[0]["superpopulation"]
    covered, widest = 0, 0.0
    for number, group in enumerate(followed):
        design = Design(window=WINDOW, quiet_days=0, seed=number, confidence=0.99)
        found = compare(group, "Television", "Audio", design)
        row, end = found.summary.iloc[0], found.curve.iloc[-1]
        covered += end["share_low"] <= truth["after_tv"] <= end["share_high"]
        covered += end["control_low"] <= truth["base_rate"] <= end["control_high"]
        covered += row["difference_low"] <= truth["difference"] <= row["difference_high"]
        widest = max(widest, row["difference_high"] - row["difference_low"])
        assert row["difference_low"] > 0
        assert abs(row["median_days"] - truth["median_days"]) < 10
    assert covered >= 11
    assert widest < 0.35


def test_a_cable_never_comes_next(followed: list[Events], shops: Shops) -> None:
    """A cable comes with the television, so that nothing else of its kind follows one."""
    assert shops.parameter("tv_cable", "superpopulation", "later") == 0
    for number, group in enumerate(followed):
        design = Design(window=WINDOW, quiet_days=0, seed=number, confidence=0.99)
        row = compare(group, "Television", "Computing", design).summary.iloc[0]
        assert row["difference_low"] < 0.02
        assert row["matched"] < 0.85 * row["buyers"]
