"""Messages sent: newsletters and promotions, with the response, cost and fatigue of each channel.

A message changes nothing about what a customer buys, apart from the promotion it announces.

The register keeps the consent that was once ticked; only the log of consents knows who has opted
out since.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from analysis.simulator import arrow_columns as arrow
from analysis.simulator.arrow_columns import Aligned
from analysis.simulator.people.population import People
from analysis.simulator.people.register import CONSENT, Register
from analysis.simulator.selling.promotion_plan import MESSAGE_COST, TRIALS, WIN_BACK, WIN_BACK_WEEK
from analysis.simulator.selling.trading import Trade
from analysis.simulator.shop_plan import Plan
from analysis.simulator.trading_calendar import DAY_US, EPOCH, Calendar
from analysis.stats.types import Flags, Floats, Integers

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
        "purpose": arrow.names(np.isin(sent.promotion, GREETINGS).astype(np.int64), PURPOSES),
        "occasion": arrow.names(win_back.astype(np.int64), OCCASIONS, ~win_back),
        "variant": arrow.names(np.maximum(sent.pace, 0), VARIANTS, sent.pace < 0),
        "bounced_at": arrow.times(back, ~bounced),
        "complained_at": arrow.times(later, ~complained),
        "opened_by_machine": pa.array(machine, mask=~flags["opened"] | unknown),
        "device": arrow.names(device, DEVICES, ~read),
    }
    for name, column in details.items():
        rows = rows.append_column(name, column)
    return rows


def _machines(
    trade: Trade, sent: Sent, flags: dict[str, Flags], rng: np.random.Generator
) -> tuple[Flags, Flags]:
    """Return which opens were a program's, and which are of a make that nobody knows."""
    quiet = rng.random(len(trade.people)) < SILENT_PROGRAMS
    by_email = flags["opened"] & (sent.channel == EMAIL)
    machine = by_email & ~flags["clicked"] & (rng.random(len(sent.stamp)) < MACHINE)
    return machine, by_email & quiet[sent.customer]


CHANNELS = tuple(MESSAGE_COST)
NEWSLETTERS = ("email", "sms", "app")
#: Newsletters go out in the last weeks of the history: weeks, and customers by messages a week.
NEWS_WEEKS, NEWS_RATES, NEWS_SHARES = 26, (0.25, 0.5, 1.5), (0.5, 0.3, 0.2)
NEWS_HOURS = (8, 20)
DELIVERED = 0.97
#: P(opened | delivered) without a message in the four weeks before, by channel; each message in
#: those weeks takes FATIGUE off its log odds. P(clicked | opened); P(unsubscribed | delivered)
#: grows by its base with every message in the four weeks.
OPENED = {"email": 0.30, "sms": 0.65, "app": 0.45, "phone": 0.55, "mail": 0.80}
CLICKED = {"email": 0.12, "sms": 0.10, "app": 0.20, "phone": 0.30, "mail": 0.02}
FATIGUE, FATIGUE_DAYS, UNSUBSCRIBED = 0.25, 28, 0.002
PROMOTIONS = ("", *(t.key for t in TRIALS), WIN_BACK)
CONTACTS_A_CHUNK = 100_000_000
SECOND = 1_000_000


@dataclass(frozen=True)
class Sent(Aligned):
    """Messages in the order of customer and time.

    Promotion is a position in PROMOTIONS, pace one in NEWS_RATES, -1 for what is no newsletter.
    """

    customer: Integers
    stamp: Integers
    channel: Integers
    promotion: Integers
    pace: Integers


def contacts_file(trade: Trade, consent: dict[str, Flags], index: int) -> pa.Table:
    """Return the contacts: contact_id, customer_id, channel, sent_at, promotion_id, ..."""
    sent, flags, rng = _sent(trade, consent, index)
    rows = _rows(trade.people, sent, flags, index, rng)
    return append(trade, sent, flags, rows, index)


