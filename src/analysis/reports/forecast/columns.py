"""Columns of the tables of the forecast report."""

from __future__ import annotations

from analysis.reporting.notebook import formats
from analysis.reporting.notebook.formats import Format

Columns = dict[str, Format]


def totals(weeks: int) -> Columns:
    """Return the columns of `demand.totals.over_horizon`."""
    return {
        "name": formats.text("Department"),
        "recent": formats.money(0, f"Last {weeks} weeks"),
        "mean": formats.money(0, f"Next {weeks} weeks"),
        "low": formats.interval("high", 0, "95 % interval", unit=""),
        "year_before": formats.money(0, "A year before"),
        "change": formats.percent(1, "Change", signed=True),
    }


def moving(weeks: int) -> Columns:
    """Return the columns of `readings.forecast.moving`."""
    return {
        "name": formats.text("Category"),
        "mean": formats.money(0, f"Next {weeks} weeks"),
        "low": formats.interval("high", 0, "95 % interval", unit=""),
        "year_before": formats.money(0, "A year before"),
        "change": formats.percent(0, "Change", signed=True),
        "remark": formats.text("Remark"),
    }


def scores() -> Columns:
    """Return the columns of `demand.judgement.scoreboard`."""
    return {
        "level": formats.text("Level"),
        "label": formats.text("Forecast"),
        "mase": formats.number(2, "MASE"),
        "rmsse": formats.number(2, "RMSSE"),
        "bias": formats.percent(1, "Bias", signed=True),
        "gain": formats.percent(0, "Saved", signed=True),
        "gain_low": formats.interval("gain_high", 0, "Interval"),
        "verdict": formats.text("Verdict"),
    }


def coverage() -> Columns:
    """Return the columns of `demand.conformal.realised`."""
    return {
        "level": formats.text("Level"),
        "nominal": formats.percent(0, "Nominal"),
        "realised": formats.percent(1, "Realised"),
        "low": formats.interval("high", 0, "95 % interval", unit="%"),
        "weeks": formats.integer("Weeks judged"),
    }


def scored() -> Columns:
    """Return the columns of `demand.kept.Scored.table`."""
    return {
        "level": formats.text("Level"),
        "series": formats.integer("Series"),
        "forecast": formats.money(0, "Forecast"),
        "actual": formats.money(0, "Happened"),
        "bias": formats.percent(1, "Bias", signed=True),
        "error": formats.number(2, "Scaled error"),
        "usual": formats.number(2, "Usual, at most"),
        "covered": formats.percent(0, "Inside interval"),
    }


def outliers(*, units: bool = False) -> Columns:
    """Return the columns of `changepoints.outliers`, of money or of units."""
    return {
        "name": formats.text("Product" if units else "Series"),
        "period_start": formats.day("Week of"),
        "value": formats.integer("Units") if units else formats.money(0, "Sold"),
        "usual": formats.integer("Usual") if units else formats.money(0, "Usual"),
        "ratio": formats.number(1, "Times"),
        "holiday": formats.text("Holiday"),
    }


def sudden() -> Columns:
    """Return the columns of the product shifts of `demand.causes`."""
    return {
        "name": formats.text("Product"),
        "earliest": formats.day("Not before"),
        "latest": formats.day("Not after"),
        "change": formats.percent(0, "Change", signed=True),
        "change_low": formats.interval("change_high", 0, "95 % interval"),
        "price_change": formats.percent(0, "Price", signed=True),
    }


def slopes(weeks: int) -> Columns:
    """Return the columns of `demand.trends.slopes`."""
    return {
        "name": formats.text("Product"),
        "growth": formats.percent(0, f"In {weeks} weeks", signed=True),
        "growth_low": formats.interval("growth_high", 0, "Interval"),
        "size": formats.integer("Units"),
    }


def lifecycle() -> Columns:
    """Return the columns of `demand.lifecycle.statuses`."""
    return {
        "name": formats.text("Product"),
        "status": formats.text("Status"),
        "replaces": formats.text("In place of"),
        "first_sold": formats.day("First week"),
        "last_sold": formats.day("Last week"),
        "size": formats.integer("Units"),
    }
