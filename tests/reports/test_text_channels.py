"""What report 11 says, sentence by sentence, where channels can be told apart and where not."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from analysis.engagement.channels import attribution
from analysis.engagement.channels.acquisition_cost import Acquisition
from analysis.engagement.channels.attribution import Attribution
from analysis.engagement.channels.contact_rates import ContactRates
from analysis.engagement.channels.fatigue import DoseCurve, Fatigue
from analysis.engagement.channels.holdout_lift import HoldoutLift
from analysis.reports.channels import text, text_buying, text_response


def lift(**net: tuple[float, float, bool]) -> HoldoutLift:
    """Return a ranking: channel to margin, cost and whether it is tied with the best."""
    table = pd.DataFrame(
        [(c, m, cost, m - cost, tied) for c, (m, cost, tied) in net.items()],
        columns=["channel", "margin", "cost", "net", "tied"],
    ).sort_values("net", ascending=False, ignore_index=True)
    table = table.assign(
        promotion_id="T", name="Nuts", arm=table["channel"], treated=100,
        net_low=table["net"] - 0.1, net_high=table["net"] + 0.1,
        before_cost=table["margin"].rank(ascending=False).astype(int),
        after_cost=range(1, len(table) + 1),
    )  # fmt: skip
    arms = pd.DataFrame(
        [("T", "Nuts", "phone", "phone", "its arms bought differently")],
        columns=["promotion_id", "name", "arm", "channel", "reason"],
    )
    return HoldoutLift(arms, table, 0.95)


def test_the_arm_that_sells_most_is_not_praised_when_its_cost_eats_it() -> None:
    found = lift(phone=(1.8, 1.5, False), sms=(1.08, 0.08, True), email=(0.36, 0.01, False))
    assert text.lift_title(found, "EUR") == (
        "After its cost a message by sms earns most, € 1.00 a customer; phone, first before cost, "
        "earns less"
    )
    finding = text.lift_finding(found, "EUR")
    assert finding is not None
    assert finding["value"] == pytest.approx(1.0)
    assert finding["alert"]
    assert (
        "phone brings most before cost, but costs € 1.50 a message and keeps € 0.30"
        in (finding["sentence"])
    )
    assert "in the categories on offer, while Nuts ran" in finding["sentence"]


def test_channels_that_cannot_be_told_apart_are_named_together() -> None:
    found = lift(phone=(1.2, 1.0, False), sms=(1.0, 0.08, True), app=(0.9, 0.0, True))
    assert text.lift_title(found, "EUR") == (
        "After the cost of the message sms and app earn most; phone, first before cost, earns less"
    )
    finding = text.lift_finding(found, "EUR")
    assert finding is not None
    assert "(with app, which cannot be told apart from it)" in finding["sentence"]
    assert text.lift_headline(found, "EUR") == (
        "After cost sms is first, but sms and app cannot be told apart"
    )


def test_a_first_that_stays_first_raises_no_alarm() -> None:
    found = lift(sms=(1.0, 0.1, True), email=(0.2, 0.0, False))
    assert text.lift_title(found, "EUR") == (
        "After its cost a message by sms earns most, € 0.90 a customer"
    )
    finding = text.lift_finding(found, "EUR")
    assert finding is not None
    assert finding["alert"] is False
    assert "Nuts gives no verdict: its arms bought differently." in text.lift_reading(found)


def attributed(tested: pd.DataFrame) -> Attribution:
    nothing = pd.DataFrame()
    return Attribution(nothing, nothing, tested, 20.0, nothing, nothing, 100, 60, 0.6)


def test_attribution_alone_makes_no_finding() -> None:
    found = attributed(pd.DataFrame(columns=["model", "channel", "orders", "low", "high"]))
    assert text_response.attribution_finding(found) is None
    assert text_response.attribution_headline(found).startswith("Seven rules")


def test_credit_stands_beside_the_holdout() -> None:
    rows = [("last", "sms", 400.0, 380.0, 420.0), ("holdout", "sms", 100.0, 80.0, 120.0)]
    found = attributed(pd.DataFrame(rows, columns=["model", "channel", "orders", "low", "high"]))
    finding = text_response.attribution_finding(found)
    assert finding is not None
    assert (finding["value"], finding["low"], finding["high"]) == pytest.approx((0.25, 0.2, 0.3))
    assert finding["alert"]
    assert text_response.attribution_headline(found) == (
        "Where it could be tested, messages caused 100 orders; last touch credits them with 400"
    )


def test_fatigue_that_is_not_seen_is_not_claimed() -> None:
    slopes = pd.DataFrame(
        [("opened", -0.02, 0.0, -0.05, 0.01, 900)],
        columns=["measure", "effect", "base", "low", "high", "messages"],
    )
    found = Fatigue(pd.DataFrame(), slopes, pd.DataFrame(), True)
    assert text_response.fatigue_headline(found) == "No significant fatigue in opening"
    seen = Fatigue(
        pd.DataFrame(), slopes.assign(effect=-0.25, low=-0.3, high=-0.2), pd.DataFrame(), True
    )
    assert text_response.fatigue_headline(seen) == (
        "Every message more in the days before goes with 22 % lower odds of opening the next"
    )
    for said in (
        text_response.fatigue_headline(seen),
        *(finding["sentence"] for finding in text_response.fatigue_findings(seen)),
    ):
        assert not re.search(r"takes|changes|makes|causes|because", said)


def test_a_frequency_that_pays_is_named() -> None:
    doses = pd.DataFrame({"variant": ["few", "many"], "left": [0.02, 0.3]})
    classes = pd.DataFrame({"class": ["under", "on target", "saturated"],
                            "customers": [5, 80, 15], "share": [0.05, 0.8, 0.15]})  # fmt: skip
    members = pd.DataFrame({"messages": [3, 4], "class": ["saturated", "saturated"]})
    low = DoseCurve(doses, "few", classes, members, 0.5)
    assert text_response.dose_headline(low) == (
        "No higher frequency is shown to earn more than few; at many 30.0 % opt out, at few 2.0 %"
    )
    saturated = text_response.dose_finding(low)["sentence"]
    assert saturated.startswith(
        "of customers written to, and not opted out, got 3 messages or more in the last 28 days: "
        "more than few, above which no randomised frequency is"
    )
    assert "that pays" not in saturated
    finding = text_response.dose_finding(DoseCurve(doses, "many", classes, members, 0.5))
    assert finding["sentence"].endswith("earn more; 5 customers got fewer")


def test_opens_that_cannot_be_told_are_bounded_in_words() -> None:
    opens = pd.DataFrame(
        [("email", 1000, 300, 0, 300, float("nan"), 0.02, 0.3, "bounds only")],
        columns=["channel", "delivered", "opened", "by_machine", "of_unknown_make", "real",
                 "real_low", "real_high", "basis"],
    )  # fmt: skip
    empty = pd.DataFrame(columns=["by", "group", "channel", "measure", "hits", "of", "share",
                                  "low", "high", "customers"])  # fmt: skip
    said = text.rates_reading(ContactRates(empty, opens), 7)
    assert "persons opened between 2.0 % and 30.0 %" in said


def test_where_no_channel_stands_out_the_title_says_so() -> None:
    found = lift(sms=(1.0, 0.1, True), email=(0.9, 0.0, True))
    assert text.lift_title(found, "EUR") == (
        "After the cost of the message no channel is shown to earn more than another"
    )


def test_an_unknown_cost_is_said() -> None:
    arms = pd.DataFrame({"reason": ["", "no log"], "net": [float("nan")] * 2})
    found = HoldoutLift(arms, pd.DataFrame(), 0.95)
    assert "what they cost is not recorded" in text.lift_headline(found, "EUR")
    assert text.lift_title(found, "EUR") is None
    assert text.lift_finding(found, "EUR") is None
    known = HoldoutLift(arms.assign(net=1.0, net_low=0.5), pd.DataFrame(), 0.95)
    assert text.lift_headline(known, "EUR") == (
        "1 of 1 tested arm earned more than its messages cost"
    )


def test_gaps_of_orders_that_were_followed_are_not_told_of_all() -> None:
    again = pd.DataFrame({"events": [55_703], "followed": [41_643], "days_50": [23.8]})
    back = pd.DataFrame({"customers": [13_512], "share": [0.397], "first_day": [1],
                         "last_day": [30]})  # fmt: skip
    said = text_buying.events_reading(again, back)
    assert said.startswith(
        "Half of all orders are followed by another within 23.8 days, counting those still open as "
        "open (Kaplan-Meier). Of 55,703 orders 41,643 were followed within the period."
    )
    never = text_buying.events_reading(again.assign(days_50=np.nan), back)
    assert never.startswith("Half of all orders are followed by another later than can be seen")
    assert "first order of the period" in said


def test_a_channel_that_does_not_earn_its_cost_is_not_said_to_earn_most() -> None:
    found = lift(sms=(0.1, 0.1, True), email=(-0.4, 0.0, False))
    assert text.lift_title(found, "EUR") == (
        "No channel is shown to earn more than its messages cost"
    )
    assert text.lift_headline(found, "EUR").endswith("not shown to earn its own cost")
    finding = text.lift_finding(found, "EUR")
    assert finding is not None
    assert "after its cost, not significant, the most" in finding["sentence"]


def won(*rows: tuple[str, float, float, float]) -> Acquisition:
    costs = pd.DataFrame([(c, cost, 50, "media_spend") for c, cost, *_ in rows],
                         columns=["channel", "cost", "customers", "basis"])  # fmt: skip
    payback = pd.DataFrame([(c, m) for c, _, _, months in rows for m in range(1, int(months) + 1)],
                           columns=["channel", "month"])  # fmt: skip
    back = pd.DataFrame([(c, b, np.nan) for c, _, b, _ in rows],
                        columns=["channel", "months", "shown"])  # fmt: skip
    return Acquisition(costs, payback, pd.DataFrame(), back)


def test_the_cost_of_newcomers_is_followed_by_channel() -> None:
    alone = won(("display", 25.0, np.nan, 3))
    assert text_buying.acquisition_headline(alone, "EUR") == (
        "A customer won through display costs € 25.00, not earned back in 3 months"
    )
    both = won(("display", 25.0, np.nan, 3), ("social", 8.0, 2.0, 12))
    assert text_buying.acquisition_headline(both, "EUR") == (
        "A customer won through display costs € 25.00, not earned back in 3 months; through "
        "social € 8.00"
    )


def test_differences_of_arms_before_are_told_as_they_are() -> None:
    doses = pd.DataFrame({"variant": ["few", "many"], "net_gain": [np.nan, -0.2],
                          "net_low": [np.nan, -1.0], "net_high": [np.nan, 0.6],
                          "left_gain": [np.nan, -0.02]})  # fmt: skip
    nothing = pd.DataFrame()
    said = text_response.dose_reading(DoseCurve(doses, "few", nothing, nothing, 0.01), "EUR")
    assert "2.0 points fewer opted out" in said
    assert "Orders before differ more than chance usually makes them (p 0.01)" in said
    alike = text_response.dose_reading(DoseCurve(doses, "few", nothing, nothing, 0.4), "EUR")
    assert "differ no more than chance usually makes them (p 0.40)" in alike


def test_arms_that_share_their_control_share_its_luck() -> None:
    """Three arms of 100 against one control: by hand, sqrt(3 x 100^2 (v + c) + (300^2 - 3e4) c)."""
    z, own, control = 1.959964, 0.02**2, 0.03**2
    half = 100 * z * np.sqrt(own + control)
    arms = pd.DataFrame({"promotion_id": "T", "treated": 100, "total_low": -half,
                         "total_high": half, "control_error": 0.03}, index=range(3))  # fmt: skip
    expected = z * np.sqrt(3 * 100**2 * own + 300**2 * control)
    assert attribution._reach(arms, 0.95) == pytest.approx(expected)
