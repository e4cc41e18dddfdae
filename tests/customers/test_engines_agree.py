"""What report 03 rests on is the same on Spark as on DuckDB, to the last bit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.customers.features import features, weekly
from analysis.customers.value import concentration, deciles
from analysis.stats.bca import Sampling
from analysis.tables.engine import EngineSettings, Tables, open_study
from analysis.tables.periods import Period

pytestmark = pytest.mark.spark

YEAR = Period.before("2018-01-01", days=365)
HALVES = Period.before("2018-01-01", days=364)


@pytest.fixture(scope="module")
def on_spark(real_root: Path, spark: EngineSettings) -> Iterator[Tables]:
    tables = open_study("complete_journey", settings=spark, root=real_root)
    yield tables
    tables.close()


def test_customers_over_a_year_and_over_a_half(real: Tables, on_spark: Tables) -> None:
    for period in (YEAR, Period.before("2018-01-01", days=182)):
        pd.testing.assert_frame_equal(
            features.fetch(on_spark, period), features.fetch(real, period), check_exact=True
        )


def test_weeks_of_customers(real: Tables, on_spark: Tables) -> None:
    ours, theirs = weekly.fetch(real, HALVES), weekly.fetch(on_spark, HALVES)
    assert list(ours.customers) == list(theirs.customers)
    for value in ("net_amount", "margin_amount"):
        np.testing.assert_array_equal(ours.of(value), theirs.of(value))


def test_deciles_and_purchase_deciles(real: Tables, on_spark: Tables) -> None:
    sampling = Sampling(draws=200, seed=1)
    found = []
    for tables in (real, on_spark):
        customers = features.fetch(tables, YEAR)
        halves = weekly.fetch(tables, HALVES).halves()
        ranked = deciles.monetary_deciles(customers, halves=halves, sampling=sampling)
        found.append((ranked.table, concentration.purchase_deciles(customers, sampling=sampling)))
    for ours, theirs in zip(*found, strict=True):
        pd.testing.assert_frame_equal(ours, theirs, check_exact=True)
