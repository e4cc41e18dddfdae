"""The words of simulated reviews, complaints, interviews and exits, and the truth in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from analysis.simulator.voices import voice_phrases as phrases
from analysis.simulator.voices.survey_answers import PRAISE, Voices
from analysis.stats.types import Flags, Integers

#: Share of customers who write Chinese; of texts in both languages, bare, of the wrong mood for
#: their stars, and that name a person (reviews, complaints).
CHINESE, BOTH, BARE, WRONG_MOOD = 0.25, 0.03, 0.02, 0.08
NAMES_REVIEW, NAMES_COMPLAINT = 0.04, 0.20
#: What reviews are about; a sorry review of the defective product is about its defect this often.
REVIEW_TOPICS = {"quality": 0.5, "value": 0.3, "packaging": 0.2}
DEFECT_SHARE = 0.8
COMPLAINT_TOPICS = ("delivery", "price", "quality", "staff")
REVIEW, COMPLAINT, INTERVIEW, EXIT = 2, 3, 5, 6
T = TypeVar("T")


@dataclass(frozen=True)
class Words:
    """The text of each voice, and what is true of it; lists as long as the voices.

    Parameters
    ----------
    text
        Text; None where a kind has none.
    topic, mood, language
        What it is about, how it is meant, in what language; None without text.
    personal
        What in it names a person or an order and must not be seen; None for nothing.
    """

    text: list[str | None]
    topic: list[str | None]
    mood: list[str | None]
    language: list[str | None]
    personal: list[str | None]


def write(
    voices: Voices, bad: Flags, chinese: Flags, numbers: Integers, rng: np.random.Generator
) -> Words:
    """Return the words of ``voices``.

    Parameters
    ----------
    voices
        Voices; ``text`` is the position of the stars' praise or of the complaint's topic.
    bad
        Whether each is about the defective product.
    chinese
        Whether each is by a customer who writes Chinese.
    numbers
        Order number of each.
    rng
        The stream of words.
    """
    luck = rng.random((len(voices.kind), 8))
    rows = [
        _one(int(k), int(p), b, c, u, n)
        for k, p, b, c, u, n in zip(
            voices.kind, voices.text, bad, chinese, luck, numbers, strict=True
        )
    ]
    columns = list(zip(*rows, strict=True)) if rows else [()] * 5
    return Words(*(list(column) for column in columns))


Row = tuple[str | None, str | None, str | None, str | None, str | None]


def _one(kind: int, place: int, bad: bool, chinese: bool, luck: np.ndarray, number: int) -> Row:
    """Return text, topic, mood, language and what names a person of one voice."""
    language = phrases.LANGUAGES[int(chinese)]
    if kind == REVIEW:
        return _named(*_review(place, bad, language, luck), luck, number, NAMES_REVIEW)
    if kind == COMPLAINT:
        topic = place - len(PRAISE)
        text = _pick(phrases.COMPLAINTS[language][topic], luck[0])
        said = text, COMPLAINT_TOPICS[topic], phrases.SORRY, language
        return _named(*said, luck, number, NAMES_COMPLAINT)
    if kind == EXIT:
        reason = _share(phrases.LEAVING, luck[1])
        return phrases.EXITS[language][reason], reason, phrases.SORRY, language, None
    if kind == INTERVIEW:
        said = phrases.INTERVIEW[language], "interview", phrases.MIXED, language
        return _named(*said, luck, number, 1.0)
    return None, None, None, None, None


def _review(place: int, bad: bool, language: str, luck: np.ndarray) -> tuple[str, str, str, str]:
    mood = (phrases.GLAD, phrases.GLAD, phrases.MIXED, phrases.SORRY, phrases.SORRY)[place]
    if luck[2] < BARE:
        return phrases.BARE[int(luck[2] / BARE * len(phrases.BARE))], "none", mood, "none"
    topic = _share(REVIEW_TOPICS, luck[1])
    if luck[2] > 1 - WRONG_MOOD and mood != phrases.MIXED:
        mood = phrases.SORRY if mood == phrases.GLAD else phrases.GLAD
    if bad and mood == phrases.SORRY and luck[3] < DEFECT_SHARE:
        topic = "defect"
    parts = (
        _pick(phrases.OPENINGS[language][mood], luck[6]),
        _pick(phrases.REVIEWS[language][topic][mood], luck[0]),
        _pick(phrases.ENDINGS[language], luck[7]),
    )
    text = (" " if language == "en" else "").join(part for part in parts if part)
    if luck[3] > 1 - BOTH:
        other = phrases.LANGUAGES[1 - phrases.LANGUAGES.index(language)]
        return f"{text} {_pick(phrases.REVIEWS[other][topic][mood], luck[0])}", topic, mood, "both"
    return text, topic, mood, language


def _named(
    text: str, topic: str, mood: str, language: str, luck: np.ndarray, number: int, share: float
) -> Row:
    """Return the voice, with a sentence that names a person in a ``share`` of cases."""
    if luck[4] >= share or language not in phrases.LANGUAGES:
        return text, topic, mood, language, None
    sentence, secret = _pick(phrases.PERSONAL[language], luck[4] / share)
    facts = _person(luck[5], number)
    return f"{text} {sentence.format(**facts)}", topic, mood, language, secret.format(**facts)


def _person(luck: float, number: int) -> dict[str, str]:
    """Return a person who does not exist."""
    digits = int(luck * 1e9)
    first, last = phrases.FIRST[digits % 8], phrases.LAST[digits // 8 % 8]
    return {
        "first": first,
        "last": last,
        "mail": f"{first.lower()}.{last.lower()}{digits % 97}@example.com",
        "phone": f"+49 30 {1_000_000 + digits % 8_999_999}",
        "mobile": f"138{10_000_000 + digits % 89_999_999}",
        "house": str(1 + digits % 198),
        "card": f"{1_000 + digits % 8_999}",
        "name": phrases.NAMES_ZH[digits // 64 % 8],
        "order": str(number + 70_000_000),
    }


def _pick(options: tuple[T, ...], luck: float) -> T:
    return options[min(int(luck * len(options)), len(options) - 1)]


def _share(shares: dict[str, float], luck: float) -> str:
    edges = np.cumsum(list(shares.values()))
    return list(shares)[min(int(np.searchsorted(edges, luck, side="right")), len(shares) - 1)]
