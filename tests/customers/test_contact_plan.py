"""Contacts: what they could bring back against what they cost, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.customers.retention.decline import Fading
from analysis.customers.retention.win_back import ContactTerms, plan_contacts
from analysis.stats.resampling import Estimates

TERMS = ContactTerms(contact_cost=2.0, recovery_rate=0.10, horizon_days=91, compared_days=182)


def faded(*losses: float, error: float = 5.0) -> Fading:
    table = pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(len(losses) + 1)],
            "before": [2 * loss for loss in losses] + [50.0],
            "now": [*losses, 49.0],
            "loss": [*losses, 1.0],
            "loss_error": error,
            "p": 0.001,
            "status": ["fading"] * len(losses) + ["steady"],
        }
    )
    return Fading(table, 1.0, 0.01, len(table), len(losses), 1.0, 0.0, 3.0, 0.3, 0.1)


def comes_back(value: float, low: float, high: float, reason: str = "") -> Estimates:
    return Estimates(np.array([value]), np.array([low]), np.array([high]), [reason])


def test_the_sums_by_hand() -> None:
    plan = plan_contacts(faded(100.0, 30.0, 400.0), comes_back(0.2, 0.1, 0.3), TERMS)
    rows = plan.customers.set_index("customer_id")
    assert rows["at_risk"].to_dict() == pytest.approx({"c2": 160.0, "c0": 40.0, "c1": 12.0})
    assert rows["gain"].to_dict() == pytest.approx({"c2": 14.0, "c0": 2.0, "c1": -0.8})
    assert rows["break_even"].to_dict() == pytest.approx({"c2": 1 / 80, "c0": 0.05, "c1": 1 / 6})
    assert plan.chosen["customer_id"].tolist() == ["c2", "c0"]
    assert plan.value_at_risk == pytest.approx(530 * 0.8 / 2)
    assert plan.break_even == pytest.approx(6 / 212)
    assert plan.value_at_risk_low < plan.value_at_risk < plan.value_at_risk_high
    assert plan.break_even_low < plan.break_even < plan.break_even_high


def test_the_interval_holds_both_uncertainties() -> None:
    sure = comes_back(0.2, 0.2, 0.2)
    noise = plan_contacts(faded(100.0, 300.0, error=10.0), sure, TERMS)
    half = 1.959964 * np.hypot(10, 10) * 0.8 / 2
    assert noise.value_at_risk_high - noise.value_at_risk == pytest.approx(half)
    wide = plan_contacts(faded(100.0, 300.0, error=0.0), comes_back(0.2, 0.1, 0.4), TERMS)
    assert wide.value_at_risk_low == pytest.approx(400 * 0.6 / 2)
    assert wide.value_at_risk_high == pytest.approx(400 * 0.9 / 2)


def test_the_curve_crosses_zero_at_the_break_even() -> None:
    plan = plan_contacts(faded(100.0, 30.0, 400.0), comes_back(0.2, 0.1, 0.3), TERMS)
    rates, gain = plan.curve["recovery_rate"], plan.curve["all_gain"]
    assert np.interp(plan.break_even, rates, gain) == pytest.approx(0, abs=1e-9)
    assert gain.iloc[0] == -6.0
    at_assumed = np.interp(TERMS.recovery_rate, rates, gain)
    assert at_assumed == pytest.approx(plan.customers["gain"].sum())
    assert (plan.curve["best_gain"] >= gain.clip(lower=0) - 1e-9).all()
    best = np.interp(TERMS.recovery_rate, rates, plan.curve["best_gain"])
    assert best == pytest.approx(plan.chosen["gain"].sum())


def test_not_worth_it_is_an_answer() -> None:
    dear = ContactTerms(contact_cost=50.0, recovery_rate=0.1, horizon_days=182, compared_days=182)
    plan = plan_contacts(faded(100.0, 30.0), comes_back(0.2, 0.1, 0.3), dear)
    assert plan.chosen.empty
    assert (plan.customers["gain"] < 0).all()
    assert plan.break_even == pytest.approx(100 / 104)


def test_nothing_is_won_back_that_comes_back_by_itself() -> None:
    plan = plan_contacts(faded(100.0), comes_back(1.3, 1.0, 1.6), TERMS)
    assert plan.value_at_risk == 0.0
    assert np.isnan(plan.break_even)
    assert plan.customers["break_even"].isna().all()
    assert plan.chosen.empty


def test_a_fall_that_goes_on_is_not_made_larger() -> None:
    assert plan_contacts(faded(100.0), comes_back(-0.2, -0.4, 0.0), TERMS).value_at_risk == 50.0


def test_what_could_not_be_measured_is_not_taken_off_and_said() -> None:
    plan = plan_contacts(faded(100.0), comes_back(np.nan, np.nan, np.nan, "too few fell"), TERMS)
    assert plan.value_at_risk == 50.0
    assert plan.rebound_reason == "too few fell"
    measured = plan_contacts(faded(100.0), comes_back(0.5, np.nan, np.nan, "no interval"), TERMS)
    assert measured.value_at_risk == 25.0
    assert measured.rebound_reason == ""


def test_nobody_to_contact() -> None:
    plan = plan_contacts(faded(), comes_back(0.2, 0.1, 0.3), TERMS)
    assert plan.customers.empty
    assert (plan.value_at_risk, plan.value_at_risk_high) == (0.0, 0.0)
    assert np.isnan(plan.break_even)
    assert (plan.curve["all_gain"] == 0).all()


def test_a_contact_that_costs_nothing_always_pays() -> None:
    free = ContactTerms(contact_cost=0.0, recovery_rate=0.1, horizon_days=182, compared_days=182)
    plan = plan_contacts(faded(10.0), comes_back(0.0, 0.0, 0.0), free)
    assert plan.break_even == 0.0
    assert len(plan.chosen) == 1
