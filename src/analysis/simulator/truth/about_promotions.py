"""The truth about the promotions on club members, and what a careless comparison would say."""

from __future__ import annotations

from typing import Any

import numpy as np

from analysis.simulator.goods.simulated_lines import discounted
from analysis.simulator.people.population import STAGE_SHARES, STAGES
from analysis.simulator.selling import promotion_plan as pp
from analysis.simulator.selling.promotion_plan import Arm, Trial
from analysis.simulator.selling.promotion_responses import held
from analysis.simulator.shop_plan import Plan
from analysis.simulator.truth.planted import Counts, Planted, ratio
from analysis.simulator.truth.truth_tables import MEASURES

REPORT = "06_promotions"

WHAT = {
    "T1": "Randomised, with a known effect that is larger for young families.",
    "T2": "Randomised, without any effect.",
    "T3": "Randomised; only pulls purchases forward from the weeks after, at a discount.",
    "T4": "Randomised; only takes from the neighbour product, at a discount.",
    "T5": "Randomised with an effect, but a bug lost busy treated customers from the log.",
    "T6": "Targeted on past spend, not randomised; the naive comparison misleads.",
    "T7": "Randomised over four channels and none: what each channel's message brings.",
    "T8": "Randomised over three depths of discount and none.",
}


def truths(plan: Plan, counts: Counts) -> dict[str, Planted]:
    """Return one truth a promotion; absent ones say that the history is too short."""
    there = held(plan.calendar)
    return {
        trial.key: Planted(
            WHAT[trial.key],
            REPORT,
            "Mean difference a club member between arm and control: orders, net, margin and units "
            "of the trial's products on purchases in the window, margin_after with the weeks "
            "after. Superpopulation and realised (over all club members, assigned or not) are "
            "intention-to-treat; naive is the difference of mean margin on all purchases in the "
            "window between the arms as logged.",
            _parameters(plan, trial),
            {arm.name: expected(plan, trial, arm) for arm in trial.arms[1:]},
            realised(trial, counts) if trial in there else {},
            ("arms", "outcomes"),
            present=trial in there,
        )
        for trial in pp.TRIALS
    }


def _parameters(plan: Plan, trial: Trial) -> dict[str, Any]:
    goods, day = plan.catalogue, plan.calendar.date_of
    said: dict[str, Any] = {
        "product": goods.product_id(goods.number(trial.product)),
        "from": day(7 * trial.week).isoformat(),
        "until": day(7 * (trial.week + trial.weeks)).isoformat(),
        "weeks_after": trial.after,
        "assignment": trial.assignment,
        "orders_a_week_anyway": trial.rate,
        "arms": {arm.name: _offer(arm) for arm in trial.arms},
    }
    if trial.neighbour:
        said["neighbour"] = goods.product_id(goods.number(trial.neighbour))
    if trial.assignment == "broken":
        before = {"orders": pp.LOST_ORDERS, "weeks": pp.LOST_WEEKS}
        said["lost"] = {"arm": "treatment", "at_least_before": before, "share": pp.LOST_SHARE}
    if trial.assignment == "targeted":
        odds = (pp.TARGET_INTERCEPT, pp.TARGET_SLOPE, pp.TARGET_CENTRE)
        said["targeting"] = {"weeks_before": pp.TARGET_WEEKS, "log_odds": odds}
    return said


def _offer(arm: Arm) -> dict[str, Any]:
    return {
        "share": arm.share,
        "depth": arm.depth,
        "extra_orders": dict(zip(STAGES, arm.extra, strict=True)),
        "pulled": arm.pulled,
        "switched": arm.switched,
        "channel": arm.channel,
        "message_cost": pp.MESSAGE_COST.get(arm.channel, 0.0),
    }


def expected(plan: Plan, trial: Trial, arm: Arm) -> dict[str, Any]:
    """Return the superpopulation effect of ``arm`` on each measure, by life stage and in all."""
    by_stage = {
        name: _effect(plan, trial, arm, arm.extra[i] * min(plan.shop.orders, 1.0))
        for i, name in enumerate(STAGES)
    }
    weights = np.array(STAGE_SHARES)
    overall = {
        m: float(weights @ np.array([by_stage[name][m] for name in STAGES])) for m in MEASURES
    }
    different = len(set(arm.extra)) > 1
    return {**overall, **({"by_life_stage": by_stage} if different else {})}


def _effect(plan: Plan, trial: Trial, arm: Arm, extra: float) -> dict[str, float]:
    """Return expected effects for one customer with ``extra`` expected extra orders."""
    goods = plan.catalogue
    own = goods.number(trial.product)
    price = int(goods.price[own])
    cut = int(discounted(np.array([price]), np.array([arm.depth]))[0])
    cost = int(goods.cost[own])
    rate = trial.rate * plan.shop.orders
    anyway, later = rate * trial.weeks, rate * trial.after * arm.pulled
    moved = anyway * arm.switched if trial.neighbour else 0.0
    near = goods.number(trial.neighbour) if trial.neighbour else own
    near_net, near_margin = goods.price[near], goods.price[near] - goods.cost[near]
    new = extra + later
    subsidy = anyway * (price - cut)
    margin = new * (cut - cost) - subsidy + moved * (cut - cost - near_margin)
    found = {
        "orders": new,
        "net": (new * cut - subsidy + moved * (cut - near_net)) / 100,
        "margin": margin / 100,
        "units": new + moved,
        "margin_after": (margin - later * (price - cost)) / 100,
    }
    return {name: float(value) for name, value in found.items()}


def realised(trial: Trial, counts: Counts) -> dict[str, Any]:
    """Return what is true of this shop's club members, and what the log would naively say."""
    members = sum(counts[f"{trial.key}.{arm.name}.given"] for arm in trial.arms)
    control = _naive_mean(trial, trial.arms[0], counts)
    found: dict[str, Any] = {
        "members": members,
        "given": {arm.name: counts[f"{trial.key}.{arm.name}.given"] for arm in trial.arms},
        "logged": {arm.name: counts[f"{trial.key}.{arm.name}.logged"] for arm in trial.arms},
    }
    for arm in trial.arms[1:]:
        key = f"{trial.key}.{arm.name}"
        given = counts[f"{key}.given"]
        naive = _naive_mean(trial, arm, counts)
        on_given = _means(counts, f"{key}.effect_on_given", given)
        found[arm.name] = {
            **_means(counts, f"{key}.effect", members),
            "on_treated": on_given,
            "by_life_stage": {
                name: _means(counts, f"{key}.{name}.effect", counts[f"{trial.key}.{name}"])
                for name in STAGES
            },
            "naive_margin": None if naive is None or control is None else naive - control,
            "naive_bias": None
            if naive is None or control is None or on_given["margin"] is None
            else naive - control - on_given["margin"],
        }
    return found


def _naive_mean(trial: Trial, arm: Arm, counts: Counts) -> float | None:
    key = f"{trial.key}.{arm.name}.logged"
    mean = ratio(counts[f"{key}.window_margin"], counts[key])
    return None if mean is None else mean / 100


def _means(counts: Counts, key: str, members: int) -> dict[str, float | None]:
    money = ("net", "margin", "margin_after")
    return {m: ratio(counts[f"{key}.{m}"] / (100 if m in money else 1), members) for m in MEASURES}
