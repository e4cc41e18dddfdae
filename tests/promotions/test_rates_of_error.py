"""Every test that is offered: 5 % false effects, 95 % coverage, over thousands of experiments."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.stats import binom

from analysis.promotions.experiments import (
    adjustment,
    group_sequential,
    robustness,
    sequential,
    uplift,
    validity_checks,
)
from analysis.promotions.experiments.adjustment import Effect
from analysis.promotions.observational.doubly_robust import by_lot
from analysis.promotions.outcomes.costs import Costs
from analysis.promotions.outcomes.moments import Moments
from analysis.promotions.planning import power
from analysis.promotions.returns import roi
from analysis.promotions.returns.roi import PAID, of_arm
from analysis.stats import multiplicity, permutation, proportions
from analysis.stats.multiplicity import normal_quantile, two_sided_p
from tests.promotions.drawing import arms, moments_of

Floats = NDArray[np.float64]
EXPERIMENTS = 4_000
LIFT = 1.5

Way = Callable[[Moments, Moments], Effect]
WAYS: dict[str, Way] = {
    "welch": lambda one, two: adjustment.plain(one, two, "y"),
    "cuped": lambda one, two: adjustment.cuped(one, two, "y", ["x", "z"]),
    "regression": lambda one, two: adjustment.regression(one, two, "y", ["x", "z"]),
    "ratio": lambda one, two: adjustment.plain(
        *adjustment.as_ratio(one, two, "y", "orders"), "ratio"
    ),
    "adjusted ratio": lambda one, two: adjustment.regression(
        *adjustment.as_ratio(one, two, "y", "orders"), "ratio", ["x"]
    ),
}


def assert_rate(found: NDArray[np.bool_], rate: float = 0.05, *, slack: float = 0.006) -> None:
    """Assert a rate within chance (about four standard errors) and what normality leaves open."""
    seen = float(np.mean(found))
    error = 4 * np.sqrt(rate * (1 - rate) / found.size)
    assert abs(seen - rate) < error + slack, f"{seen:.4f} against {rate}"


@pytest.fixture(scope="module")
def null() -> tuple[Moments, Moments]:
    one, two = arms(1, experiments=EXPERIMENTS)
    return moments_of(one), moments_of(two)


@pytest.fixture(scope="module")
def lifted() -> tuple[Moments, Moments]:
    one, two = arms(2, experiments=EXPERIMENTS, lift=LIFT)
    return moments_of(one), moments_of(two)


@pytest.mark.parametrize("name", WAYS)
def test_false_effects_are_as_rare_as_promised(name: str, null: tuple[Moments, Moments]) -> None:
    assert_rate(WAYS[name](*null).p() < 0.05)


@pytest.mark.parametrize("name", WAYS)
def test_intervals_cover_the_true_difference(name: str, lifted: tuple[Moments, Moments]) -> None:
    # A ratio of totals: mean y is 0.5 * 10 + 4 = 9, mean orders are 3.
    truth = LIFT / 3 if "ratio" in name else LIFT
    low, high = WAYS[name](*lifted).interval(0.95)
    assert_rate(~((low < truth) & (truth < high)))


@pytest.mark.parametrize("name", ["welch", "cuped", "regression", "ratio"])
def test_relative_lifts_cover(name: str, lifted: tuple[Moments, Moments]) -> None:
    _, low, high = WAYS[name](*lifted).lift(0.95)
    assert_rate(~((low < LIFT / 9) & (high > LIFT / 9)))


def test_adjusting_narrows_as_much_as_the_covariates_explain(
    lifted: tuple[Moments, Moments],
) -> None:
    wide, narrow = (float(np.mean(WAYS[n](*lifted).error ** 2)) for n in ("welch", "regression"))
    explained = (0.25 * 50 + 1) / (0.25 * 50 + 1 + 16)
    assert narrow / wide == pytest.approx(1 - explained, rel=0.05)


@pytest.mark.parametrize(
    ("chance", "sizes"), [(0.1, (300, 200)), (0.03, (400, 400)), (0.5, (60, 90))]
)
def test_shares_have_their_rate_and_coverage(chance: float, sizes: tuple[int, int]) -> None:
    rng = np.random.default_rng(3)
    x1, x2 = (rng.binomial(n, chance, 20_000) for n in sizes)
    assert_rate(proportions.p_value(x1, sizes[0], x2, sizes[1]) < 0.05, slack=0.01)
    better = rng.binomial(sizes[0], chance + 0.05, 20_000)
    _, low, high = proportions.newcombe(better, sizes[0], x2, sizes[1], z=1.96)
    assert_rate(~((low < 0.05) & (high > 0.05)), slack=0.01)
    _, low, high = proportions.relative(better, sizes[0], x2, sizes[1], z=1.96)
    known = np.isfinite(high)
    lift = 0.05 / chance
    assert_rate(~((low < lift) & (lift < high))[known], slack=0.012)


def test_small_arms_by_other_draws_of_the_lot() -> None:
    one, two = arms(4, experiments=2_000, n=(10, 14))
    p = permutation.p_value(one[..., 0], two[..., 0], seed=1, draws=399)
    assert_rate(p <= 0.05)


def test_quantile_effects() -> None:
    one, two = arms(5, experiments=2_000, n=(300, 300))
    _, low, high = robustness.quantile_effects(
        one[..., 0], two[..., 0], [0.5, 0.9], confidence=0.95, seed=1, replicates=400
    )
    for i in range(2):
        assert_rate((low[:, i] > 0) | (high[:, i] < 0), slack=0.012)


def test_clusters() -> None:
    rng = np.random.default_rng(6)
    experiments, stores, size = 3_000, 40, 10
    own = np.arange(stores) % 2 == 0
    level = rng.normal(size=(experiments, stores))
    sums = (level[..., None] + rng.normal(size=(experiments, stores, size))).sum(-1)
    n = np.full((experiments, stores), float(size))
    found = adjustment.of_sums(n * own, sums * own, n * ~own, sums * ~own)
    assert_rate(found.p() < 0.05, slack=0.008)


def test_post_stratification() -> None:
    rng = np.random.default_rng(7)
    estimates, errors = [], []
    for _ in range(2_000):
        stratum = rng.integers(0, 3, 180)
        treated = rng.random(180) < 0.5
        y = 4.0 * stratum + rng.normal(size=180) + treated
        parts = [
            [_single(y[(stratum == s) & side]) for s in range(3)] for side in (treated, ~treated)
        ]
        found = adjustment.post_stratified(*parts, "y")
        estimates.append(float(found.difference))
        errors.append(float(found.reach(0.95)))
    assert_rate(np.abs(np.array(estimates) - 1) > np.array(errors))


def _single(values: Floats) -> Moments:
    mean = values.mean(keepdims=True)
    return Moments(("y",), np.float64(len(values)), mean, np.atleast_2d(values.var(ddof=1)))


def test_winsorised_means() -> None:
    one, two = arms(8, experiments=3_000)
    both = np.concatenate([one[..., 0], two[..., 0]], -1)
    limit = np.quantile(both, 0.95, axis=-1, method="inverted_cdf")[:, None]
    pair = [np.minimum(v[..., 0], limit)[..., None] for v in (one, two)]
    effects = adjustment.plain(*(_named(v) for v in pair), "y")
    assert_rate(effects.p() < 0.05)


def _named(values: Floats) -> Moments:
    from analysis.promotions.outcomes import moments

    return moments.of_values(values, ["y"])


def test_a_model_that_knows_nothing_is_rarely_offered() -> None:
    rng = np.random.default_rng(19)
    offered = []
    for _ in range(2_000):
        predicted = pd.DataFrame(rng.normal(size=(60, 2)), columns=["model", "score"])
        found = uplift.judge(predicted, ["model"], cost=0.0, confidence=0.95, seed=1, resamples=100)
        offered.append([found["offered"].iloc[0], found["qini_low"].iloc[0] > 0])
    assert np.mean(offered, axis=0)[0] <= 0.05
    assert np.mean(offered, axis=0)[1] <= 0.05


def test_several_arms_make_one_false_claim_in_twenty_together() -> None:
    rng = np.random.default_rng(9)
    n = np.array([200, 100, 150])
    control = rng.normal(size=6_000) / np.sqrt(120)
    arms_ = rng.normal(size=(6_000, 3)) / np.sqrt(n)
    errors = np.sqrt(1 / n + 1 / 120)
    weights = np.sqrt((1 / 120) / (1 / n + 1 / 120))
    statistics = (arms_ - control[:, None]) / errors
    assert_rate((multiplicity.dunnett_p(statistics, weights) < 0.05).any(-1), slack=0.002)
    reach = multiplicity.dunnett_quantile(weights, confidence=0.95)
    assert_rate((np.abs(statistics) > reach).any(-1), slack=0.002)


def test_holm_makes_one_false_claim_in_twenty_together() -> None:
    rng = np.random.default_rng(10)
    p = two_sided_p(rng.normal(size=(4_000, 6)))
    assert_rate(np.array([(multiplicity.holm(row) < 0.05).any() for row in p]))


def test_sample_ratio_and_balance() -> None:
    rng = np.random.default_rng(11)
    weights = np.array([0.5, 0.3, 0.2])
    counts = rng.multinomial(1_000, weights, size=20_000)
    assert_rate(validity_checks.sample_ratio_p(counts, weights) < 0.05, slack=0.003)
    one, two = arms(12, experiments=EXPERIMENTS, n=(200, 250))
    found = validity_checks.balance_p([moments_of(one), moments_of(two)], ["x", "z", "orders"])
    assert_rate(found < 0.05)


def test_planned_power_is_kept() -> None:
    design = power.Design(treated=(0.4,), explained=13.5 / 29.5)
    needed = power.customers_needed(1.2, 29.5, design)
    sizes = (round(0.4 * needed), round(0.6 * needed))
    one, two = arms(13, experiments=2_000, n=sizes, lift=1.2)
    found = adjustment.regression(moments_of(one), moments_of(two), "y", ["x", "z"])
    assert_rate(found.p() < 0.05, 0.8, slack=0.01)


def _followed(seed: int, *, experiments: int, lift: float = 0.0) -> tuple[Floats, Floats]:
    """Return statistic and its always-valid limit by experiment and day, for a year of days.

    Customers differ in how often they buy, so days are not independent; each day is looked at.
    """
    rng = np.random.default_rng(seed)
    statistics, limits = [], []
    for _ in range(experiments):
        pair = [_year(rng, more) for more in (lift, 0.0)]
        found = sequential.path(*pair)
        limits.append(sequential.reach(found.information, planned=60.0, confidence=0.95))
        statistics.append(found.difference / np.where(found.error > 0, found.error, np.inf))
    return np.array(statistics), np.array(limits)


def _year(rng: np.random.Generator, more: float, *, n: int = 100) -> sequential.Days:
    rate = rng.gamma(1.0, 0.02, n)
    before = 3.0 * rng.poisson(rate * 180)
    buyer = np.repeat(np.arange(n), rng.poisson((rate + more) * 365))
    spent = np.zeros((n, 365))
    np.add.at(spent, (buyer, rng.integers(0, 365, len(buyer))), rng.gamma(2.0, 1.5, len(buyer)))
    amount = np.cumsum(spent, axis=1)
    return sequential.Days(
        n=float(n),
        total=amount.sum(0),
        squares=(amount**2).sum(0),
        along=(amount * before[:, None]).sum(0),
        covariate=float(before.sum()),
        covariate_squares=float((before**2).sum()),
    )


def test_reading_daily_for_a_year_keeps_its_promise() -> None:
    statistics, limits = _followed(14, experiments=2_000)
    ever = (np.abs(statistics) > limits)[:, 7:].any(1)
    assert ever.mean() <= 0.05
    # The interval for a single look, read daily, is what this is for.
    naive = (np.abs(statistics) > normal_quantile(0.95))[:, 7:].any(1)
    assert naive.mean() > 0.25


def test_reading_daily_still_finds_an_effect() -> None:
    statistics, limits = _followed(15, experiments=100, lift=0.02)
    assert ((statistics > limits).any(1)).mean() > 0.9


def test_a_brownian_path_crosses_the_mixture_bound_at_most_as_promised() -> None:
    """The worst case, independent steps: Robbins' bound is then nearly exact in the long run."""
    rng = np.random.default_rng(16)
    steps = rng.normal(size=(4_000, 400)).cumsum(1)
    time = np.arange(1, 401)
    limit = sequential.reach(time, planned=100.0, confidence=0.95)
    ever = (np.abs(steps) / np.sqrt(time) > limit).any(1)
    assert 0.01 < ever.mean() <= 0.05


