"""The form in which a planted truth is written down.

And what is true of each customer: spend, expected value, value group.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from analysis.simulator.arrow_columns import sums
from analysis.simulator.chunk_facts import Facts
from analysis.simulator.people import population
from analysis.simulator.people.population import People
from analysis.simulator.shop import Shop
from analysis.simulator.trading_calendar import WEEKS_A_YEAR, Calendar
from analysis.stats.types import Floats, Integers

Counts = Mapping[str, int]


@dataclass(frozen=True)
class Planted:
    """One planted truth.

    Parameters
    ----------
    what
        What was planted, in a sentence.
    report
        Report that must find it.
    estimand
        What exactly is to be estimated, on which rows and days.
    parameters
        How it was planted.
    superpopulation
        Value that estimates from many seeds average to.
    realised
        Value in this very shop, where it can be computed: sums over its own customers.
    tables
        Truth tables that hold more, row by row.
    present
        Whether this shop is long enough to hold it.
    """

    what: str
    report: str
    estimand: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    superpopulation: dict[str, Any] = field(default_factory=dict)
    realised: dict[str, Any] = field(default_factory=dict)
    tables: tuple[str, ...] = ()
    present: bool = True


def ratio(top: float, bottom: float) -> float | None:
    """Return ``top / bottom``, None where there is nothing below."""
    return None if not bottom else top / bottom


YEAR_DAYS = 364
VALUE_GROUPS = ("low", "middle", "high")
#: Quantiles of the expected yearly value that part the value groups.
VALUE_CUTS = (0.5, 0.9)


def spend_last_year(facts: Facts) -> Integers:
    """Return cents net of returns that each customer spent in the last 364 days, as delivered."""
    book, calendar = facts.ledger, facts.plan.calendar
    here = ~facts.delivery.lost
    visit = book.lines.visit[here]
    day = calendar.days_since_start(book.stamp[visit])
    mine = (day >= calendar.days - YEAR_DAYS) & (book.customer[visit] >= 0)
    return sums(book.customer[visit[mine]], book.lines.net[here][mine], len(facts.people))


def yearly_value(crowd: People) -> Floats:
    """Return order rate x mean order value a year while a customer is active.

    Planted extras (electronics, club products, demand series) are not in it.
    """
    return crowd.rate * WEEKS_A_YEAR * crowd.value


@functools.cache
def value_cuts(orders: float) -> tuple[float, ...]:
    """Return the expected yearly values that part the value groups, in the superpopulation."""
    shop = Shop(customers=100_000, chunk=100_000, orders=orders)
    crowd = population.draw(shop, Calendar.of(shop), 0)
    return tuple(float(cut) for cut in np.quantile(yearly_value(crowd), VALUE_CUTS))


def value_group(crowd: People, orders: float) -> Integers:
    """Return each customer's position in ``VALUE_GROUPS``."""
    return np.digitize(yearly_value(crowd), value_cuts(orders))
