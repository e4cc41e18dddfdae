"""What pairs that hold, and pairs to doubt, say.

What pairs and sets of items are called on a page.

How far to trust pairs and follow-ups.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.products.association.confounding import MOSTLY
from analysis.reporting.notebook import words

if TYPE_CHECKING:
    from analysis.products.association.pairs import Pairs
    from analysis.products.association.support import Support
    from analysis.products.sequences.matched_follow_on import Following
    from analysis.reporting.notebook.report import TrustLine

#: Fields of a finding, as `Report.finding` takes them.
Fields = dict[str, Any]

#: Share of the odds that is left where controls explain little.
_LITTLE = 0.8

#: An offer that leaves no more of a pair than so many times what another control does is named.
_AS_MUCH = 1.2

_DOUBTED = {"promotion": "a joint promotion", "fades": "chance: not replicated"}

_WHY = {
    "size": "large baskets",
    "size_store": "the store",
    "size_week": "the season",
    "customer": "the same customers",
}


def by_gain(table: pd.DataFrame) -> pd.DataFrame:
    """Return believed pairs, those first whose orders beyond chance bring most margin."""
    marked = table if "same_category" in table else table.assign(same_category=False)
    return marked.sort_values(["gain", "pair"], ascending=[False, True]).reset_index(drop=True)


def why_not(table: pd.DataFrame) -> pd.DataFrame:
    """Return the pairs not to be believed, with why, those that look best at first sight first."""
    doubted = table[table["verdict"] != "holds"]
    doubted = doubted.sort_values("lift", ascending=False, kind="stable")
    reasons = [_doubt(row) for row in doubted.to_dict("records")]
    return doubted.assign(why=reasons).reset_index(drop=True)


def _doubt(row: dict[Any, Any]) -> str:
    """Return why one pair is not to be believed."""
    if row["verdict"] != "weak":
        return _DOUBTED.get(row["verdict"], _WHY.get(row["explained_by"], ""))
    odds = {why: row[f"or_{name}"] for name, why in _WHY.items() if f"or_{name}" in row}
    known = {why: value for why, value in odds.items() if value == value}
    least = min(known, key=lambda why: known[why])
    # A leaflet runs by the week: the season explains as much, but the offer says more.
    if row["or_promotion"] <= _AS_MUCH * known[least]:
        least = _DOUBTED["promotion"]
    return f"mostly {least}; too weak to act on"


def plural(level: str) -> str:
    """Return what several items of a level are called."""
    return {"category": "categories"}.get(level, f"{level}s")


def looked_at(pairs: Pairs, names: dict[str, str]) -> pd.DataFrame:
    """Return the pairs that were checked, with their names; NotApplicable without any."""
    return named(pairs.checked, names)


def believed(pairs: Pairs, names: dict[str, str]) -> pd.DataFrame:
    """Return the pairs that hold, with their names, by what they gain; else NotApplicable."""
    return by_gain(named(pairs.believed, names))


def title(pairs: Pairs, names: dict[str, str]) -> str:
    """Return the page's title."""
    if pairs.looked_at is None:
        return "No two products are bought together significantly more often than by chance"
    checked = looked_at(pairs, names)
    held = checked[checked["verdict"] == "holds"]
    if held.empty:
        return "No product pair holds in the second half and under all controls"
    first = shorter(by_gain(held)["pair"].iloc[0])
    if len(checked) == 1:
        return f"One pair of products is bought together more often than by chance: {first}"
    if len(held) == 1:
        return f"Of {len(checked)} product pairs {first} alone hold under all controls"
    share = f"{len(held)} of {len(checked)} product pairs"
    return f"{share} hold under all controls: {first} bring most margin"


def leads(table: pd.DataFrame, pairs: str = "pairs") -> str:
    """Say which of the pairs that hold is first."""
    first = shorter(table["pair"].iloc[0])
    if len(table) == 1:
        return f"Of all {pairs} looked at, {first} alone hold"
    return f"{first} bring most margin of the {pairs} that hold"


