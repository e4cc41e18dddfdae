"""What target lists say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.promotions.planning.targeting.cost_curve import ALL_OFFERS, BY_VALUE
from analysis.promotions.planning.targeting.incremental_ranking import BREAK_EVEN, RANDOMISED
from analysis.promotions.planning.targeting.target_list import LEAVE
from analysis.reporting.notebook import words
from analysis.stats.sizes import FEWEST_CUSTOMERS, too_small

if TYPE_CHECKING:
    from analysis.promotions.planning.targeting.channel_choice import Channels
    from analysis.promotions.planning.targeting.cost_curve import Spending
    from analysis.promotions.planning.targeting.eligibility import Eligible
    from analysis.promotions.planning.targeting.incremental_ranking import Expected
    from analysis.promotions.planning.targeting.past_responses import PastResponses
    from analysis.promotions.planning.targeting.target_list import TargetList
    from analysis.reporting.notebook.report import TrustLine
    from analysis.tables.engine import Tables

#: Fields of a finding, as `Report.finding` takes them.
Fields = dict[str, Any]

#: Differences of so many standard errors do not come by chance.
_BEYOND_CHANCE = 3.0

#: With fewer of the list among those whom contacts were tried on, it is a list for others.
_MOST_TRIED = 0.8

#: What the margin expected of a contact rests on, as it is read.
BASES = {RANDOMISED: "randomised contacts", BREAK_EVEN: "an assumed effect"}


def title(left: Eligible, listed: TargetList | None, currency: str) -> str:
    """Return the page's title: the list and what it promises, or why there is none."""
    if listed is None:
        return (
            f"No list yet: {_NO_CONSENT}"
            if _unrecorded(left)
            else "No list: no rule leaves a customer whom a contact pays for"
        )
    found = listed.total
    return (
        f"Contact {words.count(int(found['contacts']), 'customer')} for "
        f"{words.money(found['spend'], 0, currency)}: "
        f"{words.money(found['gain'], 0, currency)} of margin expected beyond that"
        + (", if the assumed effect holds" if found["assumed"] > 0 else "")
    )


_NO_CONSENT = "consent to be contacted is not recorded"


def _unrecorded(left: Eligible) -> bool:
    return not (left.permission.recorded or left.permission.assumed)


def lacking(tables: Tables, left: Eligible, past: object, at_risk: object) -> str:
    """Return what the study has no record of, and what follows from it, as a list."""
    said = [_consent(left)]
    if "contacts" not in tables:
        said.append(
            "No contacts are recorded: whom you wrote to lately, who opted out and who opens what "
            "is unknown, so rest days and caps stop nobody and every hour is the same."
        )
    if "stock" not in tables:
        said.append("No stock is recorded: what was not sold of late counts as delisted.")
    if not tables.has("feedback", "customer_id"):
        said.append("No feedback is recorded: open complaints stop nobody.")
    if past is None:
        said.append(
            "No promotion with a sound randomised control: what a contact brings is not measured."
        )
    if at_risk is None:
        said.append("Report 07 forecasts nobody's margin at risk.")
    return "\n".join(f"- {line}" for line in said)


def _consent(left: Eligible) -> str:
    permission = left.permission
    if permission.source == "consents":
        start = f"Consent is taken as it stood on {words.day(left.rules.as_of)}"
    elif permission.source == "customers":
        start = "Consent is taken as the customer table states it today"
    else:
        start = "Consent is not recorded"
    parts = []
    if permission.recorded:
        parts.append(f" for {words.listing(permission.recorded)}")
    if permission.assumed:
        parts.append(f"; the study's params assume it for {words.listing(permission.assumed)}")
    if permission.missing:
        parts.append(
            f"; through {words.listing(permission.missing)} nobody may be contacted, for nothing "
            "is recorded or assumed"
        )
    return start + "".join(parts) + "."


def eligible_finding(left: Eligible, days: int) -> Fields:
    """Return the finding on how many of the buyers of so many days may be contacted."""
    n, able = len(left.customers), int(left.open.sum())
    return {
        "key": "eligible",
        "sentence": f"of the customers of the last {words.count(days, 'day')} may be contacted "
        "after every rule" + (f": {_NO_CONSENT}" if _unrecorded(left) and not able else ""),
        "value": able / max(n, 1), "unit": "%", "n": n, "noun": "customer",
        "alert": n > 0 and not able,
    }  # fmt: skip


