"""Departments that are no merchandise stay in the sums and out of every call and finding."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.demand.forecast import forecast, horizon_totals
from analysis.demand.forecast.level_regressors import Plan
from analysis.demand.series import sales_series
from analysis.reports.forecast import text
from analysis.tables.engine import Tables, in_memory


@pytest.fixture(scope="module")
def tables() -> Tables:
    days = pd.date_range("2023-01-02", periods=60 * 7, freq="D")
    rows = [
        {"order_id": f"{key}{day:%y%m%d}", "line_number": 1, "ordered_at": day, "product_id": key,
         "quantity": 1.0, "net_amount": amount + day.weekday() + (40.0 if late and lifts else 0.0)}
        for day in days for late in [day >= days[-28]]
        for key, amount, lifts in (("tea", 10.0, False), ("stamps", 10.0, True))
    ]  # fmt: skip
    frames = {
        "order_lines": pd.DataFrame(rows),
        "products": pd.DataFrame(
            {"product_id": ["tea", "stamps"], "department": ["GROCERY", "COUPON"],
             "category": ["TEA", "STAMPS"]}
        ),
    }  # fmt: skip
    return in_memory(frames, study="shop", not_merchandise=("COUPON",))


def test_no_call_is_on_coupons_and_the_total_holds_them(tables: Tables) -> None:
    sold = sales_series.fetch(tables, as_of="2024-02-26", levels=sales_series.LEVELS)
    goods = sales_series.merchandise(sold, tables)
    assert sold.keys.loc[~goods, "name"].tolist() == ["COUPON", "COUPON / STAMPS"]
    found = forecast.predict(sold, Plan(horizon=4, origins=8), levels=sales_series.LEVELS)
    ahead = horizon_totals.over_horizon(found, goods=goods).set_index("name")
    left = ahead.loc[["COUPON", "COUPON / STAMPS"]]
    assert left["kind"].tolist() == ["no merchandise"] * 2
    assert left["q"].isna().all()
    assert left["call"].tolist() == ["", ""]
    parts = ahead.loc[["COUPON", "GROCERY"], "mean"].sum()
    assert ahead.loc["Total", "mean"] == pytest.approx(parts, abs=0.02)
    said = text.no_merchandise(sold, tables)
    assert said.startswith("COUPON is no merchandise (")
    assert said.endswith("in all sums, but in no finding and no call for action.")


def test_best_sellers_are_goods(tables: Tables) -> None:
    found = sales_series.best_sellers(tables, as_of="2024-02-26", count=10)
    assert found.keys["product_id"].tolist() == ["tea"]
