"""Occasions to write to single customers: points expiring, near the next tier, birthday ahead.

A list to choose from, not a plan: who may be written to, and whether it pays, is decided where
lists are made.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from analysis.engagement.loyalty.tier_thresholds import qualifying_years, read_thresholds
from analysis.engagement.points.points_ledger import PARTS
from analysis.errors import NotApplicable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analysis.engagement.points.ledger_checks import Reconciliation
    from analysis.tables.engine import Tables

COLUMNS = ["customer_id", "occasion", "due_on", "value", "reason"]


def care_occasions(
    tables: Tables,
    books: Reconciliation,
    *,
    point_value: float,
    amounts: Mapping[str, float] | None = None,
    days: int = 30,
    near: float = 0.15,
) -> pd.DataFrame:
    """Return who has an occasion in the next ``days``.

    Parameters
    ----------
    tables
        A study's tables.
    books
        The ledger. Points expiring are told only where it reconciles.
    point_value
        What a point is worth to the customer, in currency.
    amounts
        Points that each tier needs; None reads them from the tiers.
    days
        Days ahead.
    near
        Share of the threshold within which a customer counts as near it.

    Returns
    -------
    pandas.DataFrame
        customer_id, occasion, due_on, value (currency: of the points that expire; of the purchases
        still missing to the tier, at one unit a point; missing for birthdays), reason. Sorted by
        customer, day and occasion.
    """
    as_of = books.ledger.as_of
    parts = [
        _expiring(books, point_value, days) if books.holds else None,
        _near_tier(tables, books, amounts, near),
        _birthdays(tables, as_of, days),
    ]
    found = [part for part in parts if part is not None and len(part)]
    if not found:
        return pd.DataFrame(columns=COLUMNS)
    every = pd.concat(found, ignore_index=True)[COLUMNS]
    return every.sort_values(["customer_id", "due_on", "occasion"]).reset_index(drop=True)


def _expiring(books: Reconciliation, point_value: float, days: int) -> pd.DataFrame:
    lots, as_of = books.ledger.lots, books.ledger.as_of
    last = as_of + timedelta(days=days)
    soon = lots.filter(
        lots.open > 0,
        lots.expires_on >= ibis.date(as_of.isoformat()),
        lots.expires_on < ibis.date(last.isoformat()),
    )
    sums = soon.group_by("customer_id").agg(
        amount=soon.open.sum().cast("int64"), due_on=soon.expires_on.min()
    )
    frame = sums.order_by("customer_id").to_pandas()
    points = frame["amount"] / PARTS
    return pd.DataFrame(
        {
            "customer_id": frame["customer_id"],
            "occasion": "points expiring",
            "due_on": pd.to_datetime(frame["due_on"]).dt.date,
            "value": (points * point_value).round(2),
            "reason": [f"{p:,.0f} points expire by {last - timedelta(days=1)}" for p in points],
        }
    )


def _near_tier(
    tables: Tables, books: Reconciliation, amounts: Mapping[str, float] | None, near: float
) -> pd.DataFrame | None:
    """Return who is short of the next tier by little in the year that runs."""
    as_of = books.ledger.as_of
    try:
        begins, ends = qualifying_years(tables, as_of=as_of)[-1]
    except NotApplicable:
        return None
    start, until = ends, ends + (ends - begins)
    levels = sorted((v, k) for k, v in (amounts or read_thresholds(tables)).items())
    lots = books.ledger.lots
    mine = lots.filter(lots.earned, lots.posted_on >= ibis.date(start.isoformat()))
    sums = mine.group_by("customer_id").agg(
        amount=(mine.amount - mine.reversed).sum().cast("int64")
    )
    frame = sums.order_by("customer_id").to_pandas()
    points, rows = frame["amount"].to_numpy(float) / PARTS, []
    for level, tier in levels:
        close = (points >= (1 - near) * level) & (points < level)
        missing = level - points[close]
        rows.append(pd.DataFrame({
            "customer_id": frame["customer_id"].to_numpy()[close],
            "occasion": "near tier",
            "due_on": until - timedelta(days=1),
            "value": np.round(missing, 2),
            "reason": [f"{m:,.0f} points short of {tier}" for m in missing],
        }))  # fmt: skip
    return pd.concat(rows, ignore_index=True) if rows else None


def _birthdays(tables: Tables, as_of: date, days: int) -> pd.DataFrame | None:
    if not tables.has("customers", "birth_date"):
        return None
    rows = tables.customers
    born = rows.filter(rows.birth_date.notnull()).select(
        "customer_id", month=rows.birth_date.month(), day=rows.birth_date.day()
    )
    ahead = [as_of + timedelta(days=d) for d in range(days)]
    soon = {(d.month, d.day): d for d in reversed(ahead)}
    if (3, 1) in soon and (2, 29) not in soon:
        soon[2, 29] = soon[3, 1]
    frame = born.order_by("customer_id").to_pandas()
    keys = list(zip(frame["month"].astype(int), frame["day"].astype(int), strict=True))
    due = [soon.get(key) if key != (1, 1) else None for key in keys]
    kept = frame.assign(due_on=due)
    kept = kept[kept["due_on"].notna()]
    return pd.DataFrame({
        "customer_id": kept["customer_id"], "occasion": "birthday", "due_on": kept["due_on"],
        "value": np.nan, "reason": "birthday",
    })  # fmt: skip
