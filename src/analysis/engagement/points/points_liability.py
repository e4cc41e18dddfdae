"""What open points will cost: breakage by vintage, the liability, each with its interval.

How much of a vintage is lost is read from the expiries themselves, each set against the lots that
had come due, and projected by the chain ladder; young vintages, whose points cannot have expired
yet, are censored and get what the ripe ones say. That needs no guess which points a redemption
used. Where the ledger spends first in, first out, a vintage that has been used up cannot expire
any more: there the triangle of points used is projected too, and each vintage gets the estimate
with the smaller error.

Mack's error takes vintages for independent. They are not where the same customers let their points
expire month after month, so the error of the total is at least that of customers as wholes.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd

from analysis.engagement.points import points_economics
from analysis.engagement.points.chain_ladder import project
from analysis.engagement.points.points_economics import Vintages
from analysis.engagement.points.points_ledger import PARTS, Ledger, Reconciliation
from analysis.errors import NotApplicable
from analysis.stats.multiplicity import student_quantile
from analysis.stats.sizes import FEWEST_VINTAGES
from analysis.stats.types import Flags, Floats

#: Months of expiries that tell what the open vintages will lose: a year, with its seasons.
RECENT = 12

#: Share of expired points up to which a ledger counts as spent first in, first out.
IN_TURN = 0.01


@dataclass(frozen=True)
class PointCosts:
    """What points cost.

    Parameters
    ----------
    redeemed
        Cost of one redeemed point, in currency.
    funded
        Share of that cost which others (brands, partners) pay.
    """

    redeemed: float = 0.01
    funded: float = 0.0

    @property
    def own(self) -> float:
        """What a redeemed point costs the retailer itself."""
        return self.redeemed * (1 - self.funded)


@dataclass(frozen=True)
class Ranged:
    """An estimate and the ends of its interval."""

    value: float
    low: float
    high: float

    def times(self, factor: float) -> Ranged:
        """Return the estimate in another unit."""
        return Ranged(factor * self.value, factor * self.low, factor * self.high)


@dataclass(frozen=True)
class Liability:
    """What is owed, and by how much breakage lowers it.

    Parameters
    ----------
    vintages
        The columns of ``Vintages.table`` but open, and: to_expire, owed (points still to be
        redeemed), owed_cost, breakage, low, high.
    open_points
        Points open by the ledger.
    owed
        Points expected to be redeemed, all vintages together.
    cost
        The same in currency.
    breakage
        Share of the points of ripe vintages that expired, and what others like them may show.
    ripe
        Number of ripe vintages.
    in_turn
        The ledger spends first in, first out.
    out_of_turn
        Points that expired although spending in turn would have used them.
    drifts
        Breakage rose or fell over the ripe vintages (p below 0.01): the chain ladder, which takes
        the younger for like the older, then does not hold.
    kept
        Share of each vintage not expired, by age in months: vintage, age, kept.
    """

    vintages: pd.DataFrame
    open_points: float
    owed: Ranged
    cost: Ranged
    breakage: Ranged
    ripe: int
    in_turn: bool
    out_of_turn: float
    drifts: bool
    kept: pd.DataFrame


@dataclass(frozen=True)
class _Owed:
    """Points still to be redeemed by vintage, errors of the ultimates, error of the total."""

    ultimate: Floats
    owed: Floats
    error: Floats
    total_error: float


def liability(
    books: Reconciliation, *, costs: PointCosts | None = None, confidence: float = 0.95
) -> Liability:
    """Return what open points are expected to cost.

    Parameters
    ----------
    books
        The reconciled ledger.
    costs
        What points cost; one cent each by default.
    confidence
        Of the intervals.

    Raises
    ------
    NotApplicable
        If the ledger does not reconcile, states no days of expiry, or is too young to have
        shown what expires.
    """
    vintages = _vintages(books)
    early, expired = points_economics.out_of_turn(books.ledger)
    in_turn = early <= IN_TURN * expired
    found = _either(vintages) if in_turn else _by_expiry(vintages)
    # The variances come from so many months at most: with a normal quantile the intervals of test
    # schemes held what was then redeemed in 34 of 40 cases instead of 36.
    months = min(int(vintages.table["ripe"].sum()), RECENT)
    z, own = float(student_quantile(confidence, months - 1)), (costs or PointCosts()).own
    rows = _with_breakage(vintages, found, z)
    most = float(vintages.table["open"].sum())
    total = float(rows["owed"].sum())
    reach = z * max(found.total_error, _customers_error(books.ledger))
    owed = Ranged(total, max(total - reach, 0.0), min(total + reach, most))
    return Liability(
        vintages=rows.drop(columns="open").assign(owed_cost=own * rows["owed"]),
        open_points=most,
        owed=owed,
        cost=owed.times(own),
        breakage=_ripe_breakage(rows, z),
        ripe=int(rows["ripe"].sum()),
        in_turn=in_turn,
        out_of_turn=early / PARTS,
        drifts=_drifts(rows),
        kept=vintages.kept(),
    )


def _vintages(books: Reconciliation) -> Vintages:
    """Return the vintages of books that can tell breakage; NotApplicable of others."""
    if not books.holds:
        raise NotApplicable(
            "No liability is given: the ledger of points does not reconcile, and what is owed "
            "cannot be read from books that do not add up."
        )
    if not books.ledger.dated:
        raise NotApplicable(
            "No breakage is told: no movement states when its points expire, so every open "
            "point may still be redeemed."
        )
    vintages = points_economics.fetch(books.ledger)
    ripe = int(vintages.table["ripe"].sum())
    if ripe < FEWEST_VINTAGES:
        raise NotApplicable(
            f"No breakage is told: {ripe} months of points have come due, {FEWEST_VINTAGES} are "
            "needed, so every open point may still be redeemed."
        )
    return vintages


def _by_expiry(vintages: Vintages) -> _Owed:
    """Project what is not lost; redemptions are set against the oldest vintages first."""
    kept = project(vintages.earned[:, None] - vintages.expired, recent=RECENT)
    redeemed, before = vintages.table["redeemed"].sum(), np.cumsum(kept.ultimate) - kept.ultimate
    owed = kept.ultimate - np.clip(redeemed - before, 0, kept.ultimate)
    return _Owed(kept.ultimate, owed, kept.error, kept.total_error())


def _either(vintages: Vintages) -> _Owed:
    """Project what is not lost, and what is used; each vintage takes what has less error.

    The errors of the two groups are added, as if they went together.
    """
    kept = project(vintages.earned[:, None] - vintages.expired, recent=RECENT)
    used = project(vintages.used, recent=RECENT)
    by_use = (used.latest > 0) & (used.error < kept.error)
    table = vintages.table
    ultimate = np.where(by_use, used.ultimate, kept.ultimate)
    owed = np.clip(ultimate - table["redeemed"], 0, table["open"]).to_numpy(float)
    total = used.total_error(by_use) + kept.total_error(~by_use)
    return _Owed(
        table["redeemed"].to_numpy(float) + owed, owed,
        np.where(by_use, used.error, kept.error), total,
    )  # fmt: skip


def _customers_error(ledger: Ledger) -> float:
    """Return the error of the points to expire where each customer's months go together.

    What a customer's ripe points lost beyond the common share is taken for what the open ones
    may: once for the chance ahead, once for the share's own error. Squares are of whole points,
    so that their sums are exact.
    """
    lots, end = ledger.lots, ibis.date(ledger.as_of.isoformat())
    dated = lots.filter(lots.expires_on.notnull())
    due = (dated.expires_on < end).cast("int64")
    left = dated.amount - dated.reversed
    sums = dated.group_by("customer_id").agg(
        ripe=((left * due).sum() / PARTS).round().cast("int64"),
        lost=((dated.expired * due).sum() / PARTS).round().cast("int64"),
        # What is used cannot expire any more.
        young=((dated.open * (1 - due)).sum() / PARTS).round().cast("int64"),
    )
    names = {"ripe": sums.ripe, "lost": sums.lost, "young": sums.young}
    pairs = [("ripe", "ripe"), ("ripe", "lost"), ("lost", "lost"), ("young", "young")]
    found = sums.aggregate(
        **{name: column.sum().cast("float64") for name, column in names.items()},
        **{f"{a}_{b}": (names[a] * names[b]).sum().cast("float64") for a, b in pairs},
    ).to_pandas()
    row = found.iloc[0]
    share = row["lost"] / row["ripe"]
    squares = row["lost_lost"] - 2 * share * row["ripe_lost"] + share**2 * row["ripe_ripe"]
    ahead = row["young_young"] / row["ripe_ripe"] + (row["young"] / row["ripe"]) ** 2
    return float(np.sqrt(squares * ahead))


def _with_breakage(vintages: Vintages, found: _Owed, z: float) -> pd.DataFrame:
    earned = vintages.earned
    whole = np.where(earned > 0, earned, np.nan)
    lost, reach = 1 - found.ultimate / whole, z * found.error / whole
    expired = vintages.table["expired"].to_numpy(float)
    return vintages.table.assign(
        redeemed=found.ultimate - found.owed,
        to_expire=earned - found.ultimate - expired,
        owed=found.owed,
        breakage=lost,
        # Where all has come due nothing is estimated.
        low=np.where(vintages.table["ripe"], np.nan, np.clip(lost - reach, 0, 1)),
        high=np.where(vintages.table["ripe"], np.nan, np.clip(lost + reach, 0, 1)),
    )


def _ripe(rows: pd.DataFrame) -> tuple[Floats, Floats, Floats]:
    """Return points, breakage and age of the ripe vintages."""
    ripe: Flags = rows["ripe"].to_numpy(bool)
    earned, lost, age = (rows[c].to_numpy(float)[ripe] for c in ("earned", "expired", "vintage"))
    return earned, lost / earned, age


def _ripe_breakage(rows: pd.DataFrame, z: float) -> Ranged:
    """Return the breakage of all ripe vintages together, its error from how they differ."""
    earned, lost, _ = _ripe(rows)
    share = float(np.average(lost, weights=earned))
    spread = (earned * (lost - share) ** 2).sum() / (len(lost) - 1)
    reach = z * float(np.sqrt(spread / earned.sum()))
    return Ranged(share, max(share - reach, 0.0), min(share + reach, 1.0))


def _drifts(rows: pd.DataFrame) -> bool:
    """Tell whether breakage rose or fell with the age of ripe vintages, weighted by points."""
    weight, lost, age = _ripe(rows)
    centred = age - np.average(age, weights=weight)
    squares = (weight * centred**2).sum()
    slope = (weight * centred * lost).sum() / squares
    rest = lost - np.average(lost, weights=weight) - slope * centred
    free = len(lost) - 2
    error = np.sqrt((weight * rest**2).sum() / free / squares)
    return bool(abs(slope) > float(student_quantile(0.99, free)) * error)
