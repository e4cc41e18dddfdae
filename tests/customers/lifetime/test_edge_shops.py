"""Shops of which little can be forecast: the reason in a sentence, or the right number."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from analysis.customers.churn import churn_label, next_purchase
from analysis.customers.lifetime import bgnbd, gamma_gamma, purchase_counts, snapshots
from analysis.customers.lifetime.lifetime_value import (
    ValueSettings,
    gates,
    lifetime_value,
    require_gates,
)
from analysis.customers.lifetime.purchase_counts import PurchaseCounts
from analysis.customers.lifetime.value_scorecard import scorecard
from analysis.errors import NotApplicable
from analysis.tables.periods import Period
from tests.sales import catalogue, tables_of

YEAR = Period(date(2017, 1, 1), date(2018, 1, 1))


def orders(days: dict[str, list[int]], *, net: float = 10.0, cost: float = 6.0) -> pd.DataFrame:
    """Return one line an order, by customer ("" is a guest) and day of the year."""
    rows = [(name, day) for name, each in days.items() for day in each]
    frame = pd.DataFrame(rows, columns=["customer_id", "day"])
    start = pd.Timestamp("2017-01-01 10:00")
    return pd.DataFrame(
        {
            "order_id": [f"o{i}" for i in range(len(frame))],
            "customer_id": frame["customer_id"].replace("", None),
            "product_id": "p1",
            "ordered_at": start + pd.to_timedelta(frame["day"], unit="D"),
            "quantity": 1.0,
            "net_amount": net,
            "cost_amount": cost,
        }
    )


def fetched(lines: pd.DataFrame) -> pd.DataFrame:
    tables = tables_of(lines, catalogue("p1"))
    found = purchase_counts.fetch(tables, YEAR)
    tables.close()
    return found


def regulars(seed: int, *, until: int = 365, customers: int = 300) -> dict[str, list[int]]:
    rng = np.random.default_rng(seed)
    return {
        f"c{i:03d}": np.flatnonzero(rng.random(until) < rng.gamma(2.0, 0.02)).tolist()
        for i in range(customers)
    }


@pytest.mark.parametrize(
    ("days", "says"),
    [
        ({f"c{i}": [30 * i, 364] for i in range(10)}, "10 customers with a purchase"),
        ({f"c{i}": [i % 360] for i in range(400)}, "0 customers with a repeat purchase"),
        (
            {f"c{i}": [200] for i in range(400)},
            "165 days since the last purchase of anybody",
        ),
        (regulars(0, until=150), "days since the last purchase of anybody .at most 30 needed"),
        ({"": list(range(300))}, "0 customers with a purchase"),
    ],
)
def test_what_cannot_be_forecast_is_refused(days: dict[str, list[int]], says: str) -> None:
    with pytest.raises(NotApplicable, match=says):
        require_gates(gates(fetched(orders(days)), YEAR))


def test_guests_count_for_nobody() -> None:
    found = fetched(orders({**regulars(1, customers=120), "": list(range(365))}))
    assert len(found) <= 120
    require_gates(gates(found, YEAR))


def test_two_orders_of_a_day_are_one_purchase_and_returns_take_away() -> None:
    lines = orders({"c1": [0, 0, 70]})
    back = lines.iloc[[0]].assign(
        order_id="r1", quantity=-1.0, net_amount=-4.0, cost_amount=-2.0,
        ordered_at=pd.Timestamp("2017-02-01"),
    )  # fmt: skip
    found = fetched(pd.concat([lines, back])).iloc[0]
    assert (found["repeats"], found["recency"], found["observed"]) == (1, 10.0, 364 / 7)
    assert found["net_amount"] == pytest.approx(26.0)
    assert found["margin_amount"] == pytest.approx(10.0)
    assert found["margin_squares"] == pytest.approx(8.0**2 + 4.0**2)


def test_equal_customers_of_negative_margin_are_expected_to_cost() -> None:
    """All purchases lose 2: the value of every customer is minus 2 per purchase expected."""
    found = fetched(orders(regulars(2), net=4.0, cost=6.0))
    model = bgnbd.fit(PurchaseCounts.of(found), modified=True)
    values = lifetime_value(
        found, model, gamma_gamma.fit_value(found), history=YEAR,
        settings=ValueSettings(months=(3,), discount=0.0, draws=50),
    )  # fmt: skip
    table = values.customers
    np.testing.assert_allclose(table["value_3"], -2 * table["purchases_3"], rtol=1e-9)
    assert (table["high_3"] <= 0).all()


def test_a_shop_that_brings_losses_has_no_contest_of_values() -> None:
    tables = tables_of(orders(regulars(3), net=4.0, cost=6.0), catalogue("p1"))
    past = snapshots.fetch_all(tables, YEAR, horizon_days=91, gap_days=14, most=2)
    with pytest.raises(NotApplicable, match="all customers together brought no margin"):
        scorecard(past)
    tables.close()


def test_nobody_who_comes_twice_has_no_rhythm_to_be_lost_from() -> None:
    tables = tables_of(orders({f"c{i}": [i % 300] for i in range(200)}), catalogue("p1"))
    today = snapshots.fetch(tables, YEAR, horizon_days=91, outcome=False)
    tables.close()
    with pytest.raises(NotApplicable, match=r"fewer than 30 customers \(0\) bought on two days"):
        churn_label.labels(today, days=91)
    with pytest.raises(NotApplicable, match=r"fewer than 30 customers \(0\) bought on two days"):
        next_purchase.forecast(today)


def test_history_begins_with_the_first_order() -> None:
    """Eighty days of orders are eighty days of history, however many are asked for."""
    tables = tables_of(orders({f"c{i}": [300, 340] for i in range(5)}), catalogue("p1"))
    history = purchase_counts.observed_history(tables, YEAR)
    assert history == Period(date(2017, 10, 28), date(2018, 1, 1))
    with pytest.raises(NotApplicable, match="There is no order from 1 Jan 2016 to 31 Dec 2016"):
        purchase_counts.observed_history(tables, Period(date(2016, 1, 1), date(2017, 1, 1)))
    tables.close()


def test_snapshots_of_guests_only_are_empty() -> None:
    tables = tables_of(orders({"": list(range(300))}), catalogue("p1"))
    found = snapshots.fetch(tables, YEAR, horizon_days=91, outcome=False)
    tables.close()
    assert found.customers.empty
