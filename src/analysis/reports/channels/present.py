"""How report 11 presents its results: finding, heading, chart, table and reading of each."""

from __future__ import annotations

import pandas as pd

from analysis.engagement.channels.acquisition_cost import Acquisition
from analysis.engagement.channels.attribution import Attribution
from analysis.engagement.channels.buying_channels import BuyingChannels, Overlap
from analysis.engagement.channels.contact_events import Contacts
from analysis.engagement.channels.contact_preferences import Consents, Preferences
from analysis.engagement.channels.contact_rates import ContactRates
from analysis.engagement.channels.fatigue import DoseCurve, Fatigue
from analysis.engagement.channels.holdout_lift import HoldoutLift
from analysis.reporting.notebook.outputs import presents
from analysis.reporting.notebook.report import Report
from analysis.reports.channels import charts, columns, text, text_buying, text_response


@presents(Contacts)
def contacts(report: Report, sent: Contacts) -> None:
    """Show what was sent, and by which rules odd times were counted."""
    report.say(text.sent(sent))
    odd = sent.oddities[sent.oddities["messages"] > 0]
    if len(odd):
        report.table(odd, name="contact_oddities", columns=columns.oddities())


@presents(ContactRates)
def rates(report: Report, found: ContactRates) -> None:
    """Show what became of the messages."""
    finding = text.rates_finding(found)
    if finding:
        report.finding(**finding)
    report.headline(text.rates_headline(found))
    clicks = found.rates[(found.rates["by"] == "channel") & (found.rates["measure"] == "clicked")]
    if len(clicks) > 1:
        report.chart(
            charts.rates(clicks, "clicked", "Clicked, % of delivered"),
            alt=f"Dots with whiskers, a channel a row. {text.rates_headline(found)}.",
            caption=f"Whiskers: {report.interval}, customers as clusters.",
        )
    table, measures = text.wide_rates(found.rates, "channel")
    report.table(
        table, name="channel_rates", columns=columns.response("Channel", report.interval, measures),
        caption="Intervals count customers, not messages.",
    )  # fmt: skip
    if len(found.opens):
        report.table(
            found.opens, name="real_opens", title="Opens by persons",
            columns=columns.opens(report.interval),
        )  # fmt: skip
    report.say(text.rates_reading(found, report.params.response_days))
    for by, name in (("campaign", "Campaign"), ("segment", "Segment"), ("hour", "Hour")):
        wide, measures = text.wide_rates(found.rates, by)
        with report.detail(f"By {name.lower()} and channel"):
            report.table(
                wide, name=f"{by}_rates", columns=columns.response(name, report.interval, measures),
                caption=text.SEGMENTS_AT_ONCE if by == "segment" else None,
            )  # fmt: skip
    report.say(text.segments_reading(found))
    report.save(found.rates, "contact_rates")


@presents(HoldoutLift)
def lift(report: Report, found: HoldoutLift) -> None:
    """Show what messages caused, and what that cost."""
    title = text.lift_title(found, report.currency)
    if title:
        report.title(title)
    finding = text.lift_finding(found, report.currency)
    if finding:
        report.finding(**finding)
    report.headline(text.lift_headline(found, report.currency))
    ranking = text.comparable(found)
    if len(ranking):
        report.chart(
            charts.ranking(ranking, currency=report.currency),
            alt="Dots with whiskers of the margin after cost, rings of the margin before it. "
            f"{text.lift_headline(found, report.currency)}.",
            caption=f"{ranking['name'].iloc[0]}. Dot and whisker: after the cost of the message, "
            f"{report.interval} (all at once); ring: before it. {report.margin}",
        )
        report.table(
            found.ranking, name="channel_ranking", columns=columns.ranking(report.interval),
            caption="Margin per randomised customer in the categories on offer, before and after "
            "the cost of the message.",
        )  # fmt: skip
    arms = text.arm_table(found)
    report.table(
        arms, name="holdout_lift", title="Every tested arm against its holdout",
        columns=columns.arms(report.interval),
        caption="Per randomised customer (intention to treat), in the categories on offer while "
        "the promotion ran; report 06 tells what is left with the weeks after.",
    )  # fmt: skip
    costly = arms[arms["cost_per_order"].notna()]
    if len(costly):
        report.table(
            costly, name="cost_per_extra_order", title="What an extra order cost in messages",
            columns=columns.costs_per_order(report.interval),
            caption="Messages alone: discounts and fixed costs are not in it. No upper end: the "
            "extra orders may be none.",
        )  # fmt: skip
    report.say(text.lift_reading(found))


