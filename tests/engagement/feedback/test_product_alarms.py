"""Early warning: what is defective is called, what is not seldom, and never for want of data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.engagement.feedback import product_alarms
from analysis.engagement.feedback.product_alarms import _Counts, _false_alarms, _judged
from analysis.errors import NotApplicable
from tests.engagement.feedback.answers import PERIOD, feedback_of, tables_of
from tests.sales import catalogue

GROUPS = np.repeat(np.arange(4), 25)


def counts(rng: np.random.Generator, *, bad: int | None = None, spread: float = 1.0) -> _Counts:
    """Return sales of a hundred products, number ``bad`` defective."""
    lines = rng.integers(60, 3_000, 100).astype(float)
    rate = np.full(100, 0.03)
    mean = lines * rate
    if spread > 1:
        mean = rng.gamma(mean / (spread - 1), spread - 1)
    if bad is not None:
        mean[bad] *= 5
    reviews = rng.poisson(lines * 0.006).astype(float)
    low = np.full(100, 0.05)
    if bad is not None:
        low[bad] = 0.7
    said = rng.binomial(reviews.astype(int), low).astype(float)
    return _Counts(lines, rng.poisson(mean).astype(float), reviews, said)


@pytest.mark.parametrize("spread", [1.0, 2.5])
def test_shops_without_a_defective_product_seldom_have_an_alarm(spread: float) -> None:
    rng = np.random.default_rng(int(10 * spread))
    alarms = sum(
        bool(_judged(counts(rng, spread=spread), GROUPS)["alarm"].any()) for _ in range(120)
    )
    assert alarms <= 14  # at 5 %, six are expected; more than 14 has a chance of 1 in 1,000


def test_the_defective_product_is_called_and_called_alone() -> None:
    rng = np.random.default_rng(2)
    found, others = 0, 0
    for n in range(60):
        alarm = _judged(counts(rng, bad=n), GROUPS)["alarm"]
        found += bool(alarm[n])
        others += int(alarm.sum() - alarm[n])
    assert found >= 57
    assert others <= 9


def test_the_simulated_false_alarm_rate_is_the_one_that_shops_have() -> None:
    rng = np.random.default_rng(5)
    assert _false_alarms(counts(rng, bad=3), GROUPS, 1.0, seed=1) <= 0.12


def test_products_that_never_come_back_do_not_make_the_others_look_bad() -> None:
    rng = np.random.default_rng(4)
    alarms = 0
    for _ in range(40):
        all_ = counts(rng)
        never = np.arange(100) % 2 == 0
        kept = _Counts(all_.lines, np.where(never, 0.0, all_.returned), all_.reviews, all_.bad)
        alarms += bool(_judged(kept, GROUPS)["alarm"].any())
    assert alarms <= 7


def test_returns_are_read_from_the_tables_month_by_month() -> None:
    rng = np.random.default_rng(1)
    lines, order = [], 0
    for product in range(12):
        for day in rng.integers(0, 360, 200):
            order += 1
            when = pd.Timestamp("2017-01-01") + pd.Timedelta(days=int(day))
            base = {"order_id": f"o{order}", "product_id": f"p{product}"}
            lines.append({**base, "ordered_at": str(when)})
            worse = product == 7 and when >= pd.Timestamp("2017-06-01")
            if rng.random() < (0.30 if worse else 0.03):
                lines.append(
                    {**base, "ordered_at": str(when), "quantity": -1.0, "net_amount": -10.0}
                )
    tables = tables_of(feedback_of({}), *lines, products=catalogue(*(f"p{i}" for i in range(12))))
    found = product_alarms.warn(tables, PERIOD)
    called = found.products[found.products["alarm"]]
    assert list(called["product_id"]) == ["p7"]
    assert called["signs"].iloc[0] == "returns"
    assert pd.Timestamp("2017-06-01") <= called["since"].iloc[0] <= pd.Timestamp("2017-09-01")


def test_without_sales_of_any_product_there_is_a_sentence() -> None:
    rows = [{}, {"quantity": -1.0, "net_amount": -10.0}]
    with pytest.raises(NotApplicable, match="No product has 50 lines sold"):
        product_alarms.warn(tables_of(feedback_of({}), *rows), PERIOD)
    with pytest.raises(NotApplicable, match="Nothing was returned"):
        product_alarms.warn(tables_of(feedback_of({}), {}), PERIOD)
