"""How report 07 presents forecasts by group, next spend, a question of one's own, model cards."""

from __future__ import annotations

import pandas as pd

from analysis.customers.churn.churn_forecast import ChurnForecast
from analysis.customers.churn.own_question import QuestionForecast
from analysis.customers.lifetime.spend_quantiles import SpendForecast
from analysis.customers.lifetime.valuation import Valuation
from analysis.customers.lifetime.value_scorecard import Scorecard
from analysis.reporting.notebook.outputs import presents
from analysis.reporting.notebook.report import Report
from analysis.reports.value import charts, columns, text_models
from analysis.tables.periods import Period


@presents()
def churn_groups(report: Report, table: pd.DataFrame) -> None:
    """Show for whom the forecast of churn is worse."""
    report.headline(text_models.groups_headline(table))
    report.say(text_models.groups_reading(table))
    report.save(table, "churn_groups")
    with report.detail("The forecast of churn by group"):
        shown = table[table["judged"]]
        report.table(
            shown.assign(attribute=shown["attribute"].map(text_models.spoken)),
            name="churn_groups_judged",
            columns=columns.churn_groups(),
        )


@presents(SpendForecast)
def spend(report: Report, found: SpendForecast) -> None:
    """Show what customers will spend, as quantiles, and whether such quantiles held."""
    report.headline(text_models.spend_headline(found))
    report.table(
        found.held,
        name="spend_quantiles",
        columns=columns.spend_quantiles(),
        caption=f"Net spend of {report.params.horizon_days} days after the last past cut-off, "
        f"{found.chosen.lower()}. Where many spend nothing, a quantile of nothing holds any share "
        "in between.",
    )
    report.say(text_models.spend_reading(found, report.currency))
    with report.detail("How the forecasts of spend did"):
        report.table(found.scores, name="spend_scores", columns=columns.spend_scores())
    report.save(found.customers, "spend_next")


@presents()
def own_question(report: Report, asked: QuestionForecast | None) -> None:
    """Show the answer to the question of the study's own; nothing where there is none."""
    if asked is None:
        report.leave_out()
        return
    report.finding(**text_models.question_finding(asked))
    headline = text_models.question_headline(asked)
    report.headline(headline)
    shown = asked.deciles.rename(columns={"happened": "churned"})
    report.chart(
        charts.churn_deciles(shown, did="Did it, %"),
        alt=f"Bars of the share that did it by tenth of the forecast. {headline}.",
        caption=f"{asked.chosen}, last cut-off checked. Whiskers: 95 % intervals (Wilson).",
    )
    report.say(text_models.question_reading(asked, report.params.gap_days))
    with report.detail("How the answers were learnt and checked"):
        report.table(asked.scores, name="question_scores", columns=columns.question_scores())
        report.table(asked.labelled, name="question_labels", columns=columns.question_labels())
        report.table(asked.deciles, name="question_deciles", columns=columns.question_deciles())
        report.table(
            asked.effects,
            name="question_effects",
            columns=columns.effects(),
            rows=8,
            caption="Logistic regression; what goes together with it, which need not cause it.",
        )
    report.save(asked.drift, "question_drift")
    report.save(asked.customers, "own_question")


@presents()
def model_cards(
    report: Report,
    history: Period,
    *,
    card: Scorecard | None = None,
    valued: Valuation | None = None,
    lost: ChurnForecast | None = None,
    groups: pd.DataFrame | None = None,
    spend: SpendForecast | None = None,
    asked: QuestionForecast | None = None,
    asked_groups: pd.DataFrame | None = None,
) -> None:
    """Show one card a model: what it is for, how good it is, and what it is not for."""
    days = report.params.horizon_days
    cards = {
        "Lifetime value": text_models.value_card(card, valued, history) if card and valued else [],
        "Churn": text_models.churn_card(lost, groups, days) if lost else [],
        "Next spend": text_models.spend_card(spend, days, history) if spend else [],
        "Own question": text_models.question_card(asked, asked_groups) if asked else [],
    }
    frames = []
    for model, rows in cards.items():
        if rows:
            frame = pd.DataFrame(rows, columns=["item", "says"])
            name = f"card_{model.lower().replace(' ', '_')}"
            with report.detail(f"Model card: {model.lower()}"):
                report.table(frame, name=name, columns=columns.card())
            frames.append(frame.assign(model=model))
    if frames:
        report.save(pd.concat(frames, ignore_index=True), "model_cards")