def support(chosen: Support, tested: int, discovered: int, orders: int, fdr: float) -> str:
    """Say how the search was done."""
    return (
        f"Minimum support is {words.count(chosen.orders, 'order')} of {words.number(orders)} "
        f"({words.percent(chosen.share, 2)}). {chosen.reason}. Of {words.number(tested)} "
        f"rules tested, {words.count(discovered, 'pair')} "
        f"{'is' if discovered == 1 else 'are'} significant (lift above 1) at a false discovery "
        f"rate of {words.percent(fdr, 0)} over all of them."
    )


def lifts(pairs: Pairs) -> str:
    """Say how strong the pairs beyond chance are."""
    table = pairs.discovered
    strong = int((table["lift"] >= 3).sum())
    if len(table) == 1:
        times = words.number(table["lift"].iloc[0], 1)
        return f"One pair of products is bought together {times} times as often as by chance"
    return (
        f"{words.count(len(table), 'product pair')} are bought together significantly more often "
        f"than by chance, {words.number(strong)} of them at least three times as often"
    )


def controlled(checked: pd.DataFrame) -> str:
    """Say what basket size, store, week and customer leave of the pairs."""
    shrunk = (checked["or_least"] / checked["or_raw"]).median()
    held = int((checked["verdict"] == "holds").sum())
    much = "much" if shrunk < _LITTLE else "little"
    return (
        f"Basket size, store, week and customer explain {much}: the median pair keeps "
        f"{words.percent(shrunk, 0)} of its odds ratio; {held} of {len(checked)} hold"
    )


def doubted(checked: pd.DataFrame) -> str:
    """Say how many pairs not to act on."""
    n = int((checked["verdict"] != "holds").sum())
    if n == 0:
        each = "The checked pair holds" if len(checked) == 1 else "All checked pairs hold"
        return f"{each}: basket size, store, season and promotion explain too little"
    return f"{words.count(n, 'pair')} with a high lift should not be acted on"


def held_finding(checked: pd.DataFrame, least: float) -> Fields:
    """Return the finding of how many pairs hold; without an interval: it is all of them."""
    n, k = len(checked), int((checked["verdict"] == "holds").sum())
    raw = int((checked["or_raw"] >= least).sum())
    return {
        "key": "pairs_that_hold",
        "sentence": "of the checked product pairs hold in the second half and under all controls, "
        "large enough to act on", "value": k / n, "unit": "%", "n": n, "noun": "pair",
        "detail": f"unadjusted, {'all' if raw == n else f'{raw} of {n}'} have the odds asked for",
    }  # fmt: skip


def gain_finding(believed: pd.DataFrame, confidence: float) -> Fields:
    """Return the finding of the pair whose orders beyond chance bring most."""
    row = believed.iloc[0]
    within = ", of one category" if bool(row["same_category"]) else ""
    return {
        "key": "first_pair",
        "sentence": f"times the odds: {shorter(row['pair'])}{within} in one order, under the "
        "strictest control: basket size, store, week or customer", "value": row["or_least"],
        "low": row["or_least_low"], "high": row["or_least_high"], "level": confidence,
        "n": int(row["first_both"] + row["second_both"]), "noun": "order", "decimals": 1,
        "detail": "of the pairs that hold, the one whose orders beyond chance bring most margin; "
        "orders of both halves with both",
    }  # fmt: skip


def gone(pairs: Pairs) -> str:
    """Say how many articles are in no call because they are no longer sold; empty if none is.

    Of those that are in orders often enough for a pair; the others would be in no call anyway.
    """
    n = len(pairs.gone & set(pairs.orders.holders))
    if not n:
        return ""
    is_, are = ("article is", "It is") if n == 1 else ("articles are", "They are")
    return (
        f"{words.number(n)} {is_} no longer sold, or out of season, though often sold in the first "
        f"half. {are} left out below."
    )


