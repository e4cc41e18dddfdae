"""What the next unit of money brings: the cost curve of several offers, with its interval.

Each customer's items are reduced to their upper convex hull of cost and gain; the steps along all
hulls, sorted by what they bring a unit of cost, are the optimal spending at every budget at once.
It is the linear optimum: whole but for the one customer at the end, who is divided.

References
----------
Sverdrup, Wu, Athey, Wager (2025), Qini curves for multi-armed treatment rules, Journal of
Computational and Graphical Statistics (the path; package maq of grf-labs).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numba import njit

from analysis.errors import NotApplicable
from analysis.promotions.planning.targeting.contact_knapsack import NONE, Choices
from analysis.promotions.planning.targeting.incremental_ranking import RANDOMISED, Expected
from analysis.promotions.planning.targeting.target_list import (
    HOLDOUT,
    TARGET,
    ListTerms,
    Priced,
    nobody_left,
    power_of,
    priced,
    strata_of,
    total,
    with_holdout,
)
from analysis.stats.resampling import percentile_interval, resampled_totals
from analysis.stats.types import Flags, Floats, Integers

if TYPE_CHECKING:
    from analysis.promotions.planning.targeting.channel_choice import Channels
    from analysis.promotions.planning.targeting.eligibility import Eligible
    from analysis.promotions.planning.targeting.offer_choice import Offers


@dataclass(frozen=True)
class CostPath:
    """The optimal spending at every budget.

    Parameters
    ----------
    spend, gain
        Totals after each step; both begin after the first.
    customer, item
        Who moves at the step, to which item.
    step_cost, step_gain
        What the step adds, weighted.
    """

    spend: Floats
    gain: Floats
    customer: Integers
    item: Integers
    step_cost: Floats
    step_gain: Floats

    def gain_at(self, budget: Floats | float) -> Floats:
        """Return the most that can be gained with a budget, one customer divided."""
        free = float(self.gain[self.spend <= 0][-1]) if (self.spend <= 0).any() else 0.0
        start = np.append(0.0, self.spend[self.spend > 0])
        reached = np.append(free, self.gain[self.spend > 0])
        return np.interp(budget, start, reached)


@dataclass(frozen=True)
class Basis:
    """The measured effects behind the steps of a path.

    Parameters
    ----------
    step, cell, units
        Step of the path, number of the effect (-1: an assumption) and how many units of it the
        step adds: a step from one item to another adds those of the one and takes the other's.
    loadings
        Effects x independent errors, each of one standard deviation: how far they move it.
    """

    step: Integers
    cell: Integers
    units: Floats
    loadings: Floats


def path(gain: Floats, cost: Floats, *, weights: Floats | None = None) -> CostPath:
    """Return the optimal spending at every budget.

    Parameters
    ----------
    gain
        Expected gain, customers x items; an item that gains nothing is never used.
    cost
        What an item costs, the same shape; not negative.
    weights
        How many customers each row stands for; None: one.
    """
    gain, cost = (np.ascontiguousarray(v, dtype=np.float64) for v in (gain, cost))
    rows, items, more_cost, more_gain = _hulls(gain, cost)
    with np.errstate(divide="ignore"):
        slope = np.where(more_cost > 0, more_gain / np.maximum(more_cost, 1e-300), np.inf)
    order = np.argsort(-slope, kind="stable")
    rows, items = rows[order], items[order]
    weight = np.ones(len(rows)) if weights is None else np.asarray(weights, float)[rows]
    step_cost, step_gain = more_cost[order] * weight, more_gain[order] * weight
    totals = np.cumsum(step_cost), np.cumsum(step_gain)
    return CostPath(totals[0], totals[1], rows, items, step_cost, step_gain)


@njit(cache=True)
def _hulls(gain: Any, cost: Any) -> Any:
    """Return customer, item and what each step along the customers' upper hulls adds."""
    n, m = gain.shape
    rows, items = np.empty(n * m, np.int64), np.empty(n * m, np.int64)
    costs, gains = np.empty(n * m), np.empty(n * m)
    stack = np.empty(m + 1, np.int64)
    filled = 0
    for row in range(n):
        order = np.argsort(cost[row], kind="mergesort")
        size = 0
        for j in order:
            if not gain[row, j] > 0:
                continue
            while size > 0:
                top = stack[size - 1]
                c0 = cost[row, stack[size - 2]] if size > 1 else 0.0
                g0 = gain[row, stack[size - 2]] if size > 1 else 0.0
                if gain[row, j] <= gain[row, top]:
                    break
                old = (gain[row, top] - g0) * (cost[row, j] - c0)
                new = (gain[row, j] - g0) * (cost[row, top] - c0)
                if new >= old:
                    size -= 1
                else:
                    break
            if size > 0 and gain[row, j] <= gain[row, stack[size - 1]]:
                continue
            stack[size] = j
            size += 1
        c0, g0 = 0.0, 0.0
        for k in range(size):
            j = stack[k]
            rows[filled], items[filled] = row, j
            costs[filled], gains[filled] = cost[row, j] - c0, gain[row, j] - g0
            c0, g0 = cost[row, j], gain[row, j]
            filled += 1
    return rows[:filled], items[:filled], costs[:filled], gains[:filled]


