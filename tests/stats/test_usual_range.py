"""The range of usual changes holds the next one as often as order statistics say."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.stats.permutation import usual_range


@pytest.mark.parametrize(("n", "promised"), [(39, 0.95), (51, 1 - 2 / 52), (103, 1 - 4 / 104)])
def test_it_holds_the_next_change_as_often_as_promised(n: int, promised: float) -> None:
    generator = np.random.default_rng(1)
    draws = generator.standard_t(3, size=(4_000, n + 1))
    held = 0
    for row in draws:
        low, high = usual_range(row[:-1])
        held += low <= row[-1] <= high
    assert promised >= 0.95
    assert held / len(draws) == pytest.approx(promised, abs=3 * np.sqrt(0.05 * 0.95 / 4_000))


def test_the_ends_are_order_statistics() -> None:
    assert usual_range(np.arange(39.0)) == (0.0, 38.0)
    assert usual_range(np.arange(79.0)) == (1.0, 77.0)


def test_too_few_changes_say_nothing() -> None:
    assert np.isnan(usual_range(np.arange(38.0))).all()
    assert np.isnan(usual_range(np.append(np.arange(38.0), np.nan))).all()
    assert np.isnan(usual_range(np.arange(50.0), coverage=0.99)).all()
