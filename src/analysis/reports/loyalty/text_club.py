"""What tiers, members, referrals, scores and occasions say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from analysis.engagement.loyalty.referral_value import COME_DAYS
from analysis.reporting.notebook import words
from analysis.reports.loyalty.text import Fields
from analysis.stats.multiplicity import normal_quantile

if TYPE_CHECKING:
    from analysis.engagement.loyalty.care_occasions import Birthdays
    from analysis.engagement.loyalty.first_come_offers import FirstCome
    from analysis.engagement.loyalty.loyalty_by_segment import BySegment
    from analysis.engagement.loyalty.matched_groups import Matched
    from analysis.engagement.loyalty.membership_tiers import Standing
    from analysis.engagement.loyalty.referral_value import Referrals
    from analysis.engagement.loyalty.tier_thresholds import Thresholds

#: False discovery rate up to which a difference is named, and p below which a placebo fails.
FDR, FAILED = 0.05, 0.05


def standing_headline(held: Standing) -> str:
    """Return what share of sales the highest tier brings."""
    tiers = held.tiers[held.tiers["tier"] != "no tier"]
    best = tiers.iloc[-1]
    of = best["customers"] / held.tiers["customers"].sum()
    return (
        f"{best['tier'].capitalize()} holds {words.percent(of, 0)} of the customers who are in a "
        f"tier or bought, and brings {words.percent(best['share'], 0)} of their sales"
    )


def standing_reading(held: Standing) -> str:
    """Return how many moved, and what the table counts."""
    said = [
        f"Sales are those of {held.period}, by the tier held on its last day: who rose by buying "
        "much stands high because of it."
    ]
    if held.followed and held.up[0] == held.up[0]:
        fell = (
            f"of those above the lowest, {words.percent(held.down[0])} stand lower "
            f"({words.interval(*held.down[1:], 1)})"
            if held.down[0] == held.down[0]
            else "too few stood above the lowest to say how many fell"
        )
        said.append(
            f"{words.count(held.followed, 'customer')} were in a tier when that began. Of those "
            f"below the highest, {words.percent(held.up[0])} stand higher "
            f"({words.interval(*held.up[1:], 1)}); {fell}."
        )
    else:
        said.append("No tier is known a period ago, so that nobody can be said to have moved.")
    if held.overlapping:
        said.append(
            f"Two tiers at once: {words.count(held.overlapping, 'customer')}; the later counts."
        )
    return " ".join(said)


def clearest(bunching: pd.DataFrame) -> pd.Series:
    """Return the threshold with the clearest excess, which heading, finding and chart tell."""
    return bunching.loc[(bunching["above"] / bunching["above_error"]).idxmax()]


def bunching_headline(found: Thresholds) -> str:
    """Return at which threshold most customers top up."""
    rows = found.bunching.dropna(subset=["above"])
    if rows.empty:
        return "Too few customers are near a threshold"
    best = clearest(rows)
    if not best["above"] > normal_quantile(0.95) * best["above_error"]:
        return "At no threshold do significantly more customers end a year just above it"
    return (
        f"At {best['tier']}, {words.percent(best['share'], 0)} of those just above the threshold "
        "are more than the rest of the distribution explains"
    )


def bunching_finding(found: Thresholds, level: float) -> Fields | None:
    """Return the finding on topping up, at the threshold with the clearest excess."""
    rows = found.bunching.dropna(subset=["above"])
    if rows.empty:
        return None
    best = clearest(rows)
    reach = normal_quantile(level) * best["above_error"]
    low, high = float(best["above"] - reach), float(best["above"] + reach)
    return {
        "key": "tier_bunching",
        "sentence": "customer-years more than the rest of the distribution explains ended just "
        f"above the {words.number(best['threshold'])} points of {best['tier']}"
        + words.unsure(low, high),
        "value": float(best["above"]), "low": low, "high": high, "unit": "",
        "n": int(best["customers"]), "noun": "customer-year", "decimals": 0, "level": level,
    }  # fmt: skip


def threshold_reading(found: Thresholds) -> str:
    """Return what may be read from the thresholds, and what speaks against it."""
    said = [
        "The line is what a polynomial expects that leaves the threshold's region out. Too many "
        "just above it and too few just below point to buying up to the threshold."
    ]
    for row in found.effects.itertuples():
        if row.placebo:
            if row.p < FAILED:
                said.append(f"A placebo check fails at {row.tier}: {row.outcome} jump there too.")
        elif row.reason:
            said.append(f"Nothing is read from crossing to {row.tier}: {row.reason}.")
        else:
            verdict = "jump significantly" if row.p < 0.05 else "do not jump significantly"
            said.append(
                f"Sales in the time after {verdict} where {row.tier} is reached (regression "
                "discontinuity; the density has no jump there)."
            )
    return " ".join(said)


def first_come_headline(found: FirstCome, currency: str) -> str:
    """Return at how many offers being served goes with other sales where they ran out."""
    read = _sound(found)
    if read.empty:
        return "From no offer to the first who come can anything be read"
    clear = read[read["q"] <= FDR].sort_values("q", kind="stable")
    if clear.empty:
        return (
            "Just served or just too late: later sales do not differ significantly at any of "
            f"{words.count(len(read), 'offer')} to the first who came"
        )
    one = clear.iloc[0]
    more = "more" if one["effect"] > 0 else "less"
    return (
        f"{one['name']}: who was just served buys for "
        f"{words.money(abs(one['effect']), 0, currency)} {more} in the {found.days} days after "
        "than who was just too late"
    )


def first_come_findings(found: FirstCome, currency: str, level: float) -> list[Fields]:
    """Return the finding on each offer that can be read and whose placebo checks hold."""
    return [
        {
            "key": f"first_come_{row.promotion_id}",
            "sentence": f"is the difference in what is spent in {found.days} days between who was "
            f"just served of “{row.name}” and who was just too late"
            + ("" if row.q <= FDR else ", not significant"),
            "value": row.effect, "low": row.low, "high": row.high, "unit": currency,
            "n": int(row.below + row.above), "noun": "customer", "level": level,
        }
        for row in _sound(found).itertuples()
    ]  # fmt: skip


def _sound(found: FirstCome) -> pd.DataFrame:
    """Return the effect of each offer that can be read and whose placebo checks hold."""
    rows, placebo = found.effects, found.effects["placebo"].astype(bool)
    bad = rows.loc[placebo & (rows["p"] < FAILED), "promotion_id"]
    return rows[~placebo & rows["effect"].notna() & ~rows["promotion_id"].isin(bad)]


def first_come_reading(found: FirstCome) -> str:
    """Return how the offers are read, and why some are not."""
    said = [
        "Who was served against all who were too late is selection: who comes first may be keener. "
        "Just where the offer ran out nobody knew their side of it, so that a jump there "
        "is the offer's, unless those who come can see that all is gone (regression discontinuity "
        "at the last rank, density and placebo checks beside it)."
    ]
    for row in found.effects.itertuples():
        if row.reason and not row.placebo:
            said.append(f"Nothing is read from {row.name}: {row.reason}.")
        elif row.placebo and row.p < FAILED:
            said.append(f"A placebo check fails at {row.name}: {row.outcome} jump there too.")
    return " ".join(said)


def segments_headline(found: BySegment) -> str:
    """Return the segment that differs most clearly."""
    clear = found.shares[found.shares["q"] <= FDR].sort_values("q", kind="stable")
    if clear.empty:
        return "No segment differs significantly from the others in points or referrals"
    one = clear.iloc[0]
    others = one["share"] - one["difference"]
    among = " with points" if one["measure"].startswith("redeemed") else ""
    return (
        f"{words.percent(one['share'], 0)} of the customers{among} of segment “{one['segment']}” "
        f"{one['measure']}, {words.percent(others, 0)} of all others{among}"
    )


def segments_reading(found: BySegment) -> str:
    """Return how segments are compared, and what is withheld."""
    few = int(found.withheld["segments"].sum())
    said = (
        "Segments are formed by what was bought in the same time, and points are earned by buying: "
        "the table says where members are, not what points do."
    )
    return said + (
        f" Withheld as too few, or as to be had by subtraction: {words.count(few, 'group')}."
        if few
        else ""
    )


def members_headline(one: Matched, currency: str, days: int) -> str:
    """Return by how much members differ from like others."""
    return (
        f"Members spend {words.money(one.group_mean, 0, currency)} in {days} days, others "
        f"{words.money(one.others_mean, 0, currency)}; against others who bought alike before "
        f"the difference is {words.money(one.difference, 0, currency, signed=True)}"
        + words.unsure(one.low, one.high)
    )


def selection_finding(one: Matched, currency: str, level: float) -> Fields:
    """Return the finding on members against like others, named for what it is not."""
    return {
        "key": "members_selection",
        "sentence": "is how much more members spent than others who had bought alike"
        f"{words.unsure(one.low, one.high)}: an association, who joins and what membership does "
        "cannot be told apart",
        "value": one.difference, "low": one.low, "high": one.high, "unit": currency,
        "n": one.customers, "noun": "member", "level": level,
    }  # fmt: skip


def club_life_reading(told: pd.DataFrame) -> str:
    """Return how the strands are read."""
    withheld = [f"{row.strand}: {row.reason}" for row in told.itertuples() if row.reason]
    return (
        "Like customers bought as much, as often and as lately in the same days. Who takes part is "
        "keen to begin with, and may be keener than past purchases show: no difference that is "
        "left is shown to be an effect. " + " ".join(withheld)
    ).strip()


def invitation_headline(arms: pd.DataFrame) -> str:
    """Return what the first randomised invitation did."""
    row = arms.iloc[0]
    did = "raised" if row["low"] > 0 else "lowered"
    clear = row["low"] > 0 or row["high"] < 0
    brought = f"brought {words.points(row['uptake'], 0, signed=False)} more participants"
    return (
        f"Invitation {row['promotion_id']} "
        f"{brought if row['uptake_low'] > 0 else 'is not shown to bring more participants'} "
        f"and {did if clear else 'did not significantly change'} sales"
    )


def referral_finding(found: Referrals, level: float) -> Fields:
    """Return the finding on the quality of referred customers."""
    row = found.quality.set_index("measure").loc["orders"]
    return {
        "key": "referral_quality",
        "sentence": f"times as many orders as others who came in the same month, in the first "
        f"{found.days} days of referred customers"
        + words.unsure(row["ratio_low"] - 1, row["ratio_high"] - 1),
        "value": row["ratio"], "low": row["ratio_low"], "high": row["ratio_high"], "unit": "",
        "n": int(row["customers"]), "noun": "referred customer", "direction": "up_good",
        "decimals": 2, "level": level,
    }  # fmt: skip


def referral_headline(found: Referrals) -> str:
    """Return the share of newcomers who were referred, and how they compare."""
    row = found.quality.set_index("measure").loc["orders"]
    clear = row["ratio_low"] > 1 or row["ratio_high"] < 1
    how = (
        f"order {words.number(row['ratio'], 2)} times as often as others at first"
        if clear
        else "do not differ significantly from others in how often they order"
    )
    return f"{words.percent(found.rate, 0)} of new customers were referred; they {how}"


def referral_reading(found: Referrals, currency: str) -> str:
    """Return rate, chains, reproduction and what rewards return."""
    said = [
        f"{words.count(found.count, 'referral')} by {words.count(found.referrers, 'customer')}; "
        f"{words.percent(found.rate)} of {words.count(found.newcomers, 'new customer')} were "
        f"referred ({words.interval(found.rate_low, found.rate_high)}).",
        f"Chains are {words.number(found.depths['depth'].max())} deep at most. A referred customer "
        f"refers {words.number(found.reproduction, 3)} others in {found.days} days "
        f"({words.interval(found.reproduction_low, found.reproduction_high, 3, '')}; "
        f"{words.count(found.generation, 'customer')}): {_carried(found)}.",
    ]
    if found.invitations:
        said.append(
            f"Of {words.count(found.invitations, 'invitation')} passed on, "
            f"{words.percent(found.come)} led to somebody within {COME_DAYS} days "
            f"({words.interval(found.come_low, found.come_high)})."
        )
    if found.cost is not None:
        said.append(
            f"Rewards cost {words.money(found.cost, 2, currency)} per referral. Margin beyond that "
            f"of like others in {found.days} days less the rewards is "
            f"{words.money(found.surplus, 2, currency, signed=True)} "
            f"({words.interval(found.surplus_low, found.surplus_high, 2, currency)}) per referral; "
            "it does not count that some would not have come at all."
        )
    odd = found.oddities[found.oddities["referrals"] > 0]
    said += [f"{words.count(r.referrals, 'referral')} {r.what}." for r in odd.itertuples()]
    return " ".join(said)


def reproduction_finding(found: Referrals, level: float) -> Fields:
    """Return the finding on how many others a referred customer refers."""
    return {
        "key": "referral_reproduction",
        "sentence": f"others referred per referred customer in {found.days} days",
        "value": found.reproduction, "low": found.reproduction_low, "high": found.reproduction_high,
        "n": found.generation, "noun": "customer", "decimals": 3, "level": level,
        "detail": _carried(found),
    }  # fmt: skip


def _carried(found: Referrals) -> str:
    """Return whether referrals carry themselves, which takes one or more of each referred."""
    if found.reproduction_high < 1:
        return "below one, so that referrals do not carry themselves"
    if found.reproduction_low >= 1:
        return "one or more, so that referrals carry themselves"
    return "whether it is one or more, so that referrals carry themselves, is not shown"


def birthday_headline(found: Birthdays) -> str:
    """Return whether more is bought around birthdays."""
    if found.p >= 0.05:
        return "Birthdays do not significantly change when customers buy"
    more = "more" if found.ratio > 1 else "fewer"
    return (
        f"Around their birthday customers buy on {words.percent(abs(found.ratio - 1), 0)} {more} "
        "days than usual"
    )


def birthday_finding(found: Birthdays, level: float) -> Fields:
    """Return the finding on purchases around birthdays."""
    return {
        "key": "birthday",
        "sentence": "change of purchase days in the week of the birthday and the one before"
        + ("" if found.p < 0.05 else ", not significant"),
        "value": found.ratio - 1, "low": found.low - 1, "high": found.high - 1, "unit": "%",
        "n": found.customers, "noun": "customer", "level": level,
    }  # fmt: skip


def birthday_reading(found: Birthdays) -> str:
    """Return how the birthday is read."""
    left = (
        f" {words.count(found.placeholders, 'customer')} born on 1 January are left out: that day "
        "stands for unknown."
        if found.placeholders
        else ""
    )
    sign = "" if found.p < 0.001 else "= "
    return (
        f"p {sign}{words.chance(found.p)}, from birth dates permuted among the customers. What is "
        "seen is the birthday with whatever greeting everybody gets; what a greeting adds only a "
        "holdout tells." + left
    )


def scores_headline(given: pd.DataFrame) -> str:
    """State the first scores that the study's tables give."""
    told = [f"{words.percent(row.value, 0)} {row.score}" for row in given.head(2).itertuples()]
    return ", ".join(told)