def withdrawals(trade: Trade, consent: dict[str, Flags], index: int) -> dict[str, Integers]:
    """Return when each customer opted out of a channel's newsletters, by channel; -1 if never."""
    sent, flags, rng = _sent(trade, consent, index)
    gone = _rows(trade.people, sent, flags, index, rng)["unsubscribed_at"].to_numpy(False)
    found = {channel: np.full(len(trade.people), -1) for channel in NEWSLETTERS}
    for channel, when in found.items():
        rows = np.flatnonzero(flags["unsubscribed"] & (sent.channel == CHANNELS.index(channel)))
        when[sent.customer[rows]] = gone[rows].astype("datetime64[us]").astype(np.int64)
    return found


def _sent(
    trade: Trade, consent: dict[str, Flags], index: int
) -> tuple[Sent, dict[str, Flags], np.random.Generator]:
    """Return the messages that went out, what became of them, and the random numbers to go on."""
    rng = trade.plan.shop.generator("contacts", index)
    parts = [_newsletters(trade.plan, trade.people, consent, rng), *_offers(trade)]
    sent = Sent.join(parts)
    sent = sent.take(np.lexsort((sent.promotion, sent.stamp, sent.customer)))
    before = _recent(sent)
    flags = _responses(sent, before, rng)
    kept = ~_after_leaving(sent, flags["unsubscribed"])
    return sent.take(kept), {n: f[kept] for n, f in flags.items()}, rng


def _newsletters(
    plan: Plan, people: People, consent: dict[str, Flags], rng: np.random.Generator
) -> Sent:
    """Return newsletters, each customer's through one of the channels consented to."""
    begins = max(0.0, plan.calendar.span - NEWS_WEEKS)
    wishes = np.column_stack([consent[c] for c in NEWSLETTERS]) * rng.random((len(people), 3))
    channel = wishes.argmax(axis=1)
    pace = rng.choice(len(NEWS_RATES), len(people), p=NEWS_SHARES)
    rate = np.array(NEWS_RATES)[pace] * (wishes.max(axis=1) > 0)
    owner = np.repeat(np.arange(len(people)), rng.poisson(rate * (plan.calendar.span - begins)))
    moment = rng.uniform(begins, plan.calendar.span, len(owner))
    known = moment > people.joined[owner]
    owner, moment = owner[known], moment[known]
    day = np.floor(7 * moment)
    hour = NEWS_HOURS[0] + (NEWS_HOURS[1] - NEWS_HOURS[0]) * (7 * moment - day)
    seconds = (86_400 * day + 3_600 * hour).astype(np.int64)
    stamp = plan.calendar.stamp_of_day(0) + seconds * SECOND
    position = np.array([CHANNELS.index(c) for c in NEWSLETTERS])
    nothing = np.zeros(len(owner), np.int64)
    return Sent(owner, stamp, position[channel[owner]], nothing, pace[owner])


def _offers(trade: Trade) -> list[Sent]:
    """Return the messages of the promotions, sent the morning before they begin."""
    calendar, parts = trade.plan.calendar, []
    for played in trade.played:
        trial = played.stage.trial
        for number, arm in enumerate(trial.arms):
            if arm.channel:
                told = played.stage.customers[played.arms == number]
                parts.append(_offer(calendar, told, trial.week, arm.channel, trial.key))
    if trade.win_back is not None:
        told = trade.win_back.customers[trade.win_back.arms == 1]
        parts.append(_offer(calendar, told, WIN_BACK_WEEK, "mail", WIN_BACK))
    return parts


def _offer(calendar: Calendar, told: Integers, week: int, channel: str, key: str) -> Sent:
    stamp = calendar.stamp_of_day(7 * week - 1) + 9 * DAY_US // 24
    count = len(told)
    return Sent(
        told,
        np.full(count, stamp),
        np.full(count, CHANNELS.index(channel)),
        np.full(count, PROMOTIONS.index(key)),
        np.full(count, -1),
    )


