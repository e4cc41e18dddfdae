"""The whole forecast of churn: learnt on earlier cut-offs, told of today."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analysis.customers.churn.churn_forecast import ChurnForecast, churn_forecast
from analysis.customers.churn.retention_value import value_at_risk
from analysis.customers.lifetime.lifetime_value import LifetimeValue
from analysis.errors import NotApplicable
from tests.customers.churn.test_churn_model import DAYS, snapshot


@pytest.fixture(scope="module")
def forecast() -> ChurnForecast:
    past = [snapshot(seed, losing=1 / 400) for seed in (1, 2, 3)]
    today = replace(snapshot(4, losing=1 / 400), outcome=None)
    today = replace(today, customers=today.customers.drop(columns="silent"))
    return churn_forecast(past, today, days=DAYS)


def test_every_later_cutoff_is_checked_with_every_model(forecast: ChurnForecast) -> None:
    assert len(forecast.scores) == 2 * 3
    assert len(forecast.labelled) == 3
    best = forecast.scores.groupby("model")["brier"].mean()
    assert forecast.chosen == best.idxmin()


def test_today_is_told_as_likely_as_the_past_was(forecast: ChurnForecast) -> None:
    """The shops are alike: so must be the share churned before and the mean risk now."""
    past = forecast.labelled["share"].mean()
    assert forecast.customers["churn"].mean() == pytest.approx(past, abs=0.05)
    assert forecast.customers["churn"].is_monotonic_decreasing


def test_reasons_are_in_words(forecast: ChurnForecast) -> None:
    riskiest = forecast.customers.head(50)["why"]
    assert riskiest.str.contains("days since the last purchase").mean() > 0.5


def test_the_same_population_has_not_drifted(forecast: ChurnForecast) -> None:
    known = forecast.drift.dropna()
    assert (known["psi"] < 0.1).all()


def test_a_population_that_changed_has(forecast: ChurnForecast) -> None:
    past = [snapshot(seed, losing=1 / 400) for seed in (1, 2)]
    today = snapshot(5, losing=1 / 400)
    faster = today.customers.assign(purchases_last=today.customers["purchases_last"] * 3)
    found = churn_forecast(past, replace(today, customers=faster), days=DAYS)
    assert found.drift["feature"].iloc[0] == "purchases_last"
    assert found.drift["psi"].iloc[0] > 0.25


def test_one_past_cutoff_is_not_enough() -> None:
    with pytest.raises(NotApplicable, match=r"fewer than two past cut-offs \(1\)"):
        churn_forecast([snapshot(1, losing=1 / 400)], snapshot(2, losing=0.0), days=DAYS)


def test_value_at_risk_is_that_of_whom_is_asked_about(forecast: ChurnForecast) -> None:
    ids = forecast.customers["customer_id"]
    table = forecast.customers[["customer_id"]].assign(value_12=50.0, alive=1.0)
    values = LifetimeValue(table, table.iloc[:0], "BG/NBD", "Gamma-Gamma")
    found = value_at_risk(forecast, values, months=12, cost=1.0)
    assert len(found.customers) == len(ids)
    assert found.groups.iloc[-1]["at_risk"] == pytest.approx(50 * forecast.customers["churn"].sum())
    assert np.isfinite(found.customers["break_even"]).all()
