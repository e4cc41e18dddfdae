"""Messages of a period, each with what became of it; what odd times mean is ruled here.

Rules, in words and counted in ``Contacts.oddities``:

- A message that was clicked was opened, and one that was opened was delivered, whatever its
  delivery says.
- An open, a click or a delivery before the sending, or before each other, is a difference of
  clocks: it happened, its time is not used.
- An open that a mail program made counts as nobody's, unless a click followed.
- A message counts as answered by an order if the customer ordered within so many days of sending;
  messages sent later than that before the end are not followed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import ibis
import pandas as pd

from analysis.errors import NotApplicable
from analysis.tables.engine import held, seconds
from analysis.tables.lines import midnight
from analysis.tables.margin import cents

if TYPE_CHECKING:
    from analysis.tables.engine import Tables
    from analysis.tables.periods import Period

#: Name of messages that belong to no promotion.
REGULAR = "(no campaign)"

_OPTIONAL = {
    "promotion_id": "string",
    "delivered_at": "timestamp",
    "opened_at": "timestamp",
    "clicked_at": "timestamp",
    "unsubscribed_at": "timestamp",
    "cost": "decimal(18, 2)",
    "purpose": "string",
    "variant": "string",
    "bounced_at": "timestamp",
    "complained_at": "timestamp",
    "opened_by_machine": "boolean",
}

_DAY = 86_400


@dataclass(frozen=True)
class Contacts:
    """Messages of a period.

    Parameters
    ----------
    rows
        A message a row: contact_id, customer_id, channel, campaign, promotion_id, variant, at,
        hour, and as 0 or 1 each: sent, delivered, bounced, opened, machine (known), person (known
        or proved by a click), unknown (open of unknown make), clicked, unsubscribed, complained,
        followed (and delivered), bought and bought_before (of those followed: an order within
        ``response_days`` after, before), unknown_click, known_click; cost_cents, before (messages
        to the customer in the ``recent_days`` before).
    period
        When they were sent.
    response_days, recent_days
        As in ``rows``.
    known
        Optional columns of contacts that the study has.
    oddities
        What was odd, the rule that was used, and the number of messages.
    messages, customers
        How many.
    """

    rows: ibis.Table
    period: Period
    response_days: int
    recent_days: int
    known: frozenset[str]
    oddities: pd.DataFrame
    messages: int
    customers: int


def fetch(
    tables: Tables, period: Period, *, response_days: int = 7, recent_days: int = 28
) -> Contacts:
    """Return the messages sent in ``period``.

    Raises
    ------
    NotApplicable
        If the study has no contacts, or none in the period.
    """
    if "contacts" not in tables:
        raise NotApplicable("This study has no contacts table: it records no messages.")
    known = frozenset(c for c in _OPTIONAL if tables.has("contacts", c))
    sent = _sent(tables, period, known, recent_days)
    timed = _with_orders(tables, sent, period, response_days)
    rows = held(_became(timed, known))
    sums = rows.agg(n=rows.count(), customers=rows.customer_id.nunique()).to_pandas().iloc[0]
    if not sums["n"]:
        raise NotApplicable(f"No message was sent from {period}.")
    odd = _oddities(sent)
    size = (int(sums["n"]), int(sums["customers"]))
    return Contacts(rows, period, response_days, recent_days, known, odd, *size)


def _sent(tables: Tables, period: Period, known: frozenset[str], recent_days: int) -> ibis.Table:
    """Return the messages of the period with how many the customer had shortly before each."""
    contacts = tables.contacts
    absent = {c: ibis.null(t) for c, t in _OPTIONAL.items() if c not in known}
    rows = contacts.mutate(**absent).select("contact_id", "customer_id", "channel", "sent_at",
                                            *_OPTIONAL)  # fmt: skip
    rows = rows.filter(rows.sent_at < midnight(period.end))
    rows = rows.mutate(clock=seconds(rows.sent_at))
    window = {"group_by": "customer_id", "order_by": "clock", "following": 0}
    reach = ibis.range_window(preceding=recent_days * _DAY, **window)
    tied = ibis.range_window(preceding=0, **window)
    one = rows.clock.count()
    rows = rows.mutate(before=one.over(reach) - one.over(tied))
    return rows.filter(rows.sent_at >= midnight(period.start))


def order_times(tables: Tables) -> ibis.Table:
    """Return one row a purchase of a known customer: customer_id, order_id, at."""
    lines = tables.order_lines
    bought = lines.filter(lines.quantity > 0, lines.customer_id.notnull())
    return bought.group_by("customer_id", "order_id").agg(at=bought.ordered_at.min())


def _with_orders(tables: Tables, sent: ibis.Table, period: Period, days: int) -> ibis.Table:
    """Return the messages with followed, bought and bought_before."""
    orders = order_times(tables)
    orders = orders.filter(orders["at"] < midnight(period.end))
    messages = sent.select("customer_id", "contact_id", at="sent_at")
    ordered = orders.select("customer_id", contact_id=ibis.null("string"), at="at")
    timeline = messages.union(ordered.cast(messages.schema()))
    order = timeline.contact_id.isnull()
    timeline = timeline.mutate(order=order.cast("int8"), ordered=order.ifelse(timeline["at"], None))
    ways = {"group_by": "customer_id", "order_by": ["at", "order"]}
    timeline = timeline.mutate(
        next_order=timeline.ordered.min().over(ibis.window(preceding=0, **ways)),
        last_order=timeline.ordered.max().over(ibis.window(following=0, **ways)),
    )
    found = timeline.filter(timeline.order == 0).select("contact_id", "next_order", "last_order")
    both = sent.join(found, "contact_id")
    last = both.sent_at + ibis.interval(days=days)
    return both.mutate(
        followed=last <= midnight(period.end),
        bought=ibis.coalesce(both.next_order < last, False),
        bought_before=ibis.coalesce(
            both.last_order >= both.sent_at - ibis.interval(days=days), False
        ),
    )


def _became(rows: ibis.Table, known: frozenset[str]) -> ibis.Table:
    clicked = rows.clicked_at.notnull()
    opened = rows.opened_at.notnull() | clicked
    arrived = opened | (rows.delivered_at.notnull() if "delivered_at" in known else True)
    delivered = arrived & (opened | rows.bounced_at.isnull())
    machine = opened & ~clicked & ibis.coalesce(rows.opened_by_machine, False)
    person = clicked | (opened & ~ibis.coalesce(rows.opened_by_machine, True))
    told = rows.opened_by_machine.notnull()
    flags = {
        "sent": ibis.literal(True),
        "delivered": delivered,
        "bounced": rows.bounced_at.notnull() & ~delivered,
        "opened": opened,
        "machine": machine,
        "person": person,
        "unknown": opened & ~told,
        "known_person": person & told,
        "known_click": clicked & told,
        "unknown_click": clicked & ~told,
        "clicked": clicked,
        "unsubscribed": rows.unsubscribed_at.notnull(),
        "complained": rows.complained_at.notnull(),
        "followed": delivered & rows.followed,
        "bought": delivered & rows.followed & rows.bought,
        "bought_before": delivered & rows.followed & rows.bought_before,
    }
    return rows.select(
        "contact_id",
        "customer_id",
        "channel",
        "promotion_id",
        "variant",
        "before",
        campaign=ibis.coalesce(rows.promotion_id, REGULAR),
        at=rows.sent_at,
        hour=rows.sent_at.hour(),
        cost_cents=ibis.coalesce(cents(rows.cost), 0),
        **{name: flag.cast("int64") for name, flag in flags.items()},
    )


def _oddities(sent: ibis.Table) -> pd.DataFrame:
    """Return what was odd: what, rule, messages."""
    clicked, opened = sent.clicked_at, sent.opened_at
    first = ibis.coalesce(sent.delivered_at, sent.sent_at)
    early = (opened < first) | (clicked < ibis.coalesce(opened, first))
    cases = {
        ("opened or clicked, but not delivered", "counts as delivered"): sent.delivered_at.isnull()
        & (opened.notnull() | clicked.notnull()),
        ("clicked, but not opened", "counts as opened"): opened.isnull() & clicked.notnull(),
        ("delivered before it was sent", "counts as delivered, its time is not used"): (
            sent.delivered_at < sent.sent_at
        ),
        ("opened or clicked before it arrived", "counts, its time is not used"): early,
        ("bounced, but opened", "counts as delivered"): sent.bounced_at.notnull()
        & opened.notnull(),
        ("opened by a program, but clicked", "counts as opened by a person"): (
            sent.opened_by_machine & clicked.notnull()
        ),
    }
    names = [f"n{i}" for i in range(len(cases))]
    flags = zip(names, cases.values(), strict=True)
    sums = sent.agg(**{n: ibis.coalesce(f, False).cast("int64").sum() for n, f in flags})
    counted = sums.to_pandas().iloc[0]
    rows = [(*words, int(counted[n] or 0)) for n, words in zip(names, cases, strict=True)]
    return pd.DataFrame(rows, columns=["what", "rule", "messages"])
