"""Pareto/NBD: against brute force and against simulated customers of known parameters."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import gammaln

from analysis.customers.lifetime import pareto_nbd
from analysis.customers.lifetime.maximum_likelihood import Estimate
from analysis.customers.lifetime.purchase_counts import PurchaseCounts
from tests.customers.lifetime.processes import holds, pareto

TRUTH = (1.2, 6.0, 0.8, 25.0)
MODEL = pareto_nbd.ParetoNBD(
    Estimate(pareto_nbd.NAMES, np.array(TRUTH), np.full((4, 4), np.nan), 0.0)
)


@pytest.mark.parametrize(("x", "last", "end"), [(0, 0, 40), (2, 30.43, 38.86), (180, 30.0, 52.0)])
def test_likelihood_is_the_integral_over_the_day_of_death(
    x: float, last: float, end: float
) -> None:
    r, alpha, s, beta = TRUTH

    def dying(day: float) -> float:
        known = alpha + last
        return float(s * beta**s * (beta + day) ** -(s + 1) * (known / (alpha + day)) ** (r + x))

    dead = quad(dying, last, end, epsabs=0, epsrel=1e-11, points=[last + 0.5, last + 2])[0]
    lives = (beta / (beta + end)) ** s * ((alpha + last) / (alpha + end)) ** (r + x)
    constant = gammaln(r + x) - gammaln(r) + r * np.log(alpha) - (r + x) * np.log(alpha + last)
    counts = PurchaseCounts(*(np.array([float(v)]) for v in (x, last, end, 1)))
    found, _ = pareto_nbd._log_likelihood(np.array(TRUTH), counts)
    assert found == pytest.approx(constant + np.log(lives + dead), rel=1e-8)
    assert MODEL.alive(counts)[0] == pytest.approx(lives / (lives + dead), rel=1e-7)


def test_slopes_are_those_of_the_likelihood() -> None:
    counts = PurchaseCounts.of(pareto(0, TRUTH, customers=50).summary)
    values = np.array([0.7, 3.0, 1.2, 9.0])
    _, slopes = pareto_nbd._log_likelihood(values, counts)
    numeric = [
        (pareto_nbd._log_likelihood(values + s, counts)[0]
         - pareto_nbd._log_likelihood(values - s, counts)[0]) / 2e-5
        for s in np.eye(4) * 1e-5
    ]  # fmt: skip
    assert slopes == pytest.approx(numeric, rel=1e-5)


def test_a_customer_without_a_moment_observed_is_alive() -> None:
    """T = t_x leaves no time to die in."""
    counts = PurchaseCounts(np.array([3.0]), np.array([20.0]), np.array([20.0]), np.ones(1))
    assert MODEL.alive(counts)[0] == pytest.approx(1.0)


def test_customers_do_what_is_expected() -> None:
    bought = pareto(5, TRUTH, customers=6_000).summary
    each = PurchaseCounts.each(bought)
    expected = MODEL.expected(each, 26.0)
    spread = bought["coming"].std() * np.sqrt(len(bought))
    assert abs(bought["coming"].sum() - expected.sum()) < 3 * spread
    alive = MODEL.alive(each)
    assert abs(bought["alive"].sum() - alive.sum()) < 4 * np.sqrt((alive * (1 - alive)).sum())
    drawn = MODEL.drawn(each, [13.0, 26.0], np.random.default_rng(0))
    assert abs(drawn[:, 1].sum() - expected.sum()) < 3 * spread


def test_parameters_are_recovered_and_intervals_cover() -> None:
    inside = []
    for seed in range(30):
        counts = PurchaseCounts.of(pareto(seed, TRUTH, customers=1_500).summary)
        table = pareto_nbd.fit(counts).estimate.table()
        inside.append(holds(table, TRUTH))
    assert np.array(inside).mean() > 0.88
