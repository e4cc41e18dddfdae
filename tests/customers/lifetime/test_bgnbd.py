"""Purchases until dropout: against brute force, against simulated customers of known parameters."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import betainc, betaln, gammaln, hyp2f1
from scipy.stats import beta as beta_of
from scipy.stats import binom
from scipy.stats import gamma as gamma_of

from analysis.customers.lifetime import bgnbd, pareto_nbd, purchase_counts
from analysis.customers.lifetime.maximum_likelihood import Estimate
from analysis.customers.lifetime.purchase_counts import PurchaseCounts
from analysis.stats.types import Floats
from tests.customers.lifetime.processes import beta_geometric, holds

TRUTH = (1.5, 6.0, 0.9, 4.0)


def one(repeats: float, recency: float, observed: float) -> PurchaseCounts:
    return PurchaseCounts(*(np.array([v]) for v in (repeats, recency, observed, 1.0)))


def model(shape: int = 1, *, modified: bool = False) -> bgnbd.BetaGeometric:
    known = Estimate(bgnbd.NAMES, np.array(TRUTH), np.full((4, 4), np.nan), 0.0)
    return bgnbd.BetaGeometric(known, shape, modified)


def at_least(
    known: bgnbd.BetaGeometric, counts: PurchaseCounts, weeks: float, number: int
) -> Floats:
    """Return the exact probability of ``number`` purchases or more in the next ``weeks``."""
    r, alpha, a, b = known.estimate.values
    alive, left = bgnbd._weights(known, counts)
    stage = np.exp(alive - np.logaddexp(bgnbd._added(alive), left)[:, None])
    stages = np.arange(known.shape)
    stays = b + counts.repeats + known.modified
    events = (r + known.shape * counts.repeats)[:, None] + stages
    share = (weeks / (alpha + counts.observed + weeks))[:, None]
    lasts = np.exp(betaln(a, stays + number - 1) - betaln(a, stays))
    reached = lasts[:, None] * betainc(number * known.shape - stages, events, share)
    return np.asarray((stage * reached).sum(axis=1))


@pytest.mark.parametrize("shape", [1, 3])
@pytest.mark.parametrize("modified", [False, True])
def test_likelihood_is_the_integral_over_rate_and_chance(shape: int, modified: bool) -> None:
    """Three purchases, then silence: the likelihood written down for one customer, integrated."""
    gaps, silent = np.array([2.0, 3.5, 1.0]), 6.0
    counts = PurchaseCounts(
        np.array([3.0]), np.array([gaps.sum()]), np.array([gaps.sum() + silent]), np.ones(1),
        float(np.log(gaps).sum()),
    )  # fmt: skip
    r, alpha, a, b = TRUTH

    nodes, weights = np.polynomial.legendre.leggauss(400)
    rate, leave = 8 * (nodes + 1)[:, None], ((nodes + 1) / 2) ** 2
    cell = np.outer(8 * weights, weights * (nodes + 1) / 2)
    seen = np.prod([gamma_of.pdf(gap, shape, scale=1 / rate) for gap in gaps], axis=0)
    waits = gamma_of.sf(silent, shape, scale=1 / rate)
    stays = (1 - leave) ** (3 - 1 + modified)
    prior = gamma_of.pdf(rate, r, scale=1 / alpha) * beta_of.pdf(leave, a, b)
    expected = (cell * seen * stays * (leave + (1 - leave) * waits) * prior).sum()
    found, _ = bgnbd._log_likelihood(np.array(TRUTH), counts, shape, modified)
    assert np.exp(found) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("shape", "modified"), [(1, False), (1, True), (3, True)])
def test_slopes_are_those_of_the_likelihood(shape: int, modified: bool) -> None:
    counts = PurchaseCounts.of(beta_geometric(0, TRUTH, customers=50, shape=shape).summary)
    values = np.array([0.7, 3.0, 1.2, 2.0])
    _, slopes = bgnbd._log_likelihood(values, counts, shape, modified)
    steps = np.eye(4) * 1e-5
    numeric = [
        (bgnbd._log_likelihood(values + s, counts, shape, modified)[0]
         - bgnbd._log_likelihood(values - s, counts, shape, modified)[0]) / 2e-5
        for s in steps
    ]  # fmt: skip
    assert slopes == pytest.approx(numeric, rel=1e-5)


@pytest.mark.parametrize(("shape", "modified"), [(1, False), (1, True), (3, True)])
def test_expectation_is_the_mean_of_what_is_drawn(shape: int, modified: bool) -> None:
    known = model(shape, modified=modified)
    for seen in ((0, 0.0, 30.0), (4, 20.0, 26.0), (9, 25.0, 26.0)):
        many = PurchaseCounts(*(np.full(40_000, v) for v in (*seen, 1.0)))
        drawn = known.drawn(many, [13.0, 26.0], np.random.default_rng(1))
        error = drawn[:, 1].std() / 200
        assert abs(drawn[:, 1].mean() - known.expected(one(*seen), 26.0)[0]) < 4 * error
        assert (drawn[:, 0] <= drawn[:, 1]).all()
        share = (drawn[:, 1] >= 2).mean()
        exact = at_least(known, one(*seen), 26.0, 2)[0]
        assert abs(share - exact) < 4 * np.sqrt(exact * (1 - exact) / 40_000) + 1e-9


@pytest.mark.parametrize(("shape", "modified"), [(1, False), (1, True), (2, True), (5, False)])
@pytest.mark.parametrize("seen", [(0, 0.0, 30.0), (5, 20.0, 30.0), (90, 50.0, 52.0)])
def test_expectation_is_the_sum_of_chances(
    shape: int, modified: bool, seen: tuple[float, float, float]
) -> None:
    """E[X] is the sum over n of P(X >= n), each of which is exact."""
    known = model(shape, modified=modified)
    for weeks in (4.0, 60.0):
        chances = [at_least(known, one(*seen), weeks, n)[0] for n in range(1, 1_200)]
        assert known.expected(one(*seen), weeks)[0] == pytest.approx(sum(chances), rel=2e-5)


def test_expectation_is_the_published_closed_form() -> None:
    """Fader, Hardie, Lee (2005), equation 10."""
    r, alpha, a, b = TRUTH
    x, last, end, weeks = 5.0, 20.0, 30.0, 50.0
    inner = hyp2f1(r + x, b + x, a + b + x - 1, weeks / (alpha + end + weeks))
    first = (a + b + x - 1) / (a - 1)
    first *= 1 - ((alpha + end) / (alpha + end + weeks)) ** (r + x) * inner
    left = a / (b + x - 1) * ((alpha + end) / (alpha + last)) ** (r + x)
    found = model().expected(one(x, last, end), weeks)[0]
    assert found == pytest.approx(first / (1 + left), rel=1e-9)


@pytest.mark.parametrize(("shape", "modified"), [(1, False), (3, True)])
def test_customers_do_what_is_expected(shape: int, modified: bool) -> None:
    """Among 4,000 simulated customers: as many purchases as expected, as many alive as said."""
    bought = beta_geometric(
        7, TRUTH, customers=4_000, shape=shape, modified=modified
    ).summary  # fmt: skip
    known, each = model(shape, modified=modified), PurchaseCounts.each(bought)
    expected = known.expected(each, 26.0)
    spread = bought["coming"].std() * np.sqrt(len(bought))
    assert abs(bought["coming"].sum() - expected.sum()) < 3 * spread
    alive = known.alive(each)
    assert abs(bought["alive"].sum() - alive.sum()) < 4 * np.sqrt((alive * (1 - alive)).sum())


def test_parameters_are_recovered_and_intervals_cover() -> None:
    """Over 60 simulated shops, 95 % intervals of four parameters hold the truth as often as said.

    A count of 240 in which shops are independent: fewer than 213 would be rarer than 1 in 1,000
    were the four of a shop one, which they are not.
    """
    inside = []
    for seed in range(60):
        counts = PurchaseCounts.of(beta_geometric(seed, TRUTH, customers=1_500).summary)
        table = bgnbd.fit(counts).estimate.table()
        inside.append(holds(table, TRUTH))
    covered = np.array(inside)
    assert binom.cdf(covered.all(axis=1).sum(), 60, 0.80) > 1e-3
    assert covered.mean() > 0.90


@pytest.mark.parametrize("model", ["BG/CNBD-3", "Pareto/NBD"])
def test_likelihood_in_blocks_is_that_of_all_rows(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many rows are taken at once, heights and slopes add up to the same."""
    bought = beta_geometric(0, TRUTH, customers=300, shape=3).summary

    def both() -> Floats:
        counts, values = PurchaseCounts.of(bought), np.array([0.7, 3.0, 1.2, 2.0])
        if model == "Pareto/NBD":
            height, slopes = pareto_nbd._log_likelihood(values, counts)
        else:
            height, slopes = bgnbd._log_likelihood(values, counts, 3, False)
        return np.array([height, *slopes])

    whole = both()
    monkeypatch.setattr(purchase_counts, "_BLOCK", 40)
    assert both() == pytest.approx(whole, rel=1e-12)


def test_regular_gaps_are_found() -> None:
    """The shape of the gaps is planted, and estimated from the likelihood alone."""
    bought = beta_geometric(3, TRUTH, customers=600, shape=3, modified=True).summary
    found = bgnbd.fit_regular(PurchaseCounts.of(bought))
    assert found.name == "MBG/CNBD-3"
    reach = 4 * np.sqrt(np.diag(found.estimate.log_covariance))
    assert (np.abs(np.log(found.estimate.values / TRUTH)) < reach).all()


def test_likelihood_counts_the_constant_of_the_gaps() -> None:
    """Without repeat purchases, models of every shape k are one and the same at k = 1."""
    counts = PurchaseCounts(np.zeros(3), np.zeros(3), np.array([1.0, 5.0, 9.0]), np.ones(3))
    plain, _ = bgnbd._log_likelihood(np.array(TRUTH), counts, 1, True)
    r, alpha, a, b = TRUTH
    stay = b / (a + b)
    direct = np.log(stay * (alpha / (alpha + counts.observed)) ** r + 1 - stay).sum()
    assert plain == pytest.approx(direct, rel=1e-12)
    assert gammaln(1) == 0
