"""Intervals and tests know that orders of one customer are alike."""

from __future__ import annotations

from functools import partial
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, norm

from analysis.products.association import association_rules, itemsets
from analysis.products.association.association_rules import clustered_lift
from analysis.products.association.mantel_haenszel import (
    Control,
    cells_of_rules,
    chance_sums,
    cochran_mantel_haenszel,
    common_odds,
    design_effects,
    exact_p,
    likenesses,
    log_variance,
    mantel_haenszel,
    moved,
    null_variance,
    odds_sums,
)
from analysis.products.association.support import choose_support
from analysis.products.baskets.order_contents import BAND_OF, BANDS
from analysis.products.baskets.order_index import Numbered
from analysis.stats.proportions import fisher_more
from tests.products.regulars import Tastes, as_numbers, rule, shop_of
from tests.products.shelves import baskets_of
from tests.truth.calibration import UNLIKELY, assert_covers

PAIR = rule("a", "b")
RUNS = 2000


def sums(cells):
    a, b, c, d, inverse = cells.parts
    return float((a * d * inverse).sum()), float((b * c * inverse).sum())


def variance(shop, cells):
    found = odds_sums(cells.parts)
    return log_variance(found, moved(shop, cells, found))


def independent_variance(cells):
    """Return the variance of Robins, Breslow and Greenland, orders taken as independent."""
    a, b, c, d, inverse = cells.parts
    (r, s), p, q = sums(cells), (a + d) * inverse, (b + c) * inverse
    pr, qs = (p * a * d * inverse).sum(), (q * b * c * inverse).sum()
    mixed = (p * b * c * inverse + q * a * d * inverse).sum()
    return pr / (2 * r * r) + mixed / (2 * r * s) + qs / (2 * s * s)


def only(shop, fact="store", *, by_size=False):
    (cells,) = cells_of_rules(shop, PAIR, Control.of(shop, fact, by_size=by_size))
    return cells


@pytest.mark.parametrize("stores", [1, 5, 2000], ids=["one", "large", "sparse"])
def test_orders_of_different_customers_have_the_variance_of_independent_ones(stores):
    rng = np.random.default_rng(stores)
    n = 12_000
    a = rng.random(n) < 0.3
    shop = shop_of(np.arange(n), a=a, b=rng.random(n) < np.where(a, 0.4, 0.2),
                   store=rng.integers(0, stores, n))  # fmt: skip
    cells = only(shop)
    ours = variance(shop, cells)
    assert ours == pytest.approx(independent_variance(cells), rel=0.02)
    assert design_effects(shop, PAIR).tolist() == [1.0]


def test_customers_as_strata_have_breslows_sum_of_squares_over_strata():
    shop = Tastes(3000, 8, attraction=0.5).draw(np.random.default_rng(1))
    cells = only(shop, "customer")
    a, b, c, d, inverse = cells.parts
    r, s = sums(cells)
    squares = (((a * d - r / s * b * c) * inverse) ** 2).sum() / r**2
    assert variance(shop, cells) == pytest.approx(squares, rel=0.03)


def test_leaving_out_customers_is_what_doing_so_one_by_one_gives():
    rng = np.random.default_rng(3)
    shop = Tastes(60, 12, rate=0.2).draw(rng)
    cells = only(shop, by_size=True)
    a, b, c, d, inverse = cells.parts
    r, s = sums(cells)
    moves, terms, width = 0.0, np.zeros(2), len(cells.counts)
    for begin, end in zip(shop.starts[:-1], shop.starts[1:], strict=True):
        own = np.zeros((width, 4))
        for k, side in zip(cells.place[begin:end], cells.side[begin:end], strict=True):
            if k >= 0:
                own[k, side] += 1
        left = [v - own[:, i] for v, i in ((a, 3), (b, 1), (c, 2), (d, 0))]
        without = [(left[x] * left[y] * inverse).sum() for x, y in ((0, 3), (1, 2))]
        moves += (np.log(without[0] / without[1]) - np.log(r / s)) ** 2
        terms += [(own[:, x] * own[:, y] * inverse**2).sum() for x, y in ((3, 0), (1, 2))]
    every = np.array([(a * d * inverse**2).sum(), (b * c * inverse**2).sum()])
    expected = moves - ((every - terms) / np.array([r, s]) ** 2).sum()
    assert variance(shop, cells) == pytest.approx(expected)


