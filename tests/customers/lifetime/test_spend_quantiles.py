"""Quantiles of next spend: they hold where the world stays, and are called where it changes."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import mean_pinball_loss

from analysis.customers.lifetime.snapshots import FEATURES, Snapshot
from analysis.customers.lifetime.spend_quantiles import (
    ALIKE,
    QUANTILES,
    TREES,
    SpendForecast,
    pinball,
    spend_forecast,
)
from analysis.errors import NotApplicable
from analysis.tables.periods import Period

AS_OF = "2018-01-01"


def snapshot(seed: int, *, customers: int = 1_500, growth: float = 1.0) -> Snapshot:
    """Return customers whose spend next is gamma around a mean of two known features."""
    rng = np.random.default_rng(seed)
    rate, worth = rng.gamma(2.0, 1.0, customers), rng.lognormal(3, 0.6, customers)
    last, after = rng.poisson(rate), rng.poisson(rate)
    spent = after * worth * rng.gamma(4.0, 0.25, customers) * growth
    frame = pd.DataFrame(
        {
            "customer_id": [f"c{seed}-{i}" for i in range(customers)],
            "purchase_rate": rate,
            "basket_value": worth,
            "margin_last": last * worth * 0.3,
            "net_next": spent,
        }
    )
    frame = frame.reindex(columns=[*frame.columns, *sorted(set(FEATURES) - set(frame))])
    known = Period.before(AS_OF, days=182)
    after_period = Period(known.end, known.end + timedelta(days=91))
    return Snapshot(known, after_period, frame, 0)


@pytest.fixture(scope="module")
def found() -> SpendForecast:
    return spend_forecast([snapshot(1), snapshot(2), snapshot(3)], snapshot(4), seed=0)


def test_every_quantile_holds_where_nothing_changes(found: SpendForecast) -> None:
    assert found.chosen == TREES
    assert found.held["quantile"].tolist() == list(QUANTILES)
    # Learnt from some thousand customers, levels are off by their own error beside that of a count.
    near = (found.held["low"] - 0.02 <= found.held["quantile"]) & (
        found.held["quantile"] <= found.held["high"] + 0.02
    )
    assert near.all()
    row = found.row(TREES)
    # A quarter spend nothing, and an end of the interval at nothing holds all of them.
    assert 0.88 < row["coverage"] < 0.97
    assert abs(row["bias"]) < 0.08


def test_knowing_more_than_last_spend_pays(found: SpendForecast) -> None:
    """The rule knows last period's margin alone; rate and worth of a purchase tell more."""
    assert found.row(TREES)["pinball"] < 0.9 * found.row(ALIKE)["pinball"]
    assert found.row(TREES)["gini"] > found.row(ALIKE)["gini"]
    assert found.row(TREES)["gain_low"] > 0


def test_losses_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    quantiles, actual = (
        np.sort(rng.normal(size=(200, len(QUANTILES))), axis=1),
        rng.normal(size=200),
    )
    theirs = [
        mean_pinball_loss(actual, quantiles[:, place], alpha=q) for place, q in enumerate(QUANTILES)
    ]
    assert pinball(quantiles, actual).mean() == pytest.approx(np.mean(theirs))


def test_a_changed_world_is_called() -> None:
    past = [snapshot(1), snapshot(2), snapshot(3, growth=1.6)]
    found = spend_forecast(past, snapshot(4, growth=1.6), seed=0)
    assert found.row(found.chosen)["bias"] < -0.25
    assert not found.held.set_index("quantile")["holds"][[0.75, 0.95]].any()


def test_customers_today_have_quantiles_in_order(found: SpendForecast) -> None:
    named = [f"q{round(100 * q):02d}" for q in QUANTILES]
    assert (np.diff(found.customers[named], axis=1) >= 0).all()
    assert (found.customers[named] >= 0).all().all()
    assert found.learnt == 4_500


def test_too_little_to_learn_from_is_refused() -> None:
    with pytest.raises(NotApplicable, match=r"takes two past cut-offs \(1\)"):
        spend_forecast([snapshot(1, customers=120)], snapshot(2))
    empty = [snapshot(1, customers=120), snapshot(2, customers=120, growth=0.0)]
    with pytest.raises(NotApplicable, match="nobody spent"):
        spend_forecast(empty, snapshot(3))
