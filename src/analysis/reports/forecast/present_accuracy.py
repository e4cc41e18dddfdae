"""How report 04 presents what past forecasts say: accuracy, challenger, coverage."""

from __future__ import annotations

import pandas as pd

from analysis.demand.forecast import accuracy as scoring
from analysis.demand.forecast.forecast import Outlook
from analysis.demand.models import gradient_boosting
from analysis.reporting.notebook.presentation import presents
from analysis.reporting.notebook.report import Report
from analysis.reports.forecast import charts, columns, text, text_accuracy


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
    with report.detail("Coverage by level"):
        report.table(
            text.named(covered),
            name="coverage",
            columns=columns.coverage(),
            caption="Series that sell now and then are calibrated apart. The interval allows for "
            "neighbouring weeks that share their luck.",
        )
