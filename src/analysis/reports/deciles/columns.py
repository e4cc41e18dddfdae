"""Columns of the tables of deciles, Pareto and fading.

``interval`` is the heading of an interval, such as "95 % interval".
"""

from __future__ import annotations

from analysis.reporting.notebook import formats
from analysis.reporting.notebook.formats import Format

Columns = dict[str, Format]


def deciles(interval: str, *, groups: int = 10) -> Columns:
    """Return the columns of ``Deciles.table``: who is in a group and what the group brings."""
    return {
        "decile": formats.integer(_name(groups)),
        "customers": formats.integer("Customers"),
        "net_amount": formats.money(0, "Net sales"),
        "share": formats.percent(1, "Share"),
        "share_low": formats.interval("share_high", 1, interval),
        "margin_share": formats.percent(1, "Of margin"),
        "orders_per_customer": formats.number(1, "Orders each"),
        "basket_value": formats.money(2, "Basket"),
        "discount_share": formats.percent(1, "Discount"),
    }


def growth(interval: str, *, groups: int = 10) -> Columns:
    """Return the columns of ``Deciles.table`` on growth."""
    return {
        "decile": formats.integer(_name(groups)),
        "before": formats.money(0, "First half"),
        "now": formats.money(0, "Second half"),
        "growth": formats.percent(1, "Growth", signed=True),
        "growth_low": formats.interval("growth_high", 1, interval),
        "contribution": formats.points(2, "Added"),
        "contribution_low": formats.interval("contribution_high", 2, interval, unit="points"),
    }


def margin_deciles(interval: str, *, groups: int = 10) -> Columns:
    """Return the columns of ``Deciles.table`` where margin ranks."""
    return {
        "decile": formats.integer(f"{_name(groups)} by margin"),
        "customers": formats.integer("Customers"),
        "margin_amount": formats.money(0, "Margin"),
        "share": formats.percent(1, "Share"),
        "share_low": formats.interval("share_high", 1, interval),
        "net_share": formats.percent(1, "Of sales"),
    }


def disagreement(*, groups: int = 10) -> Columns:
    """Return the columns of ``Agreement.customers``."""
    return {
        "customer_id": formats.text("Customer"),
        "net_amount": formats.money(0, "Net sales"),
        "margin_amount": formats.money(0, "Margin"),
        "margin_rate": formats.percent(1, "Margin rate"),
        "net_decile": formats.integer(f"{_name(groups)} by sales"),
        "margin_decile": formats.integer(f"{_name(groups)} by margin"),
    }


def purchase_deciles(interval: str, *, groups: int = 10) -> Columns:
    """Return the columns of ``pareto.purchase_deciles``."""
    return {
        "part": formats.integer(f"{_name(groups)} of sales"),
        "customers": formats.integer("Customers"),
        "customers_share": formats.percent(1, "Of all"),
        "share_low": formats.interval("share_high", 1, interval),
        "cumulative_customers": formats.integer("Up to here"),
        "cumulative_share": formats.percent(1, "Of all"),
        "cumulative_low": formats.interval("cumulative_high", 1, interval),
    }


def losses(interval: str) -> Columns:
    """Return the columns of ``concentration.losses``."""
    return {
        "customers": formats.integer("Customers lost"),
        "customers_share": formats.percent(2, "Of all"),
        "net_amount": formats.money(0, "Net sales"),
        "margin_amount": formats.money(0, "Margin"),
        "share": formats.percent(1, "Of sales"),
        "share_low": formats.interval("share_high", 1, interval),
    }


def value_groups() -> Columns:
    """Return the columns of ``value_groups.value_groups``, with the groups named."""
    return {
        "name": formats.text("Group"),
        "customers": formats.integer("Customers"),
        "net_share": formats.percent(1, "Of sales"),
        "margin_share": formats.percent(1, "Of margin"),
        "margin_per_customer": formats.money(0, "Margin each"),
        "discount_share": formats.percent(1, "Discount"),
        "fading": formats.integer("Declining"),
        "loss": formats.money(0, "Margin fell by"),
    }


def contacts() -> Columns:
    """Return the columns of ``ContactPlan.customers``."""
    return {
        "customer_id": formats.text("Customer"),
        "before": formats.money(0, "First half"),
        "now": formats.money(0, "Second half"),
        "at_risk": formats.money(0, "At risk"),
        "brings_back": formats.money(0, "Brings back"),
        "gain": formats.money(0, "Gain"),
        "break_even": formats.percent(1, "Pays from"),
    }


def _name(groups: int) -> str:
    return "Tenth" if groups == 10 else "Part"