def stored_reading(flows: pd.DataFrame, currency: str) -> str:
    """Return what is owed on accounts."""
    owed = flows[flows["flow"] == "open"].iloc[0]
    below = int(flows["below_zero"].iloc[0])
    given = flows.loc[flows["flow"] == "bonus", "amount"].sum()
    said = (
        f"{words.money(owed['amount'], 0, currency)} stand on the accounts of "
        f"{words.count(owed['customers'], 'customer')}: owed in goods, whether paid in or given."
    )
    if given > 0:
        said += (
            f" Of all that was put on accounts {words.money(given, 0, currency)} were bonuses, for "
            "which nothing was received."
        )
    return said + (f" Below zero: {words.count(below, 'account')}." if below else "")


def occasions_reading(
    listed: pd.DataFrame, days: int, currency: str, *, in_turn: bool | None = None
) -> str:
    """Return how many occasions there are, by kind; and whose points may expire unlisted.

    Parameters
    ----------
    in_turn
        Whether the scheme spends points first in, first out, as the list takes them to be spent;
        None where it is not known.
    """
    if listed.empty:
        return f"Nobody has an occasion in the next {days} days."
    by = listed.groupby("occasion").agg(n=("customer_id", "nunique"), value=("value", "sum"))
    parts = [
        f"{row.Index} {words.count(row.n, 'customer')}"
        + (f" ({words.money(row.value, 0, currency)})" if row.value else "")
        for row in by.itertuples()
    ]
    said = f"In the next {days} days: " + "; ".join(parts) + "."
    if in_turn is None and "points expiring" in by.index:
        said += (
            " Points expiring are those left if the oldest were spent first, which is taken for "
            "granted: how this scheme spends points is not known."
        )
    if in_turn is False and "points expiring" in by.index:
        said += (
            " Points expiring are those left if the oldest were spent first. This scheme spends in "
            "another order, so that more points, of more customers, will expire than are listed: "
            "see the months above."
        )
    return said
