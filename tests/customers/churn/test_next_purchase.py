"""Next purchase dates come true where nobody is lost; value at risk and break-even by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.customers.churn import next_purchase
from analysis.customers.churn.retention_value import retention_value
from analysis.errors import ParamsError
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
