"""What must not be computed, or only with the right small-sample method: a reason in words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.errors import NotApplicable
from analysis.promotions.experiments import (
    adjustment,
    bandit,
    estimates,
    robustness,
    uplift,
    validity_checks,
)
from analysis.promotions.outcomes import moments
from analysis.promotions.outcomes.moments import Moments
from analysis.promotions.outcomes.outcomes import COLUMNS, COVARIATES, MEASURES
from analysis.promotions.planning import assignment, power
from analysis.stats import proportions, resampling

RULES = estimates.Rules()


def arm(n: int, seed: int = 0, **columns: object) -> Moments:
    """Return an arm whose columns are drawn, but for those given."""
    rng = np.random.default_rng(seed)
    values = {name: rng.gamma(2.0, 3.0, n) for name in COLUMNS}
    for name in ("converted", "participated", "redeemed"):
        values[name] = (rng.random(n) < 0.4).astype(float)
    values["orders"] = values["converted"]
    values |= {name: np.broadcast_to(np.asarray(v, float), n) for name, v in columns.items()}
    return moments.of_values(np.column_stack([values[c] for c in COLUMNS]), COLUMNS)


def one_row(measure: str, control: Moments, treated: Moments) -> pd.Series:
    measured = [each for each in MEASURES if each.key == measure]
    table = estimates.estimate({"control": control, "treatment": treated}, RULES, measures=measured)
    return table.iloc[0]


def test_no_conversion_in_either_arm() -> None:
    row = one_row("converted", arm(100, converted=0), arm(100, 1, converted=0))
    assert row["reason"] == estimates.NOBODY
    assert row["p"] == 1
    assert row["low"] < 0 < row["high"]
    assert np.isnan(row["lift"])


def test_no_conversion_in_control_has_no_relative_lift() -> None:
    row = one_row("converted", arm(100, converted=0), arm(100, 1))
    assert row["reason"] == estimates.NO_YARDSTICK
    assert row["low"] > 0
    assert np.isnan(row["lift"])


def test_an_empty_arm() -> None:
    empty = moments.of_values(np.zeros((0, len(COLUMNS))), COLUMNS)
    row = one_row("margin", arm(50), empty)
    assert row["reason"] == estimates.TOO_FEW
    assert np.isnan(row["difference"])


def test_a_promotion_without_control_or_without_treated() -> None:
    table = pd.DataFrame({"promotion_id": ["A"], "arm": ["treatment"], "moments": [arm(10)]})
    with pytest.raises(NotApplicable, match="no arm named control"):
        estimates.arms_of(table, "A")
    with pytest.raises(NotApplicable, match="nobody outside control"):
        estimates.arms_of(table.assign(arm="control"), "A")


def test_all_values_equal() -> None:
    row = one_row("margin", arm(50, margin=3), arm(50, 1, margin=3))
    assert row["reason"] == estimates.ALL_EQUAL
    assert (row["difference"], row["p"]) == (0, 1)


def test_nobody_orders_so_there_is_no_basket() -> None:
    row = one_row("basket", arm(50, orders=0, net=0), arm(50, 1, orders=0, net=0))
    assert np.isnan(row["difference"])


def test_a_constant_covariate_is_left_out_with_its_reason() -> None:
    pair = [arm(200, before_net=7.0), arm(200, 1, before_net=7.0)]
    found = adjustment.usable(pair, COVARIATES)
    assert "before_net" not in found.used
    assert found.reasons["before_net"] == "it is the same for every customer"


def test_a_covariate_that_repeats_others_is_left_out() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(400, 2))
    values = np.column_stack([x, x.sum(1)])
    found = adjustment.usable([moments.of_values(values, ["a", "b", "c"])], ["a", "b", "c"])
    assert found.used == ("a", "b")
    assert found.reasons["c"] == "other covariates say the same"


def test_a_small_arm_takes_no_covariates_and_says_so() -> None:
    pair = [arm(10), arm(200, 1)]
    found = adjustment.usable(pair, COVARIATES)
    assert not found.used
    assert "too few customers" in found.reasons["before_margin"]
    assert one_row("margin", pair[1], pair[0])["reason"] == estimates.SMALL


def test_an_arm_of_ten_is_tested_by_other_draws_of_the_lot() -> None:
    rng = np.random.default_rng(8)
    values = {c: rng.gamma(2.0, 3.0, 110) for c in COLUMNS}
    values |= {c: np.arange(110) % 2 for c in ("converted", "participated", "redeemed")}
    people = pd.DataFrame(values).assign(arm=["treatment"] * 10 + ["control"] * 100)
    people.loc[:9, "margin"] += 20.0
    parts = [people[people["arm"] == name] for name in ("control", "treatment")]
    arms = dict(zip(("control", "treatment"), map(_moments, parts), strict=True))
    found = estimates.estimate(arms, RULES)
    redrawn = estimates.with_small_arms(found, people, seed=1).set_index("measure")
    assert redrawn.loc["margin", "reason"] == estimates.REDRAWN
    assert redrawn.loc["margin", "p"] == pytest.approx(1e-4)
    assert redrawn.loc["net", "p"] > 0.05
    assert (found["reason"] == estimates.SMALL).any()


def _moments(rows: pd.DataFrame) -> Moments:
    return moments.of_frame(rows, COLUMNS)


def test_a_control_below_zero_keeps_the_sign_of_the_difference() -> None:
    rng = np.random.default_rng(2)
    control = moments.of_values(rng.normal(-10, 1, (400, 1)), ["y"])
    better = moments.of_values(rng.normal(-8, 1, (400, 1)), ["y"])
    lift, low, high = (float(v) for v in adjustment.plain(better, control, "y").lift(0.95))
    assert lift == pytest.approx(0.2, abs=0.02)
    assert 0 < low < lift < high
    mirrored = [moments.Moments(m.names, m.n, -m.mean, m.covariance) for m in (better, control)]
    other = [float(v) for v in adjustment.plain(*mirrored, "y").lift(0.95)]
    assert other == pytest.approx([-lift, -high, -low])


def test_a_control_about_zero_is_no_yardstick() -> None:
    rng = np.random.default_rng(3)
    control = moments.of_values(rng.normal(0, 1, (100, 1)), ["y"])
    treated = moments.of_values(rng.normal(1, 1, (100, 1)), ["y"])
    assert all(np.isnan(v) for v in adjustment.plain(treated, control, "y").lift(0.95))


def test_too_few_clusters() -> None:
    sums = pd.DataFrame({c: [10.0] * 5 for c in ("n_treated", "sum_treated", "n_control")})
    with pytest.raises(NotApplicable, match="5 clusters are too few"):
        adjustment.difference(sums.assign(sum_control=3.0))


def test_a_stratum_with_one_customer() -> None:
    single = moments.of_values(np.ones((1, 1)), ["y"])
    several = moments.of_values(np.arange(4.0)[:, None], ["y"])
    with pytest.raises(NotApplicable, match="fewer than two"):
        adjustment.post_stratified([single, several], [several, several], "y")


def test_an_arm_that_was_never_planned_is_a_broken_ratio() -> None:
    found = validity_checks.sample_ratio(
        {"control": 50, "other": 50}, planned={"control": 1, "treated": 1}
    )
    assert found.p == 0
    assert found.ok is False


def test_nothing_known_from_before_is_no_failure() -> None:
    pair = {"control": arm(50), "treatment": arm(50)}
    flat = dict.fromkeys(COVARIATES, 0.0)
    pair = {"control": arm(50, **flat), "treatment": arm(50, 1, **flat)}
    found = validity_checks.balance(pair, COVARIATES)
    assert found.ok is None
    assert not validity_checks.blocked_by([found])


def test_weakness_never_blocks() -> None:
    assert not validity_checks.blocked_by([validity_checks.strength(5.0, 10.0, 0.1)])
    assert validity_checks.strength(5.0, 0.0, 0.1).ok is False


def test_a_plan_for_no_difference() -> None:
    with pytest.raises(ValueError, match="difference of zero"):
        power.customers_needed(0.0, 1.0)
    with pytest.raises(ValueError, match="leave some for control"):
        power.Design(treated=(0.5, 0.5))


def test_shares_of_arms_must_add_up() -> None:
    people = pd.DataFrame({"customer_id": ["a", "b"]})
    with pytest.raises(ValueError, match="add up to 1"):
        assignment.draw(people, {"control": 0.5, "treatment": 0.4}, seed=1)
    with pytest.raises(ValueError, match="named control"):
        assignment.draw(people, {"a": 0.5, "b": 0.5}, seed=1)


def test_a_promotion_too_small_to_learn_from() -> None:
    people = pd.DataFrame({"customer_id": ["a"], "arm": ["control"], "margin": [1.0]})
    with pytest.raises(NotApplicable, match="300 customers"):
        uplift.predict(people, people[["margin"]], "margin", seed=1)


def test_no_segment_large_enough() -> None:
    people = pd.DataFrame({"customer_id": list("abcd"), "arm": ["control", "treatment"] * 2})
    groups = pd.DataFrame({"customer_id": list("abcd"), "region": ["N", "S", "N", "S"]})
    with pytest.raises(NotApplicable, match="two segments"):
        uplift.effects(people, groups, "margin", confidence=0.95)


def test_the_posterior_of_a_certain_effect_loses_nothing() -> None:
    using, without = bandit.losses([2.0, -2.0], [0.0, 0.0])
    assert using == pytest.approx([0.0, 2.0])
    assert without == pytest.approx([2.0, 0.0])


def test_the_posterior_is_the_conjugate_one() -> None:
    mean, deviation = bandit.posterior(3.0, 1.0, scale=2.0)
    assert float(mean) == pytest.approx(3 * 4 / 5)
    assert float(deviation) == pytest.approx(np.sqrt(4 / 5))
    rng = np.random.default_rng(5)
    drawn = rng.normal(mean, deviation, 400_000)
    using, without = bandit.losses(mean, deviation)
    assert float(using) == pytest.approx(np.maximum(-drawn, 0).mean(), abs=2e-4)
    assert float(without) == pytest.approx(np.maximum(drawn, 0).mean(), abs=5e-3)
    assert float(bandit.better(mean, deviation)) == pytest.approx((drawn > 0).mean(), abs=2e-3)


def test_resampled_groups_of_customers_give_welch_s_interval() -> None:
    rng = np.random.default_rng(6)
    one, two = rng.poisson(2.0, 3_000).astype(float), rng.poisson(1.9, 3_000).astype(float)
    buckets = resampling.by_buckets(one, two, confidence=0.95, seed=1, replicates=4_000)
    welch = adjustment.plain(*(moments.of_values(v[:, None], ["y"]) for v in (one, two)), "y")
    assert buckets == pytest.approx(welch.interval(0.95), abs=0.005)


def test_every_way_of_counting_gives_an_answer_or_a_reason() -> None:
    rng = np.random.default_rng(7)
    n = 80
    people = pd.DataFrame({c: rng.gamma(2.0, 2.0, n) for c in ("margin", *COVARIATES)})
    people = people.assign(arm=np.where(np.arange(n) % 2, "control", "treatment"))
    store = pd.Series(np.where(np.arange(n) % 3, "A", "B"))
    found = robustness.in_other_ways(
        people, "margin", winsor=0.95, confidence=0.95, seed=1, resamples=200, cluster=store
    )
    assert ((found["reason"] != "") == found["difference"].isna()).all()
    assert found.set_index("method").loc["Clustered by store", "reason"] != ""


def test_relative_lift_of_shares_covers_its_estimate() -> None:
    lift, low, high = (float(v) for v in proportions.relative(20, 100, 10, 100, z=1.96))
    assert lift == pytest.approx(1.0)
    assert low < lift < high
