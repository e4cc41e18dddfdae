"""Every check finds what it is for, and only that."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pytest

from analysis.quality import checks
from analysis.tables.engine import Tables
from analysis.tables.manifest import LedgerEntry
from tests.sales import catalogue, lines_of, shop, tables_of

AS_OF = date(2018, 1, 1)
YESTERDAY = {"ordered_at": "2017-12-31 10:00:00"}
CLEAN = {
    **YESTERDAY,
    "list_amount": 12.0,
    "discount_amount": 2.0,
    "coupon_amount": 0.0,
    "store_id": "s1",
}


def found_in(tables: Tables, *, stale_days: int = 7) -> pd.DataFrame:
    return checks.run_checks(tables, as_of=AS_OF, stale_days=stale_days).set_index("check")


def check(name: str, *rows: dict[str, Any], **frames: pd.DataFrame) -> pd.Series:
    return found_in(tables_of(lines_of(*rows), **frames)).loc[name]


@pytest.mark.parametrize(
    ("name", "row", "amount"),
    [
        ("Line without a customer (guest)", {"customer_id": None}, 10.0),
        ("Line worth nothing", {"net_amount": 0.0, "list_amount": 2.0}, 0.0),
        ("Line with quantity zero", {"quantity": 0.0}, 10.0),
        ("Coupon worth more than the line", {"coupon_amount": 12.5}, -2.5),
        ("List amount is not net plus discount", {"list_amount": 12.01}, 10.0),
        (
            "Discount below zero on a sale",
            {"discount_amount": -1.0, "list_amount": 9.0},
            10.0,
        ),
        ("Return", {"quantity": -1.0, "net_amount": -10.0, "list_amount": -8.0}, -10.0),
        (
            "Quantity and amount with opposite signs",
            {"quantity": 1.0, "net_amount": -10.0, "list_amount": -8.0},
            -10.0,
        ),
        (
            "Time of day missing (midnight to the second)",
            {"ordered_at": "2017-12-31 00:00:00"},
            10.0,
        ),
        ("Ordered on or after the report date", {"ordered_at": "2018-01-01 00:00:00"}, 10.0),
    ],
)
def test_a_line_that_breaks_a_rule_is_found_with_its_amount(
    name: str, row: dict[str, Any], amount: float
) -> None:
    clean = [{**CLEAN, "order_id": f"c{i}", "customer_id": f"k{i}"} for i in range(9)]
    found = check(name, {**CLEAN, **row}, *clean)
    assert (found["rows"], found["of_rows"], found["amount"]) == (1, 10, amount)
    assert found["severity"] != "fine"
    assert check(name, *clean)["rows"] == 0


@pytest.mark.parametrize(
    ("name", "second"),
    [
        ("Order with several customers", {"customer_id": None}),
        ("Order in several stores", {"store_id": "s2"}),
        ("Order on several days", {"ordered_at": "2017-12-30 10:00:00"}),
        ("Order with the same product on several lines", {}),
        ("Basket worth nothing", {"net_amount": -10.0}),
    ],
)
def test_an_order_that_breaks_a_rule_is_found(name: str, second: dict[str, Any]) -> None:
    other = {**CLEAN, "product_id": "p2" if "product" not in name else "p1"}
    found = check(name, CLEAN, {**other, **second}, {**CLEAN, "order_id": "o2"})
    assert (found["rows"], found["of_rows"]) == (1, 2)


def test_orders_posted_twice_are_found_once_each() -> None:
    name = "Order of the same customer, minute and amount as another"
    at = {"ordered_at": "2017-12-31 10:00:59"}
    three = [{**CLEAN, "order_id": f"o{i}"} for i in range(2)] + [{**CLEAN, **at, "order_id": "o9"}]
    others = [
        {**CLEAN, "order_id": "x1", "customer_id": "c2"},
        {**CLEAN, "order_id": "x2", "ordered_at": "2017-12-31 10:01:00"},
        {**CLEAN, "order_id": "x3", "net_amount": 9.0},
        {**CLEAN, "order_id": "g1", "customer_id": None},
        {**CLEAN, "order_id": "g2", "customer_id": None},
    ]
    found = check(name, *three, *others)
    assert (found["rows"], found["amount"]) == (2, 20.0)


def test_references_that_find_nothing_are_counted() -> None:
    lines = lines_of(
        CLEAN,
        {**CLEAN, "product_id": "p9", "order_id": "o2"},
        {**CLEAN, "customer_id": "c9", "order_id": "o3"},
        {**CLEAN, "customer_id": None, "order_id": "o4"},
    )
    tables = tables_of(
        lines,
        catalogue("p1"),
        customers=pd.DataFrame({"customer_id": ["c1"]}),
        redemptions=pd.DataFrame(
            {
                "promotion_id": ["a"] * 3,
                "customer_id": ["c1", "c8", "c9"],
                "redeemed_at": pd.to_datetime(["2017-12-01"] * 3),
            }
        ),
    )
    found = found_in(tables)["rows"]
    assert found["Line whose product is not in the catalogue"] == 1
    assert found["Line whose customer is not in the customer table"] == 1
    assert found["Reference of another table that finds nothing"] == 2


def test_quantities_that_count_no_units_are_told() -> None:
    products = catalogue("p1", "fuel", counted=[True, False])
    lines = lines_of(CLEAN, {**CLEAN, "product_id": "fuel", "net_amount": 30.0})
    found = found_in(tables_of(lines, products)).loc["Quantity that does not count units"]
    assert (found["rows"], found["amount"], found["severity"]) == (1, 30.0, "know")


def test_what_is_missing_altogether_is_a_fact_to_doubt() -> None:
    found = found_in(tables_of(lines_of(CLEAN)))
    assert found.loc["Return", "severity"] == "know"
    assert "No retailer has no returns" in found.loc["Return", "what_to_do"]
    assert "card" in found.loc["Line without a customer (guest)", "what_to_do"]


def test_many_of_a_kind_need_a_decision_and_stand_first() -> None:
    rows = [{**CLEAN, "quantity": 0.0}, {**CLEAN, "order_id": "o2"}]
    table = checks.run_checks(tables_of(lines_of(*rows)), as_of=AS_OF, stale_days=7)
    assert table["check"].iloc[0] == "Line with quantity zero"
    assert list(table["severity"]) == sorted(
        table["severity"], key=["decide", "know", "fine"].index
    )


def test_rules_without_their_columns_are_left_out() -> None:
    names = found_in(tables_of(lines_of(YESTERDAY))).index
    assert "Order in several stores" not in names
    assert "Coupon worth more than the line" not in names
    assert "Line whose customer is not in the customer table" not in names


def test_freshness_is_counted_in_days_without_orders() -> None:
    name = "Days without an order before the report date"
    assert check(name, CLEAN)["severity"] == "fine"
    week = tables_of(lines_of({**CLEAN, "ordered_at": "2017-12-24 22:00:00"}))
    known, stale = (found_in(week, stale_days=d).loc[name] for d in (7, 6))
    assert (known["rows"], known["severity"]) == (7, "know")
    assert (stale["rows"], stale["severity"]) == (7, "decide")
    assert "stale" in stale["what_to_do"]


def test_repeated_keys_are_what_ingest_met() -> None:
    name = "Row of the source with a key it had already used"
    entry = LedgerEntry(
        "products", "p.csv", 10, 6, {"product_id stands in several rows": 3}, {"too old": 1}
    )
    tables = tables_of(lines_of(CLEAN))
    object.__setattr__(tables.manifest, "ledger", (entry,))
    row = found_in(tables).loc[name]
    assert (row["rows"], row["severity"]) == (3, "decide")


def test_a_shop_with_everything_is_counted_as_plain_pandas_counts() -> None:
    frames = shop(6)
    lines = frames["order_lines"]
    tables = tables_of(lines, frames["products"], customers=frames["customers"])
    found = found_in(tables)["rows"]
    orders = lines.groupby("order_id")["net_amount"].sum().round(2)
    doubled = lines.groupby(["order_id", "product_id"]).size() > 1
    assert found["Line without a customer (guest)"] == lines["customer_id"].isna().sum()
    assert (
        found["Line whose product is not in the catalogue"] == (lines["product_id"] == "p12").sum()
    )
    assert found["Return"] == (lines["quantity"] < 0).sum()
    assert found["Basket worth nothing"] == (orders == 0).sum()
    assert (
        found["Quantity that does not count units"]
        == lines["product_id"].isin(["p10", "p11"]).sum()
    )
    several = doubled[doubled].index.get_level_values(0).nunique()
    assert found["Order with the same product on several lines"] == several
