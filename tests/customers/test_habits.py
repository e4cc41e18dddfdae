"""Detailed features: hand cases, nothing leaks from the future, both engines agree."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.customers.features import features
from analysis.tables.engine import EngineSettings, Tables, in_memory, open_study
from analysis.tables.periods import Period

HALF = Period.before("2018-01-01", days=182)


def shop(rows: list[dict[str, object]], **tables: pd.DataFrame) -> Tables:
    usual = {"quantity": 1.0, "product_id": "own", "store_id": "s1", "discount_amount": 0.0}
    lines = pd.DataFrame([{**usual, **row} for row in rows])
    lines["ordered_at"] = pd.to_datetime(lines["ordered_at"], format="ISO8601")
    products = pd.DataFrame(
        {
            "product_id": ["own", "brand"],
            "department": ["d", "d"],
            "category": ["c", "c"],
            "brand": ["Private", "National"],
        }
    )
    return in_memory({"order_lines": lines, "products": products, **tables})


def line(
    customer: str, order: str, at: str, net: float = 10.0, **more: object
) -> dict[str, object]:
    return {"customer_id": customer, "order_id": order, "ordered_at": at, "net_amount": net, **more}


@pytest.fixture
def hand() -> Tables:
    return shop(
        [
            line("a", "1", "2017-07-10 09:00"),  # a Monday morning
            line("a", "1", "2017-07-10 09:00", 20.0, product_id="brand", discount_amount=5.0),
            line("a", "2", "2017-07-15 18:00", store_id="s2"),  # a Saturday evening
            line("a", "3", "2017-12-16 13:00", 30.0),
            line("a", "4", "2017-12-20 13:00", -5.0, quantity=-1.0),
            line("b", "5", "2017-12-31 13:00"),
        ]
    )


def test_a_customer_by_hand(hand: Tables) -> None:
    got = features.fetch_detailed(hand, HALF).set_index("customer_id").loc["a"]
    assert got[["orders", "purchase_days", "gaps", "gap_sum"]].tolist() == [3, 3, 2, 159]
    assert got[["last_gap", "gap_before_last", "longest_gap", "gap_median"]].tolist() == [
        154, 5, 154, 79.5,
    ]  # fmt: skip
    assert got["gap_spread"] == pytest.approx(np.std([5, 154], ddof=1))
    assert got["log_gaps"] == pytest.approx(np.log(5) + np.log(154))
    assert got["longest_gap_ended_on"] == pd.Timestamp("2017-12-16")
    assert got[["weekend_share", "morning_share", "evening_share"]].tolist() == pytest.approx(
        [2 / 3, 1 / 3, 1 / 3]
    )
    assert got[["main_weekday", "stores", "main_store"]].tolist() == [6, 2, "s1"]
    assert got[["returned_amount", "returns_rate"]].tolist() == pytest.approx([5, 5 / 70])
    assert got["private_label_share"] == pytest.approx((10 + 10 + 30 - 5) / 65)
    assert got[["priced_lines", "discounted_lines"]].tolist() == [4, 1]
    assert got[["lines_squared", "discounted_squared", "crossed"]].tolist() == [6, 1, 2]
    assert got[["net_before", "net_after"]].tolist() == [40, 25]
    assert got["spend_trend"] == pytest.approx(-15 / 65)
    assert got[["first_seen_on", "tenure_days"]].tolist() == [pd.Timestamp("2017-07-10"), 175]


def test_one_visit_has_no_gap_and_says_so(hand: Tables) -> None:
    got = features.fetch_detailed(hand, HALF).set_index("customer_id").loc["b"]
    assert got[["gaps", "gap_sum", "log_gaps"]].tolist() == [0, 0, 0]
    assert got[["gap_mean", "gap_median", "gap_spread", "last_gap"]].isna().all()


def test_contacts_and_answers_before_the_end_only() -> None:
    sent = pd.DataFrame(
        {
            "contact_id": ["1", "2", "3"],
            "customer_id": "a",
            "channel": "email",
            "sent_at": pd.to_datetime(["2017-12-01", "2017-12-31", "2018-01-01"]),
        }
    )
    taken = pd.DataFrame(
        {
            "promotion_id": "p",
            "customer_id": "a",
            "redeemed_at": pd.to_datetime(["2017-12-05", "2018-01-02"]),
        }
    )
    tables = shop([line("a", "1", "2017-12-01")], contacts=sent, redemptions=taken)
    got = features.fetch_detailed(tables, HALF).iloc[0]
    assert got[["contacts", "responses", "days_since_contact"]].tolist() == [2, 1, 1]


PAST = [
    line("a", "1", "2017-08-01"),
    line("a", "2", "2017-10-01", 12.0, discount_amount=2.0),
    line("b", "3", "2017-12-31 10:00", 2.0, product_id="brand"),
]

#: What may come after the end: who, how many hours later, bought or brought back.
LATER = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 9_000), st.sampled_from([-1.0, 1.0])),
    min_size=1,
    max_size=16,
)


@pytest.fixture(scope="module")
def known_before() -> pd.DataFrame:
    return features.fetch_detailed(shop(PAST), HALF)


def in_world(number: int, rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Return the lines as of customers and orders that no other world has."""
    own = ("customer_id", "order_id")
    return [row | {name: f"{number}-{row[name]}" for name in own} for row in rows]


@settings(max_examples=2, deadline=None)
@given(st.lists(LATER, min_size=8, max_size=8))
def test_nothing_after_the_end_is_known(
    known_before: pd.DataFrame, worlds: list[list[tuple[str, int, float]]]
) -> None:
    """Eight pasts of one shop, each with a future of its own: to the engine, eight times as many
    customers."""
    rows = []
    for number, later in enumerate(worlds):
        future = [
            line(
                who,
                f"f{i}",
                str(pd.Timestamp(HALF.end) + pd.Timedelta(hours=hours)),
                99.0 * sign,
                quantity=sign,
                store_id="s9",
                discount_amount=9.0,
            )
            for i, (who, hours, sign) in enumerate(later)
        ]
        rows += in_world(number, PAST + future)
    found = features.fetch_detailed(shop(rows), HALF)
    named = found["customer_id"].str.split("-", expand=True)
    assert len(found) == len(worlds) * len(known_before)
    for number in range(len(worlds)):
        of_world = (named[0] == str(number)).to_numpy()
        own = found[of_world].assign(customer_id=named[1][of_world])
        pd.testing.assert_frame_equal(own.reset_index(drop=True), known_before)


def test_the_base_features_are_those_of_fetch(real: Tables) -> None:
    base, more = features.fetch(real, HALF), features.fetch_detailed(real, HALF)
    pd.testing.assert_frame_equal(more[base.columns.tolist()], base)


def some(tables: Tables) -> Tables:
    """Return the tables of every eighth household: no analysis of one customer looks at another."""
    lines = tables.order_lines
    few = lines.filter(lines.customer_id.cast("int64") % 8 == 0)
    others = {name: getattr(tables, name) for name in tables.manifest.rows}
    return Tables(tables.connection, tables.manifest, {**others, "order_lines": few})


@pytest.mark.spark
def test_both_engines_know_customers_alike(real: Tables, real_root, spark: EngineSettings) -> None:
    on_spark = open_study("complete_journey", settings=spark, root=real_root)
    here = features.fetch_detailed(some(real), HALF)
    assert len(here) > 250
    pd.testing.assert_frame_equal(
        features.fetch_detailed(some(on_spark), HALF), here, check_dtype=False, rtol=1e-12
    )