def named(table: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    """Return rules with a, b and pair: what to call their sides and both; brief and short: cut."""
    a = table["antecedents"].map(lambda s: words.listing(names.get(i, i) for i in s))
    b = table["consequents"].map(lambda s: words.listing(names.get(i, i) for i in s))
    return flat(
        table.assign(
            a=a, b=b, pair=a + " – " + b, brief=_brief_pairs(a, b), short=_brief_pairs(a, b, 15)
        )
    )


def _brief_pairs(a: Iterable[str], b: Iterable[str], most: int = 26) -> list[str]:
    return [f"{brief(x, most)} – {brief(y, most)}" for x, y in zip(a, b, strict=True)]


def brief(name: str, most: int = 26) -> str:
    """Return a name cut to so many characters, a number that tells it from others kept."""
    plain, bracket, number = name.partition(" (")
    room = most - len(bracket + number)
    cut = plain if len(plain) <= room else plain[: room - 1].rstrip(" ,-") + "…"
    return cut + bracket + number


def shorter(pair: str) -> str:
    """Return a pair without package sizes and numbers, but for those that tell its sides apart."""
    whole = pair.split(" – ")
    sides = [side.split(" (")[0].split(",")[0].strip() for side in whole]
    if len(whole) > 1 and sides[0] == sides[-1]:
        sides = whole
    return " and ".join([sides[0], sides[-1][:1].lower() + sides[-1][1:]])


def both_named(table: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    """Return a table of items a and b with their names."""
    a, b = ([names.get(i, i) for i in table[side]] for side in ("a", "b"))
    pair = [f"{x} – {y}" for x, y in zip(a, b, strict=True)]
    return table.assign(a_name=a, b_name=b, pair=pair, brief=_brief_pairs(a, b))


def flat(rules: pd.DataFrame) -> pd.DataFrame:
    """Return rules with their sides as text, to be saved."""
    return rules.assign(
        antecedents=rules["antecedents"].map(" + ".join),
        consequents=rules["consequents"].map(" + ".join),
    )


def lines(
    products: Pairs, categories: Pairs | None, followed: Following | None, margin_basis: str
) -> list[TrustLine]:
    """Return the lines of the panel, as far as there is something to trust."""
    searched = ("Multiplicity", True, _searched(products, categories))
    found: list[TrustLine] = [searched, _alike(products)]
    if products.looked_at is not None:
        found += [_second(products), _promotion(products)]
    if followed is not None:
        said = "What was bought with A on the same day never counts as next."
        found += [_matching(followed), ("Same orders", True, said), _later(followed)]
    return [*found, ("Margin", None, margin_basis)]


def _searched(products: Pairs, categories: Pairs | None) -> str:
    more = f", of categories for all {words.number(categories.rules.tested)}" if categories else ""
    return (
        f"Corrected for all {words.number(products.rules.tested)} rules of products tested{more}."
    )


def _alike(products: Pairs) -> TrustLine:
    known = products.orders.known("customer")
    text = f"{words.percent(known, 0)} of orders have a known customer."
    if known < MOSTLY:
        return (
            "Within-customer correlation",
            False,
            f"Only {text} The others count as independent: intervals are rather too narrow, and "
            "the customer is no control.",
        )
    return ("Within-customer correlation", True, f"{text} Intervals and tests are adjusted for it.")


def _second(products: Pairs) -> TrustLine:
    held, n = int(products.checked["holds"].sum()), len(products.checked)
    return (
        "Replication",
        held >= 0.8 * n,
        f"{held} of {n} checked pairs are significant again in the second half.",
    )


def _promotion(products: Pairs) -> TrustLine:
    known = products.checked["or_promotion"].notna()
    if not known.any():
        return (
            "Promotions",
            None,
            "The study has no offers: joint promotions cannot be ruled out.",
        )
    made = int(why_not(products.checked)["why"].str.contains(_DOUBTED["promotion"]).sum())
    return (
        "Promotions",
        True,
        f"{words.count(made, 'checked pair')} explained by joint promotions, wholly or mostly, "
        "compared among weeks with both, one or neither product on offer.",
    )


def _matching(followed: Following) -> TrustLine:
    table = followed.table
    share = float(table["matched"].sum() / table["buyers"].sum())
    return (
        "Matching",
        share >= 0.5,
        f"{words.percent(share, 0)} of first buyers could be followed and matched; those who took "
        "the second in the same order, or had no match, are left out.",
    )


def _later(followed: Following) -> TrustLine:
    table = followed.table
    sure, least = ((table[c] > 0).sum() for c in ("difference_low", "difference_least_low"))
    said = "Matched customers are censored when they buy A themselves."
    if not sure:
        return ("Censoring", None, said)
    return (
        "Censoring",
        bool(least == sure),
        f"{said} Followed past it, with what A brings counted against it, {least} of {sure} "
        "significant differences remain.",
    )
