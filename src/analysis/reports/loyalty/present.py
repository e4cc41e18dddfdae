"""How report 09 presents its results: finding, heading, chart, table and reading of each."""

from __future__ import annotations

import pandas as pd

from analysis.engagement.loyalty.care_occasions import Birthdays
from analysis.engagement.loyalty.first_come_offers import FirstCome
from analysis.engagement.loyalty.loyalty_by_segment import BySegment
from analysis.engagement.loyalty.matched_groups import Matched
from analysis.engagement.loyalty.membership import Invitation
from analysis.engagement.loyalty.membership_tiers import Standing
from analysis.engagement.loyalty.referral_value import Referrals
from analysis.engagement.loyalty.tier_thresholds import Thresholds
from analysis.engagement.points.points_economics import Economics
from analysis.engagement.points.points_ledger import Reconciliation
from analysis.engagement.points.points_liability import Liability
from analysis.reporting.notebook import words
from analysis.reporting.notebook.outputs import presents
from analysis.reporting.notebook.report import Report
from analysis.reports.loyalty import charts, columns, text, text_club
from analysis.stats.sizes import FEWEST_REFERRALS


@presents()
def headline(
    report: Report, *, owed: Liability | None = None, spent: Economics | None = None
) -> None:
    """Set the page's title."""
    report.title(text.title(owed, spent, report.currency))


@presents(Reconciliation)
def ledger(report: Report, books: Reconciliation) -> None:
    """Show whether the ledger adds up, and what breaks it."""
    report.finding(**text.books_finding(books))
    report.headline(text.books_headline(books))
    report.table(
        books.flows, name="points_flows", columns=columns.flows(),
        caption="Earned and adjusted less redeemed and expired must be what is open.",
    )  # fmt: skip
    report.say(text.books_reading(books))
    broken = books.rules[books.rules["entries"] > 0]
    report.table(
        broken, name="ledger_rules", title="Rules broken", columns=columns.rules(),
    )  # fmt: skip
    if len(books.breaks):
        report.table(books.breaks, name="ledger_breaks", title="The movements behind them")


@presents(Liability)
def liability(report: Report, owed: Liability) -> None:
    """Show what open points will cost, month by month."""
    level = report.params.confidence
    report.finding(**text.liability_finding(owed, report.currency, level))
    report.finding(**text.breakage_finding(owed, level))
    report.headline(text.liability_headline(owed))
    report.chart(
        charts.vintages(owed.vintages),
        alt=f"Stacked bars of points by month earned. {text.liability_headline(owed)}.",
        caption="What each month's points became. Hatched: expected to expire.",
    )
    report.say(text.liability_reading(owed))
    with report.detail("Month by month"):
        report.table(
            owed.vintages, name="points_vintages", columns=columns.vintages(report.interval),
            caption="Months are counted back from the report's day. Interval of the breakage: "
            "Mack.",
        )  # fmt: skip
    report.save(owed.kept, "points_triangle")


@presents(Economics)
def economics(report: Report, spent: Economics) -> None:
    """Show what points cost against what members bring."""
    report.finding(**text.economics_finding(spent, report.currency))
    report.table(
        text.economics_table(spent), name="points_economics", columns=columns.economics(),
        caption=f"{spent.period}. {report.margin}",
    )  # fmt: skip
    report.say(text.economics_reading(spent, report.currency))


@presents(Standing)
def standing(report: Report, held: Standing) -> None:
    """Show who is in the tiers and who moved."""
    report.headline(text_club.standing_headline(held))
    report.table(held.tiers, name="tiers", columns=columns.tiers(), caption=report.margin)
    report.say(text_club.standing_reading(held))
    with report.detail("Who moved from which tier to which"):
        report.table(held.moves, name="tier_moves", columns=columns.moves(report.interval))


@presents(Thresholds)
def thresholds(report: Report, found: Thresholds) -> None:
    """Show who tops up to reach a tier, and what reaching it changes."""
    fields = text_club.bunching_finding(found, report.params.confidence)
    if fields:
        report.finding(**fields)
    report.headline(text_club.bunching_headline(found))
    shown = found.bunching.dropna(subset=["above"])
    if len(shown):
        tier = str(text_club.clearest(shown)["tier"])
        rows = found.counts[found.counts["tier"] == tier]
        report.chart(
            charts.threshold(rows, tier),
            alt=f"Bars of customers by points around {tier}, and a falling line. "
            f"{text_club.bunching_headline(found)}.",
            caption="Customer-years that are over. Line: expected without the threshold.",
        )
    report.table(found.bunching, name="tier_bunching", columns=columns.bunching())
    report.say(text_club.threshold_reading(found))
    with report.detail("Density and effects at the thresholds"):
        report.table(found.density, name="tier_density", columns=columns.density())
        report.table(found.effects, name="tier_effects", columns=columns.effects(report.interval))
    report.save(found.counts, "tier_counts")


