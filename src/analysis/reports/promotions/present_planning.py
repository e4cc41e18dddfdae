"""How report 06 presents the plan of the next promotion."""

from __future__ import annotations

import pandas as pd

from analysis.promotions.planning import assignment
from analysis.promotions.planning.experiment_plan import COVARIATES, Basis
from analysis.reporting.notebook import words
from analysis.reporting.notebook.presentation import presents
from analysis.reporting.notebook.report import Report
from analysis.reports.promotions import charts, columns, text, text_planning


@presents()
def plan(report: Report, needed: pd.DataFrame, basis: Basis) -> None:
    """Show how many customers each measure needs."""
    params = report.params
    report.headline(
        text_planning.needed(needed, params.primary, params.worth_finding, params.plan_weeks)
    )
    report.table(needed, name="plan", columns=columns.needed(), caption=f"From {basis.window}.")
    report.say(text_planning.enough(needed, params.primary))
    without = text_planning.without_plan(needed)
    if without:
        report.say(without)


@presents(detail="Smaller changes and other designs")
def smallest_seen(report: Report, seen: pd.DataFrame, basis: Basis) -> None:
    """Show the smallest detectable change by customers taking part."""
    report.headline(
        "More customers show smaller changes, knowing their past shows smaller ones yet"
    )
    measure = text.MEASURES[report.params.primary].capitalize()
    report.chart(
        charts.smallest_seen(seen, available=int(basis.everybody.n)),
        alt="Two falling curves: smallest detectable change by customers taking part.",
        caption=f"{measure} per customer, half treated, "
        f"power {words.percent(report.params.power, 0)}.",
    )


@presents(detail="Smaller changes and other designs")
def designs(report: Report, found: pd.DataFrame) -> None:
    """Show which designs there are customers enough for."""
    report.headline(text_planning.designs(found))
    report.table(
        found,
        name="designs",
        columns=columns.designs(),
        caption=text_planning.design_notes(found),
    )


@presents(detail="How alike arms come out")
def assignments(report: Report, candidates: pd.DataFrame, given: pd.DataFrame) -> None:
    """Show how alike the arms of the next promotion are; who is in which is not published."""
    alike = assignment.balance(candidates, given, COVARIATES)
    report.headline(text_planning.drawn(alike))
    report.table(alike, name="next_balance", columns=columns.drawn())
    report.say(text_planning.how_drawn(report.seed))
