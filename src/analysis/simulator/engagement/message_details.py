"""What else is known of a message: its purpose and variant, bounces, complaints, machine opens.

Drawn given what became of the message, with random numbers of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.simulator import arrow_columns
from analysis.simulator.selling.promotion_plan import MESSAGE_COST, TRIALS
from analysis.simulator.trading_calendar import DAY_US
from analysis.stats.types import Flags, Integers

if TYPE_CHECKING:
    import pyarrow as pa

    from analysis.simulator.engagement.messages import Sent
    from analysis.simulator.selling.trading import Trade

EMAIL = tuple(MESSAGE_COST).index("email")
#: Names of the paces of the newsletter, drawn at random for each customer.
VARIANTS = ("1 a month", "2 a month", "6 a month")
PURPOSES = ("promotion", "care")
OCCASIONS = ("", "win-back")
#: Promotions without an offer: a greeting.
GREETINGS = tuple(n for n, t in enumerate(TRIALS, 1) if t.key == "T2")
#: Of what is not delivered, the share that comes back; of e-mail delivered, reported as spam.
BOUNCED, COMPLAINED = 0.8, 0.001
#: Of e-mail opens without a click, those made by a mail program; customers whose program does not
#: say so, whose opens are therefore of unknown make.
MACHINE, SILENT_PROGRAMS = 0.5, 0.4
DEVICES, DEVICE_SHARES = ("phone", "desktop", "tablet"), (0.55, 0.38, 0.07)
_ON_PHONES = tuple(list(MESSAGE_COST).index(c) for c in ("sms", "app"))


def append(
    trade: Trade, sent: Sent, flags: dict[str, Flags], rows: pa.Table, index: int
) -> pa.Table:
    """Return the contacts ``rows`` with purpose, occasion, variant, bounced_at and the like."""
    import pyarrow as pa

    rng = trade.plan.shop.generator("contact_details", index)
    count = len(sent.stamp)
    bounced = ~flags["delivered"] & (rng.random(count) < BOUNCED)
    complained = flags["delivered"] & (rng.random(count) < COMPLAINED) & (sent.channel == EMAIL)
    back = sent.stamp + rng.integers(1, 30, count) * 60_000_000
    later = sent.stamp + (rng.exponential(12.0, count) * DAY_US / 24).astype(np.int64) + 300_000_000
    machine, unknown = _machines(trade, sent, flags, rng)
    device = rng.choice(len(DEVICES), count, p=DEVICE_SHARES)
    device[np.isin(sent.channel, _ON_PHONES)] = 0
    read = flags["opened"] & np.isin(sent.channel, (EMAIL, *_ON_PHONES)) & ~machine
    win_back = sent.promotion == len(TRIALS) + 1
    details = {
        "purpose": arrow_columns.names(_greeting(sent.promotion), PURPOSES),
        "occasion": arrow_columns.names(win_back.astype(np.int64), OCCASIONS, ~win_back),
        "variant": arrow_columns.names(np.maximum(sent.pace, 0), VARIANTS, sent.pace < 0),
        "bounced_at": arrow_columns.times(back, ~bounced),
        "complained_at": arrow_columns.times(later, ~complained),
        "opened_by_machine": pa.array(machine, mask=~flags["opened"] | unknown),
        "device": arrow_columns.names(device, DEVICES, ~read),
    }
    for name, column in details.items():
        rows = rows.append_column(name, column)
    return rows


def _greeting(promotion: Integers) -> Integers:
    return np.isin(promotion, GREETINGS).astype(np.int64)


def _machines(
    trade: Trade, sent: Sent, flags: dict[str, Flags], rng: np.random.Generator
) -> tuple[Flags, Flags]:
    """Return which opens were a program's, and which are of a make that nobody knows."""
    quiet = rng.random(len(trade.people)) < SILENT_PROGRAMS
    by_email = flags["opened"] & (sent.channel == EMAIL)
    machine = by_email & ~flags["clicked"] & (rng.random(len(sent.stamp)) < MACHINE)
    return machine, by_email & quiet[sent.customer]
