"""Columns of the tables of segmentation.

``interval`` is the heading of an interval, such as "95 % interval".
"""

from __future__ import annotations

import pandas as pd

from analysis.reporting.notebook import formats
from analysis.reporting.notebook.formats import Format

Columns = dict[str, Format]

#: Headings of the kinds of segment.
LABELS = {
    "rfm": "RFM",
    "tier": "Tier",
    "buyer": "Buyer",
    "rhythm": "Rhythm",
    "life_stage": "Life stage",
    "cluster": "Cluster",
    "region": "Region",
    "main_store": "Main store",
}
KINDS = tuple(LABELS)


def worth(label: str, interval: str) -> Columns:
    """Return the columns of ``worth.worth``: who is in a segment and what it brings."""
    return {
        "group": formats.text(label),
        "customers": formats.integer("Customers"),
        "share": formats.percent(1, "Share"),
        "net_share": formats.percent(1, "Of sales"),
        "net_share_low": formats.interval("net_share_high", 1, interval),
        "margin_share": formats.percent(1, "Of margin"),
        "net_per_customer": formats.money(0, "Sales per customer"),
        "orders_per_customer": formats.number(1, "Orders per customer"),
        "basket_value": formats.money(2, "Basket"),
        "discount_share": formats.percent(1, "Discount"),
        "recency_days": formats.number(0, "Days since last purchase"),
    }


def sizes() -> Columns:
    """Return the columns of ``rfm.sizes``."""
    return {
        "score": formats.text("Score"),
        "group": formats.integer("Group"),
        "customers": formats.integer("Customers"),
        "share": formats.percent(1, "Share"),
        "smallest": formats.number(0, "From"),
        "largest": formats.number(0, "To"),
        "tied": formats.integer("In a tie"),
    }


def what_next(label: str, interval: str) -> Columns:
    """Return the columns of ``worth.what_next``: what a segment did afterwards."""
    return {
        "group": formats.text(label),
        "customers": formats.integer("Customers"),
        "bought": formats.percent(1, "Bought again"),
        "bought_low": formats.interval("bought_high", 1, interval),
        "net_before": formats.money(0, "Before, in 30 days"),
        "net_after": formats.money(0, "After, in 30 days"),
        "change": formats.percent(0, "Change", signed=True),
        "change_low": formats.interval("change_high", 0, interval),
        "discount_before": formats.percent(1, "Discount before"),
        "discount_after": formats.percent(1, "After"),
    }


def movement() -> Columns:
    """Return the columns of ``movement.movement``."""
    return {
        "label": formats.text("Score"),
        "customers": formats.integer("Customers"),
        "stayed": formats.percent(1, "Same in both halves"),
        "noise": formats.percent(1, "If nobody had changed"),
        "noise_low": formats.interval("noise_high", 1, "95 % of permutations"),
        "chance": formats.percent(1, "By chance"),
        "moved": formats.points(1, "Beyond noise"),
    }


def tiers(interval: str, months: int | None) -> Columns:
    """Return the columns of ``tiers.treatment_bounds``; with those expected ``months`` ahead."""
    expected = {
        "expected_share": formats.percent(1, "Of expected margin"),
        "expected_per_customer": formats.money(0, "Expected per customer and year"),
    }
    return {
        "group": formats.text("Tier"),
        "customers": formats.integer("Customers"),
        **(expected if months else {}),
        "margin_share": formats.percent(1, "Of margin"),
        "margin_per_customer": formats.money(0, "Past margin per customer"),
        "margin_per_customer_low": formats.interval(
            "margin_per_customer_high", 0, interval, unit=""
        ),
        "bound": formats.money(2, "May cost per year (assumed)"),
    }


def reaction(interval: str) -> Columns:
    """Return the columns of ``price_reaction.react``."""
    return {
        "group": formats.text("Kind"),
        "lines": formats.integer("Lines"),
        "categories": formats.integer("Categories"),
        "reaction": formats.percent(1, "Ten points deeper", signed=True),
        "low": formats.interval("high", 1, interval),
    }


def stocked(interval: str) -> Columns:
    """Return the columns of ``stocking_up.stock_up``."""
    return {
        "group": formats.text("Kind"),
        "lines": formats.integer("Discounted lines"),
        "further": formats.number(2, "Further units a line"),
        "more": formats.percent(0, "Ten points deeper", signed=True),
        "low": formats.interval("high", 0, interval),
    }


