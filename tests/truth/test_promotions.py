"""Promotions: what the assignment log and the tills say, against what each truly does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chisquare

from analysis.simulator.people import population
from analysis.simulator.selling import promotion_responses
from analysis.simulator.selling.promotion_plan import TRIALS, Trial
from analysis.simulator.shop import Shop
from analysis.simulator.shop_plan import Plan
from analysis.simulator.truth import about_promotions
from analysis.simulator.truth.truth_tables import MEASURES
from tests.truth.calibration import assert_calibrated, assert_centred
from tests.truth.shops import Shops

#: One row a customer in the log of a promotion, with purchases inside its window and before it.
OUTCOMES = """
    with members as (
        select a.seed, a.customer_id, a.arm, a.randomised, t.life_stage
        from assignments a join truth_customers t using (seed, customer_id)
        where promotion_id = $promotion
    ), sums as (
        select l.seed, l.customer_id,
               sum(net_amount - cost_amount) filter (
                   ordered_at >= $begins::date and ordered_at < $ends::date)::double as margin,
               sum(net_amount - cost_amount) filter (
                   ordered_at >= $begins::date and ordered_at < $after::date)::double
                   as margin_after,
               sum(quantity) filter (
                   ordered_at >= $begins::date and ordered_at < $ends::date
                   and product_id = $product)::double as units,
               count(distinct order_id) filter (
                   ordered_at >= $begins::date and ordered_at < $ends::date)::double as orders,
               sum(net_amount) filter (
                   ordered_at < $begins::date and ordered_at >= $before::date)::double as before
        from order_lines l where quantity > 0 and l.seed = $seed group by all
    )
    select members.*, coalesce(margin, 0) as margin, coalesce(margin_after, 0) as margin_after,
           coalesce(units, 0) as units, coalesce(orders, 0) as orders,
           coalesce(before, 0) as before
    from members left join sums using (seed, customer_id) where members.seed = $seed
    order by customer_id
