"""Whole runs: order, reuse, what is published, what run.json says."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import duckdb
import pandas as pd
import pytest

from analysis.errors import DataError, ParamsError
from analysis.reporting.execution.worker import Assignment
from analysis.reporting.runner import dispatch
from analysis.reporting.store.run_record import RunRecord, Status
from tests.projects import Project
from tests.tiny import Journey, frames

READS = """\
from analysis.reporting import open_report

report = open_report("{0}", study=study, as_of=as_of, seed=seed)
report.save(report.need("{1}").assign(more=1), "{2}")"""


class Pretended:
    """A worker that executes nothing: a cell ``1 / 0`` fails, anything else is done."""

    pid = -1
    cell = None

    def __init__(self, assignment: Assignment) -> None:
        self.assignment = assignment

    def ended(self) -> bool:
        return True

    def close(self) -> Status:
        report, folder = self.assignment.report, self.assignment.folder
        source = self.assignment.root / "notebooks" / f"{report}.ipynb"
        if "1 / 0" in source.read_text():
            status = Status(report, "failed", "ZeroDivisionError: division by zero", "1 / 0", 0.1)
        else:
            folder.notebook(report).parent.mkdir(exist_ok=True)
            folder.notebook(report).write_bytes(source.read_bytes())
            status = Status(report, "done", seconds=0.1)
        status.write(folder.status(report))
        return status


@pytest.fixture
def project(journey: Journey) -> Project:
    return Project.ingested(journey)


@pytest.fixture
def quick(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with one report, whose notebooks are not really executed."""
    monkeypatch.setattr(dispatch, "Worker", Pretended)
    project.add("10_a", "x = seed")
    return project


def statuses(record: RunRecord) -> dict[str, str]:
    return {name: report.status for name, report in record.reports.items()}


def test_a_run_is_published_with_everything_it_says(journey: Journey) -> None:
    project = Project(journey)
    project.add("10_a")
    record, listener = project.run("seed=5")
    folder = project.reports.run(record.run_id)

    assert record.run_id == "2026-11-21T060000Z"
    assert RunRecord.read(folder.run_json) == record
    assert (record.started, record.seconds > 0) == (datetime(2026, 11, 21, 6, tzinfo=UTC), True)
    assert (record.study, record.title, record.as_of, record.seed) == (
        *("tiny", "Tiny shop", "2018-01-01", 5),
    )
    assert record.params["engine"]["memory"] == "4GB", "defaults are filled in"
    assert record.data["rows"]["order_lines"] == 4
    assert {"pandas", "papermill", "duckdb"} <= set(record.packages)
    assert "pytest" not in record.packages
    assert len(record.code["sources"]) == 16
    report = record.reports["10_a"]
    assert (report.status, report.cells, report.reused_from) == ("done", 2, None)
    assert report.parameters == {"study": "tiny", "as_of": "2018-01-01", "seed": 5}
    assert set(report.tables) == {"counts.csv", "counts.parquet"}
    assert report.peak_memory_mb > 50
    assert listener.ingests == 1

    assert (folder.tables("10_a") / "counts.csv").read_text() == "lines,seed\n4,5\n"
    assert "A few lines" in folder.page("10_a").read_text()
    assert project.reports.latest.resolve() == folder.path
    assert not project.reports.latest.readlink().is_absolute()
    overview = (project.root / "reports" / "index.html").read_text()
    assert f"tiny/{record.run_id}/index.html" in overview
    assert project.reports.leftovers() == []


THREADS = """\
import pandas as pd
from analysis.reporting import open_report

report = open_report("{0}", study=study, as_of=as_of, seed=seed)
asked = report.tables.connection.raw_sql("select current_setting('threads')").fetchone()
report.save(pd.DataFrame({{"threads": [asked[0]]}}), "threads")"""


