"""A warm process: it imports what every notebook needs once, and forks the workers from itself.

A worker and its kernel import pandas, IPython and the like first, some five processor seconds a
notebook. The process that ``started`` hands out has imported them already; what it forks begins at
once, shares their memory, and is in every other way a process of its own.

It opens no data, starts no thread and makes no connection, so that a fork inherits nothing that a
thread could have held; importing DuckDB would start one. It ends when its owner does.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from analysis.reporting.execution import kernel
from analysis.reporting.execution.kernel import FIXED, run_kernel

#: What notebooks and the processes that execute them import, slow ones only.
_WANTED = (
    "papermill",
    "ipykernel.kernelapp",
    "ipykernel.debugger",
    "IPython",
    "pandas",
    "ibis.backends.sql.compilers.duckdb",
    "great_tables",
    "matplotlib.pyplot",
    "seaborn",
    "sklearn.ensemble",
    "sklearn.linear_model",
    "statsmodels.api",
    "analysis.cli",
    "analysis.reporting.execution.execute",
    "analysis.reporting.notebook.report",
)

#: What libraries look for on import: where to draw in a kernel (matplotlib would find none here),
#: and whether to warn that one cannot step through Python's own modules (the debugger).
_BEFORE_IMPORT = {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}

#: Bytes that say how long a message is.
_HEAD = 8


class WarmProcess:
    """The warm process as its owner sees it."""

    def __init__(self) -> None:
        self._link, theirs = socket.socketpair()
        self._ended: dict[int, int] = {}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", __name__, str(theirs.fileno())],
                env={**os.environ, **FIXED, **_BEFORE_IMPORT},
                cwd="/",
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                pass_fds=(theirs.fileno(),),
            )
        atexit.register(self.end)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def lives(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def end(self) -> None:
        """Have it end, which it also does when its owner is killed."""
        self._link.close()
        self._process.kill()
        self._process.wait()

    def fork(
        self, arguments: Sequence[str], *, cwd: Path, output: int, errors: int, lifeline: int
    ) -> ForkedProcess | None:
        """Run the command line with ``arguments`` in a process forked from the warm one.

        Parameters
        ----------
        arguments
            What stands behind ``analysis`` on the command line; ``{lifeline}`` in one of them is
            replaced by the number that ``lifeline`` has there.
        cwd
            Working directory.
        output, errors
            Descriptors for its standard output and error.
        lifeline
            A descriptor that it inherits.

        Returns
        -------
        ForkedProcess or None
            The process; None if the warm process has died, which costs time and nothing else.
        """
        wanted = {"arguments": [*arguments], "cwd": str(cwd), "environment": {**os.environ}}
        body = json.dumps(wanted).encode("utf-8", "surrogateescape")
        try:
            head = len(body).to_bytes(_HEAD, "big")
            socket.send_fds(self._link, [head], [output, errors, lifeline])
            self._link.sendall(body)
            while True:
                kind, pid, code = self._receive()
                if kind == "forked":
                    return ForkedProcess(pid, self)
                self._ended[pid] = code
        except (OSError, EOFError):
            return None

    def code_of(self, pid: int, *, wait: bool = False) -> int | None:
        """Return the exit code of what was forked, negative for a signal; None while it runs."""
        with suppress(EOFError, OSError):
            while pid not in self._ended:
                if not wait and not select.select([self._link], [], [], 0)[0]:
                    return None
                _, ended, code = self._receive()
                self._ended[ended] = code
        return self._ended.get(pid, -signal.SIGKILL)

    def _receive(self) -> tuple[str, int, int]:
        kind, pid, code = json.loads(_message(self._link))
        return kind, pid, code


class ForkedProcess:
    """What the warm process forked, with what the runner asks of a ``subprocess.Popen``."""

    def __init__(self, pid: int, parent: WarmProcess) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._parent = parent

    def poll(self) -> int | None:
        """Return the exit code if it has ended."""
        if self.returncode is None:
            self.returncode = self._parent.code_of(self.pid)
        return self.returncode

    def wait(self) -> int:
        """Wait until it has ended and return the exit code."""
        if self.returncode is None:
            self.returncode = self._parent.code_of(self.pid, wait=True)
        assert self.returncode is not None
        return self.returncode

    def kill(self) -> None:
        """Kill it if it has not ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


_process: WarmProcess | None = None
_starting = threading.Lock()


