"""Orders as a whole: payment, device, promised and delivered days, from a stream of their own.

Whether a delivery is late is drawn given the satisfaction score, never the other way round, so
that scores stay as they are.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from scipy.stats import norm

from analysis.simulator import arrow_columns as arrow
from analysis.simulator.chunk_facts import Facts
from analysis.simulator.people.visits import GUEST
from analysis.simulator.selling.order_ledger import NUMBERS_A_CHUNK
from analysis.simulator.trading_calendar import DAY_US
from analysis.simulator.voices import survey_answers
from analysis.stats.types import Floats, Integers

#: Log odds that a delivery is late: without a score; for each point of the CSAT score above CENTRE.
LATE, LATE_SLOPE, LATE_CENTRE = -1.7, -0.6, 3.5
#: Payment methods and their shares: in stores; on web and app.
PAYMENTS = ("card", "cash", "invoice", "wallet")
AT_TILL, ONLINE = (0.65, 0.35, 0.0, 0.0), (0.40, 0.0, 0.25, 0.35)
DEVICES = ("desktop", "phone", "tablet", "app")
WEB_DEVICES = (0.45, 0.45, 0.10)
#: Delivery is free from an amount on; cents.
SHIPPING, FREE_FROM = 495, 5_000
#: Share of the orders to be delivered that are cancelled, within so many days; they have no lines.
#: Their numbers in a chunk begin here.
CANCELLED, LATEST_CANCEL, FIRST_CANCELLED = 0.02, 1.5, 9_000_000


def orders_file(facts: Facts) -> pa.Table:
    """Return the orders: order_id, customer_id, payment_method, shipping_amount, ..."""
    kept, gone = _kept_orders(facts), _cancelled(facts)
    return pa.concat_tables([kept, gone]).unify_dictionaries()


def _kept_orders(facts: Facts) -> pa.Table:
    book, plan = facts.ledger, facts.plan
    rng = plan.shop.generator("reviews", 3 * plan.shop.chunks + facts.index)
    order = np.flatnonzero(book.purchases)
    online = book.store[order] >= plan.shop.stores
    who = book.customer[order]
    promised, delivered = _delivery(facts, order, rng)
    seen = delivered < plan.calendar.stamp_of_day(plan.calendar.days)
    shipping = np.where(book.net[order] >= FREE_FROM, 0, SHIPPING)
    return pa.table(
        {
            "order_id": arrow.whole(book.number[order]),
            "customer_id": arrow.whole(facts.people.first + who, who == GUEST),
            "payment_method": arrow.names(_payments(online, rng), PAYMENTS),
            "shipping_amount": arrow.only(arrow.money(shipping), online),
            "promised_on": arrow.dates(promised, ~online),
            "delivered_at": arrow.times(delivered, ~(online & seen)),
            "cancelled_at": arrow.times(delivered, np.ones(len(order), np.bool_)),
            "device": arrow.names(_devices(facts, order, rng), DEVICES, ~online),
        }
    )


def _cancelled(facts: Facts) -> pa.Table:
    """Return orders that were cancelled, in the days before others of the same customers."""
    book, plan = facts.ledger, facts.plan
    rng = plan.shop.generator("cancellations", facts.index)
    like = np.flatnonzero(book.purchases & (book.store >= plan.shop.stores))
    like = like[rng.random(len(like)) < CANCELLED / (1 - CANCELLED)]
    placed = book.stamp[like] - (14 * DAY_US * rng.random(len(like))).astype(np.int64)
    begins = plan.calendar.stamp_of_day(0)
    like, placed = like[placed >= begins], placed[placed >= begins]
    count, who = len(like), book.customer[like]
    wait = (LATEST_CANCEL * DAY_US * rng.random(count)).astype(np.int64)
    online, nothing = np.ones(count, np.bool_), np.ones(count, np.bool_)
    number = facts.index * NUMBERS_A_CHUNK + FIRST_CANCELLED + np.arange(count)
    return pa.table(
        {
            "order_id": arrow.whole(number),
            "customer_id": arrow.whole(facts.people.first + who, who == GUEST),
            "payment_method": arrow.names(_payments(online, rng), PAYMENTS),
            "shipping_amount": arrow.money(np.zeros(count, np.int64)),
            "promised_on": arrow.dates(placed // DAY_US + rng.integers(2, 5, count)),
            "delivered_at": arrow.times(placed, nothing),
            "cancelled_at": arrow.times(placed + wait),
            "device": arrow.names(_devices(facts, like, rng), DEVICES),
        }
    )


def _payments(online: np.ndarray, rng: np.random.Generator) -> Integers:
    shares = np.where(online[:, None], np.array(ONLINE), np.array(AT_TILL))
    return (rng.random(len(online))[:, None] > np.cumsum(shares, axis=1)[:, :-1]).sum(axis=1)


def _devices(facts: Facts, order: Integers, rng: np.random.Generator) -> Integers:
    app = facts.ledger.store[order] == facts.plan.shop.stores + 1
    web = rng.choice(len(WEB_DEVICES), len(order), p=WEB_DEVICES)
    return np.where(app, DEVICES.index("app"), web)


def _delivery(facts: Facts, order: Integers, rng: np.random.Generator) -> tuple[Integers, Integers]:
    """Return the day promised and the moment delivered of each order."""
    book, voices = facts.ledger, facts.voices
    score = np.full(len(book.stamp), np.nan)
    asked = voices.kind == survey_answers.KINDS.index("csat")
    score[voices.order[asked]] = voices.score[asked]
    late = rng.random(len(order)) < late_chance(score[order])
    placed = book.stamp[order] // DAY_US
    promised = placed + rng.integers(2, 5, len(order))
    early = np.minimum(rng.integers(0, 3, len(order)), promised - placed - 1)
    arrives = np.where(late, promised + rng.integers(1, 5, len(order)), promised - early)
    return promised, arrives * DAY_US + (rng.uniform(8, 20, len(order)) / 24 * DAY_US).astype(int)


def late_chance(score: Floats) -> Floats:
    """Return the chance that an order with this satisfaction score (NaN: not asked) was late."""
    odds = LATE + LATE_SLOPE * (np.nan_to_num(score, nan=LATE_CENTRE) - LATE_CENTRE)
    return 1 / (1 + np.exp(-odds))


def late_difference(channel: int) -> float:
    """Return the mean score of late less that of other orders among those who answer.

    ``channel`` is 1 for the web and 2 for the app.
    """
    scores = np.arange(1.0, 6.0)
    mean, noise = survey_answers.CSAT_MEANS[channel], survey_answers.CSAT_NOISE
    edges = np.concatenate([[-np.inf], scores[:-1] + 0.5, [np.inf]])
    share = np.diff(norm.cdf((edges - mean) / noise))
    says = survey_answers.CSAT_ANSWERS + survey_answers.CSAT_ANSWER_SLOPE * (scores - 3)
    answered = share / (1 + np.exp(-says))
    late = late_chance(scores)
    return float(
        np.average(scores, weights=answered * late)
        - np.average(scores, weights=answered * (1 - late))
    )