def _recent(sent: Sent) -> Integers:
    """Return how many messages the customer got in the four weeks before each."""
    lapse = FATIGUE_DAYS * DAY_US // SECOND
    clock = sent.customer * (1 << 40) + sent.stamp // SECOND
    return np.arange(len(clock)) - np.searchsorted(clock, clock - lapse, side="left")


def open_chance(channel: Integers, before: Integers) -> Floats:
    """Return P(opened | delivered) in ``channel`` after ``before`` messages in four weeks."""
    base = np.array([OPENED[c] for c in CHANNELS])[channel]
    return 1 / (1 + (1 - base) / base * np.exp(FATIGUE * before))


def _responses(sent: Sent, before: Integers, rng: np.random.Generator) -> dict[str, Flags]:
    count = len(sent.stamp)
    clicks = np.array([CLICKED[c] for c in CHANNELS])[sent.channel]
    delivered = rng.random(count) < DELIVERED
    opened = delivered & (rng.random(count) < open_chance(sent.channel, before))
    clicked = opened & (rng.random(count) < clicks)
    left = delivered & (rng.random(count) < UNSUBSCRIBED * (1 + before))
    left &= sent.promotion == 0
    return {"delivered": delivered, "opened": opened, "clicked": clicked, "unsubscribed": left}


def _after_leaving(sent: Sent, left: Flags) -> Flags:
    """Tell which newsletters would have gone to somebody who had opted out by then."""
    gone: Integers = np.cumsum(left) - left
    first = np.searchsorted(sent.customer, sent.customer, side="left")
    return (gone > gone[first] if len(gone) else left) & (sent.promotion == 0)


def _rows(
    people: People, sent: Sent, flags: dict[str, Flags], index: int, rng: np.random.Generator
) -> pa.Table:
    count = len(sent.stamp)
    arrives = sent.stamp + rng.integers(5, 120, count) * 1_000_000
    opens = arrives + (rng.exponential(6.0, count) * DAY_US / 24).astype(np.int64)
    cost = np.array([round(100 * c) for c in MESSAGE_COST.values()])
    return pa.table(
        {
            "contact_id": arrow.whole(index * CONTACTS_A_CHUNK + 1 + np.arange(count)),
            "customer_id": arrow.whole(people.first + sent.customer),
            "channel": arrow.names(sent.channel, CHANNELS),
            "sent_at": arrow.times(sent.stamp),
            "promotion_id": arrow.names(sent.promotion, PROMOTIONS, sent.promotion == 0),
            "delivered_at": arrow.times(arrives, ~flags["delivered"]),
            "opened_at": arrow.times(opens, ~flags["opened"]),
            "clicked_at": arrow.times(opens + 20_000_000, ~flags["clicked"]),
            "unsubscribed_at": arrow.times(opens + 60_000_000, ~flags["unsubscribed"]),
            "cost": arrow.money(cost[sent.channel]),
        }
    )


CONSENT_CHANNELS = tuple(CONSENT)
SOURCES, SOURCE_SHARES = ("till", "web", "app"), (0.5, 0.35, 0.15)
#: Of those without consent in the register, the share who had given it once and withdrew it.
FORMER = 0.10


def consents_file(trade: Trade, register: Register, index: int) -> pa.Table:
    """Return the consents: customer_id, channel, given_at, withdrawn_at, source."""
    rng = trade.plan.shop.generator("consents", index)
    gone = withdrawals(trade, register.consent, index)
    people, calendar = trade.people, trade.plan.calendar
    day = (calendar.start - EPOCH).days + np.floor(7 * people.joined).astype(np.int64)
    who, channel, given, withdrawn = [], [], [], []
    for number, name in enumerate(CONSENT_CHANNELS):
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
            "customer_id": arrow.whole(people.first + np.concatenate(who)),
            "channel": arrow.names(np.concatenate(channel), CONSENT_CHANNELS),
            "given_at": arrow.times(np.concatenate(given)),
            "withdrawn_at": arrow.times(until, until < 0),
            "source": arrow.names(where, SOURCES),
        }
    )
