"""Itemsets are those of mlxtend, on any orders, on both engines; refusals are sentences."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import combinations, pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlxtend.frequent_patterns import fpgrowth

from analysis.errors import NotApplicable, ParamsError
from analysis.products.association import itemsets
from analysis.products.association import support as estimate
from analysis.products.baskets import order_index
from tests.products.shelves import baskets_of, one_hot

ITEMS = "abcdefgh"
ORDERS = st.lists(st.sets(st.sampled_from(ITEMS), min_size=1), min_size=2, max_size=40).filter(
    lambda orders: len(set().union(*orders)) > 1
)


def mined(orders, support, longest=8, settings=None):
    baskets = baskets_of(orders, settings)
    chosen = estimate.choose_support(baskets, support=support)
    return itemsets.frequent_itemsets(baskets, chosen, longest=longest)


def counts(found):
    return dict(zip(found.table["itemset"], found.table["orders"], strict=True))


def by_mlxtend(orders, support):
    table = fpgrowth(one_hot(orders), min_support=support, use_colnames=True)
    sizes = (table["support"] * len(orders)).round().astype(int)
    return {tuple(sorted(s)): n for s, n in zip(table["itemsets"], sizes, strict=True)}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(orders=ORDERS, least=st.integers(1, 8))
def test_every_itemset_and_support_is_that_of_mlxtend(orders, least):
    support = min(1.0, least / len(orders))
    # It rounds what its floats multiply to up: 0.28 of 25 orders are 8 to it.
    assert counts(mined(orders, support)) == by_mlxtend(orders, support - 1e-9)


@settings(max_examples=8, deadline=None)
@given(orders=ORDERS)
def test_closed_and_maximal_are_what_they_say(orders):
    table = itemsets.condense(mined(orders, 1 / len(orders)).table)
    everything = dict(zip(table["itemset"], table["orders"], strict=True))
    for row in table.itertuples():
        above = [n for s, n in everything.items() if set(s) > set(row.itemset)]
        assert row.closed == (row.orders not in above)
        assert row.maximal == (not above)


@settings(max_examples=8, deadline=None)
@given(orders=ORDERS)
def test_fewer_items_are_mined_as_if_there_were_no_others(orders):
    """Whoever asks for a few items gets those, not the ones that stand in their places."""
    baskets = baskets_of(orders)
    wanted = {"b", "c", "e", "h"}
    few = replace(baskets, items=baskets.items[baskets.items["item"].isin(wanted)])
    every = estimate.choose_support(baskets, support=1 / len(orders))
    inside = {
        s: n for s, n in counts(mined(orders, 1 / len(orders))).items() if wanted.issuperset(s)
    }
    assert counts(itemsets.frequent_itemsets(few, every, longest=8)) == inside


def test_a_set_of_many_blocks_of_words_is_counted_whole():
    rng = np.random.default_rng(1)
    held = rng.random((5, 3 * 64 * (1 << 13) + 17)) < 0.3
    from analysis.products.association.itemsets import count_sets
    from analysis.products.baskets.basket_kernels import bit_matrix

    sizes = held.sum(axis=0).astype(np.int32)
    starts, values = np.r_[0, np.cumsum(sizes)], np.nonzero(held.T)[1].astype(np.int32)
    matrix = bit_matrix(starts, values, np.arange(5, dtype=np.int32), 5, sizes, 1)
    sets = np.array(list(combinations(range(5), 3)), np.int32)
    expected = [held[list(s)].all(axis=0).sum() for s in sets]
    assert count_sets(matrix, sets).tolist() == expected


@pytest.mark.parametrize(
    ("orders", "sentence"),
    [
        ([], "There are 0 orders"),
        ([{"a", "b"}], "There is 1 order"),
        ([{"a"}, {"a"}], "All orders hold the same product"),
        ([{"a", "b"}, {"b"}], "There are 2 orders: 78 must hold two items before"),
    ],
)
def test_nothing_to_search_is_said(orders, sentence):
    with pytest.raises(NotApplicable, match=sentence):
        estimate.choose_support(baskets_of(orders))


def test_a_support_below_one_order_is_one_order():
    chosen = estimate.choose_support(baskets_of([{"a", "b"}, {"b"}]), support=0.01)
    assert chosen.orders == 1
    assert "less than one of 2 orders" in chosen.reason


def test_a_support_that_is_no_share_is_refused():
    with pytest.raises(ParamsError, match="support 5 must be a share"):
        estimate.choose_support(baskets_of([{"a", "b"}, {"b"}]), support=5)


def test_no_support_is_reached_without_a_pair():
    found = mined([{"a"}, {"b"}, {"c"}], 1 / 3)
    assert set(counts(found)) == {("a",), ("b",), ("c",)}
    assert found.searched == {1: 3, 2: 3}


def test_an_order_of_five_thousand_lines_is_refused_or_mined_as_asked():
    large = [{f"p{i}" for i in range(5_000)}, {"p1", "p2"}, {"p1", "p2"}]
    baskets = baskets_of(large)
    with pytest.raises(NotApplicable, match=r"12,497,502 pairs.*A support of 2 orders would do"):
        estimate.choose_support(baskets, support=1 / 3, most_pair_rows=1_000_000)
    chosen = estimate.choose_support(baskets, support=2 / 3, most_pair_rows=1_000_000)
    assert counts(itemsets.frequent_itemsets(baskets, chosen))["p1", "p2"] == 3


def test_too_many_sets_are_refused_with_a_support_that_would_do():
    orders = [set(map(str, range(30)))] * 3
    baskets = baskets_of([*orders, {"0"}])
    chosen = estimate.choose_support(baskets, support=0.5)
    with pytest.raises(NotApplicable, match=r"435 frequent sets of 2 items and more than 1,000"):
        itemsets.frequent_itemsets(baskets, chosen, most_sets=1_000)


def test_a_support_left_to_the_data_rises_until_the_sets_can_be_looked_through(monkeypatch):
    """Twelve items in every order, sixty more in half of them: of those there are too many sets."""
    always, half = list(map(str, range(12))), [f"h{i}" for i in range(60)]
    baskets = baskets_of([set(always)] * 100 + [{*always, *half}] * 100)
    few = partial(itemsets.frequent_itemsets, most_sets=5_000)
    monkeypatch.setattr(itemsets, "frequent_itemsets", few)
    found = itemsets.mined(baskets, None, longest=3)
    assert found.support.orders > 100
    assert "Fewer than" in found.support.reason
    assert set(found.table["orders"]) == {200}
    assert (found.table["size"] == 3).sum() == 220  # 12 over 3
    with pytest.raises(NotApplicable, match="candidates above them"):
        itemsets.mined(baskets, 0.4, longest=3)


def test_pairs_counted_in_parts_are_those_of_one_go(monkeypatch):
    rng = np.random.default_rng(11)
    orders = [set(rng.choice(list(ITEMS), rng.integers(1, 6))) for _ in range(200)]
    whole = mined(orders, 0.03, longest=2)
    monkeypatch.setattr(itemsets, "MOST_BYTES", 16 * len(ITEMS))
    parts = mined(orders, 0.03, longest=2)
    assert (parts.table["size"] == 2).any()
    assert parts.table.equals(whole.table)
    assert parts.searched == whole.searched


#: Hashes that differ in the first bits, in the last, and hardly at all.
HASHES = st.sampled_from([*range(5), 1 << 63, (1 << 63) + 1, (1 << 64) - 1, 1 << 32, 3 << 15])
ROWS = st.lists(st.tuples(HASHES, st.integers(0, 40)), max_size=60)


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, cut=st.integers(0, 60), numbered=st.booleans())
def test_rows_are_gathered_by_owner_whatever_the_bits(rows, cut, numbered):
    if numbered:
        rows = [(owner % 7, code) for owner, code in rows]
    owners = pa.chunked_array(
        [
            pa.array([o for o, _ in part], pa.int64() if numbered else pa.uint64())
            for part in (rows[:cut], rows[cut:])
        ]
    )
    codes = pa.chunked_array(
        [pa.array([c for _, c in part], pa.int32()) for part in (rows[:cut], rows[cut:])]
    )
    table = pa.table({"owner": owners, "code": codes})
    found = order_index.by_owner(table, numbered=numbered)
    expected = {}
    for owner, code in rows:
        expected.setdefault(owner, set()).add(code)
    got = [found.values[a:b].tolist() for a, b in pairwise(found.starts.tolist())]
    assert sorted(got) == sorted(sorted(codes) for codes in expected.values())
    if numbered:
        assert dict(zip(found.owners.tolist(), map(set, got), strict=True)) == expected


@settings(max_examples=60, deadline=None)
@given(sets=st.sets(st.frozensets(st.integers(0, 7), min_size=3, max_size=3), min_size=1))
def test_sets_grow_by_one_item_where_every_part_is_known(sets):
    rows = np.array(sorted(sorted(s) for s in sets), np.int32)
    expected = [
        c for c in combinations(range(8), 4) if set(map(frozenset, combinations(c, 3))) <= sets
    ]
    assert [tuple(row) for row in itemsets.grow(rows, most=10_000).tolist()] == expected


@pytest.mark.spark
def test_workers_of_spark_count_the_same_itemsets(spark):
    """Each counts some of the orders; pairs and larger sets, and how many were looked at, agree."""
    random = np.random.default_rng(4)
    orders = [set(random.choice(list(ITEMS), random.integers(1, 7))) for _ in range(400)]
    here, there = (mined(orders, 0.02, settings=engine) for engine in (None, spark))
    assert there.table.equals(here.table)
    assert there.table["size"].max() >= 4
    assert there.searched == here.searched
