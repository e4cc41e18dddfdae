"""Presenters of report 00."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from analysis.answers import NotGiven
from analysis.reporting.briefing.brief import Brief
from analysis.reporting.notebook.outputs import presents
from analysis.reports.summary import columns, text, text_plans

if TYPE_CHECKING:
    from analysis.reporting.notebook.report import Report


@presents(Brief)
def sheet(report: Report, brief: Brief) -> None:
    """Show what is read at one look."""
    board, currency = brief.board, report.currency
    report.title(text.title(board, brief.changes))
    report.sheet(
        [
            text.sales(board, brief.changes, brief.bridge),
            text.why(board, brief.tree, brief.week, brief.same),
            text_plans.decide(brief.asked, currency, report.params.most_decisions),
            text.promotion(board, brief.promotion),
            text.losses(board, brief.lost),
            text.trust(board, brief.trust),
            text_plans.scorecard(board, brief.scores, brief.kept),
            text_plans.came(board, brief.log),
            text_plans.planned(brief.coming),
        ]
    )


@presents()
def sales(report: Report, changes: pd.DataFrame) -> None:
    """Show the comparisons behind the sheet."""
    finding = text.week_finding(changes, report.currency)
    if finding:
        report.finding(**finding)
    report.table(changes, name="sales_changes", columns=columns.changes())


@presents()
def week(report: Report, drivers: pd.DataFrame) -> None:
    """Show what the change of the last week is made of."""
    title = "The last week on the week before"
    report.table(drivers, name="week_drivers", title=title, columns=columns.week_drivers())


@presents()
def like_for_like(report: Report, same: pd.DataFrame) -> None:
    """Show the sales of the stores that sold in both periods."""
    title = "Stores and channels with enough customers that sold in both periods"
    report.table(same, name="like_for_like", title=title, columns=columns.like_for_like())


@presents()
def decisions(report: Report, asked: pd.DataFrame) -> None:
    """Show everything that asks for a decision."""
    report.finding(**text_plans.decisions_finding(asked))
    report.table(
        asked, name="decisions", columns=columns.priorities(),
        caption="Money at stake counts by the part of it that the end of the interval nearer to "
        "zero still has; half where a finding has no interval, at most half where no test shows "
        "the cause; none where no amount is known.",
    )  # fmt: skip


@presents()
def log(report: Report, decided: pd.DataFrame) -> None:
    """Show what was decided and what came of it."""
    report.table(decided, name="decided", columns=columns.measured())


@presents()
def plans(report: Report, coming: pd.DataFrame) -> None:
    """Show what is planned."""
    report.table(coming, name="planned", columns=columns.planned())


@presents()
def scorecard(report: Report, brief: Brief) -> None:
    """Show the strategy scorecard whole, and keep today's figures for later runs."""
    report.table(brief.scores, name="scorecard", columns=columns.scorecard())
    report.save(brief.kept, "history")


@presents()
def trust(report: Report, brief: Brief) -> None:
    """Say which reports this page rests on."""
    rests = text_plans.rests_on(brief.board)
    report.trust([*rests, *([] if isinstance(brief.trust, NotGiven) else text.data(brief.trust))])
