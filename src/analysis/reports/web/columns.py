"""Formats of the columns of the tables of visits."""

from __future__ import annotations

from analysis.reporting.notebook import formats
from analysis.reporting.notebook.formats import Format

Columns = dict[str, Format]


def bots() -> Columns:
    """Return the columns of ``Clickstream.robots``."""
    return {
        "rule": formats.text("Who"),
        "visitors": formats.integer("Visitors"),
        "sessions": formats.integer("Sessions"),
        "views": formats.integer("Views"),
        "view_share": formats.percent(1, "Of all views"),
        "ordered": formats.integer("Sessions with an order"),
    }


def rules() -> Columns:
    """Return the columns of ``sessionisation.rule_sensitivity``."""
    return {
        "rule": formats.text("A new session begins after"),
        "used": formats.mark("Used"),
        "sessions": formats.integer("Sessions"),
        "change": formats.percent(1, "Against the rule used", signed=True),
        "views_a_session": formats.number(2, "Views a session"),
        "bounce": formats.percent(1, "One page"),
    }


def bounce(interval: str) -> Columns:
    """Return the columns of ``bounce_definitions``."""
    return {
        "tool": formats.text("As in"),
        "definition": formats.text("A session bounces that has"),
        "sessions": formats.integer("Sessions"),
        "bounce": formats.percent(1, "Bounce rate"),
        "low": formats.interval("high", 1, interval),
    }


def pages() -> Columns:
    """Return the columns of ``session_summary.page_attention``."""
    return {
        "page": formats.text("Page"),
        "views": formats.integer("Views"),
        "view_share": formats.percent(1, "Of all views"),
        "entries": formats.integer("Entered by"),
        "exits": formats.integer("Left from"),
        "exit_rate": formats.percent(1, "Left at a view"),
        "timed": formats.integer("Times known"),
        "median_seconds": formats.number(0, "Median seconds"),
    }


def sources(interval: str) -> Columns:
    """Return the columns of ``WebOverview.sources``."""
    return {
        "source": formats.text("Source"),
        "medium": formats.text("Medium"),
        "sessions": formats.integer("Sessions"),
        "bounce": formats.percent(1, "One page"),
        "bounce_low": formats.interval("bounce_high", 1, interval),
        "conversion": formats.percent(1, "With an order"),
        "conversion_low": formats.interval("conversion_high", 1, interval),
    }


def funnel(interval: str) -> Columns:
    """Return the columns of ``PurchaseFunnel.steps``."""
    return {
        "step": formats.text("Step"),
        "share": formats.percent(1, "Of all"),
        "kept": formats.percent(1, "Of the step before"),
        "kept_low": formats.interval("kept_high", 1, interval),
        "sessions": formats.integer("Sessions, in order"),
        "lost": formats.integer("Lost before it"),
        "loose": formats.integer("In any order"),
        "seen": formats.integer("Step alone"),
    }


def groups(interval: str) -> Columns:
    """Return the columns of ``text.orders_by_group``."""
    return {
        "grouping": formats.text("By"),
        "group": formats.text("Group"),
        "share": formats.percent(1, "Order, of all"),
        "low": formats.interval("high", 1, interval),
        "visits": formats.integer("Sessions"),
        "basket": formats.percent(1, "Product to basket"),
        "checkout": formats.percent(1, "To checkout"),
        "kept": formats.percent(1, "To order"),
    }


def windows(interval: str) -> Columns:
    """Return the columns of ``PurchaseFunnel.windows``."""
    return {
        "days": formats.integer("Within days"),
        "visitors": formats.integer("Visitors"),
        "basket": formats.percent(1, "Product to basket"),
        "order": formats.percent(1, "Product to order"),
        "order_low": formats.interval("order_high", 1, interval),
    }


def moves(interval: str) -> Columns:
    """Return the columns of ``PagePaths.moves``."""
    return {
        "page": formats.text("From"),
        "next_page": formats.text("To"),
        "moves": formats.integer("Times"),
        "share": formats.percent(1, "Of what follows"),
        "share_of_moves": formats.percent(1, "Of moves to a page"),
        "low": formats.interval("high", 1, interval),
    }


def signs(interval: str) -> Columns:
    """Return the columns of ``PagePaths.signs``."""
    return {
        "sign": formats.text("Before the basket"),
        "buyers": formats.percent(1, "With an order"),
        "others": formats.percent(1, "Without"),
        "difference": formats.points(1, "Difference at as many pages"),
        "low": formats.interval("high", 1, interval, unit="points"),
        "q": formats.number(3, "False discovery rate"),
    }


def faults() -> Columns:
    """Return the columns of ``PageFaults.pages``."""
    return {
        "page": formats.text("Page"),
        "views": formats.integer("Views"),
        "median_ms": formats.integer("Median ms"),
        "p95_ms": formats.integer("95th percentile ms"),
        "slow": formats.percent(1, "Slow"),
        "failing": formats.percent(1, "Failing"),
    }


def costs(interval: str) -> Columns:
    """Return the columns of ``PageFaults.costs``."""
    return {
        "page": formats.text("Page"),
        "fault": formats.text("Was"),
        "difference": formats.points(1, "Difference"),
        "low": formats.interval("high", 1, interval, unit="points"),
        "with_fault": formats.percent(1, "Ordered"),
        "without": formats.percent(1, "Ordered without it"),
        "met": formats.integer("Sessions"),
        "orders": formats.number(0, "Orders fewer"),
        "amount": formats.money(0, "Amount"),
        "q": formats.number(3, "False discovery rate"),
    }


def terms(interval: str) -> Columns:
    """Return the columns of ``SiteSearch.terms``."""
    return {
        "term": formats.text("Searched for"),
        "searches": formats.integer("Searches"),
        "clicked": formats.percent(1, "Product seen next"),
        "low": formats.interval("high", 1, interval),
        "refined": formats.percent(1, "Searched again"),
        "left": formats.percent(1, "Left"),
        "without_click": formats.integer("Without a product"),
    }


def returns(interval: str) -> Columns:
    """Return the columns of ``AbandonedBaskets.returns``."""
    return {
        "days": formats.integer("Within days"),
        "baskets": formats.integer("Baskets left"),
        "bought": formats.percent(1, "Ordered after all"),
        "low": formats.interval("high", 1, interval),
    }
