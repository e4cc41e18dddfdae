"""Columns of the tables of report 06, randomised part."""

from __future__ import annotations

from analysis.reporting import formats
from analysis.reporting.formats import Format


def overview() -> dict[str, Format]:
    """Return the columns of ``outcomes.overview``."""
    return {
        "name": formats.text("Promotion"),
        "mechanic": formats.text("How it works"),
        "starts_on": formats.day("From"),
        "ends_on": formats.day("To"),
        "customers": formats.integer("Customers assigned"),
        "arms": formats.integer("Arms"),
        "randomised": formats.mark("Drawn by lot"),
    }
