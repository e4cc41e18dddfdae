"""What a notebook gets: a result, or NotGiven that passes its reason on."""

from __future__ import annotations

import pytest

from analysis import customers
from analysis.answers import NotGiven, answer, missing, without
from analysis.errors import NotApplicable

NOTHING = NotGiven("No order is known.")


@answer
def halved(number: int, *, by: int = 2) -> float:
    if number < 0:
        raise NotApplicable("The number is below zero.")
    return number / by


def test_a_result_is_given_as_it_is() -> None:
    assert halved(6) == 3


def test_what_cannot_be_done_is_a_value_with_its_reason() -> None:
    assert halved(-1) == NotGiven("The number is below zero.")


def test_what_builds_on_nothing_is_nothing_for_the_same_reason() -> None:
    assert halved(NOTHING) is NOTHING
    assert halved(4, by=NOTHING.share) is NOTHING
    assert NOTHING["table"].iloc[0].share is NOTHING
    assert missing(1, "a", NOTHING) is NOTHING


def test_nothing_is_false_empty_and_ends_when_it_is_walked_along() -> None:
    assert not NOTHING
    assert (len(NOTHING), list(NOTHING), [*NOTHING]) == (0, [], [])
    with pytest.raises(ValueError, match="not enough values"):
        _first, _second = NOTHING


def test_an_argument_that_can_be_lacking_is_none() -> None:
    @answer
    @without("tree")
    def said(rows: int, *, tree: object = 1) -> object:
        return tree

    assert said(1, tree=NOTHING) is None
    assert said(NOTHING, tree=2) is NOTHING


def test_other_errors_go_through() -> None:
    with pytest.raises(ZeroDivisionError):
        halved(1, by=0)


def test_a_face_names_what_it_offers() -> None:
    with pytest.raises(AttributeError, match=r"offers no .fading.; it offers .*decline"):
        _ = customers.fading
