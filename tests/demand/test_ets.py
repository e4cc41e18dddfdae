"""The batched smoothing against statsmodels, and on series that break naive code."""

import numpy as np
import pytest

from analysis.demand.models import ets, registry
from analysis.demand.models.ets_kernel import Form


def seasonal_series(seed: int = 1, periods: int = 72) -> np.ndarray:
    rng = np.random.default_rng(seed)
    time = np.arange(periods)
    return (
        (100 + 0.8 * time)
        * (1 + 0.3 * np.sin(2 * np.pi * time / 12))
        * np.exp(rng.normal(0, 0.03, periods))
    )


@pytest.mark.parametrize("trend", ["none", "linear", "damped"])
@pytest.mark.parametrize("season", ["none", "additive", "multiplicative"])
def test_recursion_is_that_of_statsmodels_for_given_states(trend, season):
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    from analysis.demand.models import ets_kernel
    from analysis.demand.models.ets import extrapolate, starting_states

    y, form = seasonal_series(), Form(trend, season)
    start = starting_states(y[None], form, season=12)
    given = {"alpha": 0.4, "beta": 0.2, "phi": 0.9, "gamma": 0.3}
    ours = {name: np.array([[given[name]]]) for name in form.parameters}
    outcome = ets_kernel.run(y[None], start, form, ours)
    mean = extrapolate(outcome, form, ours, 11, len(y))[0]
    model = ExponentialSmoothing(
        y,
        trend=None if trend == "none" else "add",
        damped_trend=trend == "damped",
        seasonal={"none": None, "additive": "add", "multiplicative": "mul"}[season],
        seasonal_periods=12 if season != "none" else None,
        initialization_method="known",
        initial_level=start.level[0],
        initial_trend=start.slope[0] if trend != "none" else None,
        initial_seasonal=start.index[0] if season != "none" else None,
    )
    chosen = {"smoothing_level": 0.4}
    chosen |= {"smoothing_trend": 0.2} if trend != "none" else {}
    chosen |= {"damping_trend": 0.9} if trend == "damped" else {}
    chosen |= {"smoothing_seasonal": 0.3 * 0.6} if season != "none" else {}
    theirs = model.fit(optimized=False, **chosen)
    assert outcome.squared[0, 0] == pytest.approx(theirs.sse, rel=1e-8)
    assert mean == pytest.approx(theirs.forecast(11), rel=1e-8)


def test_nonseasonal_recursion_equals_statsmodels_exactly():
    from statsmodels.tsa.holtwinters import Holt

    from analysis.demand.models import ets_kernel
    from analysis.demand.models.ets import extrapolate
    from analysis.demand.models.ets_kernel import Start

    y, form = seasonal_series(), Form("damped", "none")
    start = Start(np.array([90.0]), np.array([1.5]), np.zeros((1, 1)), np.array([0]))
    ours = {"alpha": np.array([[0.3]]), "beta": np.array([[0.5]]), "phi": np.array([[0.95]])}
    outcome = ets_kernel.run(y[None], start, form, ours)
    theirs = Holt(
        y, damped_trend=True, initialization_method="known", initial_level=90.0, initial_trend=1.5
    ).fit(smoothing_level=0.3, smoothing_trend=0.5, damping_trend=0.95, optimized=False)
    assert outcome.squared[0, 0] == pytest.approx(theirs.sse, rel=1e-10)
    assert extrapolate(outcome, form, ours, 20, len(y))[0] == pytest.approx(
        theirs.forecast(20), rel=1e-10
    )


def test_search_finds_the_optimum_that_scipy_finds_for_each_series_by_itself():
    """Damped trend, additive errors: parameters and initial states together."""
    from scipy.optimize import minimize

    from analysis.demand.models import ets_kernel
    from analysis.demand.models.ets_kernel import Start

    form = Form("damped", "none")
    rng = np.random.default_rng(3)  # sums of noise round zero, so that errors are additive
    rows = np.cumsum(rng.normal(0, 3, (3, 40)), axis=1) + rng.normal(0, 4, (3, 40))
    fitted = ets.fit(rows, horizon=1, forms=[form])

    def deviance(x: np.ndarray, y: np.ndarray) -> float:
        start = Start(x[3:4], x[4:5], np.zeros((1, 1)), np.zeros(1, int))
        tried = {name: np.array([[x[i]]]) for i, name in enumerate(form.parameters)}
        squared = ets_kernel.run(y[None], start, form, tried).squared[0, 0]
        return float(len(y) * np.log(squared))

    bounds = [ets.BOUNDS[name] for name in form.parameters] + [(None, None)] * 2
    penalty = ets._penalty(form.estimated(1), np.array([40]))[0]
    for row, y in enumerate(rows):
        starts = [np.array([a, 0.2, 0.9, y[:8].mean(), 0.5]) for a in (0.05, 0.4, 0.9)]
        theirs = min(
            minimize(deviance, x, (y,), method="Nelder-Mead", bounds=bounds,
                     options={"maxiter": 4_000, "fatol": 1e-6}).fun
            for x in starts
        )  # fmt: skip
        assert fitted.criteria[0, row] - penalty <= theirs + 0.5


