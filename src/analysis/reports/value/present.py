"""How report 07 presents its results: finding, heading, chart, table and reading of each."""

from __future__ import annotations

import pandas as pd

from analysis.customers.churn.churn_forecast import ChurnForecast
from analysis.customers.churn.retention_value import RetentionValue
from analysis.customers.lifetime.early_signs import EarlySigns
from analysis.customers.lifetime.forecast_tracking import NOMINAL, Tracking
from analysis.customers.lifetime.purchase_counts import TRAIT
from analysis.customers.lifetime.valuation import Valuation
from analysis.customers.lifetime.value_scorecard import NAIVE, Scorecard
from analysis.reporting.notebook import words
from analysis.reporting.notebook.outputs import presents
from analysis.reporting.notebook.report import Report
from analysis.reports.value import charts, columns, text, text_churn
from analysis.tables.periods import Period

#: Presenters of forecasts by group, next spend, own questions and cards stand in their own file.


@presents()
def gates(report: Report, table: pd.DataFrame, history: Period) -> None:
    """Show what must hold before single customers are forecast."""
    report.table(
        table,
        name="gates",
        title="What must hold before single customers are forecast",
        columns=columns.gates(),
        caption=f"Customers with a purchase from {history}; who only returned goods is none. "
        "Beside it, what a known vendor asks.",
    )


@presents(Scorecard)
def scorecard(report: Report, card: Scorecard) -> None:
    """Show how each forecast did at past cut-offs."""
    report.headline(text.contest(card))
    report.chart(
        charts.calibration(card.deciles, card.trusted, NAIVE, currency=report.currency),
        alt=f"Lines of forecast against outcome by decile. {text.contest(card)}.",
        caption=f"Margin per customer in {report.params.horizon_days} days at the last cut-off, "
        f"by decile of the forecast; on the dashed line it comes true. {report.margin}",
    )
    report.table(
        card.means,
        name="value_scorecard",
        columns=columns.scores(),
        caption="Means over the cut-offs; the interval is from resampling customers.",
    )
    report.say(text.contest_reading(card))
    report.save(card.scores, "value_rounds")
    report.save(card.deciles, "value_deciles")


@presents()
def valuation(report: Report, valued: Valuation, card: Scorecard) -> None:
    """Show what today's customers are expected to bring, all together."""
    months, values = report.params.main_months, valued.values
    report.title(text.title(values, months, report.currency))
    terms = (months, report.params.confidence, report.currency)
    report.finding(**text.value_finding(valued, card, *terms))
    report.finding(**text.trust_finding(card))
    report.finding(**text.concentration_finding(values, months))
    report.headline(text.values_headline(values, valued.totals, months, report.currency))
    report.chart(
        charts.value_bands(values.customers, months, currency=report.currency),
        alt="Line of the expected margin of customers by rank, falling, inside its band.",
        caption=f"Means of fiftieths of customers. Band: {report.interval} of one customer, luck "
        "alone.",
    )
    report.table(
        text.shown_totals(valued.totals),
        name="lifetime_totals_all",
        columns=columns.totals(report.interval),
        caption="The interval holds model error, luck and what past totals were missed by"
        f"{text.missed_side(valued.biases)}. Discounted at "
        f"{words.percent(report.params.discount, 0)} a year. {report.margin}",
    )
    report.say(
        text.used_model(card, valued.purchases.name)
        + text.values_reading(valued, months, report.currency)
    )
    factors = valued.purchases.estimate.table()
    factors = factors[factors["parameter"].str.contains(TRAIT)]
    if len(factors):
        with report.detail("By how many times attributes multiply how often customers come and go"):
            report.table(
                factors.assign(parameter=factors["parameter"].str.replace(TRAIT, "")),
                name="attribute_effects",
                columns=columns.parameters(),
            )
    report.save(valued.totals, "lifetime_totals")
    report.save(valued.purchases.estimate.table(), "purchase_parameters")


@presents()
def best_customers(report: Report, valued: Valuation) -> None:
    """Show the customers worth most by expectation."""
    months = report.params.main_months
    report.table(
        valued.values.customers.sort_values(f"value_{months}", ascending=False),
        name="lifetime_values",
        title="Worth most, by expectation",
        columns=columns.customers(report.interval, months=months),
        rows=10,
    )


@presents(Tracking, detail="Purchases expected and made, week by week beyond the fit")
def tracked(report: Report, held: Tracking) -> None:
    """Show the purchases expected and made, week by week beyond the fit."""
    report.headline(text.tracking_headline(held))
    caption = (
        f"{held.model}, fitted to {words.count(held.customers, 'customer')} first seen before "
        f"{words.day(held.cutoff)} (grey) and followed from there."
    )
    report.chart(
        charts.tracking(held.weeks, "expected", "made", "Repeat purchases a week"),
        alt=f"Lines of repeat purchases expected and made by week. {text.tracking_headline(held)}.",
        caption=caption,
    )
    report.say(text.tracking_reading(held))
    report.chart(
        charts.tracking(held.weeks, "expected_so_far", "made_so_far", "Repeat purchases so far"),
        alt=f"Rising lines of purchases expected and made. {text.tracking_headline(held)}.",
        caption=caption,
    )
    report.save(held.weeks, "purchase_tracking")