@pytest.mark.parametrize("shape", ["obrien-fleming", "pocock"])
def test_bounds_for_fixed_looks_are_exact(shape: group_sequential.Shape) -> None:
    rng = np.random.default_rng(17)
    looks = 5
    steps = rng.normal(size=(40_000, looks)).cumsum(1) / np.sqrt(np.arange(1, looks + 1))
    crossed = (np.abs(steps) > group_sequential.bounds(looks, shape=shape)).any(1)
    assert_rate(crossed, slack=0.0)
    drift = 2.8 * np.sqrt(np.arange(1, looks + 1) / looks)
    powered = (np.abs(steps + drift) > group_sequential.bounds(looks, shape=shape)).any(1)
    assert_rate(
        powered, group_sequential.crossing(group_sequential.bounds(looks, shape=shape), drift=2.8)
    )


def _true_loss(rng: np.random.Generator, arms: int, n: int) -> bool:
    """Return whether a promotion whose arms truly earn nothing at all is said to have paid.

    A discount of a tenth moves purchases forward and brings some that would not have come; what it
    brings is what contacts cost, so that the true net return of every arm is zero.
    """
    names, arm = list(roi.NEEDED), rng.integers(0, arms + 1, n)
    taste = rng.gamma(0.7, 1.0, n)
    before, usual, later = (rng.poisson(1.5 * taste) for _ in range(3))
    extra = np.where(arm > 0, rng.poisson(taste), 0)  # .7 a customer
    early = np.where(arm > 0, rng.binomial(later, 0.2), 0)  # taken from the weeks after
    units, treated = usual + extra + early, arm > 0
    other = rng.lognormal(1.0, 1.0, n) * (rng.random(n) < 0.6)
    off = np.where(treated, 1.0, 0.0)  # a unit costs 6 and sells at 10, or at 9
    given = {
        "offered_units": units, "offered_discount": units * off,
        "offered_margin": units * (4 - off), "after_offered_margin": 4.0 * (later - early),
    }  # fmt: skip
    given |= {"margin": given["offered_margin"] + other}
    nothing = np.zeros(n)
    measures = np.column_stack([given.get(name, nothing) for name in names]).astype(float)
    # Each treated: .7 more at 3, 1.05 anyway and .21 earlier at 1 less.
    brings, level = 0.7 * 3 - (1.05 + 0.21) * 1, 1 - 0.05 / arms
    for number in range(1, arms + 1):
        both = (arm == 0) | (arm == number)
        effects = by_lot(names, measures[both], arm[both] == number, before[both, None] * 1.0)
        count = int((arm == number).sum())
        its = Costs(count, brings * count, 0.0, "messages", "promotion")
        found = of_arm(roi.returned(effects, its, confidence=level))
        if found[0] == PAID:
            return True
    return False


@pytest.mark.parametrize(("arms", "promotions"), [(1, 900), (3, 300)])
def test_a_promotion_that_earned_nothing_after_all_costs_seldom_is_said_to_have_paid(
    arms: int, promotions: int
) -> None:
    """At most one side of the 95 % interval, of all arms at once."""
    rng = np.random.default_rng(23)
    said = sum(_true_loss(rng, arms, 250 * (arms + 1)) for _ in range(promotions))
    assert 0 < said <= binom.ppf(0.999, promotions, 0.025)
