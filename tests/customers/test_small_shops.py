"""Shops with hardly any customers, no past, or customers who are all alike: a sentence says why."""

from __future__ import annotations

from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from analysis.customers.deals import deal_proneness
from analysis.customers.features import attributes, features
from analysis.customers.features.attributes import is_new
from analysis.customers.retention import inactivity, lifecycle, regularity, repeat_purchase
from analysis.customers.segments import areas, cluster_profiles, group_summary, segment_profiles
from analysis.customers.value import (
    decile_migration,
    deciles,
    rfm,
    rfm_migration,
    rfm_segments,
    tiers,
)
from analysis.errors import NotApplicable
from analysis.tables.engine import Tables, in_memory
from analysis.tables.periods import Period
from tests.customers.populations import features_of, shoppers, weekly_of

YEAR = Period.before("2018-01-01", days=365)
QUARTER = Period.before("2018-01-01", days=91)
AS_OF = date(2018, 1, 1)


def shop(days: dict[str | None, list[int]], *, quantity: float = 1.0) -> Tables:
    """Orders of 10 by customer (None: a guest), on so many days before ``AS_OF``."""
    rows = [(who, AS_OF - timedelta(days=ago)) for who, agos in days.items() for ago in agos]
    lines = pd.DataFrame(rows, columns=["customer_id", "day"])
    lines["ordered_at"] = pd.to_datetime(lines.pop("day")) + pd.Timedelta(hours=12)
    lines = lines.assign(
        order_id=[f"o{i}" for i in range(len(lines))],
        product_id="p",
        quantity=quantity,
        net_amount=10.0 * quantity,
    )
    products = pd.DataFrame({"product_id": ["p"], "department": ["d"], "category": ["c"]})
    return in_memory({"order_lines": lines, "products": products})


def spread(n: int) -> pd.DataFrame:
    """Return customers who differ in all that RFM scores."""
    place = np.arange(n)
    made = features_of(10.0 + place)
    return made.assign(orders=1 + place, recency_days=1 + place, tenure_days=300)


# Whether a report applies ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "quantity", "said"),
    [
        ({None: [5, 6, 7]}, 1.0, "No known customer bought anything from 1 Jan 2017"),
        ({"a": [5, 6]}, -1.0, "No known customer bought anything"),
        ({"a": [5]}, 1.0, "Only 1 customer bought from .*: too few for 10 groups"),
        ({f"c{i}": [5, i + 9] for i in range(7)}, 1.0, "Only 7 customers bought"),
        ({f"c{i}": [5] for i in range(12)}, 0.0, "add up to zero or less"),
    ],
)
def test_a_report_without_enough_customers_says_why(
    days: dict[str | None, list[int]], quantity: float, said: str
) -> None:
    known = features.fetch(shop(days, quantity=quantity), YEAR)
    with pytest.raises(NotApplicable, match=said):
        attributes.require(known, YEAR, fewest=10, what="10 groups")


def test_ten_customers_who_bought_are_enough() -> None:
    attributes.require(spread(10), YEAR, fewest=10, what="10 groups")
    with pytest.raises(NotApplicable, match="Only 9"):
        attributes.require(spread(10).assign(orders=[0, *range(1, 10)]), YEAR, fewest=10, what="x")


# Segments and what follows -----------------------------------------------------------------------


def test_customers_who_are_alike_get_no_trade_names() -> None:
    once = spread(20).assign(orders=1)
    with pytest.raises(NotApplicable, match=r"all customers have the same number of orders\.$"):
        rfm.require_spread(once)
    rfm.require_spread(once, cuts={"frequency": [2, 3, 4, 5]})
    rfm.require_spread(spread(20))
    alike = once.assign(recency_days=3, net_amount=5.0)
    with pytest.raises(NotApplicable, match="last purchase, the same number of orders, the same n"):
        rfm.require_spread(alike)


def test_without_a_past_nobody_is_followed() -> None:
    nobody = spread(20).iloc[:0]
    rfm.require_spread(nobody)
    groups = rfm_segments.segment(nobody)
    with pytest.raises(NotApplicable, match="Nobody bought from 1 Jan 2017"):
        group_summary.what_next(nobody, groups, spread(20), periods=(YEAR, QUARTER))
    with pytest.raises(NotApplicable, match="No customer is in any"):
        group_summary.worth(nobody, groups)


