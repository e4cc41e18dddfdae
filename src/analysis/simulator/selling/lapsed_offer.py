"""Lapsed customers, the offer that calls half of them back, and who comes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.simulator.people.population import People
from analysis.simulator.people.visits import Visits, known
from analysis.simulator.selling.promotion_plan import COMES_BACK, WIN_BACK_WEEK, WIN_BACK_WEEKS
from analysis.simulator.shop import Shop
from analysis.simulator.trading_calendar import Calendar
from analysis.stats.types import Integers


@dataclass(frozen=True)
class WinBack:
    """The lapsed customers of a chunk: arm (1 treated), return without and with the offer."""

    customers: Integers
    arms: Integers
    returns_alone: NDArray[np.bool_]
    returns_treated: NDArray[np.bool_]

    @property
    def returned(self) -> NDArray[np.bool_]:
        """Who came back."""
        return np.where(self.arms == 1, self.returns_treated, self.returns_alone)


def draw(
    shop: Shop, calendar: Calendar, people: People, index: int
) -> tuple[WinBack, Visits] | None:
    """Return the win-back trial and the orders of those who came; None in a short history."""
    if not calendar.holds(WIN_BACK_WEEK, WIN_BACK_WEEKS):
        return None
    rng = shop.generator("winback", index)
    lapsed = np.flatnonzero(people.of("lapsed")) if shop.orders else np.empty(0, np.int64)
    mark = rng.random(len(lapsed))
    trial = WinBack(
        customers=lapsed,
        arms=rng.integers(0, 2, len(lapsed)),
        returns_alone=mark < COMES_BACK["control"],
        returns_treated=mark < COMES_BACK["treatment"],
    )
    back = lapsed[trial.returned]
    first = WIN_BACK_WEEK + WIN_BACK_WEEKS * rng.random(len(back))
    rest = calendar.span - first
    more = rng.poisson(people.rate[back] * rest)
    owner = np.repeat(np.arange(len(back)), more)
    again = first[owner] + rest[owner] * rng.random(len(owner))
    who = np.concatenate([back, back[owner]])
    when = np.concatenate([first, again])
    inside = calendar.days_since_start(calendar.stamps(when)) < calendar.days
    return trial, known(shop, people, who[inside], when[inside], "return", index, budgets=True)
