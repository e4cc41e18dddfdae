"""When a customer was last contacted, and whether the customer answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis

if TYPE_CHECKING:
    from analysis.tables.engine import Tables
    from analysis.tables.periods import Period

#: Arm of a promotion that is not contacted.
CONTROL = "control"


def compute(tables: Tables, period: Period) -> ibis.Table:
    """Return one row a customer who was contacted or answered before the period's end.

    A contact is a message sent; where the study has no contacts, it is being assigned to a
    promotion in any arm but ``control``. An answer is a redemption, or a message clicked.

    Returns
    -------
    ibis.Table
        customer_id; contacts and responses (in the period), last_contact_on (ever before the
        period's end), days_since_contact, response_rate (responses / contacts; can exceed 1
        where one contact carries several coupons; null without contacts).
    """
    sent, answered = _sent(tables), _answered(tables)
    start, end = (ibis.timestamp(day.isoformat()) for day in (period.start, period.end))
    sent = sent.filter(sent.at < end)
    contacted = sent.group_by("customer_id").agg(
        contacts=(sent.at >= start).cast("int64").sum(), last_contact_on=sent.at.max().date()
    )
    answered = answered.filter(answered.at >= start, answered.at < end)
    responses = answered.group_by("customer_id").agg(responses=answered.count())
    both = contacted.outer_join(responses, "customer_id")
    both = both.select(
        customer_id=ibis.coalesce(both.customer_id, both.customer_id_right),
        contacts=ibis.coalesce(both.contacts, 0).cast("int64"),
        responses=ibis.coalesce(both.responses, 0).cast("int64"),
        last_contact_on=both.last_contact_on,
    )
    rate = both.responses.cast("float64") / both.contacts.nullif(0)
    last = ibis.date(period.end.isoformat()).delta(both.last_contact_on, unit="day")
    return both.mutate(days_since_contact=last, response_rate=rate)


def voices(tables: Tables, period: Period) -> ibis.Table:
    """Return customer_id, nps_score (mean of the scores given) and complaints in the period.

    A study without feedback gives no rows.
    """
    if not tables.has("feedback", "customer_id", "score"):
        nobody = _nothing(tables)
        return nobody.select(
            "customer_id", nps_score=ibis.null("float64"), complaints=ibis.null("int64")
        )
    said = tables.feedback
    start, end = (ibis.timestamp(day.isoformat()) for day in (period.start, period.end))
    said = said.filter(
        said.customer_id.notnull(), said.submitted_at >= start, said.submitted_at < end
    )
    return said.group_by("customer_id").agg(
        nps_score=said.score.mean(where=said.kind == "nps"),
        complaints=(said.kind == "complaint").cast("int64").sum(),
    )


def sent_messages(tables: Tables, period: Period) -> ibis.Table:
    """Return customer_id and at: every message sent in the period, or arm assigned."""
    sent = _sent(tables)
    start, end = (ibis.timestamp(day.isoformat()) for day in (period.start, period.end))
    return sent.filter(sent.at >= start, sent.at < end)


def _sent(tables: Tables) -> ibis.Table:
    if "contacts" in tables:
        contacts = tables.contacts
        return contacts.select("customer_id", at=contacts.sent_at)
    if "assignments" in tables:
        arms = tables.assignments.filter(tables.assignments.arm != CONTROL)
        return arms.select("customer_id", at=arms.assigned_at)
    return _nothing(tables)


def _answered(tables: Tables) -> ibis.Table:
    found = []
    if tables.has("contacts", "clicked_at"):
        clicked = tables.contacts.filter(tables.contacts.clicked_at.notnull())
        found.append(clicked.select("customer_id", at=clicked.clicked_at))
    if "redemptions" in tables:
        redemptions = tables.redemptions
        found.append(redemptions.select("customer_id", at=redemptions.redeemed_at))
    if not found:
        return _nothing(tables)
    return found[0].union(*found[1:]) if len(found) > 1 else found[0]


def _nothing(tables: Tables) -> ibis.Table:
    lines = tables.order_lines
    return lines.filter(lines.order_id.isnull()).select("customer_id", at=lines.ordered_at)
