"""Effects drawn together: published values, statsmodels, and what intervals promise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from analysis.errors import NotApplicable
from analysis.stats.random_effects import pool

#: Thirteen trials of the BCG vaccine, log risk ratio and its variance: Colditz and others (1994),
#: JAMA 271(9), as distributed with metafor (dat.bcg).
BCG = np.array(
    [
        [4, 119, 11, 128], [6, 300, 29, 274], [3, 228, 11, 209], [62, 13536, 248, 12619],
        [33, 5036, 47, 5761], [180, 1361, 372, 1079], [8, 2537, 10, 619], [505, 87886, 499, 87892],
        [29, 7470, 45, 7232], [17, 1699, 65, 1600], [186, 50448, 141, 27197], [5, 2493, 3, 2338],
        [27, 16886, 29, 17825],
    ],
    float,
)  # fmt: skip


def bcg() -> tuple[np.ndarray, np.ndarray]:
    a, b, c, d = BCG.T
    effect = np.log(a / (a + b)) - np.log(c / (c + d))
    return effect, np.sqrt(1 / a - 1 / (a + b) + 1 / c - 1 / (c + d))


def test_bcg_is_pooled_as_published() -> None:
    """Viechtbauer (2010), Journal of Statistical Software 36(3), and metafor's documentation:
    mean -0.71, tau squared by Paule and Mandel 0.318, its Q-profile interval 0.1197 to 1.1115."""
    found = pool(*bcg())
    assert found.mean == pytest.approx(-0.7150, abs=5e-4)
    assert found.between == pytest.approx(0.3181, abs=5e-4)
    assert found.between_low == pytest.approx(0.1197, abs=5e-4)
    assert found.between_high == pytest.approx(1.1115, abs=5e-4)
    assert found.low == pytest.approx(-1.109, abs=5e-3)
    assert found.high == pytest.approx(-0.321, abs=5e-3)


def test_statsmodels_pools_the_same() -> None:
    meta = pytest.importorskip("statsmodels.stats.meta_analysis")
    effect, error = bcg()
    theirs = meta.combine_effects(effect, error**2, method_re="iterated", use_t=True, atol=1e-12)
    found = pool(effect, error)
    _, _, _, hartung_knapp = theirs.conf_int(use_t=True)
    assert found.between == pytest.approx(theirs.tau2, rel=1e-6)
    assert found.mean == pytest.approx(theirs.mean_effect_re, rel=1e-6)
    assert (found.low, found.high) == pytest.approx(hartung_knapp, rel=1e-6)


def test_intervals_of_the_mean_and_of_the_next_one_cover() -> None:
    rng = np.random.default_rng(1)
    experiments, mean, ahead, shrunk = 2_000, 0, 0, []
    for _ in range(experiments):
        error = rng.uniform(0.1, 0.5, 8)
        true = rng.normal(0.2, 0.3, 9)
        found = pool(true[:8] + error * rng.normal(size=8), error)
        mean += found.low <= 0.2 <= found.high
        ahead += found.next_low <= true[8] <= found.next_high
        shrunk.append(((found.shrunk - true[:8]) ** 2).mean())
    assert binom.ppf(1e-4, experiments, 0.94) <= mean <= binom.ppf(1 - 1e-4, experiments, 0.96)
    assert binom.ppf(1e-4, experiments, 0.93) <= ahead <= binom.ppf(1 - 1e-4, experiments, 0.965)
    # Drawn together, effects are nearer to the truth than each by itself.
    assert np.mean(shrunk) < 0.8 * np.mean(rng.uniform(0.1, 0.5, 8_000) ** 2)


def test_effects_that_agree_are_taken_for_one() -> None:
    found = pool(np.array([0.1, 0.11, 0.09, 0.1]), np.full(4, 0.2))
    assert found.between == 0
    assert np.allclose(found.shrunk, found.mean)
    assert found.share == 0


def test_effects_that_are_sure_stay_where_they_are() -> None:
    effects = np.array([0.0, 1.0, 2.0])
    found = pool(effects, np.full(3, 1e-3))
    assert np.allclose(found.shrunk, effects, atol=1e-4)
    assert found.share > 0.99


@pytest.mark.parametrize(
    ("effects", "errors", "words"),
    [
        ([0.1], [0.1], "Two promotions or more"),
        ([0.1, 0.2], [0.1, 0.0], "without a standard error"),
        ([0.1, np.nan], [0.1, 0.1], "without a standard error"),
    ],
)
def test_what_cannot_be_pooled_is_refused(
    effects: list[float], errors: list[float], words: str
) -> None:
    with pytest.raises(NotApplicable, match=words):
        pool(np.array(effects), np.array(errors))
