"""What depends on what customers bought before: a broken log, targeting, and the tier year's end.

These are drawn after everything else, from the orders that are there by then.
"""

from __future__ import annotations

import numpy as np

from analysis.simulator.arrow_columns import sums
from analysis.simulator.people.population import People
from analysis.simulator.people.visits import Visits
from analysis.simulator.selling.promotion_plan import (
    LOST_ORDERS,
    LOST_SHARE,
    LOST_WEEKS,
    TARGET_CENTRE,
    TARGET_INTERCEPT,
    TARGET_SLOPE,
    TARGET_WEEKS,
    Trial,
)
from analysis.simulator.shop import Shop
from analysis.simulator.trading_calendar import Calendar
from analysis.stats.types import Flags, Floats, Integers

#: Loyalty years are of 52 weeks; points earned in one give the tier of the next.
TIER_WEEKS = 52
TIER_POINTS = {"silver": 150, "gold": 400}
#: Club members who end a year this close below gold place an order to get there, so often, in
#: its last days.
NOTCH, TOPS_UP, LAST_DAYS = 0.15, 0.5, 5


def spent(people: People, visits: Visits, net: Integers, begins: float, ends: float) -> Floats:
    """Return net in currency of each customer's orders from ``begins`` to ``ends`` (weeks)."""
    mine = visits.known_within(begins, ends)
    return sums(visits.customer[mine], net[mine], len(people)) / 100


def logged(
    trial: Trial, visits: Visits, people: People, arms: Integers, rng: np.random.Generator
) -> Flags:
    """Tell which club members the assignment log kept: a bug lost busy customers treated."""
    who = np.flatnonzero(people.of("club"))
    recent = visits.known_within(trial.week - LOST_WEEKS, trial.week)
    orders = np.bincount(visits.customer[recent], minlength=len(people))[who]
    lost = (arms > 0) & (orders >= LOST_ORDERS) & (rng.random(len(who)) < LOST_SHARE)
    return ~lost


def target(
    trial: Trial, visits: Visits, net: Integers, people: People, rng: np.random.Generator
) -> tuple[Integers, Floats]:
    """Return the arm of each club member by past spend, and the chance to be treated."""
    who = np.flatnonzero(people.of("club"))
    before = spent(people, visits, net, trial.week - TARGET_WEEKS, trial.week)[who]
    score = TARGET_INTERCEPT + TARGET_SLOPE * (np.log1p(before) - TARGET_CENTRE)
    chance = 1 / (1 + np.exp(-score))
    return (rng.random(len(who)) < chance).astype(np.int64), chance


def earned(people: People, visits: Visits, net: Integers, begins: float, ends: float) -> Integers:
    """Return points earned from ``begins`` to ``ends`` (weeks): one a full unit of currency."""
    mine = visits.known_within(begins, ends)
    return sums(visits.customer[mine], net[mine] // 100, len(people))


def top_ups(
    shop: Shop, calendar: Calendar, people: People, visits: Visits, net: Integers, index: int
) -> tuple[Integers, Floats, Integers]:
    """Return who places an order to reach gold at a year's end, when, and its budget in cents."""
    rng = shop.generator("tiers", index)
    parts = []
    for year in range(calendar.weeks // TIER_WEEKS if shop.orders else 0):
        ends = float(TIER_WEEKS * (year + 1))
        last = LAST_DAYS / 7
        points = earned(people, visits, net, ends - TIER_WEEKS, ends)
        gold = TIER_POINTS["gold"]
        near = people.of("club") & (points >= (1 - NOTCH) * gold) & (points < gold)
        who = np.flatnonzero(near & (rng.random(len(people)) < TOPS_UP))
        budget = 100 * (gold - points[who]) + np.rint(1500 * rng.random(len(who)))
        when = ends - last * rng.random(len(who))
        parts.append((who, when, budget.astype(np.int64)))
    if not parts:
        empty = np.empty(0, np.int64)
        return empty, np.empty(0), empty
    who, when, budget = (np.concatenate(column) for column in zip(*parts, strict=True))
    return who, when, budget
