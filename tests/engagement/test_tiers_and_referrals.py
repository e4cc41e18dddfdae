"""Tiers, members, referrals, scores, birthdays and occasions, by hand and where effects are put."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.engagement.channels import acquisition_cost
from analysis.engagement.loyalty import (
    care_occasions,
    first_come_offers,
    loyalty_by_segment,
    matched_groups,
    membership_tiers,
    referral_value,
    strategy_scores,
    tier_thresholds,
)
from analysis.engagement.points import points_economics
from analysis.engagement.points.points_ledger import reconcile
from analysis.engagement.points.points_liability import PointCosts
from analysis.errors import NotApplicable
from analysis.tables.engine import Tables
from analysis.tables.periods import Period
from tests.engagement.ledgers import ledger
from tests.sales import lines_of, tables_of

AS_OF = date(2018, 1, 1)


def tiers_of(*rows: tuple[str, str, str, str | None]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["customer_id", "tier", "valid_from", "valid_to"])
    for name in ("valid_from", "valid_to"):
        frame[name] = pd.to_datetime(frame[name])
    return frame


def test_tiers_are_counted_on_the_last_day_and_moves_from_the_day_before_the_period() -> None:
    rows = [("a", "basic", "2016-01-01", "2017-06-01"), ("a", "gold", "2017-06-01", None),
            ("b", "gold", "2016-01-01", "2017-03-01"), ("b", "basic", "2017-03-01", None),
            ("c", "basic", "2017-12-31", None), ("d", "gold", "2018-01-01", None)]  # fmt: skip
    lines = lines_of(
        {"customer_id": "a", "net_amount": 60.0}, {"customer_id": "b", "net_amount": 30.0},
        {"customer_id": "x", "net_amount": 10.0},
    )  # fmt: skip
    found = membership_tiers.standing(tables_of(lines, tiers=tiers_of(*rows)), as_of=AS_OF)
    told = found.tiers.set_index("tier")
    assert told["customers"].to_dict() == {"basic": 2, "gold": 1, "no tier": 1}
    assert told["share"].to_dict() == {"basic": 0.3, "gold": 0.6, "no tier": 0.1}
    assert found.followed == 2
    assert np.isnan(found.up[0])  # of two customers no share is told
    assert found.moves.empty


def test_who_only_returned_goods_did_not_buy() -> None:
    rows = [("a", "basic", "2016-01-01", None), ("b", "basic", "2016-01-01", None)]
    lines = lines_of(
        {"customer_id": "a", "net_amount": 60.0},
        {"customer_id": "b", "net_amount": -5.0, "quantity": -1.0},
    )
    found = membership_tiers.standing(tables_of(lines, tiers=tiers_of(*rows)), as_of=AS_OF)
    told = found.tiers.set_index("tier").loc["basic"]
    assert (told["customers"], told["buyers"], told["net"]) == (2, 1, 55.0)


def test_a_newcomer_costs_no_less_than_the_rewards_of_the_referral() -> None:
    names = [f"n{i}" for i in range(40)]
    day = pd.Timestamp("2017-01-05")
    people = pd.DataFrame({"customer_id": names, "joined_on": day, "acquisition_cost": 10.0})
    people["acquisition_channel"] = "referral"
    made = pd.DataFrame({"referred_id": names[:30], "reward": 10.0, "referred_reward": 5.0})
    made = made.assign(referrer_id="r", referred_at=day)
    lines = lines_of(*({"customer_id": name, "net_amount": 20.0} for name in names))
    year = Period(date(2017, 1, 1), AS_OF)
    given = {"customers": people, "referrals": made}
    costs = acquisition_cost.measure(tables_of(lines, **given), year, replicates=20).costs
    assert costs["cost"].tolist() == [pytest.approx((30 * 15 + 10 * 10) / 40)]
    del given["referrals"]
    alone = acquisition_cost.measure(tables_of(lines, **given), year, replicates=20).costs
    assert alone["cost"].tolist() == [10.0]


def test_moves_up_and_down_add_up() -> None:
    rows = []
    for n in range(60):
        later = ("gold" if n < 15 else "basic") if n < 40 else ("basic" if n < 50 else "gold")
        start = "basic" if n < 40 else "gold"
        rows += [(f"c{n}", start, "2016-01-01", "2017-06-01"), (f"c{n}", later, "2017-06-01", None)]
    spent = [9.0 if n < 15 or n >= 50 else 1.0 for n in range(60)]
    lines = lines_of(*({"customer_id": f"c{n}", "order_id": f"o{n}", "net_amount": net}
                       for n, net in enumerate(spent)))  # fmt: skip
    found = membership_tiers.standing(tables_of(lines, tiers=tiers_of(*rows)), as_of=AS_OF)
    assert found.tiers["tier"].tolist() == ["basic", "gold"]
    assert found.up[0] == 15 / 40, "who is in the highest cannot rise"
    assert found.down[0] == 10 / 20, "who is in the lowest cannot fall"
    moves = found.moves.set_index(["before", "after"])["share"]
    assert moves["basic", "gold"] == 15 / 40
    assert moves.groupby("before").sum().tolist() == [1.0, 1.0]


def test_two_tiers_at_once_are_counted_and_nobody_twice() -> None:
    rows = [("a", "basic", "2016-01-01", None), ("a", "gold", "2017-01-01", None)]
    found = membership_tiers.standing(tables_of(lines_of({}), tiers=tiers_of(*rows)), as_of=AS_OF)
    assert found.overlapping == 1
    assert found.tiers.set_index("tier")["customers"]["gold"] == 1


def test_thresholds_are_read_down_to_their_second_figure() -> None:
    read = [tier_thresholds._two_figures(x) for x in (403.0, 150.0, 1_049.0, 0.57)]
    assert read == pytest.approx([400.0, 150.0, 1_000.0, 0.57])
    with pytest.raises(NotApplicable, match="do not say from when on"):
        tier_thresholds.qualifying_years(
            tables_of(lines_of({}), tiers=tiers_of(("a", "gold", "2017-01-01", None))), as_of=AS_OF
        )


def test_a_group_like_the_others_has_no_difference_and_a_shift_is_found() -> None:
    rng = np.random.default_rng(1)
    spend = rng.gamma(2, 20, 4_000)
    joins = rng.random(4_000) < 1 / (1 + np.exp(2 - spend / 30))  # who spends more joins more
    later = spend + rng.gamma(2, 10, 4_000)
    history = pd.DataFrame({"before": spend})
    plain = matched_groups.compare(pd.Series(joins), pd.Series(later), history)
    assert plain.plain > 15
    assert abs(plain.difference) < 4
    shifted = matched_groups.compare(pd.Series(joins), pd.Series(later + 5 * joins), history)
    assert shifted.difference == pytest.approx(plain.difference + 5)
    assert shifted.high - shifted.low == pytest.approx(plain.high - plain.low)
    with pytest.raises(NotApplicable, match="20 of either are needed"):
        matched_groups.compare(pd.Series(np.arange(4_000) < 5), pd.Series(later), history)


def test_within_cells_the_interval_covers() -> None:
    held = 0
    for seed in range(120):
        rng = np.random.default_rng(seed)
        cell = rng.integers(0, 6, 500)
        joins = rng.random(500) < 0.1 + 0.1 * cell
        outcome = 10.0 * cell + rng.normal(0, 5, 500) + 2.0 * joins
        found = matched_groups.compare(
            pd.Series(joins), pd.Series(outcome), pd.DataFrame({"cell": cell})
        )
        held += found.low < 2.0 < found.high
    assert 106 <= held <= 119


def referred(*pairs: tuple[str, str, str]) -> pd.DataFrame:
    made = pd.DataFrame(pairs, columns=["referrer_id", "referred_id", "referred_at"])
    return made.assign(referred_at=pd.to_datetime(made["referred_at"]))


def test_chains_are_as_deep_as_they_are_and_circles_end() -> None:
    chain = referred(("a", "b", "2017-01-01"), ("b", "c", "2017-01-05"), ("c", "d", "2017-01-09"),
                     ("x", "y", "2017-01-01"), ("q", "p", "2017-02-01"), ("p", "q", "2017-02-02"),
                     ("s", "s", "2017-02-02"))  # fmt: skip
    depths = referral_value._depths(chain).set_index("depth")["customers"]
    assert depths[1] >= 2
    assert depths[3] == 1
    assert depths.sum() == 7
    made, generation = referral_value._reproduction(chain, AS_OF, 182)
    assert (made, generation) == (3, 7)  # by b, by c and by p; q was referred after it referred


def test_odd_referrals_are_counted() -> None:
    chain = referred(("a", "b", "2017-06-01"), ("p", "q", "2017-06-01"), ("q", "p", "2017-06-01"),
                     ("s", "s", "2017-06-01")).assign(reward=[5.0, 5.0, 0.0, 5.0])  # fmt: skip
    first = pd.Series(pd.to_datetime(["2017-06-03", None, "2017-01-01", "2017-06-01"]))
    told = referral_value._oddities(chain, first).set_index("what")["referrals"]
    assert told["of oneself"] == 1
    assert told["both ways between the same two"] == 2
    assert told["rewarded although nothing was bought"] == 1
    assert told["of somebody who was a customer before"] == 1


def test_the_interval_of_a_count_is_garwoods() -> None:
    """Garwood (1936): none seen, 0 to 3.689; ten seen, 4.795 to 18.390."""
    assert referral_value._poisson_reach(0, 0.95) == (0.0, pytest.approx(3.689, abs=5e-4))
    assert referral_value._poisson_reach(10, 0.95) == (
        pytest.approx(4.795, abs=5e-4), pytest.approx(18.390, abs=1e-3),
    )  # fmt: skip


def test_terms_that_run_on_are_not_counted_as_lost() -> None:
    days = pd.to_datetime(["2017-01-01"] * 30)
    terms = pd.DataFrame({"subscription_id": [f"t{n}" for n in range(30)], "customer_id": "a",
                          "started_on": days, "ends_on": days + pd.Timedelta(days=90),
                          "renewed_from": None})  # fmt: skip
    again = terms.head(12).assign(
        subscription_id=[f"u{n}" for n in range(12)], renewed_from=[f"t{n}" for n in range(12)],
        ends_on=pd.Timestamp("2018-06-01"),
    )  # fmt: skip
    tables = tables_of(lines_of({}), subscriptions=pd.concat([terms, again], ignore_index=True))
    told = strategy_scores.scores(tables, as_of=AS_OF).set_index("score")
    row = told.loc["renewed a term that ended"]
    assert (row["value"], row["customers"]) == (12 / 30, 30)
    none = strategy_scores.scores(tables_of(lines_of({})), as_of=AS_OF).set_index("score")
    assert "not defined without terms" in none.loc["renewed a term that ended", "reason"]


def birthday_shop(lift: float, seed: int) -> Tables:
    """Return a shop of 800 customers who buy `lift` times as often in the birthday's two weeks."""
    rng = np.random.default_rng(seed)
    born = rng.integers(5, 360, 800)
    rows: list[dict[str, Any]] = []
    for n, day in enumerate(born):
        away = (np.arange(364) // 7 - day // 7) % 52
        rate = 0.02 * np.where((away == 0) | (away == 51), lift, 1.0)
        rows += [{"order_id": f"o{n}-{d}", "customer_id": f"c{n}",
                  "ordered_at": pd.Timestamp("2017-01-01") + pd.Timedelta(days=int(d))}
                 for d in np.flatnonzero(rng.random(364) < rate)]  # fmt: skip
    dates = [date(1981, 1, 1) + timedelta(days=int(day)) for day in born]
    people = pd.DataFrame({"customer_id": [f"c{n}" for n in range(800)], "birth_date": dates})
    return tables_of(lines_of(*rows), customers=people)


def test_a_birthday_that_lifts_is_found_and_one_that_does_not_is_not() -> None:
    found = care_occasions.birthdays(birthday_shop(1.6, 1), as_of=AS_OF, draws=199)
    assert found.p <= 0.01
    assert found.low < 1.6 / (50 + 2 * 1.6) * 52 < found.high
    assert found.weeks.set_index("week")["ratio"].idxmax() in (-1, 0)
    still = care_occasions.birthdays(birthday_shop(1.0, 2), as_of=AS_OF, draws=199)
    assert still.p > 0.05
    with pytest.raises(NotApplicable, match="knows no birth dates"):
        care_occasions.birthdays(tables_of(lines_of({})), as_of=AS_OF)


def test_occasions_name_day_value_and_reason() -> None:
    points = ledger([
        {"entry_id": "1", "customer_id": "a", "posted_at": "2017-01-20", "kind": "earn",
         "points": 200, "expires_on": "2018-01-20"},
        {"entry_id": "2", "customer_id": "a", "posted_at": "2017-02-20", "kind": "redeem",
         "points": -50},
        {"entry_id": "3", "customer_id": "b", "posted_at": "2017-12-20", "kind": "earn",
         "points": 90, "expires_on": "2018-12-20"},
    ])  # fmt: skip
    tiers = tiers_of(("c", "gold", "2017-07-01", None)).assign(
        qualifying_amount=100.0, qualifying_from=pd.Timestamp("2016-07-01")
    )
    dates = [date(1990, 1, 9), date(1990, 2, 9), date(1990, 1, 1)]
    people = pd.DataFrame({"customer_id": ["d", "e", "f"], "birth_date": dates})
    tables = tables_of(lines_of({}), points=points, tiers=tiers, customers=people)
    listed = care_occasions.care_occasions(
        tables, reconcile(tables, as_of=AS_OF), point_value=0.02, days=30
    )
    rows = listed.set_index("customer_id")
    assert rows.loc["a", ["occasion", "value"]].tolist() == ["points expiring", 3.0]
    assert rows.loc["a", "due_on"] == date(2018, 1, 20)
    assert rows.loc["b", ["occasion", "value", "reason"]].tolist() == [
        "near tier", 10.0, "10 points short of gold",
    ]  # fmt: skip
    assert rows.loc["d", ["occasion", "due_on"]].tolist() == ["birthday", date(2018, 1, 9)]
    assert set(rows.index) == {"a", "b", "d"}  # 1 January stands for unknown


def test_points_of_returned_goods_are_counted_by_the_part_that_came_back() -> None:
    lines = lines_of(
        {"order_id": "o1", "net_amount": 100.0},
        {"order_id": "r1", "net_amount": -25.0, "quantity": -1.0, "returned_order_id": "o1"},
        {"order_id": "o2", "net_amount": 40.0},
    )
    points = ledger([
        {"entry_id": str(n), "customer_id": "c1", "posted_at": "2017-12-01", "kind": "earn",
         "points": p, "expires_on": "2018-12-01", "order_id": order}
        for n, (order, p) in enumerate([("o1", 100), ("o2", 40)])
    ])  # fmt: skip
    tables = tables_of(lines, points=points)
    books = reconcile(tables, as_of=AS_OF)
    found = points_economics.economics(tables, books, costs=PointCosts(0.02))
    assert (found.returned_points, found.returned_orders) == (25.0, 1)
    assert found.returned_cost == pytest.approx(0.5)
    assert (found.earned, found.redeemed, found.promised) == (140.0, 0.0, pytest.approx(2.8))
    assert found.net == 115.0


def test_money_on_account_is_what_was_put_in_less_what_was_spent() -> None:
    moved = pd.DataFrame({"entry_id": ["1", "2", "3", "4"], "customer_id": ["a", "a", "b", "b"],
                          "posted_at": pd.to_datetime(["2017-05-01"] * 4),
                          "kind": ["load", "spend", "bonus", "spend"],
                          "amount": [50.0, -20.5, 5.0, -6.0]})  # fmt: skip
    told = strategy_scores.stored_value(tables_of(lines_of({}), stored_value=moved), as_of=AS_OF)
    flows = told.set_index("flow")
    assert flows.loc["open", "amount"] == 28.5
    assert flows.loc["open", "customers"] == 2
    assert flows["below_zero"].iloc[0] == 1


def claimed(served: list[bool], *, buys: float = 10.0) -> Tables:
    """Return an offer claimed minute by minute, and what those who were served bought later."""
    count = len(served)
    at = pd.Timestamp("2017-03-01 10:00") + pd.to_timedelta(range(count), unit="min")
    who = [f"c{i:04}" for i in range(count)]
    claims = pd.DataFrame(
        {"interaction_id": who, "customer_id": who, "at": at, "kind": "claim",
         "promotion_id": "F", "completed": served}
    )  # fmt: skip
    offer = pd.DataFrame(
        {"promotion_id": ["F"], "name": ["Box"], "starts_on": [date(2017, 3, 1)],
         "ends_on": [date(2017, 3, 1)], "quantity_limit": [sum(served)]}
    )  # fmt: skip
    lines = lines_of(
        *({"customer_id": c, "ordered_at": "2017-04-01", "order_id": f"{c}-{d}",
           "net_amount": buys * got + 5 + i % 7} for i, (c, got) in enumerate(zip(who, served,
           strict=True)) for d in (1,))
    )  # fmt: skip
    return tables_of(lines, promotions=offer, interactions=claims)


def test_who_was_just_served_is_held_against_who_was_just_too_late() -> None:
    found = first_come_offers.first_come(claimed([True] * 150 + [False] * 150), as_of=AS_OF)
    row = found.effects.set_index("outcome").loc["sales after"]
    assert row["low"] < 10 < row["high"]
    assert row["effect"] == pytest.approx(10, abs=2)
    counts = found.offers.iloc[0][["limit", "claims", "served", "late"]].tolist()
    assert counts == [150, 300, 150, 150]
    assert found.offers["p"].iloc[0] > 0.5
    before = found.effects.set_index("outcome").loc["sales before"]
    assert before["effect"] == before["low"] == before["high"] == 0  # nobody bought before


@pytest.mark.parametrize(
    ("served", "reason"),
    [
        ([True] * 300, "it was there for everybody who came"),
        ([True] * 100 + [False] * 100 + [True] * 50, "not given in the order of coming"),
        ([True] * 50 + [False] * 50, "fewer than 200 customers came"),
    ],
)
def test_an_offer_from_which_nothing_can_be_read_says_why(served: list[bool], reason: str) -> None:
    found = first_come_offers.first_come(claimed(served), as_of=AS_OF)
    assert found.effects["effect"].isna().all()
    assert reason in found.effects["reason"].iloc[0]


def test_claims_that_are_not_recorded_are_a_reason() -> None:
    tables = tables_of(lines_of({"customer_id": "a", "net_amount": 1.0}))
    with pytest.raises(NotApplicable, match="No promotion"):
        first_come_offers.first_come(tables, as_of=AS_OF)


def test_small_segments_are_withheld_with_the_smallest_shown_and_looks_are_counted() -> None:
    rows = [{"entry_id": f"{i}", "customer_id": f"c{i}", "posted_at": "2017-12-01", "kind": "earn",
             "points": 5, "expires_on": "2019-01-01"} for i in range(60)]  # fmt: skip
    tables = tables_of(lines_of({"customer_id": "c1", "net_amount": 1.0}), points=ledger(rows))
    sizes = {"many": 80, "some": 40, "few": 30, "three": 3}
    names = [name for name, size in sizes.items() for _ in range(size)]
    segments = pd.DataFrame({"customer_id": [f"c{i}" for i in range(153)], "rfm": names})
    books = reconcile(tables, as_of=AS_OF)
    found = loyalty_by_segment.by_segment(tables, books, segments)
    have = found.shares[found.shares["measure"] == "have points"].set_index("segment")
    assert have["hits"].to_dict() == {"many": 60, "some": 0}
    assert have["difference"]["many"] == pytest.approx(60 / 80)
    assert (have["q"] >= have["p"]).all()
    assert have["q"].max() < 0.001
    assert found.withheld.iloc[0][["segments", "customers"]].tolist() == [2, 33]
    assert found.shares.loc[found.shares["measure"] == "referred somebody", "p"].isna().all()
    assert found.points["earned"].tolist() == [5.0]
    with pytest.raises(NotApplicable, match="RFM"):
        loyalty_by_segment.by_segment(tables, books, segments.assign(rfm=None))
