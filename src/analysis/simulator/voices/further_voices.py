"""Voices beside surveys, reviews and complaints: effort after a complaint, exits, interviews."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from analysis.simulator.chunk_facts import Facts
from analysis.simulator.people.visits import GUEST
from analysis.simulator.trading_calendar import DAY_US
from analysis.simulator.voices.survey_answers import KINDS, Voices, cut
from analysis.stats.types import Floats, Integers

#: Every kind of feedback that the shop collects.
ALL_KINDS = (*KINDS, "ces", "interview", "exit")
CES, INTERVIEW, EXIT = range(len(KINDS), len(ALL_KINDS))
#: Effort, 1 (hard) to 7 (easy), asked a day after a complaint is settled: BASE - SLOPE x log of
#: the days it took + noise; the share who answer whatever they would say.
CES_BASE, CES_SLOPE, CES_NOISE, CES_ANSWERS = 5.5, 0.8, 1.0, 0.4
#: Share of the main customers who leave that say why, and of all customers interviewed.
EXIT_SHARE, INTERVIEW_SHARE = 0.15, 0.004


def draw(facts: Facts) -> Voices:
    """Return the further voices of a chunk, from a stream of their own."""
    plan = facts.plan
    rng = plan.shop.generator("reviews", plan.shop.chunks + facts.index)
    voices = join([_effort(facts, rng), _interviews(facts, rng), _exits(facts, rng)])
    last = plan.calendar.stamp_of_day(plan.calendar.days)
    begins = np.where(voices.invited >= 0, voices.invited, voices.submitted)
    return cut(voices, begins < last, last)


def every(facts: Facts) -> Voices:
    """Return all voices of a chunk, surveys first."""
    return join([facts.voices, draw(facts)])


def join(parts: list[Voices]) -> Voices:
    """Return the voices of ``parts`` one after the other."""
    return Voices(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Voices)))


def _voices(
    kind: int, order: Integers, invited: Integers, submitted: Integers, score: Integers,
    chance: Floats,
) -> Voices:  # fmt: skip
    none = np.full(len(order), -1)
    return Voices(
        np.full(len(order), kind), order, none, invited, submitted, none, score, chance, none
    )


def _effort(facts: Facts, rng: np.random.Generator) -> Voices:
    voices = facts.voices
    settled = np.flatnonzero((voices.kind == KINDS.index("complaint")) & (voices.resolved >= 0))
    days = (voices.resolved - voices.submitted)[settled] / DAY_US
    latent = CES_BASE - CES_SLOPE * np.log(np.maximum(days, 0.05))
    score = np.clip(np.rint(latent + CES_NOISE * rng.standard_normal(len(settled))), 1, 7)
    invited = voices.resolved[settled] + DAY_US
    answers = invited + (rng.exponential(1.0, len(settled)) * DAY_US).astype(np.int64)
    chance = np.full(len(settled), CES_ANSWERS)
    submitted = np.where(rng.random(len(settled)) < chance, answers, -1)
    order = voices.order[settled]
    return _voices(CES, order, invited, submitted, score.astype(np.int64), chance)


def _interviews(facts: Facts, rng: np.random.Generator) -> Voices:
    book = facts.ledger
    known = np.flatnonzero(book.purchases & (book.customer != GUEST))
    count = min(len(known), round(INTERVIEW_SHARE * len(facts.people)))
    order = np.sort(rng.choice(known, count, replace=False)) if count else known[:0]
    when = book.stamp[order] + 7 * DAY_US
    none = np.full(count, -1)
    return _voices(INTERVIEW, order, none, when, none, np.ones(count))


def _exits(facts: Facts, rng: np.random.Generator) -> Voices:
    """Return what those say who left: 60 days after the last order."""
    book = facts.ledger
    gone = ~np.isnan(facts.trade.left)
    says = gone & (rng.random(len(gone)) < EXIT_SHARE)
    last = np.full(len(gone), -1)
    mine = np.flatnonzero(book.purchases & (book.customer != GUEST))
    by_time = mine[np.argsort(book.stamp[mine], kind="stable")]
    last[book.customer[by_time]] = by_time
    order = last[says & (last >= 0)]
    none = np.full(len(order), -1)
    when = book.stamp[order] + 60 * DAY_US
    return _voices(EXIT, order, none, when, none, np.ones(len(order)))
