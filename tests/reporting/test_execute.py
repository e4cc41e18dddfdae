"""One notebook in one process: limits, text, paths, and schedulers other than ours."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from analysis.reporting.store.layout import RunFolder
from analysis.reporting.store.run_record import Status
from tests.projects import REPORT, SECONDS, Project, execute, family, notebook, wait_for
from tests.tiny import Journey

SHARED = {"study": "tiny", "as_of": "2018-01-01", "seed": 1}


def put(root: Path, report: str, *cells: str, **options: object) -> None:
    folder = root / "notebooks"
    folder.mkdir(parents=True, exist_ok=True)
    content = notebook(report, cells, **options)  # type: ignore[arg-type]
    (folder / f"{report}.ipynb").write_text(json.dumps(content))


def test_every_character_reaches_the_notebook_and_its_reader(tmp_path: Path) -> None:
    name = "小店 \"Ängström\" {study} \\n $x$ \N{PILE OF POO}\n'end'"
    put(tmp_path, "10_a", "assert len(study) == size, study\nprint(study)",
        parameters='study: str = "x"\nsize: int = 1')  # fmt: skip
    status, said = execute(tmp_path, "10_a", {"study": name, "size": len(name)}, fresh=True)
    assert (status.status, status.reason) == ("done", "")
    executed = json.loads(RunFolder(tmp_path / "executed").notebook("10_a").read_text())
    assert f"study = {name!r}" in "".join(executed["cells"][2]["source"])
    assert "".join(executed["cells"][3]["outputs"][0]["text"]) == f"{name}\n"
    assert said == "10_a cell 1/2\n10_a cell 2/2\n"


def test_a_cell_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    put(tmp_path, "10_a", "import time\ntime.sleep(3600)")
    status, _ = execute(tmp_path, "10_a", SHARED, cell_seconds=1)
    assert status.status == "failed"
    assert status.reason == "A cell took longer than 1 seconds; stopped in code cell 2"
    assert status.seconds < 3600
    assert family(tmp_path) == []


def test_a_notebook_that_takes_too_long_is_stopped_with_all_it_started(tmp_path: Path) -> None:
    here = tmp_path / "here"
    deaf = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(3600)', '{tmp_path}'])\n"
        f"open({str(here)!r}, 'w').close()\n"
        "time.sleep(3600)"
    )
    put(tmp_path, "10_a", deaf)
    status, _ = execute(tmp_path, "10_a", SHARED, hours_pass_at=here, notebook_seconds=18_000)
    assert status.status == "failed"
    assert status.reason == "The notebook took longer than 18000 seconds; stopped in code cell 2"
    assert status.seconds < 3600
    assert family(tmp_path) == []


@pytest.mark.parametrize("name", ["{study}", "a{b", "c}d"])
def test_braces_in_a_path_are_no_format(tmp_path: Path, name: str) -> None:
    put(tmp_path / name, "10_a", "1")
    status, _ = execute(tmp_path / name, "10_a", SHARED)
    assert (status.status, status.reason) == ("done", "")


def test_a_secret_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "10_a", "1", parameters='mail_password: str = ""')
    status, said = execute(tmp_path, "10_a", {"mail_password": "hunter2"})
    assert "mail_password looks like a secret" in status.reason
    written = [p for p in (tmp_path / "executed").rglob("*") if p.is_file()]
    assert written
    assert all("hunter2" not in path.read_text() for path in written)
    assert "hunter2" not in said


def test_a_notebook_that_is_not_there(tmp_path: Path) -> None:
    put(tmp_path, "10_a", "1")
    status, _ = execute(tmp_path, "10_b", SHARED)
    assert status.reason.startswith("There is no notebook 10_b.ipynb in ")


def test_start_up_files_and_other_kernels_of_the_user_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    startup = tmp_path / "home" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00.py").write_text("surprise = 1")
    kernel = tmp_path / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    spec = {"argv": ["/bin/false"], "display_name": "Python 3", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "home"))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    put(tmp_path, "10_a", "assert 'surprise' not in globals()")
    status, _ = execute(tmp_path, "10_a", SHARED, fresh=True)
    assert (status.status, status.reason) == ("done", "")


def test_the_peak_memory_is_that_of_the_notebook(tmp_path: Path) -> None:
    put(tmp_path, "10_a", "import time\nblock = bytearray(400_000_000)\ntime.sleep(0.6)")
    status, _ = execute(tmp_path, "10_a", SHARED, fresh=True)
    assert 400 < status.peak_memory_mb < 700


def test_any_scheduler_may_call_it(journey: Journey) -> None:
    """Without a run around it, it takes the study's params and leaves the results in a folder."""
    project = Project(journey)
    project.add("10_a", REPORT)
    journey.ingest()
    ended = project.command(
        *("run-one", "--study", "tiny", "--report", "10_a", "--staging", "out", "--set", "seed=7")
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == "10_a cell 1/2\n10_a cell 2/2\n"
    folder = RunFolder(journey.root / "out")
    assert Status.read(folder.status("10_a")).status == "done"
    assert (folder.tables("10_a") / "counts.csv").read_text() == "lines,seed\n4,7\n"
    assert not list(folder.path.glob(".*"))


def test_its_exit_code_and_standard_error_tell_a_failure(journey: Journey) -> None:
    project = Project(journey)
    project.add("10_a", "1 / 0")
    ended = project.command("run-one", "--study", "tiny", "--report", "10_a", "--staging", "out")
    assert ended.returncode == 1
    assert ended.stderr == "analysis: 10_a: ZeroDivisionError: division by zero\n"


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL])
def test_a_scheduler_may_stop_it(journey: Journey, signum: signal.Signals) -> None:
    """Also in the midst of work that lets no other thread of the kernel look up."""
    project = Project(journey)
    project.add("10_a", "open('../here', 'w').close()\nsum(range(10**10))")
    running = project.start("run-one", "--study", "tiny", "--report", "10_a", "--staging", "out")
    wait_for((journey.root / "here").exists)
    assert len(family(journey.root)) == 2, "the process that was started and its kernel"
    os.kill(running.pid, signum)
    running.communicate(timeout=SECONDS)
    assert running.returncode == (143 if signum == signal.SIGTERM else -9)
    wait_for(lambda: not family(journey.root))
    assert not RunFolder(journey.root / "out").status("10_a").exists()