"""


def outcomes(shops: Shops, promotion: str) -> dict[int, pd.DataFrame]:
    """Return the customers in the log of a promotion with their outcomes, by seed."""
    found = {}
    for seed, truth in shops.truth.items():
        said = truth["planted"][promotion]["parameters"]
        ends = pd.Timestamp(said["until"])
        found[seed] = shops.frame(
            OUTCOMES,
            promotion=promotion,
            seed=seed,
            product=said["product"],
            begins=said["from"],
            ends=said["until"],
            after=str((ends + pd.Timedelta(weeks=said["weeks_after"])).date()),
            before=str((pd.Timestamp(said["from"]) - pd.Timedelta(weeks=26)).date()),
        )
    return found


def differences(
    found: dict[int, pd.DataFrame], measure: str, arm: str = "treatment"
) -> tuple[np.ndarray, np.ndarray]:
    """Return the difference of means between ``arm`` and control, and its error, by seed."""
    rows = []
    for members in found.values():
        treated = members.loc[members["arm"] == arm, measure]
        control = members.loc[members["arm"] == "control", measure]
        error = np.sqrt(treated.var() / len(treated) + control.var() / len(control))
        rows.append((treated.mean() - control.mean(), error))
    return tuple(np.array(column) for column in zip(*rows, strict=True))  # type: ignore[return-value]


def effect(shops: Shops, promotion: str, arm: str = "treatment") -> dict[str, Any]:
    """Return the superpopulation effect, which all shops share."""
    return shops.parameter(promotion, "superpopulation", arm)


@pytest.mark.parametrize("measure", ["margin", "orders", "units"])
def test_a_randomised_effect_is_the_difference_in_means(shops: Shops, measure: str) -> None:
    found = outcomes(shops, "T1")
    assert all(members["randomised"].all() for members in found.values())
    assert_calibrated(*differences(found, measure), effect(shops, "T1")[measure])


def test_the_effect_differs_by_life_stage(shops: Shops) -> None:
    found = outcomes(shops, "T1")
    for stage, truth in effect(shops, "T1")["by_life_stage"].items():
        mine = {seed: m[m["life_stage"] == stage] for seed, m in found.items()}
        assert_centred(differences(mine, "margin")[0], truth["margin"])


@pytest.mark.parametrize("measure", ["margin", "orders", "units"])
def test_the_null_promotion_does_nothing(shops: Shops, measure: str) -> None:
    truth = effect(shops, "T2")
    assert all(value == 0 for value in truth.values())
    assert_calibrated(*differences(outcomes(shops, "T2"), measure), 0.0)


def test_pulling_forward_gains_now_and_loses_after(shops: Shops) -> None:
    found, truth = outcomes(shops, "T3"), effect(shops, "T3")
    assert truth["margin"] > 0 > truth["margin_after"]
    assert_calibrated(*differences(found, "units"), truth["units"])
    assert_calibrated(*differences(found, "margin"), truth["margin"])
    assert_calibrated(*differences(found, "margin_after"), truth["margin_after"])


def test_cannibalising_moves_units_and_loses_margin(shops: Shops) -> None:
    found, truth = outcomes(shops, "T4"), effect(shops, "T4")
    assert truth["units"] > 0 > truth["margin"]
    assert truth["orders"] == 0
    assert_calibrated(*differences(found, "units"), truth["units"])
    assert_calibrated(*differences(found, "orders"), 0.0)
    assert_calibrated(*differences(found, "margin"), truth["margin"])


def test_the_broken_log_shows_in_the_sample_ratio_and_misleads(shops: Shops) -> None:
    found = outcomes(shops, "T5")
    counts = [m["arm"].value_counts()[["control", "treatment"]].to_numpy() for m in found.values()]
    p_values = [chisquare(count).pvalue for count in counts]
    assert np.mean(np.array(p_values) < 0.05) > 0.2
    assert chisquare(np.sum(counts, axis=0)).pvalue < 1e-10
    # What is left of the treated bought less before, and buys less now than the treated do.
    spent = differences(found, "before")[0]
    assert spent.mean() + 4 * spent.std(ddof=1) / np.sqrt(len(spent)) < 0
    kept = shops.sql(
        """
        select avg(window_margin::double) filter (logged) - avg(window_margin::double) as gap
        from truth_arms where promotion_id = 'T5' and arm = 'treatment' group by seed
        """
    )["gap"]
    assert kept.mean() + 6 * kept.std(ddof=1) / np.sqrt(len(kept)) < 0


def test_sample_ratios_hold_where_nothing_is_broken(shops: Shops) -> None:
    for promotion in ("T1", "T2", "T3", "T4", "T7", "T8"):
        arms = shops.parameter(promotion, "parameters", "arms")
        counted = pd.concat([m["arm"] for m in outcomes(shops, promotion).values()]).value_counts()
        planned = np.array([arms[name]["share"] for name in counted.index]) * counted.sum()
        assert chisquare(counted.to_numpy(), planned).pvalue > 1e-4


def test_targeting_misleads_by_the_stated_amount(shops: Shops) -> None:
    found = outcomes(shops, "T6")
    assert not any(members["randomised"].any() for members in found.values())
    naive = differences(found, "margin")[0]
    said = [truth["realised"]["treatment"] for truth in shops.planted("T6")]
    assert np.allclose(naive, [s["naive_margin"] for s in said], atol=1e-6)
    on_treated = np.array([s["on_treated"]["margin"] for s in said])
    assert np.allclose(naive - on_treated, [s["naive_bias"] for s in said], atol=1e-6)
    truth = effect(shops, "T6")["margin"]
    assert_centred(on_treated, truth)
    assert naive.mean() > 1.5 * truth


def test_targeting_depends_on_past_spend_alone_so_weighting_repairs_it(shops: Shops) -> None:
    found = outcomes(shops, "T6")
    chance = shops.frame(
        "select seed, customer_id, chance from truth_arms where promotion_id = 'T6'"
    )
    estimates = []
    for seed, members in found.items():
        mine = members.merge(chance[chance["seed"] == seed], on="customer_id")
        said = shops.truth[seed]["planted"]["T6"]["parameters"]["targeting"]
        intercept, slope, centre = said["log_odds"]
        score = intercept + slope * (np.log1p(mine["before"]) - centre)
        assert np.allclose(mine["chance"], 1 / (1 + np.exp(-score)), atol=1e-9)
        treated = mine["arm"] == "treatment"
        odds = mine["chance"] / (1 - mine["chance"])
        control = np.average(mine["margin"][~treated], weights=odds[~treated])
        estimates.append(mine["margin"][treated].mean() - control)
    assert_centred(estimates, effect(shops, "T6")["margin"])


@pytest.mark.parametrize(
    ("promotion", "arm"),
    [("T7", a) for a in ("email", "sms", "app", "phone")]
    + [("T8", f"{d} %") for d in (10, 20, 30)],
)
def test_every_arm_has_its_effect(shops: Shops, promotion: str, arm: str) -> None:
    found = outcomes(shops, promotion)
    truth = effect(shops, promotion, arm)
    assert_centred(differences(found, "margin", arm)[0], truth["margin"])
    assert_centred(differences(found, "units", arm)[0], truth["units"])


@pytest.fixture(scope="module")
def gains() -> dict[tuple[str, str, str], list[float]]:
    """Return mean effects on the members of sixty larger shops: promotion, arm, measure."""
    found: dict[tuple[str, str, str], list[float]] = {}
    base = Plan.of(Shop(customers=4_000, chunk=4_000))
    for seed in range(60):
        plan = replace(base, shop=replace(base.shop, seed=seed))
        crowd = population.draw(plan.shop, plan.calendar, 0)
        for trial in TRIALS:
            stage, _ = promotion_responses.prepare(plan.shop, plan.calendar, crowd, trial, 0)
            worlds = [
                promotion_responses.played(stage, arm, plan.catalogue, crowd) for arm in trial.arms
            ]
            sums = promotion_responses.outcomes(stage, worlds, plan.catalogue, crowd)
            for number, arm in enumerate(trial.arms[1:], start=1):
                for measure in MEASURES:
                    gain = (sums[f"{measure}_{number}"] - sums[f"{measure}_0"]).mean()
                    money = 100 if measure in ("net", "margin", "margin_after") else 1
                    found.setdefault((trial.key, arm.name, measure), []).append(gain / money)
    return found


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.key)
def test_both_outcomes_of_each_customer_average_to_the_superpopulation(
    gains: dict[tuple[str, str, str], list[float]], trial: Trial
) -> None:
    plan = Plan.of(Shop(customers=4_000, chunk=4_000))
    for arm in trial.arms[1:]:
        truth = about_promotions.expected(plan, trial, arm)
        for measure in MEASURES:
            values = gains[trial.key, arm.name, measure]
            if np.ptp(values) == 0:
                assert values[0] == truth[measure] == 0
            else:
                assert_centred(values, truth[measure])


def test_realised_effects_are_those_of_the_outcomes_table(shops: Shops) -> None:
    found = shops.frame(
        """
        select o.seed, o.promotion_id, o.if_arm as arm,
               avg(o.margin::double - c.margin::double) as margin
        from truth_outcomes o join truth_outcomes c using (seed, promotion_id, customer_id)
        where c.if_arm = 'control' and o.if_arm <> 'control' group by all
        """
    )
    assert len(found) == 24 * sum(len(trial.arms) - 1 for trial in TRIALS)
    for row in found.itertuples():
        said = shops.truth[row.seed]["planted"][row.promotion_id]["realised"][row.arm]
        assert abs(said["margin"] - row.margin) < 1e-6


def test_redemptions_are_discounted_orders_of_treated_customers(shops: Shops) -> None:
    found = shops.sql(
        """
        select count(*) as n, sum((a.arm is null or a.arm = 'control')::int) as outside,
               sum((l.net_amount >= l.list_amount)::int) as at_full_price
        from redemptions r
        left join truth_arms a using (seed, promotion_id, customer_id)
        left join order_lines l using (seed, order_id)
        """
    )
    assert found["n"][0] > 500
    assert found["outside"][0] == 0
    assert found["at_full_price"][0] == 0


def test_nobody_is_contacted_who_was_not_treated(shops: Shops) -> None:
    found = shops.sql(
        """
        select count(*) as n, sum((a.arm is null or a.arm = 'control')::int) as outside,
               sum((c.sent_at < p.starts)::int) as before
        from contacts c left join truth_arms a using (seed, promotion_id, customer_id)
        left join (select seed, promotion_id, min(assigned_at) + interval 3 day as starts
                   from assignments group by all) p using (seed, promotion_id)
        where c.promotion_id is not null
        """
    )
    assert found["n"][0] > 1_000
    assert found["outside"][0] == 0
    assert found["before"][0] == found["n"][0]
