"""What report 11 rests on is the same on Spark as on DuckDB."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pandas as pd
import pytest

from analysis.engagement.channels import (
    attribution,
    contact_events,
    contact_rates,
    dose_response,
    fatigue,
    holdout_lift,
)
from analysis.tables.engine import EngineSettings, Tables, in_memory
from analysis.tables.periods import Period
from tests.notebooks.test_channels import PACES, frames

pytestmark = pytest.mark.spark

WINDOW = Period.before("2025-12-29", days=182)
HISTORY = Period.before("2025-12-29", days=728)


@pytest.fixture(scope="module")
def engines(spark: EngineSettings) -> Iterator[list[Tables]]:
    shop = frames(customers=400)
    opened = [in_memory(shop, settings=settings) for settings in (EngineSettings(threads=1), spark)]
    yield opened
    for tables in opened:
        tables.close()


def _sent(tables: Tables) -> contact_events.Contacts:
    return contact_events.fetch(tables, WINDOW)


QUESTIONS: dict[str, Callable[[Tables], pd.DataFrame]] = {
    "oddities": lambda t: _sent(t).oddities,
    "rates": lambda t: contact_rates.rates(t, _sent(t)).rates,
    "opens": lambda t: contact_rates.real_opens(_sent(t)),
    "lift": lambda t: holdout_lift.measure(t, HISTORY).arms,
    "credits": lambda t: attribution.attribute(t, _sent(t), replicates=5).credits,
    "fatigue": lambda t: fatigue.judge(_sent(t)).slopes,
    "doses": lambda t: dose_response.measure(t, _sent(t), variants=tuple(PACES)).doses,
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_both_engines_say_the_same(engines: list[Tables], question: str) -> None:
    one, other = (QUESTIONS[question](tables) for tables in engines)
    assert len(one) > 0
    pd.testing.assert_frame_equal(one, other, check_dtype=False, rtol=1e-6, atol=1e-9)
