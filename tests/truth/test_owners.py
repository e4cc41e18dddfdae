"""Nothing planted is unlisted, and every test that is named exists."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.truth.owners import OWNERS, STILL_OPEN, WRITTEN
from tests.truth.shops import Shops

REPOSITORY = Path(__file__).parent.parent.parent


@cache
def functions_of(file: str) -> set[str]:
    tree = ast.parse((REPOSITORY / file).read_text("utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_planted_truth_has_its_owner_and_no_other(shops: Shops) -> None:
    planted = shops.truth[0]["planted"]
    assert list(OWNERS) != []
    assert set(OWNERS) == set(planted)
    assert {key: owner.report for key, owner in OWNERS.items()} == {
        key: truth["report"] for key, truth in planted.items()
    }


@pytest.mark.parametrize("key", OWNERS)
def test_the_tests_of_a_truth_exist(key: str) -> None:
    owner = OWNERS[key]
    assert owner.planted
    for test in (*owner.planted, *owner.found):
        file, _, function = test.partition("::")
        assert function in functions_of(file), test


def test_reports_that_exist_find_what_they_own_or_say_what_is_open() -> None:
    for key, owner in OWNERS.items():
        exists = (REPOSITORY / "notebooks" / f"{owner.report}.ipynb").exists()
        assert exists <= (owner.report in WRITTEN), f"{owner.report} exists: list what it finds"
        open_ = owner.report in WRITTEN and not owner.found
        assert open_ == (key in STILL_OPEN), key
