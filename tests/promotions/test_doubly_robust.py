"""Effects by lot: equal to the regressions they are, adding up, covering, refusing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from analysis.errors import NotApplicable
from analysis.promotions.observational.doubly_robust import by_lot

sm = pytest.importorskip("statsmodels.api")


def population(seed: int, n: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    before = rng.gamma(2.0, 5.0, (n, 2))
    treated = rng.random(n) < 0.4
    noise = rng.normal(size=(n, 3))
    measures = 2 + 0.5 * before[:, :1] + treated[:, None] * [1.0, 0.0, -1.0] + noise
    return measures, treated, before


def test_without_covariates_it_is_the_difference_of_means() -> None:
    measures, treated, _ = population(1)
    found = by_lot(["a", "b", "c"], measures, treated)
    one, other = measures[treated], measures[~treated]
    assert np.allclose(found.effect, one.mean(axis=0) - other.mean(axis=0))
    welch = one.var(axis=0, ddof=1) / len(one) + other.var(axis=0, ddof=1) / len(other)
    assert np.allclose(np.diag(found.covariance)[:3], welch, rtol=5e-3)


def test_with_covariates_it_is_lins_regression() -> None:
    """Lin (2013): treatment, centred covariates and their products; the treatment's coefficient."""
    measures, treated, before = population(2)
    found = by_lot(["a", "b", "c"], measures, treated, before)
    centred = before - before.mean(axis=0)
    design = np.column_stack([np.ones(len(treated)), treated, centred, centred * treated[:, None]])
    for at in range(3):
        fit = sm.OLS(measures[:, at], design).fit(cov_type="HC1")
        assert found.effect[at] == pytest.approx(fit.params[1], rel=1e-9)
        # Lin's sandwich takes the covariates' mean as given; here its error is counted in.
        assert np.sqrt(found.covariance[at, at]) == pytest.approx(fit.bse[1], rel=0.02)


def test_parts_add_up_to_the_effect_on_their_sum() -> None:
    measures, treated, before = population(3)
    whole = np.column_stack([measures, measures.sum(axis=1)])
    found = by_lot(["a", "b", "c", "all"], whole, treated, before)
    summed = found.combined({"a": 1, "b": 1, "c": 1})
    assert summed == pytest.approx(found.of("all"), rel=1e-9)


def test_intervals_cover_and_nothing_is_found_where_nothing_is() -> None:
    """Two thousand experiments with skewed outcomes, part of them known before."""
    rng = np.random.default_rng(4)
    covered, experiments = 0, 2_000
    for _ in range(experiments):
        before = rng.gamma(1.0, 10.0, (200, 1))
        outcome = rng.gamma(0.5, 10.0, (200, 1)) + 0.3 * before
        treated = rng.permutation(200) < 100
        effect, error = by_lot(["m"], outcome, treated, before).of("m")
        covered += abs(effect) < 1.959964 * error
    assert binom.ppf(1e-4, experiments, 0.94) <= covered <= binom.ppf(1 - 1e-4, experiments, 0.955)


def test_relative_effect_has_the_error_of_the_delta_method() -> None:
    rng = np.random.default_rng(5)
    lifts = []
    for _ in range(2_000):
        outcome = rng.normal(10.0, 4.0, (200, 1))
        treated = np.arange(200) < 80
        outcome[treated] *= 1.2
        found = by_lot(["m"], outcome, treated)
        lifts.append(found.relative("m"))
    lift, error = np.array(lifts).T
    assert lift.mean() == pytest.approx(0.2, abs=0.01)
    assert error.mean() == pytest.approx(lift.std(ddof=1), rel=0.06)


def test_a_negative_baseline_has_no_relative_effect() -> None:
    measures, treated, _ = population(6)
    found = by_lot(["loss"], measures[:, :1] - 100.0, treated)
    lift, error = found.relative("loss")
    assert np.isnan(lift)
    assert np.isnan(error)
    assert found.of("loss")[0] == pytest.approx(by_lot(["m"], measures[:, :1], treated).of("m")[0])


def test_all_equal_outcomes_have_no_effect_and_no_p() -> None:
    _, treated, before = population(7)
    found = by_lot(["m"], np.full((400, 1), 3.0), treated, before)
    assert found.of("m") == (pytest.approx(0.0, abs=1e-9), pytest.approx(0.0, abs=1e-9))
    assert found.table()["effect"].iloc[0] == pytest.approx(0.0, abs=1e-9)


def test_constant_covariates_are_left_out() -> None:
    measures, treated, before = population(8)
    with_constant = np.column_stack([before, np.ones(len(before))])
    names = ["a", "b", "c"]
    one = by_lot(names, measures, treated, with_constant)
    assert np.allclose(one.effect, by_lot(names, measures, treated, before).effect)


@pytest.mark.parametrize(("count", "words"), [(0, "Nobody is treated"), (10, "Only 10 customers")])
def test_an_empty_or_tiny_arm_is_refused_in_words(count: int, words: str) -> None:
    measures, _, _ = population(9)
    with pytest.raises(NotApplicable, match=words):
        by_lot(["a", "b", "c"], measures, np.arange(400) < count)
