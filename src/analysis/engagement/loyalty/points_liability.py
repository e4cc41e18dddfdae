"""What open points will cost: breakage by vintage, the liability, each with its interval.

A vintage is what was earned in one month, counted back from the day of the report. How much of it
is lost to expiry is read from the expiries themselves, each set against the lots that had come
due: that needs no guess which points a redemption used. The triangle of points not lost, by
vintage and age, is projected by the chain ladder; young vintages, whose points cannot have expired
yet, are censored and get what the ripe ones say.

Mack's error takes vintages for independent. They are not where the same customers let their points
expire month after month, so the error of the total is at least that of customers as wholes.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd

from analysis.engagement.loyalty.chain_ladder import Projection, project
from analysis.engagement.loyalty.ledger_checks import Reconciliation
from analysis.engagement.loyalty.points_ledger import PARTS, Ledger
from analysis.errors import NotApplicable
from analysis.stats.multiplicity import normal_quantile, student_quantile
from analysis.stats.sizes import FEWEST_VINTAGES
from analysis.stats.types import Floats

#: Months of a year, in days of four years, so that buckets of days are whole-number arithmetic.
_MONTHS, _DAYS = 48, 1_461


@dataclass(frozen=True)
class PointCosts:
    """What points cost.

    Parameters
    ----------
    redeemed
        Cost of one redeemed point to the retailer, in currency.
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
        vintage (months before the day), begins_on, earned, expired, to_expire, breakage, low,
        high, redeemed, owed (points), owed_cost, ripe (every point has come due).
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
    drifts
        Breakage rose or fell over the ripe vintages (p below 0.01): the chain ladder, which takes
        the younger for like the older, then does not hold.
    triangle
        Share of each vintage not lost, by age in months: vintage, age, kept.
    """

    vintages: pd.DataFrame
    open_points: float
    owed: Ranged
    cost: Ranged
    breakage: Ranged
    ripe: int
    drifts: bool
    triangle: pd.DataFrame


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
    vintages, triangle = _vintages(books.ledger), _triangle(books.ledger)
    ripe = int(vintages["ripe"].sum())
    if ripe < FEWEST_VINTAGES:
        raise NotApplicable(
            f"No breakage is told: {ripe} months of points have come due, {FEWEST_VINTAGES} are "
            "needed, so every open point may still be redeemed."
        )
    together = _customers_error(books.ledger)
    return _assembled(vintages, triangle, together, costs or PointCosts(), confidence)


def _month(days: ibis.Value) -> ibis.Value:
    """Return how many twelfths of a year lie in ``days``, whole ones."""
    return ((days * _MONTHS) // _DAYS).cast("int64")


def _months_before(day: ibis.Value, ledger: Ledger) -> ibis.Value:
    end = ibis.date(ledger.as_of.isoformat())
    return _month(end.delta(day, unit="day").cast("int64") - 1)


def _vintages(ledger: Ledger) -> pd.DataFrame:
    """Return the points of each vintage, oldest first; one without points has a row of zeros."""
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
    found["begins_on"] = [
        (pd.Timestamp(ledger.as_of) - pd.Timedelta(days=days)).date() for days in began
    ]
    found["ripe"] = (found["young"] == 0) & (found["earned"] > 0)
    return found.drop(columns="young")


def _triangle(ledger: Ledger) -> Floats:
    """Return the points of each vintage that expired at each age, as far as it was seen."""
    lots = ledger.lots.filter(ledger.lots.expired > 0)
    rows = lots.mutate(
        vintage=_months_before(lots.posted_on, ledger),
        left=_months_before(lots.expired_on, ledger),
    )
    sums = rows.group_by("vintage", age=rows.vintage - rows.left).agg(
        expired=rows.expired.sum().cast("int64")
    )
    found = sums.order_by("vintage", "age").to_pandas()
    size = int(_months_before(ledger.lots.posted_on, ledger).max().to_pandas()) + 1
    lost = np.zeros((size, size))
    lost[size - 1 - found["vintage"].to_numpy(int), found["age"].to_numpy(int)] = (
        found["expired"].to_numpy(float) / PARTS
    )
    seen = np.arange(size)[None, :] <= np.arange(size)[::-1, None]
    return np.asarray(np.where(seen, lost, np.nan))


def _kept(vintages: pd.DataFrame, lost: Floats) -> Floats:
    """Return the triangle of points not lost so far."""
    return np.asarray(vintages["earned"].to_numpy(float)[:, None] - np.cumsum(lost, axis=1))


def _long(vintages: pd.DataFrame, lost: Floats) -> pd.DataFrame:
    earned = vintages["earned"].to_numpy(float)
    kept = _kept(vintages, lost) / np.where(earned > 0, earned, np.nan)[:, None]
    row, age = np.nonzero(~np.isnan(kept))
    return pd.DataFrame(
        {"vintage": vintages["vintage"].to_numpy()[row], "age": age, "kept": kept[row, age]}
    )


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
        young=((left * (1 - due)).sum() / PARTS).round().cast("int64"),
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


def _assembled(
    vintages: pd.DataFrame, lost: Floats, together: float, costs: PointCosts, confidence: float
) -> Liability:
    z, projected = normal_quantile(confidence), project(_kept(vintages, lost))
    rows = _with_breakage(vintages, projected, z)
    rows = rows.assign(owed=_first_in_first_out(projected.ultimate, rows["redeemed"].sum()))
    rows["redeemed"] = projected.ultimate - rows["owed"]
    rows["owed_cost"] = rows["owed"] * costs.own
    most = float(vintages["open"].sum())
    total, reach = float(rows["owed"].sum()), z * max(projected.total_error, together)
    owed = Ranged(total, max(total - reach, 0.0), min(total + reach, most))
    return Liability(
        vintages=rows.drop(columns="open"),
        open_points=most,
        owed=owed,
        cost=owed.times(costs.own),
        breakage=_ripe_breakage(rows, z),
        ripe=int(rows["ripe"].sum()),
        drifts=_drifts(rows),
        triangle=_long(vintages, lost),
    )


def _with_breakage(vintages: pd.DataFrame, projected: Projection, z: float) -> pd.DataFrame:
    earned = vintages["earned"].to_numpy(float)
    whole = np.where(earned > 0, earned, np.nan)
    lost = 1 - projected.ultimate / whole
    reach = z * projected.error / whole
    return vintages.assign(
        to_expire=projected.latest - projected.ultimate,
        breakage=lost,
        low=np.clip(lost - reach, 0, 1),
        high=np.clip(lost + reach, 0, 1),
    )


def _first_in_first_out(ultimate: Floats, redeemed: float) -> Floats:
    """Return what each vintage is still to pay: redemptions are set against the oldest first."""
    before = np.cumsum(ultimate) - ultimate
    return np.asarray(ultimate - np.clip(redeemed - before, 0, ultimate))


def _ripe_breakage(rows: pd.DataFrame, z: float) -> Ranged:
    """Return the breakage of all ripe vintages together, its error from how they differ."""
    ripe = rows[rows["ripe"]]
    earned, lost = ripe["earned"].to_numpy(float), ripe["expired"].to_numpy(float)
    share = lost.sum() / earned.sum()
    spread = (earned * (lost / earned - share) ** 2).sum() / (len(ripe) - 1)
    reach = z * float(np.sqrt(spread / earned.sum()))
    return Ranged(float(share), max(share - reach, 0.0), min(share + reach, 1.0))


def _drifts(rows: pd.DataFrame) -> bool:
    """Tell whether breakage rose or fell with the age of ripe vintages, weighted by points."""
    ripe = rows[rows["ripe"]]
    weight = ripe["earned"].to_numpy(float)
    share = (ripe["expired"] / ripe["earned"]).to_numpy(float)
    time = ripe["vintage"].to_numpy(float)
    centred = time - np.average(time, weights=weight)
    slope = (weight * centred * share).sum() / (weight * centred**2).sum()
    rest = share - np.average(share, weights=weight) - slope * centred
    free = len(ripe) - 2
    error = np.sqrt((weight * rest**2).sum() / free / (weight * centred**2).sum())
    return bool(abs(slope) > float(student_quantile(0.99, free)) * error)
