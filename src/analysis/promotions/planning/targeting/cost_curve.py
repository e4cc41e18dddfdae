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

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numba import njit

from analysis.stats.resampling import percentile_interval, resampled_totals
from analysis.stats.types import Floats, Integers


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
    points
        Budgets of the grid.
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
    grid = np.linspace(0, end, points)
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
