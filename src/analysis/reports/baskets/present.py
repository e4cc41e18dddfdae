"""How report 05 presents its results: finding, heading, chart, table and reading of each."""

from __future__ import annotations

import pandas as pd

from analysis.products.association.pairs import Halves, Pairs
from analysis.products.association.triples import Triples
from analysis.products.recommend.browsing_history import BrowsingHistory
from analysis.products.recommend.evaluation import Evaluation
from analysis.products.sequences.first_baskets import FirstBaskets
from analysis.products.sequences.follow_on_screen import FollowUps
from analysis.products.sequences.matched_follow_on import Following
from analysis.products.sequences.replenishment import Replenishment
from analysis.products.substitution.brand_switching import Switching
from analysis.products.substitution.substitutes import Substitutes
from analysis.reporting.notebook import words
from analysis.reporting.notebook.outputs import presents
from analysis.reporting.notebook.report import Report
from analysis.reports.baskets import charts, columns, text, text_next, text_sets

#: What the items of a level are called on the page.
Names = dict[str, str]

#: Days ahead for which it is told who is due.
_DUE_DAYS = 7


@presents()
def data(report: Report, found: Pairs, halves: Halves) -> None:
    """Say how many orders were searched, and how."""
    searched = text.support(
        found.itemsets.support,
        found.rules.tested,
        len(found.discovered),
        found.first.orders,
        report.params.fdr,
    )
    report.say(
        f"{words.count(found.first.orders, 'order')} of {halves.first} were searched, those of "
        f"{halves.second} only check what was found. {searched}"
    )


@presents()
def pairs(report: Report, found: Pairs, names: Names) -> None:
    """Show the pairs of products that hold."""
    report.title(text.title(found, names))
    report.save(text.flat(found.rules.table), "rules")
    report.finding(**text.held_finding(text.looked_at(found, names), report.params.least_odds))
    held = text.believed(found, names)
    report.finding(**text.gain_finding(held, report.params.confidence))
    report.headline(text.leads(held))
    report.say(text.gone(found))
    report.table(
        held,
        name="pairs_that_hold",
        columns=columns.pairs(report.interval),
        rows=8,
        caption=f"Odds ratio ({report.interval}): by what factor an order that holds the first has "
        "higher odds of the second, among orders of the same size and store, week or customer, "
        "whichever leaves least. 2nd half: lift there. Orders, with both, and extra margin, of the "
        "second product in those beyond chance: first half.",
    )


@presents(detail="Support and lift of every significant pair")
def lifts(report: Report, found: Pairs, names: Names) -> None:
    """Show support and lift of the pairs."""
    looked_at = text.looked_at(found, names)
    report.headline(text.lifts(found))
    report.chart(
        charts.support_and_lift(found.discovered, looked_at),
        alt="Scatter of pairs by support and lift on logarithmic axes: the rarer, the higher the "
        "lift can be.",
        caption=f"Significant pairs of products, {found.first.period}; grey: not checked.",
    )


@presents()
def confounding(report: Report, found: Pairs, names: Names) -> None:
    """Show what the controls leave of the pairs."""
    report.headline(text.controlled(text.looked_at(found, names)))
    report.chart(
        charts.within(text.believed(found, names).head(10)),
        alt="For the pairs that hold, the unadjusted odds ratio and the least that any control "
        "leaves of it; all above one.",
        caption=f"Both halves. Whiskers: {report.interval}.",
    )


@presents(detail="The pairs not to act on", of=("table",))
def doubtful_pairs(report: Report, found: Pairs, names: Names) -> None:
    """Show the pairs not to act on, with why."""
    looked_at = text.looked_at(found, names)
    doubtful = text.why_not(looked_at)
    report.headline(text.doubted(looked_at))
    if len(doubtful):
        report.table(doubtful, name="pairs_to_doubt", columns=columns.doubts(), rows=8)


@presents(Triples, detail="The triples that were tested", of=("table",))
def triples(
    report: Report,
    found: Triples,
    names: Names,
    *,
    categories: Triples | None,
    category_names: Names | None,
) -> None:
    """Show the triples that hold beyond their pairs."""
    levels = (found, names, "product"), (categories, category_names or {}, "category")
    sets = text_sets.together(*levels)
    report.headline(text_sets.first(sets))
    report.say(text_sets.searched(found, categories))
    report.table(
        sets,
        name="threes",
        columns=columns.threes(report.interval),
        rows=5,
        caption="Expected: orders with all three in the first half if only their pairs were real. "
        "Ratio: observed to expected in the second half, among orders of the same size. Holds: "
        "significant in both halves, corrected for all triples tested.",
    )
    report.save(text_sets.maximal(found, names), "frequent_sets")


@presents(detail="The categories as a network, and one by one", of=("chart", "table"))
def category_pairs(report: Report, found: Pairs, names: Names) -> None:
    """Show the pairs of categories that hold, as a network."""
    held = text.believed(found, names)
    report.headline(text.leads(held, "category pairs"))
    report.chart(
        charts.network(text_sets.network_edges(held), seed=report.seed),
        alt="Network of categories; the thicker a line, the more of the pair is left under all "
        "controls: " + words.listing(held["pair"].head(5)),
        caption="Category pairs that hold, the sixteen with most left under all controls.",
    )
    shown = columns.pairs(report.interval, without=["same_category"])
    report.table(held, name="categories_that_hold", columns=shown, rows=10)