def curve(
    found: CostPath,
    customers: int,
    *,
    points: int = 25,
    at: float | None = None,
    basis: Basis | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    replicates: int = 1_000,
) -> pd.DataFrame:
    """Return the cost curve at a grid of budgets, with the interval of the whole of it.

    Parameters
    ----------
    found
        The path.
    customers
        How many customers there are, chosen or not.
    points, at
        Budgets of the grid, and one more that is looked at.
    basis
        The measured effects that the gains rest on, so that their errors show; None: the gains
        are taken for known.
    confidence
        Coverage of the intervals.
    seed, replicates
        Of the resampling of customers and the draws of the effects.

    Returns
    -------
    pandas.DataFrame
        spend, gain, low, high, next_unit (what the next unit of money brings), contacts. The
        interval holds which customers there are and, where they were measured, how well the
        effects are known; it does not know what an assumption is worth.
    """
    end = float(found.spend[-1]) if len(found.spend) else 0.0
    grid = end * np.linspace(0, 1, points) ** 2  # closer where the curve is steep
    if at is not None and 0 < at < end:
        grid = np.unique(np.append(grid, at))
    part = _taken(found, grid)
    totals = resampled_totals(
        _by_customer(found, part, customers), seed=seed, replicates=replicates
    )
    drawn = totals + _effect_draws(part, basis, seed, replicates)
    low, high = percentile_interval(drawn, confidence=confidence)
    gain = found.gain_at(grid)
    first = _first_steps(found)
    slope = found.step_gain / np.maximum(found.step_cost, 1e-12) if len(found.spend) else gain
    place = np.searchsorted(found.spend, grid, side="right")
    after = np.append(slope, 0.0)[np.minimum(place, len(slope))]
    return pd.DataFrame(
        {
            "spend": grid,
            "gain": gain,
            "low": low,
            "high": high,
            "next_unit": after,
            "contacts": (part * first[:, None]).sum(axis=0),
        }
    )


def _taken(found: CostPath, grid: Floats) -> Floats:
    """Return which share of each step is taken at each budget."""
    before = found.spend - found.step_cost
    size = np.maximum(found.step_cost, 1e-12)
    return np.clip((grid[None, :] - before[:, None] + 1e-12) / size[:, None], 0.0, 1.0)


def _by_customer(found: CostPath, part: Floats, customers: int) -> Floats:
    values = np.zeros((customers, part.shape[1]))
    np.add.at(values, found.customer, part * found.step_gain[:, None])
    return values


