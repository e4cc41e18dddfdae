"""The one ruling per customer: contact, hold out, or leave alone, and why.

The list is the best choice under budget, capacities and caps; a part of it, drawn by a hash
within strata, is held out, so that what the list brings can be measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.promotions.planning import power
from analysis.promotions.planning.power import Design
from analysis.promotions.planning.targeting import incremental_ranking, standing_holdout
from analysis.promotions.planning.targeting.contact_knapsack import (
    NONE,
    Choices,
    Limits,
    Solution,
    counted_by,
    solve,
    used_by,
)
from analysis.promotions.planning.targeting.eligibility import SAYS
from analysis.promotions.planning.targeting.incremental_ranking import BREAK_EVEN, NOTHING
from analysis.stats.multiplicity import normal_quantile
from analysis.stats.types import Flags, Floats, Integers

if TYPE_CHECKING:
    from analysis.promotions.planning.targeting.channel_choice import Channels
    from analysis.promotions.planning.targeting.eligibility import Eligible
    from analysis.promotions.planning.targeting.incremental_ranking import Expected
    from analysis.promotions.planning.targeting.offer_choice import Offers

CONTACT, HOLD_OUT, LEAVE = "contact", "hold out", "leave alone"
TARGET, HOLDOUT = "target", "holdout"
_STRATA = ("lower third", "middle third", "upper third")
_TRIES = 6


@dataclass(frozen=True)
class ListTerms:
    """What a list may cost, and how it is checked.

    Parameters
    ----------
    budget
        Money for contacts and offers.
    capacity
        Most messages by channel; a channel without one has no limit.
    contacts
        Most customers contacted; None: no limit.
    quota
        Most customers who are given a discount, by its depth as text ("0.2"): a limited number.
    holdout
        Share of the list that is not contacted.
    redemption
        Share of customers who use an offer, for what offers cost where nothing was measured.
    confidence
        Coverage of the intervals.
    seed
        Of the resampling.
    method
        ``exact``, ``prices``, or ``auto``.
    """

    budget: float
    capacity: Mapping[str, int] = field(default_factory=dict)
    contacts: int | None = None
    quota: Mapping[str, int] = field(default_factory=dict)
    holdout: float = 0.1
    redemption: float = 0.1
    confidence: float = 0.95
    seed: int = 0
    method: str = "auto"

    def limits(self, channels: tuple[str, ...], depths: tuple[float, ...]) -> Limits:
        """Return the limits by number of the channel, and of the depth as the offer."""
        capacity = tuple(float(self.capacity.get(c, np.inf)) for c in channels)
        most = np.inf if self.contacts is None else float(self.contacts)
        given = {float(depth): float(number) for depth, number in self.quota.items()}
        quota = tuple(given.get(float(d), np.inf) for d in depths)
        return Limits(float(self.budget), capacity, most, quota)


@dataclass(frozen=True)
class TargetList:
    """The rulings and what they rest on.

    Parameters
    ----------
    rulings
        One row a candidate: customer_id, ruling (contact, hold out, leave alone), occasion (that
        is due; empty where none), reason, offer,
        depth, product_id, product, channel, hour, expected_margin (incremental, net of the
        contact's and the offer's cost), low, high (NaN where the effect is assumed), cost,
        break_even (effect at which the contact pays; where the effect is assumed), arm (target,
        holdout; empty where left alone), stratum, basis. Those left alone have no offer.
    total
        gain, low, high (of all targets; the interval holds how well measured effects are known),
        spend, assumed (share of the gain that rests on an assumed effect), contacts, forgone (gain
        expected of those held out, had they been contacted: what it costs to know).
    limits
        limit, most, used, price (what one more unit of it would bring; NaN where solved exactly).
    balance
        How alike targets and holdout are.
    power
        customers, holdout, smallest (difference of margin per customer that the list would show),
        promised (expected margin per customer contacted), explained (share of the variance that
        the past explains), enough.
    solution
        As solved.
    terms
        As given.
    """

    rulings: pd.DataFrame
    total: dict[str, float]
    limits: pd.DataFrame
    balance: pd.DataFrame
    power: dict[str, Any]
    solution: Solution
    terms: ListTerms

    @property
    def listed(self) -> pd.DataFrame:
        """Targets and holdout."""
        return self.rulings[self.rulings["arm"] != ""].reset_index(drop=True)

    @property
    def targets(self) -> pd.DataFrame:
        """Those to contact."""
        return self.rulings[self.rulings["arm"] == TARGET].reset_index(drop=True)


@dataclass(frozen=True)
class Priced:
    """All options with what they bring and cost.

    Parameters
    ----------
    choices
        For the knapsack: the items are pairs of depth and channel, channel fastest.
    error, cell, units
        Customers x items, as from ``incremental_ranking.margins``.
    loadings
        How far each independent error moves each cell.
    """

    choices: Choices
    error: Floats
    cell: Integers
    units: Floats
    loadings: Floats


def priced(
    left: Eligible, expected: Expected, offers: Offers, channels: Channels, *, redemption: float
) -> Priced:
    """Return every customer's options with what each is expected to bring and costs."""
    depths = np.array(offers.depths)
    price = offers.customers["price"].fillna(0.0).to_numpy(float)
    outlay = price[:, None] * depths[None, :] * redemption
    margin, error, cell, units = incremental_ranking.margins(expected, channels.factor, outlay)
    contact = channels.costs[None, None, :]
    allowed = offers.allowed[:, :, None] & left.channels.to_numpy()[:, None, :]
    gain = np.where(allowed, margin - contact, -np.inf)
    cost = np.broadcast_to(outlay[:, :, None] + contact, gain.shape)
    n, items = len(gain), gain.shape[1] * gain.shape[2]
    number = np.tile(np.arange(len(channels.names)), len(depths))
    offer = np.repeat(np.arange(len(depths)), len(channels.names))
    flat = [np.ascontiguousarray(v).reshape(n, items) for v in (gain, cost, error, cell, units)]
    choices = Choices(flat[0], flat[1], number, offer)
    return Priced(choices, flat[2], flat[3], flat[4], expected.known.loadings)