@presents(detail="Lifts of the largest categories, and shelves")
def lift_map(report: Report, found: Pairs, names: Names) -> None:
    """Show the lifts between the most frequent categories."""
    square = text_sets.lift_square(found, names)
    report.headline(text_sets.largest(square))
    report.chart(
        charts.lift_map(square),
        alt="Heat map of lifts between the most frequent categories.",
        caption=f"{found.first.period}, as counted, without controls.",
    )


@presents(detail="Lifts of the largest categories, and shelves")
def shelf_groups(report: Report, groups: pd.DataFrame, names: Names) -> None:
    """Show which categories to place together."""
    report.table(
        text_sets.shelves(groups, names),
        name="shelf_groups",
        title="For shelves: each category beside the one it is most bought with",
        columns=columns.shelves(),
        rows=8,
    )


@presents(detail="Departments")
def department_pairs(report: Report, held: pd.DataFrame, names: Names) -> None:
    """Show the pairs of departments that hold."""
    report.table(
        text.by_gain(text.named(held, names)),
        name="departments_that_hold",
        title="Departments",
        columns=columns.pairs(report.interval, without=["same_category"]),
        rows=6,
    )


@presents(detail="What is bought with the category wanted")
def rules_to(report: Report, leading: pd.DataFrame, names: Names) -> None:
    """Show what is bought with the target category."""
    target = report.params.target
    report.table(
        text.named(leading, names),
        name="leading_to_target",
        title=f"What is in one order with {names.get(target, target)}, without controls",
        columns=columns.leading(),
        rows=6,
    )


@presents(Substitutes, detail="The pairs that were tested", of=("table",))
def substitutes(report: Report, found: Substitutes, names: Names) -> None:
    """Show the pairs that are ordered together less often than expected."""
    report.finding(**text_next.substitutes_finding(found, names))
    report.headline(text_next.substitutes(found))
    report.table(
        text_next.chosen_between(found, names),
        name="substitutes",
        columns=columns.substitutes(),
        rows=8,
    )


@presents(detail="Offer by offer", of=("table",))
def cannibalisation(report: Report, risk: pd.DataFrame, names: Names) -> None:
    """Show in the weeks of which offers another product sells less."""
    fdr = report.params.fdr
    report.finding(**text_next.cannibalisation_finding(risk, names, fdr))
    report.headline(text_next.taken(risk, fdr))
    report.table(
        text_next.offers_named(risk, names),
        name="cannibalisation",
        columns=columns.offers(report.interval),
        rows=8,
        caption="Orders over all weeks on offer.",
    )


@presents(Switching, detail="Which brand is bought after which")
def brand_switching(report: Report, steps: Switching) -> None:
    """Show which brand is bought after which."""
    by = report.params.switching_by
    report.headline(text_next.loyal(steps, by))
    report.chart(
        charts.switching_map(steps.square()),
        alt="Heat map of the next brand by the last; who stays is on the diagonal.",
        caption=f"Per cent of each row: next purchase after the last, by {by}.",
    )
    report.save(steps.loyalty, "loyalty")


@presents(detail="Bundle by bundle", of=("table",))
def bundles(report: Report, offers: pd.DataFrame, names: Names) -> None:
    """Show how many more bundles must sell for their discount to cost nothing."""
    discount = report.params.bundle_discount
    report.headline(text_next.bundle(offers, discount))
    report.table(
        text.both_named(offers, names),
        name="bundles",
        columns=columns.bundles(discount=words.percent(discount, 0)),
        rows=8,
        caption=f"Margin of one order's worth of both. {report.margin}",
    )


@presents(detail="Who buys the first, never the second")
def cross_sell(report: Report, open_to: pd.DataFrame, names: Names) -> None:
    """Show how many buyers of the first never bought the second."""
    report.table(
        text.both_named(open_to, names),
        name="cross_sell",
        title="Cross-selling: who buys the first, never the second",
        caption="Penetration: share of the buyers of the first who have bought the second.",
        columns=columns.cross_sell(),
        rows=8,
    )


@presents()
def follow_on(
    report: Report, followed: Following, screened: FollowUps, level: Pairs, names: Names
) -> None:
    """Show how the surest follow-up rises, day by day."""
    window, then = report.params.window, text_next.named(followed.table, names)
    for finding in text_next.findings(followed, then, window):
        report.finding(**finding)
    items = text.plural(level.first.level)
    report.say(text_next.screening(screened, window, report.params.fdr, items))
    report.headline(text_next.most(then, window))
    report.chart(
        charts.incidence(followed.curves.merge(then.head(1)[["first", "then"]])),
        alt=f"Two rising curves: {then['label'].iloc[0]}, of buyers and of matched customers.",
        caption="One less the Kaplan-Meier estimate, within groups of purchase frequency. "
        f"Bands: {words.percent(followed.confidence, 1)} intervals over customers. "
        f"{text_next.bounds(then)}",
    )