@presents()
def intervals_held(report: Report, held: pd.DataFrame) -> None:
    """Show how often the intervals of customers held at past cut-offs."""
    report.say(text.intervals_reading(held, NOMINAL))
    with report.detail("How intervals of customers held, cut-off by cut-off"):
        report.table(
            held,
            name="intervals_held",
            columns=columns.intervals_held(),
            caption="Margin per customer in the "
            f"{report.params.horizon_days} days after each cut-off, by the model that values rest "
            "on; of very many customers, a sample.",
        )


@presents()
def newcomers(report: Report, table: pd.DataFrame) -> None:
    """Show what a new customer is expected to bring."""
    terms = (report.params.main_months, report.params.confidence, report.currency)
    report.finding(**text.newcomer_finding(table, *terms))
    report.headline(text.newcomer_headline(table, report.params.main_months, report.currency))
    report.table(
        table,
        name="newcomer_value",
        columns=columns.newcomer(report.interval),
        caption=f"Discounted at {words.percent(report.params.discount, 0)} a year. The interval is "
        "of the mean of new customers, by model error and what past totals were missed by; single "
        "ones differ far more. Brought, undiscounted, by customers who came 60 days or more after "
        f"the history began and did not join before it. {report.margin}",
    )
    if table["brought"].notna().any():
        report.say(text.newcomer_reading(table, report.currency))


@presents(ChurnForecast)
def churn(report: Report, lost: ChurnForecast) -> None:
    """Show who is likely to be lost, and how well that was told before."""
    report.finding(**text_churn.churn_finding(lost, report.params.horizon_days))
    report.headline(text_churn.churn_headline(lost))
    report.chart(
        charts.churn_deciles(lost.deciles, lost.labelled["expected"].iloc[-1]),
        alt=f"Bars of the share that churned by tenth of risk. {text_churn.churn_headline(lost)}.",
        caption=f"{lost.chosen}, last cut-off checked. Whiskers: 95 % intervals (Wilson).",
    )
    report.say(text_churn.churn_reading(lost, report.currency))
    report.table(
        lost.scores,
        name="churn_scores",
        columns=columns.churn_scores(),
        caption=text_churn.profit_caption(lost.offer, report.currency),
    )
    with report.detail("Who was labelled, and what speaks for churn"):
        report.table(lost.labelled, name="churn_labels", columns=columns.labelled())
        report.table(
            lost.effects,
            name="churn_effects",
            title="What speaks for churn (+) and against it (−)",
            columns=columns.effects(),
            rows=8,
            caption="Logistic regression; what goes together with churn, which need not cause it.",
        )
    report.save(lost.deciles, "churn_deciles")
    report.save(lost.drift, "churn_drift")


@presents()
def value_at_risk(
    report: Report,
    kept: RetentionValue,
    lost: ChurnForecast,
    *,
    dates: pd.DataFrame | None = None,
    curve: pd.DataFrame | None = None,
) -> None:
    """Show what is at risk, the effect at which a contact breaks even, and what it can earn."""
    months = report.params.main_months
    report.finding(**text_churn.risk_finding(kept, months, report.currency))
    report.headline(text_churn.risk_headline(kept, report.currency))
    report.table(
        kept.groups,
        name="value_at_risk",
        columns=columns.at_risk(),
        caption=f"Margin over {months} months of the customers asked about. A test would show: the "
        f"smallest effect, none where it stays empty. {report.margin}",
    )
    report.say(text_churn.risk_reading(kept))
    if curve is not None:
        report.say(text_churn.curve_reading(curve, lost, report.currency))
        report.chart(
            charts.profit(curve, currency=report.currency),
            alt=f"Line of profit by share contacted. "
            f"{text_churn.curve_reading(curve, lost, report.currency)}",
            caption=f"Last cut-off checked, tenths by risk. Band: {report.interval}, of the share "
            "who accept and of who churned.",
        )
        report.save(curve, "profit_curve")
    report.table(
        text_churn.worth_keeping(kept, lost, dates),
        name="worth_keeping",
        title="Most at risk, in money",
        columns=columns.worth_keeping(),
        rows=10,
    )


@presents()
def next_purchases(report: Report, held: pd.DataFrame, dates: pd.DataFrame) -> None:
    """Show how well the dates of next purchases held."""
    report.headline(text_churn.due_headline(held))
    report.table(
        held,
        name="next_purchase_check",
        columns=columns.due(),
        caption="Dates forecast at the last past cut-off, calibrated at those before, that fell "
        f"due within {report.params.horizon_days} days.",
    )
    report.say(text_churn.due_reading(held))
    report.save(dates, "next_purchases")


@presents(EarlySigns)
def early_signs(report: Report, early: EarlySigns) -> None:
    """Show what excellent customers had done in their first weeks."""
    report.headline(text_churn.signs_headline(early))
    report.table(early.signs, name="early_signs", columns=columns.early_signs())
    report.say(text_churn.signs_reading(early))


@presents()
def trust(
    report: Report,
    history: Period,
    *,
    card: Scorecard | None = None,
    lost: ChurnForecast | None = None,
) -> None:
    """Show how far to trust the report."""
    report.trust(text.trust(card, lost, history, report.margin))
