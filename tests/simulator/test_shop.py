"""Settings: what is refused, and in which words; independence of the streams of random numbers."""

from __future__ import annotations

from datetime import date

import pytest

from analysis.errors import ParamsError
from analysis.simulator.shop import Shop


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"custmers": 5}, "unknown key 'custmers'"),
        ({"customers": "5"}, "customers must be a whole number, not '5'"),
        ({"customers": True}, "customers must be a whole number"),
        ({"customers": 0}, "customers must be at least 1"),
        ({"products": 100}, "products must be at least 200"),
        ({"days": 0}, "days must be at least 1"),
        ({"days": 1.5}, "days must be a whole number"),
        ({"orders": -1.0}, "orders must not be negative"),
        ({"returns": 0.9}, "returns must be at most 0.5"),
        ({"start": date(2024, 1, 2)}, "2024-01-02 is not a Monday"),
        ({"start": "2024-13-01"}, r"start must be a date \(YYYY-MM-DD\)"),
        ({"mess": 1}, "mess must be true or false"),
    ],
)
def test_wrong_settings_are_refused_by_name(options: dict, words: str) -> None:
    with pytest.raises(ParamsError, match=words):
        Shop.from_options(options)


def test_chunks_hold_all_customers() -> None:
    shop = Shop(customers=12_345, chunk=5_000)
    assert shop.chunks == 3
    assert sum(shop.chunk_size(i) for i in range(shop.chunks)) == 12_345
    assert sum(shop.share_of(i) for i in range(shop.chunks)) == pytest.approx(1)


def test_the_end_is_the_day_after_the_history() -> None:
    assert Shop().end == date(2025, 12, 29)
    assert Shop(days=1).end == date(2024, 1, 2)


def test_every_topic_and_chunk_has_random_numbers_of_its_own() -> None:
    shop = Shop(seed=1)
    firsts = {
        shop.generator(topic, index).random()
        for topic in ("people", "visits")
        for index in range(3)
    }
    assert len(firsts) == 6
    assert shop.generator("people", 1).random() == Shop(seed=1).generator("people", 1).random()
    assert shop.generator("people", 1).random() != Shop(seed=2).generator("people", 1).random()
