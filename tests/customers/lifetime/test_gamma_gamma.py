"""The value of a purchase: recovered from simulated customers, and with negative margins."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.customers.lifetime import gamma_gamma
from analysis.errors import NotApplicable
from tests.customers.lifetime.processes import holds


def bought(seed: int, customers: int = 1_500) -> tuple[np.ndarray, np.ndarray]:
    """Return purchases and averages of Gamma-Gamma customers, p 2, q 4, gamma 30."""
    rng = np.random.default_rng(seed)
    purchases = 1.0 + rng.poisson(4, customers)
    scale = rng.gamma(4.0, 1 / 30.0, customers)
    return purchases, rng.gamma(2.0 * purchases) / scale / purchases


def test_parameters_are_recovered_and_intervals_cover() -> None:
    inside = []
    for seed in range(40):
        table = gamma_gamma.fit(*bought(seed)).estimate.table()
        inside.append(holds(table, (2.0, 4.0, 30.0)))
    assert np.array(inside).mean() > 0.89


def test_slopes_are_those_of_the_likelihood() -> None:
    purchases, average = bought(0, 60)
    values = np.array([1.5, 3.0, 20.0])
    _, slopes = gamma_gamma._log_likelihood(values, purchases, average)
    numeric = [
        (gamma_gamma._log_likelihood(values + s, purchases, average)[0]
         - gamma_gamma._log_likelihood(values - s, purchases, average)[0]) / 2e-5
        for s in np.eye(3) * 1e-5
    ]  # fmt: skip
    assert slopes == pytest.approx(numeric, rel=1e-5)


def test_expectation_is_the_mean_of_what_is_drawn() -> None:
    model = gamma_gamma.fit(*bought(1))
    purchases, average = (np.full(50_000, v) for v in (3.0, 12.0))
    coming = np.tile([1.0, 3.0], (50_000, 1))
    drawn = model.drawn(purchases, average, coming, np.random.default_rng(2)).sum(axis=1)
    expected = 4 * model.expected(purchases[:1], average[:1])[0]
    assert drawn.mean() == pytest.approx(expected, abs=4 * drawn.std() / np.sqrt(50_000))


def test_credibility_finds_mean_and_variances_whatever_their_sign() -> None:
    """Margins of mean 2, of customers spread by 3, of purchases by 10: many are negative."""
    found = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        purchases = 1 + rng.poisson(5, 800)
        own = 2 + 3 * rng.standard_normal(800)
        rows = [own[i] + 10 * rng.standard_normal(n) for i, n in enumerate(purchases)]
        average = np.array([row.mean() for row in rows])
        squares = np.array([(row**2).sum() for row in rows])
        model = gamma_gamma.fit_credibility(purchases.astype(float), average, squares)
        assert (average <= 0).any()
        found.append((model.mean, model.within, model.between, (model.mean - 2) / model.error))
    mean, within, between, z = np.array(found).T
    assert mean.mean() == pytest.approx(2, abs=0.15)
    assert within.mean() == pytest.approx(100, rel=0.03)
    assert between.mean() == pytest.approx(9, rel=0.1)
    assert 0.7 < z.std() < 1.35


def test_negative_margins_are_not_given_to_gamma_gamma() -> None:
    purchases, average = bought(0)
    average[3] = -1.0
    with pytest.raises(NotApplicable, match="1 customers have none"):
        gamma_gamma.fit(purchases, average)
    frame = pd.DataFrame(
        {
            "repeats": purchases - 1,
            "margin_amount": average * purchases,
            "margin_squares": average**2 * purchases * 1.5,
        }
    )
    assert isinstance(gamma_gamma.fit_value(frame), gamma_gamma.Credibility)


@pytest.mark.parametrize(
    ("average", "says"),
    [
        (np.full(100, 5.0), "worth the same"),
        (np.full(10, 5.0), "10 customers with purchases, fewer than 30"),
        (1 / np.random.default_rng(0).uniform(size=400) ** 1.6, "heavy-tailed"),
    ],
)
def test_what_cannot_be_modelled_is_refused(average: np.ndarray, says: str) -> None:
    with pytest.raises(NotApplicable, match=says):
        gamma_gamma.fit(np.full(len(average), 3.0), average)


def test_independence_is_a_rank_correlation() -> None:
    purchases = np.arange(1.0, 51.0)
    assert gamma_gamma.independence(purchases, purchases**2).correlation == pytest.approx(1.0)
    assert np.isnan(gamma_gamma.independence(purchases, np.ones(50)).correlation)
