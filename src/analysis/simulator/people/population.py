"""Customers: how each buys (the process), what for (life stage) and at what price (attitude)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.simulator.people.store_network import DIGITAL, physical
from analysis.simulator.shop import Shop
from analysis.simulator.trading_calendar import Calendar
from analysis.stats.types import Flags, Floats, Integers

#: How a customer buys, and the share of customers.
GROUPS = {
    "main": 0.561,
    "club": 0.20,
    "weekly": 0.01,
    "monthly": 0.03,
    "big_ticket": 0.075,
    "discount": 0.08,
    "growing": 0.012,
    "declining": 0.012,
    "lapsed": 0.02,
}
GROUP_NUMBER = {name: number for number, name in enumerate(GROUPS)}

#: Main body, BG/NBD: order rate ~ Gamma(r, rate alpha) a week, dropout ~ Beta(a, b).
BGNBD = {"r": 2.0, "alpha": 15.0, "a": 0.9, "b": 7.0}
#: Order value, Gamma-Gamma: value ~ Gamma(p, rate nu), nu ~ Gamma(q, rate gamma).
GAMMA_GAMMA = {"p": 1.2, "q": 9.0, "gamma": 139.0}
#: Other groups: orders a week ~ Gamma(shape, mean); fixed rhythms have the same for everybody.
RATES = {
    "club": (2.5, 0.085),
    "big_ticket": (3.0, 0.018),
    "discount": (2.5, 0.07),
    "growing": (8.0, 0.30),
    "declining": (8.0, 1.0),
    "lapsed": (3.0, 0.12),
}
#: Fixed rhythm: mean weeks between orders and Erlang shape k.
RHYTHMS = {"weekly": (1.0, 9), "monthly": (365.2425 / 12 / 7, 6)}
#: Factor on the order value by group; 1 where not named.
VALUE_FACTOR = {"weekly": 0.5, "discount": 0.9, "growing": 0.4, "declining": 0.4}
GUEST_VALUE = 0.75

#: Life stages and their shares.
STAGES = ("young single", "young family", "established family", "retired")
STAGE_SHARES = (0.22, 0.26, 0.32, 0.20)
FAMILY = 1

#: Attitude to price: share of customers (the discount group apart) and Beta of the share of
#: lines that they buy at a discount.
ATTITUDES = ("relationship", "mixed", "discount")
ATTITUDE_SHARES = (0.30, 0.70)
ATTITUDE_BETA = ((6.0, 44.0), (12.0, 10.0), (46.0, 4.0))

#: Brand of cola preferred: shares, and how often the preferred brand is taken.
BRAND_SHARES, BRAND_LOYALTY = (0.5, 0.3, 0.2), 0.8

#: Main customers join from the start to this share of the history; the others up to so many
#: weeks before it.
JOINING, EARLIER = 0.875, 260.0
MAIN_MEMBERS = 0.4


@dataclass(frozen=True)
class People:
    """The customers of a chunk as aligned arrays.

    Parameters
    ----------
    first
        Number of the first customer.
    group, stage, attitude, brand, home
        Positions in ``GROUPS``, ``STAGES``, ``ATTITUDES``, ``BRAND_SHARES`` and the stores.
    rate
        Orders a week.
    dropout
        Probability to leave after a repeat order; NaN where nobody leaves.
    value
        Mean value of an order in currency.
    theta
        Share of lines bought at a discount.
    joined
        Weeks from the start; negative before it.
    digital, member
        At home in digital channels; in the loyalty scheme.
    """

    first: int
    group: Integers
    stage: Integers
    attitude: Integers
    brand: Integers
    home: Integers
    rate: Floats
    dropout: Floats
    value: Floats
    theta: Floats
    joined: Floats
    digital: Flags
    member: Flags

    def __len__(self) -> int:
        return len(self.group)

    def of(self, *groups: str) -> Flags:
        """Tell who belongs to one of ``groups``."""
        return np.isin(self.group, [GROUP_NUMBER[g] for g in groups])

    @property
    def ids(self) -> Integers:
        """Customer numbers."""
        return self.first + np.arange(len(self), dtype=np.int64)


def draw(shop: Shop, calendar: Calendar, index: int) -> People:
    """Return the customers of chunk ``index``."""
    rng = shop.generator("people", index)
    count = shop.chunk_size(index)
    group = rng.choice(len(GROUPS), count, p=list(GROUPS.values()))
    rate, dropout = _rates(group, shop.orders, rng)
    attitude = np.where(
        group == GROUP_NUMBER["discount"], 2, rng.choice(2, count, p=ATTITUDE_SHARES)
    )
    beta = np.array(ATTITUDE_BETA)[attitude]
    return People(
        first=index * shop.chunk + 1,
        group=group,
        stage=rng.choice(len(STAGES), count, p=STAGE_SHARES),
        attitude=attitude,
        brand=rng.choice(len(BRAND_SHARES), count, p=BRAND_SHARES),
        home=rng.choice(shop.stores, count, p=physical(shop.stores)),
        rate=rate,
        dropout=dropout,
        value=_values(group, rng),
        theta=rng.beta(beta[:, 0], beta[:, 1]),
        joined=_joined(group, calendar, rng),
        digital=rng.random(count) < DIGITAL,
        member=(group != GROUP_NUMBER["main"]) | (rng.random(count) < MAIN_MEMBERS),
    )


def _rates(group: Integers, factor: float, rng: np.random.Generator) -> tuple[Floats, Floats]:
    count = len(group)
    main = group == GROUP_NUMBER["main"]
    rate = rng.gamma(BGNBD["r"], 1 / BGNBD["alpha"], count)
    dropout = np.where(main, rng.beta(BGNBD["a"], BGNBD["b"], count), np.nan)
    for name, (shape, mean) in RATES.items():
        rate = np.where(group == GROUP_NUMBER[name], rng.gamma(shape, mean / shape, count), rate)
    for name, (gap, _) in RHYTHMS.items():
        rate = np.where(group == GROUP_NUMBER[name], 1 / gap, rate)
    return rate * factor, dropout


def _values(group: Integers, rng: np.random.Generator) -> Floats:
    nu = rng.gamma(GAMMA_GAMMA["q"], 1 / GAMMA_GAMMA["gamma"], len(group))
    factor = np.array([VALUE_FACTOR.get(name, 1.0) for name in GROUPS])
    return factor[group] * GAMMA_GAMMA["p"] / nu


def _joined(group: Integers, calendar: Calendar, rng: np.random.Generator) -> Floats:
    share = rng.random(len(group))
    during = share * JOINING * calendar.span
    return np.where(group == GROUP_NUMBER["main"], during, -(1 - share) * EARLIER - 1)
