"""Marginals of a shop's sales: how concentrated, how large, how often, how popular."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import ibis
import numpy as np

from analysis.tables.lines import in_period

if TYPE_CHECKING:
    from analysis.tables.engine import Tables
    from analysis.tables.periods import Period

QUANTILES = (0.10, 0.25, 0.50, 0.75, 0.90, 0.99)
TOPS = (0.01, 0.05, 0.10, 0.20, 0.50)

Marginals = dict[str, dict[str, float]]


def marginals(tables: Tables, period: Period) -> Marginals:
    """Return the marginals of a study's sales in ``period``.

    Parameters
    ----------
    tables
        A study's tables; needs order_lines and products.
    period
        The days looked at.

    Returns
    -------
    dict
        Topic to measure to value. Topics: ``spend`` (share of net by the largest share of
        customers), ``products`` and ``categories`` (the same of products and categories),
        ``lines``, ``value`` and ``gap`` (quantiles over the median of lines an order, net an
        order, and days between a customer's orders), ``level`` (medians and rates).
    """
    lines = in_period(tables.order_lines, period)
    bought = lines.filter(lines.quantity >= 0).mutate(net=_currency)
    known = bought.filter(bought.customer_id.notnull())
    orders = _orders(bought).cache()
    gaps = _gaps(_orders(known)).cache()
    hierarchy = tables.products.select("product_id", "category")
    sold = bought.inner_join(hierarchy, "product_id")
    sold = sold.filter(sold.category.notnull())
    return {
        "spend": _shares(known.group_by("customer_id").agg(net=known.net.sum())),
        "categories": _shares(sold.group_by("category").agg(net=sold.net.sum())),
        "products": _shares(bought.group_by("product_id").agg(net=bought.net.sum())),
        "lines": _spread(orders, orders.lines),
        "value": _spread(orders.filter(orders.net > 0), lambda rows: rows.net),
        "gap": _spread(gaps.filter(gaps.gap > 0), lambda rows: rows.gap),
        "level": _levels(tables, lines, orders, gaps),
    }


def _currency(rows: ibis.Table) -> ibis.Value:
    return rows.net_amount.cast("float64")


def _orders(lines: ibis.Table) -> ibis.Table:
    return lines.group_by("order_id").agg(
        customer_id=lines.customer_id.min(),
        moment=lines.ordered_at.min(),
        lines=lines.count().cast("float64"),
        net=lines.net.sum(),
    )


def _gaps(orders: ibis.Table) -> ibis.Table:
    """Return days from each order of a customer to the next."""
    by_customer = ibis.window(group_by="customer_id", order_by=["moment", "order_id"])
    seconds = orders.moment.epoch_seconds()
    gap = (seconds - seconds.lag().over(by_customer)).cast("float64") / 86_400
    found = orders.select(gap=gap)
    return found.filter(found.gap.notnull())


def _shares(totals: ibis.Table) -> dict[str, float]:
    """Return the share of the total that the largest share of the rows brings."""
    net = np.sort(totals.net.to_pandas().to_numpy(float))[::-1]
    reached = np.cumsum(net) / net.sum()
    return {f"top {100 * top:g} %": float(reached[_place(top, net)]) for top in TOPS}


def _place(top: float, values: np.ndarray) -> int:
    return max(1, round(top * len(values))) - 1


def _spread(
    rows: ibis.Table, value: ibis.Value | Callable[[ibis.Table], ibis.Value]
) -> dict[str, float]:
    column = value(rows) if callable(value) else value
    found = rows.agg(
        **{f"q{i}": column.quantile(q) for i, q in enumerate(QUANTILES)}, mean=column.mean()
    )
    row = found.to_pandas().iloc[0]
    middle = row[f"q{QUANTILES.index(0.5)}"]
    quantiles = {
        f"{100 * q:g} % quantile": float(row[f"q{i}"] / middle) for i, q in enumerate(QUANTILES)
    }
    return {**quantiles, "mean": float(row["mean"] / middle)}


def _levels(
    tables: Tables, lines: ibis.Table, orders: ibis.Table, gaps: ibis.Table
) -> dict[str, float]:
    customers = lines.customer_id.nunique().to_pandas()
    known = orders.customer_id.notnull().cast("float64").sum()
    row = (
        orders.agg(
            orders=known,
            lines=orders.lines.median(),
            net=orders.net.median(),
            weekend=(orders.moment.day_of_week.index() >= 5).cast("float64").mean(),
            evening=(orders.moment.hour() >= 17).cast("float64").mean(),
        )
        .to_pandas()
        .iloc[0]
    )
    listed = (
        lines.agg(
            discount=lines.discount_amount.cast("float64").sum()
            / lines.list_amount.cast("float64").sum(),
            reduced=(lines.discount_amount > 0).cast("float64").mean(),
            returned=(lines.quantity < 0).cast("float64").mean(),
            guests=lines.customer_id.isnull().cast("float64").mean(),
        )
        .to_pandas()
        .iloc[0]
    )
    return {
        "customers who bought": float(customers),
        "products": float(tables.products.count().to_pandas()),
        "orders a customer": float(row["orders"] / customers),
        "lines an order, median": float(row["lines"]),
        "net an order, median": float(row["net"]),
        "days between orders, median": float(gaps.gap.median().to_pandas()),
        "orders on Saturday and Sunday": float(row["weekend"]),
        "orders from 17:00 on": float(row["evening"]),
        "discount over list": float(listed["discount"]),
        "lines with a discount": float(listed["reduced"]),
        "lines returned": float(listed["returned"]),
        "lines of guests": float(listed["guests"]),
    }