@presents(Following, detail="Pair by pair", of=("chart", "table"))
def follow_on_differences(report: Report, followed: Following, names: Names) -> None:
    """Show how many more go on to the next purchase than matched customers."""
    then = text_next.named(followed.table, names)
    report.headline(text_next.sure(then))
    report.chart(
        charts.differences(then),
        alt="Differences between buyers and matched customers, each with its interval: "
        + words.listing(then["label"].head(4)),
        caption=f"Within {report.params.window} days. Whiskers: "
        f"{words.percent(followed.confidence, 1)} intervals, because these pairs were "
        "picked out of many.",
    )
    sure = f"{words.percent(followed.confidence, 1)} interval"
    report.table(then, name="next_purchases", columns=columns.follow_ups(sure), rows=12)
    report.save(followed.curves, "next_curves")


@presents(detail="Sequence by sequence", of=("table",))
def sequences(report: Report, tested: pd.DataFrame, names: Names) -> None:
    """Show in which sequences the order of visits matters."""
    report.headline(text_next.order(tested, report.params.fdr))
    ordered = text_next.labelled(tested, names)
    report.table(
        ordered,
        name="sequences",
        columns=columns.sequences(),
        rows=8,
        caption="Random order: mean over permutations of each customer's visits.",
    )


@presents(FirstBaskets, detail="Item by item", of=("table",))
def first_baskets(report: Report, begun: FirstBaskets, level: Pairs, names: Names) -> None:
    """Show which items of a first order predict margin."""
    items = text.plural(level.first.level)
    report.headline(text_next.foretold(begun, report.params.fdr, names, report.currency, items))
    report.say(text_next.first_orders(begun, report.currency))
    report.table(
        text_next.with_names(begun, names),
        name="first_baskets",
        columns=columns.first_orders(words.percent(begun.confidence, 1) + " interval"),
        rows=8,
    )


@presents(Replenishment, detail="Item by item", of=("table",))
def replenishment(report: Report, found: Replenishment, names: Names) -> None:
    """Show after how many days items are bought again."""
    report.headline(text_next.rhythm(found, names))
    report.table(
        text_next.with_due(found, names, days=_DUE_DAYS),
        name="rhythms",
        columns=columns.rhythms(),
        rows=8,
    )
    report.save(found.due, "due")


@presents(detail="Whether who was due did buy")
def due_check(report: Report, right: pd.DataFrame) -> None:
    """Show whether who was due bought."""
    report.headline(text_next.calibrated(right, _DUE_DAYS))
    report.chart(
        charts.due_bars(right, days=_DUE_DAYS),
        alt="Bars of the share that bought in the next week, by days overdue.",
        caption=f"Purchase intervals learnt up to {report.params.held_out_days} days before the "
        f"end. Whiskers: {report.interval}.",
    )
    report.save(right, "due_check")


@presents(detail="How the recommenders were evaluated", of=("table", "chart"))
def recommenders(report: Report, usual: Evaluation) -> None:
    """Show which recommender knows the next baskets best."""
    report.headline(text_next.recommender(usual))
    report.chart(
        charts.recommenders(usual.table),
        alt="Recall of each recommender with its interval.",
        caption=f"The last {report.params.held_out_days} days, lists of ten. "
        f"Whiskers: {report.interval}.{text_next.drawn(usual)}",
    )
    shown = columns.recommenders(report.interval)
    report.table(usual.table, name="recommenders", columns=shown)


@presents(detail="How the recommenders were evaluated")
def new_recommenders(report: Report, new: Evaluation) -> None:
    """Show which recommender knows the products bought for the first time best."""
    asked = report.params
    report.headline(text_next.recommender(new))
    report.finding(**text_next.recommender_finding(new, asked.confidence, asked.held_out_days))
    shown = columns.recommenders(report.interval)
    drawn = text_next.drawn(new).strip() or None
    report.table(new.table, name="recommenders_new", columns=shown, caption=drawn)


@presents(BrowsingHistory)
def browsing_history(report: Report, found: BrowsingHistory) -> None:
    """Show whether pages seen foretell purchases better than purchases alone."""
    if found.helps:
        report.finding(**text_next.browsing_finding(found, report.params.confidence))
    report.say(text_next.browsing(found, report.interval))
    report.save(found.table, "browsing_history")


@presents()
def recommendations(report: Report, lists: pd.DataFrame, names: Names) -> None:
    """Save each customer's best new products."""
    report.table(
        text_next.reasons(lists, names),
        name="recommendations",
        title="Never bought, most likely next",
        rows=5,
        columns=columns.recommendations(),
    )


@presents()
def next_baskets(report: Report, lists: pd.DataFrame, names: Names) -> None:
    """Save what each customer buys anyway."""
    report.table(
        text_next.reasons(lists, names),
        name="next_baskets",
        title="In the next baskets",
        rows=5,
        columns=columns.recommendations(),
    )


@presents()
def trust(
    report: Report, found: Pairs, *, categories: Pairs | None, followed: Following | None
) -> None:
    """Say how far to trust the report."""
    report.trust(text.lines(found, categories, followed, report.margin))
