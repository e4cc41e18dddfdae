"""What returns and the league of promotions say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.errors import NotApplicable
from analysis.promotions.experiments.experiments import NONE_RANDOMISED
from analysis.promotions.returns.league import BY_LOT, CHANGE, CHOSEN, HOLD_OUT, REPEAT, STOP
from analysis.promotions.returns.roi import SUBSIDY
from analysis.reporting.notebook import words

if TYPE_CHECKING:
    from analysis.promotions.returns.incremental_return import Returns
    from analysis.promotions.returns.roi import Return

#: Fields of a finding, as `Report.finding` takes them.
Fields = dict[str, Any]

_BASES = {
    "messages": "stated for every message sent",
    "promotion": "stated for the promotion",
    "assumed": "assumed in the parameters of this report",
}


def findings(returns: Returns, currency: str) -> list[Fields]:
    """Return the finding on the campaign on which most was spent, where none was randomised.

    Randomised promotions have their own, one each: none with one.
    """
    one, key = returns.require(), returns.first()
    if one.randomised:
        return []
    last = one.waterfall.iloc[-1]
    found = {
        "key": "net_return",
        "sentence": f"net return of {returns.label(key)}, the costliest of the campaigns that pass "
        f"all placebo checks{_assumed(one, currency)} (no causal proof)"
        + words.unsure(float(last["low"]), float(last["high"])),
        "value": one.net, "low": float(last["low"]), "high": float(last["high"]), "unit": currency,
        "n": one.customers, "noun": "customer", "direction": "up_good",
    }  # fmt: skip
    return [found]


def _assumed(one: Return, currency: str) -> str:
    """Return the assumption behind a net return, for the same sentence."""
    if one.costs.contact_basis != "assumed":
        return ""
    each = one.costs.contact / one.costs.customers
    return f", if contacting a customer costs {words.money(each, 2, currency)} as assumed"


def waterfall(returns: Returns, currency: str) -> str:
    """Say what the costliest promotion spent and what came back."""
    one, name = returns.require(), returns.label(returns.first())
    last = one.waterfall.iloc[-1]
    ends = words.interval(last["low"], last["high"], 0, currency)
    cost = f" cost {words.money(one.spent, 0, currency)}" if one.spent > 0 else ""
    proof = "" if one.randomised else " (no causal proof)"
    said = f"{name}{cost} and" if cost else name
    return (
        f"{said} returned {words.money(one.net, 0, currency, signed=True)} net ({ends})"
        f"{_assumed(one, currency)}{proof}{words.unsure(float(last['low']), float(last['high']))}"
    )


def details(one: Return, currency: str) -> str:
    """Say what share of the discount was a gift, and what redemption would pay."""
    parts = one.waterfall.set_index("part")["amount"]
    gift = -float(parts[SUBSIDY])
    said = [
        f"{words.money(gift, 0, currency)} of discount went to customers who would have bought "
        "anyway."
        if gift > 0
        else "No more discount was given on what would have been bought anyway than without it."
    ]
    if one.redemption > 0 and one.break_even < float("inf"):
        said.append(
            f"It was redeemed {_times(one.redemption)} times per customer; "
            f"{_times(one.break_even)} would have paid for contacts and set-up, if each "
            "brings what one brought."
        )
    elif one.redemption > 0:
        said.append("What a redemption brought did not pay, however many there are.")
    return " ".join(said)


def assumptions(returns: Returns, basis: str) -> str:
    """Say where margin and costs come from."""
    known = returns.table[returns.table["net"].notna()]
    sources = []
    for column, what in (("contact_basis", "Contact cost"), ("fixed_basis", "Fixed cost")):
        found = words.listing(_BASES[b] for b in sorted(known[column].unique()))
        sources.append(f"{what}: {found}.")
    return f"{basis} {' '.join(sources)}"


def trust(returns: Returns) -> list[tuple[str, bool | None, str]]:
    """Return the line of the panel on where costs come from."""
    known = returns.table[returns.table["net"].notna()]
    if known.empty:
        return []
    assumed = known[["contact_basis", "fixed_basis"]].eq("assumed").any(axis=1)
    if not assumed.any():
        return [("Costs", True, "What contacts and promotions cost is stated by the study.")]
    count = words.count(int(assumed.sum()), "promotion")
    return [("Costs", False, f"Costs of {count} are assumed in the parameters of this report.")]


def paid(table: pd.DataFrame) -> str:
    """Say how many promotions paid significantly, and how many lost."""
    known = table[table["net"].notna()]
    if not known["randomised"].any():
        seem, fell = int((known["low"] > 0).sum()), int((known["high"] < 0).sum())
        loss = f", {fell} a significant loss" if fell else ""
        return (
            f"Of {words.count(len(known), 'campaign')} that passed all placebo checks, "
            f"{seem or 'none'} {'show' if seem > 1 else 'shows'} a significant net return{loss} "
            "(no causal proof)"
        )
    known = known[known["randomised"].eq(True)]
    up, down = int((known["low"] > 0).sum()), int((known["high"] < 0).sum())
    rest = len(known) - up - down
    said = f"Of {words.count(len(known), 'promotion or arm', 'promotions and arms')}, {up} paid"
    lost = f"{down} cost more than they brought"
    return f"{said}, {lost}, and for {rest} neither is significant"


def spendings(table: pd.DataFrame) -> pd.DataFrame:
    """Return the returns that are known; spent is blank where nothing was spent on balance.

    Fewer discounts under a promotion than without it are no spending below zero.
    """
    known = table[table["net"].notna()]
    return known.assign(spent=known["spent"].where(known["spent"] > 0)).reset_index(drop=True)


def redeemed(table: pd.DataFrame) -> pd.DataFrame:
    """Return the randomised promotions that were redeemed, with what would pay; or refuse."""
    randomised = table[table["randomised"].eq(True)]
    if randomised.empty:
        raise NotApplicable(NONE_RANDOMISED)
    used = randomised[randomised["redemption"] > 0]
    if used.empty:
        raise NotApplicable("No randomised promotion was redeemed, so none has a break-even.")
    return used.assign(
        needed=[_times(value) for value in used["break_even"]],
        interval=[
            _times(low) if low == high else f"{_times(low)} to {_times(high)}"
            for low, high in zip(used["break_even_low"], used["break_even_high"], strict=True)
        ],
    ).reset_index(drop=True)


#: Redemptions per customer that are written as fewer than this.
_LEAST_TIMES = 0.01


def _times(value: float) -> str:
    if 0 < value < _LEAST_TIMES:
        return f"fewer than {_LEAST_TIMES}"
    return "never" if value == float("inf") else words.number(value, 2)


def pays(table: pd.DataFrame) -> str:
    """Say how many are redeemed significantly more often than pays for contacts and set-up."""
    enough = int((table["break_even_high"] <= table["redemption"]).sum())
    return (
        f"{enough} of {len(table)} {'is' if enough == 1 else 'are'} redeemed significantly more "
        "often than it takes to pay for themselves"
    )


def reached(table: pd.DataFrame) -> str:
    """Say how many promotions reached the goal they were run for, and at what price."""
    known = table[table["reached"] != "unknown"]
    counts = known["reached"].value_counts()
    said = f"{int(counts.get('yes', 0))} of {len(known)} reached what they were run for"
    loss, moved = (int(counts.get(v, 0)) for v in ("yes, at a loss", "only moved"))
    if loss:
        said += f", {loss} more at a loss"
    if moved:
        said += f"; {moved} sold more, but took it from elsewhere"
    return said


def with_goal(table: pd.DataFrame) -> pd.DataFrame:
    """Return the promotions that state a goal; NotApplicable if none does."""
    stated = table[table["goal"].astype("str").str.len() > 0]
    if stated.empty:
        raise NotApplicable("No promotion of this study states what it was for.")
    return stated.reset_index(drop=True)


#: Steps on the way to the purchase, those first that tell most.
_STEPS = {
    "opened": "open the message",
    "redeemed": "redeem anything",
    "bought": "buy what is on offer",
    "clicked": "click in the message",
    "reached": "are reached by it",
}


def lifts(table: pd.DataFrame) -> str:
    """Say which promotion did most, shrunk where enough can be pooled."""
    kind = shown_kind(table)
    drawn = bool(kind["shrunk"].notna().all())
    lift, low = ("shrunk", "shrunk_low") if drawn else ("lift", "low")
    best = kind.loc[kind[lift].idxmax()]
    # Where nothing tells them apart, all are drawn to one mean: what is sure of it is not of each.
    sure = (kind[low] > 0) & (kind["low"] > 0)
    surely, of = int(sure.sum()), words.count(len(kind), "promotion or arm", _BOTH)
    change = words.percent(best[lift], 0, signed=True)
    if not drawn:
        return (
            f"{best['label']} did most before costs: {change}; by its own interval {surely} of "
            f"{of} {'is' if surely == 1 else 'are'} above zero (too few to shrink)"
        )
    if not surely and bool((kind[low] > 0).all()):  # the chart shows all of them above zero
        ends = words.interval(best[low], best["shrunk_high"], 1)
        proof = "" if (kind["kind"] == BY_LOT).all() else " (no causal proof)"
        return (
            f"Nothing tells {of} apart: {change} together ({ends}), none significantly above zero "
            f"by itself{proof}"
        )
    if not surely:
        return f"After shrinkage, none of {of} is significantly above zero"
    said = f"{best['label']} did most before costs: {change} after shrinkage"
    proof = "" if (kind["kind"] == BY_LOT).all() else " (no causal proof)"
    return f"{said}; {surely} of {len(kind)} significantly above zero{proof}"


#: What the rows of the league are.
_BOTH = "promotions and arms"


def shown_kind(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the kind that proves most: randomised, else chosen, else for all.

    NotApplicable if no kind has several promotions whose effect is known.
    """
    for kind in (BY_LOT, CHOSEN):
        part = table[table["kind"] == kind]
        if len(part) > 1:
            return part.reset_index(drop=True)
    part = table[~table["kind"].isin([BY_LOT, CHOSEN])]
    if len(part) < 2:
        raise NotApplicable(
            "Fewer than two promotions of a kind have a known effect, and one alone says nothing "
            "about promotions in general."
        )
    return part.reset_index(drop=True)


