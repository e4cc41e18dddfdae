"""What customers do beside buying: guides and videos, the community, games; one is by invitation.

Who buys much does more of it; none of it changes what anybody buys. A comparison of those who take
part with those who do not finds a difference that is selection alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from analysis.simulator import arrow_columns as arrow
from analysis.simulator.arrow_columns import Aligned
from analysis.simulator.people.population import BGNBD, People
from analysis.simulator.selling.trading import Trade
from analysis.simulator.shop_plan import Plan
from analysis.stats.types import Flags, Floats, Integers

KINDS = ("guide", "video", "training", "event", "post", "reply", "share", "like", "check_in",
         "game", "chat", "call", "visit")  # fmt: skip
#: Strands: share of customers at the mean order rate, interactions each, kinds and their shares.
STRANDS = {
    "education": (0.20, 3.0, {"guide": 0.5, "video": 0.4, "training": 0.1}),
    "community": (0.08, 6.0, {"post": 0.2, "reply": 0.3, "share": 0.1, "like": 0.4}),
    "games": (0.10, 5.0, {"game": 0.6, "check_in": 0.4}),
    "service": (0.05, 1.0, {"chat": 0.6, "call": 0.4}),
}
#: How strongly the order rate tilts taking part, and the largest chance.
TILT, MOST = 0.6, 0.9
COMPLETED, SECONDS = 0.7, 240.0
TOPICS = ("cooking", "care", "storage", "news")
#: The mailing with a video: share of the treated and of the control who watched it.
INVITED, WATCHED = "T2", {"treatment": 0.35, "control": 0.05}
CHANNELS = ("web", "app")
EVENTS_A_CHUNK = 100_000_000


@dataclass(frozen=True)
class Doings(Aligned):
    """Interactions as aligned arrays: customer, time in weeks, kind, belongs to the mailing."""

    customer: Integers
    moment: Floats
    kind: Integers
    invited: Integers


@dataclass(frozen=True)
class Further:
    """Interactions of one kind that were drawn elsewhere: customer, stamp, promotion, completed."""

    kind: str
    customer: Integers
    stamp: Integers
    promotion: str | None = None
    completed: Flags | None = None


def with_further(rows: pa.Table, parts: list[Further], people: People, index: int) -> pa.Table:
    """Return the interactions and, behind them, those drawn elsewhere."""
    tables, begins = [rows], index * EVENTS_A_CHUNK + 1 + rows.num_rows
    for part in parts:
        count = len(part.customer)
        told = {
            "interaction_id": arrow.whole(begins + np.arange(count)),
            "customer_id": arrow.whole(people.first + part.customer),
            "at": arrow.times(part.stamp),
            "kind": arrow.constant(part.kind, count),
            "channel": arrow.constant(CHANNELS[1], count),
        }
        if part.promotion is not None:
            told["promotion_id"] = arrow.constant(part.promotion, count)
        if part.completed is not None:
            told["completed"] = pa.array(part.completed)
        none = {f.name: pa.nulls(count, f.type) for f in rows.schema if f.name not in told}
        tables.append(pa.table(told | none).select(rows.schema.names))
        begins += count
    return pa.concat_tables(tables).unify_dictionaries()


def chance(people: People, share: float, orders: float) -> Floats:
    """Return each customer's chance to take part in a strand of this share."""
    mean = orders * BGNBD["r"] / BGNBD["alpha"]
    tilt = people.rate / mean if mean else np.ones(len(people))
    return np.minimum(share * (1 - TILT + TILT * tilt), MOST)


def interactions_file(trade: Trade, index: int) -> pa.Table:
    """Return the interactions: interaction_id, customer_id, at, kind, ..."""
    plan, people = trade.plan, trade.people
    rng = plan.shop.generator("interactions", index)
    parts = [_strand(plan, people, name, rng) for name in STRANDS]
    parts.append(_invitation(trade, rng))
    return _rows(plan, people, Doings.join(parts), index, rng)


def _strand(plan: Plan, people: People, name: str, rng: np.random.Generator) -> Doings:
    share, mean, kinds = STRANDS[name]
    takes_part = rng.random(len(people)) < chance(people, share, plan.shop.orders)
    count = np.where(takes_part, 1 + rng.poisson(mean - 1, len(people)), 0)
    who = np.repeat(np.arange(len(people)), count)
    first = np.maximum(people.joined[who], 0.0)
    moment = first + rng.random(len(who)) * (plan.calendar.span - first)
    drawn = rng.choice(len(kinds), len(who), p=list(kinds.values()))
    kind = np.array([KINDS.index(k) for k in kinds])[drawn]
    return Doings(who, moment, kind, np.zeros(len(who), np.int64))


def _invitation(trade: Trade, rng: np.random.Generator) -> Doings:
    """Return who watched the video that a mailing, given at random, invites to."""
    for played in trade.played:
        if played.stage.trial.key == INVITED:
            share = np.where(played.arms > 0, WATCHED["treatment"], WATCHED["control"])
            who = played.stage.customers[rng.random(len(played.arms)) < share]
            trial = played.stage.trial
            moment = trial.week + trial.weeks * rng.random(len(who))
            video = np.full(len(who), KINDS.index("video"))
            return Doings(who, moment, video, np.ones(len(who), np.int64))
    nobody = np.empty(0, np.int64)
    return Doings(nobody, np.empty(0), nobody, nobody)


def _rows(
    plan: Plan, people: People, doings: Doings, index: int, rng: np.random.Generator
) -> pa.Table:
    stamp = plan.calendar.stamps(doings.moment)
    order = np.lexsort((doings.customer, doings.kind, stamp))
    kind, count = doings.kind[order], len(order)
    number = index * EVENTS_A_CHUNK + 1 + np.arange(count)
    media = kind <= KINDS.index("training")
    game = kind == KINDS.index("game")
    timed = media | game | (kind >= KINDS.index("chat"))
    return pa.table(
        {
            "interaction_id": arrow.whole(number),
            "customer_id": arrow.whole(people.first + doings.customer[order]),
            "at": arrow.times(stamp[order]),
            "kind": arrow.names(kind, KINDS),
            "product_id": pa.nulls(count, pa.string()),
            "channel": arrow.names(rng.integers(0, 2, count), CHANNELS),
            "topic": arrow.names(rng.integers(0, len(TOPICS), count), TOPICS),
            "seconds": pa.array(np.ceil(rng.exponential(SECONDS, count)), mask=~timed),
            "completed": pa.array(rng.random(count) < COMPLETED, mask=~(media | game)),
            "promotion_id": arrow.names(
                np.zeros(count, np.int64), [INVITED], doings.invited[order] == 0
            ),
            "in_reply_to": _answered(kind, number, rng),
        }
    )


def _answered(kind: Integers, number: Integers, rng: np.random.Generator) -> pa.Array:
    """Return the earlier post that each reply answers, if there is one."""
    posts = np.flatnonzero(kind == KINDS.index("post"))
    before = np.searchsorted(posts, np.arange(len(kind)))
    answers = (kind == KINDS.index("reply")) & (before > 0)
    drawn = (rng.random(len(kind)) * before).astype(np.int64)
    post = number[posts[drawn]] if len(posts) else np.zeros(len(kind), np.int64)
    return arrow.whole(post, ~answers).cast(pa.string())
