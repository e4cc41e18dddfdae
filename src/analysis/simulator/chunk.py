"""One chunk of a shop: its files, and the truth about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from analysis.simulator.chunk_facts import Facts, gather
from analysis.simulator.club import club_life, first_come, money_on_account, paid_terms
from analysis.simulator.engagement import (
    acquisition,
    consent_log,
    loyalty_club,
    messages,
    order_deliveries,
    web_sessions,
)
from analysis.simulator.selling import promotion_files, till_files
from analysis.simulator.shop_plan import Plan
from analysis.simulator.truth import counts, persons, truth_tables
from analysis.simulator.voices import feedback_files

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Chunk:
    """What one chunk gives.

    Parameters
    ----------
    files
        Source files by table.
    truth
        Truth tables by name: one row a customer, an invitation or the like.
    counts
        Whole numbers that add up over chunks.
    spend
        Cents that each customer spent in the last 364 days.
    """

    files: dict[str, pa.Table]
    truth: dict[str, pa.Table]
    counts: dict[str, int]
    spend: NDArray[np.int64]


def generate(plan: Plan, index: int, *, lines_only: bool = False) -> Chunk:
    """Return chunk ``index``: every table, or the order lines alone."""
    facts = gather(plan, index)
    files = till_files.files(plan, facts.people, facts.ledger, facts.delivery, index)
    if lines_only:
        return Chunk(files, {}, {}, np.empty(0, np.int64))
    spoken = feedback_files.speak(facts)
    return Chunk(
        files | _other_files(facts, spoken),
        truth_tables.of(facts) | {"voices": feedback_files.voices_truth(facts, spoken)},
        counts.of(facts),
        persons.spend_last_year(facts),
    )


def _interactions(facts: Facts) -> pa.Table:
    invited = loyalty_club.invitations(facts.plan, facts.people, facts.index)
    rows = club_life.interactions_file(facts.trade, facts.index)
    return club_life.with_further(
        rows, [invited, *first_come.further(facts.claims)], facts.people, facts.index
    )


def _other_files(facts: Facts, spoken: feedback_files.Spoken) -> dict[str, pa.Table]:
    plan, crowd, book, index = facts.plan, facts.people, facts.ledger, facts.index
    return {
        "customers": acquisition.append(plan, crowd, facts.register.rows, index),
        "assignments": promotion_files.assignments_file(facts.trade),
        "redemptions": promotion_files.redemptions_file(facts.trade, book),
        "contacts": messages.contacts_file(facts.trade, facts.register.consent, index),
        "consents": consent_log.consents_file(facts.trade, facts.register, index),
        "page_views": web_sessions.page_views_file(plan, crowd, book, index),
        "feedback": feedback_files.feedback_file(facts, spoken),
        "orders": order_deliveries.orders_file(facts),
        "points": loyalty_club.points_file(plan, crowd, book, facts.earned, index),
        "tiers": loyalty_club.tiers_file(plan, crowd, book, facts.earned),
        "referrals": loyalty_club.referrals_file(plan, crowd, book, index),
        "subscriptions": paid_terms.subscriptions_file(plan, crowd, facts.terms, index),
        "stored_value": money_on_account.stored_value_file(plan, crowd, book, index),
        "interactions": _interactions(facts),
    }
