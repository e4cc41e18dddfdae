"""What promotions drawn by lot rest on is the same on Spark as on DuckDB."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.promotions.experiments import sequential, validity_checks
from analysis.promotions.outcomes import moments, outcomes
from analysis.promotions.planning import experiment_plan
from analysis.tables.engine import EngineSettings, Tables, in_memory
from tests.promotions import test_from_the_engine as shop

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def both(spark: EngineSettings) -> Iterator[tuple[Tables, Tables]]:
    opened = [in_memory(shop.frames(), settings=s) for s in (EngineSettings(threads=1), spark)]
    yield opened[0], opened[1]
    for tables in opened:
        tables.close()


def _moments(tables: Tables) -> np.ndarray:
    rows = outcomes.measured(outcomes.compute(tables, shop.SPANS))
    found = moments.by_arm(rows, outcomes.COLUMNS, by=["promotion_id", "arm"])
    return np.array([np.append(m.mean, m.covariance.ravel()) for m in found["moments"]])


def _days(tables: Tables) -> np.ndarray:
    rows = outcomes.compute(tables, shop.SPANS)
    people = rows.filter(rows.promotion_id == "P").select("customer_id", "arm", before="before_net")
    bought = sequential.purchases(tables, people=people, first=shop.START, last=date(2024, 3, 17))
    found = sequential.by_arm(people, bought, days=7)
    return np.array([np.r_[d.total, d.squares, d.along, d.covariate] for d in found.values()])


def _plan(tables: Tables) -> np.ndarray:
    basis = experiment_plan.basis(tables, as_of=date(2024, 3, 18), weeks=1, before_days=20)
    return np.append(basis.everybody.mean, float(basis.everybody.n))


QUESTIONS: dict[str, Callable[[Tables], Any]] = {
    "outcomes": lambda t: outcomes.fetch(t, shop.SPANS, "P").drop(columns="assigned_at"),
    "overview": lambda t: outcomes.overview(t, shop.SPANS),
    "moments": lambda t: pd.DataFrame(_moments(t)),
    "days": lambda t: pd.DataFrame(_days(t)),
    "exposure": lambda t: pd.DataFrame([asdict(v) for v in validity_checks.count(t).values()]),
    "plan": lambda t: pd.DataFrame(_plan(t)),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_both_engines_give_the_same(both: tuple[Tables, Tables], name: str) -> None:
    ours, theirs = (QUESTIONS[name](tables) for tables in both)
    pd.testing.assert_frame_equal(ours, theirs, check_dtype=False)