def test_silence_of_the_whole_shop_is_no_verdict_on_segments() -> None:
    groups = pd.Series(["a"] * 20, dtype="category")
    with pytest.raises(NotApplicable, match=r"from 2 Oct 2017 .* nothing to follow"):
        group_summary.what_next(spread(20), groups, spread(20).iloc[:0], periods=(YEAR, QUARTER))


def test_nobody_is_new_where_everybody_is() -> None:
    tenure = pd.Series([80.0, 40.0, 10.0, np.nan])
    assert not is_new(tenure, new_days=90).any()
    grown = pd.Series([300.0, 211.0, 80.0, 10.0, np.nan])
    assert is_new(grown, new_days=90).tolist() == [False, False, True, True, False]
    # Seen first while the data were still filling: not new, however lately that was.
    assert is_new(pd.Series([120.0, 80.0, 30.0]), new_days=90).tolist() == [False, False, True]


def test_a_young_shop_names_nobody_new() -> None:
    young = spread(50).assign(tenure_days=np.linspace(5, 80, 50))
    assert "New" not in set(rfm_segments.segment(young).astype("str"))


def test_tiers_need_customers_who_differ() -> None:
    with pytest.raises(NotApplicable, match="the same margin, or none"):
        tiers.require(tiers.assign(pd.Series([5.0] * 30)))
    with pytest.raises(NotApplicable, match="or none"):
        tiers.require(tiers.assign(pd.Series([-5.0, -1.0, 0.0])))
    tiers.require(tiers.assign(pd.Series([50.0, 1.0, 1.0, 1.0])))


def test_a_treatment_of_who_brings_no_margin_may_cost_nothing() -> None:
    people = features_of([100.0] * 20, margin=np.array([30.0] * 10 + [-3.0] * 10))
    people = people.assign(recency_days=1)
    table = group_summary.worth(people, tiers.assign(people["margin_amount"]))
    bounds = tiers.spending_bounds(table, uplift=0.05, period_days=365)
    assert bounds["bound"].tolist() == pytest.approx([1.5, 0.0])
    assert not {"bound_low", "bound_high"} & set(bounds)  # no interval round an assumption


def test_movement_and_staying_need_thirty_customers() -> None:
    weeks = shoppers(40, 20, np.random.default_rng(1))
    with pytest.raises(NotApplicable, match=r"30 customers \(29\)"):
        rfm_migration.movement(weekly_of(weeks[:29]))
    with pytest.raises(NotApplicable, match=r"30 customers \(29\)"):
        decile_migration.persistence(weekly_of(weeks[:29]))
    assert len(rfm_migration.movement(weekly_of(weeks))) == 6


def test_nobody_stays_or_moves_where_everybody_came_once() -> None:
    once = weekly_of(np.eye(40, 20) + np.eye(40, 20, -20))
    for compare in (rfm_migration.movement, decile_migration.persistence):
        with pytest.raises(NotApplicable, match="Nobody bought in two different weeks"):
            compare(once)


def test_equal_customers_have_no_groups() -> None:
    with pytest.raises(NotApplicable, match="no best and no last"):
        deciles.require(deciles.monetary_deciles(features_of([5.0] * 40)))
    deciles.require(deciles.monetary_deciles(features_of([5.0] * 40 + [9.0] * 3)))


def test_no_tenth_of_one_or_two_customers_is_shown() -> None:
    for amounts in (np.arange(1.0, 26.0), [5.0] * 40 + [9.0]):
        found = deciles.monetary_deciles(features_of(list(amounts)))
        assert found.table["share"].isna().all()
        with pytest.raises(NotApplicable, match="one or two customers"):
            deciles.require(found)
    deciles.require(deciles.monetary_deciles(features_of(list(np.arange(1.0, 31.0)))))


def test_a_discount_that_no_table_knows_is_no_discount_of_nothing() -> None:
    shop = features_of([5.0] * 40 + [9.0] * 40)
    assert deciles.monetary_deciles(shop).table["discount_share"].isna().all()
    priced = shop.assign(discount_amount=[0.0] * 79 + [1.0], list_amount=10.0)
    assert (deciles.monetary_deciles(priced).table["discount_share"] >= 0).all()


