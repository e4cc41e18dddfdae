"""A run that is killed, overlapped or out of disk: never half a report, never an orphan."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from analysis.errors import AnalysisError
from analysis.reporting.execution import worker
from analysis.reporting.runner import dispatch
from analysis.reporting.store.layout import StudyReports
from analysis.reporting.store.run_record import RunRecord
from tests.forked import Forked
from tests.projects import PATIENT, REPORT, SECONDS, Project, family, wait_for
from tests.reporting.test_run import Pretended
from tests.tiny import Journey

#: Says that it is there, starts a process of its own, and never ends.
ENDLESS = """\
import pathlib
import subprocess
import sys
import time

pathlib.Path("../tables-of-half-a-report").touch()
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(36000)"], start_new_session=True)
pathlib.Path("../here").touch()
time.sleep(36000)"""


@pytest.fixture
def project(journey: Journey) -> Project:
    return Project(journey)


@pytest.fixture
def quick(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project whose notebooks are not really executed, with one good run."""
    monkeypatch.setattr(dispatch, "Worker", Pretended)
    project.add("10_a", "x = 1")
    project.run()
    return project


@pytest.fixture
def endless(project: Project) -> Iterator[tuple[Project, Forked]]:
    """A run of a notebook that never ends, in the midst of it."""
    project.add("10_a", ENDLESS)
    run = project.start("run", "tiny")
    wait_for((project.root / "here").exists)
    yield project, run
    for process in family(project.root):
        process.kill()
    run.kill()
    run.communicate()


def complete(reports: StudyReports) -> list[str]:
    """Return the names of the published runs, each of them whole and nothing else beside them."""
    for folder in reports.runs():
        record = RunRecord.read(folder.run_json)
        assert folder.index.is_file()
        assert all(folder.page(n).is_file() for n, r in record.reports.items() if r.good)
    names = [folder.run_id for folder in reports.runs()]
    hidden = {p.name for p in reports.path.iterdir()} - {*names, "alerts.json", "latest", ".lock"}
    assert hidden == set()
    return names


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_stopped_run_cleans_up_and_says_so(
    endless: tuple[Project, Forked], signum: signal.Signals
) -> None:
    project, run = endless
    assert len(family(project.root)) >= 2
    run.send_signal(signum)
    _, said = run.communicate(timeout=SECONDS)
    assert run.returncode == 128 + signum
    assert said == f"analysis: stopped by {signum.name}; nothing was published\n"
    assert family(project.root) == []
    assert complete(project.reports) == []
    assert not project.reports.latest.exists()


def test_a_killed_run_leaves_no_process_and_the_next_one_is_as_if_nothing_had_been(
    endless: tuple[Project, Forked],
) -> None:
    project, run = endless
    run.send_signal(signal.SIGKILL)
    run.communicate(timeout=SECONDS)
    wait_for(lambda: not family(project.root))
    assert len(project.reports.leftovers()) == 1
    project.add("10_a", "x = 1")
    record, _ = project.run()
    assert record.reports["10_a"].status == "done"
    assert complete(project.reports) == [record.run_id]


def test_an_overlapping_run_is_refused_with_who_and_since_when(
    endless: tuple[Project, Forked],
) -> None:
    project, run = endless
    for command in (("run", "tiny"), ("ingest", "tiny"), ("check", "tiny")):
        refused = project.command(*command)
        assert refused.returncode == 1
        assert f"run of tiny (process {run.pid}) has been going on since 20" in refused.stderr
        assert refused.stderr.count("\n") == 1
    assert run.poll() is None
    assert len(project.reports.leftovers()) == 1, "the first one is undisturbed"


