"""What follow-ups, sequences, rhythms and recommendations say.

What bundles need, what offers take from other products, what first baskets foretell.

What is bought instead of each other, and who stays with a brand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.reporting.notebook import words
from analysis.reports.baskets.text import both_named, brief

if TYPE_CHECKING:
    from analysis.products.recommend.browsing_history import BrowsingHistory
    from analysis.products.recommend.evaluation import Evaluation
    from analysis.products.sequences.first_baskets import FirstBaskets
    from analysis.products.sequences.follow_on_screen import FollowUps
    from analysis.products.sequences.matched_follow_on import Following
    from analysis.products.sequences.replenishment import Replenishment
    from analysis.products.substitution.brand_switching import Switching
    from analysis.products.substitution.substitutes import Substitutes

Fields = dict[str, Any]


def named(table: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    """Return follow-ups with a label: first, then; and the day to write where more follow."""
    label = [
        f"{names.get(a, a)} → {names.get(b, b)}"
        for a, b in zip(table["first"], table["then"], strict=True)
    ]
    sure = table["difference_low"] > 0
    return table.assign(label=label, write_on=table["best_day"].where(sure))


def most(table: pd.DataFrame, days: int) -> str:
    """Say what follows most surely."""
    row = table.iloc[0]
    sure = row["difference_low"] > 0 or row["difference_high"] < 0
    told = "" if sure else ": not significant"
    return (
        f"{row['label']}: {words.percent(row['share'], 0)} within {days} days, against "
        f"{words.percent(row['control'], 0)} of matched customers{told}"
    )


def sure(table: pd.DataFrame) -> str:
    """Say after how many first purchases more follow than among matched customers."""
    n, fewer = (
        int(side.sum()) for side in (table["difference_low"] > 0, table["difference_high"] < 0)
    )
    less = f"; in {fewer}, significantly fewer" if fewer else ""
    if n == 0:
        none = "In none of the pairs followed do significantly more first buyers buy the next"
        return f"{none}{less}"
    return (
        f"In {n} of {words.count(len(table), 'pair')} significantly more first buyers buy the next "
        f"than matched customers{less}"
    )


def bounds(table: pd.DataFrame) -> str:
    """Say what the first row's others would be if those who buy A later were taken otherwise."""
    row = table.iloc[0]
    least, most = (words.percent(row[c]) for c in ("control_least", "control_most"))
    return (
        f"If matched customers who buy A later never bought B, they would reach {least}; followed "
        f"past it, {most}."
    )


def screening(screened: FollowUps, window: int, fdr: float, items: str) -> str:
    """Say how many pairs were looked at."""
    searched, found = screened.searched, int((screened.table["q"] <= fdr).sum())
    return (
        f"Of {words.count(searched, 'ordered pair')} of {items}, {words.number(found)} follow "
        f"within {window} days significantly more or less often than among all customers of the "
        f"same purchase frequency (false discovery rate {words.percent(fdr, 0)}). The most "
        "significant are followed day by day, against customers matched on week, purchase "
        "frequency and whether they had bought the second before."
    )


def findings(followed: Following, table: pd.DataFrame, days: int) -> list[Fields]:
    """Return the finding of the largest difference; none whose interval holds no difference."""
    row = table.iloc[0]
    if not row["difference_low"] > 0:
        return []
    found = {
        "key": "next_purchase",
        "sentence": f"more first buyers go on within {days} days than matched customers: "
        f"{row['label']}",
        "value": row["difference"], "low": row["difference_low"], "high": row["difference_high"],
        "unit": "points", "level": followed.confidence, "n": int(row["matched"]), "noun": "buyer",
        "detail": row["reason"]
        or f"half of who goes on beyond those, by day {words.number(row['median_days'])}",
    }  # fmt: skip
    return [found]


def pattern_label(pattern: tuple[tuple[str, ...], ...], names: dict[str, str]) -> str:
    """Return a sequence as it is read."""
    return " → ".join(" + ".join(names.get(i, i) for i in visit) for visit in pattern)