def test_a_pair_that_one_customer_alone_makes_has_no_interval():
    who = np.repeat(np.arange(50), 4)
    a, b = who % 2 == 0, who % 3 == 0
    b = b & ~a
    b[:4] = True
    shop = shop_of(who, a=a, b=b, store=np.zeros(len(who)))
    cells = only(shop)
    assert variance(shop, cells) == np.inf


def test_the_interval_of_lift_is_that_of_a_plain_sum_over_customers():
    shop = Tastes(150, 10, rate=0.2).draw(np.random.default_rng(5))
    (cells,) = cells_of_rules(shop, PAIR, Control.of(shop, None))
    side = cells.side
    t, a, b = (np.add.reduceat(v * 1.0, shop.starts[:-1]) for v in (side == 3, side & 1, side >> 1))
    shares = [v.sum() / len(shop) for v in (t, a, b)]
    influence = t / shares[0] - a / shares[1] - b / shares[2] + np.diff(shop.starts)
    log, error = np.log(shares[0] / shares[1] / shares[2]), np.sqrt((influence**2).sum())
    row = clustered_lift(shop, PAIR).iloc[0]
    assert row[["both", "a", "b"]].tolist() == [t.sum(), a.sum(), b.sum()]
    assert row["customers"] == (t > 0).sum()
    assert np.log(row["low"]) == pytest.approx(log - norm.ppf(0.975) * error / len(shop))
    assert np.log(row["high"]) == pytest.approx(log + norm.ppf(0.975) * error / len(shop))
    mirrored = clustered_lift(shop, rule("b", "a")).iloc[0].rename({"a": "b", "b": "a"})
    assert mirrored[row.index].tolist() == row.tolist()


def test_all_pairs_counted_in_one_walk_are_those_counted_one_by_one():
    rng = np.random.default_rng(9)
    held = [set(rng.choice(list("abcdef"), rng.integers(1, 5))) for _ in range(400)]
    facts = pd.DataFrame({"customer_id": [f"c{i // 7}" if i % 3 else None for i in range(400)]})
    orders = as_numbers(held, facts)
    every = pd.concat([rule(a, b) for a in "abcdef" for b in "abcdef" if a != b])
    together = clustered_lift(orders, every)
    alone = [clustered_lift(orders, rule(*pair)) for pair in permutations("abcdef", 2)]
    pd.testing.assert_frame_equal(together, pd.concat(alone, ignore_index=True), check_exact=True)
    customer = orders.customer
    for place, (a, b) in enumerate(permutations("abcdef", 2)):
        both = np.intersect1d(orders.holders[a], orders.holders[b])
        assert together["customers"].iloc[place] == len(np.unique(customer[both]))


def test_rules_of_strangers_are_those_of_independent_orders():
    rng = np.random.default_rng(8)
    held = [set(rng.choice(list("abcde"), rng.integers(1, 4))) for _ in range(500)]
    shelf = baskets_of(held)
    found = itemsets.frequent_itemsets(shelf, choose_support(shelf, support=0.01), longest=3)
    strangers = as_numbers(held, pd.DataFrame(index=range(500)))
    regulars = as_numbers(held, pd.DataFrame({"customer_id": [f"c{i // 50}" for i in range(500)]}))
    alone, theirs, own = (
        association_rules.mine(found, orders=o).table for o in (None, strangers, regulars)
    )
    pd.testing.assert_frame_equal(alone, theirs)
    sides = ["antecedents", "consequents"]
    both = own.merge(alone, on=sides, suffixes=("", "_alone"))
    assert len(both) == len(alone)
    assert both["lift"].tolist() == both["lift_alone"].tolist()
    assert not np.allclose(both["lift_low"], both["lift_low_alone"])


