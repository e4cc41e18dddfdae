"""Old runs go, but never what a report was last good in."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.errors import AnalysisError
from analysis.reporting.site import publish
from analysis.reporting.store.layout import StudyReports
from tests.projects import Project
from tests.reporting.test_history import at, run
from tests.reporting.test_run import Pretended
from tests.tiny import Journey


def names(study: Path) -> list[str]:
    return sorted(p.name[:10] for p in study.iterdir() if p.is_dir())


def test_the_newest_are_kept(tmp_path: Path) -> None:
    for day in range(1, 6):
        run(tmp_path, at(day))
    gone = publish.put_away(StudyReports(tmp_path), keep=2)
    assert len(gone) == 3
    publish.delete(gone)
    assert names(tmp_path) == ["2026-11-04", "2026-11-05"]


def test_the_last_good_run_of_a_report_stays_whatever_its_age(tmp_path: Path) -> None:
    run(tmp_path, at(1))
    run(tmp_path, at(2))  # the last good one
    for day in (3, 4, 5):
        run(tmp_path, at(day), good=False)
    publish.delete(publish.put_away(StudyReports(tmp_path), keep=1))
    assert names(tmp_path) == ["2026-11-02", "2026-11-05"]


def test_the_last_good_run_of_an_earlier_day_stays(tmp_path: Path) -> None:
    """A forecast is measured against the one that was made for an earlier day."""
    run(tmp_path, at(1)).write(tmp_path / f"{at(1):%Y-%m-%dT%H%M%SZ}" / "run.json")
    earlier = tmp_path / f"{at(1):%Y-%m-%dT%H%M%SZ}" / "run.json"
    earlier.write_text(earlier.read_text().replace('"as_of": "2018', '"as_of": "2017'))
    for day in (2, 3, 4):
        run(tmp_path, at(day))
    publish.delete(publish.put_away(StudyReports(tmp_path), keep=1))
    assert names(tmp_path) == ["2026-11-01", "2026-11-04"]


def test_what_an_interrupted_deletion_left_is_no_run_and_goes_later(tmp_path: Path) -> None:
    for day in (1, 2):
        run(tmp_path, at(day))
    reports = StudyReports(tmp_path)
    (gone,) = publish.put_away(reports, keep=1)
    assert [r.path.name[:10] for r in reports.runs()] == ["2026-11-02"]
    assert publish.leftovers(reports) == [gone]


def test_a_damaged_run_is_needed_by_nobody(tmp_path: Path) -> None:
    for day in (1, 2):
        run(tmp_path, at(day))
    damaged = tmp_path / f"{at(1):%Y-%m-%dT%H%M%SZ}" / "run.json"
    damaged.write_text("{")
    publish.delete(publish.put_away(StudyReports(tmp_path), keep=1))
    assert names(tmp_path) == ["2026-11-02"]


def test_a_run_that_cannot_be_removed_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    for day in (1, 2):
        run(tmp_path, at(day))
    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(AnalysisError, match=r"published, but the old run .* cannot be removed"):
        publish.put_away(StudyReports(tmp_path), keep=1)


def test_a_run_removes_the_runs_before_it(
    journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    from analysis.reporting.runner import dispatch

    monkeypatch.setattr(dispatch, "Worker", Pretended)
    project = Project.ingested(journey)
    project.add("10_a", "x = 1")
    for _ in range(3):
        project.run("keep=1")
    kept = project.reports.runs()
    assert len(kept) == 1
    assert project.reports.latest.resolve() == kept[0].path
    assert kept[0].run_id in (project.root / "reports" / "index.html").read_text()
    assert not list(project.reports.path.glob(".*-2*"))
