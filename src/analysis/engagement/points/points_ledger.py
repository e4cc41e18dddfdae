"""The ledger of points in the engine: what each lot of points earned became.

A lot is what one movement put into an account. Expiries are set against the lots that had come
due since the expiry before; everything else that leaves an account uses its lots first in, first
out, by the day they expire. Points are whole thousandths, so that sums are exact in any order.

Whether the ledger of points reconciles: earned + adjusted = redeemed + expired + open.

Any rule that a movement breaks is told with the movements behind it. A ledger in which a rule
that counts is broken has no liability: what is owed cannot be read from books that do not add up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import ibis
import pandas as pd

from analysis.errors import NotApplicable
from analysis.tables.engine import held
from analysis.tables.lines import midnight

if TYPE_CHECKING:
    from datetime import date

    from ibis.expr.builders import LegacyWindowBuilder

    from analysis.tables.engine import Tables

#: Parts of a point that are counted.
PARTS = 1_000

_OPTIONAL = {
    "expires_on": "date", "order_id": "string", "reason": "string", "reverses_entry_id": "string",
}  # fmt: skip


@dataclass(frozen=True)
class Ledger:
    """The movements before a day, and the lots they made.

    Parameters
    ----------
    as_of
        First day not looked at.
    entries
        A row a movement: the columns of ``points``, ``amount`` (thousandths, signed),
        ``posted_on``, ``reverses_amount`` and ``reverses_customer`` (of the movement taken back)
        and ``taken_back`` (all that is taken back of the same movement).
    lots
        A row a lot: entry_id, customer_id, ``earned`` (not adjusted), posted_on, expires_on,
        ``amount``, ``reversed``, ``expired``, ``used``, ``open`` (thousandths; the last four add
        up to the first), ``expired_on`` (day of the expiry set against it), ``begins`` (what the
        customer's earlier lots hold for use).
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
    turns = held(_turns(lots, entries, dated))
    due = held(_due(turns))
    return Ledger(as_of, entries, held(_followed(turns, due, entries, dated)), due, dated)


def _entries(points: ibis.Table, as_of: date) -> ibis.Table:
    rows = points.filter(points.posted_at < midnight(as_of))
    missing = {n: ibis.null(t) for n, t in _OPTIONAL.items() if n not in rows.columns}
    rows = rows.mutate(
        amount=(rows.points * PARTS).round().cast("int64"),
        posted_on=rows.posted_at.date(),
        **missing,
    )
    return _with_originals(rows)


def overdrawn(entries: ibis.Table) -> ibis.Table:
    """Return the movements after which an account is below zero.

    ``opens`` tells whether the customer's first movement takes points away.
    """
    rows = entries.select("entry_id", "customer_id", "posted_at", "amount")
    upto = _upto(rows, rows.posted_at, (rows.amount < 0).cast("int8"), rows.entry_id)
    # Few rows are left before the second window: a wide sort of all movements is what costs.
    found = held(rows.mutate(balance=rows.amount.sum().over(upto)).filter(ibis._.balance < 0))
    mine = rows.semi_join(found, "customer_id")
    order = [mine.posted_at, (mine.amount < 0).cast("int8"), mine.entry_id]
    place = ibis.row_number().over(ibis.window(group_by=mine.customer_id, order_by=order))
    first = mine.mutate(place=place).filter(ibis._.place == 0)
    first = first.select("customer_id", opens=first.amount < 0)
    below = found.select("entry_id", "customer_id").inner_join(first, "customer_id")
    return entries.inner_join(below.select("entry_id", "opens"), "entry_id")


def _upto(rows: ibis.Table, *order: ibis.Value) -> LegacyWindowBuilder:
    """Return the window of each customer's rows up to the present one."""
    return ibis.window(group_by=rows.customer_id, order_by=list(order), preceding=None, following=0)


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
    lots = lots.select("entry_id", "customer_id", "posted_on", "expires_on", "amount",
                       earned=lots.kind == "earn")  # fmt: skip
    lots = lots.left_join(sums, "entry_id").drop("entry_id_right")
    return lots.mutate(reversed=ibis.coalesce(lots.reversed, 0).cast("int64"))


def _turns(lots: ibis.Table, entries: ibis.Table, dated: bool) -> ibis.Table:
    """Return each customer's lots and days of expiry in the order in which points come due.

    ``until`` are the points of the lots so far, ``turn`` counts the days of expiry so far. This is
    the one sort of the ledger: all that becomes of a lot is read from it.
    """
    gone = entries.filter((entries.kind == "expire") & (entries.amount < 0) & ibis.literal(dated))
    days = gone.group_by("customer_id", day=gone.posted_on).agg(
        expired=(-gone.amount.sum()).cast("int64")
    )
    one = lots.rename(day="expires_on").mutate(expired=ibis.null("int64"))
    none = {c: ibis.null(one[c].type()) for c in ("entry_id", "posted_on", "earned")}
    zero = ibis.literal(0).cast("int64")
    both = one.union(days.mutate(amount=zero, reversed=zero, **none).select(one.columns))
    is_day = both.expired.notnull().cast("int8")
    upto = _upto(both, both.day.isnull(), both.day, is_day, both.posted_on, both.entry_id)
    return both.mutate(
        until=(both.amount - both.reversed).sum().over(upto).cast("int64"),
        turn=is_day.sum().over(upto).cast("int64"),
    )


def _due(turns: ibis.Table) -> ibis.Table:
    """Return each customer's days of expiry, and the points that had come due since the last.

    ``taken`` is what the day takes from the lots, ``taken_before`` what the days before took.
    """
    days = turns.filter(turns.expired.notnull())
    order = ibis.window(group_by=days.customer_id, order_by=days.turn)
    came = days.until - ibis.coalesce(days.until.lag().over(order), 0)
    days = days.select("customer_id", "expired", "until", "turn", expired_on="day", came_due=came)
    days = days.mutate(
        undue=ibis.greatest(days.expired - days.came_due, 0),
        taken=ibis.least(days.expired, days.came_due),
    )
    so_far = days.taken.sum().over(_upto(days, days.turn)).cast("int64")
    return days.mutate(taken_before=so_far - days.taken)


def spending(entries: ibis.Table, dated: bool) -> ibis.Table:
    """Return the movements that use lots in turn: neither dated expiries nor takings back."""
    by_date = (entries.kind == "expire") & ibis.literal(dated)
    return entries.filter((entries.amount < 0) & ~by_date & ~_takes_from_lot(entries))


def _followed(turns: ibis.Table, due: ibis.Table, entries: ibis.Table, dated: bool) -> ibis.Table:
    """Set expiries against the lots due, the latest first; let all else use them in turn."""
    out = spending(entries, dated)
    spent = out.group_by("customer_id").agg(spent=(-out.amount.sum()).cast("int64"))
    lots = turns.filter(turns.expired.isnull()).drop("expired").rename(expires_on="day")
    found = lots.left_join(_next_days(due), ["customer_id", "turn"])
    found = found.left_join(spent, "customer_id")
    left = found.amount - found.reversed
    taken, before, gone = (ibis.coalesce(found[c], 0) for c in ("taken", "taken_before", "spent"))
    # Of the points that the day takes, those that the lots after this one cannot give.
    reached = ibis.greatest(taken - ibis.coalesce(found.came_until - found.until, 0), 0)
    expired = ibis.least(reached, left)
    begins = found.until - left - before - reached + expired
    used = ibis.least(ibis.greatest(gone - begins, 0), left - expired)
    found = found.select(
        "entry_id", "customer_id", "earned", "posted_on", "expires_on", "amount", "reversed",
        "expired_on", expired=expired, used=used, begins=begins,
    )  # fmt: skip
    return found.mutate(open=found.amount - found.reversed - found.expired - found.used)


def _next_days(due: ibis.Table) -> ibis.Table:
    """Return what comes after each number of days of expiry: the next, or at the end none."""
    days = due.select("customer_id", "expired_on", "taken", "taken_before",
                      turn=due.turn - 1, came_until=due.until)  # fmt: skip
    last = due.group_by("customer_id").agg(
        turn=due.turn.max(), taken_before=due.taken.sum().cast("int64")
    )
    none = {c: ibis.null(days[c].type()) for c in days.columns if c not in last.columns}
    return days.union(last.mutate(**none).select(days.columns))


#: Rules by key: what is wrong, and whether it stands against the liability.
RULES = {
    "sign": ("Points of the wrong sign for their kind", True),
    "starts_in_the_middle": ("Points leave an account that was never given any", True),
    "negative": ("More points leave the account than are on it", True),
    "earned_late": ("Earned on or after the day they expire", True),
    "expired_early": ("Expired without having come due", True),
    "overdue": ("Past their day of expiry and still open", True),
    "reversal": ("Takes back a movement that is not there, another customer's, or too much", True),
    "twice": ("The same points for the same order, posted twice", False),
}

#: Broken movements that the list holds at most.
MOST_LISTED = 100_000


@dataclass(frozen=True)
class Reconciliation:
    """Whether the ledger adds up.

    Parameters
    ----------
    ledger
        The ledger in the engine.
    flows
        flow (earned, adjusted, redeemed, expired, open), entries, customers, points; the open
        points are those of the lots, so that the sum can fail.
    rules
        rule, what, counts (stands against the liability), entries, customers, points.
    breaks
        The movements behind the rules: entry_id, customer_id, posted_at, kind, points, rule;
        at most `MOST_LISTED`.
    missing
        Points by which the sum is off.
    """

    ledger: Ledger
    flows: pd.DataFrame
    rules: pd.DataFrame
    breaks: pd.DataFrame
    missing: float

    @property
    def holds(self) -> bool:
        """Whether every rule that counts holds, and the sum."""
        counted = self.rules[self.rules["counts"]]
        return bool(counted["entries"].sum() == 0 and self.missing == 0)


def reconcile(tables: Tables, *, as_of: date) -> Reconciliation:
    """Reconcile the ledger of points up to ``as_of``.

    Raises
    ------
    NotApplicable
        If the study has no points, or none before ``as_of``.
    """
    ledger = read(tables, as_of=as_of)
    if not ledger.entries.count().to_pandas():
        raise NotApplicable(f"There is no movement of points before {as_of}.")
    flows = _flows(ledger)
    signs = flows["points"].to_numpy() * [1, 1, -1, -1, -1]
    broken = _broken(ledger)
    listed = broken.order_by("rule", "customer_id", "posted_at", "entry_id").limit(MOST_LISTED)
    return Reconciliation(
        ledger, flows, _counted(broken), listed.to_pandas(), round(float(signs.sum()), 3)
    )


def _flows(ledger: Ledger) -> pd.DataFrame:
    entries, lots = ledger.entries, ledger.lots
    kinds = {"earned": "earn", "adjusted": "adjust", "redeemed": "redeem", "expired": "expire"}
    by_kind = entries.group_by("kind").agg(
        entries=entries.count(),
        customers=entries.customer_id.nunique(),
        amount=entries.amount.sum().cast("int64"),
    )
    found = by_kind.to_pandas().set_index("kind").reindex(list(kinds.values())).fillna(0)
    found.index = pd.Index(kinds)
    found.loc[["redeemed", "expired"], "amount"] *= -1
    left = lots.filter(lots.open > 0)
    still = left.aggregate(
        entries=left.count(),
        customers=left.customer_id.nunique(),
        amount=ibis.coalesce(left.open.sum(), 0).cast("int64"),
    ).to_pandas()
    still.index = pd.Index(["open"])
    rows = pd.concat([found, still]).astype("int64")
    rows["points"] = rows.pop("amount") / PARTS
    return rows.rename_axis("flow").reset_index()


def _broken(ledger: Ledger) -> ibis.Table:
    """Return the movements that break a rule, once for each."""
    entries = ledger.entries
    back = entries.reverses_entry_id.notnull()
    signs = ((entries.kind == "earn") & (entries.amount < 0)) | (
        entries.kind.isin(["redeem", "expire"]) & (entries.amount > 0)
    )
    below = overdrawn(entries)
    parts = {
        "sign": entries.filter(signs, ~back), "starts_in_the_middle": below.filter(below.opens),
        "negative": below.filter(~below.opens),
        "earned_late": entries.filter(
            entries.kind == "earn", entries.amount > 0, entries.posted_on >= entries.expires_on
        ),
        "expired_early": _expired_early(ledger), "overdue": _overdue(ledger),
        "reversal": entries.filter(back, _bad_reversal(entries)), "twice": _twice(entries),
    }  # fmt: skip
    columns = ["entry_id", "customer_id", "posted_at", "kind", "points"]
    found = [rows.select(*columns, rule=ibis.literal(rule)) for rule, rows in parts.items()]
    return ibis.union(*found)


def _bad_reversal(entries: ibis.Table) -> ibis.Value:
    """Tell what takes back nothing, another customer's, the same way, or more than there was."""
    same = entries.reverses_customer == entries.customer_id
    against = ((entries.taken_back < 0) & (entries.reverses_amount > 0)) | (
        (entries.taken_back > 0) & (entries.reverses_amount < 0)
    )
    within = entries.taken_back.abs() <= entries.reverses_amount.abs()
    return ~ibis.coalesce(same & against & within, False)


def _expired_early(ledger: Ledger) -> ibis.Table:
    due = ledger.due
    days = due.filter(due.undue > 0).select("customer_id", posted_on="expired_on")
    gone = ledger.entries.filter(ledger.entries.kind == "expire")
    return gone.semi_join(days, ["customer_id", "posted_on"])


def _overdue(ledger: Ledger) -> ibis.Table:
    lots = ledger.lots
    late = lots.filter(lots.open > 0, lots.expires_on < ibis.date(ledger.as_of.isoformat()))
    late = late.filter(late.posted_on < late.expires_on)  # else it was earned late
    return ledger.entries.semi_join(late, "entry_id")


def _twice(entries: ibis.Table) -> ibis.Table:
    earned = entries.filter(entries.kind == "earn", entries.order_id.notnull())
    same = ibis.window(
        group_by=[earned.customer_id, earned.order_id, earned.amount, earned.reason],
        order_by=[earned.posted_at, earned.entry_id],
    )
    earned = earned.mutate(again=ibis.row_number().over(same))
    return earned.filter(earned.again > 0)


def _counted(broken: ibis.Table) -> pd.DataFrame:
    found = broken.group_by("rule").agg(
        entries=broken.count(),
        customers=broken.customer_id.nunique(),
        amount=(broken.points.abs() * PARTS).round().cast("int64").sum().cast("int64"),
    )
    rows = found.to_pandas().set_index("rule").reindex(list(RULES)).fillna(0).astype("int64")
    rows["points"] = rows.pop("amount") / PARTS
    rows.insert(0, "what", [what for what, _ in RULES.values()])
    rows.insert(1, "counts", [counts for _, counts in RULES.values()])
    return rows.rename_axis("rule").reset_index()
