"""Bunching against a published example, and thresholds whose truth is drawn."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.stats import discontinuity
from tests.truth.calibration import assert_covers

#: Counts in bins of 50 around the kink at 10,000 of the example of the R package bunching, with the
#: estimates of its vignette (Mavrokonstantis, MIT licence): 20 bins a side, degree 4.
KINK = (385, 370, 385, 355, 335, 375, 380, 355, 330, 345, 370, 325, 365, 345, 355, 305, 330, 355,
        290, 975, 335, 325, 325, 305, 295, 315, 320, 265, 270, 270, 255, 255, 255, 275, 250, 235,
        240, 265, 235)  # fmt: skip
PLACES = np.arange(-19, 20)


def test_the_published_kink() -> None:
    found = discontinuity.bunching(KINK, PLACES, degree=4, integrate=True, draws=400, seed=1)
    assert found.excess == pytest.approx(629.5111, rel=1e-6)
    assert found.relative == pytest.approx(1.822088, rel=1e-6)
    plain = discontinuity.bunching(KINK, PLACES, degree=4, integrate=False)
    assert plain.relative == pytest.approx(1.989, abs=5e-4)
    assert np.isnan(plain.error).all()


def test_counts_on_the_polynomial_have_no_excess_and_scale() -> None:
    counts = 1_000 - 9.0 * PLACES + 0.1 * PLACES**2
    found = discontinuity.bunching(counts, PLACES, degree=3, below=2, above=1)
    assert found.above == pytest.approx(0, abs=1e-6)
    assert found.missing == pytest.approx(0, abs=1e-6)
    moved = counts.copy()
    moved[PLACES == -1] -= 60
    moved[PLACES == 0] += 60
    found = discontinuity.bunching(moved, PLACES, degree=3, below=2, above=1)
    assert (found.above, found.missing) == (pytest.approx(60), pytest.approx(60))
    double = discontinuity.bunching(2 * moved, PLACES, degree=3, below=2, above=1)
    assert double.above == pytest.approx(120)
    assert double.relative == pytest.approx(found.relative)


def test_the_error_of_the_excess_is_that_of_repeated_draws() -> None:
    rng, truth = np.random.default_rng(2), 40
    expected = 120 - 2.0 * PLACES
    held = []
    for seed in range(80):
        counts = rng.poisson(
            expected + truth * (PLACES == 0) - truth / 2 * np.isin(PLACES, (-1, -2))
        )
        found = discontinuity.bunching(
            counts, PLACES, degree=3, below=2, above=0, draws=60, seed=seed
        )
        held.append(abs(found.above - truth) < 1.96 * found.error[0])
    assert_covers(sum(held), len(held))


@pytest.mark.parametrize(("moved", "expected"), [(0.0, False), (0.6, True)])
def test_sorting_is_called_at_its_rate_and_found_where_it_is(moved: float, expected: bool) -> None:
    rng = np.random.default_rng(3)
    called = 0
    for _ in range(60):
        points = rng.gamma(1.5, 150, 3_000)
        just_short = (points > 130) & (points < 150) & (rng.random(3_000) < moved)
        distance = np.where(just_short, 150 + 10 * rng.random(3_000), points) - 150
        called += discontinuity.density_jump(distance, reach=60, bins=12).p < 0.05
    if expected:
        assert called > 55
    else:
        assert_covers(60 - called, 60)


def test_the_jump_at_a_threshold_is_covered_and_shifts() -> None:
    rng = np.random.default_rng(4)
    held = 0
    for _ in range(60):
        points = rng.gamma(1.5, 150, 1_500)
        outcome = 50 + 0.3 * points - 2e-4 * points**2 + rng.gamma(1, 60, 1_500)
        outcome += 10 * (points >= 150)
        found = discontinuity.jump(points - 150, outcome)
        held += found.low < 10 < found.high
    assert_covers(held, 60)
    again = discontinuity.jump(points - 150, 3 * outcome + 7, bandwidth=found.bandwidth)
    assert again.effect == pytest.approx(3 * found.effect)
    assert again.low == pytest.approx(3 * found.low)
    assert found.below + found.above == (np.abs(points - 150) < found.bandwidth).sum()