def _effect_draws(part: Floats, basis: Basis | None, seed: int, replicates: int) -> Floats:
    """Return how far the gain at each budget would be off, were the effects others."""
    if basis is None or not len(basis.loadings):
        return np.zeros((replicates, part.shape[1]))
    weight = np.zeros((len(basis.loadings), part.shape[1]))
    known = basis.cell >= 0
    np.add.at(weight, basis.cell[known], part[basis.step[known]] * basis.units[known, None])
    rng = np.random.default_rng(seed + 1)
    errors = rng.standard_normal((replicates, basis.loadings.shape[1]))
    return errors @ (basis.loadings.T @ weight)


def _first_steps(found: CostPath) -> Floats:
    """Return 1 at the first step of each customer."""
    first = np.zeros(len(found.customer))
    first[np.unique(found.customer, return_index=True)[1]] = 1.0
    return first


ALL_OFFERS, NO_DISCOUNT, BY_VALUE = "best offer each", "no discount", "by past margin"


@dataclass(frozen=True)
class Spending:
    """What a budget can bring.

    Parameters
    ----------
    curves
        variant (the best offer for each; without discounts; in the order of past margin, each with
        the offer that brings most a unit of money), spend, gain, low, high, next_unit, contacts.
    most
        Gain at which nothing more is worth spending, and that spending.
    supposed
        Consent is not recorded: it is what could be chosen if it were.
    assumed_effect
        Share of the margin at risk that contacts are assumed to save, where nothing was measured
        for any customer who may be chosen; None where something was.
    """

    curves: pd.DataFrame
    most: tuple[float, float]
    supposed: bool
    assumed_effect: float | None = None


def spending(
    left: Eligible, expected: Expected, offers: Offers, channels: Channels, terms: ListTerms
) -> Spending:
    """Return the cost curve: what every budget would bring, with its interval.

    Raises
    ------
    NotApplicable
        If nobody is eligible, or no contact is expected to bring more than it costs.
    """
    if not left.open.any():
        raise NotApplicable(nobody_left(left))
    options = priced(left, expected, offers, channels, redemption=terms.redemption)
    if not (options.choices.gain > 0).any():
        raise NotApplicable("No contact is expected to bring more than it costs.")
    plain = np.array(offers.depths) == 0
    items = np.repeat(plain, len(channels.names))
    found = {ALL_OFFERS: _curve(options, terms)}
    if items.any() and not items.all():
        found[NO_DISCOUNT] = _curve(_only(options, items), terms)
    found[BY_VALUE] = _by_value(options, left.customers["margin"])
    curves = pd.concat([t.assign(variant=name) for name, t in found.items() if len(t)])
    best = found[ALL_OFFERS].iloc[-1]
    curves = curves[["variant", *[c for c in curves.columns if c != "variant"]]]
    measured = (expected.counts["basis"] == RANDOMISED).any()
    return Spending(
        curves.reset_index(drop=True),
        (float(best["gain"]), float(best["spend"])),
        left.supposed,
        None if measured else expected.assumed_effect,
    )


def _only(options: Priced, items: Flags) -> Priced:
    gain = np.where(items[None, :], options.choices.gain, -np.inf)
    return replace(options, choices=replace(options.choices, gain=gain))


def _curve(options: Priced, terms: ListTerms) -> pd.DataFrame:
    found = path(options.choices.gain, options.choices.cost)
    if not len(found.spend):
        return pd.DataFrame()
    return curve(
        found,
        len(options.choices.gain),
        at=terms.budget,
        basis=basis_of(found, options),
        confidence=terms.confidence,
        seed=terms.seed,
    )


def basis_of(found: CostPath, options: Priced) -> Basis:
    """Return the measured effects behind each step: the new item's, less the one's before."""
    step = np.arange(len(found.customer))
    order = np.lexsort((step, found.customer))
    same = np.append(False, found.customer[order][1:] == found.customer[order][:-1])
    later, before = order[same], order[np.flatnonzero(same) - 1]
    own = (found.customer, found.item)
    left = (found.customer[before], found.item[before])
    return Basis(
        np.append(step, later),
        np.append(options.cell[own], options.cell[left]),
        np.append(options.units[own], -options.units[left]),
        options.loadings,
    )


