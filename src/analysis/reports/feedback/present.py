"""How report 10 presents its results: finding, heading, chart, table and reading of each."""

from __future__ import annotations

import pandas as pd

from analysis.engagement.feedback.complaints import Complaints, Effort, Recovery
from analysis.engagement.feedback.product_alarms import Alarms
from analysis.engagement.feedback.response_rates import Response
from analysis.engagement.feedback.satisfaction_drivers import After, Drivers
from analysis.engagement.feedback.survey_rows import Surveys
from analysis.engagement.feedback.survey_scores import Scores
from analysis.engagement.feedback.text_topics import Topics
from analysis.engagement.feedback.written_feedback import Sentiment, Written
from analysis.reporting.notebook.outputs import presents
from analysis.reporting.notebook.report import Report
from analysis.reports.feedback import charts, columns, text, text_words


@presents()
def kinds(report: Report, given: pd.DataFrame) -> None:
    """Show what there is to read."""
    report.table(
        given.assign(kind=given["kind"].map(text.KINDS)), name="feedback_kinds",
        columns=columns.kinds(),
    )  # fmt: skip


def _spoken(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with the kinds of feedback as they are read."""
    return rows.assign(kind=rows["kind"].map(text.KINDS | text.NAMES))


@presents()
def scores(
    report: Report, surveys: Surveys, found: Scores, *, response: Response | None = None
) -> None:
    """Show the scores, and what was left out."""
    report.title(text.title(found, response))
    first, *others = text.score_findings(found)
    weighted = [] if response is None else [text.response_finding(response)]
    for finding in (*weighted, first, *others):
        report.finding(**finding)
    report.headline(text.scores_headline(found))
    said = text.off_scale(surveys)
    if said:
        report.say(said)
    report.table(
        text.shown_summary(found), name="scores", title="Scores of those who answered",
        columns=columns.summary(report.interval),
        caption=f"Answers to invitations, and reviews, from {surveys.period}. NPS: adjusted Wald "
        "interval; shares: Wilson; means: Student, errors by customer.",
    )  # fmt: skip
    report.save(found.spread, "score_spread")


@presents(Response)
def response(report: Report, found: Response) -> None:
    """Show who answers, and the scores of all who were asked."""
    report.headline(text.response_headline(found))
    lines = text.nps_lines(found)
    if len(lines):
        report.chart(
            charts.dots(
                lines,
                "Net promoter score, points",
                label="label",
                written="{:+.0f}",
                strong=lines["strong"],
            ),
            alt="Dots of the net promoter score as answered, weighted, and at its bounds: "
            + "; ".join(f"{r.label} {r.value:.0f}" for r in lines.itertuples())
            + ".",
            caption=f"Whiskers: {report.interval}. Bounds: one answer of all who were silent.",
        )
    report.table(
        text.shown_corrected(found), name="weighted_scores",
        columns=columns.corrected(report.interval),
        caption="Weights: one over the chance to answer, from a logistic regression on orders "
        "before, channel and time.",
    )  # fmt: skip
    report.say(text.response_reading(found))
    with report.detail("Response rates by group, and the bounds"):
        report.table(
            _spoken(found.rates), name="response_rates", columns=columns.rates(report.interval)
        )
        report.table(text.shown_bounds(found), name="score_bounds", columns=columns.bounds())
    report.save(found.model, "response_model")


@presents(Scores)
def groups(report: Report, found: Scores) -> None:
    """Show scores over time and by group."""
    report.headline(text.groups_headline(found))
    for kind in ("nps", "csat"):
        rows = found.groups[(found.groups["kind"] == kind) & (found.groups["by"] == "time")]
        if len(rows) > 1:
            name = text.NAMES[kind]
            headline = text.time_headline(found, kind)
            report.chart(
                charts.over_time(rows, name, factor=100.0 if kind == "nps" else 1.0),
                alt=f"Line of {name} over time with its interval. {headline}.",
                caption=f"{headline}. Band: {report.interval}.",
            )
    report.say(text.trend_reading(found))
    report.table(
        text.shown_groups(found), name="score_groups",
        title="Scores by group, those that differ most first",
        columns=columns.groups(report.interval), rows=15,
        caption=text.groups_reading(found, report.params.min_group),
    )  # fmt: skip
    with report.detail("What is withheld"):
        report.table(_spoken(found.withheld), name="withheld_groups", columns=columns.withheld())
    report.save(found.trend, "score_trends")


@presents(Complaints)
def complaints(report: Report, found: Complaints) -> None:
    """Show how long complaints take, and who waits."""
    for finding in text.waits_findings(found):
        report.finding(**finding)
    report.headline(text.waits_headline(found))
    if len(found.curves):
        report.chart(
            charts.waits(found.curves),
            alt=f"Falling curves of complaints without answer and unresolved. "
            f"{text.waits_headline(found)}.",
            caption=f"Kaplan-Meier estimate; bands: {report.interval}.",
        )
    report.table(found.times, name="complaint_times", columns=columns.waits(report.interval))
    report.say(text.waits_reading(found))
    with report.detail("Shares within days, and by channel"):
        report.table(found.marks, name="complaint_marks", columns=columns.marks(report.interval))
        channels = columns.wait_channels(report.interval)
        report.table(found.channels, name="complaint_channels", columns=channels)
    report.save(found.curves, "complaint_curves")
    report.save(found.reach, "complaint_share")


@presents()
def open_complaints(
    report: Report, waiting: pd.DataFrame, *, worth: pd.DataFrame | None = None
) -> None:
    """Show how many customers wait; who they are stands in the list that report 08 reads."""
    report.finding(**text.open_finding(waiting, worth))
    report.table(waiting, name="open_complaints", title="Open complaints")


@presents(Recovery)
def recovery(report: Report, back: Recovery) -> None:
    """Show whether customers with a resolved complaint come back, like with like."""
    report.headline(text.recovery_headline(back))
    report.table(
        back.table, name="complaint_recovery", columns=columns.recovery(report.interval),
        caption="Like with like: Mantel-Haenszel difference over strata that hold both sides.",
    )  # fmt: skip
    report.say(text.recovery_reading(back))
    report.save(back.strata, "complaint_strata")


@presents(Effort)
def effort(report: Report, found: Effort) -> None:
    """Show how easy customers found it, by how long their complaint took."""
    report.say(text.effort_reading(found))
    report.table(found.bands, name="complaint_effort", columns=columns.effort(report.interval))


@presents(Written)
def written(report: Report, found: Written) -> None:
    """Show how many texts there are and in which languages."""
    report.say(text_words.written_sentence(found))
    report.save(found.languages, "text_languages")


@presents(Sentiment)
def mood(report: Report, found: Sentiment) -> None:
    """Show the mood of texts, and how often the model is right."""
    report.headline(text_words.mood_headline(found))
    report.table(found.accuracy, name="mood_accuracy", columns=columns.accuracy(report.interval))
    report.say(text_words.mood_reading(found))
    with report.detail("Sentiment by kind of text, and calibration"):
        report.table(_spoken(found.kinds), name="moods", columns=columns.moods(report.interval))
        calibration = columns.mood_calibration()
        report.table(
            text_words.shown_calibration(found), name="mood_calibration", columns=calibration
        )


@presents(Topics)
def topics(report: Report, found: Topics) -> None:
    """Show what texts are about, in words that several customers use."""
    for kind in ("review", "complaint"):
        rows = found.shares[found.shares["kind"] == kind]
        if len(rows):
            headline = text_words.topics_headline(found, kind)
            report.headline(headline)
            report.chart(
                charts.dots(
                    rows.head(8),
                    "Texts that name it, %",
                    label="topic",
                    value="share",
                    written="{:.0f} %",
                    factor=100,
                ),
                alt=f"Dots of the share of texts by topic. {headline}.",
                caption=f"Whiskers: {report.interval} (Wilson). A text may have several topics.",
            )
    report.say(text_words.topics_reading(found))
    report.table(found.quotes, name="quotes", title="In their words", columns=columns.quotes())
    with report.detail("Topics by kind of text, and words of negative and positive reviews"):
        report.table(_spoken(found.shares), name="topics", columns=columns.topics(report.interval))
        report.table(found.words, name="mood_words", columns=columns.words(), rows=20)
    report.save(found.covered, "topics_covered")
    shown = found.rows.drop(columns="sorry")
    report.table(shown, name="verbatims", title="Texts, masked, with their topics")


@presents(Alarms)
def alarms(report: Report, found: Alarms) -> None:
    """Show the products that come back, or are written of as broken, too often."""
    report.finding(**text_words.alarm_finding(found))
    headline = text_words.alarm_headline(found)
    report.headline(headline)
    report.chart(
        charts.signs(found.products),
        alt=f"Dots of each product's returns against the usual. {headline}.",
        caption="One dot a product; on the dashed line returns are as usual in its department.",
    )
    rated = bool(found.products["rate"].notna().any())
    report.table(
        text_words.shown_alarms(found), name="product_alarms",
        columns=columns.alarms(without=columns.COUNTED if rated else columns.RATED), rows=8,
    )  # fmt: skip
    report.say(text_words.alarm_reading(found))


@presents(Drivers)
def drivers(report: Report, found: Drivers) -> None:
    """Show what satisfaction goes with."""
    late = text_words.late_finding(found)
    if late is not None:
        report.finding(**late)
    headline = text_words.drivers_headline(found)
    report.headline(headline)
    report.chart(
        charts.dots(
            found.effects,
            "Score, points of the scale",
            label="driver",
            value="effect",
            written="{:+.2f}",
            strong=found.effects["q"] <= text.FDR,
        ),
        alt=f"Dots of what satisfaction goes with. {headline}.",
        caption=f"Whiskers: {report.interval}. Full colour: significant over all (q up to 5 %).",
    )
    if len(found.late):
        report.table(
            found.late, name="late_scores", title="Late deliveries",
            columns=columns.late(report.interval),
            caption="Late: delivered after the promised day.",
        )  # fmt: skip
    report.say(text_words.drivers_reading(found))
    with report.detail("All drivers"):
        report.table(found.effects, name="drivers", columns=columns.drivers(report.interval))


@presents(After)
def after(report: Report, found: After) -> None:
    """Show what followed low and high scores."""
    report.finding(**text_words.after_finding(found))
    report.headline(text_words.after_headline(found))
    report.table(
        _spoken(found.groups), name="after_scores", columns=columns.after(report.interval),
    )  # fmt: skip
    report.table(
        _spoken(found.compared), name="after_compared", columns=columns.compared(report.interval),
    )  # fmt: skip
    report.say(text_words.after_reading(found))


@presents()
def trust(
    report: Report,
    surveys: Surveys,
    *,
    response: Response | None = None,
    mood: Sentiment | None = None,
    alarms: Alarms | None = None,
) -> None:
    """Show how far to trust the report."""
    report.trust(text_words.trust(surveys, response, mood, alarms))
