"""Filling an order's budget with goods of the general range.

An order of a given value is made of unit-priced goods as long as they fit, and one weighed line
takes exactly what is left. So order values follow their distribution to the cent while every
price stays a price of the catalogue. Only where the planted patterns alone are dearer than the
budget, which is rare, does an order become worth more.
"""

from __future__ import annotations

import numpy as np

from analysis.simulator.goods.catalogue import Catalogue
from analysis.simulator.goods.simulated_lines import Lines, depths, discounted, totals
from analysis.simulator.people.population import ATTITUDES, STAGE_SHARES, People
from analysis.simulator.people.visits import GUEST, PAUSE, Visits
from analysis.stats.types import Floats, Integers

#: Left for the weighed line at least, in cents.
LEFT_OVER = 20
#: A budget is tried with one product for so many cents, and with at most so many.
CENTS_A_TRY, MOST_TRIES = 420, 80
#: Quantity of a line: 1 + Poisson(MORE * exp(response * depth of discount)).
MORE = 0.12
RESPONSE = {"relationship": 0.0, "mixed": 0.0, "discount": 3.0}
GUEST_THETA = 0.45


def fill(
    catalogue: Catalogue, people: People, visits: Visits, planted: Lines, rng: np.random.Generator
) -> Lines:
    """Return the general-range lines that bring each order to its budget.

    Parameters
    ----------
    catalogue, people
        What there is to buy, and who buys.
    visits
        Orders; those without a budget get nothing.
    planted
        Lines that count against the budget already.
    rng
        Random numbers.
    """
    spent = totals(planted, len(visits))
    stage, theta, response = _tastes(people, visits, rng)
    tried = _tries(catalogue, visits.budget - spent - LEFT_OVER, stage, rng)
    visit, product = tried
    depth = depths(theta[visit], rng)
    quantity = 1 + rng.poisson(MORE * np.exp(response[visit] * depth))
    listed = catalogue.price[product] * quantity
    offered = Lines(visit, product, quantity.astype(np.float64), discounted(listed, depth), listed)
    kept = _fitting(offered, visits.budget - spent - LEFT_OVER)
    left = np.maximum(visits.budget - spent - totals(kept, len(visits)), LEFT_OVER)
    rest = np.where(visits.budget > 0, left, 0)
    return Lines.join([kept, _weighed(catalogue, rest, stage, theta, rng)])


def _tastes(
    people: People, visits: Visits, rng: np.random.Generator
) -> tuple[Integers, Floats, Floats]:
    """Return life stage, share bought at a discount and response to depth, by order."""
    guest = visits.customer == GUEST
    who = np.where(guest, 0, visits.customer)
    strangers = rng.choice(len(STAGE_SHARES), len(visits), p=STAGE_SHARES)
    stage = np.where(guest, strangers, people.stage[who])
    theta = np.where(guest, GUEST_THETA, people.theta[who])
    paused = (visits.week >= PAUSE[0]) & (visits.week < PAUSE[1])
    response = np.array([RESPONSE[a] for a in ATTITUDES])[people.attitude[who]]
    return stage, np.where(paused, 0.0, theta), np.where(guest, 0.0, response)


def _tries(
    catalogue: Catalogue, room: Integers, stage: Integers, rng: np.random.Generator
) -> tuple[Integers, Integers]:
    """Return orders and distinct products to try, in the order of trying."""
    wanted = np.where(room > 0, 1 + rng.poisson(np.maximum(room, 0) / CENTS_A_TRY), 0)
    visit = np.repeat(np.arange(len(room)), np.minimum(wanted, MOST_TRIES))
    product = pick(catalogue.weight, stage[visit], rng)
    first = np.unique(visit * len(catalogue.keys) + product, return_index=True)[1]
    first.sort()
    return visit[first], product[first]


def pick(weight: Floats, row: Integers, rng: np.random.Generator) -> Integers:
    """Return a column drawn with the weights of each ``row``."""
    draw = rng.random(len(row))
    drawn = np.empty(len(row), np.int64)
    for number in range(len(weight)):
        mine = row == number
        until = np.cumsum(weight[number])
        found = np.searchsorted(until, draw[mine] * until[-1], side="right")
        drawn[mine] = np.minimum(found, weight.shape[1] - 1)
    return drawn


def _fitting(offered: Lines, room: Integers) -> Lines:
    """Keep an order's products from the first on, as long as their sum fits into its room.

    At list price: what is kept must not depend on what is discounted.
    """
    running = np.cumsum(offered.listed)
    count = np.bincount(offered.visit, minlength=len(room))
    begins = np.cumsum(count) - count
    before = np.concatenate([[0], running])[begins[offered.visit]]
    return offered.take(running - before <= room[offered.visit])


def _weighed(
    catalogue: Catalogue, rest: Integers, stage: Integers, theta: Floats, rng: np.random.Generator
) -> Lines:
    visit = np.flatnonzero(rest > 0)
    net = rest[visit]
    product = pick(catalogue.weighed_weight, stage[visit], rng)
    depth = depths(theta[visit], rng)
    listed = np.rint(net / (1 - depth)).astype(np.int64)
    weight = np.maximum(np.round(listed / catalogue.price[product], 3), 0.001)
    return Lines(visit, product, weight, net, listed)
