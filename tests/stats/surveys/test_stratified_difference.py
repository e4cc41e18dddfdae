"""One difference over many strata: identities, and intervals at their nominal rate."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.stats.proportions import stratified_difference


def test_one_stratum_gives_its_own_difference() -> None:
    found = stratified_difference(
        np.array([30.0]), np.array([50.0]), np.array([12.0]), np.array([40.0])
    )
    assert (found.first, found.second, found.value) == pytest.approx((0.6, 0.3, 0.3))
    plain = np.sqrt(0.6 * 0.4 / 50 + 0.3 * 0.7 / 40)
    assert (found.high - found.low) / 2 / 1.959964 == pytest.approx(plain, rel=0.02)


def test_strata_of_one_side_alone_are_left_out() -> None:
    x1, n1 = np.array([3.0, 9.0]), np.array([10.0, 9.0])
    x0, n0 = np.array([1.0, 0.0]), np.array([10.0, 0.0])
    found = stratified_difference(x1, n1, x0, n0)
    assert (found.n_first, found.n_second) == (10, 10)
    assert found.value == pytest.approx(0.2)
    none = stratified_difference(x1[1:], n1[1:], x0[1:], n0[1:])
    assert np.isnan(none.value)


@pytest.mark.parametrize("size", [3, 25])
def test_intervals_cover_with_many_thin_and_with_few_thick_strata(size: int) -> None:
    """Strata differ in their level; a difference of ten points holds in each of them."""
    rng = np.random.default_rng(size)
    strata = 150 // size
    level = np.linspace(0.1, 0.7, strata)
    covered = 0
    for _ in range(600):
        n1, n0 = rng.integers(1, 2 * size, (2, strata)).astype(float)
        x1, x0 = rng.binomial(n1.astype(int), level + 0.1), rng.binomial(n0.astype(int), level)
        found = stratified_difference(x1, n1, x0, n0)
        covered += found.low <= 0.1 <= found.high
    assert 0.925 <= covered / 600 <= 0.975
