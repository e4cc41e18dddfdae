"""What points cost and what they must bring: the programme's cost against members' margin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import ibis

from analysis.engagement.points.points_ledger import PARTS
from analysis.errors import NotApplicable
from analysis.tables.lines import lines_in
from analysis.tables.margin import MICROS, cents
from analysis.tables.periods import Period

if TYPE_CHECKING:
    from analysis.engagement.points.ledger_checks import Reconciliation
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
        members=lines.customer_id.nunique(),
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
