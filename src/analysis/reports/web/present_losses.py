"""How report 12 presents what visits fail by: slow pages, searches, baskets left."""

from __future__ import annotations

from analysis.engagement.web.abandoned_baskets import AbandonedBaskets
from analysis.engagement.web.page_faults import PageFaults
from analysis.engagement.web.site_search import SiteSearch
from analysis.reporting.notebook.presentation import presents
from analysis.reporting.notebook.report import Report
from analysis.reports.web import charts, columns, text, text_losses


@presents(PageFaults)
def faults(report: Report, found: PageFaults) -> None:
    """Show slow and failing pages and how sessions that met them went on."""
    finding = text_losses.faults_finding(found, report.params.confidence, report.currency)
    if finding:
        report.finding(**finding)
    report.headline(text_losses.faults_headline(found))
    if not found.costs.empty:
        report.chart(
            charts.costs(found.costs, found.costs["q"] <= text.DISCOVERED),
            alt=f"Dots of the difference in orders by fault. {text_losses.faults_headline(found)}.",
            caption=f"Whiskers: {report.interval}. Full colour: false discovery rate 5 % or less.",
        )
        report.table(found.costs, name="fault_costs", columns=columns.costs(report.interval))
    report.say(text_losses.faults_reading(found))
    report.table(
        found.pages, name="page_faults", title="Loading and failing", columns=columns.faults()
    )


@presents(SiteSearch)
def search(report: Report, found: SiteSearch) -> None:
    """Show where searches lead."""
    finding = text_losses.search_finding(found, report.params.confidence)
    if finding:
        report.finding(**finding)
    report.headline(text_losses.search_headline(found))
    report.table(found.terms, name="search_terms", columns=columns.terms(report.interval), rows=12)
    report.say(text_losses.search_reading(found))
    report.save(found.conversion, "search_conversion")


@presents(AbandonedBaskets)
def baskets(report: Report, found: AbandonedBaskets) -> None:
    """Show the baskets left, and save who left them."""
    report.finding(**text_losses.baskets_finding(found, report.currency))
    report.headline(text_losses.baskets_headline(found))
    report.table(found.returns, name="basket_returns", columns=columns.returns(report.interval))
    report.say(text_losses.baskets_reading(found))
    report.table(found.customers, name="abandoned_baskets", title="Baskets to remind of")
