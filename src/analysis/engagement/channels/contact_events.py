"""Messages of a period, each with what became of it; what odd times mean is ruled here.

Rules, in words and counted in ``Contacts.oddities``:

- A message that was clicked was opened, and one that was opened was delivered, whatever its
  delivery says.
- An open, a click or a delivery before the sending, or before each other, is a difference of
  clocks: it happened, its time is not used.
- An open that a mail program made counts as nobody's, unless a click followed.
- A message counts as answered by an order if the customer ordered within so many days of sending;
  messages sent later than that before the end are not followed.

One table of what customers do: orders, messages, page views, points.

For questions that any of them may ask: how long from one kind of event to the next, and who comes
back between day n and day m.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import ibis
import pandas as pd

from analysis.errors import NotApplicable
from analysis.stats.proportions import wilson_interval
from analysis.stats.survival import kaplan_meier
from analysis.tables.engine import held, seconds
from analysis.tables.lines import midnight
from analysis.tables.margin import cents

if TYPE_CHECKING:
    from analysis.tables.engine import Tables
    from analysis.tables.periods import Period

#: Name of messages that belong to no promotion.
REGULAR = "(no campaign)"

_OPTIONAL = {
    "promotion_id": "string", "delivered_at": "timestamp", "opened_at": "timestamp",
    "clicked_at": "timestamp", "unsubscribed_at": "timestamp", "cost": "decimal(18, 2)",
    "purpose": "string", "variant": "string", "bounced_at": "timestamp",
    "complained_at": "timestamp", "opened_by_machine": "boolean",
}  # fmt: skip

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
        "sent": ibis.literal(True), "delivered": delivered,
        "bounced": rows.bounced_at.notnull() & ~delivered, "opened": opened, "machine": machine,
        "person": person, "unknown": opened & ~told, "known_person": person & told,
        "known_click": clicked & told, "unknown_click": clicked & ~told, "clicked": clicked,
        "unsubscribed": rows.unsubscribed_at.notnull(), "complained": rows.complained_at.notnull(),
        "followed": delivered & rows.followed, "bought": delivered & rows.followed & rows.bought,
        "bought_before": delivered & rows.followed & rows.bought_before,
    }  # fmt: skip
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


_SECONDS_A_DAY = 86_400.0
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)


@dataclass(frozen=True)
class Events:
    """Events of a period.

    Parameters
    ----------
    rows
        customer_id, at, kind (order, sent, opened, clicked, view, earn, redeem ...).
    counts
        kind, events, customers.
    period
        When they happened.
    """

    rows: ibis.Table
    counts: pd.DataFrame
    period: Period


def collect(tables: Tables, period: Period) -> Events:
    """Return the events of known customers in ``period``, from every table that has some."""
    parts = [order_times(tables).select("customer_id", "at", kind=ibis.literal("order"))]
    if "contacts" in tables:
        contacts = tables.contacts
        for kind in ("sent", "opened", "clicked", "unsubscribed"):
            if tables.has("contacts", f"{kind}_at"):
                rows = contacts.filter(contacts[f"{kind}_at"].notnull())
                parts.append(rows.select("customer_id", at=rows[f"{kind}_at"],
                                         kind=ibis.literal(kind)))  # fmt: skip
    if tables.has("page_views", "customer_id"):
        seen = tables.page_views.filter(tables.page_views.customer_id.notnull())
        parts.append(seen.select("customer_id", at=seen.viewed_at, kind=ibis.literal("view")))
    if "points" in tables:
        moved = tables.points
        parts.append(moved.select("customer_id", at=moved.posted_at, kind=moved.kind))
    # An engine may hold the moments of one table finer than those of another.
    alike = [part.cast(parts[0].schema()) for part in parts]
    every = ibis.union(*alike) if len(alike) > 1 else alike[0]
    start, end = midnight(period.start), midnight(period.end)
    rows = held(every.filter(every["at"] >= start, every["at"] < end))
    counted = rows.group_by("kind").agg(events=rows.count(), customers=rows.customer_id.nunique())
    return Events(rows, counted.order_by("kind").to_pandas(), period)


def interval_between(events: Events, start: str, then: str) -> pd.DataFrame:
    """Return how long it takes from an event of kind ``start`` to the next of kind ``then``.

    Returns
    -------
    pandas.DataFrame
        start, then, events (of the first kind), followed (by one of the second), days_10, days_25,
        days_50, days_75, days_90 (to the hour; Kaplan-Meier: those not followed before the end of
        the period may be later; NaN where too few are).

    Raises
    ------
    NotApplicable
        If either kind does not occur.
    """
    rows = _next(events, start, then)
    hours = (24 * ibis.coalesce(rows.days, rows.left)).round().cast("int64")
    counted = rows.group_by(hours=hours, followed=rows.days.notnull()).agg(events=rows.count())
    each = counted.order_by("hours", "followed").to_pandas()
    followed, n = each["followed"].to_numpy(bool), each["events"].to_numpy("float64")
    curve = kaplan_meier(each["hours"].to_numpy("float64") / 24, followed, of=n)
    row = {"start": start, "then": then, "events": int(n.sum()), "followed": int(n[followed].sum())}
    return pd.DataFrame([row | {f"days_{round(100 * q)}": curve.quantile(q)[0] for q in QUANTILES}])


def returned_between(
    events: Events, start: str, then: str, *, first_day: int, last_day: int,
    confidence: float = 0.95,
) -> pd.DataFrame:  # fmt: skip
    """Return the share of customers who, after their first ``start``, do ``then`` from day n to m.

    A day is 24 hours. Only customers whose day m is over before the end of the period count.

    Returns
    -------
    pandas.DataFrame
        start, then, first_day, last_day, customers, returned, share, low, high (Wilson).
    """
    _require(events, start, then)
    rows = events.rows
    first = rows.filter(rows.kind == start).group_by("customer_id").agg(begun=ibis._["at"].min())
    whole = first.begun + ibis.interval(days=last_day + 1)
    first = first.filter(whole <= midnight(events.period.end))
    later = rows.filter(rows.kind == then).select("customer_id", "at")
    both = first.left_join(later, "customer_id").drop("customer_id_right")
    since = (seconds(both["at"]) - seconds(both.begun)) / _SECONDS_A_DAY
    days = (since >= first_day) & (since < last_day + 1)
    inside = ibis.coalesce(days & (both["at"] > both.begun), False)
    each = both.group_by("customer_id").agg(back=inside.cast("int64").max())
    sums = each.agg(customers=each.count(), returned=each.back.sum()).to_pandas().iloc[0]
    n, k = int(sums["customers"]), int(sums["returned"] or 0)
    low, high = wilson_interval([k], [n], confidence=confidence)
    row = (start, then, first_day, last_day, n, k, k / n if n else float("nan"))
    names = ["start", "then", "first_day", "last_day", "customers", "returned", "share"]
    return pd.DataFrame([row], columns=names).assign(low=low, high=high)


def _require(events: Events, *kinds: str) -> None:
    known = set(events.counts["kind"])
    for kind in kinds:
        if kind not in known:
            raise NotApplicable(
                f"No event {kind!r} occurs in the period; there are {', '.join(sorted(known))}."
            )


def _next(events: Events, start: str, then: str) -> ibis.Table:
    """Return every event of kind ``start``: days to the next of kind ``then``, and those left."""
    _require(events, start, then)
    rows = events.rows.filter(events.rows.kind.isin([start, then]))
    # Events at the same instant follow each other in no known order: they are not "next".
    order = {"group_by": "customer_id", "order_by": ["at", (rows.kind == start).cast("int8")]}
    if start == then:
        rows = rows.mutate(next=rows["at"].lead().over(ibis.window(**order)))
    else:
        rows = rows.mutate(when=(rows.kind == then).ifelse(rows["at"], None))
        rows = rows.mutate(next=rows.when.min().over(ibis.window(preceding=0, **order)))
        rows = rows.filter(rows.kind == start)
    began, end = seconds(rows["at"]), (events.period.end - date(1970, 1, 1)).days * _SECONDS_A_DAY
    days, left = ((moment - began) / _SECONDS_A_DAY for moment in (seconds(rows.next), end))
    return rows.select("customer_id", days=days, left=left)
