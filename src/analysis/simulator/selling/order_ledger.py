"""The chunk's orders as the tills wrote them: times, order numbers, lines with cost, returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.simulator.goods import simulated_lines as lines_module
from analysis.simulator.goods.catalogue import DEFECTIVE
from analysis.simulator.goods.simulated_lines import Lines
from analysis.simulator.people.visits import GUEST, KIND
from analysis.simulator.selling.trading import Trade
from analysis.simulator.trading_calendar import DAY_US
from analysis.stats.types import Flags, Integers

#: Order numbers of a chunk begin at its index times this.
NUMBERS_A_CHUNK = 10_000_000
#: Chance of a return of the defective product, as a factor on the shop's.
DEFECT_FACTOR = 6.0
#: Share of returns that name the order they return; days until a return, at most.
NAMED, LATEST_RETURN = 0.85, 28
#: Share of lines of national brands with a manufacturer's coupon, and its value in cents.
COUPON_SHARE, COUPON_CENTS = 0.02, 50


@dataclass(frozen=True)
class Ledger:
    """Orders and lines of a chunk, returns included, ready to be written.

    Parameters
    ----------
    stamp, number, customer, store
        Of each order: microseconds since 1970, order number, position of the customer (or
        ``GUEST``), store number. Returns are orders of their own.
    returns
        Number of the order returned, by order: 0 for a purchase, -1 for a return that does not
        say.
    lines
        Lines; ``visit`` is the position of the order.
    coupon, cost
        Cents by line.
    """

    stamp: Integers
    number: Integers
    customer: Integers
    store: Integers
    returns: Integers
    lines: Lines
    coupon: Integers
    cost: Integers

    @property
    def net(self) -> Integers:
        """Net cents by order."""
        return lines_module.totals(self.lines, len(self.stamp))

    @property
    def purchases(self) -> Flags:
        """Orders that are no returns."""
        return self.returns == 0


def write_up(trade: Trade) -> Ledger:
    """Return the ledger of a chunk's trade."""
    visits, calendar = trade.visits, trade.plan.calendar
    stamp = calendar.stamps(visits.moment)
    order = np.lexsort((np.arange(len(stamp)), stamp))
    number = np.empty(len(stamp), np.int64)
    number[order] = np.arange(len(stamp)) + 1 + trade.index * NUMBERS_A_CHUNK
    returned, back_stamp = _returned(trade, stamp)
    source = trade.lines.visit[returned]
    back = trade.lines.take(returned)
    back = Lines(
        len(stamp) + np.arange(len(back)), back.product, -back.quantity, -back.net, -back.listed
    )
    goods = Lines.join([trade.lines, back])
    rng = trade.plan.shop.generator("returns", trade.plan.shop.chunks + trade.index)
    named = rng.random(len(returned)) < NAMED
    return Ledger(
        stamp=np.concatenate([stamp, back_stamp]),
        number=np.concatenate([number, number.max(initial=0) + 1 + np.arange(len(returned))]),
        customer=np.concatenate([visits.customer, visits.customer[source]]),
        store=np.concatenate([visits.store, visits.store[source]]),
        returns=np.concatenate(
            [np.zeros(len(stamp), np.int64), np.where(named, number[source], -1)]
        ),
        lines=goods,
        coupon=_coupons(trade, goods, rng),
        cost=lines_module.costs(trade.plan.catalogue, goods),
    )


def _returned(trade: Trade, stamp: Integers) -> tuple[Integers, Integers]:
    """Return which lines come back, and when: general goods, never of the main body or guests."""
    shop, calendar, catalogue = trade.plan.shop, trade.plan.calendar, trade.plan.catalogue
    rng = shop.generator("returns", trade.index)
    goods, visits = trade.lines, trade.visits
    general = np.array([key in ("general", DEFECTIVE) for key in catalogue.keys])
    defective = np.array([key == DEFECTIVE for key in catalogue.keys])
    chance = shop.returns * np.where(defective, DEFECT_FACTOR, 1.0) * general
    known = (visits.customer != GUEST) & ~trade.people.of("main")[visits.customer]
    known &= visits.kind != KIND["trial"]
    drawn = rng.random(len(goods)) < chance[goods.product]
    found = np.flatnonzero(drawn & known[goods.visit])
    back = stamp[goods.visit[found]] + DAY_US * rng.integers(1, LATEST_RETURN + 1, len(found))
    for day in calendar.closed:
        back = np.where(calendar.days_since_start(back) == day, back + DAY_US, back)
    inside = calendar.days_since_start(back) < calendar.days
    return found[inside], back[inside]


def _coupons(trade: Trade, goods: Lines, rng: np.random.Generator) -> Integers:
    """Return the part of each line's net that a manufacturer pays back; none on returns."""
    national = np.array([brand == "national" for brand in trade.plan.catalogue.brands])
    given = rng.random(len(goods)) < COUPON_SHARE
    given &= national[goods.product] & (goods.net > 2 * COUPON_CENTS)
    return np.where(given, COUPON_CENTS, 0)
