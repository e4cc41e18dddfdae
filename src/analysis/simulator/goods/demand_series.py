"""Expected weekly demand by product, store and week, the placements behind it, and its draws.

The units drawn are put into orders of their week and store.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.simulator.goods.catalogue import Catalogue
from analysis.simulator.goods.demand_plan import (
    BASE_CUSTOMERS,
    DEMANDS,
    PLACED,
    PLACED_LEVELS,
    Demand,
)
from analysis.simulator.goods.simulated_lines import Lines
from analysis.simulator.people.population import People
from analysis.simulator.people.store_network import split
from analysis.simulator.people.visits import GUEST, Visits, guests_at
from analysis.simulator.shop import Shop
from analysis.simulator.trading_calendar import WEEKS_A_YEAR, Calendar
from analysis.stats.types import Floats, Integers

#: Placements of the placed products: how often, and what they do to demand.
DISPLAY_SHARE, DISPLAY_LIFT = 0.20, 1.5
MAILER_SHARE, MAILER_LIFT = 0.15, 1.3
DEPTHS, DEPTH_SHARES = (0.0, 0.1, 0.2), (0.70, 0.15, 0.15)
PRICE_ELASTICITY = -2.0


@dataclass(frozen=True)
class Series:
    """Demand series as arrays of product, store and week.

    Parameters
    ----------
    products
        Row numbers in the catalogue.
    expected
        Expected units; what ``draw`` is drawn from.
    listed, price
        Cents before and after discount.
    first, first_chunk
        Product, store and week of the sure unit of intermittent demand, and the chunk that
        sells it.
    display, mailer
        Whether a placed product was displayed or mailed, by product, store and week.
    """

    products: Integers
    expected: Floats
    listed: Integers
    price: Integers
    first: Integers
    first_chunk: Integers
    display: NDArray[np.bool_]
    mailer: NDArray[np.bool_]

    @property
    def placed(self) -> Integers:
        """Row numbers of the placed products in the catalogue."""
        return self.products[-len(PLACED) :]


def build(shop: Shop, calendar: Calendar, catalogue: Catalogue) -> Series:
    """Return the demand series of ``shop``."""
    rng = shop.generator("series")
    scale = shop.orders * shop.customers / BASE_CUSTOMERS
    keys = [*DEMANDS, *(f"placed_{i}" for i in range(len(PLACED)))]
    products = np.array([catalogue.number(key) for key in keys])
    shares = split(shop.stores)
    regular = np.stack([_weekly(d, calendar) for d in DEMANDS.values()]) * scale
    noise = np.stack([_noise(d, calendar.weeks, rng) for d in DEMANDS.values()])
    expected, first = _with_gaps((regular * noise)[:, None, :] * shares[:, None], shares, rng)
    listed, price = _prices(calendar, catalogue, len(shares))
    placed, depth, display, mailer = _placed(shop, calendar, shares * scale, rng)
    base = catalogue.price[products[-len(PLACED) :], None, None]
    full = np.broadcast_to(base, placed.shape)
    return Series(
        products=products,
        expected=np.concatenate([expected, placed]) * _share_of_last_week(calendar),
        listed=np.concatenate([listed, full]),
        price=np.concatenate([price, np.rint(full * (1 - depth)).astype(np.int64)]),
        first=first,
        first_chunk=rng.integers(0, shop.chunks, len(first)),
        display=display,
        mailer=mailer,
    )


def draw(series: Series, shop: Shop, index: int) -> tuple[Integers, Integers, Integers]:
    """Return product (position in the series), store and week of each unit sold in a chunk."""
    rng = shop.generator("streams", index)
    units = rng.poisson(series.expected * shop.share_of(index))
    mine = series.first[series.first_chunk == index]
    np.add.at(units, (mine[:, 0], mine[:, 1], mine[:, 2]), 1)
    found = np.nonzero(units)
    counts = units[found]
    product, store, week = (np.repeat(axis, counts) for axis in found)
    return product, store, week


def _weekly(demand: Demand, calendar: Calendar) -> Floats:
    week = np.arange(calendar.weeks)
    start = calendar.start.timetuple().tm_yday / 7
    wave = np.cos(2 * np.pi * (start + week - demand.peak) / WEEKS_A_YEAR)
    level = demand.level * np.exp(demand.trend * week / WEEKS_A_YEAR) * (1 + demand.season * wave)
    level = level * np.where(np.isin(week, demand.promotions), demand.lift, 1.0)
    if demand.holiday:
        weeks = calendar.holiday_weeks(demand.holiday)
        level = level * np.where(np.isin(week, weeks), demand.holiday_lift, 1.0)
    for start_week, factor in (
        (demand.shift_week, demand.shift),
        (demand.price_week, demand.price_factor**demand.elasticity),
    ):
        if start_week is not None:
            level = level * np.where(week >= start_week, factor, 1.0)
    if demand.freak_week is not None:
        level = level * np.where(week == demand.freak_week, demand.freak, 1.0)
    sold = (week >= demand.launched) & ~np.isin(week, demand.out_of_stock)
    return level * (sold if demand.delisted is None else sold & (week < demand.delisted))


def _noise(demand: Demand, weeks: int, rng: np.random.Generator) -> Floats:
    if not demand.noise:
        return np.ones(weeks)
    shape = demand.noise**-2
    return rng.gamma(shape, 1 / shape, weeks)


def _with_gaps(
    expected: Floats, shares: Floats, rng: np.random.Generator
) -> tuple[Floats, Integers]:
    """Make intermittent demand: a week has either none, or one sure unit and Poisson beyond."""
    sure = []
    for number, demand in enumerate(DEMANDS.values()):
        if demand.occurs == 1:
            continue
        occurs = rng.random(expected.shape[2]) < demand.occurs
        chosen: Integers = rng.choice(np.arange(len(shares)), expected.shape[2], p=shares)
        size = expected[number].sum(axis=0)
        beyond = np.where(occurs, np.maximum(size - 1, 0.0), 0.0)
        expected[number] = beyond[None, :] * shares[:, None]
        asked = np.flatnonzero(occurs & (size > 0))
        sure += [(number, chosen[week], week) for week in asked]
    return expected, np.array(sure, np.int64).reshape(-1, 3)


def _prices(calendar: Calendar, catalogue: Catalogue, stores: int) -> tuple[Integers, Integers]:
    week = np.arange(calendar.weeks)
    listed, price = [], []
    for key, demand in DEMANDS.items():
        full = np.full(calendar.weeks, catalogue.price[catalogue.number(key)])
        if demand.price_week is not None:
            full = np.where(week >= demand.price_week, full * demand.price_factor, full)
        full = np.rint(full).astype(np.int64)
        cut = np.where(np.isin(week, demand.promotions), 1 - demand.depth, 1.0)
        listed.append(full)
        price.append(np.rint(full * cut).astype(np.int64))
    return _everywhere(listed, stores), _everywhere(price, stores)


def _everywhere(by_week: list[Integers], stores: int) -> Integers:
    return np.repeat(np.stack(by_week)[:, None, :], stores, axis=1)


def _placed(
    shop: Shop, calendar: Calendar, level: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return expected units, depth, display and mailer of the placed products."""
    shape = (len(PLACED), len(level), calendar.weeks)
    inside = (np.arange(len(level)) < shop.stores)[None, :, None]
    display = (rng.random(shape) < DISPLAY_SHARE) & inside
    mailer = (rng.random(shape) < MAILER_SHARE) & inside
    depth = rng.choice(DEPTHS, shape, p=DEPTH_SHARES) * inside
    expected = np.array(PLACED_LEVELS)[:, None, None] * level[None, :, None]
    lift = np.where(display, DISPLAY_LIFT, 1.0) * np.where(mailer, MAILER_LIFT, 1.0)
    return expected * lift * (1 - depth) ** PRICE_ELASTICITY, depth, display, mailer


def _share_of_last_week(calendar: Calendar) -> Floats:
    """Return 1 a week, and for a last week that is cut short the part of it that is there."""
    share = np.ones(calendar.weeks)
    share[-1] = calendar.span - (calendar.weeks - 1)
    return share


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
