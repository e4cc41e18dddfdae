"""What points cost and what they must bring, and vintages: what became of the points of a month.

A month is a twelfth of a year counted back from the day of the report, so that every vintage has
been watched for whole months. Points are spent first in, first out, which is checked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from analysis.engagement.points.points_ledger import PARTS, Ledger, spending
from analysis.errors import NotApplicable
from analysis.stats.types import Floats
from analysis.tables.lines import bought, lines_in
from analysis.tables.margin import MICROS, cents
from analysis.tables.periods import Period

if TYPE_CHECKING:
    from analysis.engagement.points.points_ledger import Reconciliation
    from analysis.engagement.points.points_liability import PointCosts
    from analysis.tables.engine import Tables


@dataclass(frozen=True)
class Economics:
    """A period of the programme.

    Parameters
    ----------
    period
        The days.
    earned, redeemed
        Points.
    members
        Customers with a movement of points before the end who bought in the period.
    net, margin
        Net sales and contribution margin of all who have points, in currency.
    cost
        Of the points redeemed, to the retailer.
    promised
        Of the points earned, were all of them redeemed.
    returned_points, returned_orders, returned_cost
        Points of orders that came back and were never taken back, the orders, and the cost.
    """

    period: Period
    earned: float
    redeemed: float
    members: int
    net: float
    margin: float
    cost: float
    promised: float
    returned_points: float
    returned_orders: int
    returned_cost: float

    @property
    def break_even(self) -> float:
        """Share of members' margin that must be owed to the programme for it to pay."""
        return self.cost / self.margin if self.margin > 0 else float("nan")


def economics(
    tables: Tables, books: Reconciliation, *, costs: PointCosts, days: int = 365
) -> Economics:
    """Return what points cost in the ``days`` before the report's day, against what members bring.

    Parameters
    ----------
    tables
        A study's tables; needs order_lines and products.
    books
        The ledger; it need not reconcile for what was posted to be summed.
    costs
        What points cost.
    days
        Length of the period.
    """
    period = Period.before(books.ledger.as_of, days=days)
    earned, redeemed = _posted(books, period)
    members, net, margin = _members_sales(tables, books, period)
    if not members:
        raise NotApplicable(f"Nobody with points bought anything in {period}.")
    points, orders = _kept_on_returns(tables, books, period)
    return Economics(
        period, earned, redeemed, members, net, margin, costs.own * redeemed,
        costs.own * earned, points, orders, costs.own * points,
    )  # fmt: skip


def _posted(books: Reconciliation, period: Period) -> tuple[float, float]:
    entries = books.ledger.entries
    rows = entries.filter(entries.posted_on >= ibis.date(period.start.isoformat()))
    sums = rows.group_by("kind").agg(amount=rows.amount.sum().cast("int64")).to_pandas()
    by_kind = sums.set_index("kind")["amount"].reindex(["earn", "redeem"]).fillna(0) / PARTS
    return float(by_kind["earn"]), float(abs(by_kind["redeem"]))


def _members_sales(
    tables: Tables, books: Reconciliation, period: Period
) -> tuple[int, float, float]:
    known = books.ledger.entries.select("customer_id").distinct()
    lines = lines_in(tables, period).semi_join(known, "customer_id")
    row = lines.aggregate(
        members=lines.customer_id.nunique(where=bought(lines)),
        net=ibis.coalesce(cents(lines.net_amount).sum(), 0).cast("int64"),
        margin=ibis.coalesce(lines.margin_micros.sum(), 0).cast("int64"),
    ).to_pandas()
    first = row.iloc[0]
    return int(first["members"]), first["net"] / 100, first["margin"] / MICROS


def _kept_on_returns(tables: Tables, books: Reconciliation, period: Period) -> tuple[float, int]:
    """Return points of returned goods that were never taken back, and the orders."""
    if not tables.has("order_lines", "returned_order_id"):
        return 0.0, 0
    lines, lots = tables.order_lines, books.ledger.lots
    back = lines.filter(lines.returned_order_id.notnull())
    back = back.group_by(order_id=back.returned_order_id).agg(
        returned=(-cents(back.net_amount)).sum().cast("int64")
    )
    bought = lines.filter(lines.returned_order_id.isnull())
    bought = bought.group_by("order_id").agg(paid=cents(bought.net_amount).sum().cast("int64"))
    both = back.inner_join(bought, "order_id").filter(ibis._.paid > 0, ibis._.returned > 0)
    entries = books.ledger.entries
    earned = entries.filter(entries.posted_on >= ibis.date(str(period.start)))
    earned = earned.select("entry_id", "order_id").inner_join(both, "order_id")
    met = lots.inner_join(earned, "entry_id")
    share = ibis.least(met.returned / met.paid, 1.0)
    kept = ibis.greatest((share * met.amount).floor().cast("int64") - met.reversed, 0)
    row = met.aggregate(
        points=ibis.coalesce(kept.sum(), 0).cast("int64"), orders=met.order_id.nunique()
    ).to_pandas()
    return float(row["points"].iloc[0]) / PARTS, int(row["orders"].iloc[0])


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
        [spent.customer_id == lots.customer_id, spent.since < lots.ends, spent.until > lots.begins],
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
