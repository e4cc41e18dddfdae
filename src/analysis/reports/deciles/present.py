"""How report 03 presents its results: finding, heading, chart, table and reading of each."""

from __future__ import annotations

import pandas as pd

from analysis.customers.features.attributes import Coverage, days_before
from analysis.customers.features.weekly import WeeklyAmounts
from analysis.customers.retention.decline import Fading
from analysis.customers.retention.win_back import ContactPlan, ContactTerms
from analysis.customers.value import deciles as decile_groups
from analysis.customers.value.concentration import shown as shown_curve
from analysis.customers.value.decile_migration import Persistence
from analysis.customers.value.deciles import Agreement, Deciles
from analysis.reporting.notebook import words
from analysis.reporting.notebook.outputs import presents
from analysis.reporting.notebook.report import Report
from analysis.reports.deciles import charts, columns, text, text_decline
from analysis.reports.segmentation.text import only_returned
from analysis.stats.resampling import Estimates
from analysis.tables.periods import Period


def _window(report: Report) -> Period:
    return days_before(report.tables, report.as_of, days=report.params.window_days)


@presents()
def data(report: Report, weeks: WeeklyAmounts, covered: Coverage, customers: pd.DataFrame) -> None:
    """Say who is ranked, over which days, and what margin rests on."""
    bought = words.count(len(customers), "customer")
    amount = words.money(covered.buyers_amount, 0, report.currency)
    report.say(
        f"{bought} bought for {amount} from {_window(report)}."
        f"{only_returned(covered.returners, covered.returned_amount, report.currency)} "
        f"{text.halves(weeks)} {report.margin}"
    )


@presents(Deciles)
def deciles(report: Report, by_sales: Deciles) -> None:
    """Show what each group of customers brings."""
    report.title(text.title(by_sales))
    report.finding(**text.share_finding(by_sales, report.params.confidence))
    decile_groups.require(by_sales)
    best, last = by_sales.table.iloc[0], by_sales.table.iloc[-1]
    report.headline(text.gap(by_sales))
    report.chart(
        charts.share_bars(by_sales.table),
        alt="Bars of each group's share of net sales, from the best group, "
        f"{words.percent(best.share)}, to the last, {words.percent(last.share)}.",
        caption=f"Share of net sales by group of customers, {_window(report)}. "
        f"Whiskers: {report.interval} from resampling whole customers.",
    )
    shown = columns.deciles(report.interval, part=columns.part(report.params.groups))
    report.table(by_sales.table, name="deciles", columns=shown, caption=report.margin)


@presents()
def growth(report: Report, by_sales: Deciles, weeks: WeeklyAmounts) -> None:
    """Show which groups moved the total."""
    weeks.require()
    decile_groups.require(by_sales)
    report.headline(text.growth(by_sales))
    with report.detail("Growth of each group with its interval"):
        report.chart(
            charts.growth_bars(by_sales.table),
            alt="Bars of what each group added to the growth of net sales, in percentage points, "
            "with intervals; coloured where it is significant.",
            caption=f"Net sales of {weeks.now} against {weeks.before}; the bars add up to the "
            f"total's growth. Whiskers: {report.interval}. In colour: significant after "
            "correction for all groups.",
        )
        shown = columns.growth(report.interval, part=columns.part(report.params.groups))
        report.table(
            by_sales.table,
            name="decile_growth",
            columns=shown,
            caption="Intervals: of each group by itself. Significant: corrected for all groups.",
        )


@presents()
def margin_deciles(report: Report, by_margin: Deciles, ranks: Agreement) -> None:
    """Show the groups by margin, and how far both rankings agree."""
    decile_groups.require(by_margin)
    report.headline(text.agreement(ranks))
    with report.detail("The groups by margin"):
        shown = columns.margin_deciles(report.interval, part=columns.part(report.params.groups))
        report.table(by_margin.table, name="margin_deciles", columns=shown, caption=report.margin)
    decile_groups.require_disagreement(ranks)
    report.table(
        ranks.customers,
        name="rank_disagreement",
        title="Customers whose ranks by sales and by margin are furthest apart",
        columns=columns.disagreement(part=columns.part(report.params.groups)),
        caption=report.margin,
        rows=7,
    )


@presents()
def purchase_deciles(report: Report, parts: pd.DataFrame, curve: pd.DataFrame) -> None:
    """Show how many customers make each equal part of sales."""
    curve = shown_curve(curve, int(parts["cumulative_customers"].fillna(0).iloc[-1]))
    report.finding(**text.part_finding(parts, curve, report.params.confidence))
    report.headline(text.first_part(parts))
    first, last = (words.number(parts.customers.iloc[place]) for place in (0, -1))
    report.chart(
        charts.purchase_bars(parts),
        alt="Bars of the number of customers who make each equal part of net sales, from "
        f"{first} to {last}.",
        caption=f"Customers who make each equal part of net sales, {_window(report)}. "
        f"Whiskers: {report.interval}.",
    )
    with report.detail("Each part with its interval"):
        shown = columns.purchase_deciles(report.interval, part=columns.part(report.params.groups))
        report.table(parts.drop(columns="amount"), name="purchase_deciles", columns=shown)


