"""The ledger of points in the engine: what each lot of points earned became.

A lot is what one movement put into an account. Expiries are set against the lots that had come
due since the expiry before; everything else that leaves an account uses its lots first in, first
out, by the day they expire. Points are whole thousandths, so that sums are exact in any order.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import ibis

from analysis.tables.engine import held
from analysis.tables.lines import midnight

if TYPE_CHECKING:
    from analysis.tables.engine import Tables

#: Parts of a point that are counted.
PARTS = 1_000

_OPTIONAL = {
    "expires_on": "date",
    "order_id": "string",
    "reason": "string",
    "reverses_entry_id": "string",
}


@dataclass(frozen=True)
class Ledger:
    """The movements before a day, and the lots they made.

    Parameters
    ----------
    as_of
        First day not looked at.
    entries
        A row a movement: the columns of ``points``, ``amount`` (thousandths, signed),
        ``posted_on``, ``balance`` (after it), ``opens`` (the customer's first movement takes
        points away), ``reverses_amount`` and ``reverses_customer`` (of the movement taken back)
        and ``taken_back`` (all that is taken back of the same movement).
    lots
        A row a lot: entry_id, customer_id, posted_on, expires_on, kind, order_id, ``amount``,
        ``reversed``, ``expired``, ``used``, ``open`` (thousandths; the last four add up to the
        first), ``expired_on`` (day of the expiry set against it), ``begins`` (what the customer's
        earlier lots hold for use).
    due
        A row a customer and day of expiry: ``expired`` that day, ``came_due`` (points that had),
        ``undue`` (expired beyond that).
    dated
        Whether any lot states when it expires.
    """

    as_of: date
    entries: ibis.Table
    lots: ibis.Table
    due: ibis.Table
    dated: bool


def read(tables: Tables, *, as_of: date) -> Ledger:
    """Read the ledger up to ``as_of`` and follow its lots.

    Parameters
    ----------
    tables
        A study's tables; needs points.
    as_of
        First day not looked at.
    """
    entries = held(_entries(tables.points, as_of))
    lots = _lots(entries)
    dated = bool(lots.expires_on.notnull().any().to_pandas())
    due = held(_due(lots, entries, dated))
    return Ledger(as_of, entries, held(_followed(_expired(lots, due, dated), entries, dated)),
                  due, dated)  # fmt: skip


def _entries(points: ibis.Table, as_of: date) -> ibis.Table:
    rows = points.filter(points.posted_at < midnight(as_of))
    missing = {n: ibis.null(t) for n, t in _OPTIONAL.items() if n not in rows.columns}
    rows = rows.mutate(
        amount=(rows.points * PARTS).round().cast("int64"),
        posted_on=rows.posted_at.date(),
        **missing,
    )
    order = [rows.posted_at, (rows.amount < 0).cast("int8"), rows.entry_id]
    upto = ibis.window(group_by=rows.customer_id, order_by=order, preceding=None, following=0)
    rows = rows.mutate(
        balance=rows.amount.sum().over(upto).cast("int64"),
        opens=rows.amount.first().over(upto) < 0,
    )
    return _with_originals(rows)


def _with_originals(rows: ibis.Table) -> ibis.Table:
    """Add what each movement takes back."""
    back = rows.filter(rows.reverses_entry_id.notnull())
    sums = back.group_by(original=back.reverses_entry_id).agg(taken_back=back.amount.sum())
    known = rows.select(
        original="entry_id", reverses_amount="amount", reverses_customer="customer_id"
    )
    facts = sums.left_join(known, "original").drop("original_right")
    joined = rows.left_join(facts, rows.reverses_entry_id == facts.original).drop("original")
    return joined.mutate(taken_back=joined.taken_back.cast("int64"))


def _takes_from_lot(entries: ibis.Table) -> ibis.Value:
    """Tell which movements take back a lot of the same customer, and not more than it was."""
    same = entries.reverses_customer == entries.customer_id
    within = (entries.taken_back < 0) & (-entries.taken_back <= entries.reverses_amount)
    return ibis.coalesce(same & within & (entries.amount < 0), False)


def _lots(entries: ibis.Table) -> ibis.Table:
    back = entries.filter(_takes_from_lot(entries))
    sums = back.group_by(entry_id=back.reverses_entry_id).agg(reversed=-back.amount.sum())
    lots = entries.filter(entries.amount > 0)
    lots = lots.select("entry_id", "customer_id", "posted_on", "expires_on", "kind", "order_id",
                       "amount")  # fmt: skip
    lots = lots.left_join(sums, "entry_id").drop("entry_id_right")
    return lots.mutate(reversed=ibis.coalesce(lots.reversed, 0).cast("int64"))


def _due(lots: ibis.Table, entries: ibis.Table, dated: bool) -> ibis.Table:
    """Return each customer's days of expiry, and the points that had come due since the last."""
    gone = entries.filter((entries.kind == "expire") & (entries.amount < 0) & ibis.literal(dated))
    days = gone.group_by("customer_id", expired_on=gone.posted_on).agg(
        expired=(-gone.amount.sum()).cast("int64")
    )
    found = _with_day(lots, days)
    sums = found.filter(found.expired_on.notnull())
    sums = sums.group_by("customer_id", "expired_on").agg(
        came_due=(sums.amount - sums.reversed).sum().cast("int64")
    )
    joined = days.left_join(sums, ["customer_id", "expired_on"])
    joined = joined.select("customer_id", "expired_on", "expired",
                           came_due=ibis.coalesce(joined.came_due, 0))  # fmt: skip
    return joined.mutate(undue=ibis.greatest(joined.expired - joined.came_due, 0))


