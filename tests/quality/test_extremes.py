"""Outliers by department, against plain numpy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.quality.extremes import EVERY_BASKET, extremes
from tests.sales import catalogue, lines_of, tables_of


@pytest.fixture(scope="module")
def found() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(2)
    n = 400
    lines = pd.DataFrame(
        {
            "order_id": [f"o{i}" for i in range(n)],
            "product_id": rng.choice(["a", "b", "fuel"], n, p=[0.6, 0.35, 0.05]),
            "quantity": rng.choice([1.0, 2.0, 3.0], n, p=[0.8, 0.15, 0.05]),
        }
    )
    price = np.where(lines["product_id"] == "a", 2.0, 20.0) * rng.lognormal(0, 0.3, n)
    lines["net_amount"] = (price * lines["quantity"]).round(2).clip(lower=0.01)
    lines.loc[0, ["product_id", "quantity", "net_amount"]] = ["a", 500.0, 900.0]
    lines.loc[1, ["product_id", "quantity", "net_amount"]] = ["a", 1.0, 0.01]
    lines.loc[2, ["product_id", "quantity", "net_amount"]] = ["fuel", 45_000.0, 30.0]
    products = catalogue("a", "b", "fuel", department=["A", "B", "F"], counted=[True, True, False])
    rows = lines_of(*lines.to_dict("records"))
    return (*extremes(tables_of(rows, products)), rows)


def test_limits_are_three_and_a_half_robust_deviations(
    found: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame],
) -> None:
    limits, _, lines = found
    a = lines[(lines["product_id"] == "a") & (lines["net_amount"] > 0)]
    logs = np.log(a["net_amount"] / a["quantity"])
    spread = 1.4826 * (logs - logs.median()).abs().median()
    row = limits[(limits["measure"] == "price") & (limits["department"] == "A")].iloc[0]
    assert row["usual"] == pytest.approx(np.exp(logs.median()))
    assert row["high"] == pytest.approx(np.exp(logs.median() + 3.5 * spread))
    assert row["above"] == (logs > logs.median() + 3.5 * spread).sum()
    assert row["below"] == (logs < logs.median() - 3.5 * spread).sum()


def test_a_quantity_that_is_mostly_one_gets_the_spread_of_the_others(
    found: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame],
) -> None:
    limits, examples, lines = found
    a = np.log(lines.loc[lines["product_id"] == "a", "quantity"])
    spread = 1.4826 * a[a > 0].median()
    row = limits[(limits["measure"] == "quantity") & (limits["department"] == "A")].iloc[0]
    assert row["high"] == pytest.approx(np.exp(3.5 * spread))
    assert (row["above"], row["net_amount"]) == (1, 900.0)
    first = examples[examples["measure"] == "quantity"].iloc[0]
    assert (first["order_id"], first["value"]) == ("o0", 500.0)


def test_quantities_without_units_are_not_judged(
    found: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame],
) -> None:
    limits, _, _ = found
    assert set(limits["department"]) == {"A", "B", EVERY_BASKET}


def test_a_penny_is_found(found: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]) -> None:
    _, examples, _ = found
    prices = examples[examples["measure"] == "price"]
    assert prices["order_id"].iloc[0] == "o1"
    assert examples.loc[examples["measure"] == "basket", "product_id"].isna().all()


def test_small_departments_and_equal_values_are_not_judged() -> None:
    few = tables_of(lines_of(*({"order_id": f"o{i}", "net_amount": 10.0**i} for i in range(8))))
    same = tables_of(lines_of(*({"order_id": f"o{i}"} for i in range(50))))
    for tables in (few, same):
        limits, examples = extremes(tables)
        assert limits["high"].isna().all()
        assert limits[["below", "above", "net_amount"]].to_numpy().sum() == 0
        assert examples.empty