@pytest.mark.parametrize(
    ("attraction", "too_few"), [(0.0, 0.92), (0.8, 0.90)], ids=["independent", "attracted"]
)
def test_intervals_cover_where_those_over_orders_do_not(attraction, too_few):
    tastes = Tastes(400, 12, rate=0.12, attraction=attraction)
    rng, truth = np.random.default_rng(7), tastes.truth()
    covered = np.zeros(2, int)
    for _ in range(RUNS):
        shop = tastes.draw(rng)
        cells = only(shop)
        r, s = sums(cells)
        spread = np.array([variance(shop, cells), independent_variance(cells)])
        covered += abs(np.log(r / s) - truth) <= 1.96 * np.sqrt(spread)
    assert_covers(int(covered[0]), RUNS)
    assert covered[1] / RUNS < too_few


def test_tests_of_independence_err_at_their_nominal_rate():
    tastes = Tastes(400, 12, rate=0.2, stores=1)
    rng = np.random.default_rng(11)
    rows = []
    for _ in range(RUNS):
        shop = tastes.draw(rng)
        cells = only(shop)
        a, b, c, d, inverse = cells.parts
        n, off = a + b + c + d, a - (a + b) * (a + c) * inverse
        alone = (a + b) * (c + d) * (a + c) * (b + d) * inverse**2 / (n - 1)
        worth = design_effects(shop, PAIR)
        rows.append([*np.concatenate([a, a + b, a + c, n, off, alone, worth]),
                     null_variance(chance_sums(cells.parts), likenesses(shop, cells))])  # fmt: skip
    both, of_a, of_b, n, off, alone, worth, spread = np.array(rows).T
    assert_covers(int((abs(off) <= 1.96 * np.sqrt(spread)).sum()), RUNS)
    assert (abs(off) > 1.96 * np.sqrt(alone)).mean() > 0.1
    exact = fisher_more(both / worth, of_a / worth, of_b / worth, n / worth)
    assert (exact <= 0.05).sum() <= binom.ppf(1 - UNLIKELY, RUNS, 0.05)
    assert (fisher_more(both, of_a, of_b, n) <= 0.05).mean() > 0.08


def test_never_together_by_chance_has_the_variance_of_chance():
    who = np.repeat(np.arange(200), 5)
    a, b = np.arange(1000) % 11 == 0, np.arange(1000) % 11 == 5
    shop = shop_of(who, a=a, b=b, store=np.zeros(1000))
    row = cochran_mantel_haenszel(shop, PAIR, Control.of(shop, "store", by_size=False)).iloc[0]
    n, of_a, of_b = 1000, a.sum(), b.sum()
    chance = of_a * of_b * (n - of_a) * (n - of_b) / (n**2 * (n - 1))
    assert row["together"] == 0
    assert row["chi2"] == pytest.approx((of_a * of_b / n - 0.5) ** 2 / chance)


@settings(max_examples=40, deadline=None)
@given(orders=st.lists(st.sets(st.sampled_from("abcd")), min_size=1, max_size=30))
def test_who_holds_several_items_holds_each(orders: list[set[str]]) -> None:
    holders = {
        i: np.array([n for n, held in enumerate(orders) if i in held], np.int32) for i in "abcd"
    }
    sizes = np.array([len(held) for held in orders], np.int32)
    shelf = Numbered(np.arange(len(orders) + 1), sizes, {}, holders)
    for items in ("a", "ab", "bcd"):
        expected = [n for n, held in enumerate(orders) if set(items) <= held]
        assert shelf.held_by(tuple(items)).tolist() == expected


