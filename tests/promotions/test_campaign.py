"""Targeted campaigns on a small shop: what is compared with whom, and what is refused in words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.errors import NotApplicable
from analysis.promotions.observational import audience, campaign
from analysis.promotions.observational.audience import Audience
from analysis.promotions.outcomes import outcomes
from analysis.tables.engine import Tables
from tests.promotions import small_shop
from tests.promotions.small_shop import SPANS


@pytest.fixture(scope="module")
def tables() -> Tables:
    return small_shop.tables()


@pytest.fixture(scope="module")
def found(tables: Tables) -> Audience:
    return small_shop.audience_of(tables, SPANS, "C")


def test_those_targeted_are_compared_with_everybody_who_bought_before(found: Audience) -> None:
    assert found.compared_with == audience.UNTOUCHED
    assert found.treated.sum() == 40
    assert len(found.people) == small_shop.CUSTOMERS
    assert found.first_week == -20
    assert found.window_weeks == 4
    assert found.people["earlier"].sum() == 60
    assert found.people["meanwhile"].sum() == 0


def test_weekly_margin_adds_up_to_the_outcomes(found: Audience) -> None:
    assert np.allclose(found.margin(0, 4), found.people["margin"])
    assert np.allclose(found.margin(-20, 20), found.people["before_margin"])


def test_covariates_know_nothing_of_the_campaign(found: Audience) -> None:
    after = found.weekly.copy()
    after[:, -found.first_week :] += 1_000.0
    changed = replace(found, weekly=after, people=found.people.assign(margin=1e6, net=1e6))
    assert np.array_equal(audience.of(found), audience.of(changed))
    assert audience.of(found).shape == (len(found.people), len(audience.NAMES))


def test_the_methods_stand_side_by_side_and_none_is_called_proof(found: Audience) -> None:
    one = campaign.judge(found, seed=1)
    assert one.estimates["method"].tolist() == [
        campaign.NAIVE,
        campaign.WEIGHTED,
        campaign.MATCHED,
    ]
    assert not one.effects.randomised
    # The campaign did nothing, and nobody was targeted for anything.
    inside = (one.estimates["low"] <= 0) & (one.estimates["high"] >= 0)
    assert inside.all()
    assert one.checks["check"].tolist() == ["trends before", "an earlier date", "other products"]


def test_the_same_seed_gives_the_same_bits(found: Audience) -> None:
    one, again = (campaign.judge(found, seed=3) for _ in range(2))
    pd.testing.assert_frame_equal(one.estimates, again.estimates, check_exact=True)


def test_a_planted_gain_is_found_by_all(found: Audience) -> None:
    gain = 20.0 * found.treated
    weekly = found.weekly.copy()
    weekly[:, -found.first_week] += gain
    people = found.people.assign(margin=found.people["margin"] + gain)
    one = campaign.judge(replace(found, weekly=weekly, people=people), seed=1)
    estimates = one.estimates.set_index("method")
    assert estimates["estimate"].to_numpy() == pytest.approx([20.0] * 3, abs=3.0)
    assert (estimates["low"] > 0).all()
    assert one.gamma > 2
    assert one.e_value_limit > 1


def test_all_equal_outcomes_are_no_effect(found: Audience) -> None:
    weekly = np.zeros_like(found.weekly)
    weekly[:, : -found.first_week] = found.weekly[:, : -found.first_week]
    flat = dict.fromkeys(campaign.MEASURES, 0.0)
    one = campaign.judge(replace(found, weekly=weekly, people=found.people.assign(**flat)), seed=1)
    weighted = one.estimates.set_index("method").loc[campaign.WEIGHTED]
    assert weighted["estimate"] == pytest.approx(0.0, abs=1e-9)
    assert np.isnan(one.e_value)


def test_without_overlap_there_is_a_reason(found: Audience) -> None:
    people = found.people.copy()
    people["before_net"] = np.where(found.treated, 1e4, 1.0) + np.arange(len(people)) / 100
    people["before_orders"] = np.where(found.treated, 100, 2)
    with pytest.raises(NotApplicable, match="nobody like them among the others"):
        campaign.judge(replace(found, people=people))


@pytest.mark.parametrize(
    ("starts", "ends", "words"),
    [
        ("2024-02-05", "2024-03-03", "The data begin 33 days before it"),
        ("2023-12-18", "2024-01-21", "It began before the data; it takes 56 days"),
        ("2024-10-04", "2024-10-31", "less than a week of it"),
    ],
)
def test_too_little_history_is_refused_in_words(starts: str, ends: str, words: str) -> None:
    promotions = small_shop.frames()["promotions"]
    mine = promotions["promotion_id"] == "C"
    promotions.loc[mine, "starts_on"] = pd.Timestamp(starts).date()
    promotions.loc[mine, "ends_on"] = pd.Timestamp(ends).date()
    tables = small_shop.tables(promotions=promotions)
    sent = campaign.search(tables, SPANS, outcomes.overview(tables, SPANS))
    assert words in sent.table.set_index("promotion_id").loc["C", "reason"]
    with pytest.raises(NotApplicable, match="No campaign could be compared"):
        sent.require()


def test_too_few_targeted_are_refused_in_words() -> None:
    given = small_shop.frames()["assignments"]
    few = given[(given["promotion_id"] == "C") & (given["customer_id"] < "c030")]
    with pytest.raises(NotApplicable, match="Only 10 targeted customers had bought before"):
        small_shop.audience_of(small_shop.tables(assignments=few), SPANS, "C")


def test_a_campaign_sent_to_all_has_nobody_to_compare_with() -> None:
    given = small_shop.frames()["assignments"].query("promotion_id == 'L'")
    everyone = given.assign(promotion_id="C", arm="treatment", randomised=False)
    with pytest.raises(NotApplicable, match="Only 0 untargeted customers"):
        small_shop.audience_of(small_shop.tables(assignments=everyone), SPANS, "C")


def test_promotions_by_lot_are_not_looked_at_here(tables: Tables) -> None:
    sent = campaign.search(tables, SPANS, outcomes.overview(tables, SPANS), seed=1)
    assert sent.table["promotion_id"].tolist() == ["C"]
    assert sent.table["customers"].tolist() == [40]
    assert sent.name("C") == "By choice"
    assert sent.require() is sent.judged["C"]


@pytest.mark.parametrize("lines", [None, 1])
def test_audiences_fetched_together_are_those_fetched_alone(
    tables: Tables, lines: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many campaigns at a time as the study's size allows, or one by one."""
    alone = {key: small_shop.audience_of(tables, SPANS, key) for key in ("C", "L")}
    monkeypatch.setattr(audience, "_MOST_LINES", lines or audience._MOST_LINES)
    both = audience.together(tables, SPANS, ["L", "C"])
    for key, one in alone.items():
        found = audience.there(both[key])
        pd.testing.assert_frame_equal(found.people, one.people, check_dtype=False)
        assert np.array_equal(found.weekly, one.weekly)
        assert (found.window, found.first_week) == (one.window, one.first_week)
        assert (found.compared_with, found.left_out) == (one.compared_with, one.left_out)