def kind_note(table: pd.DataFrame) -> str:
    """Say what the kind of comparison that is shown can prove."""
    if (table["kind"] == BY_LOT).any():
        return "Randomised: what these promotions caused. Arms of one promotion share a control."
    if (table["kind"] == CHOSEN).any():
        return (
            "Customers were chosen: no causal proof, only what propensity adjustment leaves. One "
            "customer may be in several campaigns: the interval of all together is rather narrow."
        )
    return "Open to all: against products left alone, which is no causal proof."


def stayed(table: pd.DataFrame, fdr: float) -> str:
    """Say how many products on offer gained on their category, eight weeks before to after."""
    up = table[(table["q"] <= fdr) & (table["growth"] > 0)]
    down = table[(table["q"] <= fdr) & (table["growth"] < 0)]
    return (
        f"Of {words.count(len(table), 'product')} on offer, {len(up)} sold significantly more "
        f"after than before, against the rest of the category, {len(down)} less"
    )


def growing(table: pd.DataFrame, fdr: float) -> pd.DataFrame:
    """Return the products that gained, the surest growth first; NotApplicable if none did."""
    up = table[(table["q"] <= fdr) & (table["growth"] > 0)]
    if up.empty:
        raise NotApplicable("No product on offer gained significantly on its category.")
    return up.reset_index(drop=True)


