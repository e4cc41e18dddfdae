"""What members pay in advance: terms of membership, and money on their account.

A term lasts a quarter and is renewed or not, at a rate that depends on the renewal mode. Money is
loaded with a bonus and spent on later orders, which were there anyway: neither changes what a
customer buys.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from analysis.simulator import arrow_columns as arrow
from analysis.simulator.people.population import People
from analysis.simulator.people.visits import GUEST
from analysis.simulator.selling.order_ledger import Ledger
from analysis.simulator.shop_plan import Plan
from analysis.simulator.trading_calendar import DAY_US, EPOCH
from analysis.stats.types import Flags, Integers

#: Share of members who ever pay for a term, days of a term and its price.
PAYING, TERM_DAYS, PRICE_CENTS = 0.12, 91, 990
#: Share that renews unless the customer says no, and the chance to renew with and without it.
AUTOMATIC, RENEWS = 0.6, {"automatic": 0.85, "by hand": 0.55}
TERMS_A_CHUNK = 100_000_000


@dataclass(frozen=True)
class Terms:
    """Terms: position of the customer, first day since the start, earlier term or -1, mode."""

    customer: Integers
    day: Integers
    earlier: Integers
    automatic: Flags


def draw(plan: Plan, people: People, index: int) -> Terms:
    """Return the terms of a chunk, in the order of customers and days."""
    rng = plan.shop.generator("paid_terms", index)
    first = np.maximum(np.floor(7 * people.joined), 0)
    days = (first + rng.random(len(people)) * (plan.calendar.days - first)).astype(np.int64)
    automatic = rng.random(len(people)) < AUTOMATIC
    most = -(-plan.calendar.days // TERM_DAYS)
    chance = np.where(automatic, RENEWS["automatic"], RENEWS["by hand"])
    renews = rng.random((len(people), most)) < chance[:, None]
    pays = people.member & (rng.random(len(people)) < PAYING)
    begins = days[:, None] + TERM_DAYS * np.arange(most)
    held = np.column_stack([np.ones(len(people), np.bool_), renews[:, 1:]]).cumprod(axis=1) > 0
    held &= (begins < plan.calendar.days) & pays[:, None]
    row, term = np.nonzero(held)
    return Terms(row, begins[row, term], np.where(term > 0, np.arange(len(row)) - 1, -1),
                 automatic[row])  # fmt: skip


def subscriptions_file(plan: Plan, people: People, terms: Terms, index: int) -> pa.Table:
    """Return the terms: subscription_id, customer_id, started_on, ends_on, ..."""
    start, count = (plan.calendar.start - EPOCH).days, len(terms.customer)
    number = index * TERMS_A_CHUNK + 1
    return pa.table(
        {
            "subscription_id": arrow.whole(number + np.arange(count)),
            "customer_id": arrow.whole(people.first + terms.customer),
            "started_on": arrow.dates(start + terms.day),
            "ends_on": arrow.dates(start + terms.day + TERM_DAYS),
            "product_id": pa.nulls(count, pa.string()),
            "renewed_from": pa.array(
                [None if e < 0 else str(number + e) for e in terms.earlier], pa.string()
            ),
            "amount": arrow.money(np.full(count, PRICE_CENTS)),
            "auto_renew": pa.array(terms.automatic),
        }
    )


def counts(plan: Plan, terms: Terms) -> dict[str, int]:
    """Count the terms that ended inside the history, and those renewed, by mode."""
    ended = terms.day + TERM_DAYS < plan.calendar.days
    renewed = np.zeros(len(ended), np.bool_)
    renewed[terms.earlier[terms.earlier >= 0]] = True
    found = {}
    for mode, mine in (("automatic", terms.automatic), ("by hand", ~terms.automatic)):
        found[f"terms.{mode}.ended"] = int((ended & mine).sum())
        found[f"terms.{mode}.renewed"] = int((ended & mine & renewed).sum())
    return found


#: Share of members who load money, loads a year, what they load, and the bonus on it.
LOADERS, LOADS_A_YEAR, LOAD_CENTS, BONUS = 0.15, 1.5, 5_000, 0.10
KINDS = ("load", "bonus", "spend", "expire", "adjust")
LIFE_DAYS = 3 * 365
MOVEMENTS_A_CHUNK = 100_000_000


def stored_value_file(plan: Plan, people: People, ledger: Ledger, index: int) -> pa.Table:
    """Return the movements: entry_id, customer_id, posted_at, kind, amount, ..."""
    rows = _movements(plan, people, ledger, index)
    customer, stamp, kind, cents, order = rows.T if len(rows) else np.empty((5, 0), np.int64)
    days = stamp // DAY_US + LIFE_DAYS
    return pa.table(
        {
            "entry_id": arrow.whole(index * MOVEMENTS_A_CHUNK + 1 + np.arange(len(kind))),
            "customer_id": arrow.whole(people.first + customer),
            "posted_at": arrow.times(stamp),
            "kind": arrow.names(kind, KINDS),
            "amount": arrow.money(np.ascontiguousarray(cents)),
            "expires_on": arrow.dates(days, kind > 1),
            "order_id": arrow.whole(order, order < 0),
        }
    )


def _movements(plan: Plan, people: People, ledger: Ledger, index: int) -> Integers:
    """Return customer, stamp, kind, cents and order of every movement, in their order."""
    rng = plan.shop.generator("stored_value", index)
    loads = rng.random(len(people)) < LOADERS
    count = rng.poisson(LOADS_A_YEAR * plan.calendar.days / 365, len(people))
    who = np.repeat(np.arange(len(people)), np.where(loads & people.member, count, 0))
    first = np.maximum(people.joined[who], 0.0)
    moments = first + rng.random(len(who)) * (plan.calendar.span - first)
    when = plan.calendar.stamps(moments)
    bought = np.flatnonzero(ledger.purchases & (ledger.customer != GUEST) & (ledger.net > 0))
    bought = bought[np.isin(ledger.customer[bought], who)]
    events = np.concatenate(
        [
            np.column_stack([who, when, np.zeros_like(who), np.full_like(who, LOAD_CENTS),
                             np.full_like(who, -1)]),
            np.column_stack([ledger.customer[bought], ledger.stamp[bought],
                             np.full(len(bought), 2), ledger.net[bought], ledger.number[bought]]),
        ]
    )  # fmt: skip
    return _settled(events[np.lexsort((events[:, 4], events[:, 2], events[:, 1], events[:, 0]))])


def _settled(events: Integers) -> Integers:
    """Pay each order from what is on the account, and add the bonus to each load."""
    rows: list[tuple[int, ...]] = []
    owner, balance = -1, 0
    for customer, stamp, kind, cents, order in events.tolist():
        if customer != owner:
            owner, balance = customer, 0
        if kind == 0:
            bonus = int(BONUS * cents)
            rows += [(customer, stamp, 0, cents, -1), (customer, stamp, 1, bonus, -1)]
            balance += cents + bonus
        elif balance:
            paid = min(balance, cents)
            rows.append((customer, stamp, 2, -paid, order))
            balance -= paid
    return np.array(rows, np.int64).reshape(-1, 5)
