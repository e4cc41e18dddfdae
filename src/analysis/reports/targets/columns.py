"""Formats of the columns of the tables of target lists."""

from __future__ import annotations

from analysis.reporting.notebook import formats
from analysis.reporting.notebook.formats import Format

Columns = dict[str, Format]


def waterfall() -> Columns:
    """Return the columns of ``Eligible.waterfall``."""
    return {
        "says": formats.text("Rule, in this order"),
        "before": formats.integer("Customers"),
        "stopped": formats.integer("Stopped"),
        "left": formats.integer("Left"),
        "alone": formats.integer("By itself"),
    }


def responses(interval: str) -> Columns:
    """Return the columns of ``PastResponses.cells``."""
    return {
        "name": formats.text("Promotion"),
        "arm": formats.text("Arm"),
        "channel": formats.text("Channel"),
        "depth": formats.percent(0, "Discount"),
        "state": formats.text("Customers"),
        "n": formats.integer("Contacted"),
        "effect": formats.money(2, "Measured"),
        "shrunk": formats.money(2, "Used"),
        "low": formats.interval("high", 2, f"{interval} of it", unit="EUR"),
    }


def offer_rules() -> Columns:
    """Return the columns of ``Offers.counts``."""
    return {"rule": formats.text("Rule"), "customers": formats.integer("Customers")}


def channels() -> Columns:
    """Return the columns of ``Channels.table``."""
    return {
        "channel": formats.text("Channel"),
        "cost": formats.money(2, "A message costs"),
        "customers": formats.integer("May be reached"),
        "own_history": formats.integer("With messages before"),
        "response": formats.percent(1, "Opened"),
    }


def rulings() -> Columns:
    """Return the columns of ``text.by_reason``."""
    return {
        "ruling": formats.text("Ruling"),
        "reason": formats.text("Why"),
        "customers": formats.integer("Customers"),
        "expected_margin": formats.money(0, "Expected margin, net"),
        "cost": formats.money(0, "Cost"),
    }


def limits() -> Columns:
    """Return the columns of ``text.bounds``."""
    return {
        "limit": formats.text("Limit"),
        "most": formats.text("At most"),
        "used": formats.text("Used"),
        "price": formats.money(2, "One more would bring"),
    }


def mix() -> Columns:
    """Return the columns of ``text.by_offer``."""
    return {
        "channel": formats.text("Channel"),
        "depth": formats.percent(0, "Discount"),
        "basis": formats.text("Basis"),
        "customers": formats.integer("Customers"),
        "expected_margin": formats.money(2, "Expected each, net"),
        "cost": formats.money(2, "Cost each"),
    }


def balance() -> Columns:
    """Return the columns of ``text.balanced``."""
    return {
        "measure": formats.text("Mean of"),
        "target": formats.money(2, "Targets"),
        "holdout": formats.money(2, "Holdout"),
        "difference": formats.number(2, "Apart, standard deviations", signed=True),
    }


def scenarios(interval: str) -> Columns:
    """Return the columns of ``contact_scenarios.what_if``."""
    return {
        "scenario": formats.text("Scenario"),
        "budget": formats.money(0, "Budget"),
        "deepest": formats.percent(0, "Deepest discount"),
        "holdout": formats.percent(0, "Held out"),
        "contacts": formats.integer("Contacted"),
        "spend": formats.money(0, "Spent"),
        "gain": formats.money(0, "Expected margin, net"),
        "low": formats.interval("high", 0, interval, unit="EUR"),
        "smallest": formats.money(2, "Would show, per customer"),
    }