def what_to_do(table: pd.DataFrame) -> str:
    """Say what to repeat, change and stop."""
    said = []
    for action, words_of in ((REPEAT, "Repeat"), (CHANGE, "change"), (STOP, "stop")):
        names = table.loc[table["action"] == action, "label"].tolist()
        if names:
            said.append(f"{words_of} {words.listing(names)}")
    if said:
        first = "; ".join(said)
        return first[:1].upper() + first[1:]
    return "No promotion pays or loses significantly: test again on more customers"


def decided(table: pd.DataFrame) -> pd.DataFrame:
    """Return the promotions that can be decided on; NotApplicable if all customers were chosen."""
    by_lot = table[table["action"] != HOLD_OUT]
    if by_lot.empty:
        raise NotApplicable(NONE_RANDOMISED)
    return by_lot.reset_index(drop=True)


def undecided(table: pd.DataFrame) -> str:
    """Say which promotions need a randomised control before anything can be decided."""
    names = table.loc[table["action"] == HOLD_OUT, "label"].tolist()
    if not names:
        return "All of these were randomised."
    return f"Not randomised, so hold out a randomised control next time: {words.listing(names)}."


def steps(funnel: pd.DataFrame, returns: Returns) -> pd.DataFrame:
    """Return the funnel with names, every step as a share of the customers chosen."""
    labels = returns.table[["promotion_id", "arm", "label"]]
    table = labels.merge(funnel, on=["promotion_id", "arm"])
    parts = [c for c in table.columns if c not in ("promotion_id", "arm", "label", "chosen")]
    shares = {c: table[c] / table["chosen"] for c in parts}
    return table.assign(**shares)


def funnel(table: pd.DataFrame) -> str:
    """Say where most customers are lost on the way; NotApplicable if no step is known."""
    known = [step for step in _STEPS if step in table.columns]
    if not known:
        raise NotApplicable("What became of those chosen is not known: no message, no redemption.")
    share = {step: words.percent(float(table[step].median()), 0) for step in known}
    if {"opened", "bought"} <= set(known):
        return (
            f"In the median promotion or arm {share['opened']} {_STEPS['opened']} and "
            f"{share['bought']} {_STEPS['bought']}"
        )
    return f"In the median promotion or arm {share[known[0]]} of those chosen {_STEPS[known[0]]}"
