"""Consents with their dates: when each was given, and when it was withdrawn.

The register keeps what was once ticked; only this log knows who has opted out since.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.simulator import arrow_columns
from analysis.simulator.engagement import messages
from analysis.simulator.people.register import CONSENT, Register
from analysis.simulator.selling.trading import Trade
from analysis.simulator.trading_calendar import DAY_US, EPOCH

if TYPE_CHECKING:
    import pyarrow as pa

CHANNELS = tuple(CONSENT)
SOURCES, SOURCE_SHARES = ("till", "web", "app"), (0.5, 0.35, 0.15)
#: Of those without consent in the register, the share who had given it once and withdrew it.
FORMER = 0.10


def consents_file(trade: Trade, register: Register, index: int) -> pa.Table:
    """Return the consents: customer_id, channel, given_at, withdrawn_at, source."""
    import pyarrow as pa

    rng = trade.plan.shop.generator("consents", index)
    gone = messages.withdrawals(trade, register.consent, index)
    people, calendar = trade.people, trade.plan.calendar
    day = (calendar.start - EPOCH).days + np.floor(7 * people.joined).astype(np.int64)
    who, channel, given, withdrawn = [], [], [], []
    for number, name in enumerate(CHANNELS):
        held = register.consent[name] & register.listed
        former = register.listed & ~held & (rng.random(len(people)) < FORMER)
        some = np.flatnonzero(held | former)
        since = (day[some] * DAY_US) + rng.integers(0, 3_600, len(some)) * 1_000_000
        ends = gone.get(name, np.full(len(people), -1))[some]
        last = calendar.stamp_of_day(calendar.days) - DAY_US
        once = since + (rng.random(len(some)) * np.maximum(last - since, 1)).astype(np.int64)
        who.append(some)
        channel.append(np.full(len(some), number))
        given.append(since)
        withdrawn.append(np.where(former[some], once, ends))
    where = rng.choice(len(SOURCES), sum(map(len, who)), p=SOURCE_SHARES)
    until = np.concatenate(withdrawn)
    return pa.table(
        {
            "customer_id": arrow_columns.whole(people.first + np.concatenate(who)),
            "channel": arrow_columns.names(np.concatenate(channel), CHANNELS),
            "given_at": arrow_columns.times(np.concatenate(given)),
            "withdrawn_at": arrow_columns.times(until, until < 0),
            "source": arrow_columns.names(where, SOURCES),
        }
    )