def eligible_headline(left: Eligible) -> str:
    """Return the headline on who is left."""
    n, able = len(left.customers), int(left.open.sum())
    table = left.waterfall
    start = f"{words.number(able)} of {words.count(n, 'customer')} may be contacted"
    if not table["stopped"].any():
        return start
    worst = table.loc[table["stopped"].idxmax()]
    return (
        f"{start}; the rule that stops most is: {worst['says']} ({words.number(worst['stopped'])})"
    )


def past_headline(past: PastResponses) -> str:
    """Return the headline on what randomised contacts brought."""
    proved = past.cells[past.cells["low"] > 0]
    if proved.empty:
        return "No measurement of randomised contacts lies significantly above zero"
    best = proved.loc[proved["low"].idxmax()]
    return (
        f"{len(proved)} of {words.count(len(past.cells), 'measurement')} of randomised contacts "
        f"{'lies' if len(proved) == 1 else 'lie'} above zero, drawn towards the others, with the "
        f"whole interval; clearest {best['name']} ({best['arm']}) with {best['state']} customers"
    )


def past_reading(past: PastResponses) -> str:
    """Return how the measurements are used."""
    out = words.listing(past.left_out)
    return (
        "Margin per customer contacted, with the weeks after, against the control. Each is drawn "
        "towards the others as far as it is uncertain; an option takes the measurements nearest "
        "to it, by channel and depth. Active customers had bought in the days before, silent ones "
        "had not." + (f" Left out, for a failed check or not over: {out}." if out else "")
    )


def basis_sentence(expected: Expected) -> str:
    """Return what the ranking rests on, for how many."""
    counts = dict(zip(expected.counts["basis"], expected.counts["customers"], strict=True))
    said = []
    if proved := counts.get(RANDOMISED, 0):
        said.append(
            f"For {words.count(int(proved), 'customer')} the expected margin rests on what "
            "randomised contacts of like customers brought, scaled by the customer's own response."
        )
    if supposed := counts.get(BREAK_EVEN, 0):
        said.append(
            f"For {words.count(int(supposed), 'customer')} nothing was measured: expected is the "
            "margin at risk times an assumed effect of "
            f"{words.percent(expected.assumed_effect, 0)}; a contact pays only if the true effect "
            "is above its break-even effect, which the list states. This is an assumption, not an "
            "effect."
        )
    if nothing := counts.get("none", 0):
        said.append(
            f"For {words.count(int(nothing), 'customer')} nothing says what a contact would bring; "
            "they are left alone."
        )
    own = int(expected.customers["ratio"].notna().sum())
    if own:
        said.append(
            f"For {words.count(own, 'customer')} what one promotion brought is told apart by "
            "predicted effect, because that ranking was shown to be better than chance."
        )
    return " ".join(said)


def channel_reading(channels: Channels) -> str:
    """Return how channel and hour are found."""
    if not channels.source:
        return "No response to messages is known, so channels differ by cost and consent alone."
    return (
        f"A customer's own response, from {channels.source}, is drawn towards that of the channel; "
        "the expected margin is taken to grow and fall with it."
    )


def spending_headline(
    found: Spending, budget: float, currency: str, *, assumed_effect: float | None = None
) -> str:
    """Return the headline on what the next unit of money brings.

    Parameters
    ----------
    assumed_effect
        Share of the margin at risk that contacts are assumed to save, where that is all there is.
    """
    tail = (
        f", if a contact saves {words.percent(assumed_effect, 0)} of the margin at risk (assumed)"
        if assumed_effect is not None
        else ""
    )
    best = found.curves[found.curves["variant"] == ALL_OFFERS]
    if budget >= best["spend"].max():
        return (
            f"{words.money(best['spend'].max(), 0, currency)} is enough: beyond it no contact is "
            f"expected to bring more than it costs{tail}"
        )
    row = best[best["spend"] <= budget].iloc[-1]
    return (
        f"At {words.money(budget, 0, currency)} the next {words.money(1, 0, currency)} is expected "
        f"to bring {words.money(row['next_unit'], 2, currency)} beyond its cost{tail}"
    )