@presents(Attribution)
def attribution(report: Report, found: Attribution) -> None:
    """Show the credit of every model, beside what the holdout says."""
    finding = text_response.attribution_finding(found)
    if finding:
        report.finding(**finding)
    report.headline(text_response.attribution_headline(found))
    if len(found.tested):
        report.chart(
            charts.against_holdout(found.tested),
            alt="Orders credited to tested messages by each model, beside those of the holdout. "
            f"{text_response.attribution_headline(found)}.",
            caption="Tested messages only; the holdout counts orders in the categories on offer. "
            "Grey: the other six models; whisker: 95 % interval.",
        )
        report.table(
            text_response.tested_table(found), name="attribution_tested",
            title="Tested messages: orders credited, and orders caused", columns=columns.tested(),
        )  # fmt: skip
    report.table(
        text_response.credit_table(found), name="attribution",
        title="All messages of the period: orders credited", columns=columns.credited(),
        caption=f"Delivered messages of the {report.params.lookback_days} days before an order, "
        f"since the last one. Time decay halves in {report.params.half_life_days:g} days. The cost "
        "of an order that last touch credits is not that of an extra order: see above.",
    )  # fmt: skip
    report.say(text_response.attribution_reading(found))
    if len(found.with_visits):
        report.say(text_response.visits_reading(found))
        with report.detail("Messages and visits from elsewhere: orders credited"):
            report.table(
                text_response.credit_table(found, visits=True), name="attribution_with_visits",
                columns=columns.credited(without=("cost", "each")),
                caption="Visits of known customers, by the source of their session. Direct visits, "
                "and those from a channel of messages, are no touch of their own.",
            )  # fmt: skip
    with report.detail("Removal effects of the Markov chain"):
        report.table(
            found.removal, name="removal_effects", columns=columns.removal(report.interval)
        )
    report.save(found.credits, "attribution_credits")
    report.save(found.tested, "attribution_beside_holdout")


@presents(Fatigue)
def fatigue(report: Report, found: Fatigue) -> None:
    """Show how response falls and opting out rises with the messages just before."""
    for finding in text_response.fatigue_findings(found):
        report.finding(**finding)
    report.headline(text_response.fatigue_headline(found))
    measure = "opened" if "opened" in set(found.curve["measure"]) else "unsubscribed"
    report.chart(
        charts.fatigue(found.curve, measure, f"{measure.capitalize()}, % of delivered"),
        alt=f"Lines of the share {measure} by messages before, a channel a line.",
        caption=f"Messages in the {report.params.recent_days} days before, the last point that "
        f"many or more. Whiskers: {report.interval}.",
    )
    report.table(
        text_response.slope_table(found), name="fatigue_slopes",
        columns=columns.slopes(report.interval),
    )  # fmt: skip
    if len(found.by_segment):
        report.say(text_response.fatigue_by_segment(found))
        with report.detail("Fatigue by segment"):
            report.table(
                text_response.slope_table(found, found.by_segment), name="fatigue_by_segment",
                columns=columns.segment_slopes(report.interval), caption=text.SEGMENTS_AT_ONCE,
            )  # fmt: skip
    report.save(found.curve, "fatigue_curve")


@presents(DoseCurve)
def dose(report: Report, found: DoseCurve) -> None:
    """Show the frequency that pays, and who gets more or less."""
    report.finding(**text_response.dose_finding(found))
    report.headline(text_response.dose_headline(found))
    report.table(found.doses, name="dose_curve", columns=columns.doses(report.interval))
    report.say(text_response.dose_reading(found, report.currency))
    report.table(found.classes, name="contact_classes", columns=columns.classes())
    report.save(found.members, "contact_pressure")


