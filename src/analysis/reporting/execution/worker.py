"""One process a notebook, as the runner sees it: how it begins, how far it is, how it ended.

Keep hold of every process that a notebook starts, so that none outlives its run.

A notebook's kernel lives in a session of its own and may start further processes, so killing a
process group is not enough. Three things together leave no orphan: a process that executes a
notebook adopts whatever its descendants abandon (``adopt_orphans``) and kills it when it ends or
when the runner that holds its lifeline dies; a kernel dies with the process that started it
(``die_with_parent``); and the runner kills what a crashed child left to it (``kill_strays``).
The first two are Linux calls (prctl(2)); elsewhere the lifeline and ipykernel's own watch on its
parent do what they can.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from analysis.reporting.execution import warm
from analysis.reporting.execution.failures import Limits
from analysis.reporting.execution.kernel import kill_descendants
from analysis.reporting.execution.warm import ForkedProcess
from analysis.reporting.store.layout import RunFolder
from analysis.reporting.store.run_record import Status

#: What a worker may take beyond its notebook's limit to stop it, before it is killed itself.
_GRACE_SECONDS = 30

_PROGRESS = re.compile(r"(?P<report>\S+) cell (?P<cell>\d+)/(?P<of>\d+)")


@dataclass(frozen=True)
class Assignment:
    """What a worker is to do; see `run_one.Job`."""

    study: str
    report: str
    root: Path
    folder: RunFolder
    limits: Limits
    profile: bool = False
    threads: int | None = None

    def arguments(self, lifeline: int | str) -> list[str]:
        """Return what stands behind ``analysis`` on the command line of the process."""
        return [
            *("run-one", "--study", self.study, "--report", self.report),
            *("--staging", str(self.folder.path), "--root", str(self.root)),
            *("--cell-limit", str(self.limits.cell_seconds)),
            *("--time-limit", str(self.limits.notebook_seconds)),
            *("--lifeline", str(lifeline)),
            *(("--profile",) if self.profile else ()),
            *(("--threads", str(self.threads)) if self.threads else ()),
        ]


class Worker:
    """A process that executes one notebook, in a session of its own.

    It holds one end of a pipe, its lifeline, and stops everything it has started when the other
    end closes, which the system does when the runner ends in whatever way.
    """

    def __init__(self, assignment: Assignment) -> None:
        self.assignment = assignment
        self.cell: tuple[int, int] | None = None
        self._began = time.monotonic()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed by release)
        self._text = b""
        lifeline, self._lifeline = os.pipe()
        self._output, output = os.pipe()
        os.set_blocking(self._output, False)
        try:
            self._process = self._forked(output, lifeline) or self._spawned(output, lifeline)
        finally:
            os.close(lifeline)
            os.close(output)

    def _forked(self, output: int, lifeline: int) -> ForkedProcess | None:
        parent = warm.started()
        if parent is None:
            return None
        return parent.fork(
            self.assignment.arguments("{lifeline}"),
            cwd=self.assignment.root,
            output=output,
            errors=self._errors.fileno(),
            lifeline=lifeline,
        )

    def _spawned(self, output: int, lifeline: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "analysis", *self.assignment.arguments(lifeline)],
            cwd=self.assignment.root,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=self._errors,
            start_new_session=True,
            pass_fds=(lifeline,),
        )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def ended(self) -> bool:
        """Look at it: read its progress, stop it if it is far beyond its time.

        Returns
        -------
        bool
            Whether the process has ended.
        """
        self._read_progress()
        if time.monotonic() - self._began > self._last_resort:
            self.kill()
        return self._process.poll() is not None

    @property
    def _last_resort(self) -> float:
        return self.assignment.limits.notebook_seconds + _GRACE_SECONDS

    def _read_progress(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while block := os.read(self._output, 65536):
                self._text += block
        *lines, self._text = self._text.split(b"\n")
        for line in lines:
            said = _PROGRESS.fullmatch(line.decode("utf-8", "replace").strip())
            if said and said["report"] == self.assignment.report:
                self.cell = int(said["cell"]), int(said["of"])

    def kill(self) -> None:
        """Kill it and everything it has started."""
        with contextlib.suppress(psutil.NoSuchProcess):
            kill_descendants(self.pid)
        self._process.kill()
        self._process.wait()

    def close(self) -> Status:
        """Return how it went, once it has ended.

        The process's exit code and the status it wrote must agree; a process that died leaves
        none, or nothing that counts.
        """
        path = self.assignment.folder.status(self.assignment.report)
        status = Status.read(path) if path.is_file() else None
        if status is None or self._process.returncode != status.exit_code:
            status = self._died()
            self.assignment.folder.discard(self.assignment.report)
            status.write(path)
        self.release()
        return status

    def release(self) -> None:
        """Let go of its pipes."""
        os.close(self._lifeline)
        os.close(self._output)
        self._errors.close()

    def _died(self) -> Status:
        self._errors.seek(0)
        said = self._errors.read().decode("utf-8", "replace")[-8000:]
        code = self._process.returncode or 0
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        return Status(
            self.assignment.report,
            "failed",
            f"The process that executed it {how}",
            said,
            seconds=round(time.monotonic() - self._began, 2),
            cells=self.cell[0] if self.cell else 0,
        )


def look_at(workers: Sequence[Worker], *, beat: float = 0.1) -> list[Worker]:
    """Wait a moment and return the workers that have ended."""
    time.sleep(beat)
    return [worker for worker in workers if worker.ended()]
