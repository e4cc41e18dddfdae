"""How report 08 presents past lists, occasions of care, and the one ruling per customer."""

from __future__ import annotations

from analysis.promotions.planning.care_list import CareList, one_ruling
from analysis.promotions.planning.targeting.eligibility import ValueByRule
from analysis.promotions.planning.targeting.target_list import TargetList
from analysis.promotions.returns.past_lists import PastLists
from analysis.reporting.notebook.outputs import presents
from analysis.reporting.notebook.report import Report
from analysis.reports.targets import charts, columns, text_lists


@presents()
def value_by_rule(report: Report, found: ValueByRule | None) -> None:
    """Show what the customers whom each rule stops are expected to bring; nothing if unknown."""
    if found is None:
        return
    report.say(text_lists.value_reading(found, report.currency))
    with report.detail("What they are expected to bring, rule by rule"):
        report.table(
            found.table, name="value_by_rule", columns=columns.value_by_rule(months=found.months),
            caption="By the first rule that applies. All of today's customers, as report 07 values "
            f"them, discounted. {report.margin}",
        )  # fmt: skip


@presents(PastLists)
def past_lists(report: Report, found: PastLists) -> None:
    """Show what every past list promised and brought."""
    if len(found.known):
        report.finding(**text_lists.kept_finding(found))
    said = text_lists.kept_headline(found, report.currency)
    report.headline(said)
    if len(found.known):
        report.chart(
            charts.promises(found.known, currency=report.currency),
            alt=f"Promise and measured margin of each list, with interval. {said}.",
            caption="Margin per customer of the list, net of the contact. Whisker: "
            f"{report.interval}, targets against those held out, sent or not.",
        )
    measured = (found.table["reason"] == "").all()
    shown = columns.past(report.interval, without=["reason"] if measured else [])
    report.table(found.table, name="past_lists", columns=shown)
    report.say(text_lists.not_sent(found))
    if len(found.responses):
        report.table(
            text_lists.grouped(found.responses), name="list_responses",
            title="By channel, discount and stratum, lists drawn together",
            columns=columns.list_responses(report.interval),
        )  # fmt: skip


@presents(CareList)
def care(report: Report, found: CareList) -> None:
    """Show which occasions are due, and save the service messages, which stand apart."""
    report.headline(text_lists.care_headline(found))
    report.table(
        found.table, name="care", columns=columns.care(),
        caption="Service messages are no advertising: they need consent, and no cap stops them.",
    )  # fmt: skip
    if len(found.service):
        report.table(found.service, name="service", title="Occasions of service, a ruling each")


@presents()
def rulings(report: Report, listed: TargetList, *, care: CareList | None = None) -> None:
    """Save the one ruling per customer."""
    told = one_ruling(listed, care)
    report.table(told, name="rulings", title="Rulings, one per customer")
    report.say(text_lists.in_the_file(told, listed, report.currency))
    report.say(text_lists.how_to_send(report.study))
