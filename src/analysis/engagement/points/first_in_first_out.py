"""When each lot was used, where points are spent first in, first out; and whether they are."""

from __future__ import annotations

import ibis

from analysis.engagement.points.points_ledger import Ledger, spending


def out_of_turn(ledger: Ledger) -> tuple[int, int]:
    """Return the points that expired although spending should have used them, and all expired.

    A scheme that spends the points that expire first would have used a lot before it expired, had
    enough been spent by then; where the ledger lets it expire all the same, it spends in another
    order. In thousandths.
    """
    lots = ledger.lots.filter(ledger.lots.expired > 0)
    room = lots.begins + lots.amount - lots.reversed - lots.expired
    ends = lots.select("customer_id", "expired", day="expired_on", room=room)
    spent = _spent_before(ledger, ends)
    early = ibis.least(ibis.greatest(spent.spent - spent.room, 0), spent.expired)
    found = spent.aggregate(
        early=ibis.coalesce(early.sum(), 0).cast("int64"),
        expired=ibis.coalesce(spent.expired.sum(), 0).cast("int64"),
    ).to_pandas()
    return int(found["early"].iloc[0]), int(found["expired"].iloc[0])


def _spent_before(ledger: Ledger, ends: ibis.Table) -> ibis.Table:
    """Return ``ends`` with what the customer had spent before the day."""
    out = spending(ledger.entries, ledger.dated)
    one = ends.mutate(spends=ibis.literal(0).cast("int64"), is_end=ibis.literal(True))
    none = {c: ibis.null(ends[c].type()) for c in ("expired", "room")}
    two = out.select(
        "customer_id", **none, day=out.posted_on, spends=-out.amount, is_end=ibis.literal(False)
    )
    both = one.union(two.select(one.columns))
    upto = ibis.window(
        group_by=both.customer_id,
        order_by=[both.day, both.is_end.ifelse(0, 1)],
        preceding=None,
        following=0,
    )
    both = both.mutate(spent=both.spends.sum().over(upto).cast("int64"))
    return both.filter(both.is_end)


def uses(ledger: Ledger) -> ibis.Table:
    """Return what each spending took from each lot: posted_on of the lot, used_on, used."""
    lots = ledger.lots
    lots = lots.select("customer_id", "posted_on", "begins", ends=lots.begins + lots.used)
    out = spending(ledger.entries, ledger.dated)
    upto = ibis.window(
        group_by=out.customer_id, order_by=[out.posted_at, out.entry_id], preceding=None,
        following=0,
    )  # fmt: skip
    until = (-out.amount).sum().over(upto).cast("int64")
    spent = out.select("customer_id", used_on=out.posted_on, since=until + out.amount, until=until)
    met = spent.inner_join(
        lots,
        [
            spent.customer_id == lots.customer_id,
            spent.since < lots.ends,
            spent.until > lots.begins,
        ],
    )
    part = ibis.least(met.until, met.ends) - ibis.greatest(met.since, met.begins)
    return met.select("posted_on", "used_on", used=part)
