"""Columns of the tables of report 06: comparisons, campaigns, placements, returns, the league."""

from __future__ import annotations

import pandas as pd

from analysis.reporting.notebook import formats
from analysis.reporting.notebook.formats import Format


def overview() -> dict[str, Format]:
    """Return the columns of ``outcomes.overview``."""
    return {
        "name": formats.text("Promotion"),
        "mechanic": formats.text("Mechanic"),
        "starts_on": formats.day("From"),
        "ends_on": formats.day("To"),
        "customers": formats.integer("Customers assigned"),
        "arms": formats.integer("Arms"),
        "randomised": formats.mark("Randomised"),
    }


def checks() -> dict[str, Format]:
    """Return the columns of ``readings.promotions.marks``."""
    return {
        "name": formats.text("Promotion"),
        "Sizes of the arms": formats.text("Sample ratio"),
        "Alike before": formats.text("Balance"),
        "Assigned before the start": formats.text("Assigned before the start"),
        "Arms kept apart": formats.text("No contamination"),
        "sees": formats.percent(0, "Detectable change"),
    }


def measures(interval: str) -> dict[str, Format]:
    """Return the columns of ``experiment.estimate`` for one promotion."""
    return {
        "label": formats.text("Measure"),
        "control": formats.number(2, "Control"),
        "value": formats.number(2, "Treated"),
        "difference": formats.number(2, "Difference", signed=True),
        "low": formats.interval("high", 2, interval, unit=""),
        "lift": formats.percent(0, "Relative", signed=True),
        "p_corrected": formats.p(),
    }


def bayes(interval: str) -> dict[str, Format]:
    """Return the columns of ``bayes.view``."""
    return {
        "label": formats.text("Promotion"),
        "mean": formats.number(2, "Posterior mean", signed=True),
        "low": formats.interval("high", 2, interval, unit=""),
        "better": formats.percent(1, "Probability of benefit, before costs"),
        "loss_using": formats.number(2, "Expected loss if used"),
        "loss_not_using": formats.number(2, "if not used"),
        "verdict": formats.text("After all costs"),
    }


def quantiles(interval: str) -> dict[str, Format]:
    """Return the columns of ``alternatives.at_quantiles``."""
    return {
        "quantile": formats.percent(0, "Quantile of customers"),
        "control": formats.number(2, "Control"),
        "treated": formats.number(2, "Treated"),
        "difference": formats.number(2, "Difference", signed=True),
        "low": formats.interval("high", 2, interval, unit=""),
    }


def advice(interval: str) -> dict[str, Format]:
    """Return the columns of ``readings.promotions.advised``."""
    return {
        "label": formats.text("Promotion"),
        "reason": formats.text("Why"),
        "difference": formats.number(2, "Difference", signed=True),
        "low": formats.interval("high", 2, interval, unit=""),
    }


def looks() -> dict[str, Format]:
    """Return the columns of ``followed.at_fixed_looks``."""
    return {
        "look": formats.integer("Look"),
        "day": formats.integer("Day"),
        "statistic": formats.number(2, "z", signed=True),
        "once": formats.number(2, "Bound of a single look"),
        "pocock": formats.number(2, "Pocock"),
        "obrien_fleming": formats.number(2, "O'Brien-Fleming"),
        "always_valid": formats.number(2, "Always valid"),
    }


def needed() -> dict[str, Format]:
    """Return the columns of ``plan.by_measure``."""
    return {
        "label": formats.text("Measure"),
        "mean": formats.number(2, "Today"),
        "needed": formats.integer("Customers needed"),
        "explained": formats.percent(0, "R² of the past"),
        "needed_adjusted": formats.integer("Needed, adjusted"),
        "smallest": formats.percent(1, "Detectable with all"),
    }


def designs() -> dict[str, Format]:
    """Return the columns of ``plan.by_design``."""
    return {
        "design": formats.text("Design"),
        "needed": formats.integer("Customers needed"),
        "available": formats.integer("There are"),
        "enough": formats.mark("Enough"),
        "smallest": formats.percent(1, "Detectable with all"),
    }


def drawn() -> dict[str, Format]:
    """Return the columns of ``assign.balance``."""
    return {
        "arm": formats.text("Arm"),
        "customers": formats.integer("Customers"),
        "before_margin": formats.number(2, "Margin before"),
        "before_orders": formats.number(2, "Orders before"),
        "before_net": formats.number(2, "Net sales before"),
        "furthest": formats.number(4, "Largest distance from the mean, SD"),
    }


def segments(interval: str) -> dict[str, Format]:
    """Return the columns of ``segments.effects``, labelled."""
    return {
        "label": formats.text("Segment"),
        "n": formats.integer("Treated"),
        "n_control": formats.integer("Control"),
        "difference": formats.number(2, "Effect", signed=True),
        "shrunk": formats.number(2, "Shrunk", signed=True),
        "low": formats.interval("high", 2, interval, unit=""),
        "q": formats.p("q against the rest"),
    }


