"""How report 06 presents randomised promotions, and the plan of the next."""

from __future__ import annotations

import pandas as pd

from analysis.promotions.experiments import experiments, group_sequential, uplift
from analysis.promotions.experiments.experiments import Leading, Trials
from analysis.promotions.observational.campaign import Campaigns
from analysis.promotions.planning import assignment
from analysis.promotions.planning.experiment_plan import COVARIATES, Basis
from analysis.promotions.returns.incremental_return import Returns
from analysis.reporting.notebook import words
from analysis.reporting.notebook.outputs import presents
from analysis.reporting.notebook.report import Report
from analysis.reports.promotions import (
    charts,
    columns,
    text,
    text_campaigns,
    text_planning,
    text_returns,
    text_verdicts,
)


def _unit(report: Report) -> str:
    """Return the unit of the measure that decides: the currency, or none."""
    return report.currency if report.params.primary in ("margin", "net") else ""


def _per_customer(report: Report) -> str:
    """Return the axis label of the measure that decides."""
    unit = _unit(report)
    measure = text.MEASURES[report.params.primary].capitalize()
    return f"{measure} per customer, {unit}" if unit else f"{measure} per customer"


@presents(detail="Every promotion", of=("table",))
def overview(report: Report, offered: pd.DataFrame, outside: pd.DataFrame) -> None:
    """Show which promotions there are, and which are left out."""
    report.headline(text.kinds(offered))
    report.table(
        text.assigned_first(offered), name="promotions", columns=columns.overview(), rows=10
    )
    if len(outside):
        report.say(text.outside(outside))


@presents()
def verdicts(report: Report, judged: pd.DataFrame, trials: Trials) -> None:
    """Give every randomised promotion its one verdict after all costs."""
    report.title(text_verdicts.title(judged))
    for fields in text_verdicts.findings(judged, report.currency, report.params.confidence):
        report.finding(**fields)
    report.headline(text_verdicts.best(judged, report.currency))
    report.say(text_verdicts.bullets(judged, report.currency))
    report.save(trials.verdicts, "verdicts")
    report.save(judged, "verdicts_after_costs")


@presents()
def checks(report: Report, trials: Trials) -> None:
    """Show which promotions pass the checks of a randomised experiment."""
    report.headline(text.checked(trials))
    report.say(text.failures(trials))
    report.table(
        text.marks(trials), name="checks", columns=columns.checks(),
        caption="✓ holds, ! fails. Sample ratio: chi-square against the planned shares. Balance: "
        "one test over all covariates from before the start. Both fail below p = "
        f"{report.params.sample_ratio_alpha:g}. Last: smallest change of the primary measure that "
        f"is detected with a power of {words.percent(report.params.power, 0)}.",
    )  # fmt: skip
    left_out = text.unadjusted(trials)
    if left_out:
        report.say(left_out)


@presents()
def effects(report: Report, trials: Trials) -> None:
    """Show the effect of every arm on the measure that decides."""
    by_arm = text.labelled(experiments.effects(trials))
    said = text.arms(by_arm, report.params.primary)
    report.headline(said)
    report.chart(
        charts.effects(by_arm, unit=_per_customer(report)),
        alt=f"Dots with whiskers by promotion and arm. {said}",
        caption=f"Against control. Whiskers: {report.interval}, for all arms of a promotion at "
        "once (Dunnett). In colour: significant.",
    )
    report.save(trials.estimates, "estimates")


@presents(detail="The clearest effect, by every measure")
def leading(report: Report, trials: Trials, led: Leading) -> None:
    """Show the clearest effect by every measure."""
    report.headline(f"{led.name}, by every measure")
    report.table(
        text.by_measure(experiments.estimates_of(trials, led.promotion_id)), name="leading",
        columns=columns.measures(report.interval),
        caption="The clearest effect; the download of estimates holds all promotions. Means and "
        "ratios adjusted for the past; p of all but the first corrected for their number (Holm).",
    )  # fmt: skip


@presents(detail="Method by method", of=("chart",))
def ways(report: Report, counted: pd.DataFrame, led: Leading) -> None:
    """Show the clearest effect by every method."""
    said = text.ways(counted, led.name, _unit(report))
    report.headline(said)
    report.save(counted, "ways")
    report.chart(
        charts.ways(counted, unit=_per_customer(report)),
        alt=f"Dots with whiskers, one per method. {said}",
        caption=f"Whiskers: {report.interval}. The permutation test gives a p, no interval.",
    )
    missing = text.missing_ways(counted)
    if missing:
        report.say(missing)


@presents(detail="Along the distribution, and as a probability")
def quantiles(report: Report, places: pd.DataFrame, led: Leading) -> None:
    """Show the effect along the distribution of customers."""
    report.headline(text.quantiles(places, led.name))
    report.table(
        places, name="quantiles", columns=columns.quantiles(report.interval),
        caption="Of all customers assigned. A mean may rise because many buy a little more, or "
        "because a few buy a lot more.",
    )  # fmt: skip


@presents(detail="Along the distribution, and as a probability")
def probabilities(report: Report, likely: pd.DataFrame, to_do: pd.DataFrame) -> None:
    """Show every arm as a probability, beside its verdict after costs."""
    believed = text.with_verdicts(likely, to_do)
    report.headline(text.believed(believed, report.params.confidence))
    report.table(
        believed, name="bayes", columns=columns.bayes(report.interval),
        caption="Prior: help and harm as likely, and two in three effects smaller than a fifth of "
        "the standard deviation between customers. Expected loss: cost of the wrong choice per "
        "customer, times its probability.",
    )  # fmt: skip


