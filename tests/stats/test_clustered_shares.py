"""Shares of trials in clusters, differences within strata: identities, coverage, a peer."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import StratifiedTable

from analysis.stats.proportions import (
    ClusterSums,
    clustered_interval,
    common_difference,
    wilson_interval,
)


def sums(hits: np.ndarray, trials: np.ndarray) -> ClusterSums:
    hits, trials = hits.astype(float), trials.astype(float)
    return ClusterSums(
        hits.sum(-1), trials.sum(-1), (hits * hits).sum(-1), (hits * trials).sum(-1),
        (trials * trials).sum(-1), (trials > 0).sum(-1),
    )  # fmt: skip


def test_one_trial_a_cluster_is_wilson() -> None:
    hits = np.r_[np.ones(30), np.zeros(70)]
    low, high, effect = clustered_interval(sums(hits, np.ones(100)))
    assert effect[0] == pytest.approx(100 / 99)  # n - 1 clusters
    assert (low[0], high[0]) == pytest.approx(
        [end[0] for end in wilson_interval(30 * 99 / 100, 99)]
    )


def test_trials_that_repeat_their_cluster_count_once() -> None:
    hits = np.r_[np.ones(30), np.zeros(70)]
    _, _, effect = clustered_interval(sums(hits * 5, np.full(100, 5)))
    assert effect[0] == pytest.approx(5 * 100 / 99)
    _, high, effect = clustered_interval(sums(np.zeros(100), np.full(100, 5)))
    assert effect[0] == 5
    assert high[0] == pytest.approx(wilson_interval(0, 100)[1][0])


def test_intervals_cover_where_clusters_differ_and_plain_ones_do_not() -> None:
    """Beta-binomial visitors of one to twelve sessions, 800 samples of 300."""
    rng = np.random.default_rng(5)
    trials = np.minimum(rng.geometric(0.3, (800, 300)), 12)
    hits = rng.binomial(trials, rng.beta(0.4, 2.8, (800, 300)))
    truth = 0.4 / 3.2
    low, high, _ = clustered_interval(sums(hits, trials))
    assert 0.93 < ((low < truth) & (truth < high)).mean() < 0.97
    low, high = wilson_interval(hits.sum(-1), trials.sum(-1))
    assert ((low < truth) & (truth < high)).mean() < 0.85


def test_one_stratum_is_the_plain_difference() -> None:
    found = common_difference(30, 100, 60, 120)
    p1, p2 = 0.3, 0.5
    error = np.sqrt(p1 * (1 - p1) / 100 + p2 * (1 - p2) / 120)
    assert found[0] == pytest.approx(-0.2)
    assert found[1:3] == pytest.approx((-0.2 - 1.959964 * error, -0.2 + 1.959964 * error))


def test_the_difference_within_strata_is_free_of_what_strata_differ_in() -> None:
    """Confounded by stratum: none within, ten points without strata. Covers at many small ones."""
    assert common_difference([10, 90], [100, 100], [1, 180], [10, 200])[0] == pytest.approx(0)
    rng = np.random.default_rng(7)
    base = rng.uniform(0.1, 0.6, 12)
    n1, n2 = rng.integers(5, 60, 12), rng.integers(5, 60, 12)
    found = []
    for _ in range(600):
        x1, x2 = rng.binomial(n1, base + 0.15), rng.binomial(n2, base)
        found.append(common_difference(x1, n1, x2, n2))
    low, high = np.array(found)[:, 1], np.array(found)[:, 2]
    assert 0.93 < ((low < 0.15) & (high > 0.15)).mean() < 0.97


def test_it_calls_what_the_test_of_mantel_and_haenszel_calls() -> None:
    rng = np.random.default_rng(9)
    for _ in range(20):
        n1, n2 = rng.integers(40, 200, 4), rng.integers(40, 200, 4)
        x1, x2 = rng.binomial(n1, 0.35), rng.binomial(n2, 0.3)
        strata = [
            np.array([[a, m - a], [b, n - b]]) for a, m, b, n in zip(x1, n1, x2, n2, strict=True)
        ]
        theirs = StratifiedTable(strata).test_null_odds().pvalue
        assert common_difference(x1, n1, x2, n2)[3] == pytest.approx(theirs, abs=0.02)


def test_without_both_sides_there_is_no_difference() -> None:
    assert np.isnan(common_difference([1, 0], [4, 0], [0, 2], [0, 5])).all()
