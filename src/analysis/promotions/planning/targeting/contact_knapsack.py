"""Choosing at most one offer and channel per customer under a budget, capacities and quotas.

The multiple-choice knapsack: customers are its classes, pairs of offer and channel its items.
Exact by mixed-integer programming (HiGHS) where the problem is small; by prices of the limits
(Lagrangian) where it is not (`dual_prices`).

References
----------
Sinha, Zoltners (1979), The multiple-choice knapsack problem, Operations Research 27, 503-515.
Zemel (1984), An O(n) algorithm for the linear multiple choice knapsack problem, Information
Processing Letters 18, 123-128.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.errors import AnalysisError
from analysis.stats.types import Floats, Integers

#: Above so many items, prices are used: there the two differ by less than a thousandth.
MOST_EXACT = 4_000

#: Branches after which the search ends: where many customers are alike it would go on for minutes
#: without finding better. A number, not a time, so that the same list comes on any machine.
_NODES = 1_000

#: Relative distance from the bound at which a choice is the best.
_EXACT = 1e-6

NONE = -1


@dataclass(frozen=True)
class Choices:
    """What may be done with each customer.

    Parameters
    ----------
    gain
        Expected margin net of every cost, customers x items; -inf where an item may not be used.
    cost
        What an item takes from the budget, customers x items; not negative.
    channel
        Number of each item's channel.
    offer
        Number of each item's offer; None: there is but one.
    """

    gain: Floats
    cost: Floats
    channel: Integers
    offer: Integers | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Customers and items."""
        return self.gain.shape[0], self.gain.shape[1]


@dataclass(frozen=True)
class Limits:
    """What may not be exceeded.

    Parameters
    ----------
    budget
        Money.
    capacity
        Messages by number of the channel.
    contacts
        Customers in all.
    quota
        Customers by number of the offer: how many of each there are to give.
    """

    budget: float = np.inf
    capacity: tuple[float, ...] = ()
    contacts: float = np.inf
    quota: tuple[float, ...] = ()

    def times(self, factor: float) -> Limits:
        """Return every limit times ``factor``."""
        capacity, quota = (tuple(c * factor for c in own) for own in (self.capacity, self.quota))
        return Limits(self.budget * factor, capacity, self.contacts * factor, quota)

    def vector(self, channels: int) -> Floats:
        """Return budget, contacts, the capacity of each channel and the quota of each offer."""
        own = np.full(channels, np.inf)
        own[: len(self.capacity)] = self.capacity
        return np.concatenate([[self.budget, self.contacts], own, self.quota])


@dataclass(frozen=True)
class Solution:
    """What is done with each customer.

    Parameters
    ----------
    item
        Number of the item; ``NONE`` where nothing is done.
    gain
        Of all together.
    bound
        No choice can bring more.
    used
        Of each limit, in the order of `Limits.vector`.
    prices
        What one more unit of each of them would bring (NaN where solved exactly).
    method
        ``exact`` or ``prices``.
    """

    item: Integers
    gain: float
    bound: float
    used: Floats
    prices: Floats
    method: str


def solve(choices: Choices, limits: Limits, *, method: str = "auto") -> Solution:
    """Return the choice that brings most under the limits.

    Parameters
    ----------
    choices
        What may be done.
    limits
        What may not be exceeded.
    method
        ``exact``, ``prices``, or ``auto``: exact up to `MOST_EXACT` items, by prices where the
        search ends before its end.

    Raises
    ------
    AnalysisError
        If a cost is negative or a limit is not a number.
    """
    from analysis.promotions.planning.targeting import dual_prices

    if (choices.cost < 0).any():
        raise AnalysisError("a contact cannot cost less than nothing")
    if np.isnan(limits.vector(len(limits.capacity))).any():
        raise AnalysisError("a limit of the target list is not a number")
    if method == "auto":
        items = int((choices.gain > 0).sum())
        method = "exact" if items <= MOST_EXACT else "prices"
    if method == "prices":
        return dual_prices.solve(choices, limits)
    found = exact(choices, limits)
    if found.bound - found.gain <= _EXACT * abs(found.bound):
        return found
    return max(found, dual_prices.solve(choices, limits), key=lambda solution: solution.gain)


def used_by(choices: Choices, item: Integers, counted: Floats) -> Floats:
    """Return what a choice uses of each limit; ``counted`` as from `counted_by`."""
    rows = np.flatnonzero(item != NONE)
    chosen = item[rows]
    per = np.bincount(chosen, minlength=choices.size[1]) @ counted
    return np.append(float(choices.cost[rows, chosen].sum()), per)


def counted_by(choices: Choices, limits: Limits) -> Floats:
    """Return items x limits but the budget: 1 where an item counts against the limit."""
    channels, offer = np.arange(channels_of(choices, limits)), choices.offer
    offer = np.zeros_like(choices.channel) if offer is None else offer
    parts = [
        np.ones((choices.size[1], 1)),
        choices.channel[:, None] == channels,
        offer[:, None] == np.arange(len(limits.quota)),
    ]
    return np.hstack(parts).astype(np.float64)


def channels_of(choices: Choices, limits: Limits) -> int:
    """Return how many channels there are."""
    return max(int(choices.channel.max(initial=-1)) + 1, len(limits.capacity))


def gain_of(choices: Choices, item: Integers) -> float:
    """Return what a choice brings."""
    rows = np.flatnonzero(item != NONE)
    return float(choices.gain[rows, item[rows]].sum(dtype=float))


def exact(choices: Choices, limits: Limits, *, gap: float = _EXACT) -> Solution:
    """Return the best choice by mixed-integer programming, up to a relative ``gap``."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array

    customers, items = np.nonzero(choices.gain > 0)
    counted, bound = counted_by(choices, limits), limits.vector(channels_of(choices, limits))
    item = np.full(choices.size[0], NONE, dtype=np.int64)
    nothing = np.full(len(bound), np.nan)
    if not len(customers):
        return Solution(item, 0.0, 0.0, np.zeros(len(bound)), nothing, "exact")
    gain, cost = choices.gain[customers, items], choices.cost[customers, items]
    x, ones = np.arange(len(customers)), np.ones(len(customers))
    each = csr_array((ones, (np.unique(customers, return_inverse=True)[1], x)))
    kept = np.isfinite(bound)
    constraints = [LinearConstraint(each, ub=1)]
    if kept.any():
        used = csr_array(np.column_stack([cost, counted[items]])[:, kept].T)
        constraints.append(LinearConstraint(used, ub=bound[kept]))
    found = milp(
        -gain, integrality=ones, bounds=Bounds(0, 1), constraints=constraints,
        options={"mip_rel_gap": gap, "presolve": False, "node_limit": _NODES},
    )  # fmt: skip
    if found.x is None:
        raise AnalysisError(f"the target list could not be chosen: {found.message}")
    taken = found.x > 0.5
    item[customers[taken]] = items[taken]
    total = float(gain[taken].sum())
    best = -float(found.mip_dual_bound) if found.mip_dual_bound is not None else total
    used_up = used_by(choices, item, counted)
    return Solution(item, total, max(best, total), used_up, nothing, "exact")
