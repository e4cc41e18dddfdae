"""Regularity and silence: planted gamma processes are recovered, shoppers by lot are not called."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from analysis.customers.retention import inactivity, regularity
from analysis.errors import NotApplicable


def of_gaps(gaps: np.ndarray) -> pd.DataFrame:
    """Summaries of customers x gaps."""
    return pd.DataFrame(
        {
            "customer_id": [f"c{i:05d}" for i in range(len(gaps))],
            "gaps": gaps.shape[1],
            "gap_sum": gaps.sum(axis=1),
            "log_gaps": np.log(gaps).sum(axis=1),
            "last_gap": gaps[:, -1],
            "gap_before_last": gaps[:, -2],
            "gap_median": np.median(gaps, axis=1),
            "basket_value": 20.0,
        }
    )


def process(k: float, customers: int, gaps: int, seed: int = 1) -> pd.DataFrame:
    """Gamma gaps of shape k at a pace of each customer's own."""
    rng = np.random.default_rng(seed)
    pace = rng.gamma(2.0, 0.1, (customers, 1))
    return of_gaps(rng.gamma(k, 1.0, (customers, gaps)) / pace)


@pytest.mark.parametrize("k", [0.7, 1.0, 2.0, 5.0])
def test_one_shape_for_all_is_recovered(k: float) -> None:
    found = regularity.wheat_morrison(process(k, 4_000, 6))
    assert found.low < k < found.high
    assert found.shape == pytest.approx(k, rel=0.1)
    assert found.customers == 4_000


def test_too_few_customers_give_no_shape() -> None:
    found = regularity.wheat_morrison(process(2.0, 2, 3))
    assert np.isnan(found.shape)
    assert found.customers == 2


@pytest.mark.parametrize("k", [1.0, 3.0])
def test_each_customer_s_shape_is_unbiased_and_shrunk(k: float) -> None:
    judged = regularity.shapes(process(k, 3_000, 12))
    assert judged["shape"].mean() == pytest.approx(k, rel=0.05)
    assert judged["shrunk"].std() < judged["shape"].std() / 2


def test_intervals_of_shapes_cover_where_shapes_differ() -> None:
    rng = np.random.default_rng(5)
    k = rng.lognormal(0.4, 0.5, 3_000)
    judged = regularity.shapes(of_gaps(rng.gamma(k[:, None], 5.0, (3_000, 20))), confidence=0.90)
    inside = (judged["low"] < k) & (k < judged["high"])
    assert 0.87 < inside.mean() < 0.93


def test_the_likeliest_shape_is_scipy_s() -> None:
    gaps = np.random.default_rng(2).gamma(2.5, 3.0, 40)
    expected, _, _ = stats.gamma.fit(gaps, floc=0)
    got = regularity.likeliest(np.array([np.log(gaps.mean()) - np.log(gaps).mean()]))
    assert got[0] == pytest.approx(expected, rel=1e-6)


def test_whole_days_alone_make_no_rhythm() -> None:
    rng = np.random.default_rng(3)
    chance = rng.uniform(0.05, 0.6, (3_000, 1))
    features = of_gaps(rng.geometric(chance, (3_000, 25)).astype("float64"))
    judged = regularity.shapes(features, confidence=0.90)
    called = regularity.rhythms(features, judged).astype("str").str.startswith("Regular").mean()
    assert judged["shape"].mean() > 1.1
    assert called < 0.06


def test_a_weekly_shopper_is_by_the_clock() -> None:
    rng = np.random.default_rng(4)
    features = of_gaps(np.maximum(1, np.rint(rng.normal(7, 1, (200, 30)))))
    found = regularity.rhythms(features, regularity.shapes(features))
    assert (found == "Regular, weekly").all()


def test_few_visits_are_not_judged() -> None:
    features = process(9.0, 50, 3)
    assert (regularity.rhythms(features, regularity.shapes(features)) == regularity.TOO_FEW).all()


# Silence ---------------------------------------------------------------------------------------


def test_all_three_parameters_of_silence_are_recovered() -> None:
    rng = np.random.default_rng(6)
    pace = rng.gamma(2.0, 1 / 15, (20_000, 1))
    found = inactivity.fit(of_gaps(rng.gamma(1.8, 1.0, (20_000, 8)) / pace))
    assert found.shape == pytest.approx(1.8, rel=0.03)
    assert found.prior_shape == pytest.approx(2.0, rel=0.06)
    assert found.prior_rate == pytest.approx(15, rel=0.08)


def test_silence_is_the_integral_over_paces() -> None:
    pace = inactivity.Pace(shape=1.7, prior_shape=2.2, prior_rate=12.0, customers=0)
    after = stats.gamma(2.2 + 3 * 1.7, scale=1 / (12.0 + 40))
    expected, _ = integrate.quad(
        lambda rate: after.pdf(rate) * stats.gamma.sf(25, 1.7, scale=1 / rate), 0, 3
    )
    assert pace.longer(25, 3, 40) == pytest.approx(expected, rel=1e-6)


def test_overdue_is_the_inverse_of_silence() -> None:
    pace = inactivity.Pace(shape=1.7, prior_shape=2.2, prior_rate=12.0, customers=0)
    days = pace.overdue_after(0.05, np.array([0, 3, 50]), np.array([0, 40, 300]))
    np.testing.assert_allclose(pace.longer(days, [0, 3, 50], [0, 40, 300]), 0.05)
    assert days[2] < days[1] < days[0]


def test_calibration_holds_where_the_model_does() -> None:
    features = process(1.5, 8_000, 10)
    table = inactivity.calibration(inactivity.fit(features), features)
    # Real gaps are whole days; these are not, and a day is taken off a silence to be careful.
    assert (table["called"] <= table["expected"] * 1.1).all()
    assert (table["called"] >= table["expected"] * 0.6).all()


def test_cuts_follow_the_gaps_where_the_model_fails() -> None:
    rng = np.random.default_rng(8)
    gaps = rng.gamma(3.0, 2.0, (4_000, 12))
    away = rng.random(gaps.shape) < 0.05
    features = of_gaps(np.where(away, gaps * 8, gaps))
    pace = inactivity.fit(features)
    cut = inactivity.thresholds(pace, features, (0.10, 0.02))
    assert cut[1] < 0.02
    last = pace.longer(
        features["last_gap"] - 1, features["gaps"] - 1, features["gap_sum"] - features["last_gap"]
    )
    assert (last < cut[1]).mean() == pytest.approx(0.02, abs=0.003)


def test_silence_of_nobody_cannot_be_judged() -> None:
    with pytest.raises(NotApplicable, match=r"fewer than 30 customers \(29\)"):
        inactivity.fit(process(1.0, 29, 3))
