"""How report 01 presents its results: finding, heading, chart, table and reading of each."""

from __future__ import annotations

from contextlib import suppress

import pandas as pd

from analysis.customers.segments import profile
from analysis.customers.segments.profile import Portrait
from analysis.demand.change import contribution, trading_pattern
from analysis.demand.change.contribution import Movers
from analysis.demand.change.price_index import PriceIndex
from analysis.demand.change.revenue_tree import RevenueTree
from analysis.errors import NotApplicable
from analysis.quality import date_coverage
from analysis.quality.drift import Drift
from analysis.quality.store_days import StoreGaps
from analysis.reporting.notebook.outputs import presents
from analysis.reporting.notebook.report import Report
from analysis.reports.profiling import (
    charts,
    charts_quality,
    columns,
    text,
    text_people,
    text_quality,
)
from analysis.tables.comparison import Comparison


@presents(Comparison)
def scope(report: Report, compared: Comparison) -> None:
    """Say what is compared."""
    report.say(text.scope(report.tables.manifest, compared))


@presents()
def rows(report: Report, ledger: pd.DataFrame) -> None:
    """Show that every row of the source is accounted for."""
    headline, paragraph = (
        text_quality.ledger_headline(ledger),
        text_quality.ledger_paragraph(ledger),
    )
    report.headline(headline)
    with report.detail("Row by row, source by source"):
        report.chart(
            charts_quality.reconciliation(ledger),
            alt=f"Rows by source. {headline}. {paragraph}",
            caption="Rows read from each source (blue); where some were left out, rows kept and "
            "why not.",
        )
        report.say(paragraph)
    report.save(ledger, "row_reconciliation")


@presents()
def checks(report: Report, checked: pd.DataFrame) -> None:
    """List what the checks found."""
    report.headline(text_quality.checks_headline(checked))
    for severity, folded in (("decide", ""), ("know", "Things to know")):
        found = checked[checked["severity"] == severity]
        with report.detail(folded):
            report.say(text_quality.checks_list(found, report.currency))
    report.save(checked, "checks")


@presents(RevenueTree)
def growth(report: Report, tree: RevenueTree, compared: Comparison) -> None:
    """Show what the change of net sales came through."""
    currency, confidence = report.currency, report.params.confidence
    report.finding(**text.net_change(tree, compared, confidence))
    report.finding(**text.driver(tree, currency, confidence))
    report.headline(text.tree_headline(tree, currency))
    report.say(text.tree_paragraph(tree, currency, confidence))
    report.chart(
        charts.contributions(tree.factors, currency=currency),
        alt=text.tree_alt(tree, currency),
        caption="Contribution of each factor. Whiskers: interval from drawing customers again.",
    )
    with report.detail("The factors with their intervals"):
        report.table(
            text.tree_table(tree), name="revenue_tree", columns=columns.tree(report.interval)
        )


@presents(PriceIndex)
def prices(report: Report, index: PriceIndex) -> None:
    """Say what prices of the same products did, apart from what was bought."""
    report.say(text.prices(index, report.params.confidence))
    report.save(index.table, "price_index")


@presents()
def bridge(report: Report, steps: pd.DataFrame, compared: Comparison) -> None:
    """Show the change by customers won, lost and kept."""
    currency = report.currency
    report.finding(**text.bought_less(steps, currency, report.params.confidence))
    report.headline(text.bridge_headline(steps, currency))
    report.say(text.bridge_paragraph(steps, compared, currency))
    report.chart(
        charts.bridge(steps, currency=currency),
        alt=text.bridge_alt(steps, currency),
        caption="Each step starts where the last ended. Black marks: week-to-week variation alone.",
    )
    with report.detail("The steps with their intervals"):
        report.table(steps, name="customer_bridge", columns=columns.bridge(report.interval))