def started() -> WarmProcess | None:
    """Return this process's warm process, started if need be; None where there can be none.

    Elsewhere than on Linux system libraries may start threads that do not survive a fork, and an
    old or a restricted Linux has no descriptors of processes, by which their end is noticed.
    """
    global _process
    if not _can_watch_processes():
        return None
    with _starting:
        if _process is None or not _process.lives:
            _process = WarmProcess()
        return _process


def _can_watch_processes() -> bool:
    if sys.platform != "linux":
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return False
    return True


def pids() -> set[int]:
    """Return the id of the warm process if there is one: it belongs to no run."""
    return {_process.pid} if _process is not None else set()


class _Server:
    """The warm process as it sees itself."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._children: dict[int, int] = {}  # process descriptor to id

    def serve(self) -> Callable[[], None]:
        """Fork what is asked for; return, in what was forked, what it is to do.

        It returns so that a forked process begins with nothing on its stack, and ends like any.
        """
        while True:
            watched: list[socket.socket | int] = [self._link, *self._children]
            ready, _, _ = select.select(watched, [], [])
            for descriptor in ready:
                if isinstance(descriptor, int):
                    self._tell_end(descriptor)
            if self._link in ready:
                head, given, _, _ = socket.recv_fds(self._link, _HEAD, 3)
                if not head:
                    return _nothing
                wanted = json.loads(_message(self._link, head))
                if forked := self._fork(wanted, given):
                    return forked

    def _tell_end(self, descriptor: int) -> None:
        pid = self._children.pop(descriptor)
        os.close(descriptor)
        _, status = os.waitpid(pid, 0)
        self._tell("ended", pid, os.waitstatus_to_exitcode(status))

    def _tell(self, kind: str, pid: int, code: int = 0) -> None:
        body = json.dumps([kind, pid, code]).encode()
        with suppress(BrokenPipeError):  # the owner has ended; the next message is its end
            self._link.sendall(len(body).to_bytes(_HEAD, "big") + body)

    def _fork(self, wanted: dict[str, object], given: list[int]) -> Callable[[], None] | None:
        pid = kernel.quiet_fork()
        if pid:
            for descriptor in given:
                os.close(descriptor)
            self._children[os.pidfd_open(pid)] = pid
            self._tell("forked", pid)
            return None
        self._link.close()
        for descriptor in self._children:
            os.close(descriptor)
        output, errors, lifeline = given
        os.setsid()
        os.dup2(output, 1)
        os.dup2(errors, 2)
        os.close(output)
        os.close(errors)
        return kernel.forked(run_kernel) or _Work(wanted, lifeline)


class _Work:
    """What a forked worker does: what ``python -m analysis`` with its arguments would."""

    def __init__(self, wanted: dict[str, object], lifeline: int) -> None:
        self._wanted = wanted
        self._lifeline = lifeline

    def __call__(self) -> None:
        environment, arguments = self._wanted["environment"], self._wanted["arguments"]
        assert isinstance(environment, dict)
        assert isinstance(arguments, list)
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(str(self._wanted["cwd"]))
        here = [part.replace("{lifeline}", str(self._lifeline)) for part in arguments]
        sys.argv = ["analysis", *here]
        try:
            runpy.run_module("analysis", run_name="__main__", alter_sys=True)
        except SystemExit as ended:  # what follows unloads libraries, whose threads may abort it
            atexit._run_exitfuncs()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(ended.code if isinstance(ended.code, int) else int(bool(ended.code)))


def _nothing() -> None:
    """Do what is left to do when the owner has ended."""


def _message(link: socket.socket, head: bytes = b"") -> str:
    head += _exactly(link, _HEAD - len(head))
    return _exactly(link, int.from_bytes(head, "big")).decode("utf-8", "surrogateescape")


def _exactly(link: socket.socket, size: int) -> bytes:
    parts = b""
    while len(parts) < size:
        part = link.recv(min(size - len(parts), 1 << 20))
        if not part:
            raise EOFError("the other end has closed")
        parts += part
    return parts


def make_ready(*more: str) -> None:
    """Import what is wanted and ``more``, and make what every notebook would make for itself."""
    for name in (*_WANTED, *more):
        importlib.import_module(name)
    sys.modules["analysis.params.report_params"].report_params()
    sys.modules["nbformat.validator"].get_validator(4, 5)


def main(descriptor: int) -> None:
    """Be the warm process of the owner at the other end of ``descriptor``."""
    gc.disable()  # what is imported holds no garbage; to look for it takes a fifth of the time
    make_ready()
    gc.freeze()  # so that a collection in a fork copies no pages for want of garbage in them
    gc.enable()
    _Server(socket.socket(fileno=descriptor)).serve()()


if __name__ == "__main__":
    main(int(sys.argv[1]))
