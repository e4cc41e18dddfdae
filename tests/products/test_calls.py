"""Which pairs are called: live, large enough, of one category too, and not for want of room."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import ibis
import numpy as np
import pandas as pd
import pytest

from analysis.errors import NotApplicable
from analysis.products.association import pairs
from analysis.products.baskets import order_contents
from analysis.products.baskets.order_contents import gone_items, live
from analysis.products.recommend import recommend
from analysis.products.recommend.evaluation import SCORERS
from analysis.products.sequences.purchase_events import Events
from analysis.products.substitution import brand_switching, bundles, substitutes
from analysis.tables.engine import EngineSettings, Tables, in_memory
from analysis.tables.periods import Period

START, WEEKS, ORDERS = datetime(2023, 1, 2), 52, 12_000
END = date(2024, 1, 1)
HALVES = pairs.Halves.before(END, days=182)
#: Products and their categories; sauce, chips, old and the like are in order with their partner.
CATEGORY = {
    "pasta": "DRY", "sauce": "DRY", "chips": "SNACKS", "weak": "SNACKS", "old": "VEG", "dip": "VEG",
    **{f"filler_{i}": f"F{i}" for i in range(10)},
}  # fmt: skip


def shop_of(held: dict[str, np.ndarray], category: dict[str, str], **columns: object) -> Tables:
    """Return a year of orders, two hundred customers in turn."""
    frames = []
    for name, flags in held.items():
        rows = np.flatnonzero(flags)
        when = np.datetime64(START, "us") + (rows * WEEKS * 7 // len(flags)).astype(
            "timedelta64[D]"
        )
        frames.append(
            pd.DataFrame(
                {
                    "order_id": [f"o{r}" for r in rows],
                    "customer_id": [f"c{(r * 7919) % 200}" for r in rows],
                    "product_id": name,
                    "ordered_at": when,
                    "quantity": 1.0,
                    "net_amount": 2.0,
                    "cost_amount": 1.5,
                    **{k: np.asarray(v)[rows] for k, v in columns.items()},  # type: ignore[arg-type]
                }
            )
        )
    products = pd.DataFrame(
        {"product_id": list(category), "department": "FOOD", "category": list(category.values())}
    )
    rows = {"order_lines": pd.concat(frames), "products": products}
    return in_memory(rows, settings=EngineSettings(threads=1), study="calls")


@pytest.fixture(scope="module")
def shop():
    """Return a shop with a complement within a category, a weak pair and one that left the range.

    Chips go with ``weak`` at odds of 1.5; ``old`` goes with dip at odds of about ten, and sells
    until the end of November.
    """
    rng = np.random.default_rng(5)
    n = ORDERS
    gone = np.arange(n) >= int(0.91 * n)
    held = {f"filler_{i}": rng.random(n) < 0.2 for i in range(10)}
    held["pasta"] = rng.random(n) < 0.08
    held["sauce"] = rng.random(n) < np.where(held["pasta"], 0.45, 0.05)
    held["chips"] = rng.random(n) < 0.25
    held["weak"] = rng.random(n) < np.where(held["chips"], 0.30, 0.222)
    held["dip"] = rng.random(n) < 0.08
    held["old"] = (rng.random(n) < np.where(held["dip"], 0.45, 0.05)) & ~gone
    return shop_of(held, CATEGORY)


@pytest.fixture(scope="module")
def found(shop):
    by_category = pairs.find(shop, HALVES, pairs.Search(longest=2), level="category")
    search = pairs.Search(checked=40)
    return pairs.find(shop, HALVES, search, level="product", categories=by_category)


def pair_of(table: pd.DataFrame, a: str, b: str) -> pd.DataFrame:
    sides = [{x[0], y[0]} for x, y in zip(table["antecedents"], table["consequents"], strict=True)]
    return table[[side == {a, b} for side in sides]]


def test_a_complement_within_a_category_is_found_and_marked(found):
    row = pair_of(found.believed, "pasta", "sauce").iloc[0]
    assert row["same_category"]
    truth = (0.45 / 0.55) / (0.05 / 0.95)
    assert row["or_least_low"] < truth < row["or_raw_high"]


def test_a_pair_that_is_real_but_weak_is_not_called(found):
    row = pair_of(found.checked, "chips", "weak").iloc[0]
    assert row["or_least_low"] > 1  # with enough orders everything is significant
    assert row["second_q"] <= 0.05
    assert row["verdict"] == "weak"
    assert set(found.believed["or_least"] >= 2.0) == {True}


def test_an_article_that_is_no_longer_sold_is_in_no_call(found):
    assert found.gone == {"old"}
    assert len(pair_of(found.discovered, "old", "dip")) == 1  # it was there in the first half
    for table in (found.checked, found.believed):
        sides = {
            *table["antecedents"].map(lambda s: s[0]),
            *table["consequents"].map(lambda s: s[0]),
        }
        assert "old" not in sides
    assert "old" not in set(found.whole().items["item"])


def test_pairs_are_worth_the_margin_of_their_orders_beyond_chance(found):
    row = pair_of(found.believed, "pasta", "sauce").iloc[0]
    both = row["first_both"] + row["second_both"]
    assert row["gain"] == pytest.approx(both * (1 - 1 / row["or_least"]) * 0.5)


def test_the_shortlist_holds_what_gains_and_what_a_plain_reading_believes(found):
    """First those of which orders of their size leave enough; then the highest lifts."""
    chosen = pairs.shortlist(
        found.discovered,
        found.orders,
        pairs.margins(found.whole()),
        gone=found.gone,
        search=pairs.Search(checked=3),
    )
    assert {chosen["antecedents"].iloc[0][0], chosen["consequents"].iloc[0][0]} == {
        "pasta",
        "sauce",
    }
    assert len(chosen) <= 3
    assert chosen["lift_low"].iloc[1:].is_monotonic_decreasing


def lines_of(days: dict[str, list[int]]) -> ibis.Table:
    rows = [
        (f"{item}-{n}", item, START + timedelta(days=day))
        for item, sold in days.items()
        for n, day in enumerate(sold)
    ]
    return ibis.memtable(pd.DataFrame(rows, columns=["order_id", "item", "ordered_at"]))


def test_what_is_live() -> None:
    daily = list(range(364))
    sold = {
        "daily": daily,
        "left": daily[:340],  # 24 of the last 28 days without
        "long_gone": daily[:100],
        "rare": [10, 90, 170, 250, 330],
        "new": daily[-10:],
    }
    table = live(lines_of(sold), END).set_index("item")
    assert table["live"].to_dict() == {
        "daily": True, "left": False, "long_gone": False, "new": True, "rare": True,
    }  # fmt: skip
    assert table.loc["daily", "recent"] == 28
    assert table.loc["daily", "expected"] == pytest.approx(28.0)
    assert gone_items(lines_of(sold), END) == {"left", "long_gone"}
    # Data that end before the day of the report: their own last day counts.
    assert gone_items(lines_of(sold), END + timedelta(days=200)) == {"left", "long_gone"}


def test_an_article_that_still_sells_is_hardly_ever_taken_for_gone() -> None:
    rng = np.random.default_rng(6)
    rates = rng.uniform(0.02, 0.6, 400)
    sold = {f"i{n:03}": np.flatnonzero(rng.random(364) < r).tolist() for n, r in enumerate(rates)}
    assert len(gone_items(lines_of(sold), END)) <= 2


@pytest.mark.parametrize("largest", [2, 3])
def test_items_drawn_at_random_into_small_baskets_are_no_substitutes(largest: int) -> None:
    """Two of three places are taken by others: no choice, only no room."""
    rng = np.random.default_rng(7)
    n, names = 6_000, [f"p{i}" for i in range(10)]
    chosen = np.argsort(rng.random((n, 10)), axis=1)
    size = rng.integers(1, largest + 1, n)
    held = {
        name: ((chosen == i) & (np.arange(10) < size[:, None])).any(axis=1)
        for i, name in enumerate(names)
    }
    tables = shop_of(held, dict.fromkeys(names, "ALL"))
    lines = order_contents.bought(tables, HALVES.whole)
    found = substitutes.substitutes(order_contents.of_lines(lines), lines)
    assert found.tested == 45
    assert (found.table["q"] <= 0.05).all()  # a count without sizes calls all of them
    assert not found.table["substitutes"].any()
    both, expected = found.table["both"], found.table["expected_size"]
    assert both.sum() == pytest.approx(expected.sum(), rel=0.01)
    bare = lines.mutate(customer_id=ibis.null("string"))
    with pytest.raises(NotApplicable, match="cannot be told"):
        substitutes.substitutes(order_contents.of_lines(bare), bare)


def test_a_lost_order_is_charged_to_one_offer_only() -> None:
    """Two products are always on offer together: neither can be charged. A third is, alone."""
    rng = np.random.default_rng(8)
    n, names = 9_000, ["x", "y", "z", "other"]
    week = np.arange(n) * WEEKS // n
    both_off, z_off = week % 6 == 2, week % 6 == 5
    base = {name: rng.random(n) < 0.2 for name in names[:3]}
    base["other"] = rng.random(n) < np.where(both_off | z_off, 0.1, 0.3)
    plain = shop_of(base, dict.fromkeys(names, "ALL"), discount_amount=np.zeros(n))
    rows = plain.order_lines.to_pandas()
    weeks = (pd.to_datetime(rows["ordered_at"]) - pd.Timestamp(START)).dt.days // 7
    off = (weeks % 6 == 2) & rows["product_id"].isin(["x", "y"])
    off |= (weeks % 6 == 5) & rows["product_id"].eq("z")
    rows["discount_amount"] = np.where(off, 1.0, 0.0)
    tables = in_memory(
        {"order_lines": rows, "products": plain.products.to_pandas()},
        settings=EngineSettings(threads=1), study="offers",
    )  # fmt: skip
    lines = order_contents.bought(tables, HALVES.whole)
    asked = pd.DataFrame({"a": ["x", "y", "z"], "b": "other"})
    table = brand_switching.at_risk(tables, lines, asked, seed=1)
    on_other = table[table["other"] == "other"]
    assert on_other["offered"].tolist() == ["z"]
    assert on_other["lost_low"].iloc[0] > 0


def test_nobody_is_recommended_a_product_because_of_its_substitute() -> None:
    """Blue and red are bought by the same people, so each speaks most for the other."""
    rng = np.random.default_rng(9)
    customers, days = 300, 60
    rows = []
    for who in range(customers):
        liked = rng.random() < 0.5
        for item, share in (("blue", 0.9), ("red", 0.5), ("tea", 0.4), ("rice", 0.4)):
            if rng.random() < (share if liked or item in ("tea", "rice") else 0.05):
                rows += [(who, int(day), item) for day in rng.integers(0, days, 2)]
    frame = pd.DataFrame(rows, columns=["who", "day", "item"]).drop_duplicates()
    frame = frame.sort_values(["who", "day", "item"])
    names = np.array(sorted(frame["item"].unique()), dtype=object)
    events = Events(
        customer=frame["who"].to_numpy(np.int32), day=frame["day"].to_numpy(np.int32),
        item=np.searchsorted(names.astype(str), frame["item"].to_numpy(str)).astype(np.int32),
        customers=np.arange(customers).astype(str).astype(object), names=names,
        period=Period(START.date(), START.date() + timedelta(days=days)),
    )  # fmt: skip
    pair = frozenset([frozenset(["blue", "red"])])
    for name in SCORERS:
        before = recommend.recommend(events, name)
        after = recommend.recommend(events, name, recommend.Offer(instead=pair))
        apart = [
            {a, b} == {"blue", "red"} for a, b in zip(after["item"], after["because"], strict=True)
        ]
        assert not any(apart)
        assert len(before) == len(after)
    alike = [
        {a, b} == {"blue", "red"} for a, b in zip(before["item"], before["because"], strict=True)
    ]
    assert any(alike)


def test_worth_is_price_and_margin_of_an_orders_worth(found) -> None:
    table = bundles.worth(found.lines, ["pasta"])
    assert table.loc["pasta"].tolist() == [2.0, 0.5]


def test_orders_of_one_day_are_refused_with_what_it_takes(shop) -> None:
    one = pairs.Halves(
        Period(date(2023, 1, 1), date(2023, 1, 2)), Period(date(2023, 1, 2), date(2023, 1, 3))
    )
    with pytest.raises(NotApplicable, match=r"All orders are of 2 Jan 2023, .* two days or more"):
        pairs.find(shop, one, pairs.Search(longest=2), level="product")