def chosen(
    left: Eligible, expected: Expected, offers: Offers, channels: Channels, terms: ListTerms
) -> TargetList:
    """Return the one ruling per customer.

    Parameters
    ----------
    left
        Who is eligible.
    expected
        What a contact may bring.
    offers, channels
        What may be offered, and how each is reached.
    terms
        Budget, capacities, caps, holdout.

    Raises
    ------
    NotApplicable
        If nobody is eligible; the reason names the rule that stops most.
    """
    if not left.open.any() or left.supposed:
        raise NotApplicable(nobody_left(left))
    options = priced(left, expected, offers, channels, redemption=terms.redemption)
    strata = strata_of(left, expected)
    limits = terms.limits(channels.names, offers.depths)
    solution, held = with_holdout(options.choices, left, strata, limits, terms)
    rulings = _rulings(
        left, expected, offers, channels, options, solution.item, held, strata, terms
    )
    taken = np.where(held, NONE, solution.item)
    used = used_by(options.choices, taken, counted_by(options.choices, limits))
    bound = limits.vector(len(channels.names))
    names = ["budget", "contacts", *channels.names, *(f"{100 * d:g} % off" for d in offers.depths)]
    table = pd.DataFrame({"limit": names, "most": bound, "used": used, "price": solution.prices})
    known = left.customers[["margin", "recent_margin"]]
    listed = pd.concat([rulings, known.set_axis(rulings.index)], axis=1)
    listed = listed[listed["arm"] != ""]
    alike = standing_holdout.balance(listed, ["margin", "expected_margin", "cost"])
    forgone = rulings.loc[rulings["arm"] == HOLDOUT, "expected_margin"].sum()
    return TargetList(
        rulings,
        total(options, taken, terms.confidence) | {"forgone": float(forgone)},
        table,
        alike,
        power_of(listed, terms),
        solution,
        terms,
    )