@pytest.mark.parametrize(
    ("said", "jobs", "threads"), [((), 2, 3), (("engine.threads=5",), 2, 5), ((), 1, None)]
)
def test_reports_side_by_side_share_the_cores(
    said: tuple[str, ...], jobs: int, threads: int | None, project: Project,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Each engine would else take every core, and twice as many threads as cores cost time."""
    every = duckdb.sql("select current_setting('threads')").fetchone()
    monkeypatch.setattr(dispatch.os, "cpu_count", lambda: 6)
    for report in ("10_a", "20_b"):
        project.add(report, THREADS.format(report))
    record, _ = project.run(*said, jobs=jobs)
    folder = project.reports.run(record.run_id)
    found = {pd.read_parquet(folder.tables(r) / "threads.parquet")["threads"][0]
             for r in record.reports}  # fmt: skip
    assert found == {threads or every[0]}


def test_reports_run_after_what_they_need_and_read_its_tables(project: Project) -> None:
    project.add("30_first")
    project.add("20_then", READS.format("20_then", "30_first/counts", "more"),
                needs=["30_first/counts"])  # fmt: skip
    project.add("10_last", READS.format("10_last", "20_then/more", "most"), needs=["20_then/more"])
    record, listener = project.run()
    assert statuses(record) == {"10_last": "done", "20_then": "done", "30_first": "done"}
    assert listener.started == ["30_first", "20_then", "10_last"]
    tables = project.reports.run(record.run_id).tables("10_last")
    assert (tables / "most.csv").read_text() == "lines,seed,more\n4,1,1\n"


def test_what_needs_a_failed_report_fails_and_the_rest_runs(quick: Project) -> None:
    project = quick
    project.add("10_a", "1 / 0")
    project.add("20_b", "1", needs=["10_a/x"])
    project.add("30_c", "1", needs=["20_b/x"])
    project.add("40_d", "1", requires=["points"])
    project.add("50_e", "1", needs=["40_d/x"])
    project.add("60_f", "1")
    record, listener = project.run()
    assert {name: (r.status, r.reason) for name, r in record.reports.items()} == {
        "10_a": ("failed", "ZeroDivisionError: division by zero"),
        "20_b": ("failed", "It needs 10_a, which failed: ZeroDivisionError: division by zero"),
        "30_c": ("failed", "It needs 20_b, which failed: It needs 10_a, which failed: "
                 "ZeroDivisionError: division by zero"),
        "40_d": ("not_applicable", "This study has no points table."),
        "50_e": ("not_applicable", "It needs 40_d, which is not applicable: This study has no "
                 "points table."),
        "60_f": ("done", ""),
    }  # fmt: skip
    assert sorted(listener.started) == ["10_a", "60_f"]
    assert record.failed == ["10_a", "20_b", "30_c"]


WANTS = """\
from analysis.reporting import open_report

report = open_report("{0}", study=study, as_of=as_of, seed=seed)
found = report.want("{1}")
report.title(f"{{len(found)}} rows. {{getattr(found, 'reason', '')}}")"""


def test_a_report_does_without_what_another_could_not_make(project: Project) -> None:
    project.add("10_a", "1 / 0")
    project.add("20_b", WANTS.format("20_b", "10_a/counts"), needs=["10_a/counts?"])
    project.add("30_c", WANTS.format("30_c", "99_z/x"), needs=["99_z/x?"])
    project.add("40_d")
    project.add("50_e", WANTS.format("50_e", "40_d/counts"), needs=["40_d/counts?"])
    record, listener = project.run()
    assert record.failed == ["10_a"]
    assert listener.started.index("40_d") < listener.started.index("50_e")
    titles = {
        name: json.loads(project.reports.run(record.run_id).findings(name).read_text())["title"]
        for name in ("20_b", "30_c", "50_e")
    }
    assert titles == {
        "20_b": "0 rows. Report 10_a has made no table counts for this study.",
        "30_c": "0 rows. Report 99_z has made no table x for this study.",
        "50_e": "1 rows. ",
    }


def test_a_report_runs_without_what_it_can_do_without(quick: Project) -> None:
    project = quick
    project.add("10_a", "1 / 0")
    project.add("20_b", "1", needs=["10_a/x?"])
    project.add("30_c", "1", requires=["points"])
    project.add("40_d", "1", needs=["30_c/x?", "20_b/y?"])
    project.add("00_all", "1", needs=["*"])
    record, listener = project.run()
    assert statuses(record) == {
        "00_all": "done", "10_a": "failed", "20_b": "done", "30_c": "not_applicable",
        "40_d": "done",
    }  # fmt: skip
    assert listener.started[-1] == "00_all"
    again, listener = project.run()
    assert statuses(again)["00_all"] == "cached", "nothing that it reads has changed"
    written = project.root / "decisions" / "tiny.yaml"
    written.parent.mkdir()
    written.write_text("decided: []")
    noted, _ = project.run()
    assert statuses(noted)["00_all"] == "done", "somebody wrote down a decision"
    project.add("10_a", "1")
    mended, _ = project.run()
    assert statuses(mended)["00_all"] == "done", "a report that it reads has"


def test_equal_inputs_are_not_run_again(project: Project) -> None:
    project.add("10_a")
    project.add("20_b", READS.format("20_b", "10_a/counts", "more"), needs=["10_a/counts"])
    first, _ = project.run()
    second, listener = project.run()
    third, _ = project.run()
    assert listener.started == []
    assert listener.ingests == 0
    assert statuses(second) == statuses(third) == {"10_a": "cached", "20_b": "cached"}
    assert second.reports["10_a"].reused_from == first.run_id
    assert third.reports["10_a"].reused_from == first.run_id, "the run that computed it"
    assert second.reports["10_a"].seconds == first.reports["10_a"].seconds
    old, new = (project.reports.run(record.run_id) for record in (first, third))
    for name in ("tables/10_a/counts.parquet", "findings/10_a.json", "notebooks/10_a.ipynb"):
        assert (old.path / name).read_bytes() == (new.path / name).read_bytes()
    assert Status.read(new.status("10_a")).status == "cached"
    assert new.page("10_a").is_file()


def test_reuse_can_be_refused(quick: Project) -> None:
    quick.run()
    record, listener = quick.run(reuse=False)
    assert statuses(record) == {"10_a": "done"}
    assert listener.started == ["10_a"]


def test_other_params_other_data_and_other_code_run_again(quick: Project) -> None:
    quick.run()
    assert statuses(quick.run()[0]) == {"10_a": "cached"}
    assert statuses(quick.run("seed=99")[0]) == {"10_a": "done"}
    assert statuses(quick.run("margins.default=0.3")[0]) == {"10_a": "done"}
    assert statuses(quick.run()[0]) == {"10_a": "cached"}, "the first run is looked back to"
    quick.journey.write("transactions", frames()["transactions"].assign(sales_value=1.0))
    assert statuses(quick.run()[0]) == {"10_a": "done"}
    quick.add("10_a", "x = seed + 1")
    assert statuses(quick.run()[0]) == {"10_a": "done"}


def test_only_runs_what_it_names_and_reuses_the_rest_if_it_is_the_same(quick: Project) -> None:
    quick.add("20_b", "x = 2")
    first, _ = quick.run(only=("10",))
    assert statuses(first) == {"10_a": "done", "20_b": "left_out"}
    assert first.only == ["10"]
    quick.run()
    quick.add("10_a", "x = 3")
    third, listener = quick.run(only=("10",))
    assert statuses(third) == {"10_a": "done", "20_b": "cached"}
    assert listener.started == ["10_a"]


def test_a_failed_report_keeps_its_last_good_run_reachable(quick: Project) -> None:
    project = quick
    project.add("20_b", "1")
    first, _ = project.run()
    project.add("10_a", "1 / 0")
    second, _ = project.run()
    assert statuses(second) == {"10_a": "failed", "20_b": "cached"}
    folder = project.reports.run(second.run_id)
    index = folder.index.read_text()
    assert "ZeroDivisionError: division by zero" in index
    assert f"../{first.run_id}/10_a.html" in index
    assert project.reports.run(first.run_id).page("10_a").is_file()
    assert project.reports.latest.resolve() == folder.path


def test_a_page_that_cannot_be_made_fails_its_report_alone(project: Project) -> None:
    picture = (
        "from IPython.display import display\n"
        "display({'image/png': 'aGFsbG8=', 'text/plain': 'a picture'}, raw=True)"
    )
    project.add("10_a", picture)
    project.add("20_b", "1")
    record, listener = project.run()
    assert statuses(record) == {"10_a": "failed", "20_b": "done"}
    assert "alt text" in record.reports["10_a"].reason
    assert listener.ended["10_a"].status == "failed"
    folder = project.reports.run(record.run_id)
    assert not folder.notebook("10_a").exists()
    assert RunRecord.read(folder.run_json).failed == ["10_a"]


def test_what_dead_runs_left_is_removed(quick: Project) -> None:
    left = quick.reports.staging("2026-01-01T000000Z")
    (left.path / "tables").mkdir(parents=True)
    quick.run()
    assert not left.path.exists()


def test_a_wrong_plan_starts_nothing(quick: Project) -> None:
    quick.add("20_b", "1", needs=["99_z/x"])
    with pytest.raises(ParamsError, match=r"20_b\.ipynb needs '99_z/x'"):
        quick.run()
    assert not quick.reports.path.exists()


def test_refused_data_publish_nothing(quick: Project) -> None:
    quick.run()
    before = quick.reports.latest.resolve()
    quick.journey.path("transactions").write_bytes(b"PAR1")
    with pytest.raises(DataError):
        quick.run()
    assert quick.reports.latest.resolve() == before
    assert len(quick.reports.runs()) == 1
    assert quick.reports.leftovers() == []
