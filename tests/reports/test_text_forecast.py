"""Sentences of report 04 say what the result says, and why where there is none."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from analysis.demand.change import changepoints
from analysis.demand.drivers import what_if
from analysis.demand.drivers.what_if import ProductPlan
from analysis.demand.models.backtest import Backtest
from analysis.demand.series import sales_series
from analysis.errors import NotApplicable
from analysis.reporting.charts import svg
from analysis.reports.forecast import charts_products as charts
from analysis.reports.forecast import text, text_accuracy, text_products


def effects(*rows: dict[str, object]) -> pd.DataFrame:
    usual = {"name": "Tea", "regressor": "promoted", "kind": "promotion", "size": 100.0,
             "weeks": 4, "step": 1.0, "coefficient": 0.7, "effect": 1.0, "low": 0.8, "high": 1.2,
             "p": 0.001, "q": 0.001, "found": True}  # fmt: skip
    return pd.DataFrame([{**usual, **row} for row in rows])


def coverages(**rows: tuple[float, float, float, float]) -> pd.DataFrame:
    """Return a coverage table from nominal, realised, low and high by level."""
    columns = ["nominal", "realised", "low", "high"]
    found = pd.DataFrame(list(rows.values()), columns=columns)
    levels = [name.rstrip("_").replace("_", " ") for name in rows]
    return found.assign(level=levels, gap=found["realised"] - found["nominal"], n=400, weeks=90)


CONSERVATIVE = {"total": (0.8, 0.99, 0.9, 1.0), "total_": (0.95, 1.0, 0.96, 1.0)}
EXACT = {"department": (0.8, 0.79, 0.7, 0.88), "department_": (0.95, 0.952, 0.92, 0.98)}
SHORT = {"department x category": (0.8, 0.757, 0.726, 0.787)}
ALSO = {"department x category_": (0.95, 0.93, 0.92, 0.945)}


@pytest.mark.parametrize("rows", [CONSERVATIVE, EXACT, {**CONSERVATIVE, **EXACT}])
def test_intervals_that_hold_what_they_promise_ask_for_no_decision(
    rows: dict[str, tuple[float, float, float, float]],
) -> None:
    said = text_accuracy.coverage_finding(coverages(**rows))
    assert not said["alert"]
    assert "otherwise" not in said
    assert said["sentence"] == "of past weeks fell inside their 95 % interval"
    assert said["value"] >= 0.95


@pytest.mark.parametrize("around", [{}, EXACT, CONSERVATIVE, {**CONSERVATIVE, **EXACT}])
def test_an_interval_that_is_short_is_named_with_its_level_rate_and_interval(
    around: dict[str, tuple[float, float, float, float]],
) -> None:
    said = text_accuracy.coverage_finding(coverages(**around, **SHORT))
    assert said["alert"]
    assert said["sentence"] == "of past weeks fell inside the 80 % interval for categories"
    assert (said["value"], said["low"], said["high"]) == (0.757, 0.726, 0.787)
    assert said["otherwise"].startswith("stock and staff for categories are planned")
    both = text_accuracy.coverage_finding(coverages(**around, **ALSO, **SHORT))
    assert (both["value"], both["detail"]) == (
        0.757, "too narrow as well: 95 % for categories (93.0 %)",
    )  # fmt: skip


def test_influences_are_counted_by_products_and_kinds() -> None:
    table = effects(
        {}, {"found": False, "name": "Jam"},
        {"kind": "holiday", "regressor": "Easter"},
        {"kind": "holiday", "regressor": "Easter, 1 before"},
        {"kind": "price", "found": False},
    )  # fmt: skip
    said = text_products.moved(table)
    assert said == (
        "Significant associations: promotions with 1 of 2 and the run-up to a holiday with 1 of 1 "
        "products that had any"
    )
    assert text_products.moved(table.assign(found=False)) == (
        "No product's sales go significantly with promotions or the average price paid or the "
        "run-up to a holiday"
    )
    assert text_products.moved(table[:0]).startswith("No product has had promotions")


def test_one_row_a_holiday_and_labels_that_fit() -> None:
    table = effects(
        {"name": "A very long product name 1234567"},
        {"kind": "holiday", "regressor": "Christmas Day", "coefficient": 0.4, "effect": 0.5},
        {"kind": "holiday", "regressor": "Christmas Day, 2 before", "coefficient": 1.1},
        {"kind": "price", "regressor": "price", "step": np.log(1.1), "effect": -0.2},
        {"kind": "discount", "regressor": "discount", "step": -np.log(0.75)},
    )
    told = text_products.surest(table, count=10)
    assert len(told) == 4
    assert told["label"].str.len().max() <= 26
    assert set(told["label"]) == {
        "A very… 1234567, promotion", "Tea, Christmas Day", "Tea, price +10 %", "Tea, 25 % off",
    }  # fmt: skip
    drawn = svg.render(charts.influences(told), name="influences", alt="Effects.")
    assert "Tea, Christmas Day" in drawn


def test_a_plan_is_weighed_only_with_what_works() -> None:
    table = effects({"name": "Few", "weeks": 2}, {"name": "Often", "weeks": 9})
    assert what_if.product_to_weigh(table, "promotion") == "Often"
    with pytest.raises(NotApplicable, match="change of price has a sure effect"):
        what_if.product_to_weigh(table, "price")
    with pytest.raises(NotApplicable, match="promotion has a sure effect"):
        what_if.product_to_weigh(table.assign(effect=-0.5), "promotion")


def test_a_plan_says_units_money_and_whether_it_is_new() -> None:
    totals = pd.DataFrame(
        {"measure": ["units", "net_amount"], "without": [400.0, 900.0], "planned": [520.0, 950.0],
         "difference": [120.0, 50.0], "low": [80.0, -20.0], "high": [150.0, 120.0]}
    )  # fmt: skip
    plan = ProductPlan("Tea", pd.DataFrame(), totals, seen=False)
    said = text_products.plan(plan, "price −10 %", 8, "EUR")
    assert said.startswith("Tea, price −10 %: +120 units (80 to 150) and +€")
    note = text_products.plan_note(plan, "EUR")
    assert note.startswith("520 units with the plan, 400 without it, if it does what has gone with")
    assert "has not been charged before" in note


def test_empty_shelves_are_named_with_their_weeks() -> None:
    gaps = pd.DataFrame(
        {"name": ["Kite", "Kite"], "usual": [60.0, 62.0],
         "period_start": pd.to_datetime(["2024-10-14", "2024-10-07"])}
    )  # fmt: skip
    assert text_products.stock(gaps) == "2 silent weeks of 1 product look like an empty shelf"
    assert text_products.stock_weeks(gaps).startswith(
        "Kite, usually 61 a week, sold nothing in the weeks of 7 Oct 2024 and 14 Oct 2024."
    )
    assert text_products.stock(gaps.head(0)) == "No week without a sale looks like an empty shelf"


def test_only_sharp_and_sure_shifts_are_sudden() -> None:
    day = pd.Timestamp("2024-03-04")
    steps = pd.DataFrame(
        {"name": list("abcd"), "size": [4.0, 3.0, 2.0, 1.0], "shifted": [True, True, True, False],
         "earliest": [day] * 4, "latest": [day, day + pd.Timedelta(weeks=9), day, day],
         "change": [0.2] * 4, "change_low": [0.1, 0.1, -0.1, 0.1], "change_high": [0.3] * 4,
         "price_change": [0.2, np.nan, np.nan, np.nan]}
    )  # fmt: skip
    assert text_products.sudden(steps)["name"].tolist() == ["a"]
    pair = pd.DataFrame({"name": ["a"], "predecessor": ["z"], "found": [True]})
    assert text_products.sudden(steps, pair).empty
    assert text_products.sudden(steps, pair.assign(name="z", predecessor="a")).empty
    assert text_products.sudden(steps, pair.assign(found=False))["name"].tolist() == ["a"]
    assert text_products.sudden(steps.assign(change=33.99)).empty
    assert text_products.sudden_counts(steps) == (
        "1 product changed level from one week to the next, when its price changed"
    )
    keys = pd.DataFrame({"name": list("abcde")})
    sold = sales_series.Series(keys, np.ones((5, 1)), (), np.ones(1), "units", "week", (), ())
    always = np.array([True, True, True, True, False])
    kept = changepoints.without_shifts(sold, always, steps)
    assert kept.tolist() == [False, False, False, True, False]


def coverage(realised: float, low: float, high: float) -> pd.DataFrame:
    row = {"level": "total", "nominal": 0.95, "realised": realised, "low": low, "high": high,
           "gap": realised - 0.95, "n": 80, "weeks": 18}  # fmt: skip
    return pd.DataFrame([row])


def test_few_weeks_are_no_evidence_and_a_shortfall_is_said() -> None:
    assert "no evidence against them" in text_accuracy.few_weeks(coverage(0.91, 0.68, 0.99))
    assert "keep more slack" in text_accuracy.few_weeks(coverage(0.82, 0.66, 0.93))
    assert "more than promised" in text_accuracy.few_weeks(coverage(1.0, 0.96, 1.0))
    assert "Too few forecasts" in text_accuracy.few_weeks(coverage(1.0, 0.9, 1.0).assign(n=0))
    wide = pd.concat([coverage(0.94, 0.9, 0.99), coverage(1.0, 0.9, 1.0).assign(nominal=0.8)])
    assert "more than promised" in text_accuracy.few_weeks(wide)


def sums(*changes: tuple[str, float, float, float, float]) -> pd.DataFrame:
    rows = [
        {"level": "department x category", "name": name, "kind": "regular", "mean": mean,
         "usual": usual, "change": (low + high) / 2, "change_low": low, "change_high": high}
        for name, mean, usual, low, high in changes
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_categories_that_move_are_remarked_on_where_far_from_usual() -> None:
    totals = sums(("Toys", 50.0, 10.0, 0.1, 0.4), ("Tea", 90.0, 80.0, -0.3, -0.1),
                  ("Jam", 70.0, 70.0, -0.1, 0.1))  # fmt: skip
    totals = totals.assign(call=["more", "less", ""])
    found = text.moving(totals)
    assert found[["name", "remark"]].to_numpy().tolist() == [
        ["Tea", ""], ["Toys", "5.0 × its usual"],
    ]  # fmt: skip
    assert text.categories(totals) == "Of 3 categories 1 will need more and 1 less than of late"
    assert text.categories(totals.tail(1)) == "No category changes significantly"
    rare = totals.assign(kind="now and then")
    assert (
        text.categories(rare) == "No category sells in most weeks, and none changes significantly"
    )


def test_one_series_rises_and_several_rise() -> None:
    table = pd.DataFrame({"direction": ["rising", "falling", "falling", ""], "p": 0.1})
    counted = text_products.category_trend_counts(table)
    assert counted == "1 rises and 2 fall significantly, of 4 searched"
    assert text_products.trend_counts(table).endswith("1 rises and 2 fall significantly")


def test_departments_that_move_are_named() -> None:
    totals = sums(("Toys", 5.0, 5.0, 0.1, 0.4), ("Tea", 9.0, 9.0, -0.3, -0.1))
    totals = totals.assign(level="department", call=["more", "less"])
    said = text.departments(totals)
    assert said == "Of 2 departments, significantly (95 %) more in Toys, less in Tea"
    assert text.departments(totals.assign(call="contradicted")).startswith("None of the 2 d")


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        ("worse", "below zero it errs significantly more"),
        ("no different", "known only with hindsight; the two cannot be told apart"),
        ("too few origins", "too few past forecasts to tell it from luck"),
    ],
)
def test_a_forecast_that_beats_nothing_says_whether_it_is_worse(
    monkeypatch: pytest.MonkeyPatch, verdict: str, said: str
) -> None:
    monkeypatch.setattr(text_accuracy, "_against", lambda found: "against the mean")
    assert said in text_accuracy._unlucky(None, pd.Series({"verdict": verdict}))  # type: ignore[arg-type]


def test_what_the_total_s_mase_is_made_of_is_said() -> None:
    """Weeks alternate by 1 before the first origin and by 2 after it; the forecast is 3 too low."""
    values = np.r_[np.tile([100.0, 101.0], 10), np.tile([100.0, 102.0], 10)][None]
    origins = (20, 22)
    actual = np.stack([values[:, o : o + 4] for o in origins])
    scale = np.ones((2, 1))
    tested = Backtest(("x",), origins, actual[None] - 3.0, actual, scale, scale)
    outlook = SimpleNamespace(
        tested=tested, groups=np.array(["total"]), published="x",
        series=SimpleNamespace(values=values),
    )  # fmt: skip
    said = text_accuracy.unit_note(outlook)
    assert "off by 3.0 % on average" in said
    assert "3.00 one week ahead and 3.00 at 4 weeks" in said
    assert "changed 1.95 times as much since" in said
    outlook.groups = np.array(["a", "a"])
    assert text_accuracy.unit_note(outlook) == ""


def test_intervals_at_peaks_are_told_with_their_weeks_and_never_claimed_to_hold() -> None:
    rows = coverages(**EXACT, **SHORT).assign(weeks=25, series=2)
    said = text_accuracy.at_peaks(rows[:2])
    assert "79 % for 80 % (70 to 88 %) and 95 % for 95 % (92 to 98 %) for departments" in said
    assert "in 25 weeks of 2 series. None is significantly less than promised, as far as" in said
    assert "Too narrow at peaks: 80 % for categories (75.7 %)." in text_accuracy.at_peaks(rows)
    assert "cannot be judged" in text_accuracy.at_peaks(rows.assign(n=0))
    holds = text_accuracy._holds
    assert holds(rows[:2], rows[:2])[0]
    assert not holds(rows[:2], rows)[0]
    wide = coverages(department=(0.95, 0.98, 0.96, 1.0)).assign(series=2)
    ok, text = holds(wide, wide)
    assert not ok
    assert "The 95 % intervals of departments hold significantly more than promised." in text
