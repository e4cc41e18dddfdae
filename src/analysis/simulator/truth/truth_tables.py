"""Truth tables: what is true of each customer, each arm of a promotion, each invitation."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from analysis.simulator import arrow_columns as arrow
from analysis.simulator.chunk_facts import Facts
from analysis.simulator.engagement import loyalty_club, robots, web_sessions
from analysis.simulator.people.population import ATTITUDES, BRAND_SHARES, GROUPS, RHYTHMS, STAGES
from analysis.simulator.selling.product_files import ARMS
from analysis.simulator.selling.promotion_plan import WIN_BACK
from analysis.simulator.selling.promotion_responses import WinBack
from analysis.simulator.selling.trading import Played
from analysis.simulator.trading_calendar import EPOCH
from analysis.simulator.truth import planted
from analysis.simulator.voices.survey_answers import KINDS, feedback_ids

MEASURES = ("orders", "net", "margin", "units", "margin_after")


def of(facts: Facts) -> dict[str, pa.Table]:
    """Return the truth tables of a chunk: customers, arms, outcomes, surveys and robots."""
    return {
        "customers": _customers(facts),
        "arms": _arms(facts),
        "outcomes": _outcomes(facts),
        "surveys": _surveys(facts),
        "robots": _robots(facts),
    }


def _robots(facts: Facts) -> pa.Table:
    seen = web_sessions.redrawn(facts.plan, facts.people, facts.ledger, facts.index)
    return robots.truth(robots.draw(facts.plan, len(seen.stage), facts.index))


def _customers(facts: Facts) -> pa.Table:
    crowd = facts.people
    shapes = np.array([RHYTHMS.get(group, (0.0, 0))[1] for group in GROUPS])[crowd.group]
    return pa.table(
        {
            "customer_id": arrow.whole(crowd.ids),
            "group": arrow.names(crowd.group, tuple(GROUPS)),
            "life_stage": arrow.names(crowd.stage, STAGES),
            "attitude": arrow.names(crowd.attitude, ATTITUDES),
            "discount_share": pa.array(crowd.theta),
            "brand": arrow.names(crowd.brand, [f"cola_{i}" for i in range(len(BRAND_SHARES))]),
            "orders_a_week": pa.array(crowd.rate),
            "dropout": pa.array(crowd.dropout, mask=np.isnan(crowd.dropout)),
            "erlang_k": arrow.whole(shapes, shapes == 0),
            "left_on": _left_on(facts),
            "digital": pa.array(crowd.digital),
            "member": pa.array(crowd.member),
            "referred": pa.array(loyalty_club.referred(facts.plan, crowd, facts.index)[0]),
            "registered": pa.array(facts.register.listed),
            **_values(facts),
        }
    )


def _values(facts: Facts) -> dict[str, pa.Array]:
    crowd = facts.people
    group = planted.value_group(crowd, facts.plan.shop.orders)
    return {
        "order_value": pa.array(crowd.value),
        "yearly_value": pa.array(planted.yearly_value(crowd)),
        "value_group": arrow.names(group, planted.VALUE_GROUPS),
    }


def _left_on(facts: Facts) -> pa.Array:
    left, calendar = facts.trade.left, facts.plan.calendar
    gone = ~np.isnan(left)
    days = np.full(len(left), 0)
    days[gone] = calendar.days_since_start(calendar.stamps(left[gone]))
    return arrow.dates((calendar.start - EPOCH).days + days, ~gone)


def _arms(facts: Facts) -> pa.Table:
    parts = [_played_arms(facts, played) for played in facts.trade.played]
    if facts.trade.win_back is not None:
        parts.append(_win_back_arms(facts, facts.trade.win_back))
    return _stacked(parts)


def _win_back_arms(facts: Facts, back: WinBack) -> pa.Table:
    count = len(back.arms)
    position = np.array([ARMS.index("control"), ARMS.index("treatment")])
    return pa.table(
        {
            "promotion_id": arrow.constant(WIN_BACK, count),
            "customer_id": arrow.whole(facts.people.ids[back.customers]),
            "arm": arrow.names(position[back.arms], ARMS),
            "logged": pa.array(np.ones(count, np.bool_)),
            "chance": pa.array(np.full(count, 0.5)),
            "window_margin": pa.nulls(count, pa.decimal128(18, 2)),
        }
    )


def _played_arms(facts: Facts, played: Played) -> pa.Table:
    trial, stage = played.stage.trial, played.stage
    shares = np.array([arm.share for arm in trial.arms])[played.arms]
    position = np.array([ARMS.index(arm.name) for arm in trial.arms])
    margin = facts.window_margin(*stage.window)
    return pa.table(
        {
            "promotion_id": arrow.constant(trial.key, len(played.arms)),
            "customer_id": arrow.whole(facts.people.ids[stage.customers]),
            "arm": arrow.names(position[played.arms], ARMS),
            "logged": pa.array(played.logged),
            "chance": pa.array(shares if played.chance is None else played.chance),
            "window_margin": arrow.money(margin[stage.customers]),
        }
    )


def _outcomes(facts: Facts) -> pa.Table:
    parts = []
    for played in facts.trade.played:
        trial, ids = played.stage.trial, facts.people.ids[played.stage.customers]
        for number, arm in enumerate(trial.arms):
            found = {name: played.outcomes[f"{name}_{number}"] for name in MEASURES}
            parts.append(
                pa.table(
                    {
                        "promotion_id": arrow.constant(trial.key, len(ids)),
                        "customer_id": arrow.whole(ids),
                        "if_arm": arrow.names(np.full(len(ids), ARMS.index(arm.name)), ARMS),
                        "orders": arrow.whole(found["orders"]),
                        "units": arrow.whole(found["units"]),
                        "net": arrow.money(found["net"]),
                        "margin": arrow.money(found["margin"]),
                        "margin_after": arrow.money(found["margin_after"]),
                    }
                )
            )
    return _stacked(parts)


def _stacked(parts: list[pa.Table]) -> pa.Table:
    """Return the parts as one table without dictionaries, which may differ between parts."""
    if not parts:
        return pa.table({"promotion_id": pa.array([], pa.string())})
    plain = [
        part.cast(
            pa.schema(
                [
                    pa.field(f.name, pa.string() if pa.types.is_dictionary(f.type) else f.type)
                    for f in part.schema
                ]
            )
        )
        for part in parts
    ]
    return pa.concat_tables(plain)


def _surveys(facts: Facts) -> pa.Table:
    voices = facts.voices
    asked = voices.invited >= 0
    return pa.table(
        {
            "feedback_id": arrow.whole(feedback_ids(voices, facts.index)[asked]),
            "kind": arrow.names(voices.kind[asked], KINDS),
            "true_score": arrow.whole(voices.score[asked]),
            "chance_to_answer": pa.array(voices.chance[asked]),
        }
    )
