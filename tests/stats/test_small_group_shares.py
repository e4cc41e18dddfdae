"""Shares whose trials come in clusters, and shares of small groups drawn towards all."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import betabinom

from analysis.stats.proportions import ClusterSums, clustered_interval, wilson_interval
from analysis.stats.random_effects import STRONGEST_PRIOR, beta_posterior, beta_prior
from tests.truth.calibration import assert_covers


def sums(x: np.ndarray, n: np.ndarray) -> ClusterSums:
    found = {"x": x.sum(), "n": n.sum(), "xx": (x * x).sum(), "xn": (x * n).sum()}
    found |= {"nn": (n * n).sum(), "m": float(len(n))}
    return ClusterSums.of(**found)


def test_independent_trials_give_wilsons_interval() -> None:
    rng = np.random.default_rng(2)
    x = (rng.random(5_000) < 0.3).astype(float)
    low, high, _ = clustered_interval(sums(x, np.ones(5_000)))
    wilson = wilson_interval([x.sum()], [5_000])
    assert low == pytest.approx(wilson[0], abs=1e-4)
    assert high == pytest.approx(wilson[1], abs=1e-4)


def test_clustered_trials_are_covered_where_wilson_misses() -> None:
    rng = np.random.default_rng(3)
    covered, naive = 0, 0
    for _ in range(400):
        n = rng.integers(1, 20, 150).astype(float)
        x = rng.binomial(n.astype(int), rng.beta(1.5, 6, 150)).astype(float)
        low, high, _ = clustered_interval(sums(x, n))
        covered += bool(low[0] <= 0.2 <= high[0])
        low, high = wilson_interval([x.sum()], [n.sum()])
        naive += bool(low[0] <= 0.2 <= high[0])
    assert_covers(covered, 400)
    assert naive < 350


def test_the_prior_is_that_of_the_groups() -> None:
    rng = np.random.default_rng(4)
    n = rng.integers(1, 40, 20_000)
    x = betabinom.rvs(n, 2, 8, random_state=rng)
    prior = beta_prior(x, n)
    assert prior.mean == pytest.approx(0.2, abs=0.01)
    assert prior.strength == pytest.approx(10, rel=0.1)
    same = beta_prior(rng.binomial(n, 0.2), n)
    assert same.strength > 200
    assert beta_prior(np.zeros(5), np.ones(5)).strength == STRONGEST_PRIOR


def test_posterior_intervals_hold_for_groups_at_their_nominal_rate() -> None:
    rng = np.random.default_rng(5)
    truth = rng.beta(2, 8, 4_000)
    n = rng.integers(1, 30, 4_000)
    x = rng.binomial(n, truth).astype(float)
    share, low, high = beta_posterior(x, n.astype(float), beta_prior(x, n))
    assert_covers(int(((low <= truth) & (truth <= high)).sum()), 4_000)
    raw = np.mean((x / n - truth) ** 2)
    assert np.mean((share - truth) ** 2) < 0.6 * raw
