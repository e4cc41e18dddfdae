"""A table that an earlier run kept is one of an earlier moment, not this run's own."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd

from analysis.reporting.briefing.finding_history import table_before
from analysis.reporting.notebook import frames

SATURDAY, MONDAY = "2023-12-09", "2023-12-04"


def report(*runs: Path) -> Any:
    workspace = SimpleNamespace(runs=lambda: list(runs))
    return SimpleNamespace(workspace=workspace, as_of=SATURDAY)


def keep(run: Path, origin: str) -> Path:
    kept = pd.DataFrame({"origin": pd.to_datetime([origin]).as_unit("us"), "mean": [1.0]})
    frames.save(kept, run / "tables" / "04_forecast" / "kept")
    return run


def before(*runs: Path, moment: object = None) -> str | None:
    found = table_before(report(*runs), "04_forecast/kept", moment="origin", before=moment)
    return None if found is None else str(found["origin"].iloc[0].date())


def test_a_run_of_the_same_week_is_not_before(tmp_path: Path) -> None:
    """Weeks end on Sunday: a forecast made on Saturday begins on the Monday before."""
    same = keep(tmp_path / "b", MONDAY)
    assert before(same, moment=pd.Timestamp(MONDAY)) is None
    assert before(same, keep(tmp_path / "a", "2023-11-27"), moment=pd.Timestamp(MONDAY)) == (
        "2023-11-27"
    )


def test_without_a_moment_the_day_counts(tmp_path: Path) -> None:
    assert before(keep(tmp_path / "b", MONDAY)) == MONDAY
    assert before(keep(tmp_path / "c", SATURDAY)) is None
    assert before() is None
