"""How report 04 presents what changed, and single products: trends, shifts, outliers, launches."""

from __future__ import annotations

import pandas as pd

from analysis.demand.change import changepoints
from analysis.demand.change.decomposition import strengths
from analysis.demand.drivers.product_effects import Influences
from analysis.demand.drivers.what_if import ProductPlan, Scenario
from analysis.demand.series.sales_series import Series
from analysis.reporting.notebook import words
from analysis.reporting.notebook.outputs import presents
from analysis.reporting.notebook.report import Report
from analysis.reports.forecast import charts_products, columns, text_products


@presents()
def daily_parts(report: Report, days: pd.DataFrame) -> None:
    """Show trend, weekly rhythm and rest of daily sales."""
    report.headline(text_products.rhythm(strengths(days)))
    unit = f"{words.currency_sign(report.currency)} thousand a day"
    with report.detail("Trend, weekday and rest, day by day"):
        report.chart(
            charts_products.parts(days, unit=unit, scale=1_000),
            alt="Three lines over the days: the slow trend, the weekly rhythm, and the rest.",
            caption="Robust STL: Rest is what neither trend nor weekday explains; holidays stand "
            "out.",
        )
    report.save(days, "daily_parts")


@presents()
def trends(report: Report, slopes: pd.DataFrame, sold: Series) -> None:
    """Show the series that rise and fall."""
    report.finding(**text_products.trend_finding(slopes, report.params.fdr))
    report.headline(text_products.category_trend_counts(slopes))
    report.save(slopes, "trends")
    moving = slopes[slopes["direction"].isin(["rising", "falling"])]
    if moving.empty:
        return
    largest = moving.nlargest(14, "size").sort_values("growth")
    report.chart(
        charts_products.trends(largest, weeks=report.params.trend_weeks),
        alt="Dots with whiskers: change of the largest series with a trend, falls first.",
        caption=f"The largest of them. Theil-Sen slope over {len(sold.periods)} weeks; whiskers at "
        "the confidence that searching leaves (Benjamini and Yekutieli).",
    )


@presents()
def shifts(report: Report, steps: pd.DataFrame, sold: Series) -> None:
    """Show the series that moved to another level."""
    report.headline(text_products.shift_counts(steps))
    report.save(steps, "shifts")
    largest = changepoints.largest_shifts(sold, steps, count=6)
    if not largest:
        return
    report.chart(
        charts_products.steps(largest, unit=f"{words.currency_sign(report.currency)} a week"),
        alt="Small lines of weekly sales, each with its level before and after the shift.",
        caption="The largest, six at most. Dark: usual week before; red: since.",
    )


@presents()
def product_shifts(report: Report, jumps: pd.DataFrame, *, replaced: pd.DataFrame | None) -> None:
    """Show the products whose level changed at once."""
    report.headline(text_products.sudden_counts(jumps, replaced))
    with report.detail("The products that changed level"):
        report.table(
            text_products.sudden(jumps, replaced),
            name="product_shifts",
            columns=columns.sudden(),
            rows=8,
            caption="Units, promotions and holidays taken out; dated within five weeks. Price: "
            "change of the average price paid at the time. Products that replace another, and "
            "those that sold next to nothing before, are launches and not here.",
        )


@presents()
def product_trends(report: Report, slopes: pd.DataFrame) -> None:
    """Show the products that fall."""
    report.headline(text_products.trend_counts(slopes))
    report.save(slopes, "product_trends")
    with report.detail("The largest products that fall"):
        report.table(
            text_products.falling(slopes),
            name="falling_products",
            columns=columns.slopes(weeks=report.params.trend_weeks),
            rows=8,
            caption="Promotions, prices, holidays and sudden changes apart. An interval that ends "
            "at 0 leaves 0 itself out: weeks that sold alike speak for neither side.",
        )


@presents()
def outliers(report: Report, weeks: pd.DataFrame) -> None:
    """Show the single weeks of departments and categories that stood out."""
    report.headline(text_products.stood_out(weeks))
    with report.detail("The weeks that stood out"):
        report.table(
            weeks,
            name="outliers",
            columns=columns.outliers(),
            rows=8,
            caption="Weeks more than five robust standard deviations from the weeks around them. "
            "A holiday on a Monday counts for the week before.",
        )


@presents()
def product_outliers(report: Report, weeks: pd.DataFrame) -> None:
    """Show the single weeks in which a product sold far above its usual."""
    surges = text_products.surges(weeks)
    report.headline(text_products.odd_weeks(surges))
    with report.detail("The products and weeks"):
        report.table(
            surges,
            name="product_outliers",
            columns=columns.unit_outliers(),
            rows=8,
            caption="Units of best sellers, promotions, prices and holidays taken out: an order "
            "of a whole class, a wrong entry, or news.",
        )


@presents()
def lifecycle(report: Report, lives: pd.DataFrame, *, replaced: pd.DataFrame | None) -> None:
    """Show which products came and which went."""
    report.headline(text_products.came_and_went(lives, replaced))
    report.save(lives, "statuses")
    if replaced is not None:
        report.save(replaced, "successions")
    with report.detail("The largest that came or went"):
        report.table(
            text_products.came(lives, replaced).nlargest(10, "size"),
            name="lifecycle",
            columns=columns.lifecycle(),
            caption="Silence at either end that the product's own rate of selling cannot explain.",
        )


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
        alt="Dots with whiskers: how many times the usual units go with the clearest associations.",
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
