"""What promotions drawn by lot must be found to do: the planted effect, none, or no verdict."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd
import pytest

from analysis.promotions.experiments import (
    estimates,
    experiments,
    group_sequential,
    robustness,
    uplift,
    validity_checks,
)
from analysis.promotions.experiments.adjustment import cuped
from analysis.promotions.experiments.experiments import Trials
from analysis.promotions.outcomes import outcomes
from analysis.simulator.selling.product_files import promotion_products_file, promotions_file
from analysis.tables.engine import Tables
from analysis.tables.manifest import Manifest
from tests.truth.calibration import assert_calibrated, assert_covers
from tests.truth.shops import Shops

AS_OF = date(2025, 12, 29)
SPANS = outcomes.Spans(AS_OF)
RULES = estimates.Rules()
ARMS = {"T7": ("app", "email", "phone", "sms"), "T8": ("10 %", "20 %", "30 %")}


def side_by_side(shops: Shops, *, apart: bool) -> Tables:
    """Return the customers of all shops in one; ``apart``: each shop's promotions are its own."""
    backend = ibis.duckdb.from_connection(shops.connection)
    own = {"customer_id", "order_id", "product_id", "contact_id", "returned_order_id"}
    own |= {"promotion_id"} if apart else set()
    rows = {}
    for name in ("order_lines", "products", "customers", "assignments", "redemptions", "contacts"):
        table = backend.table(name)
        named = {
            c: table.seed.cast("string") + "/" + table[c].cast("string")
            for c in table.columns
            if c in own
        }
        rows[name] = table.mutate(**named).drop("seed")
    for name, file in (
        ("promotions", promotions_file),
        ("promotion_products", promotion_products_file),
    ):
        parts = [_named(file(plan).to_pandas(), seed, own) for seed, plan in shops.plans.items()]
        rows[name] = ibis.memtable(pd.concat(parts).drop_duplicates(ignore_index=True))
    return Tables(backend, Manifest(study="shops", simulated=True), rows)


def _named(frame: pd.DataFrame, seed: int, own: set[str]) -> pd.DataFrame:
    columns = [c for c in frame.columns if c in own]
    return frame.assign(**{c: f"{seed}/" + frame[c].astype("str") for c in columns})


@pytest.fixture(scope="module")
def each(shops: Shops) -> Trials:
    """Return every shop's promotions judged apart: a few hundred members a shop."""
    return experiments.judge(side_by_side(shops, apart=True), SPANS, RULES)


@pytest.fixture(scope="module")
def town(shops: Shops) -> Trials:
    """Return the promotions of all shops judged as one: some seven thousand members."""
    return experiments.judge(side_by_side(shops, apart=False), SPANS, RULES)


def verdict(found: Trials, promotion: str) -> pd.Series:
    return found.verdicts.set_index("promotion_id").loc[promotion]


def primary(found: Trials, promotion: str, arm: str) -> pd.DataFrame:
    rows = found.estimates[found.estimates["primary"] & found.estimates["arm"].eq(arm)]
    return rows[rows["promotion_id"].str.endswith(f"/{promotion}")]


def truth_of(shops: Shops, promotion: str, arm: str) -> float:
    return float(shops.parameter(promotion, "superpopulation", arm)["margin"])


@pytest.mark.parametrize(
    ("promotion", "arm"),
    [
        ("T1", "treatment"),
        ("T2", "treatment"),
        ("T3", "treatment"),
        ("T4", "treatment"),
        *((p, arm) for p, arms in ARMS.items() for arm in arms),
    ],
)
def test_effects_are_recovered_with_the_uncertainty_they_claim(
    shops: Shops, each: Trials, promotion: str, arm: str
) -> None:
    rows = primary(each, promotion, arm)
    assert len(rows) == len(shops.plans)
    assert_calibrated(rows["difference"], rows["error"], truth_of(shops, promotion, arm))


@pytest.mark.parametrize(
    ("promotion", "expected"),
    [
        ("T1", "earned"),
        ("T2", "no effect"),
        ("T3", "only moved"),
        ("T4", "only moved"),
        ("T5", "no verdict"),
        ("T7", "earned"),
        ("T8", "earned"),
        ("W1", "earned"),
    ],
)
def test_every_promotion_gets_its_verdict(town: Trials, promotion: str, expected: str) -> None:
    assert verdict(town, promotion)["verdict"] == expected


def test_the_targeted_promotion_is_not_among_those_drawn_by_lot(town: Trials) -> None:
    assert "T6" not in set(town.verdicts["promotion_id"])


def test_the_broken_log_blocks_the_verdict_by_its_sizes(town: Trials) -> None:
    blocked = {check.name for check in validity_checks.blocked_by(town.checks["T5"])}
    assert "Sizes of the arms" in blocked
    row = verdict(town, "T5")
    assert np.isnan(row["difference"])
    assert "missing from the log" in row["why"]
    others = [found for promotion, found in town.checks.items() if promotion != "T5"]
    assert not any(validity_checks.blocked_by(found) for found in others)


