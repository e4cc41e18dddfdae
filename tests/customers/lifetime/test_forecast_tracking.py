"""Tracking adds up to what was bought and expected; customers in batches are valued as together."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from analysis.customers.lifetime import (
    bgnbd,
    forecast_tracking,
    gamma_gamma,
    purchase_counts,
)
from analysis.customers.lifetime.lifetime_value import ValueSettings, lifetime_value
from analysis.customers.lifetime.purchase_counts import PurchaseCounts
from analysis.customers.lifetime.valuation import values_in_batches
from analysis.tables.periods import Period
from tests.sales import AS_OF, shop, tables_of

HISTORY = Period.before(AS_OF, days=364)


# Ibis 12 asks DuckDB for batches by a name that DuckDB is about to drop.
@pytest.mark.filterwarnings("ignore:fetch_record_batch:DeprecationWarning")
def test_purchases_of_weeks_and_customers_in_batches_are_those_of_all_together() -> None:
    frames = shop(0, customers=120, days=400)
    tables = tables_of(frames["order_lines"], frames["products"])
    summary = purchase_counts.fetch(tables, HISTORY)
    weeks = purchase_counts.repeats_by_week(tables, HISTORY, until=HISTORY.end)
    assert weeks["repeats"].sum() == summary["repeats"].sum()
    assert weeks["week"].between(0, 51).all()
    early = summary[pd.to_datetime(summary["first_on"]) < pd.Timestamp("2017-02-01")]
    some = purchase_counts.repeats_by_week(tables, HISTORY, until=date(2017, 2, 1))
    assert some["repeats"].sum() == early["repeats"].sum()

    model = bgnbd.fit(PurchaseCounts.of(summary), modified=True)
    value = gamma_gamma.fit_value(summary)
    settings = ValueSettings(months=(3, 12), draws=10)
    batches = list(values_in_batches(tables, HISTORY, model, value, settings=settings, size=50))
    tables.close()
    assert max(map(len, batches)) <= 50
    streamed = pd.concat(batches).set_index("customer_id").sort_index()
    whole = lifetime_value(summary, model, value, history=HISTORY, settings=settings).customers
    whole = whole.set_index("customer_id").sort_index()[list(streamed)]
    pd.testing.assert_frame_equal(streamed, whole, check_dtype=False)


def test_expected_purchases_are_those_of_every_customer_from_the_first() -> None:
    """Week by week in cohorts against each customer's own expectation, in closed form."""
    rng = np.random.default_rng(0)
    start = date(2024, 1, 1)
    joined = rng.integers(0, 200, 150)
    customers = pd.DataFrame({"first_on": [start + timedelta(days=int(d)) for d in joined]})
    estimate = bgnbd.Estimate(bgnbd.NAMES, np.array([0.6, 5.0, 0.9, 2.5]), np.eye(4), 0.0)
    model = bgnbd.BetaGeometric(estimate)
    found = forecast_tracking._expected_by(model, customers, start, 40)
    for week in (5, 20, 40):
        lived = np.clip(7 * week - 1 - joined, 0, None) / 7
        assert found[week - 1] == pytest.approx(model.population(lived).sum(), rel=2e-3)
    assert (np.diff(found) > 0).all()


def test_intervals_held_by_hand() -> None:
    frame = pd.DataFrame(
        {
            "repeats": [0, 0, 3, 3, 3, 3], "margin_next": [0, 9, 5, 1, 20, 6],
            "expected": 4.0, "bottom": [0, 0, 2, 2, 2, 2], "top": [3, 3, 10, 10, 10, 10],
        }
    )  # fmt: skip
    once, repeat = forecast_tracking._held(frame, date(2024, 1, 1))
    assert (once["group"], once["held"], once["above"]) == ("one-time buyers", 0.5, 0.5)
    assert (repeat["customers"], repeat["held"]) == (4, 0.5)
    assert (repeat["below"], repeat["above"], repeat["actual"]) == (0.25, 0.25, 8.0)
    assert repeat["low"] < 0.5 < repeat["high"]
