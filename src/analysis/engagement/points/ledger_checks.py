"""Whether the ledger of points reconciles: earned + adjusted = redeemed + expired + open.

Any rule that a movement breaks is told with the movements behind it. A ledger in which a rule
that counts is broken has no liability: what is owed cannot be read from books that do not add up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import ibis
import pandas as pd

from analysis.engagement.points import points_ledger
from analysis.engagement.points.points_ledger import PARTS, Ledger
from analysis.errors import NotApplicable

if TYPE_CHECKING:
    from datetime import date

    from analysis.tables.engine import Tables

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
    ledger = points_ledger.read(tables, as_of=as_of)
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
    below = points_ledger.overdrawn(entries)
    parts = {
        "sign": entries.filter(signs, ~back),
        "starts_in_the_middle": below.filter(below.opens),
        "negative": below.filter(~below.opens),
        "earned_late": entries.filter(
            entries.kind == "earn", entries.amount > 0, entries.posted_on >= entries.expires_on
        ),
        "expired_early": _expired_early(ledger),
        "overdue": _overdue(ledger),
        "reversal": entries.filter(back, _bad_reversal(entries)),
        "twice": _twice(entries),
    }
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
