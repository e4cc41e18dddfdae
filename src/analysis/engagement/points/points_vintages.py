"""Vintages of points: what was earned in a month, what became of it, and at what age.

A month is a twelfth of a year counted back from the day of the report, so that every vintage has
been watched for whole months. Points are spent first in, first out, which is checked.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd

from analysis.engagement.points.points_ledger import PARTS, Ledger, spending
from analysis.stats.types import Floats


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


#: Months of four years, and their days: months are counted in whole numbers.
_MONTHS, _DAYS = 48, 1_461


@dataclass(frozen=True)
class Vintages:
    """The vintages of a ledger, oldest first.

    Parameters
    ----------
    table
        vintage (months before the day, 0 the newest), begins_on, earned (less what was taken
        back), expired, redeemed, open, ripe (every point has come due).
    expired, used
        Points of each vintage that expired, or were used, up to each age in months; NaN where
        that lies ahead.
    """

    table: pd.DataFrame
    expired: Floats
    used: Floats

    @property
    def earned(self) -> Floats:
        """Points earned by vintage."""
        return self.table["earned"].to_numpy(float)

    def kept(self) -> pd.DataFrame:
        """Return the share of each vintage that has not expired: vintage, age, kept."""
        whole = np.where(self.earned > 0, self.earned, np.nan)[:, None]
        kept = 1 - self.expired / whole
        row, age = np.nonzero(~np.isnan(kept))
        vintage = self.table["vintage"].to_numpy()[row]
        return pd.DataFrame({"vintage": vintage, "age": age, "kept": kept[row, age]})


def fetch(ledger: Ledger) -> Vintages:
    """Return the vintages of a ledger."""
    table = _table(ledger)
    lots = ledger.lots.filter(ledger.lots.expired > 0)
    gone = lots.select("posted_on", happened_on="expired_on", points="expired")
    used = uses(ledger).select("posted_on", happened_on="used_on", points="used")
    return Vintages(table, *(_triangle(rows, ledger, len(table)) for rows in (gone, used)))


def _months_before(day: ibis.Value, ledger: Ledger) -> ibis.Value:
    """Return how many whole months lie between ``day`` and the last day looked at."""
    end = ibis.date(ledger.as_of.isoformat())
    days = end.delta(day, unit="day").cast("int64") - 1
    return ((days * _MONTHS) // _DAYS).cast("int64")


def _table(ledger: Ledger) -> pd.DataFrame:
    lots, end = ledger.lots, ibis.date(ledger.as_of.isoformat())
    rows = lots.mutate(
        vintage=_months_before(lots.posted_on, ledger),
        young=ibis.coalesce(lots.expires_on >= end, True).cast("int64"),
    )
    sums = rows.group_by("vintage").agg(
        earned=(rows.amount - rows.reversed).sum().cast("int64"),
        expired=rows.expired.sum().cast("int64"),
        redeemed=rows.used.sum().cast("int64"),
        open=rows.open.sum().cast("int64"),
        young=rows.young.sum().cast("int64"),
    )
    found = sums.to_pandas().set_index("vintage")
    every = range(int(found.index.max()), -1, -1)
    found = found.reindex(every).fillna(0).astype("int64").rename_axis("vintage").reset_index()
    for name in ("earned", "expired", "redeemed", "open"):
        found[name] = found[name] / PARTS
    began = [-(-(v + 1) * _DAYS // _MONTHS) for v in found["vintage"]]
    first = [(pd.Timestamp(ledger.as_of) - pd.Timedelta(days=days)).date() for days in began]
    found.insert(1, "begins_on", first)
    found["ripe"] = (found["young"] == 0) & (found["earned"] > 0)
    return found.drop(columns="young")


def _triangle(rows: ibis.Table, ledger: Ledger, size: int) -> Floats:
    """Return the points of each vintage up to each age, as far as it was seen."""
    months = rows.mutate(
        vintage=_months_before(rows.posted_on, ledger),
        left=_months_before(rows.happened_on, ledger),
    )
    # Used before it was earned, where an account was overdrawn: at once.
    age = ibis.greatest(months.vintage - months.left, 0)
    sums = months.group_by("vintage", age=age).agg(points=months.points.sum().cast("int64"))
    found = sums.order_by("vintage", "age").to_pandas()
    steps = np.zeros((size, size))
    steps[size - 1 - found["vintage"].to_numpy(int), found["age"].to_numpy(int)] = (
        found["points"].to_numpy(float) / PARTS
    )
    seen = np.arange(size)[None, :] <= np.arange(size)[::-1, None]
    return np.asarray(np.where(seen, np.cumsum(steps, axis=1), np.nan))
