"""How report 08 presents its results: finding, heading, chart, table and reading of each."""

from __future__ import annotations

import pandas as pd

from analysis.promotions.planning.targeting.channel_choice import Channels
from analysis.promotions.planning.targeting.cost_curve import Spending
from analysis.promotions.planning.targeting.eligibility import Eligible
from analysis.promotions.planning.targeting.incremental_ranking import Expected
from analysis.promotions.planning.targeting.offer_choice import Offers
from analysis.promotions.planning.targeting.past_responses import PastResponses
from analysis.promotions.planning.targeting.target_list import TargetList
from analysis.reporting.notebook import words
from analysis.reporting.notebook.outputs import presents
from analysis.reporting.notebook.report import Report
from analysis.reports.targets import charts, columns, text
from analysis.stats.sizes import FEWEST_CUSTOMERS


@presents()
def data(
    report: Report,
    left: Eligible,
    *,
    past: PastResponses | None = None,
    at_risk: pd.DataFrame | None = None,
) -> None:
    """Say what the study has no record of, and what follows."""
    report.say(text.lacking(report.tables, left, past, at_risk))


@presents(Eligible, detail="Rule by rule", of=("table",))
def eligible(report: Report, left: Eligible) -> None:
    """Show how many each rule stops."""
    report.finding(**text.eligible_finding(left, report.params.window_days))
    report.headline(text.eligible_headline(left))
    report.chart(
        charts.steps(left.waterfall),
        alt=f"Bars of the customers left after each rule. {text.eligible_headline(left)}.",
        caption="Rules that stop nobody are left out.",
    )
    report.table(
        left.waterfall, name="waterfall", columns=columns.waterfall(),
        caption="Stopped: by the first rule that applies. By itself: whom the rule would stop if "
        "it were the only one.",
    )  # fmt: skip


@presents(PastResponses, detail="Measurement by measurement", of=("table",))
def responses(report: Report, past: PastResponses) -> None:
    """Show what randomised contacts brought."""
    report.headline(text.past_headline(past))
    report.say(text.past_reading(past))
    report.table(past.cells, name="responses", columns=columns.responses(report.interval), rows=12)


@presents(Expected)
def expected(report: Report, found: Expected) -> None:
    """Say what the ranking rests on."""
    report.say(text.basis_sentence(found))


@presents(Offers)
def offers(report: Report, found: Offers) -> None:
    """Show what keeps customers from an offer."""
    report.table(found.counts, name="offer_rules", columns=columns.offer_rules())


@presents(Channels, detail="Channel by channel", of=("table",))
def channels(report: Report, found: Channels, left: Eligible) -> None:
    """Show how customers are reached."""
    shown = found.table.assign(response=found.table["response"].where(found.table["customers"] > 0))
    said = (
        "Answered: opened, or clicked where opens are not known. Opens that a mail program says "
        "are its own are left out; others may be (report 11)."
    )
    said += f" {text.SUPPOSED}" if left.supposed else ""
    report.table(shown, name="channels", columns=columns.channels(), caption=said)
    report.say(text.channel_reading(found))


@presents(Spending)
def spending(report: Report, found: Spending) -> None:
    """Show what every budget would bring."""
    budget = report.params.budget
    said = text.spending_headline(
        found, budget, report.currency, assumed_effect=found.assumed_effect
    )
    report.headline(said)
    report.chart(
        charts.cost_curves(found.curves, budget, currency=report.currency),
        alt=f"Curves of expected margin by money spent, rising ever less. {said}.",
        caption=f"Band: {report.interval}, from resampling customers and from how well measured "
        "effects are known. It does not know what an assumption is worth. Dashed: the budget.",
    )
    report.say(text.spending_reading(found, budget, report.currency))
    report.save(found.curves, "cost_curve")


@presents(TargetList)
def chosen(report: Report, listed: TargetList) -> None:
    """Show the one ruling per customer."""
    report.finding(**text.gain_finding(listed, report.currency))
    report.headline(text.list_headline(listed.rulings))
    report.table(
        text.by_reason(listed.rulings), name="rulings_by_reason", title="The target list, by why",
        columns=columns.rulings(),
    )  # fmt: skip
    mix = text.by_offer(listed.targets).assign(basis=lambda rows: rows["basis"].map(text.BASES))
    few = f"Of fewer than {FEWEST_CUSTOMERS} customers no figures are shown, nor of the smallest "
    few += "other group that would give them away."
    caption = few if mix["cost"].isna().any() else None
    report.table(mix, name="mix", columns=columns.mix(), caption=caption)
    report.table(
        text.bounds(listed.limits, report.currency), name="limits", columns=columns.limits(),
        caption="Where no price stands, the choice was solved exactly.",
    )  # fmt: skip


@presents(detail="How alike targets and holdout are", of=("table",))
def holdout(report: Report, listed: TargetList) -> None:
    """Show who is held out, and what that can show."""
    report.headline(text.holdout_headline(listed, report.currency))
    report.table(text.balanced(listed.balance), name="balance", columns=columns.balance())
    terms = report.params.recent_days, report.params.rotate_days
    report.say(text.holdout_reading(listed, *terms, report.currency))


@presents()
def what_if(report: Report, table: pd.DataFrame, left: Eligible) -> None:
    """Show what other terms would bring."""
    if len(table) > 1 and table["gain"].notna().all():
        said = text.terms_headline(table, report.currency, supposed=left.supposed)
        report.headline(said)
    report.table(
        table, name="scenarios", columns=columns.scenarios(report.interval),
        caption="Interval: how well measured effects are known. Last: the difference of margin per "
        f"customer that the list would show with {words.percent(0.8, 0)} power.",
    )  # fmt: skip


@presents()
def verdict(report: Report, left: Eligible, *, listed: TargetList | None = None) -> None:
    """Give the page its title."""
    report.title(text.title(left, listed, report.currency))


@presents()
def trust(
    report: Report,
    left: Eligible,
    *,
    expected: Expected | None = None,
    listed: TargetList | None = None,
    past: PastResponses | None = None,
) -> None:
    """Show how far to trust the list."""
    report.trust(text.trust(left, expected, listed, past, report.margin))
