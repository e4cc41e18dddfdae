"""What report 09 says, sentence by sentence, where the books hold and where they do not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.engagement.loyalty.care_occasions import Birthdays
from analysis.engagement.loyalty.first_come_offers import FirstCome
from analysis.engagement.loyalty.loyalty_by_segment import BySegment
from analysis.engagement.loyalty.matched_groups import Matched
from analysis.engagement.loyalty.membership_tiers import Standing
from analysis.engagement.loyalty.tier_thresholds import Thresholds
from analysis.engagement.points.points_economics import Economics
from analysis.engagement.points.points_ledger import RULES, Reconciliation
from analysis.engagement.points.points_liability import Liability, Ranged
from analysis.reports.loyalty import text, text_club
from analysis.tables.periods import Period

YEAR = Period(date(2025, 1, 1), date(2026, 1, 1))


def books(missing: float = 0.0, **broken: int) -> Reconciliation:
    rules = pd.DataFrame(
        [(rule, what, counts, broken.get(rule, 0)) for rule, (what, counts) in RULES.items()],
        columns=["rule", "what", "counts", "entries"],
    )
    names = ["earned", "adjusted", "redeemed", "expired", "open"]
    points = [900.0, 0, 400, 200, 300]
    flows = pd.DataFrame({"flow": names, "entries": [9, 0, 4, 2, 3], "points": points})
    nothing: Any = SimpleNamespace()
    return Reconciliation(nothing, flows, rules, pd.DataFrame(), missing)


OWED = Liability(
    pd.DataFrame(), 1_000.0, Ranged(400, 350, 450), Ranged(4.0, 3.5, 4.5), Ranged(0.35, 0.3, 0.4),
    12, True, 0.0, False, pd.DataFrame(),
)  # fmt: skip
SPENT = Economics(YEAR, 900, 400, 30, 5_000.0, 1_000.0, 40.0, 90.0, 25.0, 2, 2.5)


def test_books_that_hold_and_books_that_do_not() -> None:
    assert text.books_headline(books()).startswith("The ledger reconciles: 900 points earned")
    assert not text.books_finding(books())["alert"]
    wrong = books(-20, negative=1, starts_in_the_middle=2)
    assert text.books_headline(wrong) == "The ledger does not reconcile: 3 movements break a rule"
    finding = text.books_finding(wrong)
    assert finding["alert"]
    assert finding["sentence"].endswith(
        "points leave an account that was never given any (2) and more points leave the account "
        "than are on it (1)"
    )
    reading = text.books_reading(wrong)
    assert "The sum is off by 20 points" in reading
    assert "starts in the middle: the opening balances are missing" in reading
    only_twice = books(twice=1)
    assert only_twice.holds
    assert "Posted twice for the same order: 1 earning;" in text.books_reading(only_twice)


def test_the_title_says_what_there_is() -> None:
    both = text.title(OWED, SPENT, "EUR")
    assert both == (
        "Open points should cost about € 4; 35 % of points expire unused, and redeemed points cost "
        "4.0 % of members' margin"
    )
    assert text.title(None, SPENT, "EUR") == "Redeemed points cost 4.0 % of members' margin"
    assert text.title(None, None, "EUR") == "What the loyalty programme shows"


def test_the_liability_says_when_not_to_believe_it() -> None:
    assert text.liability_headline(OWED) == (
        "40 % of the open points are expected to be redeemed (35 to 45 %)"
    )
    assert "first in, first out." in text.liability_reading(OWED)
    other = replace(OWED, in_turn=False, out_of_turn=77.0, drifts=True)
    reading = text.liability_reading(other)
    assert "77 points expired although" in reading
    assert "**Breakage moved over these months" in reading
    assert text.liability_headline(replace(OWED, open_points=0.0)) == "No points are open"


def test_without_a_margin_no_break_even_is_told() -> None:
    loss = replace(SPENT, margin=-5.0)
    assert text.economics_finding(loss, "EUR")["value"] is None
    assert text.economics_finding(SPENT, "EUR")["value"] == 0.04
    assert "25 points of 2 orders that came back" in text.economics_reading(SPENT, "EUR")


def test_nobody_is_said_to_move_where_no_tier_is_known_before() -> None:
    nothing = (float("nan"),) * 3
    tiers = pd.DataFrame({"tier": ["basic", "gold", "no tier"], "customers": [60, 20, 20],
                          "share": [0.3, 0.6, 0.1]})  # fmt: skip
    held = Standing(YEAR, tiers, pd.DataFrame(), nothing, nothing, 0, 1)
    assert text_club.standing_headline(held) == (
        "Gold holds 20 % of the customers who are in a tier or bought, and brings 60 % of their "
        "sales"
    )
    assert "nobody can be said to have moved" in text_club.standing_reading(held)
    assert "Two tiers at once: 1 customer;" in text_club.standing_reading(held)
    moved = replace(held, up=(0.1, 0.05, 0.2), down=(0.02, 0.01, 0.05), followed=100)
    assert "10.0 % stand higher (5.0 to 20.0 %)" in text_club.standing_reading(moved)


@pytest.mark.parametrize(("above", "said"), [
    (40.0, "At gold, 34 % of those just above the threshold are more than the rest"),
    (5.0, "At no threshold do significantly more customers end a year just above it"),
    (float("nan"), "Too few customers are near a threshold"),
])  # fmt: skip
def test_bunching_is_called_where_its_error_allows(above: float, said: str) -> None:
    rows = pd.DataFrame([{"tier": "gold", "threshold": 400.0, "customers": 900, "above": above,
                          "above_error": 10.0, "share": 0.34}])  # fmt: skip
    effects = pd.DataFrame([
        {"tier": "gold", "outcome": "sales after", "p": np.nan, "placebo": False,
         "reason": "customers sort themselves"},
        {"tier": "silver", "outcome": "sales after", "p": 0.4, "placebo": False, "reason": ""},
        {"tier": "silver", "outcome": "sales before", "p": 0.01, "placebo": True, "reason": ""},
    ])  # fmt: skip
    found = Thresholds(pd.DataFrame(), rows, pd.DataFrame(), effects, pd.DataFrame())
    assert text_club.bunching_headline(found).startswith(said)
    reading = text_club.threshold_reading(found)
    assert "Nothing is read from crossing to gold: customers sort themselves." in reading
    assert "do not jump significantly where silver is reached" in reading
    assert "A placebo check fails at silver" in reading


def test_members_are_said_to_be_an_association_and_never_an_effect() -> None:
    one = Matched(50, 80, 45, 86.0, 48.0, 38.0, 30.0, 46.0, 26.0, 22.0, 30.0, 60.0)
    finding = text_club.selection_finding(one, "EUR", 0.95)
    assert "who joins and what membership does cannot be told apart" in finding["sentence"]
    headline = text_club.members_headline(one, "EUR", 182)
    assert headline.endswith("the difference is +€ 26")
    for word in ("effect", "causes", "because"):
        assert word not in headline


def test_a_birthday_without_a_difference_is_not_told_as_one() -> None:
    still = Birthdays(900, 5_000, pd.DataFrame(), 1.02, 0.95, 1.09, 0.4, 3)
    assert text_club.birthday_headline(still).startswith("Birthdays do not significantly change")
    more = replace(still, ratio=1.3, low=1.2, high=1.4, p=0.001)
    assert text_club.birthday_headline(more).endswith("30 % more days than usual")
    assert "3 customers born on 1 January are left out" in text_club.birthday_reading(still)


def test_occasions_are_counted_by_kind() -> None:
    listed = pd.DataFrame({"customer_id": ["a", "a", "b"], "value": [3.0, np.nan, np.nan],
                           "occasion": ["points expiring", "birthday", "birthday"]})  # fmt: skip
    assert text_club.occasions_reading(listed, 30, "EUR", in_turn=True) == (
        "In the next 30 days: birthday 2 customers; points expiring 1 customer (€ 3)."
    )
    assert "taken for granted: how this scheme spends points is not known" in (
        text_club.occasions_reading(listed, 30, "EUR")
    )
    assert "Nobody has an occasion" in text_club.occasions_reading(listed.head(0), 30, "EUR")
    other = text_club.occasions_reading(listed, 30, "EUR", in_turn=False)
    assert "more points, of more customers, will expire than are listed" in other
    dull = text_club.occasions_reading(listed[1:], 30, "EUR", in_turn=False)
    assert "expire" not in dull


def test_what_was_given_on_account_is_not_told_as_money_received() -> None:
    flows = pd.DataFrame(
        [("load", 300.0, 9), ("bonus", 30.0, 9), ("spend", -170.0, 8), ("open", 160.0, 5)],
        columns=["flow", "amount", "customers"],
    ).assign(below_zero=0)
    said = text_club.stored_reading(flows, "EUR")
    assert "€ 160 stand on the accounts of 5 customers: owed in goods" in said
    assert "€ 30 were bonuses, for which nothing was received" in said
    assert "bonuses" not in text_club.stored_reading(flows[flows["flow"] != "bonus"], "EUR")


def test_an_offer_is_told_where_it_can_be_read_and_nowhere_else() -> None:
    line = {"effect": 40.0, "low": 20.0, "high": 60.0, "p": 1e-4, "q": 2e-4, "below": 300,
            "above": 300, "reason": "", "outcome": "sales after", "placebo": False}  # fmt: skip
    nothing = dict.fromkeys(("effect", "low", "high", "p", "q"), np.nan)
    rows = pd.DataFrame(
        [
            {"promotion_id": "A", "name": "Box"} | line,
            {"promotion_id": "B", "name": "Bag"} | line | {"p": 0.5, "q": 0.5},
            {"promotion_id": "B", "name": "Bag"} | line | {"placebo": True, "q": np.nan},
            {"promotion_id": "C", "name": "Cup"} | line | nothing | {"reason": "it was there"},
        ]
    )
    found = FirstCome(pd.DataFrame(), rows, 182)
    assert text_club.first_come_headline(found, "EUR").startswith(
        "Box: who was just served buys for € 40 more in the 182 days after"
    )
    told = text_club.first_come_findings(found, "EUR", 0.95)
    assert [one["key"] for one in told] == ["first_come_A"]  # B fails a placebo check
    assert "not significant" not in told[0]["sentence"]
    dull = FirstCome(pd.DataFrame(), rows[:1].assign(effect=-4.0, low=-18.0, q=0.9), 182)
    assert text_club.first_come_findings(dull, "EUR", 0.95)[0]["sentence"].endswith(
        "who was just too late, not significant"
    )
    said = text_club.first_come_reading(found)
    assert "Nothing is read from Cup: it was there." in said
    assert "A placebo check fails at Bag" in said
    none = FirstCome(pd.DataFrame(), rows.iloc[3:], 182)
    assert "From no offer" in text_club.first_come_headline(none, "EUR")
    assert text_club.first_come_findings(none, "EUR", 0.95) == []


def test_a_segment_is_named_only_where_many_looks_allow() -> None:
    shares = pd.DataFrame(
        {"measure": ["redeemed points"] * 2, "segment": ["Lost", "Loyal"], "share": [0.2, 0.7],
         "difference": [-0.3, 0.3], "q": [0.2, 0.01]}
    )  # fmt: skip
    few = pd.DataFrame({"segments": [2]})
    found = BySegment(shares, pd.DataFrame(), few)
    assert text_club.segments_headline(found) == (
        "70 % of the customers with points of segment “Loyal” redeemed points, 40 % of all others "
        "with points"
    )
    assert "2 groups" in text_club.segments_reading(found)
    dull = BySegment(shares.assign(q=0.5), pd.DataFrame(), few)
    assert text_club.segments_headline(dull).startswith("No segment differs")


def test_scores_of_the_strategy_are_stated_as_they_are_named() -> None:
    given = pd.DataFrame({"value": [0.4, 0.709], "score": ["bought again", "renewed in time"]})
    assert text_club.scores_headline(given) == "40 % bought again, 71 % renewed in time"


def referred(low: float, high: float, reproduction: tuple[float, float, float]) -> Any:
    quality = pd.DataFrame({"measure": ["orders"], "ratio": [1.1], "ratio_low": [low],
                            "ratio_high": [high], "customers": [40]})  # fmt: skip
    value, least, most = reproduction
    return SimpleNamespace(
        quality=quality, days=182, reproduction=value, reproduction_low=least,
        reproduction_high=most, generation=50,
    )  # fmt: skip


@pytest.mark.parametrize(("reproduction", "said"), [
    ((0.2, 0.1, 0.4), "below one, so that referrals do not carry themselves"),
    ((1.5, 1.2, 1.9), "one or more, so that referrals carry themselves"),
    ((0.9, 0.7, 1.2), "whether it is one or more, so that referrals carry themselves, "
                      "is not shown"),
])  # fmt: skip
def test_referrals_carry_themselves_only_where_shown(
    reproduction: tuple[float, float, float], said: str
) -> None:
    found = referred(0.9, 1.3, reproduction)
    assert text_club.reproduction_finding(found, 0.95)["detail"] == said
    assert text_club.referral_finding(found, 0.95)["sentence"].endswith(", not significant")
    sure = text_club.referral_finding(referred(1.05, 1.3, reproduction), 0.95)
    assert "not significant" not in sure["sentence"]


def test_heading_and_finding_name_the_same_threshold() -> None:
    rows = pd.DataFrame({"tier": ["gold", "silver"], "threshold": [400.0, 150.0], "customers": 900,
                         "above": [139.0, 40.0], "above_error": [22.0, 15.0],
                         "share": [0.3, 0.6]})  # fmt: skip
    found = Thresholds(pd.DataFrame(), rows, pd.DataFrame(), pd.DataFrame(), pd.DataFrame())
    assert text_club.bunching_headline(found).startswith("At gold, 30 %")
    finding = text_club.bunching_finding(found, 0.95)
    assert finding is not None
    assert finding["sentence"].endswith("points of gold")
    weak = replace(found, bunching=rows.assign(above=[-14.0, -20.0]))
    finding = text_club.bunching_finding(weak, 0.95)
    assert finding is not None
    assert finding["sentence"].endswith(", not significant")


def test_an_invitation_is_told_by_what_it_is_shown_to_do() -> None:
    arms = pd.DataFrame([{"promotion_id": "T", "uptake": 0.01, "uptake_low": -0.01,
                          "low": -9.0, "high": -1.0}])  # fmt: skip
    assert text_club.invitation_headline(arms) == (
        "Invitation T is not shown to bring more participants and lowered sales"
    )
