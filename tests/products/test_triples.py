"""Three together beyond their pairs: the model is statsmodels', the planted set alone is found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import product

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from analysis.products.association import pairs, triples
from analysis.products.association.triples import SetCells, ThreeWay, cells_of
from analysis.products.baskets.order_contents import BANDS
from analysis.products.baskets.order_index import order_facts
from analysis.tables.engine import EngineSettings, Tables, in_memory
from tests.products.shelves import baskets_of

#: Cell number to which of the three an order holds.
HELD = np.array([[cell >> place & 1 for place in range(3)] for cell in range(8)])
PAIRWISE = np.column_stack(
    [np.ones(8), HELD, HELD[:, 0] * HELD[:, 1], HELD[:, 0] * HELD[:, 2], HELD[:, 1] * HELD[:, 2]]
)


@pytest.mark.parametrize("seed", range(10))
def test_expected_and_z_are_those_of_a_poisson_model_without_the_interaction(seed: int) -> None:
    counts = np.random.default_rng(seed).integers(1, 200, 8)
    own = ThreeWay.of(counts)
    theirs = sm.GLM(counts, PAIRWISE, family=sm.families.Poisson()).fit(tol=1e-12)
    np.testing.assert_allclose(own.fitted, theirs.fittedvalues, rtol=1e-6)
    score, *_ = theirs.score_test(exog_extra=HELD.prod(axis=1)[:, None])
    assert own.z**2 == pytest.approx(float(np.squeeze(score)), rel=1e-5)
    assert np.sign(own.z) == np.sign(counts[-1] - theirs.fittedvalues[-1])


def test_tables_whose_pairs_leave_nothing_open_say_nothing() -> None:
    counts = np.array([[50, 10, 12, 0, 9, 0, 0, 0], [9, 0, 4, 0, 3, 0, 2, 0]])
    own = ThreeWay.of(counts)
    np.testing.assert_allclose(own.fitted, counts, atol=1e-9)
    assert np.isnan(own.z).all()
    assert not own.pull.any()


def test_what_one_more_order_adds_is_the_difference_that_it_makes() -> None:
    counts = np.random.default_rng(3).integers(2_000, 90_000, 8).astype(float)
    own = ThreeWay.of(counts)
    for cell in range(8):
        more = ThreeWay.of(counts + np.eye(8)[cell])
        gained = (more.together - more.expected) - (own.together - own.expected)
        assert gained == pytest.approx(own.pull[cell], abs=1e-3)


def held_by(orders: Sequence[Iterable[str]], items: str) -> int:
    return sum(set(items) <= set(basket) for basket in orders)


def test_cells_are_those_of_a_plain_count() -> None:
    rng = np.random.default_rng(5)
    orders = ["".join(rng.choice(list("abcdefgh"), rng.integers(1, 8), replace=False))
              for _ in range(400)]  # fmt: skip
    single = np.array([[held_by(orders, i) for i in "abc"]], float)
    double = np.array([[held_by(orders, i) for i in ("ab", "ac", "bc")]], float)
    (cells,) = cells_of(len(orders), single, double, [held_by(orders, "abc")])
    plain = np.bincount([sum((i in o) << k for k, i in enumerate("abc")) for o in orders])
    assert cells.tolist() == plain.tolist()
    within = counted(orders).counts[0]
    for cell, band in product(range(8), range(len(BANDS) + 1)):
        own = [o for o in orders if sum((i in o) << k for k, i in enumerate("abc")) == cell]
        rest = [len(set(o) - set("abc")) for o in own]
        low = BANDS[band - 1] if band else -1
        high = BANDS[band] if band < len(BANDS) else 99
        expected = sum(low < n <= high for n in rest) if band else 0
        assert within[band, cell] == expected


def counted(
    orders: Sequence[str],
    customers: Sequence[str | None] | None = None,
    settings: EngineSettings | None = None,
    sets: Sequence[tuple[str, ...]] = (("a", "b", "c"),),
) -> SetCells:
    """Return the cells of sets such as a, b and c."""
    import ibis

    shelf = baskets_of(orders, settings)
    who = pd.Series(customers or [None] * len(orders), dtype="str")
    facts = ibis.memtable(
        pd.DataFrame({"order_id": [f"o{i}" for i in range(len(orders))], "customer_id": who,
                      "ordered_at": pd.Timestamp("2024-01-01")})
    )  # fmt: skip
    return SetCells.of(shelf, order_facts(shelf.lines.join(facts, "order_id")), sets)


def test_the_error_is_that_of_influences_summed_by_customer() -> None:
    rng = np.random.default_rng(6)
    orders = ["".join(rng.choice(list("abcdefgh"), rng.integers(1, 8), replace=False))
              for _ in range(300)]  # fmt: skip
    who = [f"c{n}" if n < 40 else None for n in rng.integers(0, 60, len(orders))]
    cells = counted(orders, who)
    influence = rng.normal(size=cells.counts.shape)
    influence[:, 0] = 0.0
    sums: dict[str, float] = {}
    for number, (held, name) in enumerate(zip(orders, who, strict=True)):
        cell = sum((i in held) << k for k, i in enumerate("abc"))
        band = int(np.searchsorted(BANDS, len(set(held) - set("abc"))))
        key = name or f"guest {number}"
        sums[key] = sums.get(key, 0.0) + influence[0, band, cell]
    expected = np.sqrt(np.sum(np.square(list(sums.values()))))
    assert cells.clustered_error(influence) == pytest.approx([expected], rel=1e-6)


def test_sets_looked_at_one_by_one_are_those_looked_at_together() -> None:
    orders, who = ["abcd", "abx", "bcy", "acde", "abcz", "dx"] * 5, [f"c{n % 7}" for n in range(30)]
    sets = [("a", "b", "c"), ("a", "b", "d"), ("b", "c", "d")]
    together = counted(orders, who, sets=sets)
    influence = np.random.default_rng(1).normal(size=together.counts.shape)
    error = together.clustered_error(influence)
    for number, items in enumerate(sets):
        alone = counted(orders, who, sets=[items])
        assert (alone.counts[0] == together.counts[number]).all()
        assert alone.clustered_error(influence[[number]]) == error[number]


@pytest.mark.spark
def test_workers_of_spark_count_the_same_sets(spark) -> None:
    orders, who = ["abcd", "abx", "bcy", "acde", "abcz", "dx"] * 5, [f"c{n % 7}" for n in range(30)]
    who[::4] = [None] * len(who[::4])
    here, there = (counted(orders, who, engine) for engine in (None, spark))
    influence = np.random.default_rng(1).normal(size=here.counts.shape)
    assert (there.counts == here.counts).all()
    assert there.clustered_error(influence) == pytest.approx(here.clustered_error(influence))


START, DAYS = date(2024, 1, 1), 364
ITEMS = [f"i{k:02}" for k in range(14)]


def shop(seed: int, *, orders: int = 16_000, customers: int = 500) -> Tables:
    """Return a year of trolleys of all sizes, with one set of three and one chain of two pairs.

    In 4 % of orders all of i00, i01 and i02 are bought for one dish. i03 brings i04 and i04
    brings i05, so that the three are together often, and no more than these pairs make them.
    """
    rng = np.random.default_rng(seed)
    taste = rng.gamma(4, 0.25, customers)
    who = rng.integers(0, customers, orders)
    full = np.where(rng.random(orders) < 0.3, 2.2, 0.6) * taste[who]
    held = rng.random((orders, len(ITEMS))) < np.minimum(0.12 * full, 0.9)[:, None]
    held[:, :3] |= (rng.random(orders) < 0.04)[:, None]
    for first in (3, 4):
        held[:, first + 1] |= held[:, first] & (rng.random(orders) < 0.4)
    order, item = np.nonzero(held)
    lines = pd.DataFrame(
        {
            "order_id": [f"o{o}" for o in order],
            "customer_id": [f"c{c}" for c in who[order]],
            "product_id": np.array(ITEMS)[item],
            "ordered_at": np.array([START + timedelta(days=int(o) % DAYS) for o in order],
                                   "datetime64[us]"),
            "quantity": 1.0,
            "net_amount": 1.0,
        }
    )  # fmt: skip
    goods = pd.DataFrame({"product_id": ITEMS, "department": "FOOD", "category": ITEMS})
    frames = {"order_lines": lines, "products": goods}
    return in_memory(frames, settings=EngineSettings(threads=1), study=f"threes_{seed}")


def looked_for(tables: Tables) -> triples.Triples:
    halves = pairs.Halves.before(START + timedelta(days=DAYS), days=DAYS // 2)
    found = pairs.find(tables, halves, pairs.Search(checked=5, support=0.002), level="product")
    return triples.find(found, halves)


@pytest.mark.parametrize("seed", range(3))
def test_the_dish_is_found_and_neither_a_chain_of_pairs_nor_a_full_trolley(seed: int) -> None:
    found = looked_for(shop(seed))
    believed = set(found.believed["itemset"])
    assert ("i00", "i01", "i02") in believed
    assert len(found.table) > 200
    chain = found.table[found.table["itemset"] == ("i03", "i04", "i05")].iloc[0]
    assert chain["orders"] > 150
    assert not chain["holds"]
    assert len(believed - {("i00", "i01", "i02")}) <= 1
    assert found.table["holds"].iloc[0]
    assert found.itemsets.searched[3] >= len(found.table)


def test_the_interval_over_customers_covers_where_that_over_orders_does_not() -> None:
    rng, runs = np.random.default_rng(9), 16
    inside = {"customers": 0, "orders": 0}
    for _ in range(runs):
        # Customers like a, b and c or not, and buy alike each time; two do not bring the third.
        keen = rng.random((150, 3)) < 0.5
        who = np.repeat(np.arange(150), 10)
        held = rng.random((len(who), 3)) < np.where(keen[who], 0.95, 0.05)
        orders = ["d" + "".join(np.array(list("abc"))[h]) for h in held]
        for whose, cells in (
            ("customers", counted(orders, [f"c{w}" for w in who])), ("orders", counted(orders))
        ):  # fmt: skip
            row = triples._again(cells, 0.95).iloc[0]
            inside[whose] += row["second_low"] <= 1 <= row["second_high"]
    assert inside["customers"] >= 13
    assert inside["orders"] <= 11


def test_a_search_that_stopped_at_pairs_goes_on() -> None:
    tables = shop(1, orders=4_000)
    halves = pairs.Halves.before(START + timedelta(days=DAYS), days=DAYS // 2)
    short, whole = (
        triples.find(
            pairs.find(tables, halves, pairs.Search(longest=n, support=0.005), level="product"),
            halves,
            again=3,
        )
        for n in (2, 3)
    )
    pd.testing.assert_frame_equal(short.table, whole.table)
    assert short.table["second_orders"].notna().sum() == 3


def test_without_three_that_are_often_together_there_is_nothing_to_believe() -> None:
    halves = pairs.Halves.before(START + timedelta(days=DAYS), days=DAYS // 2)
    search = pairs.Search(support=0.075)
    tables = shop(1, orders=4_000)
    found = triples.find(pairs.find(tables, halves, search, level="product"), halves)
    assert found.table.empty
    assert found.believed.empty