def test_where_all_are_equal_there_is_no_best_group_to_stay_in() -> None:
    with pytest.raises(NotApplicable, match="nobody is in its best group"):
        decile_migration.persistence(weekly_of(np.full((40, 8), 5.0)))


# Rhythm, silence, stages -------------------------------------------------------------------------


def test_rhythm_of_customers_who_came_once_is_not_told() -> None:
    once = pd.DataFrame({"customer_id": ["a", "b"], "gaps": 0, "gap_sum": 0.0, "log_gaps": 0.0})
    with pytest.raises(NotApplicable, match="five days or more"):
        regularity.require(regularity.shapes(once))


def test_cuts_of_silence_without_a_second_gap_are_the_model_s() -> None:
    single = pd.DataFrame(
        {"gaps": [1] * 40, "gap_sum": 7.0, "log_gaps": np.log(7.0), "last_gap": 7.0}
    )
    pace = inactivity.Pace(1.0, 1.0, 7.0, 40)
    assert inactivity.thresholds(pace, single, (0.10, 0.02)).tolist() == [0.10, 0.02]
    assert inactivity.calibration(pace, single)["customers"].tolist() == [0, 0, 0]


def test_stages_of_customers_with_one_gap_each_are_told() -> None:
    found = lifecycle.stages(shop({f"c{i:02d}": [5 + i, 60 + 2 * i] for i in range(40)}), AS_OF)
    assert len(found.table) == 40
    assert "New" not in set(found.table["stage"].astype("str"))


def test_stages_without_a_past_say_so() -> None:
    with pytest.raises(NotApplicable, match="Life stages cannot be told: nobody bought from"):
        lifecycle.stages(shop({"a": [5, 9]}), date(2017, 11, 1))


def test_a_history_of_one_month_has_no_cohorts_to_follow() -> None:
    with pytest.raises(NotApplicable, match="Cohorts cannot be followed"):
        repeat_purchase.require(
            repeat_purchase.retention(shop({f"c{i:02d}": [3, 9] for i in range(20)}), as_of=AS_OF)
        )
    with pytest.raises(NotApplicable, match="Cohorts cannot be followed"):
        repeat_purchase.require(repeat_purchase.retention(shop({"a": [3, 90, 160]}), as_of=AS_OF))


def test_ranks_that_agree_leave_nobody_to_list() -> None:
    same = features_of(np.arange(1.0, 41.0))
    with pytest.raises(NotApplicable, match="another group by margin"):
        deciles.require_disagreement(deciles.rank_agreement(same))
    other = features_of(np.arange(1.0, 41.0), margin=np.arange(40.0, 0.0, -1.0))
    deciles.require_disagreement(deciles.rank_agreement(other))


def test_areas_that_buy_alike_have_no_preferences_to_list() -> None:
    found = pd.DataFrame({"area": ["a", "b"], "low": [80.0, 99.0]})
    with pytest.raises(NotApplicable, match="No area significantly buys more"):
        areas.clear_preferences(found)


def test_newcomers_of_whom_nobody_came_back_have_no_curve() -> None:
    found = pd.DataFrame({"days": [5, 9, 30], "came_back": False})
    with pytest.raises(NotApplicable, match="None of 3 newcomers"):
        repeat_purchase.return_curve(found)


def test_too_few_to_call_is_not_said_to_be_nothing_on_offer() -> None:
    few = pd.DataFrame({"priced_lines": [4] * 19, "discounted_lines": 1})
    with pytest.raises(NotApplicable, match=r"fewer than 20 customers \(19\)"):
        deal_proneness.judge(few)


def test_clusters_are_not_placed_in_a_window_without_customers() -> None:
    found = SimpleNamespace(best=2)
    inputs = SimpleNamespace(names=("net_amount", "basket_value"))
    with pytest.raises(NotApplicable, match="In the earlier window there are none"):
        cluster_profiles.place_again(found, inputs, spread(5))  # type: ignore[arg-type]


def test_a_kind_nobody_is_of_keeps_its_column() -> None:
    people = spread(3)
    kinds = {
        "rfm": segment_profiles.unjudged(people),
        "life_stage": segment_profiles.unjudged(people, segment_profiles.UNJUDGED),
    }
    table = segment_profiles.assemble(people, kinds)
    assert table["rfm"].isna().all()
    assert table["life_stage"].tolist() == [segment_profiles.UNJUDGED] * 3