def spending_reading(found: Spending, budget: float, currency: str) -> str:
    """Return how the best offers compare with a list in the order of past margin."""
    best = found.curves[found.curves["variant"] == ALL_OFFERS]
    end = float(best["spend"].max())
    budget = budget if budget < end else end / 2
    at = {}
    for name, rows in found.curves.groupby("variant", sort=False):
        at[name] = float(np.interp(budget, rows["spend"], rows["gain"]))
    said = ""
    if BY_VALUE in at:
        said = (
            f"With {words.money(budget, 0, currency)} and nobody held out, the best offers are "
            f"expected to bring {words.money(at[ALL_OFFERS], 0, currency)} beyond their cost; the "
            "same money spent in the order of past margin, "
            f"{words.money(at[BY_VALUE], 0, currency)}."
        )
    return f"{said} {SUPPOSED if found.supposed else ''}".strip()


#: Said of whatever is worked out for customers whose consent nobody recorded.
SUPPOSED = "Consent is not recorded: this is what could be chosen if everybody had given it."


def gain_finding(listed: TargetList, currency: str) -> Fields:
    """Return the finding on what the list is expected to bring."""
    found = listed.total
    supposed = found["assumed"] > 0
    sentence = (
        "of margin beyond its cost is what a list of "
        f"{words.count(int(found['contacts']), 'customer')} is expected to bring"
    )
    if supposed:
        sentence += f"; {words.percent(found['assumed'], 0)} of it rests on an assumed effect"
    ends = {} if found["low"] != found["low"] or supposed else found
    sentence += words.unsure(ends.get("low"), ends.get("high"))
    return {
        "key": "list_gain", "sentence": sentence, "value": found["gain"], "low": ends.get("low"),
        "high": ends.get("high"), "level": listed.terms.confidence, "unit": currency,
        "n": int(found["contacts"]), "noun": "customer", "direction": "up_good", "alert": True,
        "at_stake": found["gain"],
        "otherwise": "nobody is contacted, and the margin expected of it is forgone",
    }  # fmt: skip


def list_headline(rulings: pd.DataFrame) -> str:
    """State how many customers get which ruling."""
    counts = rulings["ruling"].value_counts()
    contact, out, alone = (int(counts.get(name, 0)) for name in ("contact", "hold out", LEAVE))
    return (
        f"{words.count(contact, 'customer')} to contact, {words.number(out)} held out at random, "
        f"{words.number(alone)} left alone"
    )


def terms_headline(scenarios: pd.DataFrame, currency: str, *, supposed: bool = False) -> str:
    """State what the plan and the best of the other terms are expected to bring."""
    consent = ", if everybody had given consent" if supposed else ""
    plan, others = scenarios.iloc[0], scenarios.iloc[1:].sort_values("gain", ascending=False)
    best = others.iloc[0]
    if round(best["gain"]) == round(plan["gain"]):
        return (
            f"Expected margin is {words.money(plan['gain'], 0, currency)} {plan['scenario']}, and "
            f"as much with {best['scenario']}{consent}"
        )
    return (
        f"Expected margin is {words.money(plan['gain'], 0, currency)} {plan['scenario']} and "
        f"{words.money(best['gain'], 0, currency)} at most on other terms ({best['scenario']})"
        f"{consent}"
    )


def by_reason(rulings: pd.DataFrame) -> pd.DataFrame:
    """Return how many customers get each ruling, and why."""
    table = rulings.groupby(["ruling", "reason"], sort=False).agg(
        customers=("customer_id", "size"),
        expected_margin=("expected_margin", "sum"),
        cost=("cost", "sum"),
    )
    table = table.reset_index()
    away = table["ruling"] == LEAVE
    table.loc[away, _FIGURES] = np.nan
    table = pd.concat([_withheld(table[~away]), table[away]])
    order = table["ruling"].map({"contact": 0, "hold out": 1}).fillna(2)
    table = table.assign(order=order).sort_values(["order", "customers"], ascending=[True, False])
    return table.drop(columns="order").reset_index(drop=True)


def by_offer(targets: pd.DataFrame) -> pd.DataFrame:
    """Return the list by channel, depth and basis."""
    table = targets.groupby(["channel", "depth", "basis"], as_index=False).agg(
        customers=("customer_id", "size"),
        expected_margin=("expected_margin", "mean"),
        cost=("cost", "mean"),
    )
    return _withheld(table)


_FIGURES = ["expected_margin", "cost"]


def _withheld(table: pd.DataFrame) -> pd.DataFrame:
    """Return groups of customers without the figures of those too few to be shown by themselves."""
    few = too_small(table["customers"], FEWEST_CUSTOMERS)
    return table.assign(**{name: table[name].mask(few) for name in _FIGURES})


