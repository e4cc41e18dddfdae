"""Names of runs, and what counts as one."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from analysis import params
from analysis.errors import ParamsError
from analysis.reporting.store.layout import RunFolder, StudyReports, engine_of
from analysis.tables.engine import EngineSettings
from tests.tiny import Journey

STAMP = "2026-11-21T060000Z"


@pytest.fixture
def reports(tmp_path: Path) -> StudyReports:
    return StudyReports.of("tiny", root=tmp_path)


def put(reports: StudyReports, run_id: str) -> RunFolder:
    folder = reports.run(run_id)
    folder.path.mkdir(parents=True)
    folder.run_json.write_text("{}")
    return folder


def test_runs_of_one_second_have_names_that_sort_as_they_came(reports: StudyReports) -> None:
    names = []
    for _ in range(12):
        names.append(reports.free_run_id(STAMP))
        put(reports, names[-1])
    assert names[:3] == [STAMP, f"{STAMP}-02", f"{STAMP}-03"]
    assert [folder.run_id for folder in reports.runs()] == names[::-1]


def test_drafts_staged_runs_and_links_are_no_runs(reports: StudyReports) -> None:
    put(reports, STAMP)
    put(reports, "draft")
    put(reports, f".staging-{STAMP}-02")
    reports.latest.symlink_to(STAMP)
    (reports.path / "2026-11-22T060000Z").mkdir()
    assert [folder.run_id for folder in reports.runs()] == [STAMP]
    assert reports.leftovers() == [reports.path / f".staging-{STAMP}-02"]


def test_a_staged_run_knows_its_name(reports: StudyReports) -> None:
    assert reports.staging(STAMP).run_id == STAMP


def test_a_study_without_runs(reports: StudyReports) -> None:
    assert reports.runs() == []
    assert reports.leftovers() == []
    assert reports.free_run_id(STAMP) == STAMP


def test_tables_are_opened_in_the_engine_of_the_run_or_else_of_the_params(journey: Journey) -> None:
    params_file = journey.root / "params" / "tiny.yaml"
    params_file.write_text(params_file.read_text("utf-8") + "engine: {memory: 1GB}\n", "utf-8")
    opened = partial(engine_of, "tiny", root=journey.root)
    assert opened(writes_to=journey.root / "reports" / "tiny" / "draft").memory == "1GB"
    run = RunFolder(journey.root / "reports" / "tiny" / ".staging-1")
    run.path.mkdir(parents=True)
    study = params.load("tiny", ["engine.kind=spark"], root=journey.root)
    run.params_json.write_text(study.model_dump_json(), "utf-8")
    assert opened(writes_to=run.path) == EngineSettings(kind="spark", memory="1GB")
    params_file.write_text(params_file.read_text("utf-8").replace("1GB", "much"), "utf-8")
    with pytest.raises(ParamsError, match=r"tiny\.yaml: engine\.memory: "):
        opened(writes_to=journey.root)
