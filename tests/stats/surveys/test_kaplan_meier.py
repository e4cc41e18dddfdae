"""The wait until something happens: published remission times, and statsmodels."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.stats.survival import kaplan_meier

#: Weeks in remission under 6-MP, Freireich et al. (1963), Blood 21, 699-716; + is censored.
EVENTS = [6, 6, 6, 7, 10, 13, 16, 22, 23]
CENSORED = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]


def remission() -> tuple[np.ndarray, np.ndarray]:
    days = np.array(EVENTS + CENSORED, float)
    return days, np.arange(len(days)) < len(EVENTS)


def test_the_published_remission_times_give_the_published_curve() -> None:
    """Kleinbaum and Klein, Survival Analysis, table of the treated group; median 23 weeks."""
    found = kaplan_meier(*remission())
    pairs, counts = np.unique(np.array(remission()), axis=1, return_counts=True)
    counted = kaplan_meier(pairs[0], pairs[1], of=counts)
    for name in ("times", "at_risk", "events", "still", "low", "high"):
        np.testing.assert_allclose(getattr(counted, name), getattr(found, name))
    np.testing.assert_array_equal(found.times, [6, 7, 10, 13, 16, 22, 23])
    np.testing.assert_array_equal(found.at_risk, [21, 17, 15, 12, 11, 7, 6])
    np.testing.assert_allclose(
        found.still, [0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482], atol=5e-5
    )
    assert found.quantile(0.5)[0] == 23


def test_the_curve_and_its_quantiles_are_those_of_statsmodels() -> None:
    from statsmodels.duration.survfunc import SurvfuncRight

    rng = np.random.default_rng(4)
    days = np.round(rng.exponential(10, 150), 1) + 0.1
    happened = (rng.random(150) < 0.7) & (days < days.max())  # its quantiles need a last one open
    found = kaplan_meier(days, happened)
    peer = SurvfuncRight(days, happened)
    np.testing.assert_array_equal(found.times, peer.surv_times)
    np.testing.assert_allclose(found.still, peer.surv_prob)
    still, error = peer.surv_prob, peer.surv_prob_se
    spread = 1.959964 * error / (still * np.abs(np.log(still)))
    np.testing.assert_allclose(found.low, still ** np.exp(spread), rtol=1e-6)
    np.testing.assert_allclose(found.high, still ** np.exp(-spread), rtol=1e-6)
    for share in (0.25, 0.5):
        middle, low, high = found.quantile(share)
        assert middle == peer.quantile(share)
        assert (low, high) == pytest.approx(peer.quantile_ci(share))


def test_without_censoring_it_is_the_share_that_still_waits() -> None:
    found = kaplan_meier(np.array([3.0, 1, 2, 2]), np.ones(4, bool))
    np.testing.assert_allclose(found.still, [0.75, 0.25, 0.0])
    assert found.share_by(2)[0] == 0.75
    assert found.share_by(0.5) == (0.0, 0.0, 0.0)


def test_intervals_of_the_share_done_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(9)
    truth, covered = 1 - np.exp(-7 / 10), 0
    for _ in range(500):
        days, gone = rng.exponential(10, 60), rng.uniform(0, 30, 60)
        _, low, high = kaplan_meier(np.minimum(days, gone), days <= gone).share_by(7)
        covered += low <= truth <= high
    assert 0.925 <= covered / 500 <= 0.975


def test_where_nothing_happened_nothing_is_said() -> None:
    found = kaplan_meier(np.array([1.0, 2.0]), np.zeros(2, bool))
    assert len(found.times) == 0
    assert np.isnan(found.quantile()).all()
