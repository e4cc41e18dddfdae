"""Formats of the columns of the tables of report 00."""

from __future__ import annotations

from analysis.reporting.notebook import formats
from analysis.reporting.notebook.formats import Format

Columns = dict[str, Format]


def changes() -> Columns:
    """Return the columns of ``period_sales.sales_changes``."""
    return {
        "period": formats.text("Period"),
        "starts_on": formats.day("From"),
        "days": formats.integer("Days"),
        "net_amount": formats.money(0, "Net sales"),
        "against": formats.text("Against"),
        "other": formats.money(0, "Net sales then"),
        "change": formats.percent(1, "Change", signed=True),
        "low": formats.interval("high", 1, "Usual change"),
        "reason": formats.text("No range because"),
    }


def week_drivers() -> Columns:
    """Return the columns of ``period_sales.week_drivers``."""
    return {
        "factor": formats.text("Factor"),
        "before": formats.figure("unit", "Week before"),
        "now": formats.figure("unit", "Last week"),
        "growth": formats.percent(1, "Change", signed=True),
        "contribution": formats.money(0, "Part of the change", signed=True),
    }


def priorities() -> Columns:
    """Return the columns of ``priorities.priorities``."""
    return {
        "report": formats.text("Report"),
        "number": formats.text("Figure"),
        "sentence": formats.text("What it says"),
        "at_stake": formats.money(0, "At stake"),
        "weight": formats.money(0, "Times evidence"),
        "owner": formats.text("Owner"),
        "otherwise": formats.text("If nothing is done"),
    }


def measured() -> Columns:
    """Return the columns of ``decisions_log.measured``."""
    return {
        "day": formats.day("Decided"),
        "decision": formats.text("Decision"),
        "owner": formats.text("Owner"),
        "report": formats.text("Report"),
        "expected": formats.figure("unit", "Expected"),
        "value": formats.figure("unit", "Measured"),
        "low": formats.interval("high", label="Interval", unit_of="unit"),
        "came": formats.text("What came"),
    }


def scorecard() -> Columns:
    """Return the columns of ``strategy_scorecard.scorecard``."""
    return {
        "aim": formats.text("Aim"),
        "what": formats.text("Measured by"),
        "value": formats.figure("unit", "Value"),
        "low": formats.interval("high", label="Interval", unit_of="unit"),
        "target": formats.figure("unit", "Target"),
        "report": formats.text("Report"),
        "reason": formats.text("Why not, or no interval"),
    }


def like_for_like() -> Columns:
    """Return the columns of ``period_sales.like_for_like``."""
    return {
        "stores": formats.integer("Stores and channels"),
        "left_out": formats.integer("Left out: opened, closed, few customers"),
        "net_before": formats.money(0, "Net sales before"),
        "net_now": formats.money(0, "Net sales now"),
        "growth": formats.percent(1, "Change", signed=True),
        "growth_low": formats.interval("growth_high", 1, "Interval"),
    }


def planned() -> Columns:
    """Return the columns of ``decisions_log.planned``."""
    return {
        "day": formats.day("Day"),
        "what": formats.text("What"),
        "owner": formats.text("Owner"),
        "report": formats.text("Report"),
    }
