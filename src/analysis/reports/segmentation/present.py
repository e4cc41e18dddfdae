"""How report 02 presents segments: finding, heading, chart, table and reading of each."""

from __future__ import annotations

import pandas as pd

from analysis.customers.deals import deal_proneness
from analysis.customers.deals.deal_proneness import Buyers
from analysis.customers.features.attributes import Coverage, days_before
from analysis.customers.retention import regularity
from analysis.customers.segments import areas as area_methods
from analysis.customers.segments import clusters as cluster_methods
from analysis.customers.segments import segment_profiles
from analysis.customers.segments.cluster_profiles import Again, Reading
from analysis.customers.segments.clusters import Clusters
from analysis.customers.value import rfm_segments, tiers
from analysis.reporting.notebook import words
from analysis.reporting.notebook.outputs import presents
from analysis.reporting.notebook.report import Report
from analysis.reports.segmentation import (
    charts,
    charts_profiles,
    columns,
    text,
    text_deals,
    text_profiles,
    text_stages,
)
from analysis.reports.segmentation.present_stages import (
    describe,
    draw,
    retention,
    second_order,
    stages,
    stages_next,
    transitions,
    trust,
    win_back,
    win_back_tested,
)
from analysis.tables.periods import Period

#: Where stands what kinds of buyers did later.
_LATER = "What each kind did next, and how it takes deeper offers"


def _measured_on(report: Report) -> str:
    after = Period.before(report.as_of, days=report.params.holdout_days)
    return f"Kinds formed before, measured on {after}."


@presents()
def buyers(report: Report, attitude: Buyers, by_buyer: pd.DataFrame) -> None:
    """Show who buys for the price, and what they bring."""
    report.finding(**text_deals.buyers_finding(attitude))
    headline = text_deals.buyers_headline(by_buyer, attitude.threshold)
    report.headline(headline)
    report.chart(
        charts.buyers_map(attitude.table, attitude.threshold),
        alt="Dots of customers: share bought on offer over the place in margin, coloured by class. "
        + headline,
        caption="Shares shrunk towards the average; line: threshold. An even sample is drawn.",
    )
    describe(report, by_buyer, deal_proneness.MEANING)
    with report.detail("How kinds of buyers are told"):
        report.say(text_deals.buyers_rule(attitude))

    shown = columns.worth(report.interval, label="Kind")
    with report.detail("Kinds of buyers in figures"):
        report.table(text.enough(by_buyer), name="buyers", columns=shown, caption=report.margin)
    report.save(attitude.table, "buyer_shares")


@presents(detail=_LATER)
def buyers_next(report: Report, followed: pd.DataFrame, before: Period, after: Period) -> None:
    """Show what each kind did afterwards."""
    report.headline(text_deals.buyers_next(followed))
    report.table(
        text.enough(followed),
        name="buyers_next",
        columns=columns.what_next(report.interval, label="Kind"),
        caption=f"Formed on {before}, followed on {after}. {text.REGRESSION}",
    )


@presents(detail=_LATER)
def reaction(report: Report, found: pd.DataFrame) -> None:
    """Show how each kind reacts to deeper discounts."""
    report.headline(text_deals.reaction(found))
    report.table(
        found,
        name="price_reaction",
        columns=columns.reaction(report.interval),
        caption="Change of their part of a category's lines when its discount that week, as "
        f"all other customers got it, is ten points deeper. {_measured_on(report)}",
    )


@presents(detail=_LATER)
def stocked(report: Report, found: pd.DataFrame) -> None:
    """Show how many further units each kind takes of deeper offers."""
    report.headline(text_deals.stocked(found))
    report.table(
        found,
        name="stocking_up",
        columns=columns.stocked(report.interval),
        caption="Units beyond the first of a discounted line, and how much more of them are "
        f"taken of an offer that is ten points deeper. {_measured_on(report)}",
    )


@presents(detail=_LATER)
def paused(report: Report, found: pd.DataFrame) -> None:
    """Show who ordered in the weeks without discounts."""
    report.headline(text_deals.paused(found))
    report.table(
        found,
        name="discount_pause",
        columns=columns.paused(report.interval),
        caption="Weeks in which the shop gave hardly any discount, against as many before and "
        "after. Kinds formed on the year before these.",
    )


#: Presenters of deal proneness and of life stages stand in files of their own.
__all__ = [
    "buyers",
    "buyers_next",
    "paused",
    "reaction",
    "retention",
    "second_order",
    "stages",
    "stages_next",
    "stocked",
    "transitions",
    "trust",
    "win_back",
    "win_back_tested",
]


def _window(report: Report) -> Period:
    return days_before(report.tables, report.as_of, days=report.params.window_days)