def total(options: Priced, item: Integers, confidence: float) -> dict[str, float]:
    """Return what a choice is expected to bring, with the interval that the effects leave."""
    rows = np.flatnonzero(item != NONE)
    own = (rows, item[rows])
    gain = float(options.choices.gain[own].sum())
    cell, units = options.cell[own], options.units[own]
    known = cell >= 0
    weight = np.bincount(cell[known], units[known], minlength=len(options.loadings))
    deviation = float(np.linalg.norm(weight @ options.loadings)) if known.any() else np.nan
    reach = normal_quantile(confidence) * deviation
    assumed = float(options.choices.gain[own][~known].sum())
    spend = float(options.choices.cost[own].sum())
    share = assumed / gain if gain > 0 else 0.0
    parts = {"gain": gain, "low": gain - reach, "high": gain + reach}
    return parts | {"spend": spend, "assumed": share, "contacts": float(len(rows))}


def nobody_left(left: Eligible) -> str:
    """Return the sentence that says why nobody may be contacted."""
    table = left.waterfall
    worst = table.loc[table["stopped"].idxmax()]
    if left.supposed or (worst["rule"] == "consent" and not left.permission.recorded):
        return (
            "No list is made: this study records no consent, for any of "
            f"{', '.join(left.rules.channels)}. Where it is kept elsewhere and every customer has "
            "given it, name the channels in consent_assumed."
        )
    return (
        f"Nobody is left to contact: of {len(left.customers)} customers, {worst['stopped']} are "
        f"stopped because of this rule: {worst['says']}."
    )


def strata_of(left: Eligible, expected: Expected) -> pd.Series:
    """Return the strata of the holdout: state and third of past margin among the eligible."""
    margin = left.customers["margin"]
    cuts = margin[left.open].quantile([1 / 3, 2 / 3]).to_numpy()
    third = np.array(_STRATA, dtype=object)[np.searchsorted(cuts, margin.to_numpy(), side="left")]
    return expected.customers["state"].astype("str") + ", " + pd.Series(third, margin.index)


def with_holdout(
    choices: Choices, left: Eligible, strata: pd.Series, limits: Limits, terms: ListTerms
) -> tuple[Solution, Flags]:
    """Choose so many that, once the holdout is taken off, the limits are just kept."""
    ids, factor = left.customers["customer_id"], 1 / (1 - terms.holdout)
    bound, counted = limits.vector(len(limits.capacity)), counted_by(choices, limits)
    for tried in range(_TRIES):
        factor = factor if tried < _TRIES - 1 else 1.0
        solution = solve(choices, limits.times(factor), method=terms.method)
        rows = np.flatnonzero(solution.item != NONE)
        held = np.zeros(len(ids), dtype=bool)
        held[rows] = standing_holdout.hold_out(
            ids.iloc[rows].tolist(),
            strata.iloc[rows],
            programme=left.rules.programme,
            share=terms.holdout,
            as_of=left.rules.as_of,
            rotate_days=left.rules.rotate_days,
        )
        used = used_by(choices, np.where(held, NONE, solution.item), counted)
        over = float(np.max(used / np.maximum(bound, 1e-12), initial=0.0))
        if over <= 1 + 1e-12:
            break
        factor = max(1.0, factor / over * 0.999)
    return solution, held


