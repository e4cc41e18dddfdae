"""The tills' files: order lines as they are delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from analysis.simulator import arrow_columns
from analysis.simulator.goods.simulated_lines import Lines
from analysis.simulator.people.population import People
from analysis.simulator.people.store_network import store_ids
from analysis.simulator.people.visits import GUEST
from analysis.simulator.selling.delivery_errors import DAMAGES, TRAINING, Delivery
from analysis.simulator.selling.order_ledger import Ledger
from analysis.simulator.shop_plan import Plan
from analysis.stats.types import Integers

if TYPE_CHECKING:
    import pyarrow as pa


def files(plan: Plan, people: People, ledger: Ledger, delivery: Delivery) -> dict[str, pa.Table]:
    """Return the main and the late file of order lines.

    Returns
    -------
    dict
        ``order_lines`` and ``order_lines_late``: order_id, line, customer_id, product_id,
        ordered_at, quantity, net_amount, store_id, channel, list_amount, discount_amount,
        coupon_amount, cost_amount, returned_order_id.
    """
    line = _line_numbers(ledger.lines.visit)
    by_time = np.lexsort((line, ledger.number[ledger.lines.visit]))
    main = by_time[~(delivery.lost | delivery.late)[by_time]]
    again = by_time[(delivery.late | delivery.twice)[by_time]]
    extras = np.concatenate([delivery.damaged, delivery.training])
    kind = np.concatenate(
        [np.arange(len(delivery.damaged)) % len(DAMAGES) + 1, np.full(len(delivery.training), -1)]
    )
    harm = np.concatenate([np.zeros(len(main), np.int64), kind])
    return {
        "order_lines": _rows(plan, people, ledger, np.concatenate([main, extras]), line, harm),
        "order_lines_late": _rows(
            plan, people, ledger, again, line, np.zeros(len(again), np.int64)
        ),
    }


def _line_numbers(visit: Integers) -> Integers:
    """Return 1, 2, ... within each order, in the order of the lines."""
    order = np.argsort(visit, kind="stable")
    count = np.bincount(visit) if len(visit) else np.empty(0, np.int64)
    begins = np.cumsum(count) - count
    number = np.empty(len(visit), np.int64)
    number[order] = np.arange(len(visit)) - begins[visit[order]] + 1
    return number


def _rows(
    plan: Plan, people: People, ledger: Ledger, rows: Integers, line: Integers, harm: Integers
) -> pa.Table:
    """Return ``rows`` of the lines; ``harm``: 0 none, i the i-th of DAMAGES, -1 training till."""
    import pyarrow as pa

    goods = ledger.lines.take(rows)
    visit = goods.visit
    who = ledger.customer[visit]
    returns = ledger.returns[visit]
    product = arrow_columns.names(
        goods.product, plan.catalogue.product_ids, _harmed(harm, "product_id")
    )
    return pa.table(
        {
            "order_id": arrow_columns.whole(np.where(harm == 0, ledger.number[visit], -rows - 1)),
            "line": arrow_columns.whole(line[rows]),
            "customer_id": arrow_columns.whole(people.first + who, who == GUEST),
            "product_id": product,
            "ordered_at": arrow_columns.times(ledger.stamp[visit], _harmed(harm, "ordered_at")),
            "quantity": pa.array(goods.quantity),
            **_money(ledger, goods, rows, harm),
            **_places(plan, ledger.store[visit], harm),
            "returned_order_id": arrow_columns.whole(returns, returns <= 0),
        }
    )


def _harmed(harm: Integers, column: str) -> NDArray[np.bool_]:
    return harm == DAMAGES.index(column) + 1


def _money(ledger: Ledger, goods: Lines, rows: Integers, harm: Integers) -> dict[str, pa.Array]:
    import pyarrow.compute as pc

    net = arrow_columns.money(goods.net)
    if harm.any():
        net = pc.if_else(~_harmed(harm, "net_amount"), net, None)
    return {
        "net_amount": net,
        "list_amount": arrow_columns.money(goods.listed),
        "discount_amount": arrow_columns.money(goods.listed - goods.net),
        "coupon_amount": arrow_columns.money(ledger.coupon[rows]),
        "cost_amount": arrow_columns.money(ledger.cost[rows]),
    }


def _places(plan: Plan, store: Integers, harm: Integers) -> dict[str, pa.Array]:
    stores = plan.shop.stores
    words = (*store_ids(stores), TRAINING)
    channel = np.maximum(store - stores + 1, 0)
    return {
        "store_id": arrow_columns.names(np.where(harm < 0, len(words) - 1, store), words),
        "channel": arrow_columns.names(channel, ("store", "web", "app")),
    }