@presents()
def data(
    report: Report,
    customers: pd.DataFrame,
    earlier: pd.DataFrame,
    before: Period,
    after: Period,
    covered: Coverage,
) -> None:
    """Say who is judged, over which days, and on which the segments are checked."""
    report.say(
        f"{words.count(len(customers), 'customer')} bought from {_window(report)}."
        f"{text.only_returned(covered.returners, covered.returned_amount, report.currency)}"
        f"{text.quiet(customers)} {text.checked(earlier, before, after)} {report.margin}"
    )


@presents()
def rfm(report: Report, by_rfm: pd.DataFrame, sizes: pd.DataFrame, names: pd.DataFrame) -> None:
    """Show what each RFM segment is worth, under names that are borne out."""
    if pd.notna(text.best(by_rfm)["net_share"]):
        report.finding(**text.best_finding(by_rfm, report.params.confidence))
    headline = text.rfm_headline(by_rfm)
    report.headline(headline)
    draw(
        report,
        charts.worth_bars,
        by_rfm,
        alt=f"Pairs of bars by RFM segment, share of customers and share of net sales. {headline}",
        caption=f"Net sales, {_window(report)}. Whiskers: {report.interval} from resampling whole "
        "customers.",
    )
    describe(report, by_rfm, rfm_segments.MEANING)
    shown = columns.worth(report.interval, label="Segment")
    with report.detail("RFM segments in figures"):
        report.table(text.enough(by_rfm), name="rfm", columns=shown, caption=report.margin)
    refused = text.names_evidence(names)
    if refused:
        report.say(refused)
    report.save(names, "rfm_names")
    with report.detail("How large the groups of each score are"):
        report.say(text.ties(sizes))
        report.table(sizes, name="rfm_sizes", title="Actual groups", columns=columns.sizes())


@presents()
def rfm_next(report: Report, followed: pd.DataFrame, before: Period, after: Period) -> None:
    """Show what each RFM segment did afterwards."""
    headline = text.next_headline(followed)
    report.headline(headline)
    with report.detail("What each segment did next, in figures"):
        draw(
            report,
            charts.bought_again,
            followed,
            alt=f"Share of each RFM segment that bought after. {headline}",
            caption=f"Formed on {before}, followed on {after}. Whiskers: {report.interval} "
            "(Wilson).",
        )
        shown = columns.what_next(report.interval, label="Segment")
        report.table(text.enough(followed), name="rfm_next", columns=shown, caption=text.REGRESSION)


@presents()
def rfm_migration(report: Report, moved: pd.DataFrame, before: Period, now: Period) -> None:
    """Show how much of the movement between scores is more than noise."""
    moved = text.movement_labels(moved)
    report.headline(text.movement(moved))
    with report.detail("Movement against noise, by score"):
        report.chart(
            charts.movement_dots(moved),
            alt=text.movement(moved),
            caption=f"{before} against {now}; weeks without a purchase count for recency, "
            "weeks with one for frequency. Whiskers: 95 % of 40 permutations.",
        )
        report.table(moved, name="rfm_movement", columns=columns.movement())


@presents()
def value_tiers(
    report: Report,
    by_tier: pd.DataFrame,
    expected: tiers.TierValues,
    *,
    moved: pd.DataFrame | None = None,
) -> None:
    """Show what each value tier is expected to bring, and how far customers really move."""
    uplift = report.params.uplift
    report.headline(text.tiers(by_tier, uplift, report.currency))
    report.table(
        text.enough(by_tier),
        name="tiers",
        columns=columns.tiers(report.interval, among=by_tier),
        caption=f"May cost: margin a year times a hoped-for rise of {words.percent(uplift, 0)}, an "
        f"assumption that only a test can replace; so without an interval. {report.margin}",
    )
    report.say(text.tiers_basis(expected))
    if moved is not None:
        report.say(text.tiers_moved(moved))
        with report.detail("Movement between tiers against noise"):
            moved = text.movement_labels(moved)
            report.table(moved, name="tier_movement", columns=columns.movement())
    describe(report, by_tier, tiers.MEANING)


@presents()
def rhythm(
    report: Report, by_rhythm: pd.DataFrame, shapes: pd.DataFrame, common: regularity.CommonShape
) -> None:
    """Show who shops regularly."""
    regularity.require(shapes)
    report.finding(**text_stages.rhythm_finding(by_rhythm))
    report.headline(text_stages.rhythm_headline(by_rhythm))
    with report.detail("How regular customers are"):
        report.chart(
            charts.shape_histogram(shapes),
            alt="Histogram of customers' regularity against a random shopper; in colour: "
            "significantly above",
            caption="Shape of the gamma distribution of gaps, shrunk. In colour: significantly "
            "above a random shopper.",
        )
    report.say(text_stages.regularity(common))
    describe(report, by_rhythm, regularity.MEANING)
    shown = columns.worth(report.interval, label="Rhythm")
    with report.detail("Rhythm in figures"):
        report.table(text.enough(by_rhythm), name="rhythm", columns=shown, caption=report.margin)