@presents()
def departments(report: Report, changed: Movers) -> None:
    """Show which departments carry the change."""
    apart = report.tables.manifest.not_merchandise
    report.headline(
        text.groups_headline(
            changed, report.currency, noun="department", nouns="departments", apart=apart
        )
    )
    report.say(text.withheld(changed, report.currency, nouns="departments"))
    with suppress(NotApplicable):
        report.chart(
            charts.growth(changed.table, names=changed.table["group"], top=12),
            alt=text.growth_alt(changed, top=12),
            caption="The largest departments. Grey: not significant. Right: share of net sales.",
        )
    with report.detail("The departments with their intervals"):
        shown = columns.groups(report.interval, label="Department")
        report.table(changed.table, name="departments", columns=shown, rows=report.params.top)


@presents()
def stores(report: Report, changed: Movers) -> None:
    """Show which stores changed significantly."""
    top, currency = report.params.top, report.currency
    report.headline(text.groups_headline(changed, currency, noun="store", nouns="stores"))
    report.say(text.withheld(changed, currency, nouns="stores"))
    moved = text.name_stores(contribution.top_movers(changed, top=top))
    _movers(report, moved, moved["name"], "Changed significantly.")
    with report.detail("The largest stores"):
        shown = columns.groups(report.interval, label="Store")
        report.table(changed.table, name="stores", columns=shown, rows=top)


@presents()
def like_for_like(report: Report, same: pd.DataFrame) -> None:
    """Say how the stores that sold in both periods did, taken together."""
    report.say(text.like_for_like(same))
    report.save(same, "like_for_like")


def _movers(report: Report, moved: pd.DataFrame, names: pd.Series, what: str) -> None:
    """Show what moved most; no chart where nothing moved significantly."""
    with suppress(NotApplicable):
        report.chart(
            charts.movers(moved, names=names, currency=report.currency),
            alt=text.movers_alt(moved, report.currency),
            caption=f"{what} Whiskers hold after the selection. Right: growth.",
        )


@presents()
def products(report: Report, changed: Movers, compared: Comparison) -> None:
    """Show the products that rose and fell most."""
    report.finding(**text.moved_products(changed, compared))
    report.headline(text.movers_headline(changed))
    report.say(text.movers_paragraph(changed, compared, report.currency))
    moved = contribution.top_movers(changed, top=report.params.top)
    moved = text.label_products(contribution.name_products(moved, report.tables))
    _movers(report, moved, moved["label"], "The largest significant changes.")
    compared.check()
    with report.detail("The products with their intervals"):
        report.table(moved, name="top_movers", columns=columns.movers())
    report.save(changed.table, "products")


@presents()
def weeks(report: Report, sales: pd.DataFrame, compared: Comparison) -> None:
    """Show net sales by week."""
    report.headline(text_people.weeks_headline(sales))
    report.chart(
        charts.weeks(sales, split=compared.current.start, currency=report.currency),
        alt=text_people.weeks_alt(sales, report.currency),
        caption="Whole weeks; blue: the period under report; dashed: averages.",
    )
    report.save(sales, "weeks")


@presents()
def weekdays(report: Report, days: pd.DataFrame) -> None:
    """Show on which weekdays customers come."""
    report.headline(text_people.rhythm_headline(days))
    with report.detail("Each weekday with its interval"):
        report.table(days, name="weekdays", columns=columns.weekdays(report.interval))


@presents()
def hours(report: Report, orders: pd.DataFrame) -> None:
    """Show at which hours customers come."""
    report.headline(text_people.hours_headline(orders, *trading_pattern.busiest(orders)))
    report.chart(
        charts.heat(orders),
        alt=text_people.hours_alt(orders),
        caption="Orders an hour, on days with any order; empty: closed. Local time.",
    )
    report.save(orders, "hours")


@presents()
def known(report: Report, sides: pd.DataFrame, skipped: list[str]) -> None:
    """Show how customers with known attributes buy beside those without."""
    report.finding(**text_people.known_share(sides))
    report.headline(text_people.known_headline(sides))
    report.say(text_people.known_paragraph(sides, skipped))
    with report.detail("Known and unknown customers side by side"):
        report.table(sides, name="known_customers", columns=columns.known(report.interval))


