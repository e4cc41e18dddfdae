"""What an offer takes from another product, and what a first basket foretells: as planted."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from analysis.errors import NotApplicable
from analysis.products.baskets import order_contents
from analysis.products.sequences.first_baskets import first_baskets
from analysis.products.substitution.brand_switching import at_risk
from analysis.products.substitution.bundles import shelf_groups
from analysis.tables.engine import EngineSettings, in_memory
from analysis.tables.periods import Period

YEAR = Period(date(2023, 1, 2), date(2024, 1, 1))
MIDNIGHT = np.datetime64("2023-01-02T10:00:00", "us")


def lines_of(order, product, day, who, reduced=None, margin=None):
    rows = len(order)
    off = np.zeros(rows) if reduced is None else np.where(reduced, 0.5, 0.0)
    frame = pd.DataFrame(
        {
            "order_id": [f"o{o:06}" for o in order],
            "customer_id": [f"c{c:05}" for c in who],
            "product_id": product,
            "ordered_at": MIDNIGHT + np.asarray(day).astype("timedelta64[D]"),
            "quantity": 1.0,
            "net_amount": 2.0 if margin is None else margin,
            "discount_amount": off,
            "store_id": "s0",
        }
    )
    return frame.assign(cost_amount=0.0)


def shop(frames, products, **more):
    table = pd.DataFrame({"product_id": products, "department": "FOOD", "category": products})
    return in_memory(
        {"order_lines": pd.concat(frames), "products": table, **more},
        settings=EngineSettings(threads=1), study="planted",
    )  # fmt: skip


def colas(seed):
    """One in four orders holds a cola: usually either, on offer in some weeks mostly the blue."""
    rng = np.random.default_rng(seed)
    orders = 12_000
    day = rng.integers(0, 364, orders)
    offer = np.isin(day // 7, rng.choice(52, 16, replace=False))
    cola = rng.random(orders) < 0.25
    blue = cola & (rng.random(orders) < np.where(offer, 0.8, 0.5))
    tea = rng.random(orders) < 0.2
    kinds = (("blue", blue, offer), ("red", cola & ~blue, None), ("tea", tea, None),
             ("milk", np.ones(orders, bool), None))  # fmt: skip
    number = np.arange(orders)
    frames = [
        lines_of(number[held], name, day[held], number[held] % 500,
                 None if reduced is None else reduced[held])
        for name, held, reduced in kinds
    ]  # fmt: skip
    return shop(frames, ["blue", "red", "tea", "milk"]), int(offer.sum())


def test_what_an_offer_takes_is_what_was_planted():
    pairs = pd.DataFrame({"a": ["blue", "blue"], "b": ["red", "tea"]})
    covered = 0
    for seed in range(4):
        tables, offered = colas(seed)
        table = at_risk(tables, order_contents.bought(tables, YEAR), pairs, seed=seed)
        found = table.set_index(["offered", "other"])
        row = found.loc[("blue", "red")]
        truth = offered * 0.25 * 0.3
        covered += row["lost_low"] <= truth <= row["lost_high"]
        assert row["taken"] == pytest.approx(1.0, abs=0.35)
        assert row["q"] < 0.05
        spared = found.loc[("blue", "tea")]
        covered += spared["lost_low"] <= 0 <= spared["lost_high"]
        tables.close()
    assert covered >= 6


def test_orders_of_no_known_store_are_no_other_stores():
    pairs = pd.DataFrame({"a": ["blue"], "b": ["red"]})
    tables, _ = colas(0)
    told = at_risk(tables, order_contents.bought(tables, YEAR), pairs, draws=20)
    rows, products = (each.to_pandas() for each in (tables.order_lines, tables.products))
    tables.close()
    number = np.arange(3_000)
    more = lines_of(number + 100_000, "red", number % 364, number % 500).assign(store_id=None)
    frames = [rows.astype(more.dtypes), more]
    tables = shop(frames, products["product_id"])
    found = at_risk(tables, order_contents.bought(tables, YEAR), pairs, draws=20)
    pd.testing.assert_frame_equal(found, told)
    tables.close()


def test_without_offers_nothing_is_at_risk():
    number = np.arange(400)
    frames = [lines_of(number, name, number % 364, number % 50) for name in ("blue", "red")]
    tables = shop(frames, ["blue", "red"])
    pairs = pd.DataFrame({"a": ["blue"], "b": ["red"]})
    with pytest.raises(NotApplicable, match="on offer often enough"):
        at_risk(tables, order_contents.bought(tables, YEAR), pairs)
    tables.close()


def newcomers(seed, joined):
    """First baskets of one to four items, wine with beer; later worth goes by wine alone."""
    rng = np.random.default_rng(seed)
    people = 1_500
    begin = rng.integers(0, 150, people)
    frames = []
    held = {n: rng.random(people) < 0.3 for n in ("wine", "soap")}
    held["beer"] = rng.random(people) < np.where(held["wine"], 0.6, 0.2)
    later = 20 + 12 * held["wine"] + rng.gamma(1, 10, people)
    who = np.arange(people)
    for name, has in {**held, "bread": np.ones(people, bool)}.items():
        frames.append(lines_of(who[has], name, begin[has], who[has]))
    frames.append(lines_of(who + 5_000, "bread", begin + 30, who, margin=later))
    days = [YEAR.start + timedelta(days=int(d)) for d in begin]
    customers = pd.DataFrame({"customer_id": [f"c{c:05}" for c in who], "joined_on": days})
    return shop(
        frames, ["wine", "beer", "soap", "bread"], **({"customers": customers} if joined else {})
    )


def test_the_first_purchase_that_foretells_is_found_and_no_other():
    covered, falsely = 0, 0
    for seed in range(6):
        tables = newcomers(seed, joined=True)
        found = first_baskets(tables, order_contents.bought(tables, YEAR), YEAR)
        table = found.table.set_index("item")
        assert found.customers == 1_500
        covered += table.loc["wine", "low"] <= 12 <= table.loc["wine", "high"]
        assert table.loc["wine", "q"] < 0.001
        falsely += int((table.drop("wine")["q"] <= 0.05).any())
        tables.close()
    assert covered >= 5
    assert falsely <= 2


def test_every_item_lies_with_its_strongest_partner():
    rows = [("a", "b", 9.0, 50), ("b", "c", 3.0, 40), ("c", "d", 2.0, 30), ("e", "f", 5.0, 99),
            ("a", "e", 1.5, 60)]  # fmt: skip
    rules = pd.DataFrame(rows, columns=["x", "y", "or_least", "orders"])
    rules["antecedents"], rules["consequents"] = (
        [(v,) for v in rules["x"]],
        [(v,) for v in rules["y"]],
    )
    table = shelf_groups(rules)
    groups = table.groupby("group")["item"].agg("".join).tolist()
    assert sorted(map("".join, map(sorted, groups))) == ["abcd", "ef"]
    assert dict(zip(table["item"], table["beside"], strict=True)) == {
        "a": "b", "b": "a", "c": "b", "d": "c", "e": "f", "f": "e",
    }  # fmt: skip
    assert table["group"].iloc[0] == 1
    assert set(table.loc[table["group"] == 1, "item"]) == {"e", "f"}


def test_without_true_first_baskets_it_says_so():
    tables = newcomers(0, joined=False)
    with pytest.raises(NotApplicable, match=r"Joining dates are not recorded.* Only 0 such"):
        first_baskets(tables, order_contents.bought(tables, YEAR), YEAR)
    tables.close()
