"""Columns of the tables of the profiling report.

``interval`` is the heading of an interval, such as "95 % interval".
"""

from __future__ import annotations

from analysis.reporting.notebook import formats
from analysis.reporting.notebook.formats import Format

Columns = dict[str, Format]


def tree(interval: str) -> Columns:
    """Return the columns of ``RevenueTree.factors``, labelled."""
    return {
        "label": formats.text("Factor"),
        "before": formats.number(None, "Before"),
        "now": formats.number(None, "Now"),
        "growth": formats.percent(1, "Change", signed=True),
        "contribution": formats.money(0, "Contribution", signed=True),
        "low": formats.interval("high", 0, interval, unit=""),
    }


def bridge(interval: str) -> Columns:
    """Return the columns of ``customers.kept.customer_bridge``."""
    return {
        "group": formats.text("Who"),
        "customers": formats.integer("Customers (guests: orders)"),
        "net_now": formats.money(0, "Net now"),
        "change": formats.money(0, "Change", signed=True),
        "low": formats.interval("high", 0, interval, unit=""),
        "by_chance": formats.money(0, "By variation", signed=True),
    }


def groups(interval: str, *, label: str) -> Columns:
    """Return the columns of ``Movers.table``, marked, of departments or stores."""
    return {
        "group": formats.text(label),
        "net_now": formats.money(0, "Net sales"),
        "share_now": formats.percent(1, "Share"),
        "change": formats.money(0, "Change", signed=True),
        "growth": formats.percent(1, "Growth", signed=True),
        "growth_low": formats.interval("growth_high", 1, interval),
        "share_change": formats.points(2, "Of share"),
        "sure": formats.mark("Significant"),
    }


def movers() -> Columns:
    """Return the columns of ``demand.movers.top_movers``, products named."""
    return {
        "short": formats.text("Product"),
        "group": formats.text("Number"),
        "change": formats.money(0, "Change", signed=True),
        "change_low": formats.interval("change_high", 0, "Interval", unit=""),
        "growth": formats.percent(0, "Growth", signed=True),
        "share_change": formats.points(2, "Of share"),
    }


def weekdays(interval: str) -> Columns:
    """Return the columns of ``demand.rhythm.weekdays``."""
    return {
        "name": formats.text("Day"),
        "days": formats.integer("Days"),
        "orders": formats.integer("Orders a day"),
        "net_amount": formats.money(0, "Net a day"),
        "low": formats.interval("high", 0, interval, unit=""),
        "index": formats.integer("Index"),
    }


def known(interval: str) -> Columns:
    """Return the columns of ``customers.portrait.known_against_unknown``."""
    return {
        "group": formats.text("Attributes"),
        "customers": formats.integer("Customers"),
        "share": formats.percent(1, "Of customers"),
        "net_share": formats.percent(1, "Of net sales"),
        "net_per_customer": formats.money(0, "Net each"),
        "ratio": formats.number(2, "Ratio"),
        "low": formats.interval("high", 2, interval, unit=""),
    }


def attributes() -> Columns:
    """Return the columns of ``Portrait.attributes``, labelled."""
    return {
        "label": formats.text("Attribute"),
        "known": formats.integer("Customers"),
        "coverage": formats.percent(0, "Known of"),
        "levels": formats.integer("Groups"),
        "withheld": formats.integer("Withheld"),
        "explained": formats.percent(1, "Explains"),
        "q": formats.p("q"),
    }


def indices() -> Columns:
    """Return the columns of ``customers.portrait.side_by_side``, labelled."""
    return {
        "label": formats.text("Group"),
        "customers": formats.integer("Customers"),
        "net_per_customer": formats.integer("Net"),
        "orders_per_customer": formats.integer("Orders"),
        "net_per_order": formats.integer("Basket"),
        "discount_share": formats.integer("Discount"),
        "departments": formats.integer("Breadth"),
    }


def drift() -> Columns:
    """Return the columns of ``Drift.dimensions``."""
    return {
        "dimension": formats.text("Mix by"),
        "values": formats.integer("Values"),
        "moved": formats.percent(1, "Moved"),
        "by_chance": formats.percent(1, "By chance"),
        "limit": formats.percent(1, "Chance reaches"),
        "jensen_shannon": formats.number(3, "Jensen-Shannon"),
        "psi": formats.number(3, "Stability index"),
        "sure": formats.mark("Significant"),
    }


def outliers() -> Columns:
    """Return the columns of the examples of ``tables.quality.extremes.extremes``."""
    return {
        "measure": formats.text("What"),
        "department": formats.text("Department"),
        "order_id": formats.text("Order"),
        "product_id": formats.text("Product"),
        "value": formats.number(2, "Value"),
        "net_amount": formats.money(2, "Net sales"),
        "score": formats.number(1, "Deviations", signed=True),
    }


def store_days() -> Columns:
    """Return the columns of ``quality.store_days.store_gaps``."""
    return {
        "store_id": formats.text("Store"),
        "first_day": formats.day("First day"),
        "last_day": formats.day("Last day"),
        "expected_orders": formats.integer("Orders expected"),
        "expected_net": formats.money(0, "Net expected"),
        "q": formats.p("q"),
    }


def returns(interval: str) -> Columns:
    """Return the columns of ``tables.return_rates``, products named."""
    return {
        "short": formats.text("Product"),
        "department": formats.text("Department"),
        "sold": formats.integer("Orders"),
        "rate": formats.percent(1, "Returned"),
        "low": formats.interval("high", 1, interval),
        "usual": formats.percent(1, "Usual there"),
        "q": formats.p("q"),
        "faulty": formats.mark("Significant"),
    }
