"""Tiers: who is in them, who moves, and what share of sales each brings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.stats.proportions import wilson_interval
from analysis.stats.sizes import FEWEST_FOLLOWED
from analysis.tables.lines import bought, lines_in
from analysis.tables.margin import MICROS, cents
from analysis.tables.periods import Period

if TYPE_CHECKING:
    from analysis.tables.engine import Tables

OUTSIDE = "no tier"


@dataclass(frozen=True)
class Standing:
    """Who holds which tier.

    Parameters
    ----------
    period
        Days over which sales are counted and moves are looked at.
    tiers
        tier (lowest first, then ``no tier`` for known customers without one), customers, buyers,
        net, margin, share (of net of known customers), net_per_customer.
    moves
        before, after, customers, share (of those in ``before``), low, high: tiers on the day
        before the period and on its last; without rows where none was held that long ago.
    up, down
        Shares of those in a tier before the period who stand higher on its last day, of those below
        the highest, and lower, of those above the lowest, with the ends of their intervals; NaN
        where too few were.
    followed
        Customers in a tier on both days.
    overlapping
        Customers who hold two tiers on the last day: the later one counts.
    """

    period: Period
    tiers: pd.DataFrame
    moves: pd.DataFrame
    up: tuple[float, float, float]
    down: tuple[float, float, float]
    followed: int
    overlapping: int


def standing(tables: Tables, *, as_of: date, days: int = 365, confidence: float = 0.95) -> Standing:
    """Return who holds which tier on the day before ``as_of``, and who moved in the ``days``.

    Tiers are ranked by what they were earned by where that is known, else by what their holders
    buy.

    Raises
    ------
    NotApplicable
        If the study has no tiers, or nobody holds one.
    """
    period = Period.before(as_of, days=days)
    now, doubled = _held_on(tables, period.last_day)
    if now.empty:
        raise NotApplicable(f"Nobody holds a tier on {period.last_day}.")
    sales = _sales(tables, period)
    rows = _by_tier(now, sales)
    rank = _ranked(tables, rows)
    present = [tier for tier in (*rank, OUTSIDE) if tier in set(rows["tier"])]
    rows = rows.set_index("tier").loc[present]
    before, _ = _held_on(tables, period.start - timedelta(days=1))
    both = before.merge(now, on="customer_id", suffixes=("_before", "_after"))
    after, then = (
        np.array([rank.index(tier) for tier in both[column]], np.int64)
        for column in ("tier_after", "tier_before")
    )
    step = after - then
    return Standing(
        period, rows.reset_index(), _moves(both, rank, confidence),
        _share(int((step > 0).sum()), int((then < len(rank) - 1).sum()), confidence),
        _share(int((step < 0).sum()), int((then > 0).sum()), confidence), len(both), doubled,
    )  # fmt: skip


def _held_on(tables: Tables, day: date) -> tuple[pd.DataFrame, int]:
    """Return each customer's tier on ``day``, and how many hold more than one."""
    rows, then = tables.tiers, ibis.date(day.isoformat())
    held = rows.filter(rows.valid_from <= then, rows.valid_to.isnull() | (rows.valid_to > then))
    latest = ibis.window(group_by=held.customer_id, order_by=[held.valid_from.desc(), held.tier])
    ranked = held.mutate(place=ibis.row_number().over(latest))
    found = ranked.select("customer_id", "tier", "place").order_by("customer_id", "place")
    frame = found.to_pandas()
    first = frame[frame["place"] == 0].drop(columns="place").reset_index(drop=True)
    return first, int((frame["place"] == 1).sum())


def _sales(tables: Tables, period: Period) -> pd.DataFrame:
    lines = lines_in(tables, period)
    known = lines.filter(lines.customer_id.notnull())
    sums = known.group_by("customer_id").agg(
        net=cents(known.net_amount).sum().cast("int64"),
        margin=known.margin_micros.sum().cast("int64"),
        buyers=bought(known).any(),  # who only returned goods is none
    )
    frame = sums.order_by("customer_id").to_pandas()
    return frame.assign(net=frame["net"] / 100, margin=frame["margin"] / MICROS)


def _by_tier(now: pd.DataFrame, sales: pd.DataFrame) -> pd.DataFrame:
    both = now.merge(sales, on="customer_id", how="outer")
    both["buyers"] = both["buyers"].eq(True)
    both["tier"] = both["tier"].astype(object).where(both["tier"].notna(), OUTSIDE)
    rows = both.groupby("tier", as_index=False).agg(
        customers=("customer_id", "size"), buyers=("buyers", "sum"),
        net=("net", "sum"), margin=("margin", "sum"),
    )  # fmt: skip
    rows["share"] = rows["net"] / rows["net"].sum() if rows["net"].sum() > 0 else np.nan
    return rows.assign(net_per_customer=rows["net"] / rows["customers"])


def _ranked(tables: Tables, rows: pd.DataFrame) -> list[str]:
    """Return every tier that was ever held, the lowest first."""
    every = tables.tiers
    names = sorted(every.select("tier").distinct().to_pandas()["tier"])
    worth = dict(zip(rows["tier"], rows["net_per_customer"], strict=True))
    earned: dict[str, float] = {}
    if tables.has("tiers", "qualifying_amount"):
        amounts = every.group_by("tier").agg(least=every.qualifying_amount.min().cast("float64"))
        frame = amounts.to_pandas().dropna()
        earned = dict(zip(frame["tier"], frame["least"], strict=True))
    known = [(earned.get(n, 0.0) if earned else worth.get(n, 0.0), n) for n in names]
    return [name for _, name in sorted(known)]


def _moves(both: pd.DataFrame, rank: list[str], confidence: float) -> pd.DataFrame:
    counts = both.groupby(["tier_before", "tier_after"]).size().rename("customers").reset_index()
    counts.columns = pd.Index(["before", "after", "customers"])
    whole = counts.groupby("before")["customers"].transform("sum")
    low, high = wilson_interval(counts["customers"], whole, confidence=confidence)
    counts = counts.assign(share=counts["customers"] / whole, low=low, high=high)
    kept = counts[whole >= FEWEST_FOLLOWED]
    order = kept["before"].map(rank.index) * len(rank) + kept["after"].map(rank.index)
    return (
        kept.assign(order=order).sort_values("order").drop(columns="order").reset_index(drop=True)
    )


def _share(hits: int, of: int, confidence: float) -> tuple[float, float, float]:
    if of < FEWEST_FOLLOWED:
        return float("nan"), float("nan"), float("nan")
    low, high = wilson_interval(hits, of, confidence=confidence)
    return hits / of, float(low[0]), float(high[0])
