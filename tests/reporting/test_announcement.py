"""Whole runs: their alerts and mail, what is told of nobody, and runs only of what is new."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from analysis.reporting.checking import run_diff
from analysis.reporting.execution.worker import Assignment
from analysis.reporting.notebook import frames
from analysis.reporting.notebook.findings import Finding, Findings
from analysis.reporting.runner import dispatch
from analysis.reporting.runner.run import run_if_changed
from analysis.reporting.site.index_page import write_overview
from analysis.reporting.store.layout import RunFolder
from analysis.reporting.store.run_record import Status
from tests.projects import Listener, Project
from tests.reporting.smtp_server import Server
from tests.tiny import Journey

PLANTED = ("planted@mail.example", "Petra Planted", "+49 170 5550123", "KUNDE-77")


class Written:
    """A worker that writes what a report would: findings, a table, and a list of customers.

    The value is the first comment of its notebook; ``1 / 0`` fails and quotes a row.
    """

    pid = -1
    cell = None

    def __init__(self, assignment: Assignment) -> None:
        self.assignment = assignment

    def ended(self) -> bool:
        return True

    def close(self) -> Status:
        report, folder = self.assignment.report, self.assignment.folder
        path = self.assignment.root / "notebooks" / f"{report}.ipynb"
        code = json.loads(path.read_text())["cells"][-1]["source"]
        status = Status(report, "done", seconds=0.1)
        folder.notebook(report).parent.mkdir(exist_ok=True)
        if "1 / 0" in code:
            status = Status(report, "failed", f"KeyError: {PLANTED}", "1 / 0", 0.1)
        else:
            folder.notebook(report).write_bytes(path.read_bytes())
            _write(folder, report, float(code.removeprefix("# ")))
        status.write(folder.status(report))
        return status


def _write(folder: RunFolder, report: str, value: float) -> None:
    ends = {"low": value - 1, "high": value + 1, "unit": "EUR"}
    items = (Finding("risk", "of margin is at risk", value, alert=value > 50, **ends),)  # type: ignore[arg-type]
    Findings(report, "Found", items).write(folder.findings(report))
    table = pd.DataFrame({"group": ["a", "b"], "net": [value, 2.0]})
    frames.save(table, folder.tables(report) / "groups")
    people = pd.DataFrame({"customer_id": [PLANTED[3]], "name": [PLANTED[1]], "net": [value]})
    frames.save(people, folder.lists(report) / "contacts")


@pytest.fixture
def project(journey: Journey, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setattr(dispatch, "Worker", Written)
    made = Project.ingested(journey)
    made.add("10_a", "# 60")
    return made


def alerts(project: Project) -> dict[str, object]:
    found: dict[str, object] = json.loads((project.reports.path / "alerts.json").read_text())
    return found


def test_a_run_writes_its_alerts_and_its_mail_and_seals_them(project: Project) -> None:
    record, _ = project.run("as_of=2017-12-05")
    folder = project.reports.run(record.run_id)
    assert {"alerts.json", "summary.eml"} <= set(record.files)
    assert alerts(project)["new"] == ["decision:10_a/risk"]
    assert b"Subject: Tiny shop: to decide" in folder.mail.read_bytes()
    project.run("as_of=2017-12-05")
    assert alerts(project)["new"] == [], "it was told with the first run"


def test_what_is_told_names_nobody(project: Project) -> None:
    project.add("20_b", "1 / 0")
    first, _ = project.run()
    project.add("10_a", "# 70")
    second, _ = project.run()
    folders = [project.reports.run(run.run_id) for run in (first, second)]
    told = [folder.mail.read_text() for folder in folders]
    told += [(project.reports.path / "alerts.json").read_text()]
    told += ["\n".join(run_diff.diff(*folders).lines())]
    assert "20_b failed" in told[0]
    for planted in PLANTED:
        assert [text for text in told if planted in text] == []
        assert planted in (folders[0].status("20_b").read_text()), "it was there to be quoted"


def test_the_mail_is_sent_and_what_did_not_arrive_is_new_again(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Server() as server:
        monkeypatch.setenv("ANALYSIS_SMTP_HOST", "127.0.0.1")
        monkeypatch.setenv("ANALYSIS_SMTP_PORT", str(server.port))
        monkeypatch.setenv("ANALYSIS_SMTP_SECURITY", "none")
        monkeypatch.setenv("ANALYSIS_MAIL_FROM", "reports@shop.example")
        record, listener = project.run()
        assert listener.noted == [
            "the mail was not sent: ANALYSIS_MAIL_TO must name an address, since "
            "ANALYSIS_SMTP_HOST names a server"
        ]
        assert record.failed == [], "the run is published all the same"
        monkeypatch.setenv("ANALYSIS_MAIL_TO", "anna@shop.example")
        _, listener = project.run()
    assert listener.noted == ["mailed to 1 of 1 addresses"]
    assert len(server.mails) == 1
    assert b"to decide" in server.mails[0], "it was not told before"
    assert [each["told"] for each in alerts(project)["active"]] != [""]  # type: ignore[union-attr, attr-defined]


def test_scheduler_is_told_by_exit_code_and_file(project: Project) -> None:
    assert project.command("alerts", "tiny").returncode == 0
    project.run("as_of=2017-12-05")
    found = project.command("alerts", "tiny")
    assert (found.returncode, found.stderr) == (5, "")
    assert found.stdout.startswith("new              to decide: € 60 of margin is at risk")


def test_nothing_new_does_nothing_and_says_so(project: Project) -> None:
    listener = Listener()
    assert run_if_changed(project.request(watched=True), listener) is not None
    runs = len(project.reports.runs())
    assert run_if_changed(project.request(watched=True), Listener()) is None
    assert len(project.reports.runs()) == runs
    project.add("10_a", "# 61")
    assert run_if_changed(project.request(watched=True), Listener()) is not None
    request = project.request("as_of=2017-12-31", watched=True)
    assert run_if_changed(request, Listener()) is not None, "a day has passed"
    said = project.command("run", "tiny", "--changed", "--set", "as_of=2017-12-31")
    assert (said.returncode, "Nothing is new since the last run" in said.stdout) == (0, True)


def test_that_nothing_comes_is_told_where_nothing_is_new(project: Project) -> None:
    project.run("as_of=2017-12-05")
    assert "late:data" not in alerts(project)["new"]  # type: ignore[operator]
    watched = project.request("as_of=2017-12-05", watched=True)
    assert run_if_changed(watched, Listener()) is None
    late = project.request("as_of=2017-12-09", watched=True)
    run_if_changed(late, Listener())
    assert alerts(project)["new"] == ["late:data"]


def test_only_what_was_asked_for_need_be_new(project: Project) -> None:
    project.add("20_b", "# 1")
    project.run(only=("10",))
    assert run_if_changed(project.request(only=("10",)), Listener()) is None
    assert run_if_changed(project.request(only=("20",)), Listener()) is not None


def test_two_runs_are_compared_by_findings_and_tables(project: Project) -> None:
    first, _ = project.run()
    project.add("10_a", "# 70")
    project.add("20_b", "# 1")
    second, _ = project.run()
    found = run_diff.diff(*(project.reports.run(run.run_id) for run in (first, second)))
    assert found.findings == (
        "10_a/risk: € 60 → € 70; ▲ 16.7 % since then",
        "20_b/risk: is new: € 1.00 of margin is at risk",
    )
    assert found.tables == (
        "lists/10_a/contacts: differs; it names customers and is not looked into",
        "lists/20_b/contacts: is new",
        "tables/10_a/groups: other values of net in 1 rows",
        "tables/20_b/groups: is new",
    )
    assert found.compared == (2, 4)
    same = project.command("diff", f"tiny/{second.run_id}", "tiny")
    assert (same.returncode, same.stdout.splitlines()[-2:]) == (
        0, ["0 of 2 findings differ:", "0 of 4 tables differ:"],
    )  # fmt: skip
    assert project.command("diff", first.run_id, second.run_id).returncode == 1


def test_the_overview_shows_each_headline_over_runs_and_what_changed(project: Project) -> None:
    for value, day in ((60, "2017-12-05"), (62, "2017-12-06"), (90, "2017-12-07")):
        project.add("10_a", f"# {value}")
        project.run(f"as_of={day}")
    write_overview(project.root / "reports")
    page = (project.root / "reports" / "index.html").read_text()
    assert page.count('class="trend"') == 1
    assert "▲ 45.2\u00a0% since last run" in page
    assert f"{project.reports.path.name}/" in page


def test_a_page_of_all_studies_survives_a_damaged_run(project: Project) -> None:
    record, _ = project.run()
    project.reports.run(record.run_id).findings("10_a").write_text("{")
    write_overview(project.root / "reports")
    assert "cannot be read" in (project.root / "reports" / "index.html").read_text()


def test_the_mail_of_a_run_is_not_held_up_by_its_own_fault(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError("no mail")

    monkeypatch.setattr("analysis.reporting.mail.edition.edition", broken)
    record, listener = project.run()
    assert record.failed == []
    assert listener.noted == ["The run is published without alerts or mail: ValueError('no mail')"]
    assert isinstance(project.reports.path, Path)