@presents(Portrait)
def portrait(report: Report, found: Portrait) -> None:
    """Show each known attribute against how customers buy."""
    params = report.params
    leading = profile.leading(found, measure="net_per_customer", attributes=4)
    report.headline(text_people.portrait_headline(found, params.fdr))
    report.say(text_people.portrait_paragraph(found, params.minimum_group, params.fdr))
    report.chart(charts.portrait(leading, fdr=params.fdr), **text_people.portrait_chart(leading))
    with report.detail("What each attribute explains, and every group"):
        by_attribute = text_people.readable(found.attributes)
        report.table(by_attribute, name="attributes", columns=columns.attributes())
        side_by_side = text_people.readable(profile.side_by_side(found))
        report.table(side_by_side, name="portrait", columns=columns.indices())
    report.save(found.indices, "portrait_intervals")


@presents(Drift)
def drift(report: Report, shift: Drift) -> None:
    """Show whether the mix of orders is still what it was."""
    report.finding(**text_quality.drift(shift))
    report.headline(text_quality.drift_headline(shift))
    with report.detail("How far each mix moved"):
        below = f"{100 * (1 - report.params.fdr):g} %"
        report.chart(
            charts_quality.drift(shift.dimensions),
            alt=text_quality.drift_alt(shift),
            caption=f"Dot: what moved. Bar: {below} of random permutations of weeks stay below.",
        )
        report.table(shift.dimensions, name="drift", columns=columns.drift())
    report.save(shift.values, "drift_values")


@presents()
def days(report: Report, calendar: pd.DataFrame) -> None:
    """Show days without an order and days far from usual."""
    headline = text_quality.days_headline(calendar, date_coverage.LIMIT)
    report.headline(headline)
    report.chart(
        charts_quality.days(calendar, limit=date_coverage.LIMIT, currency=report.currency),
        alt=f"Line chart of net sales by day. {headline}",
        caption="Dots: far from that weekday's usual; cross: no order at all.",
    )
    report.save(calendar, "days")


@presents(StoreGaps)
def store_days(report: Report, found: StoreGaps) -> None:
    """Show the days on which one store sold nothing while others did."""
    gaps = found.table
    report.headline(text_quality.store_days_headline(gaps, report.currency))
    if gaps.empty:
        report.save(gaps, "store_days")
        return
    with report.detail("Each store and its days without orders"):
        report.table(gaps, name="store_days", columns=columns.store_days())


@presents()
def returns(report: Report, rates: pd.DataFrame) -> None:
    """Show which products come back far more often than others of their kind."""
    if rates["faulty"].any():
        report.finding(**text_quality.returned_product(rates))
    report.headline(text_quality.returns_headline(rates))
    with report.detail("The products that come back most"):
        shown = text_quality.named(rates.head(report.params.top))
        report.table(shown, name="returns_most", columns=columns.returns(report.interval))
    report.save(rates, "returns")


@presents()
def outliers(report: Report, limits: pd.DataFrame, examples: pd.DataFrame) -> None:
    """Show values far outside."""
    report.headline(text_quality.extremes_headline(limits))
    report.say(text_quality.extremes_paragraph(limits, report.currency))
    report.save(limits, "outlier_limits")
    with report.detail("The values furthest out"):
        report.table(examples, name="outliers", columns=columns.outliers())


@presents()
def completeness(report: Report, filled: pd.DataFrame) -> None:
    """Show which columns the source does not fill."""
    report.headline(text_quality.fill_headline(filled))
    with suppress(NotApplicable):
        report.chart(
            charts_quality.completeness(filled),
            alt=text_quality.fill_alt(filled),
            caption="Columns that the study has, but not for every row.",
        )
    report.say(text_quality.absent_columns(filled))
    report.save(filled, "completeness")


@presents()
def trust(
    report: Report,
    compared: Comparison,
    ledger: pd.DataFrame,
    checked: pd.DataFrame,
    *,
    tree: RevenueTree | None = None,
    sides: pd.DataFrame | None = None,
) -> None:
    """Say how far to trust the report, and what it found first of all."""
    report.finding(**text_quality.checks(checked))
    report.trust(text_quality.trust(compared, ledger, checked, tree, sides))
    report.title(text.title(tree))