@presents()
def concentration(
    report: Report, parts: pd.DataFrame, curve: pd.DataFrame, measures: pd.DataFrame
) -> None:
    """Show the Pareto curve."""
    curve = shown_curve(curve, int(measures["n"].iloc[0]))
    report.headline(text.pareto(parts))
    report.chart(
        charts.pareto_curve(curve),
        alt="Pareto curve of net sales over customers, the largest first, above the diagonal of "
        f"equal customers. {text.pareto(parts)}",
        caption=f"What the first x % of customers bring, {_window(report)}. "
        f"Band: {report.interval}, point by point.",
    )
    report.save(curve, "pareto_curve")
    report.save(measures, "concentration")


@presents()
def lorenz(report: Report, drawn: pd.DataFrame, measures: pd.DataFrame) -> None:
    """Show the Lorenz curve and read the Gini coefficient from it."""
    drawn = shown_curve(drawn, int(measures["n"].iloc[0]))
    with report.detail("The Lorenz curve"):
        report.headline(text.smaller_half(drawn))
        report.chart(
            charts.lorenz_curve(drawn, gini=measures.estimate.iloc[0]),
            alt="Lorenz curve of net sales over customers, the smallest first, below the diagonal "
            f"of equal customers. {text.smaller_half(drawn)}",
            caption="The Pareto curve read from the other end. Twice the area up to the diagonal "
            f"is the Gini coefficient. Band: {report.interval}, point by point.",
        )
    report.say(f"{text.gini(measures)} {text.negatives(measures)}")
    report.save(drawn, "lorenz_curve")


@presents()
def losses(report: Report, lost: pd.DataFrame) -> None:
    """Show what losing the largest customers would cost."""
    with report.detail("What it costs, by how many are lost"):
        report.table(
            lost,
            name="concentration_risk",
            title="What losing the largest customers would cost",
            columns=columns.losses(report.interval),
            caption=report.margin,
        )


@presents()
def profit_groups(report: Report, kinds: pd.DataFrame) -> None:
    """Show the three profitable groups."""
    report.headline(text_decline.groups(kinds))
    report.table(
        text_decline.named_groups(kinds),
        name="value_groups",
        columns=columns.value_groups(),
        caption=f"Declining customers are in one of the groups above, too. {report.margin}",
    )


@presents()
def decline(report: Report, faded: Fading, weeks: WeeklyAmounts) -> None:
    """Show how many customers fell beyond their own noise."""
    report.finding(**text_decline.fading_finding(faded))
    report.headline(text_decline.noise(faded))
    with report.detail("Falls, chance, and what is significant"):
        report.chart(
            charts.noise_bars(faded),
            alt=text_decline.noise(faded),
            caption=f"Margin of {weeks.now} against {weeks.before}. Whisker: middle 95 % of the "
            f"permutations. {report.margin}",
        )
    report.say(text_decline.false_alarms(faded))
    report.save(faded.table, "fading")


@presents()
def contact_plan(report: Report, plan: ContactPlan, returns: Estimates) -> None:
    """Show from which share brought back a contact pays, and whom it would pay to contact."""
    report.finding(**text_decline.risk_finding(plan, report.currency, report.margin))
    report.headline(text_decline.contact(plan, report.currency))
    regained = text_decline.regained(returns)
    report.say(f"{text_decline.at_risk(plan, report.currency)} {regained}")
    each = plan.customers.drop(columns="worth_it")  # whom to contact is ruled in report 08 alone
    if each.empty:
        report.save(each, "margin_at_risk")
    else:
        report.chart(
            charts.gain_curve(plan, currency=report.currency),
            alt="Line of the gain from contacting all declining customers, rising with the share "
            "of lost margin that a contact brings back and crossing zero at the break-even.",
            caption=f"Margin over {report.params.horizon_days} days less the cost. "
            f"Band: {report.interval}. {report.margin}",
        )
        report.table(
            each,
            name="margin_at_risk",
            title="What each decline costs, and from which effect a contact would repay",
            columns=columns.contacts(),
            rows=10,
            caption="Margin; the first half moved with the total of all customers. "
            + report.margin,
        )
    report.say(text_decline.RULED_ELSEWHERE)


@presents()
def decile_migration(report: Report, stay: Persistence, weeks: WeeklyAmounts) -> None:
    """Show whether customers stay in their group, and where the others went."""
    groups, confidence = report.params.groups, report.params.confidence
    report.finding(**text.stay_finding(stay, groups, confidence))
    report.headline(text.stayed(stay))
    with report.detail("How many stayed, by group"):
        report.chart(
            charts.stay_lines(stay.stayed),
            alt="Lines over the groups of the first half: the share seen in the same group in the "
            f"second half, that by variation alone, and by chance. {text.stayed(stay)}",
            caption=f"{weeks.before} against {weeks.now}, by net sales. "
            f"Whiskers: {report.interval}.",
        )
    report.say(text.moved(stay))
    with report.detail("Where customers went, group by group"):
        report.headline(text.went(stay))
        report.chart(
            charts.transition_map(stay.matrix),
            alt="Heat map of the group in the second half by the group in the first. "
            f"{text.went(stay)}",
            caption="Per cent of each row; less than half a per cent is left out.",
        )
    report.save(stay.summary, "persistence")
    report.save(stay.stayed, "stayed")
    report.save(stay.matrix, "transitions")


@presents()
def trust(
    report: Report, by_sales: Deciles, covered: Coverage, weeks: WeeklyAmounts, terms: ContactTerms
) -> None:
    """Say how far to trust the report."""
    report.trust(text_decline.trust(by_sales, covered, weeks, terms, report.margin))
