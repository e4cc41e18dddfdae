"""Weekly totals: exact, and honest about what is not covered."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.customers.features import attributes, features, weekly
from analysis.errors import NotApplicable, ParamsError
from analysis.tables.engine import Tables, in_memory
from analysis.tables.periods import Period
from tests.customers.populations import shoppers, weekly_of

FOUR_WEEKS = Period.before("2018-01-01", days=28)


def frames() -> dict[str, pd.DataFrame]:
    lines = {
        "order_id": ["a", "b", "c", "d", "e", "f"],
        "customer_id": ["one", "one", "two", None, "two", "one"],
        "product_id": ["p", "q", "p", "p", "p", "p"],
        "ordered_at": pd.to_datetime(
            [
                "2017-12-04 00:00",
                "2017-12-24 23:59",
                "2017-12-11 08:00",
                "2017-12-12 08:00",
                "2017-12-31 23:59",
                "2018-01-01 00:00",
            ]
        ),
        "quantity": [1.0, 1, 1, 1, -1, 1],
        "net_amount": [10.25, 4.00, 8.10, 99.0, -3.10, 50.0],
    }
    products = {"product_id": ["p"], "department": ["D"], "category": ["C"], "margin_rate": [0.2]}
    return {"order_lines": pd.DataFrame(lines), "products": pd.DataFrame(products)}


def shop() -> Tables:
    return in_memory(frames(), default_margin_rate=0.5)


def test_each_week_holds_its_own_lines_and_no_guest() -> None:
    found = weekly.fetch(shop(), FOUR_WEEKS)
    assert found.customers.tolist() == ["one", "two"]
    assert (found.net_amount / 1e6).tolist() == [[10.25, 0, 4, 0], [0, 8.10, 0, -3.10]]
    assert (found.margin_amount / 1e6).tolist() == [[2.05, 0, 2, 0], [0, 1.62, 0, -0.62]]
    assert found.gap == ""
    halves = found.halves()
    assert halves is not None
    assert halves["net_before"].tolist() == [10.25, 8.10]
    assert halves["net_now"].tolist() == [4.0, -3.10]
    assert str(found.before) == "4 Dec 2017 to 17 Dec 2017"
    assert str(found.now) == "18 Dec 2017 to 31 Dec 2017"


def test_who_only_returned_goods_is_no_buyer_of_the_weeks() -> None:
    given = frames()
    back = {"order_id": "g", "customer_id": "three", "product_id": "p", "quantity": -1.0}
    back |= {"ordered_at": pd.Timestamp("2017-12-12"), "net_amount": -5.0}
    lines = pd.concat([given["order_lines"], pd.DataFrame([back])], ignore_index=True)
    tables = in_memory(given | {"order_lines": lines}, default_margin_rate=0.5)
    found = weekly.fetch(tables, FOUR_WEEKS)
    assert found.customers.tolist() == ["one", "two"]
    assert (found.net_amount / 1e6).tolist() == [[10.25, 0, 4, 0], [0, 8.10, 0, -3.10]]
    bought = features.bought_in(tables, FOUR_WEEKS)["customer_id"]
    assert found.customers.tolist() == bought.tolist()
    with pytest.raises(NotApplicable, match="No known customer bought anything"):
        weekly.fetch(in_memory(given | {"order_lines": lines.tail(1)}), FOUR_WEEKS)


def test_the_real_weeks_add_up_to_the_real_customers(real: Tables) -> None:
    period = Period.before("2018-01-01", days=364)
    found = weekly.fetch(real, period)
    customers = features.fetch(real, period)
    assert found.customers.tolist() == customers["customer_id"].tolist()
    for name in ("net_amount", "margin_amount"):
        sums = found.of(name).sum(axis=1) / 1e6
        np.testing.assert_allclose(sums, customers[name], rtol=0, atol=1e-9)
    assert found.of("net_amount").shape == (2_469, 52)


def test_halves_that_are_not_whole_weeks_are_refused() -> None:
    with pytest.raises(ParamsError, match="compare_days that 7 divides"):
        weekly.fetch(shop(), Period.before("2018-01-01", days=30))


def test_nobody_bought() -> None:
    with pytest.raises(NotApplicable, match="No known customer bought"):
        weekly.fetch(shop(), Period.before("2016-01-01", days=28))


def test_orders_that_start_late_leave_a_gap() -> None:
    found = weekly.fetch(shop(), Period.before("2018-01-01", days=56))
    assert "Orders start on 4 Dec 2017" in found.gap
    assert found.halves() is None
    with pytest.raises(NotApplicable, match="shorter halves"):
        found.require()


def test_a_half_that_brought_nothing_leaves_a_gap() -> None:
    shops = frames()
    shops["order_lines"].loc[4, "net_amount"] = -9.0
    found = weekly.fetch(in_memory(shops, default_margin_rate=0.5), FOUR_WEEKS)
    assert "brought nothing in one of the halves" in found.gap


def test_neighbouring_weeks_of_stable_shoppers_do_not_correlate() -> None:
    generator = np.random.default_rng(1)
    steady = weekly_of(shoppers(3_000, 24, generator))
    assert abs(steady.serial_correlation()) < 0.03
    in_pairs = weekly_of(np.repeat(shoppers(3_000, 12, generator), 2, axis=1))
    assert in_pairs.serial_correlation() > 0.3
    assert np.isnan(weekly_of(np.ones((3, 4))).serial_correlation())


def test_what_is_covered_and_what_is_a_guest_s() -> None:
    found = attributes.measure(shop(), FOUR_WEEKS)
    assert (found.all_lines, found.lines, found.guest_lines) == (6, 5, 1)
    assert found.net_amount == pytest.approx(118.25)
    assert found.guest_amount == 99.0
    assert found.known_amount == 19.25
    assert found.margin_amount == pytest.approx(2.05 + 2 + 1.62 - 0.62 + 19.8)


def test_nothing_in_the_period_is_nothing() -> None:
    found = attributes.measure(shop(), Period.before("2016-01-01", days=28))
    assert (found.lines, found.net_amount, found.known_amount) == (0, 0.0, 0.0)
