"""NPS as published, its identities, and intervals that hold what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.stats.net_promoter import clustered_mean, net_promoter, repeats

COUNTS = st.integers(0, 500)


def test_the_published_counts_give_the_published_intervals() -> None:
    """18 promoters, 11 passive, 2 detractors (counts of prime-reportstream); Rocks (2016)."""
    plain = net_promoter(18, 11, 2, adjusted=False)
    assert plain.value[0] == pytest.approx(0.5161, abs=5e-5)
    assert plain.error[0] == pytest.approx(0.11054, abs=5e-6)
    assert (plain.low[0], plain.high[0]) == pytest.approx((0.2995, 0.7328), abs=5e-5)
    adjusted = net_promoter(18, 11, 2)
    assert adjusted.value[0] == pytest.approx(0.5161, abs=5e-5)
    assert (adjusted.low[0] + adjusted.high[0]) / 2 == pytest.approx(0.4706, abs=5e-5)
    assert adjusted.error[0] == pytest.approx(0.10993, abs=5e-6)
    assert (adjusted.low[0], adjusted.high[0]) == pytest.approx((0.2551, 0.6861), abs=5e-5)


@given(COUNTS, COUNTS, COUNTS)
def test_turned_round_the_score_changes_its_sign(up: int, middle: int, down: int) -> None:
    one, other = net_promoter(up, middle, down), net_promoter(down, middle, up)
    np.testing.assert_allclose(one.value, -other.value, equal_nan=True)
    np.testing.assert_allclose(one.low, -other.high, equal_nan=True, atol=1e-12)


@given(COUNTS, COUNTS, COUNTS)
def test_the_score_is_the_mean_of_its_answers_and_stays_within_its_bounds(
    up: int, middle: int, down: int
) -> None:
    found = net_promoter(up, middle, down)
    n = up + middle + down
    if not n:
        assert np.isnan([found.value[0], found.low[0], found.high[0]]).all()
        return
    values = np.repeat([1.0, 0.0, -1.0], [up, middle, down])
    assert found.value[0] == pytest.approx(values.mean())
    assert -1 <= found.low[0] <= found.high[0] <= 1
    plain = net_promoter(up, middle, down, adjusted=False)
    assert plain.error[0] ** 2 == pytest.approx(values.var() / n, abs=1e-12)


@pytest.mark.parametrize(
    ("n", "shares"), [(12, (0.7, 0.2, 0.1)), (40, (0.4, 0.3, 0.3)), (15, (0.9, 0.08, 0.02))]
)
def test_the_adjusted_interval_covers_where_the_plain_one_does_not(
    n: int, shares: tuple[float, ...]
) -> None:
    drawn = np.random.default_rng(1).multinomial(n, shares, size=4_000)
    truth = shares[0] - shares[2]
    covered = {}
    for adjusted in (True, False):
        found = net_promoter(*drawn.T, adjusted=adjusted)
        covered[adjusted] = float(((found.low <= truth) & (truth <= found.high)).mean())
    assert 0.935 <= covered[True] <= 0.99
    assert covered[True] >= covered[False]


def test_every_answer_given_twice_counts_once() -> None:
    values = np.array([1.0, 0, -1, 1, 1, 0, 1, -1, 1, 0])
    twice, who = np.repeat(values, 2), np.repeat(np.arange(10), 2)
    assert repeats(values, np.arange(10)) == 1.0
    assert repeats(twice, who) == pytest.approx(2.0)
    counts = [(values == v).sum() for v in (1, 0, -1)]
    once = net_promoter(*counts)
    both = net_promoter(*(2 * c for c in counts), inflation=repeats(twice, who))
    np.testing.assert_allclose([once.low, once.high], [both.low, both.high])


def test_the_error_by_customer_is_that_of_statsmodels() -> None:
    import statsmodels.api as sm

    rng = np.random.default_rng(3)
    who = rng.integers(0, 40, 200)
    y = rng.normal(4, 1, 200) + rng.normal(0, 1, 40)[who]
    peer = sm.OLS(y, np.ones(200)).fit(cov_type="cluster", cov_kwds={"groups": who})
    found = clustered_mean(y, who)
    assert found.value == pytest.approx(peer.params[0])
    # statsmodels multiplies by (n - 1) / (n - k), which is one here.
    assert found.error == pytest.approx(peer.bse[0])


def test_one_customer_has_a_score_and_no_interval() -> None:
    found = clustered_mean([5.0, 4.0], ["a", "a"])
    assert found.value == 4.5
    assert np.isnan(found.low)