@presents(detail="Segment by segment", of=("chart",))
def segments(report: Report, found: pd.DataFrame, counted: pd.DataFrame, led: Leading) -> None:
    """Show for which segments the clearest promotion worked better or worse."""
    fdr, by_segment = report.params.fdr, text_planning.labelled(found)
    said = text_planning.segments(by_segment, led.name, _unit(report), fdr)
    report.headline(said)
    report.say(text_planning.searched(by_segment, fdr))
    report.save(by_segment, "by_segment")
    on_all = float(counted["difference"].iloc[0])
    report.chart(
        charts.segments(
            uplift.shown(by_segment), everybody=on_all, fdr=fdr, unit=_per_customer(report)
        ),
        alt=f"Dots with whiskers by segment. {said}",
        caption=f"Whiskers: {report.interval}. In colour: differs from all others. The attributes "
        "that separate most.",
    )


@presents(detail="Learner by learner", of=("table",))
def targeting(report: Report, gains: pd.DataFrame, foreseen: pd.DataFrame, led: Leading) -> None:
    """Show whether choosing customers by a model beats treating all."""
    report.headline(text_planning.targeting(gains, led.name, _unit(report)))
    report.table(gains, name="targeting", columns=columns.targeting(report.interval))
    report.save(foreseen.assign(promotion_id=led.promotion_id), "uplift")


@presents(detail="Sharing out the next customers")
def next_shares(
    report: Report, several: pd.DataFrame, shares: pd.DataFrame, lost: pd.DataFrame
) -> None:
    """Show how the next customers should be shared out among the arms."""
    report.headline(text_planning.proposal(shares, lost, several["name"].iloc[0], _unit(report)))
    report.table(shares, name="next_shares", columns=columns.shares())
    report.save(lost, "regret")


@presents()
def daily(report: Report, days: pd.DataFrame) -> None:
    """Show which promotions could have been decided early."""
    advice = text.advised(group_sequential.advice(days))
    report.headline(text.daily(advice))
    report.table(advice, name="advice", columns=columns.advice(report.interval))
    report.save(days, "days")


@presents(detail="The clearest promotion, day by day")
def watched(report: Report, days: pd.DataFrame, led: Leading) -> None:
    """Show the clearest promotion day by day."""
    said = text.watched(days, led.name)
    report.headline(said)
    report.chart(
        charts.monitor(days, unit=f"Margin per customer so far, {report.currency}"),
        alt=f"Line of the difference so far in a narrowing band. {said}",
        caption="Band: holds on all days at once. Dotted: would hold for a single look.",
    )


@presents(detail="The clearest promotion, day by day")
def looks(report: Report, weekly: pd.DataFrame, led: Leading) -> None:
    """Show the weekly looks against the bounds of group-sequential designs."""
    report.headline(text.looks(weekly, led.name))
    report.table(
        weekly, name="looks", columns=columns.looks(),
        caption="What the difference must reach at each look. Fixed looks are sharper, but only "
        "at the looks agreed on beforehand.",
    )  # fmt: skip


@presents()
def trust(report: Report, sent: Campaigns, returned: Returns, trials: Trials | None = None) -> None:
    """Say how far to trust the report."""
    simulated = report.tables.manifest.simulated
    params = report.params
    randomised = text.trust(simulated, trials, params.worth_finding, params.confidence)
    report.trust([*randomised, *text_campaigns.trust(sent), *text_returns.trust(returned)])


@presents()
def plan(report: Report, needed: pd.DataFrame, basis: Basis) -> None:
    """Show how many customers each measure needs."""
    params = report.params
    report.headline(
        text_planning.needed(needed, params.primary, params.worth_finding, params.plan_weeks)
    )
    report.table(needed, name="plan", columns=columns.needed(), caption=f"From {basis.window}.")
    report.say(text_planning.enough(needed, params.primary))
    without = text_planning.without_plan(needed)
    if without:
        report.say(without)


@presents(detail="Smaller changes and other designs")
def smallest_seen(report: Report, seen: pd.DataFrame, basis: Basis) -> None:
    """Show the smallest detectable change by customers taking part."""
    report.headline(
        "More customers show smaller changes, knowing their past shows smaller ones yet"
    )
    measure = text.MEASURES[report.params.primary].capitalize()
    report.chart(
        charts.smallest_seen(seen, available=int(basis.everybody.n)),
        alt="Two falling curves: smallest detectable change by customers taking part.",
        caption=f"{measure} per customer, half treated, "
        f"power {words.percent(report.params.power, 0)}.",
    )


@presents(detail="Smaller changes and other designs")
def designs(report: Report, found: pd.DataFrame) -> None:
    """Show which designs there are customers enough for."""
    report.headline(text_planning.designs(found))
    report.table(
        found, name="designs", columns=columns.designs(), caption=text_planning.design_notes(found),
    )  # fmt: skip


@presents(detail="How alike arms come out")
def assignments(report: Report, candidates: pd.DataFrame, given: pd.DataFrame) -> None:
    """Show how alike the arms of the next promotion are; who is in which is not published."""
    alike = assignment.balance(candidates, given, COVARIATES)
    report.headline(text_planning.drawn(alike))
    report.table(alike, name="next_balance", columns=columns.drawn())
    report.say(text_planning.how_drawn(report.seed))
