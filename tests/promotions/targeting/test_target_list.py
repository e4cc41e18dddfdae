"""The one ruling per customer: what was measured is used, every limit and rule is kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis import promotions
from analysis.answers import NotGiven
from analysis.promotions.planning.targeting.eligibility import as_if_consented, eligible
from analysis.promotions.planning.targeting.incremental_ranking import BREAK_EVEN, RANDOMISED
from analysis.tables.engine import Tables, in_memory
from tests.promotions.targeting.shop import (
    COSTS,
    EFFECTS,
    IDS,
    frames,
    measured,
    people,
    plan,
    rules,
    tables,
    terms,
)


@pytest.fixture(scope="module")
def shop() -> Tables:
    return tables()


@pytest.fixture(scope="module")
def past(shop: Tables):
    return measured(shop)


@pytest.fixture(scope="module")
def ready(shop: Tables, past):
    return plan(shop, eligible(shop, people(shop), rules()), past)


@pytest.fixture(scope="module")
def listed(ready):
    return promotions.chosen(*ready, terms())


def test_past_contacts_are_told_by_channel_depth_and_state(past):
    cells = past.cells.set_index(["promotion_id", "state"])
    assert cells.loc["E", "channel"].unique().tolist() == ["email"]
    assert cells.loc["S", "channel"].unique().tolist() == ["sms"]
    assert cells.loc[("E", "active"), "depth"] == pytest.approx(0.1)
    assert cells.loc[("S", "active"), "depth"] == 0.0


def test_what_was_planted_is_inside_the_intervals():
    held = []
    for seed in range(2, 6):
        cells = measured(tables(seed)).cells
        active = cells[cells["state"] == "active"].set_index("promotion_id")
        for key, truth in EFFECTS.items():
            row = active.loc[key]
            held.append(abs(row["effect"] - truth) <= 1.96 * row["error"])
    assert sum(held) >= 6


def test_every_customer_has_one_ruling_and_a_reason(listed):
    table = listed.rulings
    assert table["customer_id"].tolist() == IDS
    assert set(table["ruling"]) == {"contact", "hold out", "leave alone"}
    assert (table["reason"] != "").all()
    away = table["ruling"] == "leave alone"
    assert (table.loc[away, ["channel", "offer", "arm"]] == "").all().all()
    assert (table.loc[away, "cost"] == 0).all()
    assert table.loc[away, ["expected_margin", "low", "high"]].isna().all().all()
    there = table[~away]
    assert (there["low"] < there["expected_margin"]).all()
    assert (there["expected_margin"] < there["high"]).all()
    assert (there["expected_margin"] > 0).all()


def test_no_limit_is_exceeded_and_nobody_is_target_and_held_out(listed):
    targets = listed.targets
    assert targets["cost"].sum() <= 20.0 + 1e-9
    assert (targets["channel"] == "sms").sum() <= 60
    held = listed.listed[listed.listed["arm"] == "holdout"]
    assert not set(targets["customer_id"]) & set(held["customer_id"])
    assert len(held) == round(0.2 * len(listed.listed))
    assert listed.balance["difference"].abs().max() < 0.35
    assert listed.limits.set_index("limit").loc["budget", "used"] == pytest.approx(
        targets["cost"].sum()
    )


def test_a_limited_number_of_an_offer_is_respected_and_the_rest_get_another(shop: Tables, past):
    left = eligible(shop, people(shop), rules())
    _, expected, offers, channels = plan(shop, left, past)
    offers = replace(offers, allowed=np.ones_like(offers.allowed))
    ready = left, expected, offers, channels
    free, few = (
        promotions.chosen(*ready, terms(quota=quota, holdout=0.0))
        for quota in ({}, {"0.1": 12, "0.0": 900})
    )
    assert (free.targets["depth"] == 0.1).sum() > 12
    assert (few.targets["depth"] == 0.1).sum() == 12
    assert (few.targets["depth"] == 0.0).sum() > (free.targets["depth"] == 0.0).sum()
    row = few.limits.set_index("limit").loc["10 % off"]
    assert (row["most"], row["used"]) == (12, 12)
    assert few.total["gain"] <= free.total["gain"] * (1 + 1e-3)


def test_nobody_is_contacted_without_consent_or_against_a_rule(ready, listed, shop: Tables):
    given = shop.customers.to_pandas().set_index("customer_id")
    for row in listed.listed.itertuples():
        assert given.loc[row.customer_id, f"consent_{row.channel}"]
    stopped = ready[0].customers.set_index("customer_id")["stopped"]
    assert (stopped[listed.listed["customer_id"]] == "").all()


def test_the_expected_margin_is_the_measured_one_less_the_contact(listed, past):
    cells = past.cells.set_index(["channel", "state"])["shrunk"]
    active = listed.targets[listed.targets["stratum"].str.startswith("active")]
    for channel in ("email", "sms"):
        own = active[active["channel"] == channel]
        # A customer's own response moves it by half or twice at most.
        ratio = (own["expected_margin"] + COSTS[channel]) / cells[(channel, "active")]
        assert ratio.between(0.5, 2.0).all()
        assert ratio.mean() == pytest.approx(1.0, abs=0.25)


def test_the_same_list_comes_again(ready, listed):
    again = promotions.chosen(*ready, terms())
    pd.testing.assert_frame_equal(again.rulings, listed.rulings)


def test_exact_and_by_prices_the_list_brings_the_same(ready):
    exact, prices = (
        promotions.chosen(*ready, terms(method=method, holdout=0.0))
        for method in ("exact", "prices")
    )
    assert prices.total["gain"] == pytest.approx(exact.total["gain"], rel=1e-3)
    assert prices.total["gain"] <= exact.total["gain"] * (1 + 1e-6)


def test_delisted_products_are_not_offered_and_nobody_gets_a_discount_without_a_product(ready):
    offers = ready[2]
    assert "o" not in set(offers.customers["product_id"].dropna())
    without = offers.customers["product_id"].isna().to_numpy()
    assert without.any()  # x is bought at full price by everybody, so there is nothing to offer
    assert not offers.allowed[without, 1].any()


def test_without_a_measurement_the_break_even_effect_stands_in_and_says_so(shop: Tables):
    left = eligible(shop, people(shop), rules())
    risk = pd.DataFrame({"customer_id": IDS, "at_risk": np.linspace(0.0, 20.0, len(IDS))})
    ready = plan(shop, left, None, at_risk=risk)
    found = promotions.chosen(*ready, terms(budget=5.0, holdout=0.0))
    targets = found.targets
    assert (targets["basis"] == BREAK_EVEN).all()
    assert targets[["low", "high"]].isna().all().all()
    assert found.total["assumed"] == pytest.approx(1.0)
    assert np.isnan(found.total["low"])
    own = risk.set_index("customer_id")["at_risk"][targets["customer_id"]].to_numpy()
    assert (targets["break_even"] <= 0.05 * 2).all()
    assert (targets["cost"].to_numpy() <= 2 * 0.05 * own).all()
    left_alone = found.rulings[found.rulings["ruling"] == "leave alone"]["customer_id"]
    assert own.min() > risk.set_index("customer_id")["at_risk"][left_alone].median()


def test_with_neither_there_is_a_sentence_instead_of_a_list(shop: Tables):
    left = eligible(shop, people(shop), rules())
    found = promotions.ranked(left, depths=(0.0,), assumed_effect=0.05)
    assert isinstance(found, NotGiven)
    assert "Nothing says what a contact may bring" in found.reason


def test_no_list_is_made_of_a_consent_that_is_only_supposed(past):
    bare = frames()
    bare["customers"] = bare["customers"][["customer_id"]]
    shop = in_memory(bare, currency="EUR")
    left = eligible(shop, people(shop), rules())
    reach = as_if_consented(shop, left)
    ready = plan(shop, reach, past)
    for given in (left, reach):
        found = promotions.chosen(given, *ready[1:], terms())
        assert isinstance(found, NotGiven)
        assert "records no consent" in found.reason
    could = promotions.spending(*ready, terms())
    assert could.supposed
    assert could.most[0] > 0


def test_a_predicted_effect_tells_apart_only_what_came_from_its_promotion(shop: Tables, past):
    left = eligible(shop, people(shop), rules())
    ratio = np.where(np.arange(len(IDS)) < 300, 1.6, 0.4)
    own = pd.DataFrame({"customer_id": IDS, "ratio": ratio, "promotion_id": "S"})
    ready = plan(shop, left, past, own=own)
    found = promotions.chosen(*ready, terms(budget=3.0, holdout=0.0, capacity={"email": 0}))
    chosen = found.targets[found.targets["stratum"].str.startswith("active")]
    assert set(chosen["customer_id"]) <= set(IDS[:300])
    assert (chosen["basis"] == RANDOMISED).all()
    plain = promotions.chosen(*plan(shop, left, past), terms(holdout=0.0, capacity={"sms": 0}))
    same = promotions.chosen(*ready, terms(holdout=0.0, capacity={"sms": 0}))
    pd.testing.assert_frame_equal(plain.rulings, same.rulings)  # e-mails rest on E alone


def test_a_ranking_that_was_not_shown_to_be_better_than_chance_is_not_used():
    predicted = pd.DataFrame(
        {"customer_id": ["a", "b"], "promotion_id": "S", "T": [1.0, 1.0], "X": [3.0, 1.0]}
    )
    judged = pd.DataFrame({"learner": ["T", "X"], "qini": [0.1, 0.3], "qini_low": [0.01, 0.02]})
    assert promotions.usable_uplift(predicted, judged)["ratio"].tolist() == [1.5, 0.5]
    none = promotions.usable_uplift(predicted, judged.assign(qini_low=-0.1))
    assert isinstance(none, NotGiven)


def test_scenarios_stand_beside_the_plan(ready, listed):
    table = promotions.what_if(
        *ready,
        terms(),
        {"half": {"budget": 0.5}, "plain": {"depth": 0.0}, "dear": {"contact_cost": 10.0}},
    ).set_index("scenario")
    assert table.loc["as planned", "gain"] == pytest.approx(listed.total["gain"])
    assert table.loc["half", "spend"] <= 10.0 + 1e-9
    assert (table.loc[["half", "plain", "dear"], "gain"] <= table.loc["as planned", "gain"]).all()
    assert table.loc["plain", "deepest"] == 0.0


def test_the_curve_at_the_budget_is_what_the_list_brings_without_holdout(ready):
    wide = terms(capacity={}, holdout=0.0)
    found = promotions.chosen(*ready, wide)
    curves = promotions.spending(*ready, wide).curves
    best = curves[curves["variant"] == "best offer each"]
    assert np.interp(20.0, best["spend"], best["gain"]) == pytest.approx(
        found.total["gain"], rel=0.01
    )
    by_value = curves[curves["variant"] == "by past margin"]
    at = np.interp(5.0, best["spend"], best["gain"])
    assert np.interp(5.0, by_value["spend"], by_value["gain"]) <= at + 1e-9


def test_hours_that_were_shown_not_to_differ_fall_back_and_quiet_hours_stay_quiet(shop: Tables):
    left = eligible(shop, people(shop), rules())
    told = pd.DataFrame(
        {
            "customer_id": IDS[:3],
            "channel": ["email", "email", "sms"],
            "hour": pd.array([18, 18, None], dtype="Int64"),
            "response": 0.5,
            "contacts": 4,
        }
    )
    found = promotions.channels_for(shop, left, preferences=told)
    sent = found.table.set_index("channel")["own_history"]
    assert (sent > 0).all()
    place = {c: n for n, c in enumerate(found.names)}
    assert set(found.hour[:, place["email"]]) == {10, 18}
    assert set(found.hour[:, place["sms"]]) == {10}
    late = promotions.Hours(quiet_from=17, quiet_to=9, fallback=11)
    quiet = promotions.channels_for(shop, left, hours=late, preferences=told)
    assert set(quiet.hour.ravel()) == {11}


def test_a_customer_who_answers_more_is_expected_to_bring_more_but_not_without_bound(ready):
    channels = ready[3]
    assert channels.factor.min() >= 0.5 * 0.95**2
    assert channels.factor.max() <= 2.0
    factor = channels.factor[:, 0]
    assert factor.std() > 0.01
