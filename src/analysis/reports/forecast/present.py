"""How report 04 presents its forecast: the weeks ahead, what adds up, how right it was."""

from __future__ import annotations

import pandas as pd

from analysis.demand.forecast import accuracy as scoring
from analysis.demand.forecast import track_record
from analysis.demand.forecast.forecast import Outlook
from analysis.demand.forecast.track_record import Scored
from analysis.demand.models import gradient_boosting
from analysis.demand.series.sales_series import Series
from analysis.reporting.notebook.outputs import presents
from analysis.reporting.notebook.report import Report
from analysis.reports.forecast import charts, columns, text, text_accuracy
from analysis.reports.forecast.present_changes import (
    daily_parts,
    discount_plan,
    lifecycle,
    outliers,
    placement_effects,
    placement_plan,
    price_plan,
    product_effects,
    product_outliers,
    product_shifts,
    product_trends,
    promotion_plan,
    shifts,
    stockouts,
    trends,
)


@presents()
def accuracy(report: Report, outlook: Outlook) -> None:
    """Show how much less the forecast errs than the best simple one."""
    report.finding(**text_accuracy.accuracy_finding(outlook))
    report.headline(text_accuracy.worth(outlook))
    report.chart(
        charts.gains(text.named(text_accuracy.foremost(outlook.scores, outlook))),
        alt="Dots with whiskers: how much less each model errs than the best simple forecast.",
        caption="Total, all horizons. Whiskers: 95 % interval (Diebold-Mariano). In colour: better "
        "than the best simple forecast significantly.",
    )
    report.say(text_accuracy.unbeaten(outlook))
    report.say(text_accuracy.unit_note(outlook))


@presents()
def scores(report: Report, outlook: Outlook) -> None:
    """Show the scores of what is published and of the simple forecasts."""
    with report.detail("Scores of what is published and of the simple forecasts, by level"):
        report.table(
            text.named(text_accuracy.compared(outlook)),
            name="accuracy",
            columns=columns.scores(),
            caption="Bias: forecast against actual over all tests.",
        )
    report.save(outlook.scores, "scores")


@presents()
def by_horizon(report: Report, errors: pd.DataFrame, outlook: Outlook) -> None:
    """Show how the error grows with the weeks ahead."""
    report.save(errors, "by_horizon")
    if errors["mase"].isna().all():
        return
    bar = scoring.benchmark(outlook.scores, "department")
    with report.detail("How the error grows with the weeks ahead, by department"):
        report.chart(
            charts.by_horizon(errors, own=outlook.published, benchmark=bar),
            alt="Two lines over the weeks ahead: the published and the best simple forecast's "
            "error.",
            caption="Mean scaled error over departments and past forecasts.",
        )


@presents()
def challenger(report: Report, duel: pd.DataFrame, outlook: Outlook) -> None:
    """Show how the boosted challenger does."""
    boosted, published = gradient_boosting.BOOSTED, outlook.published
    with report.detail("The boosted challenger"):
        report.headline(text_accuracy.challenged(duel, published, boosted))
        report.say(text_accuracy.challenge_note(duel, published, boosted))
    report.save(duel[duel["model"].isin([boosted, published, "naive"])], "challenger")


@presents()
def coverage(report: Report, outlook: Outlook) -> None:
    """Show whether the intervals held."""
    covered = outlook.coverage
    report.finding(**text_accuracy.coverage_finding(covered))
    report.headline(text_accuracy.kept_promise(covered))
    report.say(text_accuracy.few_weeks(covered))
    report.say(text_accuracy.at_peaks(outlook.at_peaks))
    report.say(text_accuracy.sums_held(outlook.of_sums)[1])
    report.save(outlook.at_peaks, "coverage_at_peaks")
    with report.detail("Coverage by level"):
        report.table(
            text.named(covered),
            name="coverage",
            columns=columns.coverage(),
            caption="Series that sell now and then are calibrated apart. The interval allows for "
            "neighbouring weeks that share their luck.",
        )
        report.table(
            text.named(outlook.of_sums),
            name="coverage_of_sums",
            columns=columns.sums(),
            caption="Sums over the weeks ahead. Neighbouring forecasts share weeks, and series "
            "share their luck: the interval counts horizons end to end. Too few to tell: misses "
            "twice as frequent as promised would be no surprise. Sums at peaks are among them, too "
            "few to be told apart.",
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
        "before, wider where they fill few horizons.",
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
