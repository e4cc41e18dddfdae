"""How report 02 presents life stages, second orders, win-back and how far to trust it all."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pandas as pd

from analysis.customers.features.attributes import days_before
from analysis.customers.retention import lifecycle, repeat_purchase
from analysis.customers.retention.lifecycle import Stages
from analysis.reporting.notebook import words
from analysis.reporting.notebook.outputs import presents
from analysis.reporting.notebook.report import Report
from analysis.reports.segmentation import charts, columns, text, text_profiles, text_stages
from analysis.stats.sizes import FEWEST_CUSTOMERS
from analysis.tables.periods import Period

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@presents()
def stages(
    report: Report,
    found: Stages,
    by_stage: pd.DataFrame,
    silent: pd.DataFrame,
    *,
    followed: pd.DataFrame | None,
) -> None:
    """Show what each life stage is worth."""
    silence = lifecycle.silence(by_stage, followed)
    report.title(text_stages.stages_title(silence, report.params.holdout_days))
    report.finding(**text_stages.stages_finding(silence))
    report.finding(
        **text_stages.slipping_finding(
            silence,
            silent if text.brought(by_stage, lifecycle.SILENT, "net_share") > 0 else None,
            report.params.confidence,
        )
    )
    report.save(found.table, "life_stages")
    headline = text_stages.stages_headline(silence)
    report.headline(headline)
    window = days_before(report.tables, report.as_of, days=report.params.window_days)
    draw(
        report,
        charts.worth_bars,
        by_stage,
        alt=f"Pairs of bars by life stage, share of customers and share of net sales. {headline}",
        caption=f"Net sales, {window}. Whiskers: {report.interval}. Who declines is told by net "
        "sales here, by margin in report 03.",
    )
    describe(report, by_stage, lifecycle.MEANING)
    shown = columns.worth(report.interval, label="Stage")
    with report.detail("Life stages in figures"):
        report.table(text.enough(by_stage), name="stages", columns=shown, caption=report.margin)


@presents()
def stages_next(report: Report, followed: pd.DataFrame, after: Period) -> None:
    """Show the chance of each life stage to buy again, as measured."""
    headline = text_stages.stages_order(followed)
    report.headline(headline)
    draw(
        report,
        charts.bought_again,
        followed,
        alt=f"Share of each life stage that bought after. {headline}",
        caption=f"Judged as of {words.day(after.start)}, followed on {after}. Whiskers: "
        f"{report.interval} (Wilson).",
    )
    with report.detail("What each stage did next, in figures"):
        report.table(
            text.enough(followed),
            name="stages_next",
            title="What each stage did next",
            columns=columns.what_next(report.interval, label="Stage"),
            caption=f"Judged as of {words.day(after.start)}, followed on {after}. "
            f"{text.REGRESSION}",
        )


@presents()
def transitions(report: Report, moves: pd.DataFrame, after: Period) -> None:
    """Show where customers of each stage are later."""
    with report.detail("Where each stage was later"):
        headline = text_stages.transitions(moves)
        report.headline(headline)
        if len(grid := text_stages.as_grid(moves)):
            report.chart(
                charts.heat_map(grid, across="Stage later", down="Stage before"),
                alt=f"Heat map of life stage later by life stage before. {headline}",
                caption=f"Per cent of each row: the stage as of {words.day(after.start)} and as of "
                f"{words.day(after.end)}. Stages of fewer than {FEWEST_CUSTOMERS} customers before "
                "are left out.",
            )
        report.save(moves, "stage_moves")


@presents()
def second_order(report: Report, newcomers: pd.DataFrame, curve: pd.DataFrame) -> None:
    """Show how many newcomers place a second order."""
    month, confidence = repeat_purchase.returned_by(curve, 30), report.params.confidence
    report.finding(**text_stages.second_finding(month, len(newcomers), confidence))
    headline = text_stages.second(month, len(newcomers))
    report.headline(headline)
    report.chart(
        charts.return_curve(curve),
        alt=f"Rising curve of newcomers who came back. {headline}",
        caption=f"Customers first seen {report.params.new_days} days or more into the data. "
        f"Band: {report.interval}.",
    )
    report.save(curve, "second_order")


@presents()
def retention(report: Report, kept: pd.DataFrame) -> None:
    """Show which cohorts still buy."""
    repeat_purchase.require(kept)
    with report.detail("Which cohorts still buy"):
        headline = text_stages.retention(kept)
        report.headline(headline)
        shown = text_stages.as_triangle(kept)
        report.chart(
            charts.heat_map(shown, across="Months after the first", down="First order in"),
            alt=f"Heat map of the share that bought by month. {headline}",
            caption="Per cent of each cohort. The first row may hold customers of any age.",
        )
        report.save(kept, "retention")


@presents()
def win_back(report: Report, back: pd.DataFrame, after: Period) -> None:
    """Show whether silent customers who were contacted came back more often."""
    report.headline(text_stages.win_back(back))
    with report.detail("Win-back in figures"):
        report.table(
            text_stages.known_returns(back),
            name="win_back",
            columns=columns.win_back(report.interval),
            caption=f"Silent on {words.day(after.start)} and 28 days more, contacted in these days "
            "or not; came back in the 56 days after.",
        )


def _names(report: Report, promotions: pd.Series) -> pd.Series:
    """Return promotions by the name that report 06 calls them by, where the study has names."""
    known = report.tables.promotions
    if "name" not in known.columns:
        return promotions
    pairs = known.select("promotion_id", "name").distinct().to_pandas()
    names = pairs.drop_duplicates("promotion_id").set_index("promotion_id")["name"]
    return promotions.map(names).fillna(promotions)


@presents()
def win_back_tested(report: Report, drawn: pd.DataFrame) -> None:
    """Show what randomised offers brought back."""
    drawn = drawn.assign(promotion=_names(report, drawn["promotion_id"]))
    report.headline(text_stages.tested(drawn))
    with report.detail("Win-back in figures"):
        report.table(
            drawn,
            name="win_back_tested",
            columns=columns.tested(report.interval),
            caption="Customers silent for 60 days when the arms were drawn; back within 56 days.",
        )


@presents()
def trust(
    report: Report, customers: pd.DataFrame, *, stages: Stages | None, rfm_next: pd.DataFrame | None
) -> None:
    """Say how far to trust the report."""
    report.trust(
        text_profiles.trust(
            rows=len(customers),
            simulated=report.tables.manifest.simulated,
            stages=stages,
            bought=rfm_next,
            margin=report.margin,
        )
    )


def draw(
    report: Report, drawing: Callable[[pd.DataFrame], Axes], table: pd.DataFrame, **said: str
) -> None:
    """Draw the segments that are large enough to be shown; nothing where none is."""
    figure = "net_share" if "net_share" in table else "bought"
    shown = text.enough(table).dropna(subset=figure).reset_index(drop=True)
    if len(shown):
        report.chart(drawing(shown), **said)


def describe(report: Report, table: pd.DataFrame, meaning: text.Meaning) -> None:
    """Say who the segments of ``worth.worth`` are; nobody is told here what to do with whom."""
    tried = text.hypotheses(table, meaning)
    table = text.enough(table)
    with report.detail("Who they are, and what practice tries with such segments"):
        report.say(text.sentences(table, meaning, report.currency))
        if tried:
            report.say(tried)
