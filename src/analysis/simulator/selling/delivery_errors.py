"""What real deliveries look like: late, twice, damaged, or not at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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
