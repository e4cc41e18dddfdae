"""Each customer's two periods, against plain pandas and by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.errors import NotApplicable
from analysis.tables.comparison import compare, paired_customers, paired_guests
from tests.sales import AS_OF, catalogue, lines_of, shop, tables_of

BEFORE, NOW = "2017-11-06 10:00:00", "2017-12-31 10:00:00"


def test_sums_are_those_of_plain_pandas() -> None:
    frames = shop(2)
    tables = tables_of(frames["order_lines"], frames["products"])
    paired = paired_customers(tables, compare(tables, AS_OF, days=28))
    lines = frames["order_lines"].dropna(subset="customer_id")
    now = lines["ordered_at"] >= pd.Timestamp("2017-12-04")
    for when, part in (("before", lines[~now]), ("now", lines[now])):
        who = part.groupby("customer_id")
        net = who["net_amount"].sum().reindex(paired["customer_id"], fill_value=0.0)
        bought = part[part["quantity"] >= 0].groupby("customer_id")["order_id"].nunique()
        orders = bought.reindex(paired["customer_id"], fill_value=0)
        assert paired[f"net_{when}"].tolist() == pytest.approx(net.tolist(), abs=1e-9)
        assert paired[f"orders_{when}"].tolist() == orders.tolist()
    both = paired["net_odd"] + paired["net_even"]
    assert both.tolist() == pytest.approx((paired["net_before"] + paired["net_now"]).tolist())
    assert paired["customer_id"].is_monotonic_increasing
    first = lines.groupby("customer_id")["ordered_at"].min().dt.normalize()
    assert (paired.set_index("customer_id")["first_on"] == first).all()


def test_guests_are_summed_apart() -> None:
    frames = shop(2)
    tables = tables_of(frames["order_lines"], frames["products"])
    guests = paired_guests(tables, compare(tables, AS_OF, days=28))
    lines = frames["order_lines"][frames["order_lines"]["customer_id"].isna()]
    now = lines["ordered_at"] >= pd.Timestamp("2017-12-04")
    assert guests["net_before"] == pytest.approx(lines.loc[~now, "net_amount"].sum())
    assert guests["net_now"] == pytest.approx(lines.loc[now, "net_amount"].sum())
    per_order = lines.groupby("order_id")["net_amount"].sum()
    assert guests["variance"] == pytest.approx((per_order**2).sum())


def test_items_are_units_where_units_count_and_lines_where_not() -> None:
    products = catalogue("milk", "fuel", counted=[True, False])
    rows = [
        {"product_id": "milk", "quantity": 3.0},
        {"product_id": "fuel", "quantity": 45_300.0},
        {"product_id": "fuel", "quantity": -500.0, "net_amount": -1.0},
        {"product_id": "unheard of", "quantity": 2.0},
    ]
    lines = lines_of(
        *({**row, "ordered_at": NOW} for row in rows), {"ordered_at": BEFORE, "order_id": "o0"}
    )
    tables = tables_of(lines, products)
    paired = paired_customers(tables, compare(tables, AS_OF, days=28))
    assert paired["items_now"].tolist() == [3 + 1 - 1 + 2]


def test_an_order_of_returns_only_is_no_purchase_but_its_amount_counts() -> None:
    lines = lines_of(
        {"ordered_at": BEFORE},
        {"order_id": "o2", "ordered_at": NOW, "quantity": -1.0, "net_amount": -10.0},
    )
    tables = tables_of(lines)
    row = paired_customers(tables, compare(tables, AS_OF, days=28)).iloc[0]
    assert (row["orders_before"], row["orders_now"]) == (1, 0)
    assert (row["net_before"], row["net_now"]) == (10.0, -10.0)


def test_odd_weeks_are_the_first_the_third_and_so_on() -> None:
    days = pd.date_range("2017-11-06", periods=8, freq="7D")
    rows = [
        {"order_id": str(i), "ordered_at": f"{day.date()} 12:00:00", "net_amount": 10.0**i}
        for i, day in enumerate(days)
    ]
    rows.append({"order_id": "last", "ordered_at": NOW, "net_amount": 0.0})
    tables = tables_of(lines_of(*rows))
    row = paired_customers(tables, compare(tables, AS_OF, days=28)).iloc[0]
    assert (row["net_odd"], row["net_even"]) == (1_010_101.0, 10_101_010.0)


def test_without_a_prior_period_nothing_is_paired() -> None:
    tables = tables_of(lines_of({"ordered_at": NOW}))
    compared = compare(tables, AS_OF, days=28)
    for pairing in (paired_customers, paired_guests):
        with pytest.raises(NotApplicable, match="no prior period"):
            pairing(tables, compared)
