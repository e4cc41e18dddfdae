"""When customers order: BG/NBD, fixed rhythms and Poisson paths, and guests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.simulator.arrow_columns import Aligned
from analysis.simulator.people import store_network
from analysis.simulator.people.population import (
    BGNBD,
    GAMMA_GAMMA,
    GUEST_VALUE,
    RATES,
    RHYTHMS,
    People,
)
from analysis.simulator.shop import Shop
from analysis.simulator.trading_calendar import WEEKS_A_YEAR, Calendar
from analysis.stats.types import Flags, Floats, Integers

GUEST = -1
#: What an order is: the customer's own process, a guest's, or made by a planted effect.
KINDS = ("own", "guest", "audio", "trial", "return", "tier")
KIND = {name: number for number, name in enumerate(KINDS)}

#: Weeks without any discount in the shop, in which discount customers stay away.
PAUSE = (70, 78)
#: Growing and declining customers: week of the change and factor on their rate.
TURN_WEEK, GROWING, DECLINING = 78, 4.0, 0.12
#: Lapsed customers fall silent in this week; win-back may bring them back later.
SILENT_WEEK = 60
#: Guests: yearly wave of their number, highest before Christmas.
GUEST_SEASON, GUEST_PEAK = 0.3, 50
SMALLEST_BUDGET = 20


@dataclass(frozen=True)
class Visits(Aligned):
    """Orders of a chunk as aligned arrays.

    Parameters
    ----------
    customer
        Position in the chunk's people, or ``GUEST``.
    moment
        Operational time in weeks.
    store
        Store number.
    kind
        Position in ``KINDS``.
    budget
        Cents to be filled with goods; 0 where the effect itself brings the goods.
    """

    customer: Integers
    moment: Floats
    store: Integers
    kind: Integers
    budget: Integers

    @property
    def week(self) -> Integers:
        """Number of the week."""
        return self.moment.astype(np.int64)

    def known_within(self, begins: float, ends: float) -> Flags:
        """Tell which orders known customers made from ``begins`` to ``ends`` (weeks)."""
        return (self.customer != GUEST) & (self.moment >= begins) & (self.moment < ends)


def draw(shop: Shop, calendar: Calendar, people: People, index: int) -> tuple[Visits, Floats]:
    """Return the orders of the customers' own processes and of guests, and who left when.

    Returns
    -------
    Visits
        Orders, budgets drawn.
    Floats
        Time in weeks at which a main customer became inactive; NaN while active or elsewhere.
    """
    rng = shop.generator("visits", index)
    main, left = _main(shop, calendar, people, rng)
    parts = [main, *(_poisson(g, calendar, people, rng) for g in RATES)]
    parts += [_rhythm(g, calendar, people, rng) for g in RHYTHMS]
    who = np.concatenate([w for w, _ in parts])
    when = np.concatenate([t for _, t in parts])
    inside = calendar.days_since_start(calendar.stamps(when)) < calendar.days
    own = known(shop, people, who[inside], when[inside], "own", index, budgets=True)
    return Visits.join([own, _guests(shop, calendar, index)]), left


def known(
    shop: Shop,
    people: People,
    who: Integers,
    when: Floats,
    kind: str,
    index: int,
    *,
    budgets: bool = False,
) -> Visits:
    """Return orders of known customers, in the stores that they choose.

    Parameters
    ----------
    shop, people, index
        Settings, customers and number of the chunk.
    who, when
        Customer and time of each order.
    kind
        Key of ``KINDS``; also sets apart the random numbers used.
    budgets
        Draw a value for each order (Gamma, given the customer's mean); else the budget is 0.
    """
    salt = index * len(KINDS) + KIND[kind]
    rng = shop.generator("stores", salt)
    store = store_network.choose(shop, when, people.digital[who], people.home[who], rng)
    budget = np.zeros(len(who), np.int64)
    if budgets:
        purse = shop.generator("budgets", salt)
        shape = GAMMA_GAMMA["p"]
        value = purse.gamma(shape, 1 / shape, len(who)) * people.value[who]
        budget = np.maximum(np.rint(100 * value).astype(np.int64), SMALLEST_BUDGET)
    return Visits(who, when, store, np.full(len(who), KIND[kind]), budget)


def _main(
    shop: Shop, calendar: Calendar, people: People, rng: np.random.Generator
) -> tuple[tuple[Integers, Floats], Floats]:
    """Draw BG/NBD: a first order, Poisson repeats, a coin after each repeat whether to leave."""
    who = np.flatnonzero(people.of("main")) if shop.orders else np.empty(0, np.int64)
    born, rate = people.joined[who], people.rate[who]
    repeats = rng.poisson(rate * (calendar.span - born))
    stays = rng.geometric(np.maximum(people.dropout[who], 1e-12))
    owner = np.repeat(np.arange(len(who)), repeats)
    times = rng.uniform(born[owner], calendar.span)
    order = np.lexsort((times, owner))
    owner, times = owner[order], times[order]
    rank = np.arange(len(owner)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    left = np.full(len(people), np.nan)
    last = rank == stays[owner] - 1
    left[who[owner[last]]] = times[last]
    kept = rank < stays[owner]
    return (np.concatenate([who, who[owner[kept]]]), np.concatenate([born, times[kept]])), left


def path(group: str, calendar: Calendar) -> Floats:
    """Return the factor on the rate of ``group`` in each week."""
    week = np.arange(calendar.weeks)
    turned = week >= TURN_WEEK
    factors = {
        "discount": np.where((week >= PAUSE[0]) & (week < PAUSE[1]), 0.0, 1.0),
        "growing": np.where(turned, GROWING, 1.0),
        "declining": np.where(turned, DECLINING, 1.0),
        "lapsed": np.where(week >= SILENT_WEEK, 0.0, 1.0),
    }
    return factors.get(group, np.ones(calendar.weeks))


def _poisson(
    group: str, calendar: Calendar, people: People, rng: np.random.Generator
) -> tuple[Integers, Floats]:
    who = np.flatnonzero(people.of(group))
    return scattered(who, people.rate[who], path(group, calendar), rng)


def scattered(
    who: Integers, rate: Floats, factors: Floats, rng: np.random.Generator
) -> tuple[Integers, Floats]:
    """Return customers and times of Poisson events whose rate follows ``factors`` by week."""
    until = np.concatenate([[0.0], np.cumsum(factors)])
    owner = np.repeat(who, rng.poisson(rate * until[-1]))
    at = rng.uniform(0.0, until[-1], len(owner)) if until[-1] else np.empty(0)
    week = np.searchsorted(until, at, side="right") - 1
    return owner, week + (at - until[week]) / factors[week]


def _rhythm(
    group: str, calendar: Calendar, people: People, rng: np.random.Generator
) -> tuple[Integers, Floats]:
    who = np.flatnonzero(people.of(group) & (people.rate > 0))
    shape = RHYTHMS[group][1]
    most = int(1.5 * calendar.span * people.rate[who].max(initial=0.0)) + 20
    gaps = rng.gamma(shape, 1 / shape, (len(who), most))
    gaps[:, 0] *= rng.random(len(who))
    times = np.cumsum(gaps, axis=1) / people.rate[who, None]
    row, column = np.nonzero(times < calendar.span)
    return who[row], times[row, column]


def guest_wave(calendar: Calendar) -> Floats:
    """Return the factor on guest orders in each week."""
    start = calendar.start.timetuple().tm_yday / 7
    week = np.arange(calendar.weeks)
    return 1 + GUEST_SEASON * np.cos(2 * np.pi * (start + week - GUEST_PEAK) / WEEKS_A_YEAR)


def _guests(shop: Shop, calendar: Calendar, index: int) -> Visits:
    rng = shop.generator("visits", shop.chunks + index)
    rate = shop.guests * shop.orders * shop.chunk_size(index)
    _, moments = scattered(np.zeros(1, np.int64), np.array([rate]), guest_wave(calendar), rng)
    inside = calendar.days_since_start(calendar.stamps(moments)) < calendar.days
    return guests_at(shop, moments[inside], None, rng)


def guests_at(
    shop: Shop, moments: Floats, store: Integers | None, rng: np.random.Generator
) -> Visits:
    """Return guest orders at ``moments``, with a value if no ``store`` is prescribed."""
    count = len(moments)
    budget = np.zeros(count, np.int64)
    if store is None:
        nu = rng.gamma(GAMMA_GAMMA["q"], 1 / GAMMA_GAMMA["gamma"], count)
        value = GUEST_VALUE * rng.gamma(GAMMA_GAMMA["p"], 1.0, count) / nu
        budget = np.maximum(np.rint(100 * value).astype(np.int64), SMALLEST_BUDGET)
        store = store_network.choose_for_guests(shop, count, rng)
    return Visits(np.full(count, GUEST), moments, store, np.full(count, KIND["guest"]), budget)


def expected_repeats(weeks: float) -> float:
    """Return E[repeat orders in ``weeks``] of BG/NBD (Fader, Hardie and Lee 2005, eq. 9)."""
    from scipy.special import hyp2f1

    r, alpha, a, b = (BGNBD[k] for k in ("r", "alpha", "a", "b"))
    inner = hyp2f1(r, b, a + b - 1, weeks / (alpha + weeks))
    return float((a + b - 1) / (a - 1) * (1 - (alpha / (alpha + weeks)) ** r * inner))
