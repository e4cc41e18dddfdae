"""The loyalty scheme: points earned, redeemed and lost, tiers held, friends brought along."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.simulator import arrow_columns as arrow
from analysis.simulator.engagement.club_life import Further
from analysis.simulator.people.history_effects import TIER_POINTS, TIER_WEEKS
from analysis.simulator.people.population import BGNBD, People
from analysis.simulator.people.visits import GUEST
from analysis.simulator.selling.order_ledger import Ledger
from analysis.simulator.shop_plan import Plan
from analysis.simulator.trading_calendar import DAY_US, EPOCH
from analysis.stats.types import Flags, Floats, Integers

#: Points of an order that are never redeemed, and the days that points live.
BREAKAGE, LIFE_DAYS = 0.35, 365
#: Redeemed points leave after 1 + (LIFE_DAYS - 2) * Beta days.
REDEEM_BETA = (1.2, 2.8)
#: Entry numbers of a chunk begin at its index times this.
ENTRIES_A_CHUNK = 100_000_000
TIERS = ("basic", *TIER_POINTS)
REASONS = ("purchase", "refund")
#: Share of the named returns of a lot that stays open to the end whose points are taken back.
TAKEN_BACK = 0.7

#: Share of the main body that was referred, and how strongly the order rate tilts it:
#: P(referred | rate) = share * (1 - tilt + tilt * rate / mean rate).
REFERRED, TILT = 0.10, 0.5
#: What the referrer and the new customer are given; mean days from sharing a code to coming.
REWARD_CENTS, WELCOME_CENTS, SHARED_DAYS = 1_000, 500, 10.0
#: Share of the invitations passed on that lead to somebody.
INVITED_COME = 0.25


@dataclass(frozen=True)
class Earned:
    """Points earned by order: position of the order, points, redeemed stamp or -1.

    ``back_lot``, ``back_points`` and ``back_at`` are what is taken back: of which of these, how
    many points, when. ``came_back`` is the share of the order's net that named returns brought.
    """

    order: Integers
    points: Integers
    redeemed: Integers
    came_back: Floats
    back_lot: Integers
    back_points: Integers
    back_at: Integers

    @property
    def taken_back(self) -> Integers:
        """Points taken back by order."""
        return arrow.sums(self.back_lot, self.back_points, len(self.order))


def earn(plan: Plan, people: People, ledger: Ledger, index: int) -> Earned:
    """Return the points of members' purchases and when they are redeemed, if ever."""
    rng = plan.shop.generator("points", index)
    member = people.member[ledger.customer] & (ledger.customer != GUEST)
    points = ledger.net // 100
    order = np.flatnonzero(member & ledger.purchases & (points > 0))
    lag = 1 + (LIFE_DAYS - 2) * rng.beta(*REDEEM_BETA, len(order))
    when = ledger.stamp[order] + (lag * DAY_US).astype(np.int64)
    kept = rng.random(len(order)) >= BREAKAGE
    redeemed = np.where(kept, when, -1)
    club = people.of("club")[ledger.customer[order]]
    came_back, *taken = _taken_back(plan, ledger, order, points[order], redeemed, club, index)
    return Earned(order, points[order], redeemed, came_back, *taken)


