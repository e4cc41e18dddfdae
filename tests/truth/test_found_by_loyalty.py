"""Report 09 finds what was planted: breakage, what is owed, and the rest of the club."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from analysis.engagement.loyalty.ledger_checks import Reconciliation, reconcile
from analysis.engagement.loyalty.points_liability import liability
from tests.engagement.clubs import club_tables
from tests.truth.calibration import assert_covers
from tests.truth.shops import Shops

SEEDS = range(10)
AS_OF = date(2025, 12, 29)


@pytest.fixture(scope="module")
def books(shops: Shops) -> dict[int, Reconciliation]:
    return {seed: reconcile(club_tables(shops, seed), as_of=AS_OF) for seed in SEEDS}


def test_the_shops_ledgers_reconcile(books: dict[int, Reconciliation]) -> None:
    assert all(each.holds for each in books.values())
    assert all((each.flows["points"] >= 0).all() for each in books.values())


def test_breakage_and_what_is_owed_are_found(
    shops: Shops, books: dict[int, Reconciliation]
) -> None:
    """Breakage of the ripe months to the point; what is owed within its own 90 % interval."""
    breakage = {s: t["planted"]["breakage"] for s, t in shops.truth.items()}
    inside = near = 0
    errors = []
    for seed, each in books.items():
        found = liability(each, confidence=0.90)
        owed = shops.truth[seed]["planted"]["points_owed"]["realised"]["points"]
        planted = breakage[seed]["superpopulation"]["breakage"]
        assert found.breakage.value == pytest.approx(
            breakage[seed]["realised"]["breakage"], abs=5e-3
        )
        near += found.breakage.low < planted < found.breakage.high
        inside += found.owed.low < owed < found.owed.high
        errors.append(found.owed.value / owed - 1)
    assert_covers(inside, len(books), confidence=0.90)
    assert_covers(near, len(books), confidence=0.90)
    assert abs(np.mean(errors)) < 0.05
