"""The rows that rules look at: order lines and orders with what is known around them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis

from analysis.tables.margin import cents

if TYPE_CHECKING:
    from analysis.tables.engine import Tables


def line_rows(tables: Tables, *, as_of: ibis.Value) -> ibis.Table:
    """Return the order lines with what the line rules look at, as far as the study has it.

    Adds ``late`` (ordered at or after ``as_of``), ``in_catalogue`` and ``in_register`` (1 or 0),
    and ``counted`` (quantity counts units).
    """
    lines = tables.order_lines
    lines = lines.mutate(late=lines.ordered_at >= as_of)
    if tables.has("products"):
        lines = _with_catalogue(tables, lines)
    if tables.has("customers"):
        register = tables.customers.select("customer_id").mutate(in_register=1)
        lines = lines.left_join(register, "customer_id").drop("customer_id_right")
        lines = lines.mutate(in_register=lines.in_register.coalesce(0))
    return lines


def _with_catalogue(tables: Tables, lines: ibis.Table) -> ibis.Table:
    counts = tables.has("products", "counted")
    catalogue = tables.products.select("product_id", *(("counted",) if counts else ()))
    joined = lines.left_join(catalogue.mutate(in_catalogue=1), "product_id")
    joined = joined.drop("product_id_right").mutate(in_catalogue=joined.in_catalogue.coalesce(0))
    return joined.mutate(counted=joined.counted.coalesce(True)) if counts else joined


def order_rows(lines: ibis.Table) -> ibis.Table:
    """Return one row an order: what the order rules look at, money in cents."""
    looked_at = {
        "customer": lines.customer_id.coalesce(""),
        "day": lines.ordered_at.date(),
        "time": lines.ordered_at,
    }
    if "store_id" in lines.columns:
        looked_at["store"] = lines.store_id
    first = {f"first_{name}": value.min() for name, value in looked_at.items()}
    last = {f"last_{name}": value.max() for name, value in looked_at.items()}
    return lines.group_by("order_id").agg(net=cents(lines.net_amount).sum(), **first, **last)
