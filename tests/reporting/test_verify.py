"""A run is run again, and every table compared byte for byte."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.errors import AnalysisError, DataError
from analysis.reporting.checking import verify as verifying
from analysis.reporting.store.run_record import RunRecord
from tests.projects import Listener, Project
from tests.tiny import Journey, frames

#: A report of which one table is never the same.
CHANCE = """\
import time

import pandas as pd

from analysis.reporting import open_report

report = open_report("20_b", study=study, as_of=as_of, seed=seed)
report.save(pd.DataFrame({"a": [seed]}), "steady")
report.save(pd.DataFrame({"a": [time.time_ns()]}), "restless")"""


@pytest.fixture
def project(journey: Journey) -> Project:
    made = Project.ingested(journey)
    made.add("10_a")
    return made


def verify(project: Project, record: RunRecord) -> verifying.Verdict:
    folder = verifying.find_run(f"tiny/{record.run_id}", root=project.root)
    request = replace(project.request(), params=verifying.params_of(record))
    return verifying.verify(folder, request, Listener())


@pytest.mark.slow
def test_an_honest_run_is_the_same_again_and_a_tampered_table_is_found(project: Project) -> None:
    project.add("20_b", CHANCE)
    project.add("30_c", "1 / 0")
    record, _ = project.run("seed=5")
    folder = project.reports.run(record.run_id)
    counts = folder.tables("10_a") / "counts.csv"
    counts.write_text(counts.read_text().replace("4,5", "5,5"))
    (folder.tables("10_a") / "invented.csv").write_text("a\n1\n")
    (folder.tables("20_b") / "steady.parquet").unlink()

    verdict = verify(project, record)
    assert verdict.compared == 9
    assert verdict.differences == (
        "tables/10_a/counts.csv differs",
        "tables/10_a/invented.csv was not made again",
        "tables/20_b/restless.csv differs",
        "tables/20_b/restless.parquet differs",
        "tables/20_b/steady.parquet was not in the run",
    )
    assert verdict.edited == (
        "tables/10_a/invented.csv was not in the run",
        "tables/10_a/counts.csv was changed since the run was published",
        "tables/20_b/steady.parquet is missing",
    )
    assert verdict.lines()[0] == "3 files changed since the run was published:"
    assert verdict.lines()[4] == "5 of 9 tables and findings files differ:"
    assert [r.run_id for r in project.reports.runs()] == [record.run_id], "nothing is published"
    assert project.reports.leftovers() == []

    project.add("20_b", "1 / 0")
    counts.write_text(counts.read_text().replace("5,5", "4,5"))
    (folder.tables("10_a") / "invented.csv").unlink()
    verdict = verify(project, record)
    assert verdict.differences == (
        "20_b did not run to its end again: ZeroDivisionError: division by zero",
    )
    assert not verdict.code_changed
    assert verdict.compared == 3


def test_the_verdict_in_words() -> None:
    same = verifying.Verdict(6, (), code_changed=True)
    assert same.lines() == ["All 6 tables and findings files are the same, byte for byte."]
    other = verifying.Verdict(6, ("x differs",), code_changed=True)
    assert other.lines() == [
        "1 of 6 tables and findings files differ:",
        "x differs",
        "The code is another than that of the run.",
    ]
    changed = verifying.Verdict(6, (), code_changed=False, edited=("y was changed",))
    assert changed.lines() == [
        "1 file changed since the run was published:",
        "y was changed",
        *same.lines(),
    ]
    assert (same.same, other.same, changed.same) == (True, False, False)


def recorded(project: Project) -> RunRecord:
    """Return the record of a run that is published by hand."""
    from tests.reporting.test_cache import publish

    project.journey.ingest()
    folder = publish(project.reports, "2026-11-19T060000Z")
    record = RunRecord.read(folder.run_json)
    params = project.request().params.model_dump(mode="json")
    record = replace(record, params=params, data={"fingerprint": "of before"})
    record.write(folder.run_json)
    return record


def test_other_data_cannot_verify_a_run(project: Project) -> None:
    record = recorded(project)
    project.journey.write("transactions", frames()["transactions"].head(2))
    with pytest.raises(DataError, match=r"the tables were of before then and are [0-9a-f]{16} now"):
        verify(project, record)
    assert project.reports.leftovers() == []


def test_a_run_without_results_cannot_be_verified(project: Project) -> None:
    record = recorded(project)
    failed = {name: replace(r, status="failed") for name, r in record.reports.items()}
    with pytest.raises(AnalysisError, match="Run 2026-11-19T060000Z has no results to verify"):
        verifying.request_of(replace(record, reports=failed), project.request())


def test_a_run_is_found_by_folder_by_name_and_by_study(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = recorded(project)
    folder = project.reports.run(record.run_id).path
    project.reports.latest.symlink_to(record.run_id)
    monkeypatch.chdir(project.root / "reports")
    for name in (str(folder), f"tiny/{record.run_id}", "tiny", "tiny/latest", "../reports/tiny"):
        assert verifying.find_run(name, root=project.root).path == folder
    assert verifying.find_run(record.run_id, root=project.root).path == folder
    shutil.copytree(folder, project.root / "reports" / "other" / record.run_id)
    with pytest.raises(AnalysisError, match=f"several runs .*: say other/{record.run_id} or tiny/"):
        verifying.find_run(record.run_id, root=project.root)
    with pytest.raises(AnalysisError, match="There is no run elsewhere; give its id"):
        verifying.find_run("elsewhere", root=project.root)


def test_params_survive_the_way_through_run_json(project: Project, tmp_path: Path) -> None:
    params = project.request("uncounted_departments=[FUEL]").params
    record = replace(recorded(project), params=params.model_dump(mode="json"))
    record.write(tmp_path / "run.json")
    assert verifying.params_of(RunRecord.read(tmp_path / "run.json")) == params
