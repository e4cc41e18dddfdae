"""Evidence that was edited after it was published is named by verify and never published again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from analysis.reporting.checking import verify as verifying
from analysis.reporting.notebook import frames
from analysis.reporting.notebook.findings import Finding, Findings
from analysis.reporting.runner import dispatch
from analysis.reporting.store.layout import RunFolder
from analysis.reporting.store.run_record import RunRecord, Status
from tests.projects import Listener, Project
from tests.reporting.test_run import Pretended
from tests.tiny import Journey


class Reported(Pretended):
    """A worker that executes nothing, and leaves every kind of file that a report may have."""

    def close(self) -> Status:
        report, folder = self.assignment.report, self.assignment.folder
        table = pd.DataFrame({"a": [1.5]})
        frames.save(table, folder.tables(report) / "sums")
        frames.save(table.assign(customer_id=["7"]), folder.lists(report) / "people")
        Findings(report, "t", (Finding("k", "s", 1.0),)).write(folder.findings(report))
        return super().close()


@pytest.fixture
def published(journey: Journey, monkeypatch: pytest.MonkeyPatch) -> tuple[Project, RunFolder]:
    """A project with one published run of one report."""
    monkeypatch.setattr(dispatch, "Worker", Reported)
    project = Project.ingested(journey)
    project.add("10_a", "x = seed")
    record, _ = project.run()
    return project, project.reports.run(record.run_id)


def verify(project: Project, folder: RunFolder) -> verifying.Verdict:
    params = verifying.params_of(RunRecord.read(folder.run_json))
    return verifying.verify(folder, replace(project.request(), params=params), Listener())


def flip_a_byte(path: Path) -> None:
    """Change one byte of a file, in place, so that JSON stays JSON."""
    content = bytearray(path.read_bytes())
    digits = [n for n, byte in enumerate(content) if chr(byte) in "012345678"]
    content[digits[-1]] += 1
    path.write_bytes(bytes(content))


def another_parquet(path: Path) -> None:
    pd.DataFrame({"a": [2.5]}).to_parquet(path)


#: Each kind of file of a run: its path, and how it is edited.
EDITS: dict[str, Callable[[Path], None]] = {
    "notebooks/10_a.ipynb": flip_a_byte,
    "10_a.html": flip_a_byte,
    "findings/10_a.json": flip_a_byte,
    "status/10_a.json": flip_a_byte,
    "tables/10_a/sums.csv": flip_a_byte,
    "tables/10_a/sums.parquet": another_parquet,
    "lists/10_a/people.csv": flip_a_byte,
    "lists/10_a/people.parquet": another_parquet,
    "index.html": flip_a_byte,
    "params.json": flip_a_byte,
}

SINCE = "was changed since the run was published"


def test_an_untouched_run_is_taken_from_the_cache_and_verified(
    published: tuple[Project, RunFolder],
) -> None:
    project, folder = published
    assert set(RunRecord.read(folder.run_json).reports["10_a"].files) == set(EDITS) - {
        "index.html",
        "params.json",
    }
    verdict = verify(project, folder)
    assert verdict.same
    assert verdict.lines() == ["All 5 tables and findings files are the same, byte for byte."]
    record, _ = project.run()
    assert record.reports["10_a"].status == "cached"
    copied = project.reports.run(record.run_id)
    assert (copied.lists("10_a") / "people.csv").is_file()
    assert list(verifying.edited(copied, record)) == []


@pytest.mark.parametrize("name", EDITS)
def test_each_edited_file_is_named_and_not_published_again(
    published: tuple[Project, RunFolder], name: str
) -> None:
    project, folder = published
    EDITS[name](folder.path / name)
    verdict = verify(project, folder)
    assert verdict.edited == (f"{name} {SINCE}",)
    assert verdict.lines()[:2] == [
        "1 file changed since the run was published:",
        f"{name} {SINCE}",
    ]
    assert not verdict.same
    if "10_a" in name:
        record, _ = project.run()
        assert record.reports["10_a"].status == "done", "computed anew"
        again = project.reports.run(record.run_id)
        assert list(verifying.edited(again, record)) == []


def test_an_edited_record_is_named_and_nothing_is_taken_from_it(
    published: tuple[Project, RunFolder],
) -> None:
    project, folder = published
    text = folder.run_json.read_text()
    folder.run_json.write_text(text.replace('"question": "How much?"', '"question": "How many?"'))
    assert verify(project, folder).edited == ("run.json was changed since it was written",)
    record, _ = project.run()
    assert record.reports["10_a"].status == "done"


def test_a_file_that_was_lost_or_added_is_named(published: tuple[Project, RunFolder]) -> None:
    project, folder = published
    (folder.tables("10_a") / "sums.csv").unlink()
    (folder.tables("10_a") / "more.csv").write_text("a\n1\n")
    assert verify(project, folder).edited == (
        "tables/10_a/more.csv was not in the run",
        "tables/10_a/sums.csv is missing",
    )
    record, _ = project.run()
    assert record.reports["10_a"].status == "done"