@pytest.mark.parametrize("by_size", [True, False])
@pytest.mark.parametrize("fact", [None, "store", "by rule"])
def test_orders_that_hold_a_side_tell_the_cells_of_all(fact, by_size):
    rng = np.random.default_rng(8)
    n = 3000
    held = {i: np.flatnonzero(rng.random(n) < 0.2).astype(np.int32) for i in "abcd"}
    size = sum(np.bincount(orders, minlength=n) for orders in held.values())
    size = (size + rng.integers(0, 40, n)).astype(np.int32)
    store = rng.integers(-1, 4, n).astype(np.int32)
    shop = Numbered(np.arange(n + 1), size, {"store": store}, held)
    rules = pd.DataFrame({"antecedents": [("a",), ("b",), ("a", "c")],
                          "consequents": [("b",), ("d",), ("d",)]})  # fmt: skip
    shifted = Control(lambda _, rule: np.where(store < 0, -1, (store + rule) % 4), 4, by_size)
    control = shifted if fact == "by rule" else Control.of(shop, fact, by_size=by_size)
    for number, cells in enumerate(cells_of_rules(shop, rules, control)):
        a, b = (np.all([np.isin(np.arange(n), held[i]) for i in of], 0) for of in rules.loc[number])
        own, side = np.array([0, *map(len, rules.loc[number]), 0]), a + 2 * b
        own[3] = own.sum()
        band = BAND_OF[np.minimum(size - own[side], len(BAND_OF) - 1)] if by_size else 1
        group, width = control.group(shop, number), len(BANDS) + 1 if by_size else 1
        place = np.where((group < 0) | (band == 0), -1, group * width + (band if by_size else 0))
        counts = np.zeros((control.strata(shop), 4), int)
        np.add.at(counts, (place[place >= 0], side[place >= 0]), 1)
        np.testing.assert_array_equal(cells.place, place)
        np.testing.assert_array_equal(cells.side, side)
        np.testing.assert_array_equal(cells.counts, counts)
    odds = mantel_haenszel(shop, rules, control)["odds_ratio"]
    assert common_odds(shop, rules, control).tolist() == odds.tolist()


@pytest.mark.spark
def test_workers_of_spark_tell_the_same_of_pairs(spark):
    """Each has some customers' orders; guests, and orders without a store, are among them."""
    rng = np.random.default_rng(5)
    orders = [set(rng.choice(list("abcdefgh"), rng.integers(1, 7))) for _ in range(500)]
    who = pd.Series([f"c{n}" if n < 60 else None for n in rng.integers(0, 75, 500)], dtype="str")
    store = pd.Series([f"s{n}" if n else None for n in rng.integers(0, 5, 500)], dtype="str")
    facts = pd.DataFrame({"customer_id": who, "store_id": store})
    rules = pd.DataFrame({"antecedents": [("a",), ("b",), ("d", "a")],
                          "consequents": [("b",), ("a",), ("c",)]})  # fmt: skip
    here, there = (as_numbers(orders, facts, engine) for engine in (None, spark))
    assert there.told[:2] == here.told[:2]
    for fact in ("customer", "store", "week", "place", "channel"):
        assert there.known(fact) == here.known(fact)
    for ask in (clustered_lift, partial(exact_p, more=True), partial(exact_p, more=False)):
        np.testing.assert_array_equal(ask(there, rules), ask(here, rules))
    told = []
    for shop in (here, there):
        controls = [Control.of(shop, fact) for fact in (None, "store", "week", "customer")]
        shown = Control.of(shop, "store", by_size=False)
        odds = mantel_haenszel(shop, rules, *controls).drop(columns="reason")
        tested = cochran_mantel_haenszel(shop, rules, shown)
        told.append([odds, tested, common_odds(shop, rules, controls[0])])
    for ours, theirs in zip(*told, strict=True):
        np.testing.assert_allclose(np.asarray(theirs, float), np.asarray(ours, float), rtol=1e-12)
