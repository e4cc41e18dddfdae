"""How report 06 presents campaigns whose customers were chosen, returns, and the league."""

from __future__ import annotations

import pandas as pd

from analysis.promotions.experiments.experiments import Trials
from analysis.promotions.observational.campaign import Campaigns
from analysis.promotions.observational.placements import Placements
from analysis.promotions.observational.synthetic_control import Everybody
from analysis.promotions.returns.incremental_return import Returns
from analysis.reporting.notebook.outputs import presents
from analysis.reporting.notebook.report import Report
from analysis.reports.promotions import charts_returns as charts
from analysis.reports.promotions import columns, text_campaigns, text_returns


@presents()
def campaigns(report: Report, sent: Campaigns, trials: Trials | None = None) -> None:
    """Show by how much a plain comparison misleads, and what adjustment leaves."""
    currency = report.currency
    if trials is None:
        report.title(text_campaigns.title(sent, currency))
    report.headline(text_campaigns.misled(sent, currency))
    report.chart(
        charts.misled(text_campaigns.shown(sent, report.params.campaigns), currency=currency),
        alt="Dots with whiskers, one per campaign, and crosses of the unadjusted difference.",
        caption="The largest campaigns. Dots: doubly robust, whiskers 95 %. Not causal proof.",
    )
    note = text_campaigns.chance_note(sent)
    if note:
        report.say(note)
    report.finding(**text_campaigns.finding(sent, currency))


@presents(detail="Every campaign, compared in three ways")
def every_campaign(report: Report, sent: Campaigns) -> None:
    """Show every campaign, compared in three ways."""
    sent.require()
    report.table(
        text_campaigns.shown(sent, len(sent.table)), name="campaigns", columns=columns.campaigns(),
        rows=12, caption="Margin per targeted customer. ✓: passes all placebo checks.",
    )  # fmt: skip
    report.say(text_campaigns.unjudged(sent.table, "name"))
    report.save(sent.table, "campaigns_all")


@presents(detail="How the comparison was checked")
def overlap(report: Report, sent: Campaigns) -> None:
    """Show how unlike the targeted were, and whether weighting mended it."""
    largest = sent.require()
    report.headline(text_campaigns.alike(sent))
    report.chart(
        charts.balance(largest.balance),
        alt="Pairs of dots, one per covariate: unadjusted, and weighted, about a band at zero.",
        caption="Standardised mean differences; within the grey band counts as balanced.",
    )
    report.say(text_campaigns.overlap(largest))


@presents(detail="How the comparison was checked")
def pretrend(report: Report, sent: Campaigns) -> None:
    """Show whether matched pairs moved apart before the campaign."""
    largest = sent.require()
    said, pairs = text_campaigns.pretrend(sent), largest.difference
    if pairs is None:
        report.say(f"{said}.")
        return
    report.headline(said)
    report.chart(
        charts.weeks(pairs, currency=report.currency),
        alt="Dots with whiskers per week: the gap of matched pairs before and during the campaign.",
        caption="Gap of matched pairs over its mean before. Whiskers: 95 %.",
    )
    report.save(pairs.leads, "campaign_weeks")


@presents(detail="How the comparison was checked")
def doubts(report: Report, sent: Campaigns) -> None:
    """Show the placebo checks, and how strong hidden bias would have to be."""
    largest = sent.require()
    report.headline(text_campaigns.verdict_on_checks(largest))
    report.table(largest.checks, name="campaign_checks", columns=columns.return_checks())
    report.say(text_campaigns.doubts(largest))
    report.save(largest.estimates, "campaign_estimates")


@presents(detail="Promotion by promotion", of=("table", "chart"))
def for_everybody(report: Report, blends: Everybody) -> None:
    """Show promotions open to all against their synthetic controls."""
    report.headline(text_campaigns.for_everybody(blends))
    report.table(
        blends.table[blends.table["lift"].notna()], name="for_everybody",
        columns=columns.everybody(), rows=10,
        caption="Synthetic control; intervals from placebos on the products blended. Not causal "
        "proof: what else befell the products in these weeks is counted in.",
    )  # fmt: skip
    report.headline(text_campaigns.blended(blends))
    report.chart(
        charts.blend(blends.require(), currency=report.currency),
        alt="Two lines of weekly sales that go together until the promotion lifts one of them.",
        caption="Synthetic control: positive weights that add up to one, fitted on the weeks "
        "before.",
    )


@presents()
def waterfall(report: Report, returned: Returns) -> None:
    """Show where the return of the costliest promotion comes from and goes to."""
    costliest = returned.require()
    report.headline(text_returns.waterfall(returned, report.currency))
    report.chart(
        charts.waterfall(costliest.waterfall, currency=report.currency),
        alt="Waterfall from the margin of extra sales down to the net return, with whiskers.",
        caption="Whiskers: 95 % interval of each part. The parts add up to the cent.",
    )
    report.say(text_returns.details(costliest, report.currency))
    report.save(costliest.waterfall, "waterfall")
    for fields in text_returns.findings(returned, report.currency):
        report.finding(**fields)


