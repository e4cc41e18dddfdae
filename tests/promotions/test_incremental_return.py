"""Returns, costs, goals and funnels of a shop whose promotions do exactly what is written down."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.errors import NotApplicable
from analysis.promotions.observational import campaign, synthetic_control
from analysis.promotions.outcomes import costs, outcomes
from analysis.promotions.returns import goals, incremental_return, league
from analysis.promotions.returns.roi import (
    AFTER,
    CONTACT,
    DISCOUNT,
    EXTRA,
    FIXED,
    HALO,
    NEIGHBOURS,
    NET,
    SUBSIDY,
)
from analysis.reports.promotions import text_returns as return_readings
from analysis.tables.engine import Tables, in_memory
from tests.promotions import small_shop
from tests.promotions.small_shop import SPANS

ASSUMED = costs.Assumed(contact=2.0, fixed=100.0)


@pytest.fixture(scope="module")
def tables() -> Tables:
    return small_shop.tables()


def found(tables: Tables, **options: object) -> incremental_return.Returns:
    overview = outcomes.overview(tables, SPANS)
    sent = small_shop.sound(campaign.search(tables, SPANS, overview, seed=1))
    return incremental_return.fetch(
        tables, SPANS, overview, campaigns=sent, assumed=ASSUMED, **options
    )


@pytest.fixture(scope="module")
def whole(tables: Tables) -> incremental_return.Returns:
    return found(tables)


def test_the_return_by_lot_is_what_was_written_down(whole: incremental_return.Returns) -> None:
    """Sixty customers: one more unit each at a margin of 4, less 2 off it and off two others."""
    parts = whole.returns["L", "treatment"].waterfall.set_index("part")["amount"]
    assert parts[EXTRA] == pytest.approx(240.0, abs=0.02)
    assert parts[DISCOUNT] == pytest.approx(-120.0, abs=0.02)
    assert parts[SUBSIDY] == pytest.approx(-240.0, abs=0.02)
    assert parts[NEIGHBOURS] == 0
    assert parts[AFTER] == pytest.approx(0.0, abs=0.02)
    assert parts[CONTACT] == -30.0
    assert parts[FIXED] == -30.0
    assert parts[NET] == pytest.approx(-180.0 + parts[HALO], abs=0.05)


def test_costs_come_from_messages_then_records_then_assumptions(tables: Tables) -> None:
    table = costs.by_arm(tables, ASSUMED)
    lot, chosen = (costs.of_arm(table, key, "treatment") for key in ("L", "C"))
    assert (lot.customers, lot.contact, lot.contact_basis) == (60, 30.0, "promotion")
    assert (chosen.customers, chosen.contact, chosen.contact_basis) == (40, 30.0, "messages")
    promotions = small_shop.frames()["promotions"].drop(columns=["fixed_cost", "contact_cost"])
    bare = small_shop.tables(promotions=promotions)
    table = costs.by_arm(bare, ASSUMED)
    lot = costs.of_arm(table, "L", "treatment")
    assert (lot.contact, lot.fixed) == (120.0, 100.0)
    assert (lot.contact_basis, lot.fixed_basis) == ("assumed", "assumed")


def test_the_fixed_cost_is_shared_by_arms_as_customers_are() -> None:
    given = small_shop.frames()["assignments"]
    given.loc[given["promotion_id"].eq("L") & given["arm"].ne("control"), "arm"] = ["a"] * 45 + [
        "b"
    ] * 15
    table = costs.by_arm(small_shop.tables(assignments=given), ASSUMED)
    mine = table[table["promotion_id"] == "L"].set_index("arm")
    assert mine["fixed"].to_dict() == {"a": 22.5, "b": 7.5}


def test_withheld_promotions_get_no_return(tables: Tables) -> None:
    one = found(tables, without={"L": "It fails the checks."})
    assert ("L", "treatment") not in one.returns
    row = one.table.set_index("promotion_id").loc["L"]
    assert row["reason"] == "It fails the checks."
    assert np.isnan(row["net"])


def test_a_promotion_without_control_says_so() -> None:
    given = small_shop.frames()["assignments"]
    kept = given[given["arm"] != "control"]
    one = found(small_shop.tables(assignments=kept))
    assert one.table.set_index("promotion_id").loc["L", "reason"] == "It has no control arm."


def test_a_study_without_assignments_has_no_returns() -> None:
    bare = small_shop.without("assignments", "contacts", "redemptions")
    overview = outcomes.overview(bare, SPANS)
    sent = campaign.search(bare, SPANS, overview)
    assert sent.reason == "No promotion was sent to customers whom somebody chose."
    one = incremental_return.fetch(bare, SPANS, overview, campaigns=sent, assumed=ASSUMED)
    assert one.reason == "No promotion was sent to customers by name."
    assert one.table.empty
    assert league.rows(bare, one, synthetic_control.search(bare, SPANS, overview)).empty


def test_each_goal_is_judged_by_its_own_measure(
    tables: Tables, whole: incremental_return.Returns
) -> None:
    table = goals.against_goals(tables, whole).set_index("promotion_id")
    launch = table.loc["L"]
    assert launch["measure"] == "orders of the offer"
    assert launch["change"] == pytest.approx(1.0, abs=0.01)
    assert launch["reached"] == "yes, at a loss"
    exposure = table.loc["C"]
    assert exposure["change"] == pytest.approx(10 / 40)
    assert exposure["reached"] == "yes"
    # Wilson's interval of 10 in 40, as printed by statsmodels and R's prop.test without correction.
    assert (exposure["low"], exposure["high"]) == pytest.approx((0.1419, 0.4019), abs=5e-5)


def test_a_goal_whose_measure_is_not_in_the_data_is_unknown(
    whole: incremental_return.Returns,
) -> None:
    table = goals.against_goals(small_shop.without("contacts"), whole).set_index("promotion_id")
    assert table.loc["C", "reached"] == "unknown"


def test_the_funnel_counts_customers_step_by_step(tables: Tables) -> None:
    table = goals.fetch(tables).set_index("promotion_id")
    assert table.loc["C", ["chosen", "reached", "opened", "clicked"]].tolist() == [40, 40, 10, 0]
    assert table.loc["L", ["chosen", "redeemed", "bought"]].tolist() == [60, 60, 60]


def test_what_could_not_be_taken_is_not_known_rather_than_taken_by_nobody() -> None:
    offers = small_shop.frames()["promotion_products"]
    offers = offers[offers["promotion_id"] != "L"]
    table = goals.fetch(small_shop.tables(promotion_products=offers)).set_index("promotion_id")
    assert pd.isna(table.loc["L", "bought"])
    assert table.loc["L", "redeemed"] == 60


def test_the_funnel_leaves_out_what_the_data_hold_in_part() -> None:
    frames = small_shop.frames()
    ends = pd.to_datetime(frames["promotions"]["ends_on"])
    assert ends.iloc[0] < ends.iloc[1]
    for last, left in ((ends.max(), ["C", "L"]), (ends.max() - pd.Timedelta(days=1), ["L"])):
        held = in_memory(frames, order_span=("2000-01-01", str(last.date())))
        assert goals.fetch(held)["promotion_id"].tolist() == left


def test_a_study_without_messages_has_a_shorter_funnel() -> None:
    table = goals.fetch(small_shop.without("contacts", "redemptions"))
    assert table.columns.tolist() == ["promotion_id", "arm", "chosen", "bought"]


def test_the_league_names_mechanic_channel_and_season(
    tables: Tables, whole: incremental_return.Returns
) -> None:
    blends = synthetic_control.search(tables, SPANS, outcomes.overview(tables, SPANS))
    table = league.rows(tables, whole, blends).set_index("promotion_id")
    assert table.loc["C", ["kind", "channel", "season"]].tolist() == ["chosen", "mail", "summer"]
    assert table.loc["L", ["kind", "mechanic", "channel"]].tolist() == [
        "randomised",
        "coupon",
        "none",
    ]


def test_kinds_of_proof_are_never_pooled_together() -> None:
    rows = pd.DataFrame(
        {
            "promotion_id": list("abcdef"),
            "arm": "t",
            "label": list("abcdef"),
            "kind": [*[league.BY_LOT] * 3, *[league.CHOSEN] * 3],
            "mechanic": "coupon",
            "channel": "none",
            "season": "summer",
            "lift": [0.0, 0.1, 0.05, 5.0, 5.1, 5.05],
            "error": 0.1,
        }
    )
    shrunk = league.shrunk(rows).set_index("promotion_id")
    assert shrunk.loc[["a", "b", "c"], "shrunk"].max() < 0.2
    assert shrunk.loc[["d", "e", "f"], "shrunk"].min() > 4.9
    groups = league.by_group(rows)
    assert groups[groups["by"] == "all"].groupby("kind")["promotions"].sum().tolist() == [3, 3]
    assert not (groups["by"] == "channel").any()


def test_two_promotions_are_not_drawn_together_and_each_keeps_its_own_interval() -> None:
    """With one degree of freedom "none of 2 is above zero" would refute both of them."""
    rows = pd.DataFrame(
        {"promotion_id": ["a", "b"], "arm": "t", "label": ["A", "B"], "kind": league.BY_LOT,
         "mechanic": "m", "channel": "none", "season": "summer", "lift": [0.5, 0.3], "error": 0.1}
    )  # fmt: skip
    two = league.shrunk(rows)
    assert two["shrunk"].isna().all()
    assert (two["low"] > 0).all()
    assert return_readings.lifts(two) == (
        "A did most before costs: +50 %; by its own interval 2 of 2 promotions and arms are above "
        "zero (too few to shrink)"
    )
    with pytest.raises(NotApplicable, match="No three promotions of a kind share"):
        league.by_group(rows)


def test_one_promotion_alone_is_not_shrunk() -> None:
    rows = pd.DataFrame(
        {"promotion_id": ["a"], "arm": "t", "label": "a", "kind": league.BY_LOT, "mechanic": "m",
         "channel": "none", "season": "summer", "lift": 0.1, "error": 0.1}
    )  # fmt: skip
    alone = league.shrunk(rows)
    assert alone["shrunk"].isna().all()
    with pytest.raises(NotApplicable, match="No three promotions of a kind share"):
        league.by_group(rows)
    with pytest.raises(NotApplicable, match="one alone says nothing"):
        return_readings.shown_kind(alone)
    none = league.shrunk(rows.head(0))
    assert none[["shrunk", "shrunk_low", "shrunk_high"]].empty


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ({"opened": 0.5, "bought": 0.2}, "50 % open the message and 20 % buy what is on offer"),
        ({"redeemed": 0.1, "bought": 0.2}, "10 % of those chosen redeem anything"),
        ({"bought": 0.2}, "20 % of those chosen buy what is on offer"),
        ({"redeemed": 0.1}, "10 % of those chosen redeem anything"),
    ],
)
def test_the_funnel_tells_the_steps_that_are_known(steps: dict[str, float], said: str) -> None:
    table = pd.DataFrame({"chosen": [100], **{k: [v] for k, v in steps.items()}})
    assert return_readings.funnel(table) == f"In the median promotion or arm {said}"


def test_without_a_step_there_is_no_funnel() -> None:
    with pytest.raises(NotApplicable, match="What became of those chosen is not known"):
        return_readings.funnel(pd.DataFrame({"chosen": [100]}))
