"""Matched difference in differences: pairs, its test of the weeks before, its intervals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, kstest

from analysis.errors import NotApplicable
from analysis.promotions.observational.matched_did import CALIPER, Pairs, difference, pairs

BEFORE, DURING = 12, 4


def weekly(
    rng: np.random.Generator, count: int, *, gain: float = 0.0, drift: float = 0.0
) -> tuple[Pairs, np.ndarray]:
    """Return pairs and their weeks: each customer has a level, weeks go together, some gain."""
    level = rng.gamma(2.0, 3.0, 2 * count)
    weeks = level[:, None] + rng.normal(size=(2 * count, BEFORE + DURING)).cumsum(axis=1) * 0.3
    weeks += rng.normal(size=weeks.shape)
    weeks[:count, BEFORE:] += gain
    weeks[:count] += drift * np.arange(BEFORE + DURING)
    return Pairs(np.arange(count), np.arange(count, 2 * count), 0.0), weeks


def test_intervals_cover_and_find_nothing_where_nothing_is() -> None:
    rng = np.random.default_rng(1)
    experiments, covered, alarms, trend = 2_000, 0, 0, []
    for _ in range(experiments):
        matched, weeks = weekly(rng, 60, gain=0.5)
        found = difference(matched, weeks, -BEFORE, DURING)
        covered += abs(found.estimate - DURING * 0.5) < 1.959964 * found.error
        alarms += abs(found.earlier) > 1.959964 * found.earlier_error
        trend.append(found.trend_p)
    # With 60 pairs the normal quantile is a little short of Student's t.
    assert binom.ppf(1e-4, experiments, 0.94) <= covered <= binom.ppf(1 - 1e-4, experiments, 0.955)
    assert alarms <= binom.ppf(1 - 1e-4, experiments, 0.06)
    assert kstest(trend, "uniform").pvalue > 1e-3


def test_a_drift_before_is_seen() -> None:
    matched, weeks = weekly(np.random.default_rng(2), 200, drift=0.15)
    found = difference(matched, weeks, -BEFORE, DURING)
    assert found.trend_p < 1e-4
    assert found.earlier > 1.959964 * found.earlier_error


def test_it_is_the_textbook_difference_in_differences() -> None:
    """Mean change of the targeted less mean change of their likenesses, in the same weeks."""
    matched, weeks = weekly(np.random.default_rng(3), 50, gain=1.0)
    found = difference(matched, weeks, -BEFORE, DURING)
    one, other = weeks[:50], weeks[50:]
    change = [s[:, BEFORE:].mean() - s[:, :BEFORE].mean() for s in (one, other)]
    assert found.estimate == pytest.approx(DURING * (change[0] - change[1]))
    inside = found.leads[~found.leads["before"]]
    assert inside["gap"].sum() == pytest.approx(found.estimate)
    assert found.leads.loc[found.leads["before"], "gap"].mean() == pytest.approx(0, abs=1e-12)


def test_regression_with_pair_and_week_effects_gives_the_same() -> None:
    sm = pytest.importorskip("statsmodels.api")
    matched, weeks = weekly(np.random.default_rng(4), 40, gain=1.0)
    gaps = matched.differences(weeks)
    during = np.tile(np.arange(gaps.shape[1]) >= BEFORE, (40, 1)).astype(float)
    pair = np.repeat(np.eye(40), gaps.shape[1], axis=0)
    fit = sm.OLS(gaps.ravel(), np.column_stack([during.ravel(), pair])).fit(
        cov_type="cluster", cov_kwds={"groups": np.repeat(np.arange(40), gaps.shape[1])}
    )
    found = difference(matched, weeks, -BEFORE, DURING)
    assert found.estimate == pytest.approx(DURING * fit.params[0], rel=1e-9)
    assert found.error == pytest.approx(DURING * fit.bse[0], rel=0.06)


def test_nobody_is_matched_twice_and_everybody_within_the_caliper() -> None:
    rng = np.random.default_rng(5)
    score = rng.normal(size=400)
    chance = 1 / (1 + np.exp(-score))
    treated = rng.random(400) < chance
    found = pairs(chance, score[:, None], treated)
    assert treated[found.targeted].all()
    assert not treated[found.likeness].any()
    assert len(set(found.likeness)) == len(found.likeness)
    assert np.abs(score[found.targeted] - score[found.likeness]).max() <= CALIPER * score.std()
    assert found.unmatched == pytest.approx(1 - len(found.targeted) / treated.sum())


def test_too_few_likenesses_are_refused_in_words() -> None:
    treated = np.arange(60) < 40
    alike = np.tile([0.4, 0.6], 30)
    with pytest.raises(NotApplicable, match="Only 20 of those targeted have a likeness"):
        pairs(alike, np.zeros((60, 1)), treated)
