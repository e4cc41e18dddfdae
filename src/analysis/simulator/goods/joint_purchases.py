"""What is bought together in one order: every pattern drawn order by order.

Each pattern has products of its own and is drawn for every order that has a budget (guests
included), independently of the customer, the size of the basket and all other patterns.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.simulator.goods.assortment import INDEPENDENT
from analysis.simulator.goods.catalogue import Catalogue
from analysis.simulator.goods.simulated_lines import Lines, discounted, single
from analysis.simulator.people.population import BRAND_LOYALTY, BRAND_SHARES, People
from analysis.simulator.people.visits import GUEST, Visits
from analysis.simulator.trading_calendar import WEEKS_A_YEAR, Calendar
from analysis.stats.types import Flags, Floats

#: Chance of each independent product in an order.
INDEPENDENT_CHANCE = tuple(0.01 + 0.004 * i for i in range(len(INDEPENDENT)))
#: Pairs: chance of A, of B given A, of B without A.
PAIRS = ((0.05, 0.50, 0.03), (0.04, 0.35, 0.02), (0.03, 0.30, 0.04))
#: Cola: chance that an order has one; never two.
COLA_CHANCE = 0.12
#: Bundle: chance of all three at once, and of each on its own.
BUNDLE_CHANCE, BUNDLE_ALONE = 0.02, 0.025
#: Leaflet: both products are on promotion in the same weeks, and independent in each of them.
LEAFLET_WEEKS, LEAFLET_CHANCE, LEAFLET_LIFTED = (12, 25, 40, 53, 65, 90), 0.015, 0.20
LEAFLET_DEPTH = 0.25
#: Local products: sold in one store only, and independent there.
LOCAL_STORE, LOCAL_CHANCE = 0, 0.10
#: Summer products: the chance follows the season, independently given the week.
SUMMER_CHANCE, SUMMER_WAVE, SUMMER_PEAK = 0.025, 0.95, 28


def draw(
    calendar: Calendar,
    catalogue: Catalogue,
    people: People,
    visits: Visits,
    rng: np.random.Generator,
) -> Lines:
    """Return the lines of all patterns on the orders that have a budget."""
    filled = visits.budget > 0
    taken: dict[str, Flags] = {
        **_independent(visits, rng),
        **_pairs(visits, rng),
        **_bundle(visits, rng),
        **_leaflet(visits, rng),
        **_confounded(calendar, visits, rng),
        **_cola(people, visits, rng),
    }
    found = [np.flatnonzero(flags & filled) for flags in taken.values()]
    visit = np.concatenate(found)
    numbers = [catalogue.number(key) for key in taken]
    product = np.repeat(np.array(numbers, np.int64), [len(f) for f in found])
    return _on_promotion(single(catalogue, visit, product), visits, catalogue)


def _chance(visits: Visits, chance: float | Floats, rng: np.random.Generator) -> Flags:
    return rng.random(len(visits)) < chance


def _independent(visits: Visits, rng: np.random.Generator) -> dict[str, Flags]:
    return {
        item.key: _chance(visits, chance, rng)
        for item, chance in zip(INDEPENDENT, INDEPENDENT_CHANCE, strict=True)
    }


def _pairs(visits: Visits, rng: np.random.Generator) -> dict[str, Flags]:
    taken = {}
    for number, (first, then, alone) in enumerate(PAIRS):
        a = _chance(visits, first, rng)
        taken[f"pair_{number}_a"] = a
        taken[f"pair_{number}_b"] = _chance(visits, np.where(a, then, alone), rng)
    return taken


def _bundle(visits: Visits, rng: np.random.Generator) -> dict[str, Flags]:
    together = _chance(visits, BUNDLE_CHANCE, rng)
    return {f"bundle_{i}": together | _chance(visits, BUNDLE_ALONE, rng) for i in range(3)}


def _leaflet(visits: Visits, rng: np.random.Generator) -> dict[str, Flags]:
    lifted = np.isin(visits.week, LEAFLET_WEEKS)
    chance = np.where(lifted, LEAFLET_LIFTED, LEAFLET_CHANCE)
    return {f"leaflet_{i}": _chance(visits, chance, rng) for i in range(2)}


def summer_chance(calendar: Calendar, week: NDArray[np.int64]) -> Floats:
    """Return the chance of each summer product in an order of ``week``."""
    start = calendar.start.timetuple().tm_yday / 7
    wave = np.cos(2 * np.pi * (start + week - SUMMER_PEAK) / WEEKS_A_YEAR)
    return SUMMER_CHANCE * (1 + SUMMER_WAVE * wave)


def _confounded(calendar: Calendar, visits: Visits, rng: np.random.Generator) -> dict[str, Flags]:
    local = np.where(visits.store == LOCAL_STORE, LOCAL_CHANCE, 0.0)
    summer = summer_chance(calendar, visits.week)
    return {
        **{f"local_{i}": _chance(visits, local, rng) for i in range(2)},
        **{f"summer_{i}": _chance(visits, summer, rng) for i in range(2)},
    }


def _cola(people: People, visits: Visits, rng: np.random.Generator) -> dict[str, Flags]:
    """Return one brand an order at most: the preferred one, or another at random."""
    strangers = rng.choice(len(BRAND_SHARES), len(visits), p=BRAND_SHARES)
    guest = visits.customer == GUEST
    liked = np.where(guest, strangers, people.brand[np.where(guest, 0, visits.customer)])
    other = (liked + rng.integers(1, len(BRAND_SHARES), len(visits))) % len(BRAND_SHARES)
    brand = np.where(_chance(visits, BRAND_LOYALTY, rng), liked, other)
    any_cola = _chance(visits, COLA_CHANCE, rng)
    return {f"cola_{i}": any_cola & (brand == i) for i in range(len(BRAND_SHARES))}


def _on_promotion(lines: Lines, visits: Visits, catalogue: Catalogue) -> Lines:
    """Give leaflet products their discount in the weeks of the leaflet."""
    reduced = np.isin(lines.product, catalogue.all_of("leaflet_"))
    reduced &= np.isin(visits.week[lines.visit], LEAFLET_WEEKS)
    net = np.where(reduced, discounted(lines.listed, np.full(len(lines), LEAFLET_DEPTH)), lines.net)
    return Lines(lines.visit, lines.product, lines.quantity, net, lines.listed)


def switching() -> list[list[float]]:
    """Return P(next brand | last brand) over repeat purchases of cola, brands in order."""
    brands = len(BRAND_SHARES)
    other = (1 - BRAND_LOYALTY) / (brands - 1)
    given = np.full((brands, brands), other) + np.eye(brands) * (BRAND_LOYALTY - other)
    joint = np.einsum("k,ki,kj->ij", np.array(BRAND_SHARES), given, given)
    return (joint / joint.sum(axis=1, keepdims=True)).round(6).tolist()
