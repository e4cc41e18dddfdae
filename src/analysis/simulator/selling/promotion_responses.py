"""Playing a promotion on club members: what each would do in every arm, and what each did.

The offer to lapsed customers, which calls half of them back, is one of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.simulator.arrow_columns import Aligned, sums
from analysis.simulator.goods.catalogue import Catalogue
from analysis.simulator.goods.simulated_lines import discounted
from analysis.simulator.people.population import People
from analysis.simulator.people.visits import Visits, known, scattered
from analysis.simulator.selling.promotion_plan import (
    COMES_BACK,
    TRIALS,
    WIN_BACK_WEEK,
    WIN_BACK_WEEKS,
    Arm,
    Trial,
)
from analysis.simulator.shop import Shop
from analysis.simulator.trading_calendar import Calendar
from analysis.stats.types import Flags, Floats, Integers

#: Club products are on sale this many weeks before and after their promotion.
RANGE_WEEKS = 8


@dataclass(frozen=True)
class Orders(Aligned):
    """Orders of one club product each: who, when, which product, at what discount, promoted."""

    customer: Integers
    moment: Floats
    product: Integers
    depth: Floats
    promoted: Flags


@dataclass(frozen=True)
class Stage:
    """Everything about a trial in one chunk that no arm changes.

    Parameters
    ----------
    trial
        The promotion.
    customers
        Club members, as positions in the chunk's people.
    life_stage
        Of each of them.
    own, neighbour
        Customer and time of the orders made anyway, of the product and of its neighbour.
    own_mark, neighbour_mark
        Uniform marks that decide about pulling forward and switching.
    pulled_to
        Time to which an own order would move.
    extra, extra_mark
        Customer and time of extra orders at the largest rate of any arm, and their marks.
    """

    trial: Trial
    customers: Integers
    life_stage: Integers
    own: tuple[Integers, Floats]
    neighbour: tuple[Integers, Floats]
    own_mark: Floats
    neighbour_mark: Floats
    pulled_to: Floats
    extra: tuple[Integers, Floats]
    extra_mark: Floats

    @property
    def window(self) -> tuple[float, float]:
        """First and last moment of the promotion in weeks."""
        return float(self.trial.week), float(self.trial.week + self.trial.weeks)


def held(calendar: Calendar) -> tuple[Trial, ...]:
    """Return the trials that fit into the history, with the weeks after them."""
    return tuple(t for t in TRIALS if calendar.holds(t.week, t.weeks + t.after))


def prepare(
    shop: Shop, calendar: Calendar, people: People, trial: Trial, index: int
) -> tuple[Stage, np.random.Generator]:
    """Return what no arm changes, and the random numbers to go on with."""
    rng = shop.generator("trials", index * len(TRIALS) + TRIALS.index(trial))
    who = np.flatnonzero(people.of("club"))
    rate = trial.rate * shop.orders
    own = _anyway(calendar, trial, who, rate, rng)
    neighbour = _anyway(calendar, trial, who, rate if trial.neighbour else 0.0, rng)
    most = max(max(arm.extra) for arm in trial.arms) * min(shop.orders, 1.0)
    extra = np.repeat(who, rng.poisson(most, len(who)))
    stage = Stage(
        trial=trial,
        customers=who,
        life_stage=people.stage[who],
        own=own,
        neighbour=neighbour,
        own_mark=rng.random(len(own[0])),
        neighbour_mark=rng.random(len(neighbour[0])),
        pulled_to=trial.week + trial.weeks * rng.random(len(own[0])),
        extra=(extra, trial.week + trial.weeks * rng.random(len(extra))),
        extra_mark=rng.random(len(extra)),
    )
    return stage, rng


def _anyway(
    calendar: Calendar, trial: Trial, who: Integers, rate: float, rng: np.random.Generator
) -> tuple[Integers, Floats]:
    week = np.arange(calendar.weeks)
    until = trial.week + trial.weeks + trial.after + RANGE_WEEKS
    on_sale = ((week >= trial.week - RANGE_WEEKS) & (week < until)).astype(float)
    return scattered(who, np.full(len(who), rate), on_sale, rng)


def played(stage: Stage, arm: Arm, catalogue: Catalogue, people: People) -> Orders:
    """Return the orders of all customers if everybody were in ``arm``."""
    trial, (begins, ends) = stage.trial, stage.window
    own = catalogue.number(trial.product)
    after = (stage.own[1] >= ends) & (stage.own[1] < ends + trial.after)
    pulled = after & (stage.own_mark < arm.pulled)
    own_at = np.where(pulled, stage.pulled_to, stage.own[1])
    near_at = stage.neighbour[1]
    near = catalogue.number(trial.neighbour) if trial.neighbour else own
    switched = (near_at >= begins) & (near_at < ends) & (stage.neighbour_mark < arm.switched)
    most = max(max(a.extra) for a in trial.arms)
    wanted = np.array(arm.extra)[people.stage[stage.extra[0]]]
    extra = stage.extra_mark * most < wanted
    moment = np.concatenate([own_at, near_at, stage.extra[1][extra]])
    product = np.full(len(moment), own)
    product[len(own_at) : len(own_at) + len(near_at)] = np.where(switched, own, near)
    promoted = (product == own) & (moment >= begins) & (moment < ends)
    customer = np.concatenate([stage.own[0], stage.neighbour[0], stage.extra[0][extra]])
    return Orders(customer, moment, product, np.where(promoted, arm.depth, 0.0), promoted)


def assign(trial: Trial, count: int, rng: np.random.Generator) -> Integers:
    """Return the arm of each of ``count`` customers, drawn with the planned shares."""
    return rng.choice(len(trial.arms), count, p=[arm.share for arm in trial.arms])


def chosen(
    stage: Stage, arms: Integers, catalogue: Catalogue, people: People
) -> tuple[Orders, list[Orders]]:
    """Return the orders made, each customer in the arm given, and the orders of every arm."""
    worlds = [played(stage, arm, catalogue, people) for arm in stage.trial.arms]
    given = np.full(len(people), -1)
    given[stage.customers] = arms
    parts = [w.take(given[w.customer] == number) for number, w in enumerate(worlds)]
    return Orders.join(parts), worlds


def outcomes(
    stage: Stage, worlds: list[Orders], catalogue: Catalogue, people: People
) -> dict[str, Integers]:
    """Return what each customer would spend on the trial's products in every arm.

    Returns
    -------
    dict
        ``<measure>_<arm number>``, aligned to ``stage.customers``. Measures: orders, net and
        margin in the window (cents), units of the product on offer, and margin_after (window
        and the weeks after).
    """
    begins, ends = stage.window
    own = catalogue.number(stage.trial.product)
    found: dict[str, Integers] = {}
    for number, world in enumerate(worlds):
        net = discounted(catalogue.price[world.product], world.depth)
        margin = net - catalogue.cost[world.product]
        inside = (world.moment >= begins) & (world.moment < ends)
        later = (world.moment >= begins) & (world.moment < ends + stage.trial.after)
        for name, amount in {
            "orders": inside,
            "net": net * inside,
            "margin": margin * inside,
            "units": inside & (world.product == own),
            "margin_after": margin * later,
        }.items():
            found[f"{name}_{number}"] = sums(world.customer, amount, len(people))[stage.customers]
    return found


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
