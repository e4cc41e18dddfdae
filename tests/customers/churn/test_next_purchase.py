"""Next purchase dates come true; value at risk, break-even effect and profit curve by hand."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta

from analysis.customers.churn import next_purchase
from analysis.customers.churn.churn_evaluation import RetentionOffer
from analysis.customers.churn.retention_value import (
    accepted_when_tried,
    offer_for,
    profit_curve,
    retention_value,
)
from analysis.customers.lifetime.lifetime_value import LifetimeValue
from analysis.errors import NotApplicable, ParamsError
from tests.customers.churn.test_churn_evaluation import maximum_profit
from tests.customers.churn.test_churn_model import CUTOFF, snapshot


def test_dates_come_true_in_a_shop_that_loses_nobody() -> None:
    shop = snapshot(0, losing=0.0)
    table = next_purchase.forecast(shop)
    assert (table["days_low"] <= table["days"]).all()
    assert (table["days"] <= table["days_high"]).all()
    assert (table["next_on"] >= pd.Timestamp(CUTOFF)).all()
    for row in next_purchase.check(shop).itertuples():
        # Gaps are whole days, drawn on a finer scale: a day's share is within the tolerance.
        assert row.came == pytest.approx(row.quantile, abs=4 * row.error + 0.05)


def test_the_lost_come_less_often_than_forecast() -> None:
    found = next_purchase.check(snapshot(1, losing=1 / 200)).set_index("quantile")
    assert found["came"][0.9] < 0.9 - 4 * found["error"][0.9]


def test_dates_calibrated_at_earlier_cut_offs_hold_where_customers_are_lost() -> None:
    """Four shops of one kind: three to learn from, by whose losses the fourth's dates hold."""
    past = [snapshot(seed, losing=1 / 200) for seed in (2, 3, 4)]
    now = snapshot(5, losing=1 / 200)
    found = next_purchase.check(now, past)
    assert ((found["came"] - found["quantile"]).abs() < 4 * found["error"] + 0.02).all()
    worst = (found["by_model_alone"] - found["quantile"]).abs().max()
    assert (found["came"] - found["quantile"]).abs().max() < worst / 2
    # Of customers silent for long fewer than nine in ten ever come: no day can be named for them.
    dates = next_purchase.forecast(now, past)
    undated = dates["next_high"].isna()
    assert dates["silence_days"][undated].median() > dates["silence_days"][~undated].median()
    assert 0 < found["undated"].iloc[-1] < len(dates)
    assert found["undated"].is_monotonic_increasing


def test_nobody_lost_needs_no_calibration() -> None:
    """Learnt from shops that lose nobody, the dates stay about those of the model."""
    now, past = snapshot(6, losing=0.0), [snapshot(7, losing=0.0), snapshot(8, losing=0.0)]
    own, learnt = next_purchase.forecast(now), next_purchase.forecast(now, past)
    assert learnt["days"].median() == pytest.approx(own["days"].median(), rel=0.10)


