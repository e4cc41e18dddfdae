"""The interval machinery itself."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import bootstrap

from analysis.stats.resampling import (
    NOT_STABLE,
    TOO_FEW,
    Sampling,
    acceleration,
    bca,
    estimate_totals,
)


def mean(sums: np.ndarray) -> np.ndarray:
    return sums[..., [0]] / sums[..., [1]]


def test_a_mean_gets_the_interval_that_scipy_gives() -> None:
    values = np.random.default_rng(1).exponential(10, 60).round(2)
    columns = np.column_stack([values, np.ones(60)])
    found = estimate_totals(columns, mean, Sampling(draws=20_000, seed=3))
    judge = bootstrap(
        (values,), np.mean, n_resamples=20_000, rng=np.random.default_rng(4), method="BCa"
    ).confidence_interval
    assert found.value[0] == pytest.approx(values.mean())
    assert (found.low[0], found.high[0]) == pytest.approx((judge.low, judge.high), rel=0.01)


def test_acceleration_of_a_mean_is_a_sixth_of_its_skewness() -> None:
    values = np.random.default_rng(2).exponential(1, 500)
    centred = values - values.mean()
    skewness = (centred**3).mean() / (centred**2).mean() ** 1.5
    assert acceleration(centred) == pytest.approx(skewness / (6 * np.sqrt(500)))
    assert acceleration(np.zeros(5)) == 0.0


def test_what_never_varies_has_an_interval_of_no_width() -> None:
    found = estimate_totals(np.column_stack([np.full(40, 3.0), np.ones(40)]), mean, Sampling())
    assert (found.low[0], found.value[0], found.high[0]) == (3.0, 3.0, 3.0)


def test_few_customers_get_no_interval_and_the_reason() -> None:
    found = estimate_totals(np.ones((29, 2)), mean, Sampling())
    assert found.value[0] == 1.0
    assert np.isnan(found.low[0])
    assert found.reason == [TOO_FEW]


def test_a_ratio_that_is_undefined_in_some_resamples_gets_no_interval() -> None:
    columns = np.column_stack([np.ones(40), np.eye(40)[0]])
    found = estimate_totals(columns, mean, Sampling(draws=200))
    assert found.value[0] == 40.0
    assert np.isnan([found.low[0], found.high[0]]).all()
    assert found.reason == [NOT_STABLE]


def test_bias_shifts_the_interval_and_withholding_keeps_older_reasons() -> None:
    replicates = np.random.default_rng(3).normal(0, 1, (4_000, 2))
    found = bca(np.array([0.0, 0.5]), replicates, np.zeros(2), 0.95)
    assert (found.low[0], found.high[0]) == pytest.approx((-1.96, 1.96), abs=0.15)
    assert found.low[1] > found.low[0] + 0.5
    kept = found.withheld(np.array([True, False]), "because").withheld(np.array([True] * 2), "else")
    assert kept.reason == ["because", "else"]
    assert np.isnan(kept.low).all()
    assert not np.isnan(found.low).any()