def _taken_back(
    plan: Plan,
    ledger: Ledger,
    order: Integers,
    points: Integers,
    redeemed: Integers,
    club: Flags,
    index: int,
) -> tuple[Floats, Integers, Integers, Integers]:
    """Return the share of each order that came back, and the points taken back for it.

    Only lots that stay open to the end give points back, so that redemptions and expiries stay as
    they are; and none of the club's, whose tiers count what was earned.
    """
    rng = plan.shop.generator("reversals", index)
    back = np.flatnonzero(ledger.returns > 0)
    drawn = rng.random(len(back)) < TAKEN_BACK
    source = np.argsort(ledger.number)
    source = source[np.searchsorted(ledger.number, ledger.returns[back], sorter=source)]
    share = np.minimum(-ledger.net[back] / np.maximum(ledger.net[source], 1), 1.0)
    lot = np.full(len(ledger.stamp), -1)
    lot[order] = np.arange(len(order))
    mine = lot[source]
    known = mine >= 0
    came_back = np.bincount(mine[known], weights=share[known], minlength=len(order))
    last = plan.calendar.stamp_of_day(plan.calendar.days)
    expires = (ledger.stamp[order] // DAY_US + LIFE_DAYS) * DAY_US
    open_ = np.where(redeemed >= 0, redeemed, expires) >= last
    whole = np.floor(share * points[mine]) if len(order) else share
    taken = np.where(known & drawn, whole, 0).astype(np.int64)
    taken = np.where(open_[mine] & ~club[mine], taken, 0) if len(order) else taken
    some = taken > 0
    return np.minimum(came_back, 1.0), mine[some], taken[some], ledger.stamp[back[some]]


def points_file(plan: Plan, people: People, ledger: Ledger, earned: Earned, index: int) -> pa.Table:
    """Return the movements of points: entry_id, customer_id, posted_at, kind, points, ..."""
    last = plan.calendar.stamp_of_day(plan.calendar.days)
    got = ledger.stamp[earned.order]
    expires = got // DAY_US + LIFE_DAYS
    spent = (earned.redeemed >= 0) & (earned.redeemed < last)
    gone = (earned.redeemed < 0) & (expires * DAY_US < last)
    row = np.concatenate([np.arange(len(got)), np.flatnonzero(spent), np.flatnonzero(gone)])
    kind = np.repeat([0, 1, 2], [len(got), int(spent.sum()), int(gone.sum())])
    posted = np.choose(kind, [got[row], earned.redeemed[row], expires[row] * DAY_US])
    order = np.lexsort((row, kind, posted))
    row, kind, posted = row[order], kind[order], posted[order]
    points = np.where(kind == 0, 1, -1) * earned.points[row]
    number = index * ENTRIES_A_CHUNK + 1 + np.arange(len(row) + len(earned.back_lot))
    of = np.empty(len(got), np.int64)
    of[row[kind == 0]] = number[: len(row)][kind == 0]
    # What is taken back stands behind everything else, whose numbers it leaves as they are.
    reverses = np.concatenate([np.zeros(len(row), np.int64), of[earned.back_lot]])
    row = np.concatenate([row, earned.back_lot])
    kind = np.concatenate([kind, np.full(len(earned.back_lot), 3)])
    posted = np.concatenate([posted, earned.back_at])
    named = (kind == 0) | (kind == 3)
    return pa.table(
        {
            "entry_id": arrow.whole(number),
            "customer_id": arrow.whole(people.first + ledger.customer[earned.order[row]]),
            "posted_at": arrow.times(posted),
            "kind": arrow.names(kind, ("earn", "redeem", "expire", "adjust")),
            "points": arrow.whole(np.concatenate([points, -earned.back_points])),
            "expires_on": arrow.dates(expires[row], kind > 0),
            "order_id": arrow.whole(ledger.number[earned.order[row]], ~named),
            "reason": arrow.names((kind == 3).astype(np.int64), REASONS, ~named),
            "reverses_entry_id": arrow.whole(reverses, kind != 3),
        }
    )


def year_points(plan: Plan, people: People, ledger: Ledger, earned: Earned, year: int) -> Integers:
    """Return the points that each customer earned in loyalty year ``year`` (from 0)."""
    week = plan.calendar.days_since_start(ledger.stamp[earned.order]) // 7
    mine = week // TIER_WEEKS == year
    return arrow.sums(ledger.customer[earned.order[mine]], earned.points[mine], len(people))


def tiers_file(plan: Plan, people: People, ledger: Ledger, earned: Earned) -> pa.Table:
    """Return the tiers held: customer_id, tier, valid_from, valid_to, fee, qualifying_..."""
    start = (plan.calendar.start - EPOCH).days
    years = (plan.calendar.days - 1) // (7 * TIER_WEEKS)
    who = np.flatnonzero(people.member)
    tier = np.zeros((len(who), years + 1), np.int64)
    points = np.zeros_like(tier)
    for year in range(years):
        points[:, year + 1] = year_points(plan, people, ledger, earned, year)[who]
    steps = sorted(TIER_POINTS.values())
    tier[:, 1:] = np.searchsorted(steps, points[:, 1:], side="right")
    begins = np.empty(tier.shape, np.int64)
    begins[:] = start + 7 * TIER_WEEKS * np.arange(years + 1)
    joined = start + np.floor(7 * people.joined[who]).astype(np.int64)
    begins[:, 0] = joined
    starts = np.column_stack([np.ones(len(who), np.bool_), np.diff(tier, axis=1) != 0])
    starts[:, 1:] &= begins[:, 1:] > joined[:, None]
    row, column = np.nonzero(starts)
    last = np.append(row[1:] != row[:-1], True) if len(row) else np.empty(0, np.bool_)
    ends = np.append(begins[row, column][1:], 0) if len(row) else np.empty(0, np.int64)
    return pa.table(
        {
            "customer_id": arrow.whole(people.first + who[row]),
            "tier": arrow.names(tier[row, column], TIERS),
            "valid_from": arrow.dates(begins[row, column]),
            "valid_to": arrow.dates(ends, last),
            "fee": arrow.money(np.zeros(len(row), np.int64)),
            "qualifying_amount": pc.if_else(
                pa.array(column == 0), None, arrow.money(100 * points[row, column])
            ),
            "qualifying_from": arrow.dates(start + 7 * TIER_WEEKS * (column - 1), column == 0),
        }
    )


def referred(plan: Plan, people: People, index: int) -> tuple[Flags, Integers]:
    """Return who was referred, and by whom (position; only club members refer)."""
    rng = plan.shop.generator("referrals", index)
    mean = plan.shop.orders * BGNBD["r"] / BGNBD["alpha"]
    chance = REFERRED * (1 - TILT + TILT * people.rate / mean) if mean else np.zeros(len(people))
    friends = np.flatnonzero(people.of("club"))
    drawn = rng.random(len(people)) < chance
    found = drawn & people.of("main") if len(friends) else np.zeros(len(people), np.bool_)
    luck = (rng.random(len(people)) ** 2 * len(friends)).astype(np.int64)
    return found, friends[luck] if len(friends) else luck


def referrals_file(plan: Plan, people: People, ledger: Ledger, index: int) -> pa.Table:
    """Return the referrals: referrer_id, referred_id, referred_at, reward, code, ..."""
    found, by_whom = referred(plan, people, index)
    who = np.flatnonzero(found)
    came = plan.calendar.stamps(people.joined[who])
    waited = plan.shop.generator("club", index).exponential(SHARED_DAYS, len(who)) * DAY_US
    first = _first_orders(ledger, len(people))[who]
    return pa.table(
        {
            "referrer_id": arrow.whole(people.first + by_whom[who]),
            "referred_id": arrow.whole(people.first + who),
            "referred_at": arrow.times(came),
            "reward": arrow.money(np.full(len(who), REWARD_CENTS)),
            "code": pa.array([f"FRIEND{people.first + friend}" for friend in by_whom[who]]),
            "shared_at": arrow.times(came - waited.astype(np.int64)),
            "status": arrow.constant("rewarded", len(who)),
            "referred_reward": arrow.money(np.full(len(who), WELCOME_CENTS)),
            "first_order_id": arrow.whole(first, first < 0),
        }
    )


def invitations(plan: Plan, people: People, index: int) -> Further:
    """Return the invitations that customers passed on: those that led to somebody, and others.

    For each that led to somebody others did not; they were passed on at like times, by like
    friends.
    """
    rng = plan.shop.generator("invitations", index)
    found, by_whom = referred(plan, people, index)
    who = np.flatnonzero(found)
    came = plan.calendar.stamps(people.joined[who])
    waited = plan.shop.generator("club", index).exponential(SHARED_DAYS, len(who)) * DAY_US
    failed = np.repeat(np.arange(len(who)), rng.geometric(INVITED_COME, len(who)) - 1)
    wait = rng.exponential(SHARED_DAYS, len(failed)) * DAY_US
    friends = np.concatenate([by_whom[who], rng.permutation(by_whom[who][failed])])
    shared = np.concatenate([came - waited.astype(np.int64), came[failed] - wait.astype(np.int64)])
    order = np.argsort(shared, kind="stable")
    return Further("invite", friends[order], shared[order])


def _first_orders(ledger: Ledger, count: int) -> Integers:
    """Return the number of each customer's first order, -1 where there is none."""
    bought = np.flatnonzero(ledger.purchases & (ledger.customer != GUEST))
    bought = bought[np.lexsort((ledger.number[bought], ledger.stamp[bought]))]
    first = np.full(count, -1, np.int64)
    first[ledger.customer[bought][::-1]] = ledger.number[bought][::-1]
    return first


def quality_ratio() -> float:
    """Return the mean order rate of referred over other customers of the main body."""
    tilted = 1 + TILT / BGNBD["r"]
    return tilted / ((1 - REFERRED * tilted) / (1 - REFERRED))
