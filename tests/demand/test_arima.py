"""Candidates that know promotions and holidays, and what is gathered for them."""

import warnings
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from analysis.demand.drivers import future_covariates, regressors
from analysis.demand.forecast import level_regressors
from analysis.demand.forecast.level_regressors import LevelDrivers, Plan
from analysis.demand.models import arima, backtest, holiday_run_up
from analysis.demand.series import sales_series
from analysis.demand.series import sales_series as demand
from analysis.errors import ParamsError
from analysis.tables.engine import in_memory

WEEKS, AHEAD = 104, 8
ORIGINS = tuple(range(70, 97, 2))


def promoted_level(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a department that promotions double, and the share promoted, ahead included."""
    rng = np.random.default_rng(seed)
    on = (rng.random(WEEKS + AHEAD) < 0.2).astype(float)
    level = 1_000 * np.exp(np.cumsum(rng.normal(0, 0.02, WEEKS + AHEAD)))
    sold = level * 2**on * np.exp(rng.normal(0, 0.03, WEEKS + AHEAD))
    return sold[:WEEKS], on


def marks() -> np.ndarray:
    """Return a holiday at the end of each year, with its run-up."""
    week = np.arange(WEEKS + AHEAD)
    return np.column_stack([week % 52 == 51 - before for before in range(3)]).astype(float)


def knowing(on: np.ndarray) -> LevelDrivers:
    return LevelDrivers(np.array([0]), ("promoted",), on[None, :, None], 0 * marks())


def errors_with(values: np.ndarray, known: LevelDrivers) -> dict[str, float]:
    plain = backtest.run(values, models=("ets",), horizon=AHEAD, origins=ORIGINS)
    tested = arima.with_candidates(plain, values, known)
    tested = holiday_run_up.with_candidates(tested, values, known.marks)
    error = np.abs(tested.scaled())
    return dict(zip(tested.models, error.mean(axis=(1, 2, 3)), strict=True))


def test_arima_with_promotions_beats_arima_without_where_promotions_matter():
    values, on = promoted_level(1)
    error = errors_with(values[None], knowing(on))
    assert error["driven"] < 0.6 * error["arima"]


def test_a_promotion_that_does_nothing_costs_next_to_nothing():
    rng = np.random.default_rng(3)
    values = 1_000 * np.exp(rng.normal(0, 0.1, (1, WEEKS)))
    error = errors_with(values, knowing((rng.random(WEEKS + AHEAD) < 0.2).astype(float)))
    assert error["driven"] < 1.10 * error["arima"]


def test_candidates_see_nothing_of_what_comes_later():
    values, on = promoted_level(2)
    changed = values.copy()
    changed[80:] *= 7
    origins = (72, 76, 80)
    for name in (arima.DRIVEN, arima.PLAIN):
        made = []
        for rows in (values[None], changed[None]):
            plain = backtest.run(rows, models=("naive",), horizon=AHEAD, origins=origins)
            made.append(arima.with_candidates(plain, rows, knowing(on)).of(name))
        np.testing.assert_array_equal(made[0], made[1])


def test_arima_is_that_of_statsmodels():
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    values, on = promoted_level(4)
    ours = arima.forecasts(values[None], knowing(on), horizon=AHEAD)["arima"][0]
    fitted = SARIMAX(np.log(values), order=(0, 1, 1)).fit(disp=False)
    assert ours == pytest.approx(np.exp(fitted.forecast(AHEAD)), rel=1e-3)


@pytest.mark.parametrize(
    "values",
    [
        np.zeros(WEEKS),
        np.full(WEEKS, 7.0),
        np.r_[np.full(WEEKS - 1, np.nan), 3.0],
        np.r_[np.full(50, 10.0), -5.0, np.full(WEEKS - 51, 10.0)],
        np.r_[np.linspace(9, 11, WEEKS - 1), 1e9],
        np.where(np.arange(WEEKS) % 9 == 0, 10.0, np.nan),
    ],
    ids=["zero", "constant", "one point", "negative", "outlier", "mostly missing"],
)
def test_degenerate_series_get_a_sane_forecast(values):
    on = promoted_level(5)[1]
    known = LevelDrivers(np.array([0]), ("promoted",), on[None, :, None], marks())
    found = {
        **arima.forecasts(values[None], known, horizon=AHEAD),
        **holiday_run_up.forecasts(values[None], known.marks),
    }
    for name, ahead in found.items():
        assert np.isfinite(ahead).all(), name
        assert (ahead <= 5 * np.nanmax(values) + 1e-6).all(), name
        if np.nanmin(values) >= 0:
            assert (ahead >= 0).all(), name


def christmas(seed: int, rows: int = 30) -> np.ndarray:
    rng = np.random.default_rng(seed)
    lift = np.where(marks()[:WEEKS].any(axis=1), 3.0, 1.0)
    return rng.poisson(60 * lift, (rows, WEEKS)).astype(float)


def test_december_is_not_taken_for_the_level_of_january():
    values = christmas(0)
    known = holiday_run_up.forecasts(values, marks())["theta_holidays"]
    assert known.mean() == pytest.approx(60, rel=0.05)
    lifts = holiday_run_up.lifts(values, marks()[:WEEKS])
    assert np.exp(lifts).mean(axis=0) == pytest.approx([3.0, 3.0, 3.0], rel=0.05)
    before = holiday_run_up.forecasts(values[:, :98], marks()[:104])["theta_holidays"]
    assert before[:, :3].mean() == pytest.approx(60, rel=0.1)
    assert before[:, 3:].mean() == pytest.approx(180, rel=0.1)


def test_weeks_that_are_no_holiday_of_a_series_are_left_alone():
    """Six robust standard errors: never by chance if normal, once in a hundred with long tails."""
    rng = np.random.default_rng(1)
    for noise, most in ((rng.normal(size=(500, WEEKS)), 0.001),
                        (rng.standard_t(4, (500, WEEKS)), 0.02)):  # fmt: skip
        assert (holiday_run_up.lifts(100 + 8 * noise, marks()[:WEEKS]) != 0).mean() < most


def mondays(count: int) -> list[date]:
    return [date(2024, 1, 1) + timedelta(days=7 * i) for i in range(count)]


def shop_tables(weeks: int = 60, settings=None):
    lines = [
        {"order_id": f"{w}{p}", "customer_id": "c", "product_id": p, "ordered_at": str(day),
         "quantity": 2.0, "list_amount": 2 * price, "net_amount": 2 * price * paid,
         "store_id": "s"}
        for w, day in enumerate(mondays(weeks))
        for p, price, paid in (
            ("a", 5.0 if w < 30 else 6.0, 0.8 if w in (10, 20, 40) else 1.0), ("b", 1.0, 1.0)
        )
        if not (p == "b" and w == 5)
    ]  # fmt: skip
    products = [{"product_id": p, "department": d, "category": "k", "name": "Same"}
                for p, d in (("a", "A"), ("b", "B"))]  # fmt: skip
    offered = [
        {"promotion_id": f"p{w}", "name": "x", "starts_on": str(mondays(80)[w]),
         "ends_on": str(mondays(80)[w] + timedelta(days=days - 1))}
        for w, days in ((10, 7), (20, 7), (40, 7), (62, 4))
    ]  # fmt: skip
    on = [{"promotion_id": f"p{w}", "product_id": "a"} for w in (10, 20, 40, 62)]
    frames = {"order_lines": lines, "products": products, "promotions": offered,
              "promotion_products": on}  # fmt: skip
    tables = {name: pd.DataFrame(rows) for name, rows in frames.items()}
    return in_memory(tables, settings=settings)


def test_promotions_and_prices_are_read_week_by_week():
    tables, weeks = shop_tables(), mondays(64)
    on = regressors.promoted(tables, ["a", "b"], weeks)
    assert np.flatnonzero(on[0]).tolist() == [10, 20, 40, 62]
    assert on[0, 62] == pytest.approx(4 / 7)  # planned for after the last week sold
    assert not on[1].any()
    shelf, depth = regressors.prices(tables, ["b", "a", "z"], weeks[:60])
    assert shelf[1].tolist() == [5.0] * 30 + [6.0] * 30
    assert shelf[0].tolist() == [1.0] * 60  # also in the week without a sale
    assert np.isnan(shelf[2]).all()
    assert np.flatnonzero(depth[1] > 0.1).tolist() == [10, 20, 40]
    assert depth[1, 10] == pytest.approx(0.2)


def test_what_is_planned_is_gathered_for_departments():
    tables = shop_tables()
    until = mondays(61)[-1]
    levels = ((), ("department",))
    sold = demand.fetch(tables, as_of=until, levels=levels)
    units = demand.fetch(
        tables, as_of=until, levels=[("department", "product_id")], measure="units"
    )
    calendar = {"country": "DE", "holidays": ("Christmas Day",)}
    known = future_covariates.gather(tables, units, horizon=4, **calendar)
    found = level_regressors.gather(
        tables, sold, units, known, plan=Plan(horizon=4, origins=10), **calendar
    )
    assert found.names == ("promoted",)  # no placements are planned
    of = dict(zip(sold.keys["name"], found.values[:, :, 0], strict=True))
    assert np.flatnonzero(of["A"]).tolist() == [10, 20, 40, 62]
    assert of["A"][10] == 1.0
    assert 0 < of["Total"][10] < 1
    assert not of["B"].any()
    assert np.flatnonzero(found.marks.any(axis=1)).tolist() == [49, 50, 51]


def test_a_holiday_that_does_not_exist_is_refused():
    with pytest.raises(ParamsError, match=r"no holiday 'Weihnachten'; there are .*Christmas Day"):
        future_covariates.run_ups(mondays(60), country="DE", names=["Weihnachten"])


@pytest.mark.spark
def test_both_engines_read_the_same_offers(spark):
    weeks, products = mondays(64), ["a", "b"]
    ours, theirs = shop_tables(), shop_tables(settings=spark)
    np.testing.assert_array_equal(
        regressors.promoted(theirs, products, weeks), regressors.promoted(ours, products, weeks)
    )
    for one, other in zip(
        regressors.prices(theirs, products, weeks),
        regressors.prices(ours, products, weeks),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)
    units = demand.fetch(ours, as_of=weeks[-4], levels=[("product_id",)], measure="units")
    assert sales_series.named(units, theirs).keys.equals(sales_series.named(units, ours).keys)


def test_all_series_at_once_are_foreseen_as_by_statsmodels_one_by_one():
    sarimax = pytest.importorskip("statsmodels.tsa.statespace.sarimax").SARIMAX
    rng = np.random.default_rng(5)
    asked, expected = [], []
    for regressors_of, smoothing, gap in ((2, -0.6, 7), (0, -0.98, 0), (1, 0.3, 40), (0, -0.2, 12)):
        past = 7 + np.cumsum(rng.normal(0, 0.1, 60 + regressors_of))
        past[[gap, gap + 1]] = np.nan
        x = rng.normal(size=(len(past) + AHEAD, regressors_of))
        asked.append(arima._Asked((0, 0), past, False, x, smoothing))
        known = {"exog": x, "mle_regression": False} if regressors_of else {}
        whole = np.append(past, np.full(AHEAD, np.nan))
        model = sarimax(whole, order=(0, 1, 1), concentrate_scale=True, **known)
        model.update(np.array([smoothing]))
        expected.append(model.ssm.filter().forecasts[0, -AHEAD:])
    assert np.allclose(arima._foreseen(asked, AHEAD), expected, rtol=1e-5)


@pytest.mark.parametrize("regressors_of", [0, 1, 3])
def test_the_smoothing_is_to_the_last_bit_that_of_statsmodels(regressors_of):
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    rng = np.random.default_rng(regressors_of)
    wandering = [np.cumsum(rng.normal(0, 1, 60)) + rng.normal(0, noise, 60) for noise in (0, 1, 9)]
    gap = np.where(np.arange(60) % 7 == 3, np.nan, wandering[1])
    for past in (*wandering, gap, np.full(60, 7.0), np.r_[np.arange(59.0), 1e9]):
        x = rng.normal(size=(60, regressors_of))
        known = {"exog": x, "mle_regression": False} if regressors_of else {}
        model = SARIMAX(past, order=(0, 1, 1), concentrate_scale=True, **known)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fitted = model.fit(disp=False, maxiter=50, return_params=True)[0]
        assert arima._smoothing(past.tobytes(), x.tobytes()) == fitted
