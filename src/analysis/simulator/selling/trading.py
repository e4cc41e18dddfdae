"""The orders of one chunk from first to last: every process and every planted effect in turn."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from analysis.simulator.goods import (
    basket_filling,
    demand_series,
    durable_sequence,
    joint_purchases,
    simulated_lines,
)
from analysis.simulator.goods.simulated_lines import Lines
from analysis.simulator.people import history_effects, visits
from analysis.simulator.people.population import People
from analysis.simulator.people.visits import Visits
from analysis.simulator.selling import promotion_plan, promotion_responses
from analysis.simulator.selling.promotion_responses import WinBack
from analysis.simulator.shop_plan import Plan
from analysis.stats.types import Floats, Integers


@dataclass(frozen=True)
class Played:
    """A trial as it was played in a chunk.

    Parameters
    ----------
    stage
        What no arm changed.
    arms
        Arm number of each club member.
    logged
        Who stands in the assignment log.
    chance
        Chance to be treated, where arms are not drawn at random; else None.
    redeemed
        Positions of the orders in which the offer was used.
    outcomes
        What each would have spent in every arm (``trials.outcomes``).
    """

    stage: promotion_responses.Stage
    arms: Integers
    logged: NDArray[np.bool_]
    chance: Floats | None
    redeemed: Integers
    outcomes: dict[str, Integers]


@dataclass
class Trade:
    """All orders and lines of a chunk; grows while the effects are played one after the other."""

    plan: Plan
    people: People
    index: int
    visits: Visits
    lines: Lines
    left: Floats
    played: list[Played] = field(default_factory=list)
    win_back: WinBack | None = None

    def add(self, orders: Visits, goods: Lines) -> int:
        """Append orders with their lines (counted from 0); return the first one's position."""
        begins = len(self.visits)
        self.visits = Visits.join([self.visits, orders])
        self.lines = Lines.join([self.lines, goods.on(goods.visit + begins)])
        return begins

    def net(self) -> Integers:
        """Return the net cents of every order so far."""
        return simulated_lines.totals(self.lines, len(self.visits))


def play(plan: Plan, people: People, index: int) -> Trade:
    """Return the trade of chunk ``index``."""
    trade = _own_orders(plan, people, index)
    _add_series(trade)
    for trial in promotion_responses.held(plan.calendar):
        if trial.assignment == "randomised":
            _add_trial(trade, trial)
    for trial in promotion_responses.held(plan.calendar):
        if trial.assignment != "randomised":
            _add_trial(trade, trial)
    _add_top_ups(trade)
    return trade


def _own_orders(plan: Plan, people: People, index: int) -> Trade:
    """Draw the orders with a budget, what patterns put into them, and the general range."""
    shop, calendar, catalogue = plan.shop, plan.calendar, plan.catalogue
    own, left = visits.draw(shop, calendar, people, index)
    back = promotion_responses.draw(shop, calendar, people, index)
    orders = Visits.join([own, back[1]]) if back else own
    goods = _basket(plan, people, orders, index)
    large, audio, audio_goods = durable_sequence.draw(
        shop, calendar, catalogue, people, orders, index
    )
    trade = Trade(plan, people, index, orders, Lines.join([goods, large]), left)
    trade.win_back = back[0] if back else None
    trade.add(audio, audio_goods)
    return trade


def _basket(plan: Plan, people: People, orders: Visits, salt: int) -> Lines:
    """Return what patterns and the general range put into orders with a budget."""
    rng = plan.shop.generator("patterns", salt)
    planted = joint_purchases.draw(plan.calendar, plan.catalogue, people, orders, rng)
    rng = plan.shop.generator("baskets", salt)
    goods = basket_filling.fill(plan.catalogue, people, orders, planted, rng)
    return Lines.join([planted, goods])


def _add_series(trade: Trade) -> None:
    plan = trade.plan
    on_orders, guests, guest_goods = demand_series.attach(
        plan.shop, plan.calendar, plan.series, trade.people, trade.visits, trade.index
    )
    trade.lines = Lines.join([trade.lines, on_orders])
    trade.add(guests, guest_goods)


def _add_trial(trade: Trade, trial: promotion_plan.Trial) -> None:
    plan, people = trade.plan, trade.people
    stage, rng = promotion_responses.prepare(plan.shop, plan.calendar, people, trial, trade.index)
    chance = None
    if trial.assignment == "targeted":
        arms, chance = _targeted(trade, stage, rng)
    else:
        arms = promotion_responses.assign(trial, len(stage.customers), rng)
    kept = np.ones(len(arms), np.bool_)
    if trial.assignment == "broken":
        kept = history_effects.logged(trial, trade.visits, people, arms, rng)
    orders, worlds = promotion_responses.chosen(stage, arms, plan.catalogue, people)
    redeemed = _add_club_orders(trade, orders)
    outcomes = promotion_responses.outcomes(stage, worlds, plan.catalogue, people)
    trade.played.append(Played(stage, arms, kept, chance, redeemed, outcomes))


def _targeted(
    trade: Trade, stage: promotion_responses.Stage, rng: np.random.Generator
) -> tuple[Integers, Floats]:
    """Choose by past spend, what was spent on the product itself before included."""
    untreated = promotion_responses.played(
        stage, stage.trial.arms[0], trade.plan.catalogue, trade.people
    )
    before = _as_visits(trade, untreated)
    own = trade.plan.catalogue.price[trade.plan.catalogue.number(stage.trial.product)]
    seen = Visits.join([trade.visits, before])
    net = np.concatenate([trade.net(), np.full(len(before), own)])
    return history_effects.target(stage.trial, seen, net, trade.people, rng)


def _as_visits(trade: Trade, orders: promotion_responses.Orders) -> Visits:
    salt = trade.index * 100 + len(trade.played)
    return visits.known(
        trade.plan.shop, trade.people, orders.customer, orders.moment, "trial", salt
    )


def _add_club_orders(trade: Trade, orders: promotion_responses.Orders) -> Integers:
    """Add the orders of a trial inside the history; return where the offer was used."""
    calendar = trade.plan.calendar
    days = calendar.days_since_start(calendar.stamps(orders.moment))
    orders = orders.take(days < calendar.days)
    made = _as_visits(trade, orders)
    goods = simulated_lines.single(
        trade.plan.catalogue, np.arange(len(made)), orders.product, orders.depth
    )
    begins = trade.add(made, goods)
    return begins + np.flatnonzero(orders.promoted & (orders.depth > 0))


def _add_top_ups(trade: Trade) -> None:
    plan, people = trade.plan, trade.people
    who, when, budget = history_effects.top_ups(
        plan.shop, plan.calendar, people, trade.visits, trade.net(), trade.index
    )
    made = visits.known(plan.shop, people, who, when, "tier", trade.index)
    made = Visits(made.customer, made.moment, made.store, made.kind, budget)
    trade.add(made, _basket(plan, people, made, plan.shop.chunks + trade.index))