def frames(
    churn: list[float], value: list[float], alive: float = 1.0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    ids = [f"c{i}" for i in range(len(churn))]
    return (
        pd.DataFrame({"customer_id": ids, "churn": churn}),
        pd.DataFrame({"customer_id": ids, "value": value, "alive": alive}),
    )


def test_value_at_risk_and_break_even_by_hand() -> None:
    """Ten customers of 100 at 20 %: 200 at risk; a contact at 2 must keep a tenth of the lost."""
    found = retention_value(*frames([0.2] * 10, [100.0] * 10), cost=2.0)
    whole = found.groups.set_index("group").loc["All"]
    assert whole["at_risk"] == pytest.approx(200)
    assert whole["break_even"] == pytest.approx(0.1)
    assert found.groups["customers"].tolist() == [1, 4, 5, 10]
    assert found.groups["at_risk_share"].iloc[:3].sum() == pytest.approx(1)


def test_kept_value_is_that_of_somebody_alive() -> None:
    found = retention_value(*frames([0.5] * 4, [30.0] * 4, alive=0.6), cost=1.0)
    np.testing.assert_allclose(found.customers["kept_value"], 50.0)


def test_who_brings_nothing_can_never_pay() -> None:
    found = retention_value(*frames([0.5, 0.5, 0.0], [-5.0, 100.0, 100.0]), cost=1.0)
    assert found.groups.set_index("group").loc["All", "can_pay"] == 1
    assert np.isinf(found.customers["break_even"]).sum() == 2


def test_a_contact_that_costs_nothing_is_refused() -> None:
    with pytest.raises(ParamsError, match="contact_cost must be above 0"):
        retention_value(*frames([0.5], [1.0]), cost=0.0)


def tried(seed: int, *, customers: int = 400) -> pd.DataFrame:
    """Return one randomised offer of two arms: 8 % come alone, 30 % of the others when asked."""
    rng = np.random.default_rng(seed)
    alone = rng.binomial(customers, 0.08) / customers
    back = rng.binomial(customers, 0.08 + 0.92 * 0.30, 2) / customers
    return pd.DataFrame(
        {
            "promotion_id": "W1", "arm": ["a", "b"], "customers": customers, "control": customers,
            "returned": back, "returned_control": alone,
        }
    )  # fmt: skip


def test_acceptance_is_measured_with_its_uncertainty() -> None:
    """80 % intervals of 200 trials hold the true 30 % in about 160; the offer tells the same."""
    drawn = [accepted_when_tried(tried(seed)) for seed in range(200)]
    ends = np.quantile(drawn, [0.1, 0.9], axis=1)
    inside = (ends[0] <= 0.30) & (ends[1] >= 0.30)
    assert abs(inside.mean() - 0.80) < 0.08
    table = pd.DataFrame({"value_12": [100.0, 50.0, 9.0], "alive": [1.0, 0.5, np.nan]})
    values = LifetimeValue(table, table, "BG/NBD", "Gamma-Gamma")
    offer = offer_for(values, months=12, incentive=5.0, contact=1.0, tried=tried(0))
    mean = offer.accepted_a / (offer.accepted_a + offer.accepted_b)
    assert mean == pytest.approx(drawn[0].mean(), rel=1e-6)
    found = beta(offer.accepted_a, offer.accepted_b).ppf([0.1, 0.9])
    assert found == pytest.approx(ends[:, 0], abs=0.005)
    assert (offer.value, offer.measured) == (100.0, 1_200)
    assumed = offer_for(values, months=12, incentive=5.0, contact=1.0)
    assert (assumed.accepted_a, assumed.accepted_b, assumed.measured) == (6.0, 14.0, 0)


def test_profit_curve_is_that_of_contacting_by_hand() -> None:
    """A tenth of 100 with 40 lost: 40 x (0.3 x 190 - 1) - 60 x 11 = 1,580 over 200 customers."""
    deciles = pd.DataFrame({"customers": [100, 100], "lost": [40, 2]})
    offer = RetentionOffer(accepted_a=300.0, accepted_b=700.0, measured=500)
    asked = SimpleNamespace(deciles=deciles, offer=offer)
    curve = profit_curve(asked, confidence=0.8)
    assert curve["share"].tolist() == [0.0, 0.5, 1.0]
    second = 2 * 56 - 98 * 11
    assert curve["profit"].tolist() == pytest.approx([0.0, 1_580 / 200, (1_580 + second) / 200])
    assert (curve["low"] <= curve["profit"]).all()
    assert (curve["profit"] <= curve["high"]).all()
    best = maximum_profit(np.arange(200) % 100 < np.where(np.arange(200) < 100, 40, 2),
                          (np.arange(200) < 100).astype(float), offer, 0.3)  # fmt: skip
    assert curve["profit"].max() == pytest.approx(best.profit)
    with pytest.raises(NotApplicable, match="no randomised offer to silent customers"):
        profit_curve(SimpleNamespace(deciles=deciles, offer=RetentionOffer()), confidence=0.8)