def bounds(limits: pd.DataFrame, currency: str) -> pd.DataFrame:
    """Return the limits as text: money for the budget, messages for the others."""
    table = limits[np.isfinite(limits["most"])].reset_index(drop=True)
    money = table["limit"] == "budget"
    for name in ("most", "used"):
        table[name] = [
            words.money(v, 0, currency) if m else words.number(v)
            for v, m in zip(table[name], money, strict=True)
        ]
    return table


def balanced(balance: pd.DataFrame) -> pd.DataFrame:
    """Return the balance of the arms with readable names."""
    names = {"margin": "past margin", "expected_margin": "expected margin", "cost": "cost"}
    return balance.assign(measure=balance["measure"].map(names))


def holdout_headline(listed: TargetList, currency: str) -> str:
    """Return the headline on what the holdout can show."""
    found = listed.power
    if not found["holdout"]:
        return "Nobody is held out, so what the list brings will not be known"
    start = (
        f"{words.count(found['holdout'], 'customer')} of {words.number(found['customers'])} "
        f"{'is' if found['holdout'] == 1 else 'are'} held out"
    )
    if found["smallest"] != found["smallest"]:
        return f"{start}: too few to tell anything"
    shown = words.money(found["smallest"], 2, currency)
    promised = words.money(found["promised"], 2, currency)
    verdict = "enough to show" if found["enough"] else "too few to show"
    return (
        f"{start}: {verdict} the {promised} of margin expected per customer, before the contact's "
        f"cost (80 % power: {shown})"
    )


def holdout_reading(listed: TargetList, days: int, rotate_days: int, currency: str) -> str:
    """Return how the holdout is drawn, what it costs, and what follows where it is too small."""
    if not listed.power["holdout"]:
        return ""
    explained = listed.power.get("explained", np.nan)
    said = (
        f"Power is for margin over {days} days as these customers varied lately, "
        f"{words.percent(explained, 0)} of it explained by their past. "
        if explained == explained
        else ""
    )
    said += (
        "They are drawn within strata of state and past margin by a hash of programme and "
        "customer, so that the same customers are held out when the list is made again, until "
        f"others are after {words.count(rotate_days, 'day')}, with the programme's control. "
    )
    forgone = words.money(listed.total["forgone"], 0, currency)
    said += (
        f"Contacted, they would be expected to bring {forgone} more: that is what it costs to "
        "know what the list brings. "
    )
    if not listed.power["enough"]:
        said += (
            "One list alone will not tell; several lists read together, or a larger holdout, will."
        )
    return said.strip()


def trust(
    left: Eligible,
    expected: Expected | None,
    listed: TargetList | None,
    past: PastResponses | None,
    margin: str,
) -> list[TrustLine]:
    """Return what a reader should know before relying on the list."""
    permission = left.permission
    lines: list[TrustLine] = [
        ("Consent", bool(permission.recorded) and not permission.assumed, _consent(left)),
        ("Margin", None, margin),
    ]
    if expected is not None:
        counts = dict(zip(expected.counts["basis"], expected.counts["customers"], strict=True))
        proved, supposed = (int(counts.get(b, 0)) for b in (RANDOMISED, BREAK_EVEN))
        lines.append(
            (
                "Effect",
                proved > 0 and not supposed,
                "The expected margin rests on randomised controls for "
                f"{words.count(proved, 'customer')}, on an assumed effect for "
                f"{words.number(supposed)}.",
            )
        )
    if listed is not None and past is not None:
        own = listed.targets["customer_id"].isin(past.tried)
        lines.append(
            (
                "Tried on",
                bool(own.mean() >= _MOST_TRIED),
                f"{words.number(own.sum())} of {words.number(len(own))} to contact "
                "took part in one of the promotions measured; to the others what it brought is "
                "carried over, which this list is the first to test.",
            )
        )
    if listed is not None:
        far = float(listed.balance["difference"].abs().max())
        sizes = listed.balance[["n_target", "n_holdout"]].iloc[0].to_numpy(float)
        chance = _BEYOND_CHANCE * float(np.sqrt((1 / np.maximum(sizes, 1)).sum()))
        lines += [
            (
                "Arms",
                far <= chance,
                f"Targets and holdout differ by {words.number(far, 2)} standard deviations at most "
                f"in what is known of them; chance alone makes up to {words.number(chance, 2)}.",
            ),
            (
                "Choice",
                True,
                "At most "
                + words.percent(1 - listed.solution.gain / max(listed.solution.bound, 1e-9), 3)
                + " below the best choice that the limits allow.",
            ),
        ]
    return lines
