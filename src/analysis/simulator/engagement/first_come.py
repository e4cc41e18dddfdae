"""Offers that there is only so often: who claims them, in which order, and who is too late.

Orders are there before: an offer's effect is planted by letting, of two customers alike, the one
who buys more afterwards rather be served, never by changing what anybody buys.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.simulator.arrow_columns import sums
from analysis.simulator.engagement.club_life import Further
from analysis.simulator.people.population import People
from analysis.simulator.selling.order_ledger import Ledger
from analysis.simulator.selling.trading import Trade
from analysis.simulator.shop import Shop
from analysis.simulator.shop_plan import Plan
from analysis.simulator.trading_calendar import DAY_US
from analysis.stats.types import Flags, Integers

#: Offers for each customer of the shop; days whose sales are looked at before and after.
SHARE, DAYS = 0.10, 182
#: Claims come at -log(1 - HASTE u) hours after the opening hour, u uniform over all of them.
OPENS_HOUR, HASTE = 10, 0.9


@dataclass(frozen=True)
class Offer:
    """An offer to the first who come.

    Parameters
    ----------
    key, name, week
        Promotion, its name, and the week on whose Wednesday it opens.
    favour
        Chance, beyond a half, that of two alike customers the one who buys more later is served.
    keen_first
        Customers of high expected value come earlier.
    persist
        Share of the others who still come once all is gone, the keenest; 1 where none sees it.
    """

    key: str
    name: str
    week: int
    favour: float = 0.0
    keen_first: bool = False
    persist: float = 1.0

    @property
    def day(self) -> int:
        """Day of the history on which it opens."""
        return 7 * self.week + 2


OFFERS = (
    Offer("F1", "Cool box for the first", 58, favour=0.35),
    Offer("F2", "Picnic bag for the first", 66, keen_first=True),
    Offer("F3", "Tasting with a counter", 74, persist=0.4),
)


@dataclass(frozen=True)
class Claims:
    """Claims of an offer in order: customer, stamp, served, and net cents in the days after."""

    offer: Offer
    customer: Integers
    stamp: Integers
    served: Flags
    later: Integers


def held(plan: Plan) -> tuple[Offer, ...]:
    """Return the offers that fit into the history, with the days after them."""
    return tuple(o for o in OFFERS if plan.calendar.holds(o.week, 1 + -(-DAYS // 7)))


def limit(shop: Shop) -> int:
    """Return how often each offer is there."""
    return sum(_slots(shop, index) for index in range(shop.chunks))


def _slots(shop: Shop, index: int) -> int:
    return int(SHARE * shop.chunk_size(index))


def draw(trade: Trade, ledger: Ledger) -> tuple[Claims, ...]:
    """Return the claims of a chunk's customers."""
    rng = trade.plan.shop.generator("first_come", trade.index)
    return tuple(_claims(trade, ledger, offer, rng) for offer in held(trade.plan))


def _claims(trade: Trade, ledger: Ledger, offer: Offer, rng: np.random.Generator) -> Claims:
    people, slots = trade.people, _slots(trade.plan.shop, trade.index)
    here = people.of("main", "club") & (people.joined < offer.week)
    here &= np.isnan(trade.left) | (trade.left > offer.week + 1)
    who = np.flatnonzero(here)
    who = rng.permutation(who)[: 2 * slots]
    later = _net_after(trade, ledger, offer)
    if len(who) == 2 * slots:
        who = _in_order(people, offer, who, later, rng)
    place = np.arange(len(who), dtype=float) + rng.random(len(who))
    place = np.where(place < slots, place, slots + (place - slots) / offer.persist)
    hours = OPENS_HOUR - np.log1p(-HASTE * place / (2 * max(slots, 1)))
    stamp = trade.plan.calendar.stamp_of_day(offer.day) + (hours / 24 * DAY_US).astype(np.int64)
    return Claims(offer, who, stamp, np.arange(len(who)) < slots, later[who])


def _in_order(
    people: People, offer: Offer, who: Integers, later: Integers, rng: np.random.Generator
) -> Integers:
    """Return the claimants in the order in which they come."""
    value = np.log(people.rate * people.value + 1e-9)[who]
    slots = len(who) // 2
    if offer.keen_first:
        return who[np.argsort(-value + rng.gumbel(size=len(who)))]
    if offer.persist < 1:
        late = who[slots:][np.argsort(-value[slots:])][: int(offer.persist * slots)]
        return np.concatenate([who[:slots], rng.permutation(late)])
    pairs = who[np.lexsort((value, people.group[who]))].reshape(slots, 2)
    more = np.argmax(later[pairs], axis=1)
    first = np.where(rng.random(slots) < 0.5 + offer.favour, more, 1 - more)
    place = rng.permutation(slots)
    served, refused = pairs[np.arange(slots), first], pairs[np.arange(slots), 1 - first]
    return np.concatenate([served[place][::-1], refused[place]])


def _net_after(trade: Trade, ledger: Ledger, offer: Offer) -> Integers:
    since = trade.plan.calendar.days_since_start(ledger.stamp) - offer.day
    mine = (since >= 0) & (since < DAYS) & (ledger.customer >= 0)
    return sums(ledger.customer[mine], ledger.net[mine], len(trade.people))


def further(claims: tuple[Claims, ...]) -> list[Further]:
    """Return the claims as interactions."""
    return [Further("claim", c.customer, c.stamp, c.offer.key, c.served) for c in claims]


def counts(claims: tuple[Claims, ...]) -> dict[str, int]:
    """Return claims and later net cents by offer and side."""
    found: dict[str, int] = {}
    for each in claims:
        for side, flags in (("served", each.served), ("late", ~each.served)):
            key = f"{each.offer.key}.{side}"
            found |= {key: int(flags.sum()), f"{key}.net": int(each.later[flags].sum())}
    return found


def density_jump(offer: Offer) -> float:
    """Return the jump of the log rate of claims when all is gone."""
    return float(np.log(offer.persist))


def effect(served: int, served_net: int, late: int, late_net: int) -> float | None:
    """Return the difference of the means in currency, None without both sides."""
    if not served or not late:
        return None
    return float(served_net / served - late_net / late) / 100
