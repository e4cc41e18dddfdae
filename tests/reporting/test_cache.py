"""What the results of a report depend on, and which earlier results may stand for them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from analysis.reporting.runner import cache
from analysis.reporting.runner.run_plan import Planned
from analysis.reporting.store.layout import RunFolder, StudyReports
from analysis.reporting.store.run_record import ReportRecord, RunRecord, Status

INPUTS = cache.Inputs({"margins": 0.25}, data="d1", code="c1", lock="l1", python="3.11.7")


@pytest.fixture
def planned(tmp_path: Path) -> Planned:
    path = tmp_path / "10_a.ipynb"
    path.write_text("{}")
    return Planned("10_a", path, "A", "How?", needs=("20_b/x",))


def key(planned: Planned, folder: Path, seed: int = 1, inputs: cache.Inputs = INPUTS) -> str:
    return cache.fingerprint(planned, {"seed": seed}, inputs, folder=RunFolder(folder))


def test_equal_inputs_have_equal_fingerprints(planned: Planned, tmp_path: Path) -> None:
    assert key(planned, tmp_path) == key(planned, tmp_path / "another place")


@pytest.mark.parametrize(
    "inputs",
    [
        replace(INPUTS, params={"margins": 0.3}),
        replace(INPUTS, data="d2"),
        replace(INPUTS, code="c2"),
        replace(INPUTS, lock="l2"),
        replace(INPUTS, python="3.12.1"),
    ],
)
def test_every_shared_input_counts(planned: Planned, tmp_path: Path, inputs: cache.Inputs) -> None:
    assert key(planned, tmp_path, inputs=inputs) != key(planned, tmp_path)


def test_the_parameters_and_the_notebook_count(planned: Planned, tmp_path: Path) -> None:
    before = key(planned, tmp_path)
    assert key(planned, tmp_path, seed=2) != before
    planned.path.write_text("{ }")
    assert key(planned, tmp_path) != before


def test_the_tables_of_needed_reports_count(planned: Planned, tmp_path: Path) -> None:
    before = key(planned, tmp_path)
    table = RunFolder(tmp_path).tables("20_b") / "x.parquet"
    table.parent.mkdir(parents=True)
    table.write_bytes(b"1")
    one = key(planned, tmp_path)
    table.write_bytes(b"2")
    assert len({before, one, key(planned, tmp_path)}) == 3


def test_sections_of_other_reports_do_not_count(tmp_path: Path) -> None:
    params = {"seed": 1, "reports": {"01_profiling": {"top": 3}}}
    gathered = cache.Inputs.gather(params, data="d", root=tmp_path)
    assert gathered.params == {"seed": 1}
    assert len(gathered.code) == 16
    assert gathered.lock == ""


def test_the_lock_file_counts(tmp_path: Path) -> None:
    (tmp_path / "requirements.lock").write_text("pandas==3.0")
    first = cache.Inputs.gather({}, data="d", root=tmp_path).lock
    (tmp_path / "requirements.lock").write_text("pandas==3.1")
    assert first not in ("", cache.Inputs.gather({}, data="d", root=tmp_path).lock)


def publish(reports: StudyReports, run_id: str, **fields: object) -> RunFolder:
    """Publish a run with one report that has a table, a notebook and findings."""
    folder = reports.run(run_id)
    folder.tables("10_a").mkdir(parents=True)
    (folder.tables("10_a") / "x.csv").write_text(f"a\n{run_id}\n")
    for path in (folder.notebook("10_a"), folder.findings("10_a")):
        path.parent.mkdir()
        path.write_text(run_id)
    Status("10_a", "done").write(folder.status("10_a"))
    files = cache.digests(folder, "10_a")
    about = {"status": "done", "fingerprint": "f", "files": files, **fields}
    report = ReportRecord("A", "How?", **about)  # type: ignore[arg-type]
    moment = datetime(2026, 11, 21, tzinfo=UTC)
    RunRecord(
        *("tiny", "Tiny", run_id, moment, moment, {}, "2018-01-01", 1),
        *({}, {}, "3.11", {}, [], {"10_a": report}),
    ).write(folder.run_json)
    return folder


@pytest.fixture
def reports(tmp_path: Path) -> StudyReports:
    made = StudyReports.of("tiny", root=tmp_path)
    publish(made, "2026-11-19T060000Z")
    publish(made, "2026-11-20T060000Z", reused_from="2026-11-19T060000Z", status="cached")
    return made


def test_the_newest_equal_results_are_found(reports: StudyReports) -> None:
    found = cache.find("f", "10_a", reports=reports)
    assert found is not None
    assert found.folder.run_id == "2026-11-20T060000Z"
    assert found.run_id == "2026-11-19T060000Z", "the run that computed them"
    assert cache.find("g", "10_a", reports=reports) is None
    assert cache.find("f", "20_b", reports=reports) is None


def test_they_are_copied_whole(reports: StudyReports, tmp_path: Path) -> None:
    found = cache.find("f", "10_a", reports=reports)
    assert found is not None
    target = RunFolder(tmp_path / "new")
    cache.reuse(found, "10_a", folder=target)
    assert {
        name: digest
        for name, digest in cache.digests(target, "10_a").items()
        if not name.startswith("status/")
    } == {k: v for k, v in found.record.files.items() if not k.startswith("status/")}
    for path in (target.notebook("10_a"), target.findings("10_a")):
        assert path.read_text() == "2026-11-20T060000Z"


def change_a_table(folder: RunFolder) -> None:
    (folder.tables("10_a") / "x.csv").write_text("a\n0\n")


def add_a_table(folder: RunFolder) -> None:
    (folder.tables("10_a") / "y.csv").write_text("a\n0\n")


def lose_a_table(folder: RunFolder) -> None:
    (folder.tables("10_a") / "x.csv").unlink()


def lose_the_notebook(folder: RunFolder) -> None:
    folder.notebook("10_a").unlink()


def write_another_record(folder: RunFolder) -> None:
    folder.run_json.write_text(json.dumps({"study": "tiny", "format": "of another version"}))


def fail(folder: RunFolder) -> None:
    record = json.loads(folder.run_json.read_text())
    record["reports"]["10_a"]["status"] = "failed"
    folder.run_json.write_text(json.dumps(record))


@pytest.mark.parametrize(
    "damage",
    [
        change_a_table,
        add_a_table,
        lose_a_table,
        lose_the_notebook,
        write_another_record,
        fail,
    ],
)
def test_damaged_results_are_passed_over(
    reports: StudyReports, damage: Callable[[RunFolder], None]
) -> None:
    damage(reports.run("2026-11-20T060000Z"))
    found = cache.find("f", "10_a", reports=reports)
    assert found is not None
    assert found.folder.run_id == "2026-11-19T060000Z"
