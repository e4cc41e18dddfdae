"""Weights by the chance to answer: the peer's fit, no bias, intervals at their nominal rate."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.stats.inverse_probability import fit_chances, weighted_mean
from tests.truth.calibration import assert_calibrated


def drawn(rng: np.random.Generator, n: int = 800) -> tuple[np.ndarray, ...]:
    x = rng.normal(0, 1, n)
    design = np.column_stack([np.ones(n), x])
    chance = 1 / (1 + np.exp(-(-0.5 + 0.9 * x)))
    score = 3 + 0.8 * x + rng.normal(0, 1, n)
    return design, rng.random(n) < chance, score


def test_the_fit_is_that_of_statsmodels() -> None:
    import statsmodels.api as sm

    design, answered, _ = drawn(np.random.default_rng(2))
    peer = sm.Logit(answered.astype(float), design).fit(disp=0)
    found = fit_chances(design, answered)
    # The prior that keeps the fit finite moves the fifth digit.
    np.testing.assert_allclose(found.coefficients, peer.params, rtol=1e-4)
    np.testing.assert_allclose(found.errors, peer.bse, rtol=1e-4)


def test_weights_repair_the_mean_with_honest_intervals() -> None:
    rng = np.random.default_rng(5)
    found, naive = [], []
    for _ in range(300):
        design, answered, score = drawn(rng)
        one = weighted_mean(score, fit_chances(design, answered), np.arange(len(score)))
        found.append((one.value, one.error))
        naive.append(score[answered].mean())
    values, errors = np.array(found).T
    assert np.mean(naive) > 3.2
    assert_calibrated(values, errors, 3.0)


def test_where_silence_is_chance_weights_change_nothing_much() -> None:
    rng = np.random.default_rng(8)
    design, _, score = drawn(rng, 5_000)
    answered = rng.random(5_000) < 0.4
    chances = fit_chances(design, answered)
    assert chances.effective == pytest.approx(answered.sum(), rel=0.01)
    found = weighted_mean(score, chances, np.arange(5_000))
    assert found.value == pytest.approx(score[answered].mean(), abs=0.02)


def test_a_group_of_which_all_answered_leaves_the_fit_finite() -> None:
    n = 200
    group = np.arange(n) < 20
    answered = group | (np.arange(n) % 3 == 0)
    found = fit_chances(np.column_stack([np.ones(n), group]), answered)
    assert np.isfinite(found.coefficients).all()
    assert np.isfinite(found.weights).all()
    assert found.weights.sum() == pytest.approx(n)


def test_a_customer_asked_twice_counts_once_for_the_error() -> None:
    design, answered, score = drawn(np.random.default_rng(4), 300)
    once = weighted_mean(score, fit_chances(design, answered), np.arange(300))
    twice = weighted_mean(
        np.tile(score, 2),
        fit_chances(np.tile(design, (2, 1)), np.tile(answered, 2)),
        np.tile(np.arange(300), 2),
    )
    assert twice.value == pytest.approx(once.value, rel=1e-5)
    assert twice.error == pytest.approx(once.error, rel=1e-4)