def targeting(interval: str) -> dict[str, Format]:
    """Return the columns of ``ranking.judge``."""
    return {
        "learner": formats.text("Model"),
        "qini": formats.number(3, "Qini", signed=True),
        "qini_low": formats.interval("qini_high", 3, interval, unit=""),
        "treated": formats.percent(0, "Would treat"),
        "gain": formats.number(2, "Against treating all or nobody", signed=True),
        "gain_low": formats.interval("gain_high", 2, interval, unit=""),
        "offered": formats.mark("Offered for targeting"),
    }


def shares() -> dict[str, Format]:
    """Return the columns of ``reallocation.propose``."""
    return {
        "arm": formats.text("Arm"),
        "mean": formats.number(2, "Measured per customer"),
        "best": formats.percent(1, "Probability of being best"),
        "share": formats.percent(0, "Share of the next"),
    }


def campaigns() -> dict[str, Format]:
    """Return the columns of `promotions.campaigns.Campaigns.table`."""
    return {
        "name": formats.text("Campaign"),
        "customers": formats.integer("Sent to"),
        "naive": formats.money(2, "Unadjusted", signed=True),
        "estimate": formats.money(2, "Propensity-adjusted", signed=True),
        "low": formats.interval("high", 2, "95 % interval", unit=""),
        "matched": formats.money(2, "Matched pairs", signed=True),
        "passed": formats.mark("Placebo checks"),
    }


def return_checks() -> dict[str, Format]:
    """Return the columns of `promotions.campaign.Campaign.checks`."""
    return {
        "check": formats.text("Placebo check"),
        "estimate": formats.money(2, "Found per customer", signed=True),
        "low": formats.interval("high", 2, "95 % interval", unit=""),
        "p": formats.p(),
        "passed": formats.mark("Passed"),
    }


def everybody() -> dict[str, Format]:
    """Return the columns of `promotions.everybody.Everybody.table`."""
    return {
        "name": formats.text("Promotion"),
        "starts_on": formats.day("From"),
        "lift": formats.percent(0, "Sales against control", signed=True),
        "low": formats.interval("high", 0, "95 % interval"),
        "gain": formats.money(0, "Sales gained", signed=True),
        "misfit": formats.percent(0, "Misfit before"),
    }


def placements() -> dict[str, Format]:
    """Return the columns of `promotions.placements.Placements.table`."""
    return {
        "term": formats.text("What"),
        "lift": formats.percent(0, "Units", signed=True),
        "low": formats.interval("high", 0, "95 % interval"),
        "units": formats.integer("Units sold there"),
        "incremental": formats.integer("Of these beyond usual"),
        "incremental_low": formats.interval("incremental_high", 0, "95 % interval", unit=""),
        "cells": formats.integer("Product-store-weeks"),
    }


def waterfall() -> dict[str, Format]:
    """Return the columns of `promotions.roi.Return.waterfall`."""
    return {
        "part": formats.text("Part"),
        "amount": formats.money(2, "Amount", signed=True),
        "low": formats.interval("high", 0, "95 % interval", unit=""),
    }


def returns() -> dict[str, Format]:
    """Return the columns of `promotions.returns.Returns.table`."""
    return {
        "label": formats.text("Promotion"),
        "spent": formats.money(0, "Spent"),
        "net": formats.money(0, "Net return", signed=True),
        "low": formats.interval("high", 0, "95 % interval", unit=""),
        "roi": formats.number(1, "Times spent", signed=True),
        "roi_low": formats.interval("roi_high", 1, "95 % interval", unit=""),
    }


def break_even() -> dict[str, Format]:
    """Return the columns of promotions that were redeemed, against what would pay."""
    return {
        "label": formats.text("Promotion"),
        "customers": formats.integer("Customers"),
        "redemption": formats.number(2, "Redemptions per customer"),
        "needed": formats.text("Needed to pay"),
        "interval": formats.text("95 % interval"),
    }


def goals() -> dict[str, Format]:
    """Return the columns of `promotions.goals.against_goals`."""
    return {
        "label": formats.text("Promotion"),
        "goal": formats.text("Goal"),
        "measure": formats.text("Measured by"),
        "change": formats.number(2, "Change", signed=True),
        "low": formats.interval("high", 2, "95 % interval", unit=""),
        "reached": formats.text("Reached"),
    }


def groups() -> dict[str, Format]:
    """Return the columns of `promotions.league.by_group`."""
    return {
        "kind": formats.text("Kind"),
        "by": formats.text("By"),
        "group": formats.text("Group"),
        "promotions": formats.integer("Count"),
        "lift": formats.percent(0, "Mean lift", signed=True),
        "low": formats.interval("high", 0, "95 % interval"),
        "next_low": formats.interval("next_high", 0, "The next one (prediction)"),
    }


def actions() -> dict[str, Format]:
    """Return the columns of `promotions.league.actions`."""
    return {
        "label": formats.text("Promotion"),
        "action": formats.text("Do"),
        "why": formats.text("Because"),
        "net": formats.money(0, "Net return", signed=True),
    }


def offers() -> dict[str, Format]:
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


def funnel(table: pd.DataFrame) -> dict[str, Format]:
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