def segments(table: pd.DataFrame) -> Columns:
    """Return the columns of ``segments.assemble``: every kind that there is."""
    kinds = [name for name in table.columns if name in KINDS]
    return {
        "customer_id": formats.text("Customer"),
        **{name: formats.text(LABELS[name]) for name in kinds},
        "net_amount": formats.money(0, "Net sales"),
    }


def transitions() -> Columns:
    """Return the columns of ``lifecycle.transitions``."""
    return {
        "was": formats.text("Was"),
        "became": formats.text("Became"),
        "customers": formats.integer("Customers"),
        "share": formats.percent(1, "Share"),
        "low": formats.interval("high", 1, "95 % interval"),
        "by_chance": formats.percent(1, "Of everybody"),
    }


def win_back(interval: str) -> Columns:
    """Return the columns of ``win_back.brought_back``."""
    return {
        "stage": formats.text("Stage"),
        "contacted": formats.integer("Contacted"),
        "returned_contacted": formats.percent(1, "Came back"),
        "not_contacted": formats.integer("Not contacted"),
        "returned_not": formats.percent(1, "Came back "),
        "difference": formats.points(1, "Difference"),
        "low": formats.interval("high", 1, interval, unit="points"),
    }


def tested(interval: str) -> Columns:
    """Return the columns of ``win_back.drawn_by_lot``."""
    return {
        "promotion": formats.text("Promotion"),
        "arm": formats.text("Arm"),
        "customers": formats.integer("Customers"),
        "returned": formats.percent(1, "Came back"),
        "control": formats.integer("Control"),
        "returned_control": formats.percent(1, "Came back "),
        "difference": formats.points(1, "Effect"),
        "low": formats.interval("high", 1, interval, unit="points"),
    }


def paused(interval: str) -> Columns:
    """Return the columns of ``discount_pause.compare``."""
    return {
        "group": formats.text("Kind"),
        "customers": formats.integer("Customers"),
        "usual": formats.number(3, "Orders a week, usual"),
        "paused": formats.number(3, "Without discounts"),
        "stayed": formats.percent(0, "Of usual"),
        "low": formats.interval("high", 0, interval),
    }


def criteria() -> Columns:
    """Return the columns of ``Clusters.criteria``."""
    return {
        "clusters": formats.integer("Clusters"),
        "silhouette": formats.number(2, "Silhouette"),
        "cloud_high": formats.number(2, "Limit without clusters"),
        "stability_least": formats.number(2, "Least stable"),
        "stability_mean": formats.number(2, "Mean stability"),
        "mixture_agreement": formats.number(2, "Agrees with mixture"),
        "bic": formats.number(0, "BIC of mixture"),
        "holds": formats.mark("Holds"),
    }


def rules() -> Columns:
    """Return the columns of ``Reading.rules``."""
    return {
        "cluster": formats.integer("Cluster"),
        "rule": formats.text("Rule"),
        "customers": formats.integer("Customers"),
        "purity": formats.percent(0, "Right"),
    }


def side_by_side(one: str, other: str) -> Columns:
    """Return the columns of ``segment_portrait.side_by_side``."""
    return {
        "part": formats.text("Part"),
        "item": formats.text("What"),
        "one_index": formats.number(0, one),
        "one_low": formats.interval("one_high", 0, "Interval", unit=""),
        "other_index": formats.number(0, other),
        "other_low": formats.interval("other_high", 0, "Interval ", unit=""),
    }


def areas(label: str, interval: str) -> Columns:
    """Return the columns of ``geography.by_area``."""
    return {
        "area": formats.text(label),
        "customers": formats.integer("Customers"),
        "penetration": formats.percent(1, "Of customers"),
        "net_share": formats.percent(1, "Of sales"),
        "mean": formats.money(0, "Sales per customer, raw"),
        "shrunk": formats.money(0, "Shrunk"),
        "low": formats.interval("high", 0, interval, unit=""),
    }


def preferences(label: str) -> Columns:
    """Return the columns of ``geography.preferences``."""
    return {
        "area": formats.text(label),
        "department": formats.text("Department"),
        "customers": formats.integer("Customers"),
        "everywhere": formats.percent(2, "Share everywhere"),
        "index": formats.number(0, "Index"),
        "low": formats.interval("high", 0, "95 % interval", unit=""),
    }