def labelled(table: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    """Return sequences with a label, the most beyond shuffled visits first."""
    labels = [pattern_label(p, names) for p in table["pattern"]]
    ordered = table.assign(label=labels).sort_values(["ratio", "label"], ascending=[False, True])
    written = ordered["label"].where(ordered["label"] != "", "–")
    return ordered.assign(label=written, pattern=written).reset_index(drop=True)


def order(table: pd.DataFrame, fdr: float) -> str:
    """Say whether order matters."""
    n, found = len(table), table[table["q"] <= fdr]
    if found.empty:
        return f"Visit order matters significantly in none of the {n} most common sequences"
    top = found["ratio"].max()
    return (
        f"Visit order matters significantly in {len(found)} of {n} sequences: at most "
        f"{words.number(top, 2)} times as many customers as with visits in random order"
    )


def rhythm(found: Replenishment, names: dict[str, str]) -> str:
    """Say what is bought most regularly."""
    row = found.items.iloc[0]
    return (
        f"{names.get(row['item'], row['item'])}: bought again after "
        f"{words.count(row['median_days'], 'day')} (median)"
    )


def with_due(found: Replenishment, names: dict[str, str], *, days: int = 7) -> pd.DataFrame:
    """Return the items with their name and how many customers are due within ``days``."""
    soon = found.due[(found.due["overdue_days"] >= -days) & (found.due["overdue_days"] < 14)]
    counts = soon.groupby("item").size()
    table = found.items
    return table.assign(
        name=[names.get(i, i) for i in table["item"]],
        due_soon=table["item"].map(counts).fillna(0).astype("int64"),
    )


def calibrated(table: pd.DataFrame, days: int) -> str:
    """Say whether who is due buys."""
    best = table.loc[table["share"].idxmax()]
    least = table.loc[table["share"].idxmin()]
    return (
        f"By days overdue, {words.percent(least['share'], 0)} to "
        f"{words.percent(best['share'], 0)} bought within {days} days"
    )


def recommender(found: Evaluation) -> str:
    """Say which recommender is best, and by how much."""
    rows = found.table.set_index("recommender")
    best, rest = rows.loc[found.best], rows.drop(found.best)
    second = rest["recall"].idxmax()
    what = "new products" if found.new_only else "the next baskets"
    return (
        f"For {what}, “{found.best}”, chosen on the month before, has a recall of "
        f"{words.percent(best['recall'])} with ten products; “{second}” "
        f"{words.percent(rest['recall'].max())}"
    )


def drawn(found: Evaluation) -> str:
    """Say of how many customers those measured were drawn, if not all were asked."""
    if not found.drawn_from:
        return ""
    return f" Measured on customers drawn at random from {words.number(found.drawn_from)}."


def recommender_finding(found: Evaluation, confidence: float, days: int) -> Fields:
    """Return the finding of the chosen recommender."""
    row = found.table.set_index("recommender").loc[found.best]
    return {
        "key": "recommendation_recall_new" if found.new_only else "recommendation_recall",
        "sentence": f"of what a customer bought for the first time in {days} days was, on average, "
        f"on their list of ten (“{found.best}”)",
        "value": row["recall"], "low": row["recall_low"], "high": row["recall_high"], "unit": "%",
        "level": confidence, "n": int(row["customers"]), "noun": "customer", "direction": "up_good",
    }  # fmt: skip


def browsing(found: BrowsingHistory, interval: str) -> str:
    """Say whether recommendations take account of pages seen."""
    alone, both = found.table["recall"]
    customers, looked = (words.number(found.table[c].iloc[0]) for c in ("customers", "looked"))
    gain, *ends = (words.number(v, 4, signed=True) for v in (found.gain, found.low, found.high))
    verdict = (
        "So pages seen are among the candidates."
        if found.helps
        else "That is no gain shown, so recommendations go by purchases alone."
    )
    return (
        f"Product pages that customers saw on the site, added to “{found.recommender}” with a "
        f"weight chosen on the month before, change the recall from {words.percent(alone, 2)} to "
        f"{words.percent(both, 2)} and the NDCG by {gain} ({interval} {ends[0]} to {ends[1]}; "
        f"{customers} customers, of whom {looked} had seen a page in the four weeks before). "
        f"{verdict}"
    )


def browsing_finding(found: BrowsingHistory, confidence: float) -> Fields:
    """Return the finding of what pages seen add; for a gain that held-out time bears out."""
    return {
        "key": "browsing_gain",
        "sentence": "more NDCG where product pages that customers saw are candidates beside their "
        "purchases, in the month held out", "value": found.gain, "low": found.low,
        "high": found.high, "decimals": 4, "level": confidence,
        "n": int(found.table["customers"].iloc[0]), "noun": "customer", "direction": "up_good",
    }  # fmt: skip


def reasons(table: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    """Return recommendations with readable products and reasons."""
    rows = zip(table["reason"], table["because"], table["every_days"], strict=True)
    why = [
        f"{reason} {names.get(because, because)}"
        if because
        else f"you buy it about every {words.count(days, 'day')}"
        if days == days
        else reason
        for reason, because, days in rows
    ]
    return table.assign(item_name=[names.get(i, i) for i in table["item"]], why=why)


def offers_named(table: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    """Return a table of offers with readable products."""
    offered, other = ([brief(names.get(i, i)) for i in table[c]] for c in ("offered", "other"))
    return table.assign(offered_name=offered, other_name=other)


def taken(table: pd.DataFrame, fdr: float) -> str:
    """Say in the weeks of how many offers another product sells less."""
    found = table[(table["q"] <= fdr) & (table["lost"] > 0)]
    looked = words.number(len(table))
    if found.empty:
        return f"In weeks of none of {looked} offers the other product sells significantly less"
    return f"In weeks of {len(found)} of {looked} offers the other product sells significantly less"


def cannibalisation_finding(table: pd.DataFrame, names: dict[str, str], fdr: float) -> Fields:
    """Return the finding of how many offers another product sold less under."""
    found = table[(table["q"] <= fdr) & (table["lost"] > 0)]
    return {
        "key": "cannibalising_offers",
        "sentence": "offers in whose weeks the other product, seldom ordered with it, sold "
        "significantly less", "value": float(len(found)), "decimals": 0, "n": len(table),
        "noun": "offer", "direction": "up_bad",
        "detail": _most(found.iloc[0], names) if len(found) else "none significant",
    }  # fmt: skip


def _most(row: pd.Series, names: dict[str, str]) -> str:
    offered, other = (names.get(row[c], row[c]) for c in ("offered", "other"))
    ends = words.interval(row["lost_low"], row["lost_high"], 0, "")
    return (
        f"most: in {int(row['weeks'])} weeks of {offered}, {other} had {ends} orders fewer (no "
        "causal proof)"
    )


def foretold(
    found: FirstBaskets, fdr: float, names: dict[str, str], currency: str, items: str
) -> str:
    """Say which first purchase foretells most."""
    sure = found.table[found.table["q"] <= fdr]
    if sure.empty:
        return (
            f"None of {len(found.table)} {items} in a first order goes significantly with more or "
            "less margin"
        )
    row = sure.loc[sure["difference"].abs().idxmax()]
    more = "more" if row["difference"] > 0 else "less"
    name = names.get(row["item"], row["item"])
    worth = words.money(abs(row["difference"]), 0, currency)
    return f"{name} in the first order goes with {worth} {more} margin in {found.days} days"


def first_orders(found: FirstBaskets, currency: str) -> str:
    """Say whose first orders were looked at."""
    return (
        f"{found.known_by} {words.count(found.customers, 'such customer')} could be followed for "
        f"{found.days} days and brought {words.money(found.mean, 2, currency)} margin on average "
        "after the first order. Each difference compares first orders of the same size with the "
        "same other items."
    )


def with_names(found: FirstBaskets, names: dict[str, str]) -> pd.DataFrame:
    """Return the items with readable names."""
    return found.table.assign(name=[names.get(i, i) for i in found.table["item"]])


def bundle(table: pd.DataFrame, discount: float) -> str:
    """Say whether bundles pay."""
    off = words.percent(discount, 0)
    median = table["break_even"].fillna(float("inf")).median()
    if median == float("inf"):
        return f"At {off} off, half of the bundles or more lose on each one sold"
    return (
        f"At {off} off, the median bundle must sell {words.percent(median, 0)} more to break even"
    )


def substitutes(found: Substitutes) -> str:
    """Say how many pairs of a category are ordered together less often than expected."""
    n = int(found.table["substitutes"].sum())
    return (
        f"{words.count(n, 'pair')} of {words.number(found.tested)} within a category "
        f"{'is' if n == 1 else 'are'} ordered together significantly less often than expected, "
        "though the same customers buy both"
    )


def substitutes_finding(found: Substitutes, names: dict[str, str]) -> Fields:
    """Return the finding of how many pairs may stand in for each other."""
    n = int(found.table["substitutes"].sum())
    top = found.table.iloc[0]
    pair = f"{names.get(top['a'], top['a'])} and {names.get(top['b'], top['b'])}"
    said = "hypothesis: substitutes; most significant"
    return {
        "key": "substitutes",
        "sentence": "product pairs of one category are ordered together less often than expected",
        "value": float(n), "decimals": 0, "n": found.tested, "noun": "pair",
        "detail": f"{said}: {pair}"
        if n
        else "none significant within basket sizes, stores and weeks",
    }  # fmt: skip


def chosen_between(found: Substitutes, names: dict[str, str]) -> pd.DataFrame:
    """Return all tested pairs with their names, substitutes first."""
    return both_named(found.table, names)


def loyal(found: Switching, by: str) -> str:
    """Say which brand keeps its buyers best, beyond its size."""
    table = found.loyalty[found.loyalty["purchases"] >= 100]
    if table.empty:
        return f"{found.group} is bought again too seldom to tell who stays"
    row = table.loc[(table["loyal"] - table["usual"]).idxmax()]
    named = row["brand"] if by in ("name", "brand") else f"{by} {row['brand']}"
    return (
        f"{found.group}: after {named}, {words.percent(row['loyal'], 0)} of next "
        f"purchases stay; its share alone would give {words.percent(row['usual'], 0)}"
    )