def test_forms_are_weighted_by_what_akaike_leaves_of_them():
    y = seasonal_series(6)
    fitted = ets.fit(y[None], horizon=3, season=12)
    weights = np.exp(-(fitted.criteria[:, 0] - fitted.criteria.min()) / 2)
    by_hand = weights @ fitted.means[:, 0] / weights.sum()
    assert fitted.weighted()[0] == pytest.approx(by_hand)
    damped = [i for i, form in enumerate(fitted.forms) if form.trend == "damped"]
    some = weights[damped] @ fitted.means[damped, 0] / weights[damped].sum()
    assert fitted.weighted(("damped",))[0] == pytest.approx(some)


def test_logarithms_make_a_series_that_grows_by_a_share_a_straight_line():
    y = 100 * 1.02 ** np.arange(48)
    made = registry.forecasts(y[None], models=("ets_logs",), horizon=6)["ets_logs"][0]
    assert made == pytest.approx(100 * 1.02 ** np.arange(48, 54), rel=0.01)
    twice = registry.forecasts(2 * y[None], models=("ets_logs",), horizon=6)["ets_logs"][0]
    assert twice == pytest.approx(2 * made)


def test_batch_gives_each_series_what_it_gets_alone():
    rows = np.stack([seasonal_series(seed) for seed in range(5)])
    rows[1, :20] = np.nan
    rows[2, 40] = np.nan
    together = ets.fit(rows, horizon=6, season=12).weighted()
    for row, mean in zip(rows, together, strict=True):
        assert ets.fit(row[None], horizon=6, season=12).weighted()[0] == pytest.approx(
            mean, rel=1e-9
        )


def test_young_series_is_fitted_on_its_own_span():
    y = seasonal_series(2, 60)
    padded = np.r_[np.full(24, np.nan), y]
    alone = ets.fit(y[None], horizon=12, season=12)
    later = ets.fit(padded[None], horizon=12, season=12)
    assert later.weighted()[0] == pytest.approx(alone.weighted()[0], rel=1e-6)


def test_input_is_not_changed():
    rows = seasonal_series()[None].copy()
    rows[0, 5] = np.nan
    before = rows.copy()
    registry.forecasts(rows, models=tuple(registry.MODELS), horizon=4, season=12)
    np.testing.assert_array_equal(rows, before)


DEGENERATE = {
    "constant": np.full(40, 7.0),
    "zero": np.zeros(40),
    "one point": np.r_[np.full(39, np.nan), 5.0],
    "three points": np.r_[np.full(37, np.nan), 5.0, 6.0, 4.0],
    "missing": np.where(np.arange(40) % 9 == 0, 10.0, np.nan),
    "negative day": np.r_[np.full(20, 10.0), -3.0, np.linspace(9, 12, 19)],
    "huge outlier": np.r_[np.linspace(9, 12, 30), 1e9, np.linspace(9, 12, 9)],
    "one sale": np.r_[np.zeros(39), 1.0],
    "ends in zeros": np.r_[np.full(20, 30.0), np.zeros(20)],
}


@pytest.mark.parametrize("season", [1, 7, 12, 52])
@pytest.mark.parametrize("case", DEGENERATE)
def test_degenerate_series_get_a_sane_forecast_from_every_model(case, season):
    y = DEGENERATE[case]
    found = registry.forecasts(y[None], models=tuple(registry.MODELS), horizon=5, season=season)
    low, high = np.nanmin(y), np.nanmax(y)
    for name, mean in found.items():
        assert np.isfinite(mean).all(), name
        assert (mean >= min(low, 0) - (high - low)).all(), name
        assert (mean <= 2 * high + 1e-9).all(), name
        if low >= 0:
            assert (mean >= 0).all(), name
    if case in ("constant", "zero"):
        assert found["ets"][0] == pytest.approx(y[:5])
        assert found["theta"][0] == pytest.approx(y[:5])


def test_series_without_a_value_is_forecast_as_unknown():
    found = registry.forecasts(np.full((1, 20), np.nan), models=tuple(registry.MODELS), horizon=3)
    for name, mean in found.items():
        assert np.isnan(mean).all(), name


def test_yearly_wave_is_learnt_from_little_more_than_a_year():
    time = np.arange(80)
    y = 100 + 30 * np.sin(2 * np.pi * time / 52)
    truth = 100 + 30 * np.sin(2 * np.pi * np.arange(80, 88) / 52)
    found = registry.forecasts(y[None], models=("wave", "ets"), horizon=8, season=52)
    assert np.abs(found["wave"][0] - truth).mean() < 6
    assert np.abs(found["wave"][0] - truth).mean() < np.abs(found["ets"][0] - truth).mean()
