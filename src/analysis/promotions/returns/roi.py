"""One verdict for every promotion and arm, after all that it cost and all that it moved.

The measure that decides a trial (`verdicts`) is counted in the promotion's own days and before its
costs. Whether a promotion is worth repeating is another question, with one answer, which title,
findings, tables and advice share: the interval of the net return, and where that leaves it open,
what the trial says.

What a promotion returned: every part of it, what it cost, and how sure that is.

The parts are effects on the same customers and add up to the cent. Those of randomised promotions
are by assignment: whoever redeemed chose to, and would often have bought anyway.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.promotions.observational.doubly_robust import Effects
from analysis.promotions.outcomes.costs import Costs
from analysis.stats.multiplicity import normal_quantile
from analysis.stats.types import Floats

if TYPE_CHECKING:
    from analysis.promotions.experiments.experiments import Trials
    from analysis.promotions.returns.incremental_return import Returns

PAID, LOST, MOVED, NOTHING, OPEN = "paid", "lost", "only moved", "no effect", "open"
UNKNOWN, RUNNING, BLOCKED = "cost unknown", "still running", "no verdict"
#: Its customers were chosen, so that nothing is proved.
CHOSEN = "chosen"

#: Share of the extra sales that must come from elsewhere before a promotion counts as moving them.
_MOVED = 0.5

#: Verdict of a trial to the one after costs where no return is known, and why.
_WITHOUT_RETURN = {
    "earned": (UNKNOWN, "it earned before its costs"),
    "lost": (LOST, "it lost even before its costs"),
    "only moved": (MOVED, ""),
    "no effect": (NOTHING, "a change worth finding would have been seen"),
    "not decided": (OPEN, "too few customers to see a change worth finding"),
    "still running": (RUNNING, ""),
    "no verdict": (BLOCKED, ""),
}

COLUMNS = ["promotion_id", "name", "arm", "label", "verdict", "why", "net", "low", "high", "n"]
COLUMNS += ["each", "each_low", "each_high", "contact_basis"]


def of_arm(found: Return, trial: str = "") -> tuple[str, str]:
    """Return the verdict on one arm after its costs, and why in words.

    Parameters
    ----------
    found
        Its return; the interval of its net return decides.
    trial
        The verdict of its trial (`verdicts.verdict`), empty where there is none.

    Returns
    -------
    tuple of str
        `PAID` or `LOST` (the interval lies above or below zero), `MOVED` (what it sells is taken
        from neighbours or from the weeks after), `NOTHING` (a change worth finding would have been
        seen), `OPEN`, or `CHOSEN`; and the reason.
    """
    if not found.randomised:
        return CHOSEN, "chosen customers: hold out a randomised control"
    parts, moved = found.waterfall.set_index("part"), moved_from(found)
    if parts.loc[NET, "low"] > 0:
        return PAID, "it earns more than it costs"
    if parts.loc[NET, "high"] < 0:
        return LOST, moved or "it costs more than it earns"
    if moved or trial == MOVED:
        return MOVED, moved or "what it sells is taken from elsewhere"
    if trial == NOTHING:
        return NOTHING, "a change worth finding would have been seen"
    if parts.loc[EXTRA, "low"] > 0:
        return OPEN, "it sells more; whether it pays is still open"
    return OPEN, "neither a gain nor a loss is shown"


def moved_from(found: Return) -> str:
    """Return where most of what a promotion sells was taken from; empty if it was not."""
    parts = found.waterfall.set_index("part")
    extra = float(parts.loc[EXTRA, "amount"])
    for part, words in ((AFTER, "from the weeks after"), (NEIGHBOURS, "from its neighbours")):
        if parts.loc[part, "high"] < 0 and -parts.loc[part, "amount"] >= _MOVED * extra > 0:
            return f"what it sells is taken {words}"
    return ""


def judged(trials: Trials, returns: Returns) -> pd.DataFrame:
    """Return one verdict a randomised promotion.

    Parameters
    ----------
    trials
        Checked and measured.
    returns
        Returns of the same promotions, arm by arm.

    Returns
    -------
    pandas.DataFrame
        promotion_id, name, arm (the one that paid most a customer, else the one that stands best),
        label, verdict, why, net, low, high (net return over the customers treated, all arms of the
        promotion at once), n (customers of the arm and of its control; of all arms without a
        verdict), each, each_low, each_high (the same a customer treated), contact_basis (as
        `costs.Costs`; empty without a return).
    """
    rows = []
    for row in trials.verdicts.to_dict("records"):
        key, said = str(row["promotion_id"]), str(row["verdict"])
        arms = {arm: one for (p, arm), one in returns.returns.items() if p == key}
        head = {"promotion_id": key, "name": row["name"], "n": row["n"], "contact_basis": ""}
        if arms and said not in (RUNNING, BLOCKED):
            rows.append(head | _best(key, arms, said, returns))
        else:
            rows.append(head | _without_return(row, returns))
    return pd.DataFrame(rows, columns=COLUMNS)


def _best(key: str, arms: dict[str, Return], trial: str, returns: Returns) -> dict[str, Any]:
    """Return the verdict on the arm that paid most a customer, else on the one that stands best."""
    found = {arm: of_arm(one, trial) for arm, one in arms.items()}
    paid = [arm for arm, (verdict, _) in found.items() if verdict == PAID]
    arm = max(paid or list(arms), key=lambda a: arms[a].net / arms[a].customers)
    one, last = arms[arm], arms[arm].waterfall.iloc[-1]
    ends = {"net": one.net, "low": float(last["low"]), "high": float(last["high"])}
    names = {"net": "each", "low": "each_low", "high": "each_high"}
    each = {names[name]: value / one.customers for name, value in ends.items()}
    verdict, why = found[arm]
    ends_of = {a: arms[a].waterfall.iloc[-1][["low", "high"]] / arms[a].customers for a in arms}
    tied = [a for a, (low, high) in ends_of.items() if a != arm and low <= each["each"] <= high]
    why += f" (not told apart from: {', '.join(sorted(tied))})" if tied else ""
    return {
        "arm": arm, "label": returns.label((key, arm)), "verdict": verdict, "why": why,
        "n": returns.effects[key, arm].treated + returns.effects[key, arm].untreated,
        "contact_basis": one.costs.contact_basis, **ends, **each,
    }  # fmt: skip


def _without_return(row: dict[Any, Any], returns: Returns) -> dict[str, Any]:
    verdict, why = _WITHOUT_RETURN[str(row["verdict"])]
    if verdict == UNKNOWN:
        mine = returns.table[returns.table["promotion_id"] == row["promotion_id"]]
        reasons = [str(r).rstrip(".") for r in mine["reason"].unique() if r]
        why = "; ".join([why, *(r[:1].lower() + r[1:] for r in reasons)])
    nothing = dict.fromkeys(("net", "low", "high", "each", "each_low", "each_high"), np.nan)
    arm = str(row["arm"])
    label = f"{row['name']}: {arm}" if arm not in ("", "treatment") else str(row["name"])
    return {"arm": arm, "label": label, "verdict": verdict, "why": why or row["why"], **nothing}


#: Parts of the return that are sums of effects: name, measures and their factors.
_SUMS: tuple[tuple[str, dict[str, float]], ...] = (
    ("extra sales of the offer, at full margin", {"offered_margin": 1.0, "offered_discount": 1.0}),
    ("neighbouring products", {"rival_margin": 1.0}),
    ("other purchases", {"margin": 1.0, "offered_margin": -1.0, "rival_margin": -1.0}),
    ("the offer in the weeks after", {"after_offered_margin": 1.0, "after_rival_margin": 1.0}),
)
EXTRA, NEIGHBOURS, HALO, AFTER = (name for name, _ in _SUMS)
DISCOUNT = "discount on extra sales"
SUBSIDY = "discount to those who would have bought anyway"
CONTACT, FIXED, NET = "contact cost", "fixed cost", "net return"

#: Measures that a return needs.
NEEDED = ("margin", "offered_units", *sorted({m for _, sums in _SUMS for m in sums} - {"margin"}))


@dataclass(frozen=True)
class Return:
    """What one promotion, or one arm of it, returned.

    Parameters
    ----------
    waterfall
        One row a part, the last one the net return: part, amount, low, high (currency, over all
        customers treated). Amounts are whole cents and add up to the net return exactly.
    net, error
        Net return and its standard error.
    spent
        Discounts beyond those of the control, contacts and fixed cost.
    roi, roi_low, roi_high
        Net return over what was spent, and its interval (Fieller); NaN where nothing was spent,
        or where it is not certain that something was.
    redemption, break_even, break_even_low, break_even_high
        Redemptions a customer treated, and as many as would pay for contacts and fixed cost if
        each brought what one brings now, with the interval that the net return's gives; infinite
        if they bring nothing.
    customers
        Customers treated.
    randomised
        As in `Effects`; if not, nothing here is causal proof.
    costs
        As given.
    """

    waterfall: pd.DataFrame
    net: float
    error: float
    spent: float
    roi: float
    roi_low: float
    roi_high: float
    redemption: float
    break_even: float
    break_even_low: float
    break_even_high: float
    customers: int
    randomised: bool
    costs: Costs


def returned(
    effects: Effects, costs: Costs, *, redemption: float = np.nan, confidence: float = 0.95
) -> Return:
    """Return what a promotion earned after all that it cost.

    Parameters
    ----------
    effects
        Effects a treated customer; holds the measures `NEEDED`.
    costs
        What contacts and the promotion itself cost, and the customers treated.
    redemption
        Redemptions a customer treated, if known.
    confidence
        Coverage of intervals.

    Notes
    -----
    Extra sales count at the margin before the promotion's discount; the discount is then taken off
    in two parts: on what the treated would have bought anyway (units of the control times the
    discount a unit of the treated) and on the rest. Other purchases count in the promotion's days
    only, the offer and its neighbours in the weeks after as well. Intervals of products and ratios
    are by the delta method and Fieller (1954), J. R. Statist. Soc. B 16(2).
    """
    n, reach = costs.customers, normal_quantile(confidence)
    names, values, slopes = _parts(effects)
    errors = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", slopes, effects.covariance, slopes), 0))
    outlay = np.array([-costs.contact, -costs.fixed])
    amounts = np.concatenate([values * n, outlay]).round(2)
    net, slope = float(amounts.sum().round(2)), slopes.sum(axis=0)
    error = n * float(np.sqrt(max(slope @ effects.covariance @ slope, 0.0)))
    discount = effects.weights({"offered_discount": 1.0})
    spent = n * float(discount[: len(effects.names)] @ effects.effect) - float(outlay.sum())
    ratio = _fieller((net, spent), n**2 * _pair(effects.covariance, slope, discount), reach=reach)
    return Return(
        waterfall=_waterfall([*names, CONTACT, FIXED, NET], [*amounts, net],
                             [*(n * errors), 0.0, 0.0, error], reach),
        net=net,
        error=error,
        spent=spent,
        roi=ratio[0],
        roi_low=ratio[1],
        roi_high=ratio[2],
        redemption=redemption,
        break_even=_break_even(net, redemption, costs),
        break_even_low=_break_even(net + reach * error, redemption, costs),
        break_even_high=_break_even(net - reach * error, redemption, costs),
        customers=n,
        randomised=effects.randomised,
        costs=costs,
    )  # fmt: skip


def _parts(effects: Effects) -> tuple[list[str], Floats, Floats]:
    """Return the parts a treated customer, and their slopes in effects and anyway."""
    k = len(effects.names)
    subsidy, slope = _subsidy(effects)
    discount = effects.weights({"offered_discount": -1.0})
    rows = [(name, effects.weights(sums)) for name, sums in _SUMS]
    values = [float(vector[:k] @ effects.effect) for _, vector in rows]
    on_extra = float(discount[:k] @ effects.effect) + subsidy
    names = [EXTRA, DISCOUNT, SUBSIDY, NEIGHBOURS, HALO, AFTER]
    values = [values[0], on_extra, -subsidy, *values[1:]]
    slopes = [rows[0][1], discount + slope, -slope, *(vector for _, vector in rows[1:])]
    return names, np.array(values), np.vstack(slopes)


def _subsidy(effects: Effects) -> tuple[float, Floats]:
    """Return the discount on what would have been bought anyway, and its slope."""
    k, slope = len(effects.names), np.zeros(2 * len(effects.names))
    units, money = (effects.names.index(f"offered_{m}") for m in ("units", "discount"))
    anyway, given = float(effects.anyway[units]), float(effects.anyway[money])
    bought = anyway + float(effects.effect[units])
    if bought <= 0:
        return 0.0, slope
    total = given + float(effects.effect[money])
    slope[money] = anyway / bought
    slope[units] = -anyway * total / bought**2
    slope[k + units] = total / bought - anyway * total / bought**2
    slope[k + money] = anyway / bought - 1
    return anyway * total / bought - given, slope


def _waterfall(
    parts: list[str], amounts: list[float], errors: list[float], reach: float
) -> pd.DataFrame:
    amount, half = np.array(amounts), reach * np.array(errors)
    columns = {"part": parts, "amount": amount, "low": amount - half, "high": amount + half}
    return pd.DataFrame(columns)


def _pair(covariance: Floats, net: Floats, spent: Floats) -> Floats:
    both = np.vstack([net, spent])
    return np.asarray(both @ covariance @ both.T)


def _fieller(
    pair: tuple[float, float], covariance: Floats, *, reach: float
) -> tuple[float, float, float]:
    """Return a ratio and its interval; NaN ends where the denominator may be zero."""
    top, bottom = pair
    if bottom <= 0:
        return np.nan, np.nan, np.nan
    of_top, both, of_bottom = covariance[0, 0], covariance[0, 1], covariance[1, 1]
    a = bottom**2 - reach**2 * of_bottom
    b, c = top * bottom - reach**2 * both, top**2 - reach**2 * of_top
    inside = b**2 - a * c
    if a <= 0 or inside < 0:
        return top / bottom, np.nan, np.nan
    return top / bottom, float((b - np.sqrt(inside)) / a), float((b + np.sqrt(inside)) / a)


def _break_even(net: float, redemption: float, costs: Costs) -> float:
    """Return the redemptions a customer at which what they bring pays for contacts and set-up."""
    outlay = costs.contact + costs.fixed
    if not redemption > 0 or outlay == 0:
        return np.nan
    brought = net + outlay
    return redemption * outlay / brought if brought > 0 else np.inf
