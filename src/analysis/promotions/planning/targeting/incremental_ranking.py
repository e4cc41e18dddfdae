"""What contacting a customer is expected to bring beyond what would come anyway.

Where promotions were randomised, it is what they brought, by channel, depth and whether the
customer had bought of late; where a ranking by predicted effect was shown to be better than
chance, what comes from that promotion is more for some customers and less for others. Elsewhere
nothing was measured: then it is the margin at risk times an assumed effect, beside the effect at
which the contact breaks even.

What the next unit of money brings, and what other terms would: scenarios side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.answers import without
from analysis.errors import NotApplicable
from analysis.promotions.planning.targeting.past_responses import (
    ACTIVE,
    SILENT,
    STATES,
    Lookup,
    PastResponses,
    lookup,
)
from analysis.stats.types import Floats, Integers

if TYPE_CHECKING:
    from analysis.promotions.planning.targeting.eligibility import Eligible

RANDOMISED, BREAK_EVEN, NOTHING = "uplift/randomised", "break-even", "none"


@dataclass(frozen=True)
class Expected:
    """What may be expected of each customer, before the choice of offer and channel.

    Parameters
    ----------
    customers
        In the order of ``Eligible.customers``: customer_id, state (active, silent), basis,
        at_risk (margin; missing where no forecast), ratio (predicted effect over the mean one, of
        the promotion it was predicted for; missing where none is worth using).
    known
        What was measured, by state, depth and channel.
    depths, channels
        Of its last two axes.
    assumed_effect
        Share of would-be losses that a contact is assumed to prevent where nothing was measured.
    counts
        basis, customers (of the eligible).
    """

    customers: pd.DataFrame
    known: Lookup
    depths: tuple[float, ...]
    channels: tuple[str, ...]
    assumed_effect: float
    counts: pd.DataFrame


@without("past", "at_risk", "own")
def ranked(
    left: Eligible,
    *,
    past: PastResponses | None = None,
    depths: Sequence[float],
    assumed_effect: float,
    at_risk: pd.DataFrame | None = None,
    own: pd.DataFrame | None = None,
) -> Expected:
    """Return what contacting each customer may be expected to bring.

    Parameters
    ----------
    left
        Who is eligible; its customers need the column ``recent_orders``, by which they are active
        or silent.
    past
        What randomised contacts brought; None where none were.
    depths
        Discounts there are.
    assumed_effect
        Share of the margin at risk that a contact is assumed to save where nothing was measured.
    at_risk
        customer_id, at_risk, as report 07 forecasts it; None: unknown.
    own
        customer_id, ratio, promotion_id, as from `usable_uplift`; None: customers of one state
        are alike.

    Raises
    ------
    NotApplicable
        If neither a randomised past nor a forecast says what a contact may bring.
    """
    people, channels = left.customers, left.rules.channels
    risk = pd.Series(np.nan, people.index)
    if at_risk is not None:
        risk = people["customer_id"].map(at_risk.set_index("customer_id")["at_risk"])
    if past is None and risk.isna().all():
        raise NotApplicable(
            "Nothing says what a contact may bring: no promotion was randomised, and report 07 "
            "forecasts nobody's margin at risk."
        )
    state = np.where(people["recent_orders"] > 0, ACTIVE, SILENT)
    known = Lookup.empty(len(depths), len(channels))
    if past is not None:
        promotion = "" if own is None or own.empty else str(own["promotion_id"].iloc[0])
        known = lookup(past, tuple(depths), channels, promotion_id=promotion)
    there = np.asarray(np.isfinite(known.effect).any(axis=(1, 2)))
    measured = there[_state_codes(state)]
    basis = np.where(measured, RANDOMISED, np.where(risk.fillna(0) > 0, BREAK_EVEN, NOTHING))
    ratio = pd.Series(np.nan, people.index)
    if own is not None:
        ratio = people["customer_id"].map(own.set_index("customer_id")["ratio"])
    ratio = ratio.astype("float64").where(basis == RANDOMISED)
    table = people[["customer_id"]].assign(
        state=state, basis=basis, at_risk=risk.astype("float64"), ratio=ratio
    )
    counts = table[left.open].groupby("basis").size().rename("customers").reset_index()
    return Expected(table, known, tuple(depths), channels, assumed_effect, counts)


def _state_codes(state: np.ndarray) -> Integers:
    return np.where(state == STATES[0], 0, 1)


#: No prediction counts for more than so many times the mean one.
_MOST = 3.0


def usable_uplift(predicted: pd.DataFrame, judged: pd.DataFrame) -> pd.DataFrame:
    """Return each customer's predicted effect over the mean one, by the learner that ranks best.

    Parameters
    ----------
    predicted
        ``promotions.uplift``, with promotion_id: customer_id and one column a learner.
    judged
        ``promotions.targeting``: learner, qini, qini_low.

    Returns
    -------
    pandas.DataFrame
        customer_id, ratio (0 to 3, with a mean of 1), promotion_id, learner.

    Raises
    ------
    NotApplicable
        If no learner's ranking was shown to be better than chance (the interval of its Qini is
        not above zero), or the mean predicted effect is not positive.
    """
    if "promotion_id" not in predicted:
        raise NotApplicable(
            "The predicted effects do not say of which promotion they are: run report 06 again."
        )
    good = judged[judged["qini_low"] > 0]
    if good.empty:
        raise NotApplicable(
            "No ranking by predicted effect was shown to be better than chance, so customers of "
            "one state count as alike."
        )
    name = str(good.loc[good["qini"].idxmax(), "learner"])
    mean = float(predicted[name].mean())
    if not mean > 0:
        raise NotApplicable("The mean predicted effect is not positive, so nobody is ranked by it.")
    ratio = (predicted[name] / mean).clip(0.0, _MOST)
    ratio = ratio / ratio.mean()
    return predicted[["customer_id", "promotion_id"]].assign(ratio=ratio, learner=name)


def margins(
    expected: Expected, factor: Floats, outlay: Floats
) -> tuple[Floats, Floats, Integers, Floats]:
    """Return expected margin before the cost of contact, its error, and what it rests on.

    Parameters
    ----------
    expected
        What may be expected.
    factor
        Customers x channels: a message's response against the usual one.
    outlay
        Customers x depths: money that the offer costs where nothing was measured; a measured
        margin has it in it already.

    Returns
    -------
    tuple
        margin, error (NaN where assumed), cell (-1 where assumed) and units (what the margin is
        in units of that cell's effect): customers x depths x channels each. -inf: no basis.
    """
    people = expected.customers
    codes = _state_codes(people["state"].to_numpy())
    known = expected.known
    apart = people["ratio"].fillna(1.0).to_numpy(float)[:, None, None] - 1
    measured = known.effect[codes] + known.part[codes] * apart
    share = factor[:, None, :]
    saved = people["at_risk"].fillna(0).to_numpy(float)[:, None, None] * expected.assumed_effect
    assumed = saved * share - outlay[:, :, None]
    basis = people["basis"].to_numpy()[:, None, None]
    margin = np.select(
        [basis == RANDOMISED, basis == BREAK_EVEN], [measured * share, assumed], -np.inf
    )
    margin = np.where(np.isnan(margin), -np.inf, margin)
    proved = (basis == RANDOMISED) & np.isfinite(margin)
    error = np.where(proved, known.error[codes] * share, np.nan)
    cell = np.where(proved, known.cells[codes], -1)
    units = np.where(proved, np.broadcast_to(share, margin.shape), 0.0)
    return margin, error, cell, units