@presents(FirstCome)
def first_come(report: Report, found: FirstCome) -> None:
    """Show what being served changed, offer by offer, and where nothing can be read."""
    for fields in text_club.first_come_findings(found, report.currency, report.params.confidence):
        report.finding(**fields)
    report.headline(text_club.first_come_headline(found, report.currency))
    placebo = found.effects["placebo"].astype(bool)
    report.table(
        found.effects[~placebo], name="first_come_effects",
        columns=columns.offer_effects(report.interval),
        caption=f"Net sales in the {found.days} days from the offer's day, where it ran out.",
    )  # fmt: skip
    report.say(text_club.first_come_reading(found))
    with report.detail("Who came, the density and the placebo checks"):
        report.table(found.offers, name="first_come_offers", columns=columns.offers())
        checks = columns.offer_placebos(report.interval)
        report.table(found.effects[placebo], name="first_come_placebos", columns=checks)


@presents(BySegment)
def by_segment(report: Report, found: BySegment) -> None:
    """Show points and referrals by segment."""
    report.headline(text_club.segments_headline(found))
    report.table(
        found.shares.sort_values("q", kind="stable", na_position="last"), name="loyalty_segments",
        columns=columns.segment_shares(report.interval), rows=8,
        caption="Segments: RFM of report 02 on the same day. q: false discovery rate over all "
        "lines.",
    )  # fmt: skip
    report.say(text_club.segments_reading(found))
    with report.detail("Points per member, and what is withheld"):
        report.table(found.points, name="segment_points", columns=columns.segment_points())
        if found.withheld["segments"].any():
            report.table(found.withheld, name="segments_withheld")


@presents(Matched)
def members(report: Report, one: Matched) -> None:
    """Show members against others, named as selection."""
    report.finding(**text_club.selection_finding(one, report.currency, report.params.confidence))
    report.headline(text_club.members_headline(one, report.currency, report.params.outcome_days))
    report.say(
        "Like others bought as much, as often and as lately in the time before. Nobody was made a "
        "member at random: how much of the difference is who joins, and how much what joining "
        "does, cannot be told."
    )
    report.save(pd.DataFrame([vars(one)]), "members_against_others")


@presents()
def club_life(report: Report, told: pd.DataFrame) -> None:
    """Show those who take part in the club's life against like customers."""
    report.table(
        told, name="club_life", columns=columns.strands(report.interval),
        caption=f"Net sales per customer in the {report.params.outcome_days} days after.",
    )  # fmt: skip
    report.say(text_club.club_life_reading(told))


@presents(Invitation)
def invitation(report: Report, found: Invitation) -> None:
    """Show what randomised invitations did."""
    report.headline(text_club.invitation_headline(found.arms))
    report.table(
        found.arms, name="invitations", columns=columns.invitations(report.interval),
        caption="Everybody invited against everybody not invited (intention to treat).",
    )  # fmt: skip


@presents(Referrals)
def referrals(report: Report, found: Referrals) -> None:
    """Show how many are referred, of what quality, and what rewards return."""
    report.finding(**text_club.referral_finding(found, report.params.confidence))
    if found.generation >= FEWEST_REFERRALS:
        report.finding(**text_club.reproduction_finding(found, report.params.confidence))
    report.headline(text_club.referral_headline(found))
    report.table(
        found.quality, name="referral_quality", columns=columns.quality(report.interval),
        caption=f"First {found.days} days of customers who joined within the data, those after "
        "one has left counted with them: it is not how often customers order while they stay. "
        "Like others came in the same month.",
    )  # fmt: skip
    report.say(text_club.referral_reading(found, report.currency))
    report.save(found.depths, "referral_chains")
    report.save(found.oddities, "referral_oddities")


@presents()
def scores(report: Report, told: pd.DataFrame) -> None:
    """Show repeat purchase, retention and renewal."""
    given = told.dropna(subset=["value"])
    if len(given):
        report.headline(text_club.scores_headline(given))
        report.chart(
            charts.scores(given),
            alt="Dots with whiskers of the share of customers, score by score.",
            caption=f"Whiskers: {report.interval}.",
        )
    report.table(
        told, name="strategy_scores",
        columns=columns.scores(
            report.interval, without=["reason"] if len(given) == len(told) else []
        ),
    )  # fmt: skip


@presents()
def stored_value(report: Report, flows: pd.DataFrame) -> None:
    """Show what is kept on accounts."""
    report.table(flows, name="stored_value", columns=columns.stored())
    report.say(text_club.stored_reading(flows, report.currency))


@presents(Birthdays)
def birthdays(report: Report, found: Birthdays) -> None:
    """Show purchases around birthdays."""
    report.finding(**text_club.birthday_finding(found, report.params.confidence))
    report.headline(text_club.birthday_headline(found))
    report.chart(
        charts.birthday(found.weeks), alt=f"Line of purchase days by week around the birthday. "
        f"{text_club.birthday_headline(found)}.",
        caption="Band: where "
        f"{words.percent(report.params.confidence, 0)} of permuted birth dates fall.",
    )  # fmt: skip
    report.say(text_club.birthday_reading(found))
    report.save(found.weeks, "birthday_weeks")


@presents()
def occasions(report: Report, listed: pd.DataFrame, *, owed: Liability | None = None) -> None:
    """Show how many customers have an occasion, and save who."""
    in_turn = None if owed is None else owed.in_turn
    days = report.params.occasion_days
    report.say(text_club.occasions_reading(listed, days, report.currency, in_turn=in_turn))
    report.table(listed, name="care_occasions", title="Occasions of single customers")


@presents()
def trust(
    report: Report, *, books: Reconciliation | None = None, owed: Liability | None = None
) -> None:
    """Show how far to trust the report."""
    report.trust(text.trust(books, owed))