@presents(Clusters)
def clusters(report: Report, found: Clusters) -> None:
    """Show whether there are clusters."""
    report.finding(**text_profiles.clusters_finding(found))
    report.save(found.members.assign(as_of=f"{report.as_of:%Y-%m-%d}"), "cluster_members")
    headline = text_profiles.clusters(found)
    report.headline(headline)
    with report.detail("How clusters were looked for"):
        report.chart(
            charts_profiles.structure_lines(
                found.criteria, substantial=cluster_methods.SUBSTANTIAL
            ),
            alt=f"Line of the silhouette by number of clusters. {headline}",
            caption="Grey: what customers without clusters reach, in three shapes.",
        )
        report.say(text_profiles.clusters_text(found))


@presents()
def cluster_profiles(
    report: Report, found: Clusters, described: Reading, *, numbers: pd.DataFrame | None
) -> None:
    """Show what sets the clusters apart."""
    with report.detail("What the most stable cut separates"):
        report.say(text_profiles.cluster_sentences(described, found.stability))
        report.say(text_profiles.cluster_numbers(numbers))
        report.chart(
            charts_profiles.cluster_map(described.map, described.explained),
            alt="Map of customers on two principal components, coloured by cluster",
            caption="An even sample. Numbers stand in the middle of their clusters.",
        )
        report.table(found.criteria, name="cluster_criteria", columns=columns.criteria())
        report.table(described.rules, name="cluster_rules", columns=columns.rules())
        report.save(described.profile, "cluster_profile")


@presents(Again)
def clusters_again(report: Report, again: Again) -> None:
    """Say whether the clusters are there in the earlier window."""
    with report.detail("What the most stable cut separates"):
        report.say(text_profiles.clusters_again(again))
    report.save(again.table, "cluster_again")


@presents()
def portraits(report: Report, found: pd.DataFrame, names: pd.DataFrame) -> None:
    """Lay two segments side by side, and say what each over-indexes in."""
    shown = names.set_index("name")["shown"].to_dict()
    one, other = (shown.get(name, name) for name in report.params.compare)
    report.save(found, "portraits")
    with report.detail("What each segment over-indexes in"):
        report.say(text_profiles.tastes(found, report.params.fdr))
    pair = segment_profiles.side_by_side(found, one, other, fdr=report.params.fdr)
    segment_profiles.require(pair, one, other)
    report.headline(text_profiles.compared(pair, one, other))
    report.chart(
        charts_profiles.side_by_side(pair, one, other),
        alt=f"Dots with intervals, two a row. {text_profiles.compared(pair, one, other)}",
        caption=f"{_window(report)}. Whiskers: {report.interval}.",
    )
    with report.detail("Side by side in figures"):
        report.table(pair, name="side_by_side", columns=columns.side_by_side(one=one, other=other))


@presents()
def regions(report: Report, found: pd.DataFrame) -> None:
    """Show value by region."""
    report.headline(text_profiles.areas(found, "Regions", report.currency))
    with report.detail("Regions in figures"):
        report.table(found, name="regions", columns=columns.areas(report.interval, label="Region"))


@presents()
def stores(report: Report, found: pd.DataFrame) -> None:
    """Show value by main store."""
    headline = text_profiles.areas(found, "Stores", report.currency)
    report.headline(headline)
    with report.detail("Stores in figures"):
        report.chart(
            charts_profiles.areas_forest(found, currency=report.currency),
            alt=f"Dots with intervals by main store. {headline}",
            caption=f"Customers in brackets. In colour: differs from everybody. "
            f"Whiskers: {report.interval}.",
        )
        report.table(
            found, name="stores", columns=columns.areas(report.interval, label="Main store"), rows=8
        )


@presents()
def store_preferences(report: Report, liked: pd.DataFrame) -> None:
    """Show what stores sell clearly more of."""
    with report.detail("Stores in figures"):
        report.table(
            area_methods.clear_preferences(liked),
            name="store_preferences",
            title="What stores sell significantly more of",
            columns=columns.preferences(label="Main store"),
            rows=10,
        )


@presents()
def segments(report: Report, table: pd.DataFrame) -> None:
    """Keep every customer's segments."""
    report.say(text_profiles.kinds(table))
    report.table(table, name="segments", columns=columns.segments(among=table), rows=5)
