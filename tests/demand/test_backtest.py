"""The backtest looks at nothing but the past; choice, intervals and judgement rest on it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.demand.forecast import accuracy, conformal, model_selection
from analysis.demand.models import backtest
from analysis.errors import NotApplicable
from analysis.stats.sizes import FEWEST_PERIODS_OF_ORIGIN


def noisy(series: int, periods: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return 100 + rng.normal(0, 5, (series, periods))


MODELS = ("naive", "seasonal_naive", "moving_average", "ets", "theta")


def run(values, origins=(40, 44, 48, 52), horizon=4, models=MODELS):
    return backtest.run(values, models=models, horizon=horizon, origins=origins)


def test_forecasts_do_not_see_the_future():
    values = noisy(6, 60)
    changed = values.copy()
    changed[:, 48:] = 1e6
    before, after = run(values), run(changed)
    kept = [o for o, origin in enumerate(before.origins) if origin <= 48]
    np.testing.assert_array_equal(before.forecasts[:, kept], after.forecasts[:, kept])


def test_choice_and_intervals_at_an_origin_do_not_see_later_truth():
    values = noisy(6, 60)
    changed = values.copy()
    changed[:, 48:] += 500
    groups, sparse = np.array(["g"] * 6), np.zeros(6, bool)
    first, second = run(values), run(changed)
    assert first.known_at(48).tolist() == [[True] * 4, [True] * 4, [False] * 4, [False] * 4]
    np.testing.assert_array_equal(
        model_selection.weigh(first, groups, sparse, known=first.known_at(48)),
        model_selection.weigh(second, groups, sparse, known=second.known_at(48)),
    )
    everyone, place = {"all": np.ones(6, bool)}, first.origins.index(48)
    reaches = [conformal.of_backtest(t, "ets", everyone, None, 0.8) for t in (first, second)]
    assert all(np.abs(reach.at(place).high).max() < 10 for reach in reaches)


def test_automatic_choice_weighs_the_models_by_their_inverse_errors():
    """One series: inverse mean squares (Bates and Granger). Eight: the power is 2 + 2 x 3."""
    time = np.arange(60)
    values = 50 + 2.0 * time + np.random.default_rng(1).normal(0, 0.5, (8, 60))
    for series in (1, 8):
        tested = run(values[:series], models=("naive", "mean", "theta_logs"))
        groups, sparse = np.array(["g"] * series), np.zeros(series, bool)
        weights = model_selection.weigh(tested, groups, sparse)
        errors = np.array([backtest.mean_of(np.abs(part)) for part in tested.scaled()])
        expected = errors ** -(2.0 if series == 1 else 8.0)
        assert weights[:, 0] == pytest.approx(expected / expected.sum())
        assert weights.sum(axis=0) == pytest.approx(np.ones(series))
        automatic = model_selection.with_automatic(tested, groups, sparse)
        assert automatic.models[-1] == model_selection.AUTOMATIC
        last = model_selection.weigh(tested, groups, sparse, known=tested.known_at(52))
        made = np.einsum("ms,msh->sh", last, tested.forecasts[:, -1])
        assert automatic.of(model_selection.AUTOMATIC)[-1] == pytest.approx(made)


def test_a_mean_of_models_beats_the_one_with_the_least_past_error():
    """Each series for itself: a few past errors rank models by luck. 400 series with half a trend.

    What the weights are for: errors of the best so far, of the weighted mean, and of each.
    """
    rng = np.random.default_rng(4)
    walk = np.cumsum(rng.normal(0, 1.0, (400, 60)), axis=1)
    values = 100 + 0.4 * walk + rng.normal(0, 2.0, (400, 60))
    tested = run(values, models=("naive", "mean", "ets_logs", "theta_logs"), origins=(44, 48, 56))
    groups, sparse = np.array([str(i) for i in range(400)]), np.zeros(400, bool)
    weights = model_selection.weigh(tested, groups, sparse, known=tested.known_at(56))
    best = np.eye(4)[weights.argmax(axis=0)].T
    error = [
        np.abs(tested.actual[-1] - model_selection.combine(tested.forecasts[:, -1], each)).mean()
        for each in (weights, best)
    ]
    assert error[0] < 0.97 * error[1]


def test_a_model_without_a_forecast_has_no_weight():
    forecasts = np.array([[[2.0, np.nan]], [[4.0, np.nan]], [[np.nan, np.nan]]])
    made = model_selection.combine(forecasts, np.array([[0.3], [0.1], [0.6]]))
    assert made[0, 0] == pytest.approx(2.5)
    assert np.isnan(made[0, 1])


def test_sparse_series_keep_one_model_of_their_own():
    rng = np.random.default_rng(3)
    sparse_rows = rng.poisson(0.2, (10, 60)) * 5.0
    values = np.vstack([noisy(10, 60), sparse_rows])
    tested = run(values, models=("naive", "mean", "theta_logs", "croston", "tsb"))
    groups, sparse = np.array(["g"] * 20), np.r_[np.zeros(10, bool), np.ones(10, bool)]
    weights = model_selection.weigh(tested, groups, sparse)
    assert (weights[3:, :10] == 0).all()
    names = model_selection.names(tested.models, weights)
    assert set(names[:10]) == {model_selection.AUTOMATIC}
    assert len(set(names[10:])) == 1
    assert names[10] in tested.models
    root = [model_selection._loss(tested, m, sparse, np.ones((4, 4), bool), True)
            for m in ("naive", "mean", "croston", "tsb")]  # fmt: skip
    assert names[10] == ("naive", "mean", "croston", "tsb")[int(np.argmin(root))]


def test_origins_end_one_horizon_before_the_data_do():
    assert backtest.origins_for(52, horizon=8, count=4) == (41, 42, 43, 44)
    assert backtest.origins_for(52, horizon=8, count=4, step=8) == (20, 28, 36, 44)
    assert min(backtest.origins_for(30, horizon=4, count=50)) >= FEWEST_PERIODS_OF_ORIGIN
    with pytest.raises(NotApplicable, match=r"15 periods are too few to test .* 21 are the least"):
        backtest.origins_for(15, horizon=8, count=4)
    with pytest.raises(NotApplicable, match=r"^1 week is too few to test forecasts of 8"):
        backtest.origins_for(1, horizon=8, count=4, frequency="week")


def test_scaled_errors_of_a_random_walk_are_about_one_step_ahead():
    walk = np.cumsum(np.random.default_rng(0).normal(0, 1, (200, 100)), axis=1)
    tested = backtest.run(walk, models=("naive",), horizon=1, origins=(80, 90, 95))
    assert backtest.mean_of(np.abs(tested.scaled())) == pytest.approx(1.0, abs=0.08)


def test_a_model_that_is_no_better_is_said_to_be_no_better():
    walk = np.cumsum(np.random.default_rng(5).normal(0, 1, (30, 90)), axis=1)
    tested = backtest.run(
        walk,
        models=("seasonal_naive", "moving_average", "ets"),
        horizon=4,
        origins=range(50, 87, 2),
    )
    board = accuracy.scoreboard(tested, np.array(["all"] * 30)).set_index("model")
    assert board.loc["seasonal_naive", "verdict"] == "benchmark"
    assert board.loc["moving_average", "verdict"] == "worse"
    assert board.loc["moving_average", "gain"] < 0
    assert board.loc["ets", "verdict"] in ("no different", "worse")


def test_a_better_model_is_said_to_be_better():
    values = noisy(20, 90)
    tested = run(
        values, origins=tuple(range(50, 87, 2)), models=("seasonal_naive", "moving_average")
    )
    row = (
        accuracy.scoreboard(tested, np.array(["all"] * 20)).set_index("model").loc["moving_average"]
    )
    assert row["verdict"] == "better"
    assert 0 < row["gain_low"] < row["gain"] < row["gain_high"]
    # In white noise the last value errs by sqrt(2), a mean of four by sqrt(1.25).
    assert row["gain"] == pytest.approx(1 - np.sqrt(1.25 / 2), abs=0.04)


def test_diebold_mariano_holds_its_level_with_overlapping_forecasts():
    rng = np.random.default_rng(0)
    draws = 600
    noise = rng.normal(size=(draws, 43))
    overlapping = np.lib.stride_tricks.sliding_window_view(noise, 4, axis=1).mean(axis=2)
    found = [accuracy.diebold_mariano(row, horizon=4)[0] < 0.05 for row in overlapping]
    assert 0.01 < np.mean(found) < 0.10
    naive = [abs(row.mean()) > 1.96 * row.std() / np.sqrt(len(row)) for row in overlapping]
    assert np.mean(naive) > 0.2  # what ignoring the overlap would do


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.5, 0.8, 0.9]))
def test_conformal_interval_covers_at_least_what_it_promises(seed, coverage):
    rng = np.random.default_rng(seed)
    past, future = rng.standard_t(3, (400, 60, 1)), rng.standard_t(3, (400, 1))
    inside = [
        reach.low[0] <= truth[0] <= reach.high[0]
        for rows, truth in zip(past, future, strict=True)
        for reach in [conformal.offsets(rows, coverage=coverage)]
    ]
    assert np.mean(inside) >= coverage - 0.07
    assert np.mean(inside) <= coverage + 0.10


def test_too_few_errors_give_no_interval():
    reach = conformal.offsets(np.arange(9.0).reshape(9, 1), coverage=0.95)
    assert np.isnan(reach.low).all()
    enough = conformal.offsets(np.arange(39.0).reshape(39, 1), coverage=0.95)
    assert (enough.low[0], enough.high[0]) == (0.0, 38.0)


def test_neighbouring_horizons_lend_their_errors():
    errors = np.tile(np.linspace(-1, 1, 20)[:, None], (1, 8))
    reach = conformal.offsets(errors, coverage=0.9)
    assert (reach.n > 20).all()
    assert (reach.low >= -1).all()


def test_a_single_series_borrows_the_rare_errors_of_the_next_level():
    rng = np.random.default_rng(4)
    own, others = rng.normal(size=(20, 1, 4)), rng.normal(size=(20, 15, 4))
    alone = conformal.offsets(own, coverage=0.95)
    helped = conformal.offsets(own, coverage=0.95, lent=others)
    assert (alone.n > 20).all()  # neighbouring horizons, made at the same time
    assert (helped.n == 20 * 16).all()
    assert np.abs(helped.high - 1.96).max() < 0.45
    usual = conformal.offsets(own, coverage=0.80, lent=others)
    assert (usual.n == 20).all()  # enough of its own
    classes = {"total": np.array([True, False, False]), "x": np.array([False, True, True])}
    assert list(conformal.lenders(classes)) == ["total"]
    classes = {"total": classes["total"], "x, now and then": classes["x"]}
    assert conformal.lenders(classes) == {}


def test_realised_coverage_is_near_nominal_and_negative_sales_are_not_forecast():
    values = np.abs(noisy(60, 80, seed=9))
    tested = run(values, origins=tuple(range(30, 77)), horizon=4, models=("moving_average",))
    everyone = {"all": np.ones(60, bool)}
    table = conformal.realised(tested, "moving_average", everyone)
    assert table["gap"].abs().max() < 0.03
    low, _ = conformal.intervals(
        np.array([[1.0]]), np.array([5.0]), conformal.offsets(noisy(50, 1) - 100, coverage=0.8),
        floor=np.zeros(1),
    )  # fmt: skip
    assert (low >= 0).all()


def test_smape_and_pinball_by_hand():
    assert backtest.smape(np.array([[100.0]]), np.array([[50.0]])) == pytest.approx(200 * 50 / 150)
    loss = backtest.pinball(np.array([10.0, 10.0]), np.array([8.0, 13.0]), level=0.9)
    assert loss == pytest.approx([1.8, 0.3])


def test_the_benchmark_is_the_best_simple_forecast_of_each_level():
    """White noise: the mean of all past, 1.41 times better than the last value; a walk: the last.

    With variance 1 the last value errs by N(0, 2) and the mean of n by N(0, 1 + 1/n).
    """
    rng = np.random.default_rng(1)
    values = np.vstack([rng.normal(100, 1, (60, 80)), 500 + rng.normal(0, 1, (60, 80)).cumsum(1)])
    groups = np.repeat(["noise", "walk"], 60)
    tried = ("naive", "mean", "ets", "theta")
    tested = backtest.run(values, models=tried, horizon=2, origins=range(50, 78, 3))
    board = accuracy.scoreboard(tested, groups)
    assert accuracy.benchmark(board, "noise") == "mean"
    assert accuracy.benchmark(board, "walk") == "naive"
    noise = board[board["level"] == "noise"].set_index("model")
    saved = 1 - np.sqrt(2 / (1 + 1 / 62))
    assert noise.loc["naive", "gain"] == pytest.approx(saved, abs=0.04)
    assert noise.loc["naive", "verdict"] == "worse"
    assert not (board["verdict"] == "better").any()
