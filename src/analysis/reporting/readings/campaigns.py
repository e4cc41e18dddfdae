"""What targeted campaigns and promotions for everybody say. None of it is causal proof."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analysis.errors import NotApplicable
from analysis.reporting import words

if TYPE_CHECKING:
    import pandas as pd

    from analysis.promotions.campaign import Campaign
    from analysis.promotions.campaigns import Campaigns
    from analysis.promotions.everybody import Everybody

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
            "Every comparison of a campaign fails a check that should find nothing, so none is a "
            "finding."
        )
    row = sound.iloc[0]
    return {
        "key": "targeted",
        "sentence": f"margin a customer from {row['name']}, like with like (no causal proof)",
        "value": float(row["estimate"]),
        "low": float(row["low"]),
        "high": float(row["high"]),
        "unit": currency,
        "decimals": 2,
        "n": int(row["compared"]),
        "noun": "customer",
        "direction": "up_good",
        "detail": f"The plain difference would say {words.money(row['naive'], 2, currency)}.",
    }


def misled(campaigns: Campaigns, currency: str) -> str:
    """Say by how much the plain comparison misleads, and what is left; or refuse without any."""
    campaigns.require()
    table = shown(campaigns, len(campaigns.table))
    naive, fair = (
        words.money(float(table[c].median()), 2, currency) for c in ("naive", "estimate")
    )
    if len(table) == 1:
        row = table.iloc[0]
        failed = _FAILED if passed(campaigns).empty else ""
        return (
            f"{row['name']}: {naive} a customer at first sight, {fair} compared like with like "
            f"({words.interval(row['low'], row['high'], 2, '')}{failed})"
        )
    return (
        f"At first sight campaigns brought {naive} a customer, compared like with like {fair}; "
        f"{_above(campaigns)}"
    )


_FAILED = "; it fails its checks"


def _above(campaigns: Campaigns) -> str:
    """Say how many lie above zero, of those that failed no check."""
    sound, judged = passed(campaigns), len(shown(campaigns, len(campaigns.table)))
    surely = int((sound["low"] > 0).sum())
    if sound.empty:
        return f"all {judged} comparisons fail a check"
    return f"of the {len(sound)} of {judged} that fail no check, {surely or 'none'} above zero"


def title(campaigns: Campaigns, currency: str) -> str:
    """Return the title of a study in which nothing was drawn by lot."""
    campaigns.require()
    table = shown(campaigns, len(campaigns.table))
    naive = words.money(float(table["naive"].median()), 0, currency)
    return (
        f"Campaigns look like {naive} a customer; compared like with like, {_above(campaigns)}, "
        "and none is proved"
    )


def chance_note(campaigns: Campaigns) -> str:
    """Say how many above zero chance alone would give, and how many could not be judged."""
    table, sound = campaigns.table, len(passed(campaigns))
    by_chance = words.number(sound * 0.025, 1)
    said = f"Chance alone would put {by_chance} of {sound} above zero. " if sound > 1 else ""
    busy = table["meanwhile"].median()
    if busy > 0:
        said += (
            f"In the middle campaign {words.percent(busy, 0)} of its customers were sent another "
            "one in the same weeks, so that single campaigns can hardly be told apart. "
        )
    return said + "Who was targeted was chosen: none of this is causal proof."


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
        f"{name}: those targeted stood {size} standard deviations apart in "
        f"{str(worst['covariate']).lower()}; weighted, at most {left}"
    )


def overlap(one: Campaign) -> str:
    """Say how many were compared with whom."""
    treated = int(one.audience.treated.sum())
    others = len(one.audience.treated) - treated
    said = (
        f"{words.count(treated, 'customer')} targeted, {words.number(others)} not targeted who "
        f"bought in the same time before. {words.percent(one.overlap.outside)} of the targeted "
        "have nobody like them and are left out. Weighted to resemble the targeted, the others "
        f"are worth {words.number(one.overlap.effective)} customers."
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
    apart = "moved apart already before it" if p < 0.05 else "moved alike before it"
    return f"{name}: matched pairs {apart} (p = {words.number(p, 3)})"


def doubts(one: Campaign) -> str:
    """Say how strong something unseen would have to be to explain the effect away."""
    said = ""
    if one.gamma == one.gamma:
        said = (
            "The matched pairs show no effect beyond chance, even if nothing is hidden. "
            if one.gamma <= 1
            else f"Something unseen that makes one of a pair {words.number(one.gamma, 2)} times as "
            "likely to be targeted could explain the pairs' gap away (Rosenbaum). "
        )
    e_value = words.number(one.e_value, 2)
    if one.e_value_limit > 1:
        limit = words.number(one.e_value_limit, 2)
        return said + (
            f"E-value {e_value}, of the interval's nearer end {limit}: as strong, as a risk ratio, "
            "would something unseen have to go with being targeted and with margin."
        )
    return said + (
        f"E-value {e_value}; the interval holds zero, so nothing unseen is needed to explain it."
    )


def trust(campaigns: Campaigns) -> list[tuple[str, bool | None, str]]:
    """Return the lines of the panel on how far to trust what was not drawn by lot."""
    table = campaigns.table
    if table.empty:
        return []
    judged = table[table["estimate"].notna()]
    passed = int(judged["passed"].eq(True).sum())
    return [
        (
            "Chosen customers",
            False,
            f"{words.count(len(table), 'campaign')} chose their customers: nothing about them is "
            "proof, however well they are compared.",
        ),
        (
            "Like with like",
            passed == len(judged) == len(table),
            f"{len(judged)} could be compared, {passed} of them without a check that found what is "
            "not there. What is found on those who could be compared is taken for all.",
        ),
    ]


def verdict_on_checks(one: Campaign) -> str:
    """Say whether the checks found what is not there."""
    failed = one.checks.loc[one.checks["passed"].eq(False), "check"].tolist()
    if failed:
        return f"The comparison fails on {words.listing(failed)}: do not act on it"
    return "Nothing is found where nothing should be"


def for_everybody(found: Everybody) -> str:
    """Say how many promotions for everybody stood out from their blend."""
    found.require()
    table = found.table[found.table["lift"].notna()]
    up = int((table["low"] > 0).sum())
    lift = words.percent(float(table["lift"].median()), 0, signed=True)
    return (
        f"{up} of {len(table)} promotions for everybody sold more than a blend of products left "
        f"alone; the middle one {lift}"
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
    return f"{name}: {lift} against the blend ({ends})"