@presents()
def returns(report: Report, returned: Returns) -> None:
    """Show the net return of every promotion and arm."""
    returned.require()
    report.headline(text_returns.paid(returned.table))
    report.table(
        text_returns.spendings(returned.table), name="returns", columns=columns.returns(), rows=8,
        caption="Spent: discounts beyond those given anyway, contacts, set-up; blank where that is "
        "nothing. Times spent: net return over it (Fieller). Intervals hold for all arms of a "
        "promotion at once. No causal proof where customers were chosen.",
    )  # fmt: skip
    report.say(text_campaigns.unjudged(returned.table, "label"))
    report.say(text_returns.assumptions(returned, report.margin))
    report.save(returned.table, "returns_all")


@presents(detail="Redemptions that pay, and goals")
def break_even(report: Report, returned: Returns) -> None:
    """Show which randomised promotions are redeemed often enough to pay."""
    used = text_returns.redeemed(returned.table)
    report.headline(text_returns.pays(used))
    report.table(
        used, name="break_even", columns=columns.break_even(), rows=12,
        caption="Redemptions per treated customer. Needed: as many as pay for contacts and set-up, "
        "if each brings what one brought.",
    )  # fmt: skip


@presents(detail="Redemptions that pay, and goals")
def goals(report: Report, returned: Returns, met: pd.DataFrame) -> None:
    """Show each promotion by the measure of its own goal."""
    returned.require()
    stated = text_returns.with_goal(met)
    report.headline(text_returns.reached(stated))
    report.table(
        stated, name="goals", columns=columns.goals(), rows=14,
        caption="Each promotion by the measure of its own goal, per treated customer.",
    )  # fmt: skip


@presents()
def league(report: Report, contest: pd.DataFrame) -> None:
    """Show the lift of every promotion, shrunk towards the mean of its kind."""
    shown = text_returns.shown_kind(contest)
    report.headline(text_returns.lifts(contest))
    report.chart(
        charts.league(shown.head(16)),
        alt="Dots with whiskers: lift of each promotion, shrunk to the mean; crosses: unshrunk.",
        caption="Dots: shrunk, whiskers 95 % (Paule and Mandel, Hartung and Knapp). Crosses: as "
        f"measured. {text_returns.kind_note(contest)}",
    )
    report.save(contest, "league")


@presents(detail="Mechanics, channels and seasons")
def pooled(report: Report, alike: pd.DataFrame) -> None:
    """Show mean lifts by mechanic, channel and season."""
    report.table(
        alike, name="league_groups", columns=columns.groups(), rows=16,
        caption="Random-effects means. For all: sales of what was on offer.",
    )  # fmt: skip


@presents()
def actions(report: Report, returned: Returns, to_do: pd.DataFrame) -> None:
    """Show what to repeat, change or stop."""
    returned.require()
    report.save(to_do, "actions_all")
    decided = text_returns.decided(to_do)
    report.headline(text_returns.what_to_do(decided))
    report.table(decided, name="actions", columns=columns.actions(), rows=16)
    report.say(text_returns.undecided(to_do))


@presents(detail="From the customers chosen to purchases")
def funnel(report: Report, returned: Returns, reached: pd.DataFrame) -> None:
    """Show how many of those chosen are reached, open, redeem and buy."""
    returned.require()
    way = text_returns.steps(reached, returned)
    report.headline(text_returns.funnel(way))
    report.table(
        way, name="funnel", columns=columns.funnel(among=way), rows=14,
        caption="Shares of the customers chosen. Bought: what is on offer, by whatever way. "
        "Promotions of which the data hold only a part are left out.",
    )  # fmt: skip


@presents(detail="Product by product", of=("table",))
def offers(report: Report, lasting: pd.DataFrame) -> None:
    """Show which products stayed up after their promotion."""
    fdr = report.params.fdr
    report.save(lasting, "offers")
    report.headline(text_returns.stayed(lasting, fdr))
    report.table(
        text_returns.growing(lasting, fdr), name="growing", columns=columns.offers(), rows=8,
        caption="Purchases per week by all customers, eight weeks before and after; gained: "
        "against the rest of the category, by its season or in place of another product, too. Not "
        "causal proof.",
    )  # fmt: skip


@presents()
def placements(report: Report, placed: Placements) -> None:
    """Show what displays and mailers go with."""
    for fields in text_campaigns.place_findings(placed):
        report.finding(**fields)
    report.headline(text_campaigns.places(placed))
    report.table(
        text_campaigns.elasticity(placed), name="placements", columns=columns.placements(),
        caption="Poisson regression with a level for every product in a store and for every week "
        f"of a department; errors clustered by {placed.clusters}. Not causal proof.",
    )  # fmt: skip
    report.say(text_campaigns.incremental(placed))


@presents(detail="Kind by kind")
def placement_kinds(report: Report, placed: Placements) -> None:
    """Show which kind of display, mailer and discount goes with most."""
    report.headline(text_campaigns.best_kind(placed, report.study))
    report.chart(
        charts.kinds(text_campaigns.kinds(placed, report.study)),
        alt="Dots with whiskers: lift of each kind of display, of mailer and depth of discount.",
        caption="Each against the same product in the same store without. Whiskers: 95 %.",
    )
    report.save(placed.kinds, "placement_kinds")
