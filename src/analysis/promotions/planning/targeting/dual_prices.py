"""The knapsack by prices: each limit gets a price, each customer what is best at these prices.

The dual is convex and has one dimension a limit, so few cutting planes find its minimum (Kelley
1960, J. SIAM 8, 703-712, within a trust region). What the prices choose is then made to keep the
limits: those who bring least above their price leave, those who bring most enter. With m limits
at most m customers are divided in the linear optimum, so the loss is theirs at most.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numba import njit, prange

from analysis.promotions.planning.targeting.contact_knapsack import (
    NONE,
    Choices,
    Limits,
    Solution,
    channels_of,
    counted_by,
    exact,
    gain_of,
    used_by,
)
from analysis.stats.types import Floats, Integers

_ROUNDS = 60
_CLOSE = 1e-5

#: Customers who are chosen for anew, and how far from the best their items may be.
_CORE, _REACH, _FINE = 80, 3.0, 1e-4

#: Below so many items numpy is quicker than threads are started.
_FEW = 200_000
_SAMPLE = 20_000

#: So many of those nearest to their price are tried, so often: the others are far from entering.
_TRIED, _PASSES = 50_000, 4


@njit(cache=True, parallel=True)
def _best(gain: Any, cost: Any, rate: Any, own: Any, item: Any, above: Any) -> None:
    """Write each customer's best item at these prices, and what it brings above them."""
    for row in prange(gain.shape[0]):
        best, chosen = 0.0, -1
        for j in range(gain.shape[1]):
            value = gain[row, j] - rate * cost[row, j] - own[j]
            if value > best:
                best, chosen = value, j
        item[row], above[row] = chosen, best


def solve(choices: Choices, limits: Limits) -> Solution:
    """Return a choice within the limits and the bound that the prices prove."""
    counted, bound = counted_by(choices, limits), limits.vector(channels_of(choices, limits))
    prices = np.zeros(len(bound))
    n = choices.size[0]
    if n > 2 * _SAMPLE:
        rows = np.linspace(0, n - 1, _SAMPLE).astype(np.int64)
        part = replace(choices, gain=choices.gain[rows], cost=choices.cost[rows])
        prices, _ = _minimum(part, bound * (_SAMPLE / n), prices, counted, rounds=_ROUNDS)
    prices, least = _minimum(choices, bound, prices, counted, rounds=_ROUNDS)
    item, _ = _at(choices, prices, counted)
    item = _within(choices, item, prices, bound, counted)
    item = _entered(choices, item, prices, bound, counted)
    gain = gain_of(choices, item)
    if gain < least * (1 - _FINE):
        refined = _refined(choices, item, prices, limits, counted)
        item = max((item, refined), key=lambda found: gain_of(choices, found))
        gain = gain_of(choices, item)
    used = used_by(choices, item, counted)
    return Solution(item, gain, max(least, gain), used, prices, "prices")


def _refined(
    choices: Choices, item: Integers, prices: Floats, limits: Limits, counted: Floats
) -> Integers:
    """Choose anew, exactly, for the few customers who hardly differ from their price.

    The core of a knapsack: Balas and Zemel (1980), Operations Research 28, 1130-1154.
    """
    top, second = np.empty(len(item)), np.empty(len(item))
    own = counted @ prices[1:]
    _two_best(choices.gain, choices.cost, prices[0], own, top, second)
    now = np.where(item == NONE, 0.0, _values(choices, item, prices[0], own))
    core = np.argsort(np.minimum(top - second, 1e300) - (top - now), kind="stable")[:_CORE]
    others = item.copy()
    others[core] = NONE
    channels = channels_of(choices, limits)
    left = np.maximum(limits.vector(channels) - used_by(choices, others, counted), 0.0)
    gain = choices.gain[core].astype(np.float64)
    cost = choices.cost[core].astype(np.float64)
    value = gain - prices[0] * cost - own
    gain[value < top[core, None] - np.maximum(_REACH * (top - second)[core].max(), 1e-9)] = -np.inf
    part = replace(choices, gain=gain, cost=cost)
    room = tuple(left[2 : 2 + channels]), left[1], tuple(left[2 + channels :])
    others[core] = exact(part, Limits(left[0], *room), gap=_FINE).item
    return others


def _values(choices: Choices, item: Integers, rate: float, own: Floats) -> Floats:
    """Return what each customer's item brings above the prices."""
    rows, chosen = np.arange(len(item)), np.maximum(item, 0)
    return choices.gain[rows, chosen] - choices.cost[rows, chosen] * rate - own[chosen]


@njit(cache=True, parallel=True)
def _two_best(gain: Any, cost: Any, rate: Any, own: Any, top: Any, second: Any) -> None:
    """Write what the best and the second best bring at these prices; nothing at all is one too."""
    for row in prange(gain.shape[0]):
        first, next_one = 0.0, -np.inf
        for j in range(gain.shape[1]):
            value = gain[row, j] - rate * cost[row, j] - own[j]
            if value > first:
                first, next_one = value, first
            elif value > next_one:
                next_one = value
        top[row], second[row] = first, next_one


def _at(choices: Choices, prices: Floats, counted: Floats) -> tuple[Integers, Floats]:
    n = choices.size[0]
    own = counted @ prices[1:]
    if 0 < choices.gain.size < _FEW:
        value = choices.gain - prices[0] * choices.cost - own[None, :]
        best = value.argmax(axis=1)
        top = value[np.arange(n), best]
        return np.where(top > 0, best, NONE), np.maximum(top, 0.0)
    item, above = np.empty(n, dtype=np.int64), np.empty(n)
    _best(choices.gain, choices.cost, prices[0], own, item, above)
    return item, above


