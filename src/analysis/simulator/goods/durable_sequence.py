"""Televisions, and the audio systems that follow them, among the customers with rare big orders."""

from __future__ import annotations

import functools

import numpy as np

from analysis.simulator.goods.catalogue import Catalogue
from analysis.simulator.goods.simulated_lines import Lines, single
from analysis.simulator.people.population import GROUP_NUMBER, People
from analysis.simulator.people.visits import GUEST, Visits, known
from analysis.simulator.shop import Shop
from analysis.simulator.trading_calendar import Calendar
from analysis.stats.types import Floats, Integers

#: What an order of a big-ticket customer holds.
TV_CHANCE, LARGE_CHANCE, CABLE_WITH_TV = 0.35, 0.30, 0.40
#: P(an audio system within the window of days): for any such customer, and after a first TV.
WINDOW_DAYS, BASE_RATE, AFTER_TV = 90, 0.06, 0.30
#: A follow-up comes 1 + (window - 1) * Beta days after the television.
LAG_BETA = (1.2, 3.0)

#: Chance of a follow-up beyond the base rate, so that both together give AFTER_TV.
FOLLOWS = 1 - (1 - AFTER_TV) / (1 - BASE_RATE)
#: Audio orders a week at the base rate.
AUDIO_RATE = -np.log(1 - BASE_RATE) / (WINDOW_DAYS / 7)


def draw(
    shop: Shop, calendar: Calendar, catalogue: Catalogue, people: People, visits: Visits, index: int
) -> tuple[Lines, Visits, Lines]:
    """Return big-ticket lines on the given orders, and the audio orders with their lines.

    The lines of the audio orders count their orders from 0.
    """
    rng = shop.generator("sequence", index)
    own = (visits.customer != GUEST) & people.of("big_ticket")[visits.customer]
    rows = np.flatnonzero(own)
    televisions = rows[rng.random(len(rows)) < TV_CHANCE]
    large = rows[rng.random(len(rows)) < LARGE_CHANCE]
    cables = televisions[rng.random(len(televisions)) < CABLE_WITH_TV]
    on_visits = Lines.join(
        [
            single(catalogue, televisions, _any(catalogue, "tv_", len(televisions), rng)),
            single(catalogue, large, _any(catalogue, "large_", len(large), rng)),
            single(catalogue, cables, np.full(len(cables), catalogue.number("cable"))),
        ]
    )
    who, when = _audio(shop, calendar, people, visits.take(televisions), rng)
    audio = known(shop, people, who, when, "audio", index)
    goods = _any(catalogue, "audio_", len(audio), rng)
    return on_visits, audio, single(catalogue, np.arange(len(audio)), goods)


def _any(catalogue: Catalogue, prefix: str, count: int, rng: np.random.Generator) -> Integers:
    return rng.choice(catalogue.all_of(prefix), count)


def _audio(
    shop: Shop, calendar: Calendar, people: People, televisions: Visits, rng: np.random.Generator
) -> tuple[Integers, Floats]:
    """Return who buys audio when: the base rate for all, and follow-ups of first televisions."""
    crowd = np.flatnonzero(people.group == GROUP_NUMBER["big_ticket"])
    rate = AUDIO_RATE * calendar.span if shop.orders else 0.0
    base = np.repeat(crowd, rng.poisson(rate, len(crowd)))
    base_at = rng.uniform(0.0, calendar.span, len(base))
    order = np.lexsort((televisions.moment, televisions.customer))
    buyers, first = np.unique(televisions.customer[order], return_index=True)
    bought = televisions.moment[order][first]
    follows = rng.random(len(buyers)) < FOLLOWS
    lag = (1 + (WINDOW_DAYS - 1) * rng.beta(*LAG_BETA, len(buyers))) / 7
    who = np.concatenate([base, buyers[follows]])
    when = np.concatenate([base_at, (bought + lag)[follows]])
    stamps = calendar.days_since_start(calendar.stamps(when))
    inside = (when < calendar.span) & (stamps < calendar.days)
    return who[inside], when[inside]


@functools.cache
def median_lag_days() -> float:
    """Return the median days to an audio system among those who buy within the window.

    Follow-up and base purchase compete; the earlier one counts.
    """
    from scipy.special import betainc

    days = np.linspace(0, WINDOW_DAYS, 9_001)
    share = np.clip((days - 1) / (WINDOW_DAYS - 1), 0.0, 1.0)
    followed = FOLLOWS * betainc(*LAG_BETA, share)
    bought = 1 - (1 - followed) * np.exp(-AUDIO_RATE * days / 7)
    return float(days[np.searchsorted(bought, bought[-1] / 2)])
