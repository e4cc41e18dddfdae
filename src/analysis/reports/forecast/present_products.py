"""How report 04 presents what moves products and categories, and what plans would bring."""

from __future__ import annotations

import pandas as pd

from analysis.demand.drivers.product_effects import Influences
from analysis.demand.drivers.what_if import ProductPlan, Scenario
from analysis.reporting.notebook import words
from analysis.reporting.notebook.presentation import presents
from analysis.reporting.notebook.report import Report
from analysis.reports.forecast import charts_products, text_products


@presents(Influences)
def product_effects(report: Report, moved: Influences) -> None:
    """Show which products promotions, prices and holidays move."""
    report.headline(text_products.moved(moved.table))
    report.save(moved.table, "influences")
    surest = text_products.surest(moved.table, count=14)
    if surest.empty:
        return
    report.chart(
        charts_products.influences(surest),
        alt="Dots with whiskers: how many times the usual units the clearest effects bring.",
        caption="The most significant, by product. 1 is as usual; logarithmic axis. Whiskers at "
        "the confidence that searching leaves (Benjamini and Yekutieli).",
    )


@presents()
def stockouts(report: Report, gaps: pd.DataFrame) -> None:
    """Show the silent weeks that look like an empty shelf."""
    report.headline(text_products.stock(gaps))
    report.say(text_products.stock_weeks(gaps))
    report.save(gaps, "stockouts")


@presents()
def promotion_plan(report: Report, promoted: ProductPlan) -> None:
    """Show what weeks on promotion would bring."""
    _plan(report, promoted, f"{words.count(report.params.plan_weeks, 'week')} on promotion")
    report.chart(
        charts_products.scenario(promoted.table, unit="Units a week"),
        alt="Two lines over the weeks ahead, without and with the promotion, and a band.",
    )


@presents()
def discount_plan(report: Report, cheaper: ProductPlan) -> None:
    """Show what weeks at a discount would bring."""
    weeks = words.count(report.params.plan_weeks, "week")
    _plan(report, cheaper, f"{weeks} at {words.percent(report.params.plan_discount, 0)} off")
    report.save(cheaper.totals, "plan_discount")


@presents()
def price_plan(report: Report, repriced: ProductPlan) -> None:
    """Show what another price would bring."""
    change = words.percent(report.params.plan_price, 0, signed=True)
    _plan(report, repriced, f"price {change}")
    report.save(repriced.totals, "plan_price")


def _plan(report: Report, plan: ProductPlan, what: str) -> None:
    horizon = report.params.horizon
    report.headline(text_products.plan(plan, what, horizon, report.currency))
    report.say(text_products.plan_note(plan, report.currency))


@presents()
def placement_effects(report: Report, found: pd.DataFrame) -> None:
    """Show which categories displays and mailers move."""
    report.headline(text_products.lever_counts(found))
    report.chart(
        charts_products.levers(found[found["p"].notna()].head(10)),
        alt="Dots with whiskers: change of sales with twice the displays or mailer places.",
        caption="The ten clearest. In colour: significant over all searched. Whiskers: 95 %.",
    )
    report.save(found, "levers")


@presents()
def placement_plan(report: Report, doubled: Scenario, chosen: pd.Series) -> None:
    """Show what twice as many displays or mailer places would bring."""
    horizon, currency = report.params.horizon, report.currency
    report.headline(text_products.placement_plan(doubled, chosen, horizon, currency))
    report.chart(
        charts_products.scenario(doubled.table, unit=f"{words.currency_sign(currency)} a week"),
        alt="Two lines over the weeks ahead, as of late and with the plan, and a band.",
        caption="Band: 95 % interval of the difference. All else the future brings is shared.",
    )
