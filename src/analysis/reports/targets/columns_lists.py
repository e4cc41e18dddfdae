"""Formats of the columns of the tables of past lists and care occasions."""

from __future__ import annotations

from analysis.reporting.notebook import formats
from analysis.reporting.notebook.formats import Format


def past(interval: str, currency: str) -> dict[str, Format]:
    """Return the columns of ``PastLists.table``."""
    return {
        "name": formats.text("List"),
        "starts_on": formats.day("Sent from"),
        "customers": formats.integer("Customers"),
        "held_out": formats.integer("Held out"),
        "sent": formats.integer("Sent"),
        "promised": formats.money(2, "Promised"),
        "measured": formats.money(2, "Measured"),
        "low": formats.interval("high", 2, f"{interval} of it", unit=currency),
        "kept": formats.mark("Kept"),
        "reason": formats.text("Not measured because"),
    }


def responses(interval: str, currency: str) -> dict[str, Format]:
    """Return the columns of ``PastLists.responses``."""
    return {
        "by": formats.text("By"),
        "group": formats.text("Group"),
        "lists": formats.integer("Lists"),
        "n": formats.integer("Targets"),
        "promised": formats.money(2, "Promised"),
        "measured": formats.money(2, "Measured"),
        "low": formats.interval("high", 2, f"{interval} of it", unit=currency),
    }


def care() -> dict[str, Format]:
    """Return the columns of ``CareList.table``."""
    return {
        "list": formats.text("Occasion or flow"),
        "kind": formats.text("Kind"),
        "due": formats.integer("Due"),
        "contact": formats.integer("Message"),
        "held_out": formats.integer("Held out"),
        "left_alone": formats.integer("Left alone"),
        "why": formats.text("Mostly because"),
    }


def value_by_rule(months: int) -> dict[str, Format]:
    """Return the columns of ``ValueByRule.table``."""
    return {
        "rule": formats.text("Customers"),
        "customers": formats.integer("Number"),
        "value": formats.money(0, f"Expected margin, {months} months"),
        "share": formats.percent(1, "Share"),
    }