def _by_value(options: Priced, margin: pd.Series, points: int = 25) -> pd.DataFrame:
    """Return what a list in the order of past margin brings, each with the offer that pays best."""
    found = path(options.choices.gain, options.choices.cost)
    rows = np.unique(found.customer, return_index=True)[1]
    order = np.argsort(-margin.to_numpy(float)[found.customer[rows]], kind="stable")
    rows = rows[order]
    spend = np.append(0.0, np.cumsum(found.step_cost[rows]))
    brought = np.append(0.0, np.cumsum(found.step_gain[rows]))
    grid = spend[-1] * np.linspace(0, 1, points) ** 2
    nothing = dict.fromkeys(("low", "high", "next_unit"), np.nan)
    many = np.interp(grid, spend, np.arange(len(spend)))
    values = {"spend": grid, "gain": np.interp(grid, spend, brought), "contacts": many}
    return pd.DataFrame(values | nothing)


def what_if(
    left: Eligible,
    expected: Expected,
    offers: Offers,
    channels: Channels,
    terms: ListTerms,
    scenarios: Mapping[str, Mapping[str, float]],
) -> pd.DataFrame:
    """Return what the list would be on other terms, beside those planned.

    Parameters
    ----------
    scenarios
        Name to changes: ``budget`` and ``contact_cost`` (factors), ``depth`` (the deepest
        discount), ``holdout`` (share).

    Returns
    -------
    pandas.DataFrame
        scenario, budget, deepest, holdout, contact_cost (factor), contacts (customers contacted),
        spend, gain, low, high, smallest (difference the list would show; NaN without a holdout).

    Raises
    ------
    NotApplicable
        If nobody is eligible.
    """
    if not left.open.any():
        raise NotApplicable(nobody_left(left))
    every = {"as planned": {}, **scenarios}
    given = (left, expected, offers, channels, terms)
    return pd.DataFrame([{"scenario": name} | _one(*given, every[name]) for name in every])


def _one(
    left: Eligible,
    expected: Expected,
    offers: Offers,
    channels: Channels,
    terms: ListTerms,
    change: Mapping[str, float],
) -> dict[str, Any]:
    factor = change.get("contact_cost", 1.0)
    deepest = change.get("depth", max(offers.depths))
    changed = replace(
        terms,
        budget=terms.budget * change.get("budget", 1.0),
        holdout=change.get("holdout", terms.holdout),
    )
    dearer = replace(channels, costs=channels.costs * factor)
    allowed = offers.allowed & (np.array(offers.depths) <= deepest + 1e-9)[None, :]
    options = priced(
        left, expected, replace(offers, allowed=allowed), dearer, redemption=terms.redemption
    )
    limits = changed.limits(channels.names, offers.depths)
    strata = strata_of(left, expected)
    solution, held = with_holdout(options.choices, left, strata, limits, changed)
    found = total(options, np.where(held, NONE, solution.item), terms.confidence)
    head = {"budget": changed.budget, "deepest": deepest, "holdout": changed.holdout}
    smallest = power_of(_listed(left, options.choices, solution.item, held), changed)["smallest"]
    return head | {"contact_cost": factor} | found | {"smallest": smallest}


def _listed(left: Eligible, choices: Choices, item: Integers, held: Flags) -> pd.DataFrame:
    rows = np.flatnonzero(item != NONE)
    return pd.DataFrame(
        {
            "arm": np.where(held[rows], HOLDOUT, TARGET),
            "margin": left.customers["margin"].to_numpy(float)[rows],
            "recent_margin": left.customers["recent_margin"].to_numpy(float)[rows],
            "expected_margin": choices.gain[rows, item[rows]],
            "cost": choices.cost[rows, item[rows]],
        }
    )
