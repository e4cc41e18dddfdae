"""How customers were won: the channel, its cost, and the media money behind it.

Drawn given the order process, with random numbers of their own; who joined before the history
began has no known channel. Media are bought day by day for the newcomers that are expected.
"""

from __future__ import annotations

import functools

import numpy as np
import pyarrow as pa

from analysis.simulator import arrow_columns as arrow
from analysis.simulator.engagement import loyalty_club
from analysis.simulator.people.population import BGNBD, GROUPS, JOINING, People
from analysis.simulator.shop_plan import Plan
from analysis.simulator.trading_calendar import EPOCH
from analysis.stats.types import Integers

CHANNELS = ("search", "social", "display", "store", "referral")
#: Of newcomers who were not referred: share of each channel, what winning one costs in media, and
#: by how much more often those order than others: weight = share * exp(tilt * (rate/mean - 1)).
SHARES = {"search": 0.40, "social": 0.25, "display": 0.10, "store": 0.25}
COST = {"search": 12.0, "social": 8.0, "display": 25.0, "store": 0.0, "referral": 10.0}
TILT = {"search": 0.3, "social": -0.6, "display": 0.0, "store": 0.0}
#: Spread of the cost of one customer, and of the money of a day, as Gamma shapes.
CUSTOMER_SHAPE, DAY_SHAPE = 8.0, 20.0
#: Money for a thousand impressions, and clicks of them.
PER_THOUSAND = {"search": 20.0, "social": 6.0, "display": 3.0}
CLICKS = {"search": 0.030, "social": 0.010, "display": 0.002}


def append(plan: Plan, people: People, register: pa.Table, index: int) -> pa.Table:
    """Return the register with acquisition_channel and acquisition_cost of those who joined."""
    channel, cents = won_through(plan, people, index)
    place = register["customer_id"].to_numpy() - people.first
    known = channel[place] >= 0
    names = arrow.names(np.maximum(channel[place], 0), CHANNELS, ~known)
    register = register.append_column("acquisition_channel", names)
    money = arrow.money(cents[place]).to_pandas().where(known, None)
    return register.append_column("acquisition_cost", pa.array(money, pa.decimal128(18, 2)))


def won_through(plan: Plan, people: People, index: int) -> tuple[Integers, Integers]:
    """Return each customer's channel (position in CHANNELS, -1 unknown) and cost in cents."""
    rng = plan.shop.generator("acquisition", index)
    count = len(people)
    mean = max(plan.shop.orders * BGNBD["r"] / BGNBD["alpha"], 1e-9)
    tilt = np.exp(np.outer(np.minimum(people.rate / mean, 4) - 1, list(TILT.values())))
    weight = np.array(list(SHARES.values())) * tilt
    until = np.cumsum(weight, axis=1) / weight.sum(axis=1, keepdims=True)
    channel = (rng.random(count)[:, None] > until[:, :-1]).sum(axis=1)
    referred, _ = loyalty_club.referred(plan, people, index)
    channel = np.where(referred, CHANNELS.index("referral"), channel)
    channel = np.where(people.of("main") & (people.joined >= 0), channel, -1)
    noise = rng.gamma(CUSTOMER_SHAPE, 1 / CUSTOMER_SHAPE, count)
    noise = np.where(channel == CHANNELS.index("referral"), 1.0, noise)
    cost = np.array([COST[c] for c in CHANNELS])[channel]
    return channel, np.rint(100 * cost * noise * (channel >= 0)).astype(np.int64)


@functools.cache
def expected_shares() -> dict[str, float]:
    """Return the expected share of each channel in the newcomers."""
    rate = np.random.default_rng(0).gamma(BGNBD["r"], 1 / BGNBD["r"], 400_000)
    tilt = np.exp(np.outer(np.minimum(rate, 4) - 1, list(TILT.values())))
    weight = np.array(list(SHARES.values())) * tilt
    asked = 1 - loyalty_club.REFERRED * (1 - loyalty_club.TILT + loyalty_club.TILT * rate)
    shares = asked @ (weight / weight.sum(axis=1, keepdims=True)) / len(rate)
    return {
        **dict(zip(SHARES, map(float, shares), strict=True)),
        "referral": float(1 - asked.mean()),
    }


def media_spend_file(plan: Plan) -> pa.Table:
    """Return the media money: day, channel, amount, impressions, clicks."""
    rng = plan.shop.generator("media_spend")
    last = int(JOINING * plan.calendar.days)
    newcomers = GROUPS["main"] * plan.shop.customers / max(JOINING * plan.calendar.days, 1)
    shares = expected_shares()
    parts = []
    for channel, price in PER_THOUSAND.items():
        mean = newcomers * shares[channel] * COST[channel]
        amount = mean * rng.gamma(DAY_SHAPE, 1 / DAY_SHAPE, last)
        seen = rng.poisson(1000 * amount / price)
        parts.append((amount, seen, rng.binomial(seen, CLICKS[channel])))
    amount, seen, clicks = (np.concatenate(column) for column in zip(*parts, strict=True))
    day = np.tile((plan.calendar.start - EPOCH).days + np.arange(last), len(parts))
    number = np.repeat(np.arange(len(parts)), last)
    return pa.table(
        {
            "day": arrow.dates(day),
            "channel": arrow.names(number, tuple(PER_THOUSAND)),
            "amount": arrow.money(np.rint(100 * amount).astype(np.int64)),
            "impressions": arrow.whole(seen.astype(np.int64)),
            "clicks": arrow.whole(clicks.astype(np.int64)),
        }
    )
