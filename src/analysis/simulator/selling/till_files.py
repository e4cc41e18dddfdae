"""The tills' files: order lines as real deliveries look, late, twice, damaged, or not at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from analysis.simulator import arrow_columns as arrow
from analysis.simulator.goods.catalogue import DEFECTIVE
from analysis.simulator.goods.simulated_lines import Lines
from analysis.simulator.people.population import People
from analysis.simulator.people.store_network import store_ids
from analysis.simulator.people.visits import GUEST
from analysis.simulator.selling.order_ledger import Ledger
from analysis.simulator.shop_plan import Plan
from analysis.stats.types import Flags, Integers

#: Share of orders delivered late, and delivered again with the late ones.
LATE_SHARE, TWICE_SHARE = 0.015, 0.005
#: Damaged rows and rows of a training till, as a share of all lines.
DAMAGED_SHARE, TRAINING_SHARE = 0.0003, 0.0002
#: Day whose delivery of the last store never came (if the history is longer).
LOST_DAY = 43
#: What is missing in a damaged row, in turn.
DAMAGES = ("product_id", "ordered_at", "net_amount")
TRAINING = "TRAINING"


@dataclass(frozen=True)
class Delivery:
    """How the lines of a chunk are delivered; all but the flags are counts of extra rows.

    Parameters
    ----------
    lost, late, twice
        Lines that never come; lines that come with the late file; lines of the main file that
        come again with the late file.
    damaged, training
        Positions of lines whose damaged or practised copies are added to the main file.
    """

    lost: Flags
    late: Flags
    twice: Flags
    damaged: Integers
    training: Integers


def deliver(plan: Plan, ledger: Ledger, index: int) -> Delivery:
    """Return what becomes of each line on its way; all arrives well if the shop is tidy."""
    lines, orders = ledger.lines, len(ledger.stamp)
    if not plan.shop.mess:
        none = np.zeros(len(lines), np.bool_)
        nothing = np.empty(0, np.int64)
        return Delivery(none, none, none, nothing, nothing)
    rng = plan.shop.generator("mess", index)
    draw = rng.random(orders)
    late = draw < LATE_SHARE
    twice = ~late & (draw < LATE_SHARE + TWICE_SHARE)
    day = plan.calendar.days_since_start(ledger.stamp)
    lost = (day == LOST_DAY) & (ledger.store == plan.shop.stores - 1)
    here = np.flatnonzero(~lost[lines.visit])
    damaged = rng.choice(here, rng.binomial(len(here), DAMAGED_SHARE)) if len(here) else here
    training = rng.choice(here, rng.binomial(len(here), TRAINING_SHARE)) if len(here) else here
    return Delivery(
        lost=lost[lines.visit],
        late=(late & ~lost)[lines.visit],
        twice=(twice & ~lost)[lines.visit],
        damaged=damaged,
        training=training,
    )


#: Why goods come back, and how often it is said of the defective product and of all others.
REASONS = ("changed mind", "wrong size", "damaged in transit", "defective")
REASON_SHARES, DEFECTIVE_REASONS = (0.40, 0.25, 0.15, 0.20), (0.05, 0.05, 0.10, 0.80)


def files(
    plan: Plan, people: People, ledger: Ledger, delivery: Delivery, index: int
) -> dict[str, pa.Table]:
    """Return the main and the late file of order lines.

    Returns
    -------
    dict
        ``order_lines`` and ``order_lines_late``: order_id, line, customer_id, product_id,
        ordered_at, quantity, net_amount, store_id, channel, list_amount, discount_amount,
        coupon_amount, cost_amount, returned_order_id, return_reason.
    """
    line = _line_numbers(ledger.lines.visit)
    by_time = np.lexsort((line, ledger.number[ledger.lines.visit]))
    reason = _reasons(plan, ledger, index)
    main = by_time[~(delivery.lost | delivery.late)[by_time]]
    again = by_time[(delivery.late | delivery.twice)[by_time]]
    extras = np.concatenate([delivery.damaged, delivery.training])
    kind = np.concatenate(
        [np.arange(len(delivery.damaged)) % len(DAMAGES) + 1, np.full(len(delivery.training), -1)]
    )
    harm = np.concatenate([np.zeros(len(main), np.int64), kind])
    rows = np.concatenate([main, extras])
    none = np.zeros(len(again), np.int64)
    return {
        "order_lines": _rows(plan, people, ledger, rows, (line, harm, reason)),
        "order_lines_late": _rows(plan, people, ledger, again, (line, none, reason)),
    }


def _reasons(plan: Plan, ledger: Ledger, index: int) -> Integers:
    """Return the position of each line's reason in ``REASONS``, -1 for what did not come back."""
    rng = plan.shop.generator("returns", 2 * plan.shop.chunks + index)
    bad = np.array([key == DEFECTIVE for key in plan.catalogue.keys])[ledger.lines.product]
    shares = np.where(bad[:, None], np.array(DEFECTIVE_REASONS), np.array(REASON_SHARES))
    edges = np.cumsum(shares, axis=1)[:, :-1]
    drawn = (rng.random(len(bad))[:, None] > edges).sum(axis=1)
    return np.where(ledger.purchases[ledger.lines.visit], -1, drawn)