def _dual(choices: Choices, prices: Floats, bound: Floats, counted: Floats) -> tuple[float, Floats]:
    """Return the dual at these prices and its slope: what is left of each limit."""
    item, above = _at(choices, prices, counted)
    finite = np.where(np.isfinite(bound), bound, 0.0)
    left = finite - used_by(choices, item, counted)
    return float(above.sum() + prices @ finite), left


def _minimum(
    choices: Choices, bound: Floats, start: Floats, counted: Floats, *, rounds: int
) -> tuple[Floats, float]:
    """Return the prices at which the dual is least, and the dual there."""
    from scipy.optimize import linprog

    limited = np.flatnonzero(np.isfinite(bound))
    best = start.copy()
    least, slope = _dual(choices, best, bound, counted)
    if not len(limited):
        return best, least
    most = _highest(choices)[np.minimum(limited, 2)]
    radius = np.where(best[limited] > 0, 0.3 * best[limited], most)
    cuts = [(least, slope[limited], best[limited].copy())]
    for _ in range(rounds):
        low = np.clip(best[limited] - radius, 0, most)
        high = np.clip(best[limited] + radius, 0, most)
        a = np.array([np.append(s, -1.0) for _, s, _ in cuts])
        b = np.array([s @ p - v for v, s, p in cuts])
        ends = [*zip(low, high, strict=True), (None, None)]
        found = linprog(np.append(np.zeros(len(limited)), 1.0), A_ub=a, b_ub=b, bounds=ends)
        if found.x is None:
            break
        tried = best.copy()
        tried[limited] = found.x[:-1]
        foreseen = least - float(found.x[-1])
        value, slope = _dual(choices, tried, bound, counted)
        cuts.append((value, slope[limited], tried[limited].copy()))
        if value < least:
            best, least = tried, value
            radius = np.minimum(radius * 1.5, most)
        else:
            radius = radius / 2
        if foreseen <= _CLOSE * max(abs(least), 1e-9):
            break
    return best, least


def _highest(choices: Choices) -> Floats:
    """Return prices of budget, contact and capacity at which nobody is contacted any more."""
    ratio, top = _extremes(choices.gain, choices.cost)
    return np.array([ratio, top, top]) + 1e-9


@njit(cache=True)
def _extremes(gain: Any, cost: Any) -> tuple[float, float]:
    """Return the largest gain a unit of cost, and the largest gain."""
    ratio, top = 0.0, 0.0
    for row in range(gain.shape[0]):
        for j in range(gain.shape[1]):
            if gain[row, j] > top:
                top = gain[row, j]
            if cost[row, j] > 0 and gain[row, j] > ratio * cost[row, j]:
                ratio = gain[row, j] / cost[row, j]
    return ratio, top


def _within(
    choices: Choices, item: Integers, prices: Floats, bound: Floats, counted: Floats
) -> Integers:
    """Take those who bring least above their prices off until every limit is kept."""
    item, own = item.copy(), counted @ prices[1:]
    for limit in [*range(2, len(bound)), 1, 0]:
        rows = np.flatnonzero(item != NONE)
        if limit >= 2:
            rows = rows[counted[item[rows], limit - 1] > 0]
        size = choices.cost[rows, item[rows]] if limit == 0 else np.ones(len(rows))
        if size.sum(dtype=float) <= bound[limit]:
            continue
        above = _values(choices, item, prices[0], own)[rows]
        order = np.argsort(-above / np.maximum(size, 1e-12), kind="stable")
        kept = np.cumsum(size[order], dtype=float) <= bound[limit]
        item[rows[order[~kept]]] = NONE
    return item


def _entered(
    choices: Choices, item: Integers, prices: Floats, bound: Floats, counted: Floats
) -> Integers:
    """Let customers in, or up to a better item, while the limits leave room for them."""
    left, own = bound - used_by(choices, item, counted), counted @ prices[1:]
    for _ in range(_PASSES):
        better, short = np.empty_like(item), np.empty(len(item))
        _improving(choices.gain, choices.cost, prices[0], own, item, better, short)
        rows = np.flatnonzero(better != NONE)
        rows = rows[np.argsort(short[rows], kind="stable")[:_TRIED]]
        moved = _move(choices.cost, counted, rows, better, item, left)
        if not moved:
            break
    return item


@njit(cache=True, parallel=True)
def _improving(
    gain: Any, cost: Any, rate: Any, own: Any, item: Any, better: Any, short: Any
) -> None:
    """Write each customer's item that brings more than today's at the least loss at the prices."""
    for row in prange(gain.shape[0]):
        old = item[row]
        now, above = 0.0, 0.0
        if old >= 0:
            now = gain[row, old]
            above = now - rate * cost[row, old] - own[old]
        best, chosen = -np.inf, -1
        for j in range(gain.shape[1]):
            if gain[row, j] <= now:
                continue
            value = gain[row, j] - rate * cost[row, j] - own[j]
            if value > best:
                best, chosen = value, j
        better[row], short[row] = chosen, above - best


@njit(cache=True)
def _move(cost: Any, counted: Any, rows: Any, better: Any, item: Any, left: Any) -> int:
    """Move customers to their better item, in the order given, while every limit is kept."""
    moved = 0
    need = np.zeros(len(left))
    for row in rows:
        j, old = better[row], item[row]
        need[0] = cost[row, j]
        need[1:] = counted[j]
        if old >= 0:
            need[0] -= cost[row, old]
            need[1:] -= counted[old]
        fits = True
        for k in range(len(left)):
            if need[k] > 0 and need[k] > left[k]:
                fits = False
        if fits:
            item[row] = j
            moved += 1
            for k in range(len(left)):
                left[k] -= need[k]
    return moved
