"""Commands forked from a process that has imported what they need, as the runner forks its workers.

A command that runs a notebook imports some eight processor seconds' worth of libraries, its warm
process included. What is forked here begins at once, has a warm process that was forked with it,
and is in every other way a process of its own: its own session, folder, environment and output.
That a fresh interpreter does the same is shown where that is what is tested: ``test_cli``,
``test_warm``, ``test_schedule``, the first of ``test_execute`` and the runs of both studies.
"""

from __future__ import annotations

import atexit
import gc
import os
import signal
import socket
import subprocess
import sys
import time
import traceback
import warnings
import weakref
from collections.abc import Callable
from pathlib import Path

from analysis.reporting.execution import kernel, warm

#: What a run imports besides what its workers do, without DuckDB.
_WANTED = ("pydantic", "yaml", "analysis.reporting.mail.edition", "analysis.reporting.site.publish")


class _Commands(warm.WarmProcess):
    """The process that commands are forked from, as a test sees it."""

    def __init__(self) -> None:
        self._link, theirs = socket.socketpair()
        self._ended: dict[int, int] = {}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                env={**os.environ, **kernel.FIXED, **warm._BEFORE_IMPORT},
                cwd=Path(__file__).parents[1],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                pass_fds=(theirs.fileno(),),
            )
        atexit.register(self.end)


class _Own(warm.WarmProcess):
    """The warm process of a command, which was forked with it."""

    def __init__(self, link: socket.socket, process: kernel.SpareKernel) -> None:
        self._link, self._process = link, process  # type: ignore[assignment]
        self._ended: dict[int, int] = {}
        atexit.register(self.end)


class _Server(warm._Server):
    """The process that commands are forked from, as it sees itself."""

    def _fork(self, wanted: dict[str, object], given: list[int]) -> Callable[[], None] | None:
        work = super()._fork(wanted, given)
        if not isinstance(work, warm._Work):
            return work
        link, theirs = socket.socketpair()
        if pid := kernel.quiet_fork():
            theirs.close()
            warm._process = _Own(link, kernel.SpareKernel(pid, link))
            return _Work(wanted, given[2])
        link.close()
        os.setsid()
        return lambda: warm._Server(theirs).serve()()


class _Work(warm._Work):
    """What a forked process does: the command, or behind ``-c`` some code, with ``-W error``."""

    def __call__(self) -> None:
        arguments = [*self._wanted["arguments"]]  # type: ignore[misc]
        if arguments[0] != "-c":
            return super().__call__()
        os.environ.clear()
        os.environ.update(self._wanted["environment"])  # type: ignore[arg-type]
        os.chdir(str(self._wanted["cwd"]))
        sys.argv, failed = ["-c", *arguments[2:]], 0
        warnings.simplefilter("error")
        try:
            exec(arguments[1], {"__name__": "__main__"})
        except Exception:
            traceback.print_exc()
            failed = 1
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(failed)


_commands: _Commands | None = None


class Forked:
    """A forked command, or ``-c`` and code, with what tests ask of a ``subprocess.Popen``."""

    def __init__(self, *arguments: str, cwd: Path, output: int | None = None) -> None:
        """Start it; where a descriptor ``output`` is given, it writes there what it says."""
        global _commands
        if _commands is None or not _commands.lives:
            _commands = _Commands()
        self.args = arguments
        self._output = os.memfd_create("output") if output is None else os.dup(output)
        self._errors, self._is_read = os.memfd_create("errors"), output is None
        lifeline, held = os.pipe()
        weakref.finalize(self, _close, self._output, self._errors, held)
        found = _commands.fork(
            arguments,
            cwd=cwd,
            output=self._output,
            errors=self._errors,
            lifeline=lifeline,
        )
        os.close(lifeline)
        assert found is not None, "the process that commands are forked from has died"
        self._process, self.pid = found, found.pid

    @property
    def returncode(self) -> int | None:
        return self._process.returncode

    def poll(self) -> int | None:
        return self._process.poll()

    def send_signal(self, signum: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, signum)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float = 900) -> tuple[str, str]:
        """Wait until it has ended and return what it wrote to standard output and error."""
        deadline = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(self.args, timeout)
            time.sleep(0.02)
        return _all_of(self._output) if self._is_read else "", _all_of(self._errors)


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command, or ``-c`` and code, to its end."""
    process = Forked(*arguments, cwd=cwd)
    said, errors = process.communicate()
    assert process.returncode is not None
    return subprocess.CompletedProcess(arguments, process.returncode, said, errors)


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _all_of(descriptor: int) -> str:
    """Return what is in a file, without moving the place at which it is written to."""
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0).decode("utf-8")


def main(descriptor: int) -> None:
    """Be the process that commands are forked from, at the other end of ``descriptor``."""
    gc.disable()
    warm.make_ready(*_WANTED)
    gc.freeze()
    gc.enable()
    assert "duckdb" not in sys.modules, "importing it starts a thread, which no fork survives"
    _Server(socket.socket(fileno=descriptor)).serve()()


if __name__ == "__main__":
    main(int(sys.argv[1]))