def _line_numbers(visit: Integers) -> Integers:
    """Return 1, 2, ... within each order, in the order of the lines."""
    order = np.argsort(visit, kind="stable")
    count = np.bincount(visit) if len(visit) else np.empty(0, np.int64)
    begins = np.cumsum(count) - count
    number = np.empty(len(visit), np.int64)
    number[order] = np.arange(len(visit)) - begins[visit[order]] + 1
    return number


def _rows(
    plan: Plan,
    people: People,
    ledger: Ledger,
    rows: Integers,
    about: tuple[Integers, Integers, Integers],
) -> pa.Table:
    """Return ``rows`` of the lines.

    ``about`` holds the number of every line in its order, what is wrong with each of ``rows`` (0
    nothing, i the i-th of DAMAGES, -1 training till), and why every line came back.
    """
    line, harm, reason = about
    goods = ledger.lines.take(rows)
    visit = goods.visit
    who = ledger.customer[visit]
    returns = ledger.returns[visit]
    product = arrow.names(goods.product, plan.catalogue.product_ids, _harmed(harm, "product_id"))
    return pa.table(
        {
            "order_id": arrow.whole(np.where(harm == 0, ledger.number[visit], -rows - 1)),
            "line": arrow.whole(line[rows]),
            "customer_id": arrow.whole(people.first + who, who == GUEST),
            "product_id": product,
            "ordered_at": arrow.times(ledger.stamp[visit], _harmed(harm, "ordered_at")),
            "quantity": pa.array(goods.quantity),
            **_money(ledger, goods, rows, harm),
            **_places(plan, ledger.store[visit], harm),
            "returned_order_id": arrow.whole(returns, returns <= 0),
            "return_reason": arrow.names(reason[rows], REASONS, reason[rows] < 0),
        }
    )


def _harmed(harm: Integers, column: str) -> NDArray[np.bool_]:
    return harm == DAMAGES.index(column) + 1


def _money(ledger: Ledger, goods: Lines, rows: Integers, harm: Integers) -> dict[str, pa.Array]:
    net = arrow.money(goods.net)
    if harm.any():
        net = pc.if_else(~_harmed(harm, "net_amount"), net, None)
    return {
        "net_amount": net,
        "list_amount": arrow.money(goods.listed),
        "discount_amount": arrow.money(goods.listed - goods.net),
        "coupon_amount": arrow.money(ledger.coupon[rows]),
        "cost_amount": arrow.money(ledger.cost[rows]),
    }


def _places(plan: Plan, store: Integers, harm: Integers) -> dict[str, pa.Array]:
    stores = plan.shop.stores
    words = (*store_ids(stores), TRAINING)
    channel = np.maximum(store - stores + 1, 0)
    return {
        "store_id": arrow.names(np.where(harm < 0, len(words) - 1, store), words),
        "channel": arrow.names(channel, ("store", "web", "app")),
    }
