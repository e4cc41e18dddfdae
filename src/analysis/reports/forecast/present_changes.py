"""How report 04 presents what changed: trends, level shifts, outliers, launches and ends."""

from __future__ import annotations

import pandas as pd

from analysis.demand.change import changepoints
from analysis.demand.change.decomposition import strengths
from analysis.demand.series.sales_series import Series
from analysis.reporting.notebook import words
from analysis.reporting.notebook.presentation import presents
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
            caption="Promotions, prices, holidays and sudden changes apart.",
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
