"""What contacting a customer is expected to bring beyond what would come anyway.

Where promotions were randomised, it is what they brought, by channel, depth and whether the
customer had bought of late; the customer's own predicted effect takes its place where a ranking by
it was shown to be worth more than treating all alike. Elsewhere nothing was measured: then it is
the margin at risk times an assumed effect, beside the effect at which the contact breaks even.
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
        at_risk (margin; missing where no forecast), own_effect (predicted for the customer;
        missing where there is none that is worth using).
    effect
        Customers' states x depths x channels: margin per contact measured; NaN: nothing like it.
    error
        The same shape: standard error.
    cells
        The same shape: number of the measurement behind it (-1: none).
    loadings
        How far each independent error moves each of these (``past_responses.Lookup``).
    source
        The same shape: what the number rests on.
    depths, channels
        Of the last two axes.
    assumed_effect
        Share of would-be losses that a contact is assumed to prevent where nothing was measured.
    counts
        basis, customers (of the eligible).
    """

    customers: pd.DataFrame
    effect: Floats
    error: Floats
    cells: Integers
    loadings: Floats
    source: np.ndarray
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
        customer_id, effect: predicted for single customers, where ranking by it was shown to be
        worth more than treating all alike.

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
    found = _looked_up(past, tuple(depths), channels)
    known = np.asarray(np.isfinite(found[0]).any(axis=(1, 2)))
    measured = known[_state_codes(state)]
    basis = np.where(measured, RANDOMISED, np.where(risk.fillna(0) > 0, BREAK_EVEN, NOTHING))
    table = people[["customer_id"]].assign(state=state, basis=basis, at_risk=risk.astype("float64"))
    effect = pd.Series(np.nan, people.index)
    if own is not None:
        effect = people["customer_id"].map(own.set_index("customer_id")["effect"])
    table = table.assign(own_effect=effect.astype("float64").where(table["basis"] == RANDOMISED))
    counts = table[left.open].groupby("basis").size().rename("customers").reset_index()
    return Expected(table, *found, tuple(depths), channels, assumed_effect, counts)


def _state_codes(state: np.ndarray) -> Integers:
    return np.where(state == STATES[0], 0, 1)


def _looked_up(
    past: PastResponses | None, depths: tuple[float, ...], channels: tuple[str, ...]
) -> tuple[Floats, Floats, Integers, Floats, np.ndarray]:
    if past is None:
        shape = (len(STATES), len(depths), len(channels))
        empty = np.full(shape, np.nan)
        return empty, empty, np.full(shape, -1), np.empty((0, 0)), np.full(shape, "", dtype=object)
    found = lookup(past, depths, channels)
    return found.effect, found.error, found.cells, found.loadings, found.source


def usable_uplift(predicted: pd.DataFrame, judged: pd.DataFrame) -> pd.DataFrame:
    """Return each customer's predicted effect by the learner whose ranking is worth most.

    Parameters
    ----------
    predicted
        ``promotions.uplift``: customer_id and one column a learner.
    judged
        ``promotions.targeting``: learner, gain, offered (the gain over treating all, or nobody, is
        above zero beyond chance).

    Raises
    ------
    NotApplicable
        If no learner's ranking was shown to be worth anything.
    """
    good = judged[judged["offered"]]
    if good.empty:
        raise NotApplicable(
            "No ranking by predicted effect was shown to be worth more than treating all alike, so "
            "customers of one state count as alike."
        )
    name = str(good.loc[good["gain"].idxmax(), "learner"])
    return predicted[["customer_id"]].assign(effect=predicted[name], learner=name)


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
    measured = expected.effect[codes]
    own = people["own_effect"].to_numpy(float)[:, None, None]
    measured = np.where(np.isfinite(own) & np.isfinite(measured), own, measured)
    share = factor[:, None, :]
    saved = people["at_risk"].fillna(0).to_numpy(float)[:, None, None] * expected.assumed_effect
    assumed = saved * share - outlay[:, :, None]
    basis = people["basis"].to_numpy()[:, None, None]
    margin = np.select(
        [basis == RANDOMISED, basis == BREAK_EVEN], [measured * share, assumed], -np.inf
    )
    margin = np.where(np.isnan(margin), -np.inf, margin)
    proved = (basis == RANDOMISED) & np.isfinite(margin)
    error = np.where(proved, expected.error[codes] * share, np.nan)
    cell = np.where(proved, expected.cells[codes], -1)
    units = np.where(proved, np.broadcast_to(share, margin.shape), 0.0)
    return margin, error, cell, units
