"""What a study cannot fill is said in each section that needs it; the rest stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from analysis.errors import NotApplicable
from analysis.reporting.notebook.sections import Missing, attempt, continued, if_possible


class Page:
    """A report that only says."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


def refuse(reason: str) -> pd.DataFrame:
    raise NotApplicable(reason)


def test_an_attempt_gives_what_was_made() -> None:
    assert attempt(sorted, [2, 1], reverse=True) == [2, 1]


@pytest.mark.parametrize(
    "use",
    [
        lambda found: found["share"],
        lambda found: found.head(3),
        lambda found: list(found),
        lambda found: len(found),
        lambda found: attempt(len, found).bit_length(),
    ],
)
def test_whatever_is_asked_of_what_is_missing_says_why(use: Callable[[Any], object]) -> None:
    page = Page()
    found = attempt(refuse, "Nobody came twice.")
    with if_possible(page):  # type: ignore[arg-type]
        use(found)
    with continued():
        use(found)
    assert page.said == ["Not reported: Nobody came twice."]


def test_what_is_missing_is_false() -> None:
    assert not attempt(refuse, "Nobody came twice.")
    assert isinstance(attempt(refuse, "Nobody came twice."), Missing)


def test_an_attempt_hides_no_other_error() -> None:
    with pytest.raises(ZeroDivisionError):
        attempt(lambda: 1 / 0)
