"""Report 09 finds what was planted: breakage, what is owed, and the rest of the club."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from analysis.engagement.loyalty.care_occasions import birthdays
from analysis.engagement.loyalty.first_come_offers import first_come
from analysis.engagement.loyalty.membership import club_life, invitation
from analysis.engagement.loyalty.referral_value import referrals
from analysis.engagement.loyalty.strategy_scores import scores
from analysis.engagement.loyalty.tier_thresholds import ThresholdRules, thresholds
from analysis.engagement.points.points_economics import economics
from analysis.engagement.points.points_ledger import Reconciliation, reconcile
from analysis.engagement.points.points_liability import PointCosts, liability
from tests.engagement.clubs import club_tables
from tests.truth.calibration import assert_covers
from tests.truth.shops import Shops

SEEDS = range(10)
AS_OF = date(2025, 12, 29)


@pytest.fixture(scope="module")
def books(shops: Shops) -> dict[int, Reconciliation]:
    return {seed: reconcile(club_tables(shops, seed), as_of=AS_OF) for seed in SEEDS}


def test_the_shops_ledgers_reconcile(books: dict[int, Reconciliation]) -> None:
    assert all(each.holds for each in books.values())
    for each in books.values():
        points = each.flows.set_index("flow")["points"]
        # What is taken back of returned goods is all that is adjusted.
        assert (points.drop("adjusted") >= 0).all()
        assert points["adjusted"] < 0


def test_breakage_and_what_is_owed_are_found(
    shops: Shops, books: dict[int, Reconciliation]
) -> None:
    """Breakage of the ripe months to the point; what is owed within its own 90 % interval."""
    breakage = {s: t["planted"]["breakage"] for s, t in shops.truth.items()}
    inside = near = 0
    errors = []
    for seed, each in books.items():
        found = liability(each, confidence=0.90)
        owed = shops.truth[seed]["planted"]["points_owed"]["realised"]["points"]
        planted = breakage[seed]["superpopulation"]["breakage"]
        assert found.breakage.value == pytest.approx(
            breakage[seed]["realised"]["breakage"], abs=5e-3
        )
        near += found.breakage.low < planted < found.breakage.high
        inside += found.owed.low < owed < found.owed.high
        errors.append(found.owed.value / owed - 1)
    assert_covers(inside, len(books), confidence=0.90)
    assert_covers(near, len(books), confidence=0.90)
    assert abs(np.mean(errors)) < 0.05


def test_points_taken_back_are_found_and_those_kept_on_returned_goods(
    shops: Shops, books: dict[int, Reconciliation]
) -> None:
    """To the point: what was taken back, and what stays although the goods came back."""
    for seed in SEEDS[:4]:
        planted = shops.truth[seed]["planted"]["points_taken_back"]["realised"]
        flows = books[seed].flows.set_index("flow")["points"]
        spent = economics(club_tables(shops, seed), books[seed], costs=PointCosts(), days=364)
        assert flows["adjusted"] == -planted["points"] < 0
        assert spent.returned_points == pytest.approx(planted["kept"], abs=1e-9)


def test_offers_to_the_first_are_read_only_where_they_can_be(shops: Shops) -> None:
    """F1's effect and F2's none at their nominal rates, F2's selection for what it is, F3's jump
    of the density; sales before jump nowhere."""
    one, none, effects, plain, jumps, before = 0, 0, [], [], [], []
    for seed in SEEDS:
        found = first_come(club_tables(shops, seed), as_of=AS_OF)
        lines = found.effects.set_index(["promotion_id", "outcome"])
        truth = shops.truth[seed]["planted"]["first_come"]["realised"]["difference of all"]
        row = lines.loc[("F1", "sales after")]
        one += row["low"] < truth["F1"] < row["high"]
        effects.append(row["effect"])
        row = lines.loc[("F2", "sales after")]
        none += row["low"] < 0 < row["high"]
        told = found.offers.set_index("promotion_id")
        plain.append(told["difference"]["F2"])
        np.testing.assert_allclose(told["difference"].loc[["F1", "F2"]],
                                   [truth["F1"], truth["F2"]], atol=0.01)  # fmt: skip
        jumps.append(told["jump"]["F3"])
        assert (lines.loc["F3", "effect"].isna() == (told["p"]["F3"] < 0.05)).all()
        before += [lines.loc[(key, "sales before")]["p"] for key in ("F1", "F2")]
    assert_covers(one, len(SEEDS))
    assert_covers(none, len(SEEDS))
    assert np.mean(effects) > 3 * np.std(effects) / np.sqrt(len(SEEDS))
    assert np.mean(plain) > 4 * np.std(plain) / np.sqrt(len(SEEDS))
    assert np.mean(jumps) == pytest.approx(np.log(0.4), abs=4 * 0.37 / np.sqrt(len(SEEDS)))
    assert sum(p < 0.05 for p in before) <= 5


def test_topping_up_is_found_at_gold_and_nowhere_else(
    shops: Shops, books: dict[int, Reconciliation]
) -> None:
    """Orders placed to reach gold, against the excess just above it; silver has no such orders."""
    gold, silver, above, variance = [], [], 0.0, 0.0
    for seed in SEEDS[:6]:
        found = thresholds(club_tables(shops, seed), books[seed],
                           rules=ThresholdRules(draws=200, seed=seed))  # fmt: skip
        assert found.bunching["threshold"].tolist() == [150, 400]
        one = found.bunching["above"][0] / found.bunching["above_error"][0]
        orders = shops.truth[seed]["planted"]["tier_bunching"]["realised"]["orders"]
        error = found.bunching["above_error"][1]
        gold.append((found.bunching["above"][1] - orders) / error)
        silver.append(one)
        above += found.bunching["above"][1]
        variance += error**2
    assert above > 3 * np.sqrt(variance)
    assert abs(np.mean(gold)) * np.sqrt(6) < 3.9, gold
    assert abs(np.mean(silver)) * np.sqrt(6) < 3.9, silver
    assert np.max(np.abs(gold + silver)) < 4


def test_the_quality_of_referred_customers_is_found(shops: Shops) -> None:
    """Orders in the first half-year against what the planted rates and dropouts make of them; and
    the share of invitations that led to somebody."""
    z, chains, invited = [], set(), 0
    for seed in SEEDS:
        found = referrals(club_tables(shops, seed), as_of=AS_OF)
        row = found.quality.set_index("measure").loc["orders"]
        truth = shops.frame(
            """select referred, avg(1 + (1 - exp(-orders_a_week * dropout * 26)) / dropout) as n
            from truth_customers where "group" = 'main' and seed = $seed group by 1 order by 1""",
            seed=seed,
        )["n"]
        error = (row["ratio_high"] - row["ratio_low"]) / 2 / 1.96
        z.append((row["ratio"] - truth[1] / truth[0]) / error)
        chains |= set(found.depths["depth"])
        assert found.cost == 15.0
        share = shops.truth[seed]["planted"]["invitations"]["superpopulation"]["share"]
        invited += found.come_low < share < found.come_high
        assert found.rate_low < 0.10 / 0.95 + 0.02
        assert (found.oddities["referrals"] == 0).all()
    assert abs(np.mean(z)) * np.sqrt(len(z)) < 3.9, z
    assert np.max(np.abs(z)) < 4, z
    assert chains == {1}
    assert_covers(invited, len(SEEDS))


def test_renewal_is_found_by_mode(shops: Shops) -> None:
    inside = asked = 0
    for seed in SEEDS[:6]:
        told = scores(club_tables(shops, seed), as_of=AS_OF).set_index("score")
        for mode, words in (
            ("automatic", "renewed a term that ended, unless the customer says no"),
            ("by hand", "renewed a term that ended, by the customer's act"),
        ):
            row, planted = told.loc[words], shops.truth[seed]["planted"]["renewal"]
            assert row["value"] == pytest.approx(planted["realised"][mode], abs=1e-6)
            inside += row["low"] < planted["superpopulation"][mode] < row["high"]
            asked += 1
    assert_covers(inside, asked)


def test_taking_part_is_selection_and_the_random_invitation_says_so(shops: Shops) -> None:
    """Those who take part buy more; like others as much; the invitation changes nothing."""
    plain, matched, effects, uptakes = [], [], [], []
    for seed in SEEDS[:6]:
        tables = club_tables(shops, seed)
        told = club_life(tables, as_of=AS_OF)
        told = told[told["reason"] == ""]
        plain += list(told["plain"])
        matched += list(told["difference"] / ((told["high"] - told["low"]) / 2 / 1.96))
        arms = invitation(tables, as_of=AS_OF).arms.iloc[0]
        effects.append(arms["low"] < 0 < arms["high"])
        uptakes.append(arms["uptake_low"] < 0.30 < arms["uptake_high"])
    assert np.mean(plain) > 4 * np.std(plain) / np.sqrt(len(plain))
    assert abs(np.mean(matched)) < 1
    assert_covers(sum(effects), len(effects))
    assert_covers(sum(uptakes), len(uptakes))


def test_no_birthday_is_found_where_there_is_none(shops: Shops) -> None:
    p = [birthdays(club_tables(shops, s), as_of=AS_OF, draws=199, seed=s).p for s in SEEDS[:8]]
    assert sum(value < 0.05 for value in p) <= 3
    assert 0.2 < np.mean(p) < 0.8
