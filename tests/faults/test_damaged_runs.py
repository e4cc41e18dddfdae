"""What an earlier run left damaged, or a wrong clock, does not end a later run."""

from __future__ import annotations

import json
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.reporting.runner import dispatch
from analysis.reporting.site import history, index_page
from analysis.reporting.store.layout import RunFolder, StudyReports
from analysis.reporting.store.run_record import RunRecord
from tests.faults.test_evidence import Reported
from tests.projects import Listener, Project
from tests.reporting.test_history import at, run
from tests.tiny import Journey

DEEP = '{"a":' * 5_000


@pytest.fixture
def project(journey: Journey, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with one report, whose notebooks are not really executed, and one good run."""
    monkeypatch.setattr(dispatch, "Worker", Reported)
    made = Project.ingested(journey)
    made.add("10_a", "x = seed")
    made.run()
    return made


def newest(project: Project) -> RunFolder:
    return project.reports.runs()[0]


def damaged(path: Path, how: str) -> None:
    """Damage a file: give it another content, or put a folder in its place."""
    if how == "a folder":
        path.unlink()
        path.mkdir()
    else:
        path.write_bytes(how.encode("latin-1"))


def a_run_is_published(project: Project) -> tuple[RunRecord, Listener]:
    """Run the study, see that all is in place and return the run."""
    # Another day, not another seed, for which the tables would be made again.
    record, listener = project.run("as_of=2017-12-31")
    folder = project.reports.run(record.run_id)
    assert record.reports["10_a"].status == "done"
    assert project.reports.latest.is_symlink()
    assert project.reports.latest.resolve() == folder.path
    overview = (project.root / "reports" / "index.html").read_text("utf-8")
    assert f"tiny/{record.run_id}/index.html" in overview
    return record, listener


CONTENTS = ["", "{", "[]", "null", "\xff\xfe", '{"reports": []}', DEEP, "a folder"]


@pytest.mark.parametrize("content", CONTENTS)
def test_a_damaged_record_of_a_run_is_left_out_and_said(project: Project, content: str) -> None:
    path = newest(project).run_json
    damaged(path, content)
    _, listener = a_run_is_published(project)
    (said,) = listener.noted
    assert said.startswith(f"{path} is not the record of a run (")
    assert said.endswith("); the run is left out of the history")
    assert "\n" not in said
    overview = (project.root / "reports" / "index.html").read_text("utf-8")
    assert "is not the record of a run" in overview


@pytest.mark.parametrize("content", ["{", "null", "a folder"])
@pytest.mark.parametrize(("kind", "what"), [("status", "the status"), ("findings", "the findings")])
def test_a_damaged_file_of_a_report_is_left_out_and_said(
    project: Project, content: str, kind: str, what: str
) -> None:
    path = newest(project).path / kind / "10_a.json"
    damaged(path, content)
    _, listener = a_run_is_published(project)
    (said,) = listener.noted
    assert said.startswith(f"{path} is not {what} of a report (")
    assert said.endswith("); this report of the run is left out of the history")


def test_findings_without_sense_are_damage_too(project: Project) -> None:
    path = newest(project).findings("10_a")
    content = json.loads(path.read_text())
    content["findings"][0] |= {"value": None, "detail": None}
    path.write_text(json.dumps(content))
    _, listener = a_run_is_published(project)
    assert "Finding 'k': has no value and no detail that says why" in listener.noted[0]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(value=JSON, which=st.integers(0, 10**6), remove=st.booleans())
def test_any_value_anywhere_in_a_record_is_read_or_refused_in_a_sentence(
    value: object, which: int, remove: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder) / "demo"
        run(study, at(1), groups=10)
        path = study / f"{at(1):%Y-%m-%dT%H%M%SZ}" / "run.json"
        content = json.loads(path.read_text())
        holder, key = _places(content)[which % len(_places(content))]
        holder.pop(key) if remove else holder.update({key: value})
        path.write_text(json.dumps(content))
        index_page.write_overview(Path(folder))
        said = list(history.damage(StudyReports(study).runs()))
        assert all("\n" not in sentence for sentence in said)
        assert len(said) <= 1


def _places(content: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """Return every mapping of a JSON document with each of its keys."""
    inner = [value for value in content.values() if isinstance(value, dict)]
    return [(content, key) for key in content] + [p for each in inner for p in _places(each)]


@pytest.mark.parametrize("name", ["latest", ".lock", "index.html"])
def test_a_folder_in_the_place_of_a_file_or_a_link_is_set_aside(
    project: Project, name: str
) -> None:
    home = project.root / "reports" if name == "index.html" else project.reports.path
    path = home / name
    kept = newest(project).path
    path.unlink()
    shutil.copytree(kept, path)  # as a copy that follows links makes it
    _, listener = a_run_is_published(project)
    if name != ".lock":
        where = f"{path} was a folder where none belongs; it was set aside as .aside-1-{name}"
        assert listener.noted == [where]
    assert (home / f".aside-1-{name}" / "run.json").is_file()
    assert len(project.reports.runs()) == 2, "what was set aside is no run"


@pytest.mark.parametrize("name", ["latest", "index.html"])
def test_a_file_or_a_dead_link_there_is_replaced(project: Project, name: str) -> None:
    home = project.root / "reports" if name == "index.html" else project.reports.path
    path = home / name
    path.unlink()
    path.write_text("something else")
    a_run_is_published(project)
    path.unlink()
    path.symlink_to("nowhere")
    project.run("as_of=2017-12-30")
    assert project.reports.latest.resolve() == newest(project).path


@pytest.mark.parametrize("name", [".staging-2020", ".removed-2020"])
@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_whatever_a_dead_run_left_goes(project: Project, name: str, kind: str) -> None:
    left = project.reports.path / name
    elsewhere = project.root / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").write_text("x")
    {
        "file": lambda: left.write_text("x"),
        "folder": lambda: left.mkdir(),
        "link": lambda: left.symlink_to(elsewhere),
    }[kind]()
    a_run_is_published(project)
    assert not left.exists()
    assert not left.is_symlink()
    assert (elsewhere / "precious").read_text() == "x"


def test_a_wrong_clock_in_an_earlier_run_costs_no_later_one(project: Project) -> None:
    wrong = Project(project.journey, clock=lambda: datetime(2099, 1, 1, tzinfo=UTC))
    ahead, _ = wrong.run("seed=2")
    assert ahead.number == 2
    record, listener = project.run("seed=3", "keep=1")
    assert record.number == 3
    assert record.run_id < ahead.run_id
    assert newest(project).run_id == record.run_id
    assert project.reports.latest.resolve().name == record.run_id
    assert listener.noted == []
    page = (newest(project).path / "index.html").read_text("utf-8")
    assert "since last run" in page, "compared with the run before, not with that of its clock"


def test_runs_that_cannot_be_told_apart_by_age_are_all_kept(project: Project) -> None:
    one = newest(project).path
    for name in ("2026-11-21T060000Z-copy", "2026-11-21T060000Z-other"):
        shutil.copytree(one, project.reports.path / name)
    before = [run.run_id for run in project.reports.runs()]
    assert len(before) == 3
    record, _ = project.run("as_of=2017-12-30", "keep=2")
    assert {run.run_id for run in project.reports.runs()} == {record.run_id, *before}
    later = Project(project.journey, clock=_later())
    last, _ = later.run("as_of=2017-12-29", "keep=1")
    assert [run.run_id for run in project.reports.runs()][:1] == [last.run_id]


def _later() -> object:
    moments = iter(datetime(2026, 11, 22, tzinfo=UTC) + timedelta(seconds=n) for n in range(99))
    return lambda: next(moments)