def _with_day(lots: ibis.Table, days: ibis.Table) -> ibis.Table:
    """Return the lots with the first day of expiry on or after the day they expire."""
    one = lots.mutate(day=lots.expires_on, is_day=ibis.literal(0).cast("int8"))
    empty = {c: ibis.null(one[c].type()) for c in lots.columns if c != "customer_id"}
    two = days.select(
        "customer_id", **empty, day=days.expired_on, is_day=ibis.literal(1).cast("int8")
    )
    both = one.union(two.select(one.columns))
    onwards = ibis.window(
        group_by=both.customer_id, order_by=[both.day, both.is_day], preceding=0, following=None
    )
    gone = (both.is_day == 1).ifelse(both.day, ibis.null("date"))
    both = both.mutate(expired_on=gone.min().over(onwards))
    found = both.filter(both.is_day == 0)
    return found.mutate(
        expired_on=found.expires_on.notnull().ifelse(found.expired_on, ibis.null("date"))
    ).drop("day", "is_day")


def _expired(lots: ibis.Table, due: ibis.Table, dated: bool) -> ibis.Table:
    """Set the points of each day of expiry against the lots due, the latest first."""
    if not dated:
        return lots.mutate(expired_on=ibis.null("date"), expired=ibis.literal(0).cast("int64"))
    days = due.select("customer_id", "expired_on", batch=due.expired)
    found = _with_day(lots, days).left_join(days, ["customer_id", "expired_on"])
    found = found.drop("customer_id_right", "expired_on_right")
    left = found.amount - found.reversed
    before = ibis.window(
        group_by=[found.customer_id, found.expired_on],
        order_by=[found.expires_on.desc(), found.posted_on.desc(), found.entry_id.desc()],
        preceding=None,
        following=0,
    )
    later = left.sum().over(before).cast("int64") - left
    taken = ibis.least(ibis.greatest(ibis.coalesce(found.batch, 0) - later, 0), left)
    return found.mutate(expired=taken.cast("int64")).drop("batch")


def spending(entries: ibis.Table, dated: bool) -> ibis.Table:
    """Return the movements that use lots in turn: neither dated expiries nor takings back."""
    by_date = (entries.kind == "expire") & ibis.literal(dated)
    return entries.filter((entries.amount < 0) & ~by_date & ~_takes_from_lot(entries))


def _followed(lots: ibis.Table, entries: ibis.Table, dated: bool) -> ibis.Table:
    """Let what else leaves the accounts use the lots, first in first out by expiry."""
    out = spending(entries, dated)
    spent = out.group_by("customer_id").agg(spent=-out.amount.sum())
    found = lots.left_join(spent, "customer_id").drop("customer_id_right")
    left = found.amount - found.reversed - found.expired
    upto = ibis.window(
        group_by=found.customer_id,
        order_by=[found.expires_on.isnull(), found.expires_on, found.posted_on, found.entry_id],
        preceding=None,
        following=0,
    )
    before = left.sum().over(upto).cast("int64") - left
    used = ibis.least(ibis.greatest(ibis.coalesce(found.spent, 0) - before, 0), left)
    found = found.mutate(used=used.cast("int64"), begins=before.cast("int64")).drop("spent")
    return found.mutate(open=found.amount - found.reversed - found.expired - found.used)
