"""The promotions department's files: who was given which arm, and what was redeemed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.simulator import arrow_columns
from analysis.simulator.selling.order_ledger import Ledger
from analysis.simulator.selling.promotion_plan import TRIALS, WIN_BACK, WIN_BACK_WEEK
from analysis.simulator.selling.trading import Played, Trade
from analysis.simulator.trading_calendar import DAY_US
from analysis.stats.types import Integers

if TYPE_CHECKING:
    import pyarrow as pa


PROMOTIONS = (*(t.key for t in TRIALS), WIN_BACK)
ARMS = tuple(dict.fromkeys(arm.name for t in TRIALS for arm in t.arms))
#: Arms are given this many days before the promotion begins.
DAYS_BEFORE = 3


def assignments_file(trade: Trade) -> pa.Table:
    """Return who was given which arm: promotion_id, customer_id, arm, assigned_at, randomised."""
    import pyarrow as pa

    promotion, customer, arm, day, drawn = (
        np.concatenate(c) for c in zip(*_given(trade), strict=True)
    )
    return pa.table(
        {
            "promotion_id": arrow_columns.names(promotion, PROMOTIONS),
            "customer_id": arrow_columns.whole(trade.people.first + customer),
            "arm": arrow_columns.names(arm, ARMS),
            "assigned_at": arrow_columns.times(trade.plan.calendar.stamp_of_day(0) + day * DAY_US),
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
    import pyarrow as pa

    promotion = [np.full(len(p.redeemed), _number(p)) for p in trade.played]
    nothing = np.empty(0, np.int64)
    number = np.concatenate([nothing, *promotion])
    order = np.concatenate([nothing, *(p.redeemed for p in trade.played)])
    return pa.table(
        {
            "promotion_id": arrow_columns.names(number, PROMOTIONS),
            "customer_id": arrow_columns.whole(trade.people.first + ledger.customer[order]),
            "redeemed_at": arrow_columns.times(ledger.stamp[order]),
            "coupon_id": arrow_columns.names(number, [f"C-{key}" for key in PROMOTIONS]),
            "order_id": arrow_columns.whole(ledger.number[order]),
        }
    )


def _number(played: Played) -> int:
    return PROMOTIONS.index(played.stage.trial.key)
