"""Putting the units of the demand series into orders of their week and store."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.simulator.goods.demand_series import Series, draw
from analysis.simulator.goods.simulated_lines import Lines
from analysis.simulator.people.population import People
from analysis.simulator.people.visits import GUEST, Visits, guests_at
from analysis.simulator.shop import Shop
from analysis.simulator.trading_calendar import Calendar
from analysis.stats.types import Integers

#: Customers whose orders take the series' units, beside guests. The main body is left out, so
#: that its order values stay Gamma-Gamma.
TAKERS = ("club", "monthly")


def attach(
    shop: Shop, calendar: Calendar, series: Series, people: People, visits: Visits, index: int
) -> tuple[Lines, Visits, Lines]:
    """Return series lines on existing orders, and guest orders with their lines for the rest.

    Each unit goes to a random order of its week and store; where there is none, a guest comes
    for it. The lines of the guest orders count their orders from 0.
    """
    rng = shop.generator("streams", shop.chunks + index)
    product, store, week = draw(series, shop, index)
    taker = people.of(*TAKERS)
    open_orders = np.flatnonzero((visits.customer == GUEST) | taker[visits.customer])
    stores = shop.stores + 2
    cell = visits.week[open_orders] * stores + visits.store[open_orders]
    by_cell = np.argsort(cell, kind="stable")
    count = np.bincount(cell, minlength=calendar.weeks * stores)
    begins = np.cumsum(count) - count
    wanted = week * stores + store
    found = count[wanted] > 0
    at = begins[wanted] + (rng.random(len(wanted)) * count[wanted]).astype(np.int64)
    visit = open_orders[by_cell[at[found]]]
    lines = _merged(series, visit, product[found], store[found], week[found])
    return lines, *_guests(shop, calendar, series, (product, store, week), ~found, rng)


def _guests(
    shop: Shop,
    calendar: Calendar,
    series: Series,
    units: tuple[Integers, Integers, Integers],
    rest: NDArray[np.bool_],
    rng: np.random.Generator,
) -> tuple[Visits, Lines]:
    product, store, week = (axis[rest] for axis in units)
    length = np.minimum(1.0, calendar.span - week)
    moments = week + length * rng.random(len(week))
    last = calendar.days_since_start(calendar.stamps(moments)) >= calendar.days
    moments = np.where(last, week.astype(np.float64), moments)
    visits = guests_at(shop, moments, store, rng)
    return visits, _merged(series, np.arange(len(visits)), product, store, week)


def _merged(
    series: Series, visit: Integers, product: Integers, store: Integers, week: Integers
) -> Lines:
    """Return one line an order and product, units of the same product added up."""
    key = visit * len(series.products) + product
    _, first, units = np.unique(key, return_index=True, return_counts=True)
    at = (product[first], store[first], week[first])
    return Lines(
        visit=visit[first],
        product=series.products[product[first]],
        quantity=units.astype(np.float64),
        net=series.price[at] * units,
        listed=series.listed[at] * units,
    )
