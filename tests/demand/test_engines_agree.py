"""What report 01 rests on is the same on Spark as on DuckDB."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pandas as pd
import pytest

from analysis.demand.change import contribution, trading_pattern
from analysis.quality import checks, drift, extremes
from analysis.tables import comparison
from analysis.tables.comparison import compare
from analysis.tables.engine import EngineSettings, Tables, open_study
from tests.notebooks.studies import STUDY, publish_tables
from tests.sales import AS_OF, shop

pytestmark = pytest.mark.spark

Question = Callable[[Tables], Any]


@pytest.fixture(scope="module")
def both(
    spark: EngineSettings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Tables, Tables]]:
    root = tmp_path_factory.mktemp("project")
    publish_tables(shop(8), root)
    ours, theirs = (open_study(STUDY, settings=s, root=root) for s in (EngineSettings(), spark))
    yield ours, theirs
    ours.close()
    theirs.close()


EXACT: dict[str, Question] = {
    "customers": lambda t: comparison.paired_customers(t, compare(t, AS_OF, days=28)),
    "guests": lambda t: comparison.paired_guests(t, compare(t, AS_OF, days=28)).to_frame(),
    "checks": lambda t: checks.run_checks(t, as_of=date(2018, 1, 1), stale_days=7),
    "products": lambda t: (
        contribution.changes(t, compare(t, AS_OF, days=28), by="product_id", minimum_group=1).table
    ),
    "weeks": lambda t: trading_pattern.weekly_sales(t, compare(t, AS_OF, days=28).window),
    "hours": lambda t: trading_pattern.weekday_hours(t, compare(t, AS_OF, days=28).window),
}


@pytest.mark.parametrize("question", EXACT)
def test_an_exact_answer_is_the_same_to_the_last_bit(
    both: tuple[Tables, Tables], question: str
) -> None:
    ours, theirs = (EXACT[question](tables) for tables in both)
    pd.testing.assert_frame_equal(theirs, ours, check_exact=True)


def test_mixes_are_the_same(both: tuple[Tables, Tables]) -> None:
    ours, theirs = (drift.weekly_mixes(t, compare(t, AS_OF, days=28)) for t in both)
    assert list(ours) == list(theirs)
    for name, table in ours.items():
        pd.testing.assert_frame_equal(theirs[name], table, check_dtype=False)


def test_outliers_are_the_same_up_to_the_engines_logarithms(both: tuple[Tables, Tables]) -> None:
    for ours, theirs in zip(*(extremes.extremes(tables) for tables in both), strict=True):
        pd.testing.assert_frame_equal(theirs, ours, rtol=1e-9, check_dtype=False)
