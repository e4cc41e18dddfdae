"""Searches: the false discovery rate holds, and so do the intervals of what is found."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from analysis.stats.multiplicity import normal_quantile, q_values, selected_confidence, two_sided_p

PROBABILITIES = st.lists(st.floats(0, 1), min_size=1, max_size=40)


@given(PROBABILITIES)
def test_q_values_are_scipys(p: list[float]) -> None:
    np.testing.assert_allclose(q_values(p), false_discovery_control(p), atol=1e-12)


@given(PROBABILITIES, st.integers(0, 5))
def test_what_was_not_searched_does_not_count(p: list[float], gaps: int) -> None:
    padded = q_values([*p, *[np.nan] * gaps])
    np.testing.assert_array_equal(padded[: len(p)], q_values(p))
    assert np.isnan(padded[len(p) :]).all()


def test_p_values_are_normal_and_two_sided() -> None:
    np.testing.assert_allclose(
        two_sided_p([1.959964, -1.959964, 0.0]), [0.05, 0.05, 1.0], atol=1e-7
    )
    assert np.isnan(two_sided_p([np.nan])).all()
    assert normal_quantile(0.95) == pytest.approx(1.959964, abs=1e-6)


def test_intervals_of_discoveries_leave_zero_out_where_q_does() -> None:
    z = np.random.default_rng(3).normal(0, 2, 500)
    q = q_values(two_sided_p(z))
    reach = normal_quantile(selected_confidence(q, fdr=0.1))
    np.testing.assert_array_equal(q <= 0.1, np.abs(z) >= reach)


def test_without_a_discovery_the_level_is_the_plain_one() -> None:
    assert selected_confidence([0.9, np.nan], fdr=0.1) == pytest.approx(0.9)


def test_false_discoveries_and_missing_intervals_stay_below_the_rate() -> None:
    """Of 400 estimates 80 are not zero: rates among the discoveries, over 200 searches."""
    rng, rounds, fdr = np.random.default_rng(4), 200, 0.10
    truth = np.concatenate([rng.normal(0, 3, 80), np.zeros(320)])
    false, missed, missed_naively = np.zeros(rounds), np.zeros(rounds), np.zeros(rounds)
    for i in range(rounds):
        z = truth + rng.normal(0, 1, len(truth))
        q = q_values(two_sided_p(z))
        found = q <= fdr
        off = np.abs(z - truth)[found]
        false[i] = (truth[found] == 0).mean()
        missed[i] = (off > normal_quantile(selected_confidence(q, fdr=fdr))).mean()
        missed_naively[i] = (off > normal_quantile(1 - fdr)).mean()
    assert 0.05 <= false.mean() <= fdr
    assert missed.mean() <= fdr < missed_naively.mean()


def test_only_the_surest_are_picked() -> None:
    q = [0.001] * 50 + [0.9] * 50
    assert selected_confidence(q, fdr=0.1, most=10) == pytest.approx(0.99)
    assert selected_confidence(q, fdr=0.1, most=80) == selected_confidence(q, fdr=0.1)
