"""Charts of report 01: legible, complete, and drawn from whatever there is."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

from analysis.errors import NotApplicable
from analysis.reporting.charts import style
from analysis.reporting.charts.forest import forest, shortened
from analysis.reports.profiling import charts, charts_quality
from tests.legibility import smallest_text

FACTORS = pd.DataFrame(
    {
        "factor": ["customers", "orders_per_customer", "items_per_order", "net_per_item", "guests"],
        "contribution": [5.0, -3.0, 40_000.0, 0.5, 2.0],
        "low": [1.0, -9.0, 30_000.0, -1.0, np.nan],
        "high": [9.0, 2.0, 50_000.0, 2.0, np.nan],
    }
)
BRIDGE = pd.DataFrame(
    {
        "group": ["lost", "buying less", "new"],
        "customers": [3, 40, 5],
        "change": [-5.0, -100.0, 120.0],
        "low": [-9.0, -150.0, 80.0],
        "high": [-1.0, -60.0, 150.0],
        "by_chance": [np.nan, -70.0, np.nan],
    }
)
MOVED = pd.DataFrame(
    {
        "group": ["a", "b", "c"],
        "change": [9.0, 2.0, -4.0],
        "change_low": [5.0, 1.0, -6.0],
        "change_high": [13.0, 3.0, -2.0],
        "growth": [np.nan, 0.2, np.nan],
        "growth_low": [np.nan, 0.1, np.nan],
        "growth_high": [np.nan, 0.3, np.nan],
        "share_now": [0.5, 0.3, 0.2],
        "sure": [True, False, True],
        "status": ["launched", "continued", "delisted"],
    }
)
WEEKS = pd.DataFrame(
    {"week_start": pd.date_range("2017-10-02", periods=13, freq="7D"), "net_amount": 1000.0}
)
HOURS = pd.DataFrame({"weekday": [1, 1, 7], "hour": [8, 9, 17], "orders_an_hour": [1.0, 2.0, 3.0]})
INDICES = pd.DataFrame(
    {
        "attribute": ["age", "age", "pet"],
        "level": ["18-24", "65+", "yes"],
        "index": [90.0, 120.0, np.nan],
        "low": [80.0, 105.0, np.nan],
        "high": [99.0, 133.0, np.nan],
        "q": [0.04, 0.2, np.nan],
    }
)
LEDGER = pd.DataFrame(
    {
        "table": "order_lines",
        "source": ["a.csv", "a.csv", "b.csv", "b.csv", "b.csv"],
        "outcome": ["read", "accepted", "read", "accepted", "rejected"],
        "rule": ["", "", "", "", "not a date"],
        "rows": [10, 10, 2_000_000, 1_999_999, 1],
    }
)
FILL = pd.DataFrame(
    {
        "table": "t",
        "column": ["x", "y", "z"],
        "present": [True, True, False],
        "share_filled": [0.5, 1.0, np.nan],
    }
)
DAYS = pd.DataFrame(
    {
        "day": pd.date_range("2017-12-01", periods=31),
        "net_amount": [100.0] * 24 + [0.0] + [100.0] * 6,
        "missing": [False] * 24 + [True] + [False] * 6,
        "score": [0.0] * 10 + [9.0] + [0.0] * 20,
    }
)
DRIFT = pd.DataFrame(
    {
        "dimension": ["Store", "Hour"],
        "moved": [0.1, 0.01],
        "limit": [0.05, 0.02],
        "sure": [True, False],
    }
)

DRAWINGS = {
    "contributions": lambda: charts.contributions(FACTORS, currency="USD"),
    "bridge": lambda: charts.bridge(BRIDGE, currency="USD"),
    "growth": lambda: charts.growth(MOVED, names=MOVED["group"], top=2),
    "movers": lambda: charts.movers(MOVED, names=MOVED["group"], currency="CHF"),
    "portrait": lambda: charts.portrait(INDICES, fdr=0.1),
    "weeks": lambda: charts.weeks(WEEKS, split=date(2017, 11, 6), currency="EUR"),
    "heat": lambda: charts.heat(HOURS),
    "reconciliation": lambda: charts_quality.reconciliation(LEDGER),
    "completeness": lambda: charts_quality.completeness(FILL),
    "days": lambda: charts_quality.days(DAYS, limit=3.5, currency="USD"),
    "drift": lambda: charts_quality.drift(DRIFT),
}
EMPTY = {
    "contributions": lambda: charts.contributions(FACTORS[:0], currency="USD"),
    "bridge": lambda: charts.bridge(BRIDGE[:0], currency="USD"),
    "growth": lambda: charts.growth(MOVED[:0], names=MOVED["group"][:0], top=2),
    "movers": lambda: charts.movers(MOVED[:0], names=MOVED["group"][:0], currency="USD"),
    "portrait": lambda: charts.portrait(INDICES[:0], fdr=0.1),
    "reconciliation": lambda: charts_quality.reconciliation(LEDGER[:0]),
    "completeness": lambda: charts_quality.completeness(FILL[:0]),
}

#: Charts that are left out where they would be empty: what stands above says so.
NEVER_EMPTY = ("growth", "movers", "portrait", "completeness")


def texts(ax: Axes) -> str:
    drawn = [
        *ax.texts,
        *ax.get_yticklabels(),
        *ax.get_xticklabels(),
        ax.xaxis.label,
        ax.yaxis.label,
    ]
    return " ".join(text.get_text() for text in drawn)


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_chart_is_legible_on_a_phone(name: str) -> None:
    ax = DRAWINGS[name]()
    ax.figure.canvas.draw()
    assert smallest_text(ax.figure) >= 9
    assert ax.figure.get_figwidth() == 5
    assert ax.get_xlabel() or ax.get_ylabel()


@pytest.mark.parametrize("name", EMPTY)
def test_nothing_to_draw_is_an_empty_chart_or_none(name: str) -> None:
    if name in NEVER_EMPTY:
        with pytest.raises(NotApplicable):
            EMPTY[name]()
    else:
        EMPTY[name]().figure.canvas.draw()


def test_days_on_which_more_came_back_than_was_sold_are_on_the_chart() -> None:
    days = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=8), "net_amount": 900.0})
    days = days.assign(missing=False, score=0.0)
    assert charts_quality.days(days, limit=3.5, currency="USD").get_ylim()[0] == 0
    days.loc[3, "net_amount"] = -500.0
    assert charts_quality.days(days, limit=3.5, currency="USD").get_ylim()[0] < -0.5
    weeks = days.rename(columns={"day": "week_start"})
    drawn = charts.weeks(weeks, split=date(2024, 1, 5), currency="USD")
    assert drawn.get_ylim()[0] < -0.5


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("contributions", ["Net per item", "+$ 40,000", "−$ 3", "$ thousand"]),
        ("bridge", ["Buying less (40)", "−$ 100", "Change", "+$ 15"]),
        ("growth", ["50.0 %", "Share"]),
        ("movers", ["new", "+20 %", "gone", "CHF"]),
        ("portrait", ["Age", "18-24", "90", "120"]),
        ("reconciliation", ["a", "10", "rejected: not a date", "1,999,999"]),
        ("completeness", ["t.x", "50.0 %"]),
        ("days", ["11 Dec", "25 Dec (none)"]),
        ("drift", ["Store", "10.0 %"]),
    ],
)
def test_a_chart_names_its_figures(name: str, words: list[str]) -> None:
    ax = DRAWINGS[name]()
    ax.figure.canvas.draw()
    written = texts(ax)
    for word in words:
        assert word in written


def test_a_column_without_gaps_or_not_there_is_not_drawn() -> None:
    assert "t.y" not in texts(DRAWINGS["completeness"]())
    assert "t.z" not in texts(DRAWINGS["completeness"]())


def test_the_axes_given_are_drawn_on() -> None:
    ax = style.new_axes()
    assert charts.contributions(FACTORS, currency="USD", ax=ax) is ax
    assert forest(["a"], [1.0], [0.5], [2.0], written=["1"], ax=ax) is ax


def test_long_labels_are_cut() -> None:
    assert shortened("a" * 30) == "a" * 25 + "…"
    assert shortened("short") == "short"
