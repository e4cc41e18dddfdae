"""What fading customers, the contact plan and the profitable groups say."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.reporting.notebook import words
from analysis.stats.sizes import FEWEST_AT_HEAD, FEWEST_OF_A_SUM, too_small

if TYPE_CHECKING:
    from analysis.customers.features.attributes import Coverage
    from analysis.customers.features.weekly import WeeklyAmounts
    from analysis.customers.retention.decline import Fading
    from analysis.customers.retention.win_back import ContactPlan, ContactTerms
    from analysis.customers.value.deciles import Deciles
    from analysis.reporting.notebook.report import TrustLine
    from analysis.stats.resampling import Estimates

#: Fields of a finding, as `Report.finding` takes them.
Fields = dict[str, Any]

_WEAK_CORRELATION = 0.10
_CENT = 0.005

#: Where equal or very large totals end the first groups before this share, it is not half.
_NEARLY_HALF = 0.45

_GROUP_NAMES = {
    "first": "First 10 % of sales",
    "next": "Next, up to 50 %",
    "others": "All others",
    "fading": "Still profitable but declining",
}


def named_groups(kinds: pd.DataFrame) -> pd.DataFrame:
    """Return the profitable groups by their names, without sums that tell of single customers."""
    few = too_small(kinds["fading"], FEWEST_AT_HEAD)
    named = kinds.assign(name=kinds["group"].map(_GROUP_NAMES), loss=kinds["loss"].mask(few))
    fading = kinds["group"] == "fading"
    alone = too_small(kinds.loc[~fading, "customers"], FEWEST_OF_A_SUM).reindex(kinds.index)
    alone = alone.fillna(kinds["customers"] < FEWEST_OF_A_SUM).astype("bool")
    figures = [c for c in named.columns if c.startswith(("net_", "margin_", "discount_"))]
    return named.assign(**{name: named[name].mask(alone) for name in figures})


def groups(kinds: pd.DataFrame) -> str:
    """Say how few bring half of the sales, and how many of those who bring much are fading."""
    few = kinds[kinds["group"].isin(["first", "next"])]
    count, fading = int(few["customers"].sum()), int(few["fading"].sum())
    are = "is" if fading == 1 else "are"
    if count == 0:
        return "Nobody stands out by the first half of the sales: totals are too large, or equal"
    customers = f"{words.count(count, 'customer')} ({words.percent(few['customers_share'].sum())})"
    reached = float(few["net_share"].sum())
    sales = "half" if reached > _NEARLY_HALF else words.percent(reached, 0)
    bring = "brings" if count == 1 else "bring"
    return f"{customers} {bring} {sales} of the sales; {fading} of them {are} declining"


def noise(fading: Fading) -> str:
    """Say how much of the falling is noise."""
    fell = words.count(fading.fell, "customer")
    drop = words.percent(fading.drop, 0)
    chance = words.number(fading.fell_by_chance)
    beyond, are = words.number(len(fading.called)), "is" if len(fading.called) == 1 else "are"
    return (
        f"{fell} fell by {drop} or more; chance alone gives {chance}, and {beyond} {are} declining"
    )


def false_alarms(fading: Fading) -> str:
    """Say how sure the called customers are, and who fell silent."""
    most = words.percent(fading.fdr, 0)
    silent = int((fading.table["status"] == "silent").sum())
    within = int((fading.table["status"] == "within noise").sum())
    bar = (
        f"Of those called declining, {most} at most are expected to be false alarms "
        f"(a fall counts from a p of {words.chance(fading.threshold, 4)} down, "
        f"{words.count(fading.tested, 'customer')} tested)."
        if fading.threshold > 0
        else f"Of {words.count(fading.tested, 'customer')} tested, no fall is significant."
    )
    return (
        f"{bar} {words.number(within)} fell as much within their own week-to-week variation; "
        f"{words.number(silent)} more fell significantly and bought nothing at all in the later "
        "half: gone, so not counted as declining. Who had bought seldom may have stopped, too, but "
        "their weeks cannot show it. "
        "What the total of all customers did is taken out first "
        f"({words.percent(fading.growth - 1, 1, signed=True)})."
    )


def at_risk(plan: ContactPlan, currency: str) -> str:
    """Say what is at risk and what contacting would cost."""
    if plan.customers.empty:
        return "Nothing is at risk by this measure."
    value = words.money(plan.value_at_risk, 0, currency)
    known = words.interval(plan.value_at_risk_low, plan.value_at_risk_high, 0, currency)
    cost = words.money(plan.terms.contact_cost * len(plan.customers), 0, currency)
    days = words.number(plan.terms.horizon_days)
    return (
        f"{value} ({known}) of margin is at risk over {days} days; contacting everybody who is "
        f"declining costs {cost}."
    )


def contact(plan: ContactPlan, currency: str) -> str:
    """Say whether contacting fading customers pays; that it does not is a possible answer."""
    everyone, chosen = len(plan.customers), len(plan.chosen)
    cost = words.money(plan.terms.contact_cost, 2, currency)
    rate = words.percent(plan.terms.recovery_rate, 0)
    if everyone == 0:
        return "Nobody is declining significantly, so no contact could bring anything back"
    if chosen == 0:
        return f"Not worth it: bringing back {rate} does not pay {cost} for any of {everyone}"
    whom = "all" if chosen == everyone else f"{words.number(chosen)} of"
    pays = f"pays from {words.percent(plan.break_even)} on"
    return (
        f"A contact for {cost} that brings back {rate} pays for {whom} {everyone}; contacting all "
        f"{pays if plan.break_even <= 1 else 'cannot pay'}"
    )


#: Said where customers are named whom a contact might pay for.
RULED_ELSEWHERE = (
    "This weighs decline alone. Consent, messages of late, offers and the budget are weighed in "
    "report 08, which rules on each customer once."
)


def regained(rebound: Estimates) -> str:
    """Say what comes back by itself."""
    if math.isnan(rebound.value[0]):
        return f"What comes back by itself is not taken off: {rebound.reason[0]}."
    share = words.percent(rebound.value[0], 0)
    known = words.interval(rebound.low[0], rebound.high[0], 0)
    held = f" ({rebound.reason[0]})" if rebound.reason[0] else f" ({known})"
    return (
        f"Of such falls, {share}{held} came back in the following quarter by itself; "
        "no contact can be credited with that."
    )


def fading_finding(fading: Fading) -> Fields:
    """Return the finding of how many are fading."""
    return {
        "key": "fading_customers",
        "sentence": "customers still bring margin but decline by more than their own "
        "week-to-week variation explains", "value": len(fading.called), "n": fading.tested,
        "noun": "customer", "direction": "up_bad", "detail": noise(fading),
    }  # fmt: skip


def risk_finding(plan: ContactPlan, currency: str, margin_basis: str) -> Fields:
    """Return the finding of what is at risk; somebody must decide where a contact is worth it."""
    days = words.number(plan.terms.horizon_days)
    return {
        "key": "margin_at_risk",
        "sentence": f"of margin is at risk with declining customers over {days} days",
        "value": plan.value_at_risk, "low": plan.value_at_risk_low if len(plan.customers) else None,
        "high": plan.value_at_risk_high if len(plan.customers) else None, "unit": currency,
        "level": plan.terms.confidence, "n": len(plan.customers), "noun": "customer",
        "direction": "up_bad", "alert": len(plan.chosen) > 0, "at_stake": plan.value_at_risk,
        "otherwise": f"about this margin is missing in the next {days} days, what comes back by "
        "itself left out", "detail": f"{contact(plan, currency)}. {margin_basis}",
    }  # fmt: skip


def trust(
    deciles: Deciles,
    coverage: Coverage,
    weekly: WeeklyAmounts,
    terms: ContactTerms,
    margin_basis: str,
) -> list[TrustLine]:
    """Return what a reader should know before relying on the report."""
    added = round(float(deciles.table["net_amount"].sum()), 2)
    exact = abs(added - coverage.buyers_amount) < _CENT
    assumed = words.percent(terms.recovery_rate, 0)
    return [
        ("Sums", exact, _sums(added, coverage)),
        ("Rows used", None, _rows(coverage)),
        ("Groups", None, _sizes(deciles)),
        _independence(weekly),
        ("Margin", "assum" not in margin_basis.lower(), margin_basis),
        (
            "Contacts",
            False,
            f"That a contact brings back {assumed} is assumed; only a list of report 08 of which a "
            "random part was held out measures it.",
        ),
    ]


def _independence(weekly: WeeklyAmounts) -> TrustLine:
    if weekly.gap:
        return ("Noise", None, weekly.gap)
    correlation = weekly.serial_correlation()
    if math.isnan(correlation):
        return ("Noise", None, "No customer's weeks differ, so there is no noise to test against.")
    holds = correlation < _WEAK_CORRELATION
    return (
        "Noise",
        holds,
        "The test of decline takes a customer's weeks as independent; neighbouring weeks correlate "
        f"by {words.number(correlation, 2)}.",
    )


def _sums(added: float, coverage: Coverage) -> str:
    if abs(added - coverage.buyers_amount) < _CENT:
        whole = "the net sales of known customers in the order lines, to the cent."
        if coverage.returners:
            back = words.number(-coverage.returned_amount, 2)
            return (
                f"The groups add up to {words.number(added, 2)}; less the {back} of those who only "
                f"returned goods, that is {whole}"
            )
        return f"The groups add up to {words.number(added, 2)}, {whole}"
    return (
        f"The groups add up to {words.number(added, 2)}, but the order lines of known customers "
        f"who bought to {words.number(coverage.buyers_amount, 2)}."
    )


def _rows(coverage: Coverage) -> str:
    used = words.number(coverage.lines - coverage.guest_lines)
    guests = (
        f"; {words.number(coverage.guest_lines)} of guests are left out "
        f"({words.percent(coverage.guest_amount / coverage.net_amount)} of net sales)"
        if coverage.guest_lines and coverage.net_amount > 0
        else "; none is a guest's"
    )
    return f"{used} of {words.number(coverage.all_lines)} order lines fall in the window{guests}."


def _sizes(deciles: Deciles) -> str:
    sizes = deciles.table["customers"]
    span = words.count(sizes.max(), "customer")
    if sizes.max() > sizes.min():
        span = f"{words.number(sizes.min())} to {span}"
    return f"Groups hold {span} each; customers with equal totals stay together."
