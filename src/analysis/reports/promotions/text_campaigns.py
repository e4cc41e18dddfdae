"""What targeted campaigns and promotions for everybody say. None of it is causal proof.

What displays, mailers and discounts say. None of it is causal proof.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.errors import NotApplicable
from analysis.promotions.observational.placements import DISPLAY, MAILER, PRICE
from analysis.reporting.notebook import words

if TYPE_CHECKING:
    from analysis.promotions.observational.campaign import Campaign, Campaigns
    from analysis.promotions.observational.placements import Placements
    from analysis.promotions.observational.synthetic_control import Everybody

#: Fields of a finding, as `Report.finding` takes them.
Fields = dict[str, Any]


def shown(campaigns: Campaigns, most: int) -> pd.DataFrame:
    """Return the judged campaigns sent to most customers."""
    table = campaigns.table
    return table[table["estimate"].notna()].head(most).reset_index(drop=True)


def passed(campaigns: Campaigns) -> pd.DataFrame:
    """Return the judged campaigns whose comparison failed no check, the largest first."""
    table = shown(campaigns, len(campaigns.table))
    return table[table["passed"].eq(True)].reset_index(drop=True)


def finding(campaigns: Campaigns, currency: str) -> Fields:
    """Return the finding on the largest campaign that failed no check; else NotApplicable."""
    campaigns.require()
    sound = passed(campaigns)
    if sound.empty:
        raise NotApplicable(
            "Every comparison of a campaign fails a placebo check, so none is a finding."
        )
    row = sound.iloc[0]
    return {
        "key": "targeted",
        "sentence": f"margin per targeted customer with {row['name']}, the largest that passes all "
        "placebo checks, after propensity adjustment (no causal proof)"
        + words.unsure(row["low"], row["high"]),
        "value": float(row["estimate"]), "low": float(row["low"]), "high": float(row["high"]),
        "unit": currency, "decimals": 2, "n": int(row["compared"]), "noun": "customer",
        "direction": "up_good",
        "detail": f"Unadjusted, the difference is {words.money(row['naive'], 2, currency)}; "
        "compared are those with a counterpart.",
    }  # fmt: skip


def misled(campaigns: Campaigns, currency: str) -> str:
    """Say by how much the unadjusted comparison misleads, and what is left; or refuse."""
    campaigns.require()
    table = shown(campaigns, len(campaigns.table))
    naive, fair = (
        words.money(float(table[c].median()), 2, currency) for c in ("naive", "estimate")
    )
    if len(table) == 1:
        row = table.iloc[0]
        failed = _FAILED if passed(campaigns).empty else ""
        return (
            f"{row['name']}: {naive} per customer unadjusted, {fair} after propensity "
            f"adjustment ({words.interval(row['low'], row['high'], 2, '')}{failed})"
        )
    return (
        f"The median campaign: {naive} per customer unadjusted, {fair} after propensity "
        f"adjustment; {_above(campaigns)}"
    )


_FAILED = "; it fails its placebo checks"


def _above(campaigns: Campaigns) -> str:
    """Say how many lie significantly above zero, of those that pass all placebo checks."""
    sound, judged = passed(campaigns), len(shown(campaigns, len(campaigns.table)))
    up, down = int((sound["low"] > 0).sum()), int((sound["high"] < 0).sum())
    if sound.empty:
        every = f"all {judged} comparisons fail" if judged > 1 else "the one comparison fails"
        return f"{every} a placebo check"
    below = f", {down} below" if down else ""
    if len(sound) == 1:
        side = "above" if up else "below" if down else "off"
        sure = "is" if up or down else "is not"
        passes = f"the one campaign (of {judged}) that passes all placebo checks"
        return f"{passes} {sure} significantly {side} zero"
    return (
        f"{up or 'none'} of the {len(sound)} campaigns (of {judged}) that pass all "
        f"placebo checks {'are' if up > 1 else 'is'} significantly above zero{below}"
    )


def title(campaigns: Campaigns, currency: str) -> str:
    """Return the title of a study in which nothing was randomised."""
    campaigns.require()
    table = shown(campaigns, len(campaigns.table))
    naive, fair = (
        words.money(float(table[c].median()), 0, currency) for c in ("naive", "estimate")
    )
    which = "the median campaign" if len(table) > 1 else table["name"].iloc[0]
    above = _above(campaigns)
    return (
        f"{above[:1].upper()}{above[1:]}; {which}: {fair} per customer, {naive} unadjusted (no "
        "causal proof)"
    )


def chance_note(campaigns: Campaigns) -> str:
    """Say what chance alone would make significant and how far campaigns overlap; or nothing."""
    table, sound = campaigns.table, len(passed(campaigns))
    by_chance = words.number(sound * 0.025, 1)
    said = (
        f"Chance alone would put {by_chance} of {sound} significantly above zero. "
        if sound > 1
        else ""
    )
    busy = table["meanwhile"].median()
    if busy > 0:
        said += (
            f"In the median campaign {words.percent(busy, 0)} of its customers were sent another "
            "one in the same weeks, so that single campaigns can hardly be told apart. "
        )
    return said.strip()


def unjudged(table: pd.DataFrame, name: str) -> str:
    """Say which promotions could not be judged, reason by reason.

    Parameters
    ----------
    table
        Holds a column reason, empty where a promotion was judged.
    name
        Column that says what people call a promotion.
    """
    left = table[table["reason"] != ""]
    if left.empty:
        return "None was left out."
    reasons = left.groupby("reason", sort=False)[name].agg(list)
    said = [f"- {words.listing(names)}: {reason}" for reason, names in reasons.items()]
    return "\n".join(["Left out:", "", *said])


def alike(campaigns: Campaigns) -> str:
    """Say how unlike the targeted were, and whether weighting mended it."""
    one = campaigns.require()
    worst = one.balance.loc[one.balance["before"].abs().idxmax()]
    left = words.number(float(one.balance["after"].abs().max()), 2)
    size = words.number(abs(float(worst["before"])), 1)
    name = campaigns.name(one.audience.promotion_id)
    return (
        f"{name}: unadjusted, the targeted stand {size} standard deviations apart in "
        f"{str(worst['covariate']).lower()}; weighted, at most {left} in anything"
    )


def overlap(one: Campaign) -> str:
    """Say how many were compared with whom."""
    treated = int(one.audience.treated.sum())
    others = len(one.audience.treated) - treated
    said = (
        f"{words.count(treated, 'customer')} targeted, {words.number(others)} not targeted who "
        f"bought in the same time before. {words.percent(one.overlap.outside)} of the targeted "
        "have no counterpart (outside common support) and are left out. Effective sample size "
        f"of the others, weighted: {words.number(one.overlap.effective)} customers."
    )
    if one.audience.left_out:
        said += (
            f" {words.count(one.audience.left_out, 'targeted customer')} had bought nothing before."
        )
    return said


def pretrend(campaigns: Campaigns) -> str:
    """Say whether matched pairs moved apart before the campaign."""
    one = campaigns.require()
    name = campaigns.name(one.audience.promotion_id)
    if one.difference is None:
        return f"{name}: too few pairs to look at week by week"
    p = one.difference.trend_p
    apart = "differ significantly" if p < 0.05 else "do not differ significantly"
    return f"{name}: the trends of matched pairs before it {apart} (p {_chance(p)})"


def _chance(p: float) -> str:
    """Return a p with its sign; never as 0."""
    said = words.chance(p)
    return said if said.startswith("<") else f"= {said}"


def doubts(one: Campaign) -> str:
    """Say how strong something unseen would have to be to explain the effect away."""
    said = ""
    if one.gamma == one.gamma:
        said = (
            "The matched pairs show no significant effect, even without hidden bias. "
            if one.gamma <= 1
            else f"Hidden bias that makes one of a pair {words.number(one.gamma, 2)} times as "
            "likely to be targeted could explain the pairs' gap away (Rosenbaum). "
        )
    e_value = words.number(one.e_value, 2)
    if one.e_value_limit > 1:
        limit = words.number(one.e_value_limit, 2)
        return said + (
            f"E-value {e_value}, of the interval's nearer end {limit}: the risk ratio that an "
            "unmeasured confounder would need with targeting and with margin."
        )
    return said + (
        f"E-value {e_value}; the interval holds zero, so no unmeasured confounder is needed "
        "to explain it."
    )


def trust(campaigns: Campaigns) -> list[tuple[str, bool | None, str]]:
    """Return the lines of the panel on how far to trust what was not randomised."""
    table = campaigns.table
    if table.empty:
        return []
    judged = table[table["estimate"].notna()]
    passed = int(judged["passed"].eq(True).sum())
    return [
        (
            "Chosen customers",
            False,
            f"{words.count(len(table), 'campaign')} chose {'its' if len(table) == 1 else 'their'} "
            "customers: nothing about them is proof, however well they are compared.",
        ),
        (
            "Propensity adjustment",
            passed == len(judged) == len(table),
            f"{len(judged)} could be compared, {passed} of them passing all placebo checks. What "
            "is found on those who could be compared is taken for all.",
        ),
    ]


def verdict_on_checks(one: Campaign) -> str:
    """Say which placebo checks the comparison fails."""
    failed = one.checks.loc[one.checks["passed"].eq(False), "check"].tolist()
    if failed:
        return (
            f"The comparison fails the placebo checks on {words.listing(failed)}: do not act on it"
        )
    return "The comparison passes all placebo checks"


def for_everybody(found: Everybody) -> str:
    """Say how many promotions open to all stood out from their synthetic control."""
    found.require()
    table = found.table[found.table["lift"].notna()]
    up = int((table["low"] > 0).sum())
    lift = words.percent(float(table["lift"].median()), 0, signed=True)
    return (
        f"{up} of {words.count(len(table), 'promotion')} open to all sold significantly more than "
        f"the synthetic control; the median is {lift}"
    )


def blended(found: Everybody) -> str:
    """Say which promotion the chart shows."""
    one = found.require()
    rows = found.table
    name = rows.loc[rows["promotion_id"] == found.first(), "name"].iloc[0]
    ends = words.interval(one.low, one.high, 0)
    if one.high == float("inf"):
        ends = f"at least {words.percent(one.low, 0, signed=True)}"
    lift = words.percent(one.lift, 0, signed=True)
    return f"{name}: {lift} against the synthetic control ({ends})"


_PLACES = {
    "1": "store front", "2": "store rear", "3": "front end cap", "4": "mid-aisle end cap",
    "5": "rear end cap", "6": "side-aisle end cap", "7": "in aisle", "9": "secondary place",
    "A": "in shelf",
}  # fmt: skip

_PAGES = {
    "A": "inside page", "C": "inside line", "D": "front page", "F": "back page",
    "H": "wrap, front", "J": "wrap, coupon", "L": "wrap, back", "P": "inside coupon",
    "X": "free, inside", "Z": "free, front or back",
}  # fmt: skip

#: What a study's codes for places mean; other studies name their places.
_CODES = {"complete_journey": {DISPLAY: _PLACES, MAILER: _PAGES}}

_NAMES = {DISPLAY: "Display", MAILER: "Mailer", PRICE: "Discount"}


def place_findings(found: Placements) -> list[Fields]:
    """Return one finding for displays and one for mailers."""
    rows = found.table[found.table["term"].isin([DISPLAY, MAILER])]
    return [
        {
            "key": f"lift_{row['term']}",
            "sentence": f"more units where there is a {row['term']} (no causal proof)"
            + words.unsure(row["low"], row["high"]),
            "value": row["lift"],
            "low": row["low"],
            "high": row["high"],
            "unit": "%",
            "n": int(row["cells"]),
            "noun": "product-store-week",
            "decimals": 0,
        }
        for row in rows.to_dict("records")
    ]


def places(found: Placements) -> str:
    """Say what displays and mailers go with, and how price-sensitive the products are."""
    said = [
        f"{row['term']}s with {words.percent(abs(row['lift']), 0)} "
        f"{'more' if row['lift'] >= 0 else 'fewer'} units"
        f"{' (not significant)' if words.unsure(row['low'], row['high']) else ''}"
        for row in found.table[found.table["term"] != PRICE].to_dict("records")
    ]
    price = found.table[found.table["term"] == PRICE]
    if len(price):
        value = -float(price["lift"].iloc[0])
        way = "more" if value >= 0 else "fewer"
        said.append(f"a price 1 % lower with {words.number(abs(value), 1)} % {way}")
    return f"What goes with what: {words.listing(said)}"


def incremental(found: Placements) -> str:
    """Say how many of the units sold at displays and in mailers are beyond the baseline."""
    said = [
        f"Of {words.number(row['units'])} units sold under a {row['term']}, "
        f"{words.number(row['incremental'])} "
        f"({words.interval(row['incremental_low'], row['incremental_high'], 0, '')}) are beyond "
        "what the same products sell without one."
        for row in found.table[found.table["term"] != PRICE].to_dict("records")
    ]
    return " ".join(
        [
            *said,
            f"Looked at: {words.count(found.products, 'product')} in "
            f"{words.count(found.stores, 'store')}, {words.number(found.cells)} "
            "product-store-weeks. Places go where sales are expected: no causal proof.",
        ]
    )


def elasticity(found: Placements) -> pd.DataFrame:
    """Return the rows of displays and mailers; the price has a unit of its own."""
    return found.table[found.table["term"] != PRICE]


def kinds(found: Placements, study: str) -> pd.DataFrame:
    """Return the kinds with a label as people say it, the strongest of each term first."""
    table = found.kinds
    labels = [_label(row["term"], str(row["kind"]), study) for row in table.to_dict("records")]
    order = table["term"].map({DISPLAY: 0, MAILER: 1, PRICE: 2})
    labelled = table.assign(label=labels, order=order)
    return labelled.sort_values(["order", "lift"], ascending=[True, False]).drop(columns="order")


def _label(term: str, kind: str, study: str) -> str:
    words_of = _CODES.get(study, {}).get(term, {})
    return f"{_NAMES[term]}: {words_of.get(kind, kind)}"


def best_kind(found: Placements, study: str) -> str:
    """Say with which display and which mailer most more is sold."""
    said = []
    for term in (DISPLAY, MAILER):
        part = found.kinds[found.kinds["term"] == term]
        if len(part):
            row = part.loc[part["lift"].idxmax()]
            ends = words.interval(row["low"], row["high"], 0)
            label = _label(term, str(row["kind"]), study)
            said.append(f"{label} {words.percent(row['lift'], 0, signed=True)} ({ends})")
    return f"The largest estimates: {words.listing(said)}"
