"""Control totals: what was read, to be held against the till before any report is believed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import ibis
import pandas as pd

from analysis.quality.questions import questions
from analysis.tables.engine import Tables
from analysis.tables.lines import is_order
from analysis.tables.margin import cents

#: Orders shown.
LARGEST = 10


@dataclass(frozen=True)
class ControlTotals:
    """What the order lines of a study add up to, before and after its report date.

    Parameters
    ----------
    lines, orders, returns, customers, products
        Order lines; orders (with at least one line bought); orders of nothing but returns;
        customers who bought; products.
    guest_lines
        Lines without a customer.
    first_day, last_day
        The first and the last day with a line; None if there is none.
    days
        Days with a line.
    net_amount
        Net amount of all lines, in the study's currency.
    by_month
        month (first day), orders, lines, net_amount.
    largest
        The orders worth most: order_id, day, customer_id, lines, net_amount.
    questions
        What only the shop can answer, in sentences.
    """

    lines: int
    orders: int
    returns: int
    customers: int
    products: int
    guest_lines: int
    first_day: date | None
    last_day: date | None
    days: int
    net_amount: float
    by_month: pd.DataFrame
    largest: pd.DataFrame
    questions: tuple[str, ...] = field(default=())


def control_totals(tables: Tables) -> ControlTotals:
    """Add up all order lines of a study, those on or after its report date included.

    Raises
    ------
    NotApplicable
        If the study has no order lines.
    """
    lines = tables.order_lines
    orders = _orders(lines)
    sums = lines.agg(
        lines=lines.count(),
        products=lines.product_id.nunique(),
        guest_lines=lines.customer_id.isnull().sum(),
        first=lines.ordered_at.min(),
        last=lines.ordered_at.max(),
        days=lines.ordered_at.date().nunique(),
        net=cents(lines.net_amount).sum(),
    )
    (found,) = sums.to_pyarrow().to_pylist()
    bought = orders.agg(
        orders=orders.purchase.sum(),
        returns=(~orders.purchase).sum(),
        customers=orders.customer_id.nunique(where=orders.purchase),
    )
    (counted,) = bought.to_pyarrow().to_pylist()
    return ControlTotals(
        lines=int(found["lines"]),
        **{name: int(counted[name] or 0) for name in ("orders", "returns", "customers")},
        **{name: int(found[name] or 0) for name in ("products", "guest_lines", "days")},
        first_day=found["first"].date() if found["first"] else None,
        last_day=found["last"].date() if found["last"] else None,
        net_amount=int(found["net"] or 0) / 100,
        by_month=_by_month(orders),
        largest=_largest(orders),
        questions=questions(orders),
    )


def _orders(lines: ibis.Table) -> ibis.Table:
    """Return one row an order; it is a purchase if a line of it was bought, as everywhere."""
    return lines.group_by("order_id").agg(
        customer_id=lines.customer_id.min(),
        lines=lines.count(),
        net=cents(lines.net_amount).sum(),
        first=lines.ordered_at.min(),
        last=lines.ordered_at.max(),
        purchase=is_order(lines),
    )


def _by_month(orders: ibis.Table) -> pd.DataFrame:
    months = orders.group_by(month=orders["first"].truncate("M")).agg(
        orders=orders.purchase.sum(), lines=orders.lines.sum(), net=orders.net.sum()
    )
    return _in_currency(months.order_by("month").to_pandas())


def _largest(orders: ibis.Table) -> pd.DataFrame:
    top = orders.order_by([ibis.desc("net"), "order_id"]).limit(LARGEST)
    shown = top.select("order_id", "customer_id", "lines", "net", day=top["first"].date())
    return _in_currency(shown.to_pandas())


def _in_currency(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(net_amount=frame["net"].astype("float64") / 100).drop(columns="net")
