"""Is a contact worth its cost? What fading customers could bring back, against what asking costs.

From what a customer lost, take off what comes back by itself; of the rest, assume that a contact
brings back a share. That share is an assumption, so the report says from which share on a contact
pays, for every customer and for all. Only a contact with a control group measures it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.stats.multiplicity import normal_quantile
from analysis.stats.types import Floats

if TYPE_CHECKING:
    from analysis.customers.retention.decline import Fading
    from analysis.stats.bca import Estimates


_CURVE_STEPS = 60


@dataclass(frozen=True)
class ContactTerms:
    """What a contact costs and what it is assumed to do.

    Parameters
    ----------
    contact_cost
        Cost of contacting one customer (currency).
    recovery_rate
        Share of the lost margin, after what comes back by itself, that a contact brings back.
    horizon_days
        Days over which it counts.
    compared_days
        Days of the half in which the loss was measured.
    confidence
        Coverage of the intervals.
    """

    contact_cost: float
    recovery_rate: float
    horizon_days: int
    compared_days: int
    confidence: float = 0.95


@dataclass(frozen=True)
class ContactPlan:
    """Whom to contact, and what it would bring on the terms assumed.

    Parameters
    ----------
    customers
        One fading customer a row, the most gainful first: customer_id, before, now, loss (in the
        half compared), at_risk (margin missing over the horizon that does not come back by
        itself), brings_back, cost, gain (brings_back - cost), break_even (recovery rate at which
        the contact pays; NaN if none does), worth_it.
    value_at_risk, value_at_risk_low, value_at_risk_high
        at_risk of all fading customers. The interval holds these customers' own week-to-week
        noise and the uncertainty of what comes back by itself.
    break_even, break_even_low, break_even_high
        Recovery rate at which contacting all of them pays; NaN if none does.
    curve
        Gain over the recovery rate: recovery_rate, all_gain, all_low, all_high (contacting
        everybody who is fading), best_gain (only those worth it at that rate).
    rebound_reason
        Why nothing was taken off for what comes back by itself; empty where it was.
    terms
        As given.
    """

    customers: pd.DataFrame
    value_at_risk: float
    value_at_risk_low: float
    value_at_risk_high: float
    break_even: float
    break_even_low: float
    break_even_high: float
    curve: pd.DataFrame
    rebound_reason: str
    terms: ContactTerms

    @property
    def chosen(self) -> pd.DataFrame:
        """The customers whom a contact is worth it for; none is a possible answer."""
        return self.customers[self.customers["worth_it"]].reset_index(drop=True)


def plan_contacts(fading: Fading, rebound: Estimates, terms: ContactTerms) -> ContactPlan:
    """Weigh a contact's cost against what each fading customer could bring back.

    Parameters
    ----------
    fading
        Who is fading, from ``fading.judge``.
    rebound
        What comes back by itself, from ``fading.rebound``. Where it could not be measured,
        nothing is taken off, and the plan says so.
    terms
        What a contact costs and is assumed to do.
    """
    called = fading.called
    value, low, high = _kept(rebound)
    scale = terms.horizon_days / terms.compared_days
    customers = _customers(called, value * scale, terms)
    loss, error = float(called["loss"].sum()), float(np.sqrt((called["loss_error"] ** 2).sum()))
    at_risk = _product(loss, normal_quantile(terms.confidence) * error, (value, low, high), scale)
    break_even = [_ratio(terms.contact_cost * len(called), amount) for amount in at_risk]
    return ContactPlan(
        customers=customers,
        value_at_risk=at_risk[0],
        value_at_risk_low=at_risk[1],
        value_at_risk_high=at_risk[2],
        break_even=break_even[0],
        break_even_low=break_even[2],
        break_even_high=break_even[1],
        curve=_curve(customers["at_risk"].to_numpy(), at_risk, terms),
        rebound_reason=rebound.reason[0] if np.isnan(rebound.value[0]) else "",
        terms=terms,
    )


def _kept(rebound: Estimates) -> tuple[float, float, float]:
    """Return what does not come back by itself, as a share, with its interval."""
    if np.isnan(rebound.value[0]):
        return 1.0, 1.0, 1.0
    value = 1 - float(np.clip(rebound.value[0], 0, 1))
    low, high = 1 - np.clip([rebound.high[0], rebound.low[0]], 0, 1)
    return value, value if np.isnan(low) else float(low), value if np.isnan(high) else float(high)


def _customers(called: pd.DataFrame, kept: float, terms: ContactTerms) -> pd.DataFrame:
    at_risk = called["loss"] * kept
    brings_back = terms.recovery_rate * at_risk
    gain = brings_back - terms.contact_cost
    table = called[["customer_id", "before", "now", "loss"]].assign(
        at_risk=at_risk,
        brings_back=brings_back,
        cost=terms.contact_cost,
        gain=gain,
        break_even=terms.contact_cost / at_risk.where(at_risk > 0),
        worth_it=gain > 0,
    )
    return table.sort_values(["gain", "customer_id"], ascending=[False, True], ignore_index=True)


def _product(
    loss: float, margin_of_error: float, kept: tuple[float, float, float], scale: float
) -> tuple[float, float, float]:
    """Return loss x kept x scale with an interval from the intervals of both.

    Zou, Donner (2008), Construction of confidence limits about effect measures, Statistics in
    Medicine 27, 1693-1702, applied to the product's first-order terms.
    """
    value, low, high = kept
    down = np.hypot(value * margin_of_error, loss * (value - low))
    up = np.hypot(value * margin_of_error, loss * (high - value))
    middle = loss * value
    ends = (middle, max(middle - down, 0.0), middle + up)
    return float(ends[0] * scale), float(ends[1] * scale), float(ends[2] * scale)


def _curve(at_risk: Floats, total: tuple[float, float, float], terms: ContactTerms) -> pd.DataFrame:
    highest = min(1.0, max(2 * terms.recovery_rate, 0.10))
    rates = np.linspace(0, highest, _CURVE_STEPS + 1)
    cost = terms.contact_cost * len(at_risk)
    each = rates[:, None] * at_risk[None, :] - terms.contact_cost
    return pd.DataFrame(
        {
            "recovery_rate": rates,
            "all_gain": rates * total[0] - cost,
            "all_low": rates * total[1] - cost,
            "all_high": rates * total[2] - cost,
            "best_gain": np.maximum(each, 0.0).sum(axis=1),
        }
    )


def _ratio(cost: float, amount: float) -> float:
    return cost / amount if amount > 0 else float("nan")