def _rulings(
    left: Eligible,
    expected: Expected,
    offers: Offers,
    channels: Channels,
    options: Priced,
    item: Integers,
    held: Flags,
    strata: pd.Series,
    terms: ListTerms,
) -> pd.DataFrame:
    rows, own = np.arange(len(item)), np.maximum(item, 0)
    listed = item != NONE
    depth = np.array(offers.depths)[own // len(channels.names)]
    place = own % len(channels.names)
    goods, people = offers.customers, expected.customers
    gain = np.where(listed, options.choices.gain[rows, own], np.nan)
    reach = normal_quantile(terms.confidence) * options.error[rows, own]
    cost = np.where(listed, options.choices.cost[rows, own], 0.0)
    assumed = listed & (people["basis"] == BREAK_EVEN).to_numpy()
    risk = people["at_risk"].to_numpy(float) * channels.factor[rows, place]
    named = np.where(listed, place, -1)
    return pd.DataFrame(
        {
            "customer_id": people["customer_id"],
            "ruling": np.select([listed & ~held, listed], [CONTACT, HOLD_OUT], LEAVE),
            "occasion": left.customers["occasion"].to_numpy(),
            "reason": _reasons(left, expected, options.choices, item, held),
            "offer": _offer_names(goods, depth, listed),
            "depth": np.where(listed, depth, np.nan),
            "product_id": goods["product_id"].where(listed),
            "product": goods["product"].where(listed),
            "channel": np.array(["", *channels.names], dtype=object)[named + 1],
            "hour": pd.array(np.where(listed, channels.hour[rows, place], -1)).astype("int64"),
            "expected_margin": gain,
            "low": gain - reach,
            "high": gain + reach,
            "cost": cost,
            "break_even": np.where(assumed, cost / np.where(risk > 0, risk, np.nan), np.nan),
            "arm": np.select([listed & ~held, listed], [TARGET, HOLDOUT], ""),
            "stratum": strata.to_numpy(),
            "basis": people["basis"].to_numpy(),
        }
    )


def _reasons(
    left: Eligible, expected: Expected, choices: Choices, item: Integers, held: Flags
) -> np.ndarray:
    stopped = left.customers["stopped"].map({"": "", **SAYS}).to_numpy()
    basis = expected.customers["basis"].to_numpy()
    state = expected.customers["state"].to_numpy()
    best = choices.gain.max(axis=1, initial=-np.inf)
    measured = np.array([f"by randomised contacts of {s} customers" for s in state])
    return np.select(
        [
            stopped != "",
            held,
            (item != NONE) & (basis == BREAK_EVEN),
            item != NONE,
            basis == NOTHING,
            ~(best > 0),
        ],
        [
            stopped,
            "held out at random, so that the list can be measured",
            "margin at risk; pays if the effect is as assumed",
            "expected to bring more than it costs, " + measured,
            "nothing says what a contact would bring",
            "a contact is expected to bring less than it costs",
        ],
        "others bring more within the limits",
    )


def _offer_names(goods: pd.DataFrame, depth: Floats, listed: Flags) -> np.ndarray:
    product = goods["product"].fillna("").astype("str").to_numpy()
    plain = np.where(product == "", "message without a discount", "no discount: " + product)
    cut = np.array([f"{100 * d:.0f} % off " for d in depth], dtype=object) + product
    return np.where(listed, np.where(depth > 0, cut, plain), "")


def power_of(listed: pd.DataFrame, terms: ListTerms) -> dict[str, Any]:
    """Return what difference the list would show between its arms.

    Customers are taken to vary as in the last days, and as much of that to be explained by their
    past as it was then.
    """
    n, held = len(listed), int((listed["arm"] == HOLDOUT).sum())
    nothing = {"customers": n, "holdout": held, "smallest": np.nan, "promised": np.nan}
    targets = listed[listed["arm"] == TARGET]
    if held < 2 or n - held < 2:
        return {**nothing, "explained": np.nan, "enough": False}
    late = listed["recent_margin"].to_numpy(float)
    before = listed["margin"].to_numpy(float) - late
    flat = late.std() == 0 or before.std() == 0
    explained = 0.0 if flat else float(np.corrcoef(late, before)[0, 1] ** 2)
    treated = (1 - held / n,)
    design = Design(treated=treated, alpha=1 - terms.confidence, explained=min(explained, 0.99))
    smallest = power.smallest_difference(n, float(late.var(ddof=1)), design)
    promised = float((targets["expected_margin"] + targets["cost"]).mean())
    found = {"smallest": smallest, "promised": promised, "explained": explained}
    return {**nothing, **found, "enough": promised >= smallest}
