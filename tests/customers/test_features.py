"""One row a customer: against plain pandas on the real data, and on hand-made cases."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.customers.features import attributes, features
from analysis.tables.engine import Tables, in_memory
from analysis.tables.periods import Period

YEAR = Period.before("2018-01-01", days=365)
HALF = Period.before("2018-01-01", days=182)


@pytest.fixture(scope="module")
def all_lines(real: Tables) -> pd.DataFrame:
    """Return the real order lines; money as floats, for a million decimals take a minute."""
    lines = real.order_lines
    money = [name for name in lines.columns if name.endswith("_amount")]
    return lines.mutate(**{name: lines[name].cast("float64") for name in money}).to_pandas()


def by_pandas(lines: pd.DataFrame, period: Period) -> pd.DataFrame:
    start, end = pd.Timestamp(period.start), pd.Timestamp(period.end)
    lines = lines[(lines["ordered_at"] >= start) & (lines["ordered_at"] < end)].copy()
    money = lines.filter(regex="_amount$").columns
    lines[money] = (lines[money] * 100).round().astype("int64")
    customers = lines.groupby("customer_id").agg(
        orders=("order_id", "nunique"),
        lines=("order_id", "size"),
        net_amount=("net_amount", "sum"),
        list_amount=("list_amount", "sum"),
        discount_amount=("discount_amount", "sum"),
        coupon_amount=("coupon_amount", "sum"),
        last=("ordered_at", "max"),
    )
    recency = (end - customers.pop("last").dt.normalize()).dt.days
    cents = customers.filter(regex="_amount$").columns
    customers[cents] = customers[cents] / 100
    return customers.assign(recency_days=recency).sort_index().reset_index()


@pytest.mark.parametrize("period", [YEAR, HALF])
def test_the_real_customers_as_pandas_sees_them(
    real: Tables, all_lines: pd.DataFrame, period: Period
) -> None:
    expected = by_pandas(all_lines, period)
    got = features.fetch(real, period)[expected.columns.tolist()]
    pd.testing.assert_frame_equal(got, expected, check_exact=True)


def test_every_cent_of_the_year_is_somebody_s(real: Tables) -> None:
    customers = features.fetch(real, YEAR)
    assert len(customers) == 2_469
    assert customers["orders"].sum() == 155_848
    assert round(customers["net_amount"].sum() * 100) == 459_603_958


def shop(rows: list[tuple[str | None, str, str, float, float]]) -> Tables:
    names = ["customer_id", "order_id", "ordered_at", "quantity", "net_amount"]
    lines = pd.DataFrame(rows, columns=names).assign(product_id="p")
    lines["ordered_at"] = pd.to_datetime(lines["ordered_at"], format="ISO8601")
    products = pd.DataFrame({"product_id": ["p"], "department": ["d"], "category": ["c"]})
    return in_memory({"order_lines": lines, "products": products})


def test_a_return_subtracts_but_is_no_purchase() -> None:
    tables = shop(
        [
            ("a", "1", "2017-07-10", 2, 10.0),
            ("a", "2", "2017-08-10", -1, -5.0),
            ("b", "3", "2017-09-10", -1, -5.0),
        ]
    )
    got = features.fetch(tables, HALF).set_index("customer_id")
    assert got.loc["a", ["orders", "units", "net_amount", "basket_value"]].tolist() == [1, 1, 5, 5]
    assert got.loc["a", "last_order_on"] == pd.Timestamp("2017-07-10")
    assert got.loc["b", "orders"] == 0
    assert np.isnan(got.loc["b", "basket_value"])
    assert np.isnan(got.loc["b", "recency_days"])


def test_who_only_returned_goods_is_no_buyer_and_the_sums_add_up() -> None:
    """Buyers, who only gave back, and guests are net sales, to the cent."""
    tables = shop(
        [
            ("a", "1", "2017-07-10", 2, 10.0),
            ("a", "2", "2017-08-10", -1, -5.0),
            ("b", "3", "2017-09-10", -1, -5.25),
            ("c", "4", "2017-01-10", 1, 99.0),
            ("c", "5", "2017-09-11", -1, -99.0),
            ("d", "6", "2017-09-12", 1, 0.0),
            (None, "7", "2017-09-12", 1, 7.0),
            (None, "8", "2017-09-13", -1, -3.0),
        ]
    )
    buyers, covered = features.bought_in(tables, HALF), attributes.measure(tables, HALF)
    assert buyers["customer_id"].tolist() == ["a", "d"]
    assert (covered.returners, covered.returned_amount) == (2, -104.25)
    assert covered.buyers_amount == buyers["net_amount"].sum() == 5.0
    added = covered.buyers_amount + covered.returned_amount + covered.guest_amount
    assert added == covered.net_amount == -95.25
    empty = attributes.measure(tables, Period.before("2016-01-01", days=30))
    assert (empty.returners, empty.returned_amount) == (0, 0.0)
    habits = features.buying_habits(tables, HALF)
    assert habits["customer_id"].tolist() == ["a", "d"]


def test_guests_are_nobody() -> None:
    got = features.fetch(shop([(None, "1", "2017-07-10", 1, 1.0)]), HALF)
    assert got.empty


def test_the_day_of_the_period_s_end_is_outside() -> None:
    tables = shop([("a", "1", "2017-12-31 23:59:59", 1, 1.0), ("a", "2", "2018-01-01", 1, 1.0)])
    got = features.fetch(tables, HALF)
    assert got[["orders", "recency_days"]].to_numpy().tolist() == [[1, 1]]


BEFORE = [("a", "1", "2017-08-01", 1.0, 1.0), ("b", "2", "2017-12-31 10:00", 1.0, 2.0)]


@settings(max_examples=3, deadline=None)
@given(st.lists(st.lists(st.integers(0, 400), max_size=6), min_size=10, max_size=10))
def test_nothing_after_the_period_is_known(worlds: list[list[int]]) -> None:
    """Ten pasts of one shop, each with a future of its own: ten times as many customers."""
    rows = []
    for n, later in enumerate(worlds):
        rows += [(f"{n}-{who}", f"{n}-{order}", *rest) for who, order, *rest in BEFORE]
        ends = pd.Timestamp("2018-01-01")
        rows += [
            (f"{n}-a", f"{n}-f{i}", str(ends + pd.Timedelta(hours=h)), 1.0, 99.0)
            for i, h in enumerate(later)
        ]
    found, known = features.fetch(shop(rows), HALF), features.fetch(shop(BEFORE), HALF)
    expected = [known.assign(customer_id=f"{n}-" + known["customer_id"]) for n in range(10)]
    pd.testing.assert_frame_equal(found, pd.concat(expected, ignore_index=True))