def test_a_process_that_dies_or_hangs_fails_its_report_alone(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = (
        "import os, signal, subprocess, sys\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(36000)'],\n"
        "                 start_new_session=True)\n"
    )
    # Only what hangs meets its end by the clock, however slow the machine is for the others.
    monkeypatch.setattr(
        worker.Worker,
        "_last_resort",
        property(lambda self: 15 if self.assignment.report == "20_hangs" else SECONDS),
    )
    project.add("10_dies", child + "os.kill(os.getppid(), signal.SIGKILL)\nsum(range(10**10))")
    project.add("20_hangs", child + "os.kill(os.getppid(), signal.SIGSTOP)\nsum(range(10**10))")
    project.add("30_fine", "x = 1")
    limits = PATIENT
    record, _ = project.run(limits=limits)
    outcomes = {name: (r.status, r.reason) for name, r in record.reports.items()}
    killed = "The process that executed it was killed by signal 9"
    assert outcomes == {
        "10_dies": ("failed", killed),
        "20_hangs": ("failed", killed),
        "30_fine": ("done", ""),
    }
    assert family(project.root) == []
    assert complete(project.reports) == [record.run_id]


def test_a_kernel_killed_from_outside_fails_its_report(project: Project) -> None:
    project.add("10_a", "import pathlib, time\npathlib.Path('../here').touch()\ntime.sleep(36000)")
    run = project.start("run", "tiny")
    wait_for((project.root / "here").exists)
    in_notebooks = str(project.root / "notebooks")
    kernels = [p for p in family(project.root) if p.cwd() == in_notebooks and not p.children()]
    assert len(kernels) == 1
    kernels[0].kill()
    said, _ = run.communicate(timeout=SECONDS)
    assert run.returncode == 1
    assert "The kernel died in code cell 2: it was killed or ran out of memory" in said
    assert len(complete(project.reports)) == 1


def test_a_killed_worker_is_said_and_a_plain_second_run_mends_it(project: Project) -> None:
    """The process that executes a notebook is killed once, as the system does without memory."""
    mark = project.root / "was-killed"
    once = (
        "import os, pathlib, signal, time\n"
        f"mark = pathlib.Path({str(mark)!r})\n"
        "if not mark.exists():\n"
        "    mark.touch()\n"
        "    os.kill(os.getppid(), signal.SIGKILL)\n"
        "    time.sleep(36000)\n"
    )
    project.add("10_a", once)
    project.add("20_b", REPORT)
    first, _ = project.run()
    outcomes = {name: (r.status, r.reason) for name, r in first.reports.items()}
    assert outcomes["10_a"] == ("failed", "The process that executed it was killed by signal 9")
    assert outcomes["20_b"] == ("done", "")
    assert family(project.root) == []
    second, _ = project.run()
    assert {name: r.status for name, r in second.reports.items()} == {
        "10_a": "done",
        "20_b": "cached",
    }
    assert complete(project.reports) == [second.run_id, first.run_id]


def refusal_of(project: Project) -> str:
    """Return why a run is refused; empty if it is published."""
    try:
        project.run()
    except AnalysisError as error:
        return str(error)
    return ""


def refuse_write(number: int, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Have the disk be full from the ``number``-th write of a text on; return what was tried."""
    tried: list[Path] = []
    write = Path.write_text

    def written(path: Path, *arguments: object, **options: object) -> int:
        tried.append(path)
        if len(tried) > number:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return write(path, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "write_text", written)
    return tried


def test_a_disk_that_fills_at_any_write_publishes_all_or_nothing(quick: Project) -> None:
    good = complete(quick.reports)
    published = 0
    for number in range(20):
        quick.add("10_a", f"x = {number}")
        with pytest.MonkeyPatch.context() as patch:
            tried = refuse_write(number, patch)
            refusal = refusal_of(quick)
        if refusal:
            assert "No space left on device" in refusal
        else:
            assert len(tried) <= number
            published += 1
        now = complete(quick.reports)
        assert now[-len(good) :] == good
        if len(now) == len(good):
            assert quick.reports.latest.resolve().name == good[0]
        good = now
        if published:
            break
    assert number > 5, "several writes were refused before there were none left"
    assert published == 1


@pytest.fixture
def small_disk(quick: Project) -> Iterator[Path]:
    """The reports on a file system of half a megabyte."""
    reports = quick.root / "reports"
    kept = quick.root / "kept"
    reports.rename(kept)
    reports.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(reports)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("only root may mount a small file system")
    try:
        subprocess.run(["cp", "-a", f"{kept}/.", str(reports)], check=True)
        yield reports
    finally:
        subprocess.run(["umount", str(reports)], check=True)


def test_a_full_disk_is_said_in_one_sentence_and_keeps_the_last_good_run(
    quick: Project, small_disk: Path
) -> None:
    good = complete(quick.reports)
    free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
    outcomes = []
    for left in (0, 8_000, 24_000, 40_000, 60_000, free):
        filler = small_disk / "filler"
        filler.write_bytes(b"x" * (free - left))
        quick.add("10_a", f"x = {left}")
        refusal = refusal_of(quick)
        outcomes.append("refused" if refusal else "published")
        assert not refusal or "No space left on device" in refusal
        filler.unlink()
        now = complete(quick.reports)
        assert now[-len(good) :] == good
        good = now
    assert outcomes[0] == "refused"
    assert outcomes[-1] == "published"
    assert outcomes == sorted(outcomes, reverse=True)


def test_a_folder_that_cannot_be_written_to(quick: Project) -> None:
    (quick.root / "reports").rename(quick.root / "elsewhere")
    (quick.root / "reports").write_text("a file where a folder should be")
    with pytest.raises(AnalysisError, match=r"Cannot write to .*reports.*: Not a directory"):
        quick.run()


def test_a_notebook_that_fills_the_disk_fails_and_gives_the_space_back(
    quick: Project, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    quick.add(
        "20_b",
        "import os, pathlib\n"
        "folder = pathlib.Path(os.environ['ANALYSIS_STAGING']) / 'tables' / '20_b'\n"
        "folder.mkdir(parents=True)\n"
        "(folder / 'huge.csv').write_bytes(b'1' * 10_000_000)",
    )
    record, _ = quick.run()
    assert record.reports["10_a"].good
    assert record.reports["20_b"].status == "failed"
    assert "No space left on device" in record.reports["20_b"].reason
    assert complete(quick.reports)[0] == record.run_id
    assert not quick.reports.run(record.run_id).tables("20_b").exists()
    assert psutil.disk_usage(str(small_disk)).percent < 60
