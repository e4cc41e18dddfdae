"""Vintages of points: what was earned in a month, what became of it, and at what age.

A month is a twelfth of a year counted back from the day of the report, so that every vintage has
been watched for whole months.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd

from analysis.engagement.points import first_in_first_out
from analysis.engagement.points.points_ledger import PARTS, Ledger
from analysis.stats.types import Floats

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
    uses = first_in_first_out.uses(ledger)
    used = uses.select("posted_on", happened_on="used_on", points="used")
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
