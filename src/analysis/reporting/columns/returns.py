"""Columns of the tables on targeted campaigns, placements, returns and the league."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.reporting import formats
from analysis.reporting.formats import Format

if TYPE_CHECKING:
    import pandas as pd

Columns = dict[str, Format]


def campaigns() -> Columns:
    """Return the columns of `promotions.campaigns.Campaigns.table`."""
    return {
        "name": formats.text("Campaign"),
        "customers": formats.integer("Sent to"),
        "naive": formats.money(2, "Plain difference", signed=True),
        "estimate": formats.money(2, "Like with like", signed=True),
        "low": formats.interval("high", 2, "95 % interval", unit=""),
        "matched": formats.money(2, "Matched pairs", signed=True),
        "passed": formats.mark("Checks"),
    }


def checks() -> Columns:
    """Return the columns of `promotions.campaign.Campaign.checks`."""
    return {
        "check": formats.text("Should find nothing"),
        "estimate": formats.money(2, "Found a customer", signed=True),
        "low": formats.interval("high", 2, "95 % interval", unit=""),
        "p": formats.number(3, "p"),
        "passed": formats.mark("Nothing found"),
    }


def everybody() -> Columns:
    """Return the columns of `promotions.everybody.Everybody.table`."""
    return {
        "name": formats.text("Promotion"),
        "starts_on": formats.day("From"),
        "lift": formats.percent(0, "Sales against the blend", signed=True),
        "low": formats.interval("high", 0, "95 % interval"),
        "gain": formats.money(0, "Sales gained", signed=True),
        "misfit": formats.percent(0, "Misfit before"),
    }


def placements() -> Columns:
    """Return the columns of `promotions.placements.Placements.table`."""
    return {
        "term": formats.text("What"),
        "lift": formats.percent(0, "Units more", signed=True),
        "low": formats.interval("high", 0, "95 % interval"),
        "units": formats.integer("Units sold there"),
        "incremental": formats.integer("Of these incremental"),
        "incremental_low": formats.interval("incremental_high", 0, "95 % interval", unit=""),
        "cells": formats.integer("Product-store-weeks"),
    }


def waterfall() -> Columns:
    """Return the columns of `promotions.roi.Return.waterfall`."""
    return {
        "part": formats.text("Part"),
        "amount": formats.money(2, "Amount", signed=True),
        "low": formats.interval("high", 0, "95 % interval", unit=""),
    }


def returns() -> Columns:
    """Return the columns of `promotions.returns.Returns.table`."""
    return {
        "label": formats.text("Promotion"),
        "spent": formats.money(0, "Spent"),
        "net": formats.money(0, "Net return", signed=True),
        "low": formats.interval("high", 0, "95 % interval", unit=""),
        "roi": formats.number(1, "Times spent", signed=True),
        "roi_low": formats.interval("roi_high", 1, "95 % interval", unit=""),
    }


def break_even() -> Columns:
    """Return the columns of promotions that were redeemed, against what would pay."""
    return {
        "label": formats.text("Promotion"),
        "customers": formats.integer("Customers"),
        "redemption": formats.number(2, "Redeemed a customer"),
        "needed": formats.text("Needed to pay"),
        "interval": formats.text("95 % interval"),
    }


def goals() -> Columns:
    """Return the columns of `promotions.goals.against_goals`."""
    return {
        "label": formats.text("Promotion"),
        "goal": formats.text("Goal"),
        "measure": formats.text("Measured by"),
        "change": formats.number(2, "Change", signed=True),
        "low": formats.interval("high", 2, "95 % interval", unit=""),
        "reached": formats.text("Reached"),
    }


def groups() -> Columns:
    """Return the columns of `promotions.league.by_group`."""
    return {
        "kind": formats.text("Kind"),
        "by": formats.text("By"),
        "group": formats.text("Group"),
        "promotions": formats.integer("Count"),
        "lift": formats.percent(0, "Mean lift", signed=True),
        "low": formats.interval("high", 0, "95 % interval"),
        "next_low": formats.interval("next_high", 0, "The next one"),
    }


def actions() -> Columns:
    """Return the columns of `promotions.league.actions`."""
    return {
        "label": formats.text("Promotion"),
        "action": formats.text("Do"),
        "why": formats.text("Because"),
        "net": formats.money(0, "Net return", signed=True),
    }


def offers() -> Columns:
    """Return the columns of `promotions.offers.stayed_up`."""
    return {
        "product": formats.text("Product"),
        "promotion": formats.text("Promotion"),
        "before": formats.number(1, "Before"),
        "after": formats.number(1, "After"),
        "category": formats.percent(0, "Category", signed=True),
        "growth": formats.percent(0, "Gained", signed=True),
        "low": formats.interval("high", 0, "95 % interval"),
    }


def funnel(table: pd.DataFrame) -> Columns:
    """Return the columns of `readings.returns.steps`, of the steps that the study knows."""
    columns = {
        "label": formats.text("Promotion"),
        "chosen": formats.integer("Chosen"),
        "reached": formats.percent(0, "Reached"),
        "opened": formats.percent(0, "Opened"),
        "clicked": formats.percent(0, "Clicked"),
        "redeemed": formats.percent(0, "Redeemed"),
        "bought": formats.percent(0, "Bought the offer"),
    }
    return {name: column for name, column in columns.items() if name in table.columns}
