"""How report 04 presents its forecast: the weeks ahead, what adds up, how the last one did."""

from __future__ import annotations

import pandas as pd

from analysis.demand.forecast import track_record
from analysis.demand.forecast.forecast import Outlook
from analysis.demand.forecast.track_record import Scored
from analysis.demand.series.sales_series import Series
from analysis.reporting.notebook.presentation import presents
from analysis.reporting.notebook.report import Report
from analysis.reports.forecast import charts, columns, text, text_accuracy
from analysis.reports.forecast.present_accuracy import (
    accuracy,
    by_horizon,
    challenger,
    coverage,
    scores,
)
from analysis.reports.forecast.present_changes import (
    daily_parts,
    lifecycle,
    outliers,
    product_outliers,
    product_shifts,
    product_trends,
    shifts,
    trends,
)
from analysis.reports.forecast.present_products import (
    discount_plan,
    placement_effects,
    placement_plan,
    price_plan,
    product_effects,
    promotion_plan,
    stockouts,
)

__all__ = [
    "accuracy", "adds_up", "by_horizon", "categories", "challenger", "coverage", "daily_parts",
    "data", "departments", "discount_plan", "last_time", "lifecycle", "outliers",
    "placement_effects", "placement_plan", "price_plan", "product_effects", "product_outliers",
    "product_shifts", "product_trends", "promotion_plan", "scores", "season", "shifts", "stockouts",
    "total", "trends", "trust",
]  # fmt: skip


@presents(Series)
def data(report: Report, sold: Series) -> None:
    """Say which weeks the data cover, and which days were closed."""
    report.say(text.span(sold, report.as_of))
    report.say(f"{text.closed(sold)} {text.no_merchandise(sold, report.tables)}".strip())


@presents()
def season(report: Report, outlook: Outlook) -> None:
    """Say whether the models know the yearly season."""
    report.say(text.season(outlook, report.params.season))


@presents()
def total(report: Report, outlook: Outlook, ahead: pd.DataFrame) -> None:
    """Show the forecast of the total."""
    sold = outlook.series
    coming = text.weeks_ahead(sold, report.params.horizon, report.as_of)
    report.title(text.title(ahead, coming, report.currency) + text_accuracy.in_title(outlook))
    report.finding(**text.total_finding(ahead, coming, report.currency))
    report.headline(text.outlook(ahead, coming))
    whole = outlook.table[outlook.table["level"] == "total"]
    unit, scale = text.unit(sold, report.currency)
    report.chart(
        charts.fan(sold.history("total", "Total"), whole, unit=unit, scale=scale),
        alt=text.fan_alt(whole),
        caption=text.bands(whole),
    )


@presents()
def departments(report: Report, outlook: Outlook, ahead: pd.DataFrame) -> None:
    """Show the forecast of each department, and keep the whole forecast for the next run."""
    report.headline(text.departments(ahead))
    report.say(text.last_year(ahead))
    report.table(
        ahead[ahead["level"] == "department"],
        name="departments",
        columns=columns.totals(weeks=report.params.horizon),
        rows=12,
        caption="Sums over the horizon. The interval is that of the sum, from sums forecast "
        "before.",
    )
    report.save(ahead, "totals")
    report.save(track_record.to_keep(outlook), "kept")


@presents()
def categories(report: Report, ahead: pd.DataFrame) -> None:
    """Show the categories that call for another order."""
    report.headline(text.categories(ahead))
    report.table(
        text.moving(ahead),
        name="categories",
        columns=columns.moving(weeks=report.params.horizon),
        rows=10,
        caption="The largest whose change is significant at 95 % over all categories and that the "
        "year before does not contradict; all are in the download of the totals.",
    )


@presents()
def adds_up(report: Report, outlook: Outlook) -> None:
    """Say that the levels add up, and what that costs."""
    with report.detail("Forecasts of the levels add up"):
        report.headline(text.adds_up(outlook))
        report.say(text.reconciled(outlook))


@presents()
def last_time(report: Report, scored: Scored, sold: Series) -> None:
    """Show what became of the last forecast."""
    report.finding(**text.drift_finding(scored))
    report.headline(text.last_time(scored, report.currency))
    report.say(text.replay_note(scored))
    report.save(scored.detail, "last_time_detail")
    unit, scale = text.unit(sold, report.currency)
    whole = scored.detail[scored.detail["level"] == "total"]
    with report.detail("By level, and the total as it was forecast and as it came"):
        report.table(text.named(scored.table), name="last_time", columns=columns.scored())
        report.chart(
            charts.replayed(whole, sold.history("total", "Total"), unit=unit, scale=scale),
            alt="Line of weekly net sales over the band and the line that were forecast.",
            caption="Band: 95 % interval as known at the time.",
        )


@presents()
def trust(report: Report, outlook: Outlook, *, scored: Scored | None) -> None:
    """Say how far to trust the report; without a scored forecast that line says so."""
    late = text.late(outlook.series, report.as_of)
    report.trust(text_accuracy.trust(outlook, scored, report.params.season, late=late))
