"""What customers say: surveys that not everybody answers, reviews, complaints."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analysis.simulator.arrow_columns import Aligned
from analysis.simulator.goods.catalogue import DEFECTIVE
from analysis.simulator.people.visits import GUEST
from analysis.simulator.selling.order_ledger import Ledger
from analysis.simulator.shop_plan import Plan
from analysis.simulator.trading_calendar import DAY_US
from analysis.stats.types import Flags, Floats, Integers

KINDS = ("nps", "csat", "review", "complaint")
#: Share of purchases after which each kind comes about (reviews: of general-range lines).
NPS_SHARE, CSAT_SHARE, REVIEW_SHARE, COMPLAINT_SHARE = 0.03, 0.03, 0.004, 0.004

#: NPS score: rounded and cut at 0 and 10 from
#: BASE + SLOPE * (x - CENTRE) - LEAVING * (leaves within LEAVING_DAYS) + noise,
#: x = log(1 + the customer's orders in the BEFORE_DAYS up to the invitation).
NPS_BASE, NPS_SLOPE, NPS_CENTRE, NPS_NOISE = 7.2, 0.9, 1.6, 1.9
LEAVING, LEAVING_DAYS, BEFORE_DAYS = 1.8, 90, 182
#: Answering depends on x alone, so that weighting by x repairs the mean.
NPS_ANSWERS, NPS_ANSWER_SLOPE = -0.9, 0.9
#: CSAT score 1 to 5 by channel (store, web, app): mean before rounding, noise. Answering
#: depends on the score itself, so that nothing known repairs the mean.
CSAT_MEANS, CSAT_NOISE = (4.0, 3.7, 3.4), 1.0
CSAT_ANSWERS, CSAT_ANSWER_SLOPE = -0.8, -0.45

#: Stars of a review: mean before rounding, for the defective product, and noise.
STARS, DEFECTIVE_STARS, STAR_NOISE = 4.2, 2.0, 0.9
#: What complaints are about, and how they are settled: days (median, log spread), never.
TOPICS = {
    "The delivery came late.": 0.40,
    "The price at the till was not the price on the shelf.": 0.25,
    "The quality was poor.": 0.20,
    "The staff was unfriendly.": 0.15,
}
SETTLED_DAYS, SETTLED_SPREAD, NEVER_SETTLED = 3.0, 0.8, 0.08
PRAISE = ("Very good.", "Good.", "It does.", "Not good.", "It broke at once.")
VOICES_A_CHUNK = 10_000_000


@dataclass(frozen=True)
class Voices(Aligned):
    """Invitations and answers of a chunk as aligned arrays.

    Parameters
    ----------
    kind
        Position in ``KINDS``.
    order
        Position of the order it is about.
    product
        Row number in the catalogue, -1 for none.
    invited, submitted, resolved
        Stamps; -1 for none.
    score
        True score, answered or not; -1 for none.
    chance
        Chance to answer.
    text
        Position in ``PRAISE`` and, after it, ``TOPICS``; -1 for none.
    """

    kind: Integers
    order: Integers
    product: Integers
    invited: Integers
    submitted: Integers
    resolved: Integers
    score: Integers
    chance: Floats
    text: Integers


def draw(plan: Plan, ledger: Ledger, left: Floats, index: int) -> Voices:
    """Return what the customers of chunk ``index`` say; ``left`` is when they left, in weeks."""
    rng = plan.shop.generator("surveys", index)
    known = np.flatnonzero(ledger.purchases & (ledger.customer != GUEST))
    asked = [known[rng.random(len(known)) < share] for share in (NPS_SHARE, CSAT_SHARE)]
    angry = known[rng.random(len(known)) < COMPLAINT_SHARE]
    parts = [
        _survey(0, asked[0], *_nps(plan, ledger, left, asked[0], rng), ledger, rng),
        _survey(1, asked[1], *_csat(plan, ledger, asked[1], rng), ledger, rng),
        _reviews(plan, ledger, rng),
        _complaints(angry, ledger, rng),
    ]
    voices = Voices.join(parts)
    last = plan.calendar.stamp_of_day(plan.calendar.days)
    seen = np.where(voices.invited >= 0, voices.invited, voices.submitted) < last
    return cut(voices, seen, last)


def cut(voices: Voices, seen: Flags, last: int) -> Voices:
    """Leave out what begins after the history, and what would be answered or settled after it."""
    kept = voices.take(seen)
    submitted, resolved = (np.where(t < last, t, -1) for t in (kept.submitted, kept.resolved))
    return replace(kept, submitted=submitted, resolved=resolved)


def _survey(
    kind: int,
    order: Integers,
    score: Integers,
    chance: Floats,
    ledger: Ledger,
    rng: np.random.Generator,
) -> Voices:
    count = len(order)
    invited = ledger.stamp[order] + 3 * DAY_US
    answers = invited + (rng.exponential(1.5, count) * DAY_US).astype(np.int64)
    none = np.full(count, -1)
    submitted = np.where(rng.random(count) < chance, answers, -1)
    return Voices(np.full(count, kind), order, none, invited, submitted, none, score, chance, none)


def _nps(
    plan: Plan, ledger: Ledger, left: Floats, order: Integers, rng: np.random.Generator
) -> tuple[Integers, Floats]:
    when = ledger.stamp[order] + 3 * DAY_US
    x = np.log1p(orders_before(ledger, ledger.customer[order], when))
    now = (when - plan.calendar.stamp_of_day(0)) / (7 * DAY_US)
    leaves = np.nan_to_num(left[ledger.customer[order]], nan=np.inf) < now + LEAVING_DAYS / 7
    mean = NPS_BASE + NPS_SLOPE * (x - NPS_CENTRE) - LEAVING * leaves
    score = np.rint(mean + NPS_NOISE * rng.standard_normal(len(order)))
    chance = 1 / (1 + np.exp(-(NPS_ANSWERS + NPS_ANSWER_SLOPE * (x - NPS_CENTRE))))
    return np.clip(score, 0, 10).astype(np.int64), chance


def orders_before(ledger: Ledger, customer: Integers, when: Integers) -> Integers:
    """Return how many purchases each customer made in the days before a stamp."""
    made = np.flatnonzero(ledger.purchases & (ledger.customer != GUEST))
    second = 1_000_000
    clock = np.sort(ledger.customer[made] * (1 << 40) + ledger.stamp[made] // second)
    until = customer * (1 << 40) + when // second
    after = np.searchsorted(clock, until, side="left")
    return after - np.searchsorted(clock, until - BEFORE_DAYS * DAY_US // second, side="left")


def _csat(
    plan: Plan, ledger: Ledger, order: Integers, rng: np.random.Generator
) -> tuple[Integers, Floats]:
    channel = np.maximum(ledger.store[order] - plan.shop.stores + 1, 0)
    mean = np.array(CSAT_MEANS)[channel]
    score = np.clip(np.rint(mean + CSAT_NOISE * rng.standard_normal(len(order))), 1, 5)
    chance = 1 / (1 + np.exp(-(CSAT_ANSWERS + CSAT_ANSWER_SLOPE * (score - 3))))
    return score.astype(np.int64), chance


def _reviews(plan: Plan, ledger: Ledger, rng: np.random.Generator) -> Voices:
    goods, keys = ledger.lines, plan.catalogue.keys
    general = np.array([key in ("general", DEFECTIVE) for key in keys])
    bad = np.array([key == DEFECTIVE for key in keys])
    written = rng.random(len(goods)) < REVIEW_SHARE
    written &= general[goods.product] & (ledger.customer[goods.visit] != GUEST)
    written &= ledger.purchases[goods.visit]
    line = np.flatnonzero(written)
    product, order, count = goods.product[line], goods.visit[line], len(line)
    mean = np.where(bad[product], DEFECTIVE_STARS, STARS)
    stars = np.clip(np.rint(mean + STAR_NOISE * rng.standard_normal(count)), 1, 5).astype(np.int64)
    when = ledger.stamp[order] + (rng.exponential(6.0, count) * DAY_US).astype(np.int64)
    none = np.full(count, -1)
    return Voices(
        np.full(count, 2), order, product, none, when, none, stars, np.ones(count), 5 - stars
    )


def _complaints(order: Integers, ledger: Ledger, rng: np.random.Generator) -> Voices:
    count = len(order)
    topic = rng.choice(len(TOPICS), count, p=list(TOPICS.values()))
    when = ledger.stamp[order] + (rng.exponential(2.0, count) * DAY_US).astype(np.int64)
    lag = SETTLED_DAYS * np.exp(SETTLED_SPREAD * rng.standard_normal(count))
    settled = np.where(
        rng.random(count) < NEVER_SETTLED, -1, when + (lag * DAY_US).astype(np.int64)
    )
    none = np.full(count, -1)
    return Voices(
        np.full(count, 3),
        order,
        none,
        none,
        when,
        settled,
        none,
        np.ones(count),
        len(PRAISE) + topic,
    )


def feedback_ids(voices: Voices, index: int) -> Integers:
    """Return the feedback numbers of a chunk."""
    return index * VOICES_A_CHUNK + 1 + np.arange(len(voices.kind))