@presents(Preferences)
def preferences(report: Report, found: Preferences) -> None:
    """Show the best channel and hour of customers."""
    report.headline(text_response.preference_headline(found))
    report.table(found.channels, name="preferred_channels", columns=columns.preferred())
    report.say(text_response.preference_reading(found))
    report.table(
        found.customers, name="contact_preferences", title="Best channel and hour by customer"
    )
    with report.detail("Response by hour"):
        report.table(found.hours, name="response_by_hour", columns=columns.hours(report.interval))


@presents(Consents)
def consents(report: Report, found: Consents) -> None:
    """Show who consents today, and what was sent without consent."""
    report.finding(**text_response.consent_finding(found))
    report.headline(text_response.consent_headline(found))
    report.table(found.table, name="consents", columns=columns.consents(report.interval))


@presents(Overlap)
def overlap(report: Report, found: Overlap) -> None:
    """Show which channels reach the same customers, and whether their order matters."""
    report.table(
        found.combinations, name="channel_combinations",
        title="Customers by the channels that reached them",
        columns=columns.combinations(report.interval), rows=10,
    )  # fmt: skip
    with report.detail("Two channels in a row"):
        report.table(found.orders, name="channel_orders", columns=columns.orders(report.interval))


@presents(BuyingChannels)
def buying(report: Report, found: BuyingChannels) -> None:
    """Show where customers buy, how they move, and what users of several channels are worth."""
    finding = text_buying.omnichannel_finding(found, report.currency)
    if finding:
        report.finding(**finding)
    report.headline(text_buying.mix_headline(found))
    report.table(found.mix, name="buying_mix", columns=columns.mix(report.interval))
    report.table(found.value, name="channels_used", columns=columns.omnichannel())
    report.say(text_buying.buying_reading(found, report.currency))
    with report.detail("Moves between channels"):
        report.table(
            found.migration, name="channel_migration", columns=columns.migration(report.interval)
        )
    report.save(found.omnichannel, "omnichannel")


@presents(Acquisition)
def acquisition(report: Report, found: Acquisition) -> None:
    """Show what a new customer costs, and when that is earned back."""
    finding = text_buying.acquisition_finding(found, report.currency)
    if finding:
        report.finding(**finding)
    report.headline(text_buying.acquisition_headline(found, report.currency))
    if len(found.payback):
        report.chart(
            charts.payback(found.payback, currency=report.currency),
            alt="Lines of the margin of newcomers less their cost, a channel a line. "
            f"{text_buying.acquisition_headline(found, report.currency)}.",
            caption=f"Bands: {report.interval} of the margin. {report.margin}",
        )
    report.table(
        text_buying.acquisition_table(found), name="acquisition_cost",
        columns=columns.acquisition(report.interval),
    )  # fmt: skip
    report.say(text_buying.acquisition_reading())
    report.save(found.payback, "payback")
    report.save(found.cohorts, "payback_by_cohort")


@presents()
def events(report: Report, gaps: pd.DataFrame, again: pd.DataFrame, back: pd.DataFrame) -> None:
    """Show how long one event takes to follow another, and who comes back."""
    report.say(text_buying.events_reading(again, back))
    with report.detail("Quantiles, and who comes back"):
        report.table(
            pd.concat([gaps, again], ignore_index=True), name="event_intervals",
            columns=columns.intervals(),
            caption="Days by Kaplan-Meier: an event not followed before the period ends counts as "
            "open until then.",
        )  # fmt: skip
        report.table(back, name="event_returns", columns=columns.returns(report.interval))


@presents()
def trust(
    report: Report,
    sent: Contacts,
    *,
    lift: HoldoutLift | None = None,
    dose: DoseCurve | None = None,
) -> None:
    """Show how far to trust the report."""
    report.trust(text.trust(sent, lift, dose, report.margin))
