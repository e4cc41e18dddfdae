"""How report 12 presents its results: finding, heading, chart, table and reading of each."""

from __future__ import annotations

import pandas as pd

from analysis.engagement.web.abandoned_baskets import AbandonedBaskets
from analysis.engagement.web.clickstream import Clickstream
from analysis.engagement.web.page_faults import PageFaults
from analysis.engagement.web.page_paths import PagePaths, SiteSearch
from analysis.engagement.web.purchase_funnel import PurchaseFunnel
from analysis.engagement.web.session_summary import WebOverview
from analysis.reporting.notebook.outputs import presents
from analysis.reporting.notebook.report import Report
from analysis.reports.web import charts, columns, text, text_losses


@presents()
def visits(report: Report, seen: WebOverview, web: Clickstream) -> None:
    """Show what visits are like."""
    report.title(text.title(seen))
    report.finding(**text.conversion_finding(seen, report.params.confidence))
    report.headline(text.visits_headline(seen))
    if len(seen.weeks) > 1:
        report.chart(
            charts.weekly(seen.weeks),
            alt=f"Line of the share of sessions with an order by week. {text.title(seen)}.",
            caption=f"By week in which the session began. Band: {report.interval}, a visitor's "
            "sessions taken together.",
        )
    report.say(text.visits_reading(seen, web))
    report.table(
        seen.sources, name="web_sources", title="Where sessions come from",
        columns=columns.sources(report.interval), rows=12,
    )  # fmt: skip
    report.save(seen.weeks, "web_weeks")
    report.save(seen.totals.to_frame().T.astype("float64"), "web_totals")


@presents(Clickstream)
def bots(report: Report, web: Clickstream) -> None:
    """Show which visitors are bots."""
    report.finding(**text.bots_finding(web))
    report.headline(text.bots_headline(web))
    report.table(web.robots, name="web_programs", columns=columns.bots())
    report.say(text.bots_reading(web))


@presents()
def session_rules(report: Report, table: pd.DataFrame) -> None:
    """Show how the number of sessions depends on the rule."""
    report.headline(text.rules_headline(table))
    report.table(table, name="session_rules", columns=columns.rules())


@presents()
def bounce(report: Report, table: pd.DataFrame) -> None:
    """Show bounce by each definition."""
    report.headline(text.bounce_headline(table))
    report.table(table, name="bounce", columns=columns.bounce(report.interval))
    report.say(text.bounce_reading(table))


@presents()
def attention(report: Report, table: pd.DataFrame) -> None:
    """Show how pages are seen, entered by and left from."""
    report.headline(text.attention_headline(table))
    report.table(
        table, name="page_attention", title="Pages, most seen first", columns=columns.pages(),
        caption="Seconds run to the next page; of a session's last page they are known only where "
        "the source tells them.",
    )  # fmt: skip


@presents(PurchaseFunnel)
def funnel(report: Report, made: PurchaseFunnel) -> None:
    """Show how many sessions get how far."""
    finding = text.drop_finding(made, report.params.confidence)
    if finding:
        report.finding(**finding)
    report.headline(text.funnel_headline(made))
    report.chart(
        charts.funnel(made.steps),
        alt=f"Bars of the share of sessions that reach each step. {text.funnel_headline(made)}.",
        caption="Steps in their order within a session.",
    )
    report.table(made.steps, name="funnel", columns=columns.funnel(report.interval))
    report.say(text.funnel_reading(made))
    report.table(
        made.windows, name="funnel_windows",
        title="Visitors who go on within some days, over several sessions",
        columns=columns.windows(report.interval),
        caption="Visitors with so many days to the end of the period; the days run from the last "
        "view of a product that leads to the step.",
    )  # fmt: skip


@presents()
def funnel_groups(report: Report, made: PurchaseFunnel) -> None:
    """Show who gets how far by device, source, history and segment."""
    table = text.orders_by_group(made)
    report.save(made.groups, "funnel_groups")
    if table.empty:
        return
    report.headline(text.groups_headline(table))
    report.chart(
        charts.groups(table[table["grouping"].isin(["device", "source"])]),
        alt=f"Dots of the share of sessions with an order by group. {text.groups_headline(table)}.",
        caption=f"Share of sessions with an order, by device and by source. Whiskers: "
        f"{report.interval}.",
    )
    report.table(table, name="orders_by_group", columns=columns.groups(report.interval))
    report.say(text.groups_reading())


@presents(PagePaths)
def paths(report: Report, found: PagePaths) -> None:
    """Show how sessions move between pages."""
    every = found.moves[found.moves["sessions"] == "all"]
    every = every.sort_values("moves", ascending=False, kind="stable")
    report.headline(text.paths_headline(found))
    report.chart(
        charts.graph(every),
        alt=f"Pages with arrows for the commonest moves. {text.paths_headline(found)}.",
        caption="The commonest moves: onwards on the right, back on the left, as thick as common.",
    )
    report.chart(
        charts.matrix(every), alt="Heat map of what follows each page: next page or exit.",
        caption="What follows a view of the page on the left, %.",
    )  # fmt: skip
    with report.detail("The commonest moves, counted"):
        report.table(
            every, name="page_moves_all", title="Commonest moves",
            columns=columns.moves(report.interval), rows=10,
        )  # fmt: skip
    report.save(found.moves, "page_moves")
    report.headline(text.signs_headline(found))
    report.table(
        found.signs, name="buyer_signs", columns=columns.signs(report.interval),
        caption="Sessions with an order against those without, compared at equal numbers of pages "
        "before the basket. What goes with an order need not bring it.",
    )  # fmt: skip


@presents()
def trust(report: Report, web: Clickstream, seen: WebOverview) -> None:
    """Show how far to trust the report."""
    report.trust(text.trust(web, seen))


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
