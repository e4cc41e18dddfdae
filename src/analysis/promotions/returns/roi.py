"""What a promotion returned: every part of it, what it cost, and how sure that is.

The parts are effects on the same customers and add up to the cent. Those of randomised promotions
are by assignment: whoever redeemed chose to, and would often have bought anyway.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.promotions.observational.doubly_robust import Effects
from analysis.promotions.outcomes.costs import Costs
from analysis.stats.multiplicity import normal_quantile
from analysis.stats.types import Floats

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
