from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from analysis.reporting.notebook.findings import Finding, Findings
from analysis.reporting.site import history
from analysis.reporting.store.layout import RunFolder
from analysis.reporting.store.run_record import RunRecord, Status
from tests.reporting.sample_run import REPORTS, record

REPORT = "03_deciles"


def run(study: Path, started: datetime, *, good: bool = True, **parameters: object) -> RunRecord:
    """Write a run whose only finding is its day of the month; return its record."""
    folder = RunFolder(study / f"{started:%Y-%m-%dT%H%M%SZ}")
    folder.path.mkdir(parents=True)
    reports = {REPORT: replace(REPORTS[REPORT], parameters=parameters)}
    made = replace(record(folder.path.name, started, simulated=False), reports=reports)
    made.write(folder.run_json)
    Status(REPORT, "done" if good else "failed").write(folder.status(REPORT))
    Findings(REPORT, "t", (Finding("k", "s", started.day),)).write(folder.findings(REPORT))
    return made


def at(day: int, hour: int = 6) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


def change(now: RunRecord, previous: Path | None) -> str | None:
    before = history.baseline(REPORT, now, previous)
    return before.change(Finding("k", "s", 100)).text if before else None


def test_findings_compare_with_the_run_before(tmp_path: Path):
    run(tmp_path, at(1))
    last = run(tmp_path, at(2))
    now = run(tmp_path, at(3))
    assert change(now, tmp_path / last.run_id) == "▲ 98 since last run"
    assert change(now, None) is None


@pytest.mark.parametrize(
    ("good_at", "since"), [(at(1), "1 Nov 2026"), (at(3, 4), "3 Nov 2026, 04:00 UTC")]
)
def test_a_failed_run_is_passed_over_and_the_good_one_named(
    tmp_path: Path, good_at: datetime, since: str
):
    run(tmp_path, good_at)
    last = run(tmp_path, at(3, 5), good=False)
    text = change(run(tmp_path, at(3, 6)), tmp_path / last.run_id)
    assert text is not None
    assert text.endswith(f"since the run of {since}")


def test_later_runs_are_never_the_baseline(tmp_path: Path):
    first = run(tmp_path, at(1), good=False)
    run(tmp_path, at(9))
    assert change(run(tmp_path, at(2)), tmp_path / first.run_id) is None


def test_only_as_of_may_differ_in_silence(tmp_path: Path):
    last = run(tmp_path, at(1), as_of="2017-12-25", groups=10, seed=1)
    previous = tmp_path / last.run_id
    same = run(tmp_path, at(2), as_of="2018-01-01", groups=10, seed=1)
    other = run(tmp_path, at(3), as_of="2018-01-01", groups=5, seed=2)
    assert change(same, previous) == "▲ 99 since last run"
    text = change(other, previous)
    assert text is not None
    assert text.endswith("since last run, which had other parameters (groups and seed)")


def test_without_any_good_run_there_is_nothing_to_compare(tmp_path: Path):
    last = run(tmp_path, at(1), good=False)
    assert change(run(tmp_path, at(2)), tmp_path / last.run_id) is None
