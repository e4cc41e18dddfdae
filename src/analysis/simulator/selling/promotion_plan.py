"""The promotions that are tried on club members, and what each truly does.

Club members buy each club product now and then in orders of their own. A promotion changes that
for those treated by four mechanisms only, so its effect is known customer by customer:

extra      orders that would not have been made, Poisson(``extra``) by life stage in the window
subsidy    orders in the window that would have been made anyway, now at the discount
pulled     orders of the weeks after that move into the window, each with chance ``pulled``
switched   orders of the neighbour product in the window that move over, each with ``switched``
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from analysis.simulator.people.population import FAMILY, STAGES

Assignment = Literal["randomised", "broken", "targeted"]


@dataclass(frozen=True)
class Arm:
    """One arm: its share of the customers, what it offers and what that does.

    Parameters
    ----------
    name, share
        Name in the assignments table; planned share.
    depth
        Discount on the product in the window.
    extra
        Expected extra orders a customer, by life stage.
    pulled, switched
        Chance that an order of the weeks after, or of the neighbour, moves over.
    channel
        Channel of the message; empty where none is sent.
    """

    name: str
    share: float
    depth: float = 0.0
    extra: tuple[float, ...] = (0.0,) * len(STAGES)
    pulled: float = 0.0
    switched: float = 0.0
    channel: str = ""


@dataclass(frozen=True)
class Trial:
    """A promotion on club members.

    Parameters
    ----------
    key, name
        promotion_id and name.
    product, neighbour
        Keys of the product on offer and of the one it may take from.
    week, weeks, after
        First week, length, and the weeks after that count for what is pulled forward.
    arms
        Control first.
    rate
        Orders a week of each of the two products that a club member makes anyway.
    assignment
        How arms are given: at random; at random with a bug in the log; by past spend.
    mechanic, goal, fixed_cost
        As in the promotions table.
    """

    key: str
    name: str
    product: str
    week: int
    arms: tuple[Arm, ...]
    weeks: int = 4
    after: int = 0
    neighbour: str = ""
    rate: float = 0.012
    assignment: Assignment = "randomised"
    mechanic: str = "coupon"
    goal: str = "sales"
    fixed_cost: float = 500.0


def everybody(extra: float) -> tuple[float, ...]:
    """Return the same expected extra orders for every life stage."""
    return (extra,) * len(STAGES)


def families(family: float, others: float) -> tuple[float, ...]:
    """Return expected extra orders for young families, and for the other life stages."""
    return tuple(family if i == FAMILY else others for i in range(len(STAGES)))


TRIALS = (
    Trial(
        "T1",
        "Coffee coupon",
        "club_coffee",
        18,
        (Arm("control", 0.5), Arm("treatment", 0.5, 0.20, families(0.70, 0.20), channel="email")),
    ),
    Trial(
        "T2",
        "Tea greeting",
        "club_tea",
        27,
        (Arm("control", 0.5), Arm("treatment", 0.5, channel="email")),
        mechanic="mailing",
        goal="traffic",
        fixed_cost=300.0,
    ),
    Trial(
        "T3",
        "Detergent weeks",
        "club_detergent",
        34,
        (Arm("control", 0.5), Arm("treatment", 0.5, 0.25, pulled=0.6, channel="app")),
        after=8,
        rate=0.03,
        mechanic="price cut",
    ),
    Trial(
        "T4",
        "Shampoo swap",
        "club_shampoo",
        46,
        (Arm("control", 0.5), Arm("treatment", 0.5, 0.15, switched=0.6, channel="app")),
        neighbour="club_shower_gel",
        rate=0.035,
        goal="launch",
    ),
    Trial(
        "T5",
        "Chocolate treat",
        "club_chocolate",
        56,
        (Arm("control", 0.5), Arm("treatment", 0.5, 0.20, everybody(0.20), channel="sms")),
        assignment="broken",
    ),
    Trial(
        "T6",
        "Wine for good customers",
        "club_wine",
        80,
        (Arm("control", 0.6), Arm("treatment", 0.4, 0.15, everybody(0.12), channel="mail")),
        assignment="targeted",
        fixed_cost=800.0,
    ),
    Trial(
        "T7",
        "Nuts by channel",
        "club_nuts",
        86,
        (
            Arm("control", 0.2),
            Arm("email", 0.2, 0.0, everybody(0.04), channel="email"),
            Arm("sms", 0.2, 0.0, everybody(0.12), channel="sms"),
            Arm("app", 0.2, 0.0, everybody(0.08), channel="app"),
            Arm("phone", 0.2, 0.0, everybody(0.20), channel="phone"),
        ),
        mechanic="mailing",
        goal="exposure",
        fixed_cost=0.0,
    ),
    Trial(
        "T8",
        "Olives at three depths",
        "club_olives",
        94,
        (
            Arm("control", 0.25),
            Arm("10 %", 0.25, 0.10, everybody(0.10), channel="email"),
            Arm("20 %", 0.25, 0.20, everybody(0.18), channel="email"),
            Arm("30 %", 0.25, 0.30, everybody(0.22), channel="email"),
        ),
    ),
)

#: T5: of the treated with at least so many orders in the weeks before, the log lost this share.
LOST_ORDERS, LOST_WEEKS, LOST_SHARE = 6, 26, 0.9
#: T6: P(treated) = logistic(intercept + slope * (log(1 + net of the weeks before) - centre)).
TARGET_WEEKS, TARGET_INTERCEPT, TARGET_SLOPE, TARGET_CENTRE = 26, -0.4, 1.0, 4.6

#: Money a message costs, by channel.
MESSAGE_COST = {"email": 0.01, "sms": 0.08, "app": 0.0, "phone": 1.50, "mail": 0.80}

#: Win-back of lapsed customers: promotion, week, chance to come back, and when.
WIN_BACK, WIN_BACK_NAME, WIN_BACK_WEEK, WIN_BACK_WEEKS = "W1", "Come back", 84, 8
COMES_BACK = {"control": 0.10, "treatment": 0.35}
