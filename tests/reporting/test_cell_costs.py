"""What a run says of its own cost, against cells whose cost is known."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from analysis.reporting.execution.cell_costs import COLUMNS, label, read_analyses
from analysis.reporting.execution.kernel import descendants
from analysis.reporting.store.run_record import Cost, ReportRecord
from tests.projects import REPORT, Project, wait_for
from tests.tiny import Journey

#: Uses a processor for a time that it counts itself, so that a slow machine takes longer for it.
BURN = """\
# A comment says nothing of what a cell does.
spent = __import__("time").process_time
until = spent() + {seconds}
while spent() < until: pass"""

#: The same in a process of its own, which has ended when the cell ends.
CHILD = """\
import subprocess, sys
done = subprocess.run([sys.executable, "-c", {burn!r}], check=True)"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project.ingested(Journey.create(tmp_path_factory.mktemp("costs")))
    burns = BURN.format(seconds=1.0)
    cells = (REPORT, burns, "import time; time.sleep(1.5)", CHILD.format(burn=burns))
    project.add("10_a", *cells, "from analysis import quality\nquality.reconcile(report.tables)")
    return project


@pytest.fixture(scope="module")
def ran(project: Project) -> ReportRecord:
    return project.run(profile=True)[0].reports["10_a"]


def test_processor_seconds_are_those_that_a_cell_used(ran: ReportRecord) -> None:
    _, _, burned, slept, child, *_ = ran.costs
    assert burned.cpu_seconds >= 0.95
    assert child.cpu_seconds >= 0.95, "what it started counts, ended or not"
    assert slept.cpu_seconds < 0.5
    assert slept.seconds >= 1.5
    assert all(cost.seconds >= 0.9 for cost in (burned, child))


def test_what_was_started_is_found_as_psutil_finds_it() -> None:
    """A child of another thread and its own child, by both ways."""
    code = "import subprocess, sys; subprocess.run(['sleep', '99'])"
    with ThreadPoolExecutor(1) as thread:
        child = thread.submit(subprocess.Popen, [sys.executable, "-S", "-c", code]).result()
        try:
            started = psutil.Process(child.pid)
            grandchild = wait_for(lambda: started.children())[0]
            every = {process.pid for process in psutil.Process().children(recursive=True)}
            assert {child.pid, grandchild.pid} <= set(descendants()) == every
        finally:
            for process in (*started.children(), child):
                process.kill()
            child.wait()


def test_the_parts_are_no_more_than_the_whole(ran: ReportRecord) -> None:
    assert sum(cost.cpu_seconds for cost in ran.costs) <= ran.cpu_seconds + 0.1
    assert sum(cost.seconds for cost in ran.costs) <= ran.seconds
    assert len(ran.costs) == ran.cells


def test_an_analysis_is_named_as_the_notebook_calls_it(ran: ReportRecord) -> None:
    assert [cost.name for cost in ran.analyses] == ["quality.reconcile"]
    assert 0 < ran.analyses[0].seconds < ran.seconds


def test_a_cell_is_named_by_its_first_line_that_does_something(ran: ReportRecord) -> None:
    assert ran.costs[2].name == 'spent = __import__("time").process_time'
    assert label("# only\n\n# comments") == ""


def test_the_record_and_the_page_say_it(project: Project, ran: ReportRecord) -> None:
    folder = project.reports.runs()[0]
    written = json.loads(folder.run_json.read_text())["reports"]["10_a"]
    assert [tuple(cost.values()) for cost in written["costs"]] == [
        (cost.name, cost.seconds, cost.cpu_seconds) for cost in ran.costs
    ]
    page = folder.page("10_a").read_text()
    assert 'id="time"' in page
    assert "<code>quality.reconcile</code>" in page


def test_the_profile_names_the_slowest_functions(project: Project, ran: ReportRecord) -> None:
    with project.reports.runs()[0].profile("10_a").open(newline="") as file:
        head, *rows = csv.reader(file)
    assert tuple(head) == COLUMNS
    own = [float(row[4]) for row in rows]
    assert own == sorted(own, reverse=True)
    assert any("process_time" in row[0] and float(row[4]) >= 0.3 for row in rows)
    assert not any("time.sleep" in row[0] and float(row[4]) >= 0.3 for row in rows), "slept"
    assert not any(row[1].startswith("/") for row in rows)


def test_a_line_that_a_killed_kernel_left_unfinished_is_passed_over(tmp_path: Path) -> None:
    left = tmp_path / "costs"
    left.write_text('["a.b", 1.5, 0.25]\n["c.d", 2')
    assert read_analyses(left) == (Cost("a.b", 1.5, 0.25),)
    assert read_analyses(tmp_path / "none") == ()
