"""The file of feedback, and the truth about each voice.

Drawn here are voices beside surveys, reviews and complaints: effort after a complaint, exits,
interviews.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from analysis.simulator import arrow_columns as arrow
from analysis.simulator.chunk_facts import Facts
from analysis.simulator.goods.catalogue import DEFECTIVE
from analysis.simulator.people.visits import GUEST
from analysis.simulator.trading_calendar import DAY_US
from analysis.simulator.voices import voice_texts
from analysis.simulator.voices.survey_answers import KINDS, Voices, cut, feedback_ids
from analysis.simulator.voices.voice_texts import Words
from analysis.stats.types import Floats, Integers

#: Scale and question of each kind that has a score.
SCALES = {"nps": (0, 10), "csat": (1, 5), "review": (1, 5), "ces": (1, 7)}
QUESTIONS = {
    "nps": "How likely are you to recommend us to a friend?",
    "csat": "How satisfied are you with your order?",
    "ces": "How easy was it to have your complaint settled?",
}
#: A complaint is first answered after a share Beta(2, 6) of the time it takes to settle it; one
#: that is never settled after a lognormal time, in days. Share of the settled that are
#: compensated, and with what, in cents.
ANSWERED_BETA, ANSWERED_DAYS, ANSWERED_SPREAD = (2.0, 6.0), 2.0, 0.8
COMPENSATED, CENTS = 0.35, (500, 1_000, 2_000)
#: Share of reviews that are marked as by somebody who bought the product.
VERIFIED = 0.9


@dataclass(frozen=True)
class Spoken:
    """All voices of a chunk and their words."""

    voices: Voices
    words: Words


def speak(facts: Facts) -> Spoken:
    """Return the voices of a chunk with their words, from streams of their own."""
    voices, plan, book = every(facts), facts.plan, facts.ledger
    rng = plan.shop.generator("reviews", facts.index)
    chinese = rng.random(len(facts.people)) < voice_texts.CHINESE
    bad = np.array([key == DEFECTIVE for key in plan.catalogue.keys])
    about_bad = (voices.product >= 0) & bad[voices.product]
    numbers = book.number[voices.order]
    who = book.customer[voices.order]
    return Spoken(voices, voice_texts.write(voices, about_bad, chinese[who], numbers, rng))


def feedback_file(facts: Facts, spoken: Spoken) -> pa.Table:
    """Return the feedback: feedback_id, submitted_at, kind, customer_id, invited_at, ..."""
    voices, book, plan = spoken.voices, facts.ledger, facts.plan
    silent = voices.submitted < 0
    channel = np.maximum(book.store[voices.order] - plan.shop.stores + 1, 0)
    unscored = silent | (voices.score < 0)
    who = facts.people.first + book.customer[voices.order]
    return pa.table(
        {
            "feedback_id": arrow.whole(feedback_ids(voices, facts.index)),
            "submitted_at": arrow.times(voices.submitted, silent),
            "kind": arrow.names(voices.kind, ALL_KINDS),
            "customer_id": arrow.whole(who),
            "invited_at": arrow.times(voices.invited, voices.invited < 0),
            "score": pa.array(voices.score.astype(np.float64), mask=unscored),
            "text": pa.array(spoken.words.text, pa.string()),
            "product_id": arrow.names(
                voices.product, plan.catalogue.product_ids, voices.product < 0
            ),
            "channel": arrow.names(channel, ("store", "web", "app")),
            "resolved_at": arrow.times(voices.resolved, voices.resolved < 0),
            **_circumstances(facts, voices),
        }
    )


def _circumstances(facts: Facts, voices: Voices) -> dict[str, pa.Array]:
    """Return the columns on how each was asked for and how it was handled."""
    rng = facts.plan.shop.generator("reviews", 2 * facts.plan.shop.chunks + facts.index)
    count = len(voices.kind)
    answered = _first_answer(facts, voices, rng)
    paid = (voices.resolved >= 0) & (rng.random(count) < COMPENSATED)
    cents = rng.choice(CENTS, count)
    names = [ALL_KINDS[k] for k in voices.kind]
    scales = [SCALES.get(name, (None, None)) for name in names]
    review = voices.kind == KINDS.index("review")
    return {
        "wave": pa.array(_waves(voices.invited), pa.string()),
        "question": pa.array([QUESTIONS.get(name) for name in names], pa.string()),
        "scale_min": pa.array([low for low, _ in scales], pa.float64()),
        "scale_max": pa.array([high for _, high in scales], pa.float64()),
        "order_id": arrow.whole(facts.ledger.number[voices.order]),
        "first_response_at": arrow.times(answered, answered < 0),
        "compensation": arrow.only(arrow.money(cents), paid),
        "verified": pa.array(rng.random(count) < VERIFIED, mask=~review),
    }


def _first_answer(facts: Facts, voices: Voices, rng: np.random.Generator) -> Integers:
    """Return when each complaint was first answered; -1 for not (yet), and for other kinds."""
    count, complaint = len(voices.kind), voices.kind == KINDS.index("complaint")
    share, noise = rng.beta(*ANSWERED_BETA, count), rng.standard_normal(count)
    takes = np.where(
        voices.resolved >= 0,
        share * (voices.resolved - voices.submitted),
        ANSWERED_DAYS * np.exp(ANSWERED_SPREAD * noise) * DAY_US,
    )
    when = voices.submitted + takes.astype(np.int64)
    last = facts.plan.calendar.stamp_of_day(facts.plan.calendar.days)
    return np.where(complaint & (when < last), when, -1)


def _waves(invited: Integers) -> list[str | None]:
    """Return the quarter of each invitation: 2025-Q3."""
    months = invited.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)
    return [
        None if stamp < 0 else f"{1970 + month // 12}-Q{month % 12 // 3 + 1}"
        for stamp, month in zip(invited, months, strict=True)
    ]


def voices_truth(facts: Facts, spoken: Spoken) -> pa.Table:
    """Return the truth about each text: topic, mood, language, and what in it is personal."""
    words, voices = spoken.words, spoken.voices
    written = np.array([text is not None for text in words.text], np.bool_)
    columns = {"topic": words.topic, "mood": words.mood, "language": words.language}
    table = pa.table(
        {
            "feedback_id": arrow.whole(feedback_ids(voices, facts.index)),
            "kind": arrow.names(voices.kind, ALL_KINDS),
            **{name: pa.array(column, pa.string()) for name, column in columns.items()},
            "personal": pa.array(words.personal, pa.string()),
        }
    )
    return table.filter(pa.array(written))


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
    voices = Voices.join([_effort(facts, rng), _interviews(facts, rng), _exits(facts, rng)])
    last = plan.calendar.stamp_of_day(plan.calendar.days)
    begins = np.where(voices.invited >= 0, voices.invited, voices.submitted)
    return cut(voices, begins < last, last)


def every(facts: Facts) -> Voices:
    """Return all voices of a chunk, surveys first."""
    return Voices.join([facts.voices, draw(facts)])


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
