"""Order lines of a period, and what an order is: the filters that every analysis uses.

What is made of each customer's lines, a part of the customers at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import ibis

from analysis.tables import spilling
from analysis.tables.engine import Tables, hash64, held, kind_of, read_parquet
from analysis.tables.margin import lines_with_margin
from analysis.tables.periods import Period


def midnight(day: date) -> ibis.Value:
    """Return the start of ``day`` as the engine compares it with a timestamp."""
    return ibis.timestamp(f"{day.isoformat()} 00:00:00")


def in_period(rows: ibis.Table, period: Period) -> ibis.Table:
    """Return the rows ordered in ``period``."""
    moment = rows.ordered_at
    return rows.filter(moment >= midnight(period.start), moment < midnight(period.end))


def lines_in(tables: Tables, period: Period) -> ibis.Table:
    """Return the order lines with margin (see ``lines_with_margin``) inside ``period``."""
    return _inside(lines_with_margin(tables.during(period.start, period.end)), period)


def raw_lines_in(tables: Tables, period: Period) -> ibis.Table:
    """Return the order lines inside ``period`` as they are, for what needs no product."""
    return _inside(tables.during(period.start, period.end).order_lines, period)


def _inside(lines: ibis.Table, period: Period) -> ibis.Table:
    start = ibis.timestamp(period.start.isoformat())
    end = ibis.timestamp(period.end.isoformat())
    return lines.filter(lines.ordered_at >= start, lines.ordered_at < end)


def bought(lines: ibis.Table) -> ibis.Value:
    """Return whether each order line was bought, rather than returned."""
    return lines.quantity >= 0


def is_order(lines: ibis.Table) -> ibis.Value:
    """Return, of the lines of one order number, whether they are an order: an aggregate."""
    return bought(lines).any()


def order_product(lines: ibis.Table) -> dict[str, ibis.Value]:
    """Return each line's order and product as hashes: 128 bits, with half the room of the names."""
    return {"order": hash64(lines.order_id), "product": hash64(lines.product_id)}


def repeated_products(tables: Tables) -> ibis.Table:
    """Return the orders and products, as hashes, that have several lines: kept, few as they are."""

    def several(own: Tables) -> ibis.Table:
        pairs = own.order_lines.group_by(**order_product(own.order_lines)).agg(n=ibis._.count())
        return pairs.filter(pairs.n > 1).drop("n")

    return tables.once("repeated_products", several)


def by_part(tables: Tables, make: Callable[[Tables], ibis.Table]) -> ibis.Table:
    """Return what ``make`` makes of each part of the customers, one below the other.

    There are as many parts as give each about `spilling.MOST_IN_MEMORY` order lines, so that
    DuckDB keeps in memory what it makes of them; one where all are no more, or in Spark, which
    deals customers to its workers. A part has all lines of its customers, and all lines of those
    orders without a customer that fall to it; tables without customers are whole in each.
    """
    many = -(-tables.manifest.rows.get("order_lines", 0) // spilling.MOST_IN_MEMORY)
    if many <= 1 or kind_of(tables.connection) == "spark":
        return make(tables)
    tables.parts = tables.parts or _dealt(tables, many)
    return ibis.union(*(held(make(part)) for part in tables.parts))


def _dealt(tables: Tables, many: int) -> tuple[Tables, ...]:
    """Write the order lines once, by part; of other tables, each part reads its customers'."""
    folder = spilling.spill_path()
    folder.mkdir()
    lines = tables.order_lines
    dealt = lines.mutate(part=_part(lines, many))
    tables.connection.to_parquet(dealt, folder, partition_by="part", overwrite_or_ignore=True)
    return tuple(
        tables.with_tables(
            order_lines=read_parquet(tables.connection, folder / f"part={k}"),
            **{
                name: (rows := getattr(tables, name)).filter(_part(rows, many) == k)
                for name in tables.names()
                if name != "order_lines"
                and "customer_id" in (rows := getattr(tables, name)).columns
            },
        )
        for k in range(many)
    )


def _part(rows: ibis.Table, many: int) -> ibis.Value:
    other = rows.order_id if "order_id" in rows.columns else ibis.literal("")
    return (hash64(rows.customer_id.coalesce(other)) % many).cast("int8")
