"""Order lines of a period, and what an order is: the filters that every analysis uses."""

from __future__ import annotations

from datetime import date

import ibis

from analysis.tables.engine import Tables
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
    return _inside(lines_with_margin(tables), period)


def raw_lines_in(tables: Tables, period: Period) -> ibis.Table:
    """Return the order lines inside ``period`` as they are, for what needs no product."""
    return _inside(tables.order_lines, period)


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
