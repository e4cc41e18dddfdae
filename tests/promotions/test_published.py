"""Numbers printed in the literature, and equality with packages that everybody trusts."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from analysis.promotions.experiments import adjustment, group_sequential, validity_checks
from analysis.promotions.outcomes import moments
from analysis.promotions.planning import power
from analysis.promotions.planning.power import Design
from analysis.stats import multiplicity, proportions
from analysis.stats.multiplicity import normal_quantile
from tests.promotions.drawing import NAMES, arms

Z = normal_quantile(0.95)


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((6, 7, 2, 7), 0.0582, 0.8062),
        ((5, 56, 0, 29), -0.0381, 0.1926),
        ((0, 10, 0, 20), -0.1611, 0.2775),
        ((0, 10, 0, 10), -0.2775, 0.2775),
        ((10, 10, 0, 20), 0.6791, 1.0),
        ((10, 10, 0, 10), 0.6075, 1.0),
    ],
)
def test_newcombe_1998_table_2_method_10(
    counts: tuple[int, int, int, int], low: float, high: float
) -> None:
    _, down, up = proportions.newcombe(*counts, z=Z)
    assert (down, up) == (pytest.approx(low, abs=6e-5), pytest.approx(high, abs=6e-5))


@pytest.mark.parametrize(
    ("x", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_newcombe_1998_single_proportion_method_3(x: int, n: int, low: float, high: float) -> None:
    down, up = proportions.wilson_interval(x, n)
    assert (down[0], up[0]) == (pytest.approx(low, abs=6e-5), pytest.approx(high, abs=6e-5))


def test_all_or_none_of_any_number_stay_within_zero_and_one() -> None:
    """Rounding made the upper end for 16 of 16 exceed one."""
    n = np.arange(1, 2_001)
    for x in (n, 0 * n):
        low, high = proportions.wilson_interval(x, n)
        assert (low >= 0).all()
        assert (high <= 1).all()
        assert (high[x == n] == 1).all()
        assert (low[x == 0] == 0).all()


def test_the_p_of_a_share_touches_its_interval() -> None:
    p = float(proportions.p_value(56, 70, 48, 80))
    _, low, _ = proportions.newcombe(56, 70, 48, 80, z=normal_quantile(1 - p))
    assert low == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    ("looks", "fleming", "pocock"),
    [
        (2, 1.977, 2.178),
        (3, 2.004, 2.289),
        (4, 2.024, 2.361),
        (5, 2.040, 2.413),
        (10, 2.087, 2.555),
    ],
)
def test_jennison_and_turnbull_tables_2_1_and_2_3(
    looks: int, fleming: float, pocock: float
) -> None:
    assert group_sequential.constant(looks) == pytest.approx(fleming, abs=6e-4)
    assert group_sequential.constant(looks, shape="pocock") == pytest.approx(pocock, abs=6e-4)


def test_jennison_and_turnbull_at_one_per_cent() -> None:
    assert group_sequential.constant(5, alpha=0.01) == pytest.approx(2.621, abs=6e-4)
    assert group_sequential.constant(5, alpha=0.01, shape="pocock") == pytest.approx(
        2.986, abs=6e-4
    )


def test_bounds_fall_as_the_root_of_the_look() -> None:
    assert group_sequential.bounds(4)[0] == pytest.approx(2 * group_sequential.constant(4))
    assert np.ptp(group_sequential.bounds(4, shape="pocock")) == 0
    assert group_sequential.crossing(group_sequential.bounds(1)) == pytest.approx(0.05, abs=1e-9)


@pytest.mark.parametrize(("arms_", "quantile"), [(2, 2.21), (3, 2.35), (4, 2.44), (9, 2.69)])
def test_dunnett_table_for_many_customers(arms_: int, quantile: float) -> None:
    found = multiplicity.dunnett_quantile(np.full(arms_, np.sqrt(0.5)), confidence=0.95)
    assert found == pytest.approx(quantile, abs=6e-3)


@pytest.mark.parametrize(("arms_", "quantile"), [(2, 2.38), (3, 2.54), (4, 2.65)])
def test_dunnett_table_for_twenty_degrees(arms_: int, quantile: float) -> None:
    found = multiplicity.dunnett_quantile(np.full(arms_, np.sqrt(0.5)), confidence=0.95, degrees=20)
    assert found == pytest.approx(quantile, abs=6e-3)


def test_dunnett_p_is_scipys() -> None:
    rng = np.random.default_rng(1)
    treated = [rng.normal(d, 1, 12) for d in (0.0, 0.5, 1.2)]
    control = rng.normal(size=14)
    groups = [*treated, control]
    pooled = sum(g.var(ddof=1) * (len(g) - 1) for g in groups) / 46
    error = np.sqrt(pooled * (1 / 12 + 1 / 14))
    t = np.array([(g.mean() - control.mean()) / error for g in treated])
    weight = np.sqrt((1 / 14) / (1 / 12 + 1 / 14))
    expected = stats.dunnett(*treated, control=control, rng=1).pvalue
    assert multiplicity.dunnett_p(t, weight, 46) == pytest.approx(expected, abs=2e-4)


def test_holm_is_statsmodels() -> None:
    from statsmodels.stats.multitest import multipletests

    p = np.array([0.01, 0.04, 0.03, 0.005, 0.9])
    assert multiplicity.holm(p) == pytest.approx(multipletests(p, method="holm")[1])
    assert np.isnan(multiplicity.holm([0.01, np.nan])[1])


def test_kohavi_tang_and_xu_sample_ratio() -> None:
    """Trustworthy Online Controlled Experiments (2020), chapter 3: p is 1.8E-6."""
    found = validity_checks.sample_ratio({"control": 821_588, "treatment": 815_482})
    assert found.p == pytest.approx(1.8e-6, rel=0.03)
    assert found.ok is False


def test_one_arm_alone_has_no_ratio() -> None:
    check = validity_checks.sample_ratio({"treated": 500})
    assert check.ok is None
    assert "one arm alone has no ratio to test" in check.text
    assert (
        validity_checks.sample_ratio({"treated": 500}, planned={"treated": 1, "control": 1}).ok
        is False
    )


def test_sample_ratio_is_scipys_for_any_weights() -> None:
    seen, weights = np.array([520, 290, 190]), np.array([5.0, 3.0, 2.0])
    expected = stats.chisquare(seen, weights / 10 * 1_000).pvalue
    assert float(validity_checks.sample_ratio_p(seen, weights)) == pytest.approx(expected)


@pytest.mark.parametrize(("chance", "customers"), [(0.8, 128), (0.9, 172)])
def test_textbook_size_for_half_a_standard_deviation(chance: float, customers: int) -> None:
    """Cohen (1988), table 2.4.1: 64 and 86 an arm."""
    assert power.customers_needed(0.5, 1.0, Design(power=chance)) == customers


def test_textbook_size_for_two_proportions() -> None:
    """Chow, Shao and Wang, section 4.2.4: 0.65 against 0.85 takes 70 an arm."""
    variance = (0.65 * 0.35, 0.85 * 0.15)
    assert power.customers_needed(0.2, variance[0], variance_treated=variance[1]) == 140


def test_size_of_unequal_arms_is_statsmodels() -> None:
    from statsmodels.stats.power import TTestIndPower

    one = TTestIndPower().solve_power(0.2, power=0.8, alpha=0.05, ratio=2)
    found = power.customers_needed(0.2, 1.0, Design(treated=(1 / 3,)))
    assert found == pytest.approx(3 * one, abs=3)


def test_size_to_rule_out_harm() -> None:
    """Chow, Shao and Wang, section 3.2.4: (z_0.05 + z_0.20)^2 2 / 0.25^2 an arm for a sd of 1."""
    found = power.customers_needed(0.25, 1.0, Design(no_worse=True))
    assert found == pytest.approx(2 * 2 * (1.645 + 0.842) ** 2 / 0.25**2, abs=3)


def test_covariates_clusters_and_arms_change_sizes_as_they_should() -> None:
    plain = power.customers_needed(0.1, 1.0)
    assert power.customers_needed(0.1, 1.0, Design(explained=0.5)) == pytest.approx(
        plain / 2, abs=3
    )
    alike = Design(cluster_size=50, resemblance=0.02)
    assert power.customers_needed(0.1, 1.0, alike) == pytest.approx(plain * 1.98, rel=0.002)
    three = power.smallest_difference(plain, 1.0, Design(treated=(0.25,) * 3))
    reach = multiplicity.dunnett_quantile(
        np.full(3, np.sqrt(0.5)), confidence=0.95
    ) + stats.norm.ppf(0.8)
    assert three == pytest.approx(reach * np.sqrt(8 / plain))


def test_size_and_smallest_difference_undo_each_other() -> None:
    design = Design(treated=(0.3,), explained=0.4)
    customers = power.customers_needed(0.07, 2.0, design)
    assert power.smallest_difference(customers, 2.0, design) == pytest.approx(0.07, rel=0.002)


def _pair() -> tuple[moments.Moments, moments.Moments, np.ndarray, np.ndarray]:
    one, two = arms(3, experiments=1, n=(300, 200), lift=0.7)
    return moments.of_values(one[0], NAMES), moments.of_values(two[0], NAMES), one[0], two[0]


def test_welch_is_scipys() -> None:
    one, two, treated, control = _pair()
    found = adjustment.plain(one, two, "y")
    expected = stats.ttest_ind(treated[:, 0], control[:, 0], equal_var=False)
    interval = expected.confidence_interval(0.95)
    assert float(found.p()) == pytest.approx(expected.pvalue)
    assert found.interval(0.95) == (pytest.approx(interval.low), pytest.approx(interval.high))


def test_cuped_takes_away_the_squared_correlation() -> None:
    """Deng, Xu, Kohavi and Walker (2013), equation 5."""
    one, two, treated, control = _pair()
    both = np.concatenate([treated, control])
    centred = [v - v.mean(0) for v in (treated, control)]
    slope = np.cov(both[:, 1], both[:, 0])[0, 1] / both[:, 1].var(ddof=1)
    residuals = [v[:, 0] - slope * v[:, 1] for v in centred]
    expected = np.sqrt(sum(r.var(ddof=1) / len(r) for r in residuals))
    found = adjustment.cuped(one, two, "y", ["x"])
    assert float(found.error) == pytest.approx(expected)
    difference = treated[:, 0].mean() - control[:, 0].mean()
    difference -= slope * (treated[:, 1].mean() - control[:, 1].mean())
    assert float(found.difference) == pytest.approx(difference)
    # The identity holds to the letter where both arms are one distribution.
    wide = adjustment.plain(*(moments.of_values(both, NAMES),) * 2, "y")
    narrow = adjustment.cuped(*(moments.of_values(both, NAMES),) * 2, "y", ["x"])
    r2 = np.corrcoef(both[:, 0], both[:, 1])[0, 1] ** 2
    assert float((narrow.error / wide.error) ** 2) == pytest.approx(1 - r2, rel=1e-3)


def test_a_constant_covariate_changes_nothing() -> None:
    one, two, treated, control = _pair()
    constant = [np.column_stack([v, np.full(len(v), 7.5)]) for v in (treated, control)]
    with_it = [moments.of_values(v, [*NAMES, "same"]) for v in constant]
    for method in (adjustment.cuped, adjustment.regression):
        usual, found = method(one, two, "y", ["x"]), method(*with_it, "y", ["x", "same"])
        assert float(found.difference) == pytest.approx(float(usual.difference))
        assert float(found.error) == pytest.approx(float(usual.error), rel=5e-3)
        alone = method(*with_it, "y", ["same"])
        plain = adjustment.plain(one, two, "y")
        assert float(alone.difference) == pytest.approx(float(plain.difference))


def test_regression_is_ordinary_least_squares_with_slopes_for_each_arm() -> None:
    import statsmodels.api as sm

    one, two, treated, control = _pair()
    rows = np.concatenate([treated, control])
    own = np.r_[np.ones(len(treated)), np.zeros(len(control))]
    centred = rows[:, [1, 2]] - rows[:, [1, 2]].mean(0)
    design = np.column_stack([np.ones(len(own)), own, centred, centred * own[:, None]])
    expected = sm.OLS(rows[:, 0], design).fit(cov_type="HC2")
    found = adjustment.regression(one, two, "y", ["x", "z"])
    assert float(found.difference) == pytest.approx(expected.params[1])
    assert float(found.error) == pytest.approx(expected.bse[1], rel=0.01)


def test_clusters_are_statsmodels() -> None:
    import statsmodels.api as sm

    rng = np.random.default_rng(4)
    cluster = rng.integers(0, 20, 400)
    own = (rng.random(20) < 0.5)[cluster].astype(float)
    y = rng.normal(size=20)[cluster] + rng.normal(size=400)
    design = np.column_stack([np.ones(400), own])
    expected = sm.OLS(y, design).fit(cov_type="cluster", cov_kwds={"groups": cluster})
    sums = [
        np.bincount(cluster, weights=w, minlength=20)
        for w in (own, own * y, 1 - own, (1 - own) * y)
    ]
    found = adjustment.of_sums(*sums)
    assert float(found.error) == pytest.approx(expected.bse[1])


def test_fieller_ends_are_where_the_test_just_touches() -> None:
    one, two, treated, control = _pair()
    found = adjustment.plain(one, two, "y")
    _, low, high = found.lift(0.95)
    t = float(found.reach(0.95) / found.error)
    for end in (float(low), float(high)):
        gap = treated[:, 0].mean() - (1 + end) * control[:, 0].mean()
        error = np.sqrt(
            treated[:, 0].var(ddof=1) / 300 + (1 + end) ** 2 * control[:, 0].var(ddof=1) / 200
        )
        assert abs(gap / error) == pytest.approx(t)


def test_the_ratio_is_that_of_totals() -> None:
    one, two, treated, control = _pair()
    found = adjustment.plain(*adjustment.as_ratio(one, two, "y", "orders"), "ratio")
    ratios = [v[:, 0].sum() / v[:, 3].sum() for v in (treated, control)]
    assert float(found.difference) == pytest.approx(ratios[0] - ratios[1])
    residual = [
        (v[:, 0] - r * v[:, 3]) / v[:, 3].mean()
        for v, r in zip((treated, control), ratios, strict=False)
    ]
    expected = np.sqrt(sum(r.var(ddof=1) / len(r) for r in residual))
    assert float(found.error) == pytest.approx(expected)


def test_post_stratified_by_hand() -> None:
    values = [np.array([1.0, 3.0]), np.array([10.0, 14.0, 12.0])]
    others = [np.array([0.0, 2.0, 1.0]), np.array([8.0, 9.0])]
    single = [[moments.of_values(v[:, None], ["y"]) for v in arm] for arm in (values, others)]
    found = adjustment.post_stratified(*single, "y")
    assert float(found.difference) == pytest.approx(0.5 * (2 - 1) + 0.5 * (12 - 8.5))
