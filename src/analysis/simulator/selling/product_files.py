"""The files of products and promotions: catalogue, offers, placements, arms given, redemptions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from analysis.simulator import arrow_columns as arrow
from analysis.simulator.engagement import first_come
from analysis.simulator.goods.catalogue import UNLISTED
from analysis.simulator.goods.demand_plan import DEMANDS
from analysis.simulator.goods.joint_purchases import LEAFLET_WEEKS
from analysis.simulator.people.store_network import store_ids
from analysis.simulator.selling.order_ledger import Ledger
from analysis.simulator.selling.promotion_plan import (
    MESSAGE_COST,
    TRIALS,
    WIN_BACK,
    WIN_BACK_NAME,
    WIN_BACK_WEEK,
    WIN_BACK_WEEKS,
    Trial,
)
from analysis.simulator.selling.promotion_responses import held
from analysis.simulator.selling.trading import Trade
from analysis.simulator.shop_plan import Plan
from analysis.simulator.trading_calendar import DAY_US, EPOCH
from analysis.stats.types import Integers

#: Fixed cost of a win-back mailing, leaflet, price cut and offer to the first, in currency.
WIN_BACK_COST, LEAFLET_COST, PRICE_CUT_COST, SCARCE_COST = 400.0, 600.0, 100.0, 300.0


def products_file(plan: Plan) -> pa.Table:
    """Return the products but one: product_id, department, category, name, brand, ..."""
    goods = plan.catalogue
    order = np.argsort(goods.numbers)
    order = order[[goods.keys[i] != UNLISTED for i in order]]
    launched = [_launched(plan, goods.keys[i]) for i in order]
    return pa.table(
        {
            "product_id": [goods.product_id(i) for i in order],
            "department": [goods.departments[i] for i in order],
            "category": [goods.categories[i] for i in order],
            "name": [goods.names[i] for i in order],
            "brand": [goods.brands[i] for i in order],
            "unit_cost": arrow.money(goods.cost[order]),
            "counted": ~goods.weighed[order],
            "launched_on": pa.array(launched, pa.date32()),
            "organic": np.where(goods.organic[order], "yes", "no"),
        }
    )


def _launched(plan: Plan, key: str) -> date | None:
    demand = DEMANDS.get(key)
    if demand is None or not demand.launched:
        return None
    return plan.calendar.date_of(7 * demand.launched)


def _price_cuts(plan: Plan) -> list[tuple[str, str, int]]:
    """Return promotion_id, product key and week of the price cuts of demand series."""
    return [
        (f"P{number}-{week}", key, week)
        for number, (key, demand) in enumerate(DEMANDS.items())
        for week in demand.promotions
        if plan.calendar.holds(week, 1)
    ]


def _leaflets(plan: Plan) -> list[int]:
    return [week for week in LEAFLET_WEEKS if plan.calendar.holds(week, 1)]


@dataclass(frozen=True)
class _Promotion:
    key: str
    name: str
    week: int
    weeks: int
    mechanic: str
    goal: str
    fixed_cost: float
    contact_cost: float


def promotions_file(plan: Plan) -> pa.Table:
    """Return the promotions: promotion_id, name, starts_on, ends_on, mechanic, goal, costs."""
    rows, offers = _promotions(plan), first_come.held(plan)
    scarce = np.arange(len(rows)) >= len(rows) - len(offers)
    opens = np.array([7 * row.week + 2 for row in rows], np.int64) * DAY_US
    opens += plan.calendar.stamp_of_day(0) + first_come.OPENS_HOUR * DAY_US // 24
    begins = [plan.calendar.date_of(7 * row.week) for row in rows]
    lasts = [plan.calendar.date_of(7 * (row.week + row.weeks) - 1) for row in rows]
    return pa.table(
        {
            "promotion_id": pa.array([row.key for row in rows], pa.string()),
            "name": pa.array([row.name for row in rows], pa.string()),
            "starts_on": pa.array(begins, pa.date32()),
            "ends_on": pa.array(lasts, pa.date32()),
            "mechanic": pa.array([row.mechanic for row in rows], pa.string()),
            "goal": pa.array([row.goal for row in rows], pa.string()),
            "fixed_cost": _currency([row.fixed_cost for row in rows]),
            "contact_cost": _currency([row.contact_cost for row in rows]),
            "quantity_limit": arrow.whole(np.full(len(rows), first_come.limit(plan.shop)), ~scarce),
            "per_customer_limit": arrow.whole(np.ones(len(rows), np.int64), ~scarce),
            "starts_at": arrow.times(opens, ~scarce),
        }
    )


def _promotions(plan: Plan) -> list[_Promotion]:
    rows = [
        _Promotion(
            t.key, t.name, t.week, t.weeks, t.mechanic, t.goal, t.fixed_cost, _message_cost(t)
        )
        for t in held(plan.calendar)
    ]
    if plan.calendar.holds(WIN_BACK_WEEK, WIN_BACK_WEEKS):
        when = (WIN_BACK_WEEK, WIN_BACK_WEEKS, "mailing", "traffic")
        cost = (WIN_BACK_COST, MESSAGE_COST["mail"])
        rows.append(_Promotion(WIN_BACK, WIN_BACK_NAME, *when, *cost))
    rows += [
        _Promotion(f"L{w}", f"Leaflet of week {w}", w, 1, "leaflet", "traffic", LEAFLET_COST, 0.0)
        for w in _leaflets(plan)
    ]
    rows += [
        _Promotion(key, f"Price cut {key}", w, 1, "price cut", "sales", PRICE_CUT_COST, 0.0)
        for key, _, w in _price_cuts(plan)
    ]
    rows += [
        _Promotion(o.key, o.name, o.week, 1, "first come", "traffic", SCARCE_COST, 0.0)
        for o in first_come.held(plan)
    ]
    return rows


def _message_cost(trial: Trial) -> float:
    channels = {arm.channel for arm in trial.arms if arm.channel}
    return MESSAGE_COST[channels.pop()] if len(channels) == 1 else 0.0


def _currency(amounts: list[float]) -> pa.Array:
    return arrow.money(np.array([round(100 * a) for a in amounts], np.int64))


def promotion_products_file(plan: Plan) -> pa.Table:
    """Return the products on offer: promotion_id, product_id, coupon_id."""
    goods = plan.catalogue
    rows = [
        (t.key, goods.number(t.product), f"C-{t.key}" if t.mechanic == "coupon" else None)
        for t in held(plan.calendar)
    ]
    rows += [(f"L{w}", n, None) for w in _leaflets(plan) for n in goods.all_of("leaflet_")]
    rows += [(key, goods.number(product), None) for key, product, _ in _price_cuts(plan)]
    return pa.table(
        {
            "promotion_id": pa.array([key for key, _, _ in rows], pa.string()),
            "product_id": pa.array([goods.product_id(n) for _, n, _ in rows], pa.string()),
            "coupon_id": pa.array([coupon for _, _, coupon in rows], pa.string()),
        }
    )


def placements_file(plan: Plan) -> pa.Table:
    """Return displays and mailers: product_id, store_id, week_start, display, mailer.

    Placed products have a row for every store and week; the others only where they were
    displayed or mailed.
    """
    stores, series = plan.shop.stores, plan.series
    display, mailer = (flags[:, :stores].ravel() for flags in (series.display, series.mailer))
    shape = series.display[:, :stores].shape
    place, store, week = (axis.ravel() for axis in np.indices(shape))
    product = series.placed[place]
    extra = [
        (number, s, w, on_display, True)
        for number, w, on_display in _announced(plan)
        for s in range(stores)
    ]
    more = np.array(extra, np.int64).reshape(-1, 5)
    product, store, week = (
        np.concatenate([a, b]) for a, b in zip((product, store, week), more.T[:3], strict=True)
    )
    display = np.concatenate([display, more[:, 3] > 0])
    mailer = np.concatenate([mailer, more[:, 4] > 0])
    start = (plan.calendar.start - EPOCH).days
    return pa.table(
        {
            "product_id": arrow.names(product, plan.catalogue.product_ids),
            "store_id": arrow.names(store, store_ids(stores)),
            "week_start": arrow.dates(start + 7 * week),
            "display": arrow.names(np.zeros(len(week), np.int64), ["aisle end"], ~display),
            "mailer": arrow.names(np.zeros(len(week), np.int64), ["front page"], ~mailer),
        }
    )


def _announced(plan: Plan) -> list[tuple[int, int, bool]]:
    """Return product, week and whether displayed, of leaflets and price cuts."""
    goods = plan.catalogue
    joint = [(int(n), w, True) for w in _leaflets(plan) for n in goods.all_of("leaflet_")]
    return joint + [(goods.number(key), w, False) for _, key, w in _price_cuts(plan)]


PROMOTIONS = (*(t.key for t in TRIALS), WIN_BACK)
ARMS = tuple(dict.fromkeys(arm.name for t in TRIALS for arm in t.arms))
#: Arms are given this many days before the promotion begins.
DAYS_BEFORE = 3


def assignments_file(trade: Trade) -> pa.Table:
    """Return who was given which arm: promotion_id, customer_id, arm, assigned_at, randomised."""
    promotion, customer, arm, day, drawn = (
        np.concatenate(c) for c in zip(*_given(trade), strict=True)
    )
    return pa.table(
        {
            "promotion_id": arrow.names(promotion, PROMOTIONS),
            "customer_id": arrow.whole(trade.people.first + customer),
            "arm": arrow.names(arm, ARMS),
            "assigned_at": arrow.times(trade.plan.calendar.stamp_of_day(0) + day * DAY_US),
            "randomised": pa.array(drawn),
        }
    )


def _given(trade: Trade) -> list[tuple[np.ndarray, ...]]:
    nothing = np.empty(0, np.int64)
    rows: list[tuple[np.ndarray, ...]] = [
        (nothing, nothing, nothing, nothing, np.empty(0, np.bool_))
    ]
    for played in trade.played:
        trial = played.stage.trial
        who = played.stage.customers[played.logged]
        position = np.array([ARMS.index(arm.name) for arm in trial.arms])
        rows.append(
            _columns(
                PROMOTIONS.index(trial.key),
                who,
                position[played.arms[played.logged]],
                trial.week,
                trial.assignment != "targeted",
            )
        )
    if trade.win_back is not None:
        arm = np.array([ARMS.index("control"), ARMS.index("treatment")])[trade.win_back.arms]
        number = PROMOTIONS.index(WIN_BACK)
        rows.append(_columns(number, trade.win_back.customers, arm, WIN_BACK_WEEK, True))
    return rows


def _columns(
    promotion: int, who: Integers, arm: Integers, week: int, drawn: bool
) -> tuple[np.ndarray, ...]:
    count = len(who)
    day = np.full(count, 7 * week - DAYS_BEFORE)
    return np.full(count, promotion), who, arm, day, np.full(count, drawn)


def redemptions_file(trade: Trade, ledger: Ledger) -> pa.Table:
    """Return what was redeemed: promotion_id, customer_id, redeemed_at, coupon_id, order_id."""
    promotion = [
        np.full(len(p.redeemed), PROMOTIONS.index(p.stage.trial.key)) for p in trade.played
    ]
    nothing = np.empty(0, np.int64)
    number = np.concatenate([nothing, *promotion])
    order = np.concatenate([nothing, *(p.redeemed for p in trade.played)])
    return pa.table(
        {
            "promotion_id": arrow.names(number, PROMOTIONS),
            "customer_id": arrow.whole(trade.people.first + ledger.customer[order]),
            "redeemed_at": arrow.times(ledger.stamp[order]),
            "coupon_id": arrow.names(number, [f"C-{key}" for key in PROMOTIONS]),
            "order_id": arrow.whole(ledger.number[order]),
        }
    )
