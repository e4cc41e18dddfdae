"""Effects known in advance, and what a plan would change."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from analysis.demand.drivers import arima_regression, placement_effects, regressors, what_if
from analysis.demand.series.sales_series import Series
from analysis.errors import NotApplicable, ParamsError
from analysis.tables.engine import in_memory

WEEKS = 104


def promoted(seed: int, lift: float = 2.0) -> tuple[np.ndarray, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    on = np.isin(np.arange(WEEKS), (9, 22, 35, 48, 61, 74, 87, 100)).astype(float)
    level = 45 * np.exp(0.1 * np.arange(WEEKS) / 52) * lift**on
    return rng.poisson(level * 10).astype(float), pd.DataFrame({"promotion": on})


def test_planted_lift_is_recovered_within_its_interval():
    inside = []
    for seed in range(10):
        values, known = promoted(seed)
        row = arima_regression.fit(values, known).effects.iloc[0]
        inside.append(row["low"] <= 1.0 <= row["high"])
        assert row["effect"] == pytest.approx(1.0, abs=0.15)
        assert row["p"] < 1e-6
    assert sum(inside) >= 8


def test_a_regressor_that_does_nothing_is_said_to_do_nothing():
    p = []
    for seed in range(20):
        values, _ = promoted(seed, lift=1.0)
        noise = np.random.default_rng(seed + 100).normal(size=WEEKS)
        p.append(arima_regression.fit(values, pd.DataFrame({"noise": noise})).effects["p"].iloc[0])
    assert np.mean(np.array(p) < 0.05) <= 0.2


def test_planned_promotion_adds_what_it_added_before():
    values, known = promoted(3)
    fitted = arima_regression.fit(values, known)
    without = pd.DataFrame({"promotion": np.zeros(4)})
    planned = pd.DataFrame({"promotion": [0.0, 1.0, 0.0, 0.0]})
    found = what_if.compare(fitted, without=without, planned=planned, seed=1)
    truth = 450 * np.exp(0.1 * 105 / 52)
    assert found.low < truth < found.high
    assert found.difference == pytest.approx(found.planned - found.without)
    quiet = found.table["ahead"] != 2
    assert (found.table.loc[quiet, ["difference", "low", "high"]] == 0).all().all()
    again = what_if.compare(fitted, without=without, planned=planned, seed=1)
    pd.testing.assert_frame_equal(found.table, again.table)


def test_a_plan_beyond_what_was_seen_is_named():
    values, known = promoted(3)
    fitted = arima_regression.fit(values, known)
    flat = pd.DataFrame({"promotion": [0.0]})
    found = what_if.compare(fitted, without=flat, planned=flat + 3)
    assert found.outside == ("promotion",)
    with pytest.raises(ParamsError, match="columns promotion"):
        what_if.compare(fitted, without=flat, planned=flat.rename(columns={"promotion": "x"}))


def test_too_short_or_flat_is_refused_in_words():
    known = pd.DataFrame({"a": np.arange(12.0)})
    with pytest.raises(NotApplicable, match="too few"):
        arima_regression.fit(np.arange(12.0), known)
    with pytest.raises(NotApplicable, match="never varies"):
        arima_regression.fit(np.full(60, 3.0), pd.DataFrame({"a": np.arange(60.0)}))
    with pytest.raises(NotApplicable, match="a never varied"):
        arima_regression.fit(np.arange(60.0) + 1, pd.DataFrame({"a": np.zeros(60)}))


def test_holidays_fall_into_their_weeks():
    weeks = [date(2017, 1, 2) + timedelta(days=7 * i) for i in range(52)]
    marks = regressors.holiday_dummies(
        weeks, country="US", names=["Thanksgiving Day", "Christmas Day"]
    )
    assert weeks[int(marks["Thanksgiving Day"].idxmax())] == date(2017, 11, 20)
    # Christmas 2017 was a Monday: it was shopped for in the week before.
    assert weeks[int(marks["Christmas Day"].idxmax())] == date(2017, 12, 18)
    with pytest.raises(ParamsError, match="no calendar"):
        regressors.holidays_in(weeks, country="XX")
    freaks = pd.DataFrame(
        {"period_start": pd.to_datetime(["2017-04-10", "2017-02-06", "2017-06-12"])}
    )
    named = regressors.with_holidays(freaks, country="US")["holiday"].tolist()
    assert named == ["Easter", "", ""]


def placement_tables():
    weeks = [date(2017, 1, 2) + timedelta(days=7 * i) for i in range(60)]
    rng = np.random.default_rng(0)
    shown = rng.integers(0, 12, 60)
    placed = [
        {"product_id": f"p{n}", "store_id": "s", "week_start": week, "display": "1", "mailer": None}
        for week, count in zip(weeks, shown, strict=True)
        for n in range(count)
    ]
    products = [{"product_id": f"p{n}", "department": "D", "category": "C"} for n in range(12)]
    lines = [
        {"order_id": "1", "customer_id": "c", "product_id": "p0", "ordered_at": "2017-01-02",
         "quantity": 1.0, "net_amount": 1.0}
    ]  # fmt: skip
    frames = {"placements": placed, "products": products, "order_lines": lines}
    return weeks, shown, in_memory({name: pd.DataFrame(rows) for name, rows in frames.items()})


def test_displays_are_counted_and_their_effect_is_found():
    weeks, shown, tables = placement_tables()
    placed = regressors.placements_by(tables, level=("department", "category"), periods=weeks)
    key = {"department": "D", "category": "C"}
    assert regressors.over(placed, key, "displayed", weeks).tolist() == shown.tolist()
    rng = np.random.default_rng(1)
    sold = 100 * (1 + shown) ** 0.3 * np.exp(rng.normal(0, 0.05, 60))
    keys = pd.DataFrame({"level": ["x"], "name": ["D / C"], "department": ["D"], "category": ["C"]})
    series = Series(keys, sold[None], tuple(weeks), np.full(60, 7), "net_amount", "week", (), ())
    found = placement_effects.search(series, placed)
    row = found.iloc[0]
    assert row["found"]
    usual = shown.mean()
    truth = ((1 + 2 * usual) / (1 + usual)) ** 0.3 - 1
    assert row["low"] < truth < row["high"]
    compared, _ = placement_effects.doubled(series, "D / C", "displayed", placed, horizon=4)
    assert compared.low > 0


def shown(seed: int, closed: int) -> tuple[Series, pd.DataFrame]:
    """Return a category whose sales rise by .05 with twice its usual displays, and its displays."""
    rng = np.random.default_rng(seed)
    weeks = tuple(date(2017, 1, 2) + timedelta(days=7 * i) for i in range(WEEKS))
    places = rng.integers(5, 40, WEEKS)
    usual = places.mean()
    power = np.log(1.05) / (np.log1p(2 * usual) - np.log1p(usual))
    sold = 20_000 * (1 + places) ** power * np.exp(rng.normal(0, 0.03, WEEKS))
    gone = rng.choice(WEEKS, closed, replace=False)
    sold[gone], places[gone] = 0.0, 0
    keys = pd.DataFrame({"level": ["x"], "name": ["D / C"], "department": ["D"], "category": ["C"]})
    table = pd.DataFrame({"department": "D", "category": "C", "period_start": pd.to_datetime(weeks),
                          "displayed": places, "mailed": 0})  # fmt: skip
    values = sold[None].round(2)
    return Series(keys, values, weeks, np.full(WEEKS, 7), "net_amount", "week", (), ()), table


def test_a_closed_week_does_not_lift_the_effect_of_displays():
    """Planted at .05; with one closed week in plain money it was called .3."""
    inside = []
    for seed in range(6):
        row = placement_effects.search(*shown(seed, 1)).iloc[0]
        assert row["effect"] == pytest.approx(0.05, abs=0.03)
        inside.append(row["low"] <= 0.05 <= row["high"])
    assert sum(inside) >= 5


@pytest.mark.parametrize("closed", [0, 1, 9])
def test_the_effect_does_not_depend_on_the_unit_of_the_currency(closed: int):
    from dataclasses import replace

    series, placed = shown(1, closed)
    rows = [
        placement_effects.search(replace(series, values=series.values * unit), placed).iloc[0]
        for unit in (1.0, 100.0, 0.01)
    ]
    for row in rows[1:]:
        for column in ("effect", "low", "high"):
            assert row[column] == pytest.approx(rows[0][column], rel=2e-3, abs=2e-4)


@pytest.mark.parametrize("gaps", [(), (0, 30, 31, 70)])
def test_no_parameters_near_the_fit_are_likelier_nor_those_of_a_general_search(gaps):
    rng = np.random.default_rng(7)
    known = pd.DataFrame({"a": rng.random(WEEKS) < 0.2, "b": rng.normal(size=WEEKS)}).astype(float)
    noise = rng.normal(0, 0.1, WEEKS + 1)
    values = np.exp(4 + 0.002 * np.arange(WEEKS) + 0.3 * known["a"] + noise[1:] + 0.6 * noise[:-1])
    values = values.to_numpy(copy=True)
    values[list(gaps)] = np.nan
    fitted = arima_regression.fit(values, known).results
    near = rng.normal(1, 0.01, (20, len(fitted.params))) * np.asarray(fitted.params)
    assert all(fitted.model.loglike(one) < fitted.llf for one in near)
    assert fitted.model.fit(disp=False, maxiter=200).llf <= fitted.llf + 1e-6
