"""Workers and kernels forked from a warm process are processes like any other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from analysis.reporting.execution import execute, warm
from analysis.reporting.execution.failures import Limits
from analysis.reporting.store.layout import RunFolder
from tests.projects import Project
from tests.tiny import Journey

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks are Linux only")

#: What a kernel is: whose child, where, with which random numbers and how many threads of numpy.
SELF = """\
import json, os, pathlib, random
import numpy as np
about = dict(
    parent=os.getppid(), cwd=os.getcwd(), random=[random.random(), *os.urandom(4)],
    environment={k: v for k, v in os.environ.items() if k in ("OUTSIDE", "PYTHONHASHSEED")},
    words=list({str(n) for n in range(20)}), session=os.getsid(0) == os.getpid(),
)
pathlib.Path("../REPORT.json").write_text(json.dumps(about))"""


@pytest.fixture
def project(journey: Journey) -> Project:
    return Project.ingested(journey)


def test_each_is_a_process_of_its_own(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTSIDE", "söme $pace")
    for report in ("10_a", "20_b"):
        project.add(report, SELF.replace("REPORT", report))
    record, _ = project.run()
    assert record.failed == []
    first, second = (json.loads((project.root / f"{r}.json").read_text()) for r in record.reports)
    assert first["environment"] == {"OUTSIDE": "söme $pace", "PYTHONHASHSEED": "0"}
    assert first["cwd"] == str(project.root / "notebooks")
    assert first["session"]
    assert first["words"] == second["words"], "the order of a set is the same in every run"
    assert first["random"] != second["random"], "chance is not inherited"
    living = warm.started()
    assert living is not None
    assert {first["parent"], second["parent"]}.isdisjoint({living.pid, os.getpid()})


def test_a_dead_warm_process_is_replaced(project: Project) -> None:
    project.add("10_a")
    before = warm.started()
    assert before is not None
    psutil.Process(before.pid).kill()
    psutil.Process(before.pid).wait(30)
    record, _ = project.run()
    assert record.failed == []
    after = warm.started()
    assert after is not None
    assert after.pid != before.pid


def test_a_system_without_descriptors_of_processes_starts_each_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(_: int) -> int:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(os, "pidfd_open", refused)
    assert warm.started() is None


def test_tables_are_those_of_a_process_started_anew(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.add("10_a")
    forked, _ = project.run()
    monkeypatch.setattr(warm, "started", lambda: None)
    spawned, _ = project.run(reuse=False)
    tables = [
        {p.name: p.read_bytes() for p in project.reports.run(r.run_id).results("10_a")}
        for r in (forked, spawned)
    ]
    assert tables[0] == tables[1] != {}


def test_a_forked_process_ends_with_its_exit_code(tmp_path: Path) -> None:
    living = warm.started()
    assert living is not None
    with (tmp_path / "said").open("wb") as said, (tmp_path / "errors").open("wb") as errors:
        process = living.fork(
            ["run-one", "--no-such-option"],
            cwd=tmp_path,
            output=said.fileno(),
            errors=errors.fileno(),
            lifeline=said.fileno(),
        )
        assert process is not None
        assert process.wait() == process.poll() == process.returncode == 2
    assert "No such option" in (tmp_path / "errors").read_text()


#: A worker whose libraries abort when they are unloaded, as one does whose thread still runs.
ABORTING = """
import ctypes, os, runpy, sys
from analysis.reporting.execution.warm import _Work
ctypes.pythonapi.Py_AtExit(ctypes.CDLL(None).abort)
def work(*names, **options):
    print("did its work")
    sys.exit(2)
runpy.run_module = work
_Work({"environment": dict(os.environ), "arguments": [], "cwd": "."}, 0)()
"""


def test_a_library_that_aborts_when_it_is_unloaded_costs_no_finished_report() -> None:
    ended = subprocess.run([sys.executable, "-c", ABORTING], capture_output=True, text=True)
    assert ended.returncode == 2
    assert ended.stdout == "did its work\n"


@pytest.mark.parametrize(("cells", "starts"), [(0, 3), (1, 1)])
def test_a_kernel_that_does_not_start_is_started_again(
    cells: int, starts: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody may take its port meanwhile; what has run a cell is never run again."""
    tried = []

    def fails(*_: Any, progress: execute.Progress, **__: Any) -> Any:
        tried.append(progress)
        progress.cells = cells
        if len(tried) < 3:
            raise RuntimeError("Kernel died before replying to kernel_info")
        return "executed"

    monkeypatch.setattr(execute, "execute", fails)
    job = execute.Job("10_a", tmp_path, {}, RunFolder(tmp_path), Limits())
    progress = execute.Progress("10_a", 1, print)
    if starts == 1:
        with pytest.raises(RuntimeError, match="Kernel died"):
            execute._with_kernel(job, progress)
    else:
        assert execute._with_kernel(job, progress) == "executed"
    assert len(tried) == starts


def test_what_is_imported_before_forking_leaves_duckdb_and_its_thread_out() -> None:
    wanted = [name for name in warm._WANTED if name.startswith(("analysis", "ibis"))]
    code = f"import sys, {', '.join(wanted)}; analysis.params.report_params()"
    code += "; sys.exit('duckdb' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