def test_what_only_moved_is_seen_where_it_came_from(shops: Shops, town: Trials) -> None:
    pulled, switched = (verdict(town, p) for p in ("T3", "T4"))
    assert "the weeks after" in pulled["why"]
    assert "other products" in switched["why"]
    for row, promotion in ((pulled, "T3"), (switched, "T4")):
        truth = shops.parameter(promotion, "superpopulation", "treatment")["margin_after"]
        assert row["moved_low"] < truth < row["moved_high"]


def test_intervals_hold_for_all_arms_of_a_promotion_at_once(shops: Shops, each: Trials) -> None:
    held = []
    for promotion, arms in ARMS.items():
        for seed in shops.plans:
            rows = each.estimates[
                each.estimates["primary"] & each.estimates["promotion_id"].eq(f"{seed}/{promotion}")
            ].set_index("arm")
            truths = np.array([truth_of(shops, promotion, arm) for arm in arms])
            low, high = (rows.loc[list(arms), c].to_numpy() for c in ("low", "high"))
            held.append(bool(np.all((low < truths) & (truths < high))))
    assert_covers(sum(held), len(held))


def test_the_arms_are_ranked_as_planted(town: Trials) -> None:
    rows = town.estimates[town.estimates["primary"]].set_index(["promotion_id", "arm"])
    gains = rows.loc["T7", "difference"]
    assert gains["phone"] == gains.max()
    assert gains["sms"] > gains["email"]
    assert verdict(town, "T7")["arm"] == "phone"
    assert verdict(town, "T8")["arm"] == "20 %"


def test_young_families_are_found_to_gain_most(shops: Shops, town: Trials) -> None:
    people, groups = _with_life_stage(shops, town, "T1")
    found = uplift.effects(people, groups, "margin", confidence=0.95)
    best = found.sort_values("p").iloc[0]
    assert best["q"] <= 0.05
    assert (best["attribute"], best["segment"]) == ("life_stage", "young family")
    assert best["against_rest"] > 0
    truth = shops.frame(
        """
        select avg(o.margin::double - c.margin::double) as gain
        from truth_outcomes o join truth_outcomes c using (seed, promotion_id, customer_id)
        join truth_customers t using (seed, customer_id)
        where promotion_id = 'T1' and o.if_arm = 'treatment' and c.if_arm = 'control'
          and t.life_stage = 'young family'
        """
    )["gain"][0]
    assert best["low"] < truth < best["high"]


def test_no_segment_gains_from_the_null_promotion(shops: Shops, town: Trials) -> None:
    people, groups = _with_life_stage(shops, town, "T2")
    found = uplift.effects(people, groups, "margin", confidence=0.95)
    assert (found["q"] > 0.05).all()


def _with_life_stage(
    shops: Shops, town: Trials, promotion: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    people = robustness.customers(town.rows, promotion, arm="treatment")
    known = shops.frame(
        "select seed || '/' || customer_id as customer_id, life_stage from customers"
    )
    return people, uplift.with_past(people, known.drop_duplicates("customer_id"))


def test_a_model_ranks_customers_but_treating_all_stays_better(shops: Shops, town: Trials) -> None:
    people, groups = _with_life_stage(shops, town, "T1")
    people, groups = people.iloc[::2], groups.iloc[::2]
    found = uplift.predict(people, uplift.inputs(people, groups), "margin", seed=1)
    judged = uplift.judge(found, uplift.LEARNERS, cost=0.01, confidence=0.95, seed=1)
    assert (judged["qini_low"] > 0).any()
    assert not judged["offered"].any()
    own = town.estimates.set_index(["promotion_id", "measure"]).loc[("T1", "margin"), "difference"]
    assert found["score"].mean() == pytest.approx(float(own), abs=0.5)


@pytest.fixture(scope="module")
def days(shops: Shops, town: Trials) -> pd.DataFrame:
    """Return an effect, none and a broken log day by day."""
    tables = side_by_side(shops, apart=False)
    chosen = [town.overview, town.verdicts]
    chosen = [t[t["promotion_id"].isin(["T1", "T2", "T5"])] for t in chosen]
    few = replace(town, overview=chosen[0], verdicts=chosen[1])
    return group_sequential.day_by_day(tables, few, as_of=AS_OF, before_days=SPANS.before_days)


def test_read_daily_the_effect_stops_early_and_the_null_never(days: pd.DataFrame) -> None:
    last = group_sequential.advice(days).set_index(["promotion_id", "arm"])
    assert last.loc[("T1", "treatment"), "advice"] == "stop for benefit"
    assert last.loc[("T1", "treatment"), "since"] < 14
    assert last.loc[("T2", "treatment"), "advice"] == "planned end"
    assert "T5" not in last.index.get_level_values("promotion_id")


def test_the_last_day_is_the_whole_promotion(days: pd.DataFrame, town: Trials) -> None:
    chosen = group_sequential.of_arm(days, "T1", "treatment")
    arms = town.arms["T1"]
    whole = cuped(arms["treatment"], arms["control"], "margin", ["before_margin"])
    assert chosen["difference"].iloc[-1] == pytest.approx(float(whole.difference), abs=1e-3)
    assert chosen["error"].iloc[-1] == pytest.approx(float(whole.error), rel=1e-3)
    assert chosen["date"].iloc[-1] == date(2024, 5, 6) + timedelta(days=27)
