"""The kernel of a worker that was forked from the warm process: forked early, told late.

A worker must not fork once it runs threads, and Jupyter starts the kernel when it does. So a
worker is forked together with a process that waits: told where to connect, it becomes the kernel.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from analysis.reporting.execution.processes import die_with_parent


class SpareKernel:
    """A process that waits to become a kernel, as the worker sees it.

    It has what Jupyter asks of a ``subprocess.Popen``.
    """

    stdin = stdout = stderr = None

    def __init__(self, pid: int, link: socket.socket) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._link = link

    def become(self, arguments: Sequence[str], environment: Mapping[str, str], cwd: str) -> bool:
        """Have it become the kernel with these command-line arguments; False if it cannot."""
        wanted = {"arguments": [*arguments], "environment": {**environment}, "cwd": cwd}
        with self._link, suppress(OSError):
            self._link.sendall(json.dumps(wanted).encode("utf-8", "surrogateescape") + b"\n")
            return self._link.recv(1) == b"\n"
        return False

    def poll(self) -> int | None:
        """Return the exit code if it has ended, negative for a signal."""
        return self._waited(os.WNOHANG)

    def wait(self) -> int:
        """Wait until it has ended and return the exit code."""
        code = self._waited(0)
        assert code is not None
        return code

    def _waited(self, how: int) -> int | None:
        if self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, how)
            except ChildProcessError:  # somebody else has waited for it
                pid, status = self.pid, signal.SIGKILL
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def send_signal(self, signum: int) -> None:
        """Send it a signal unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, signum)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)


_spare: SpareKernel | None = None


def forked(run_kernel: Callable[[], None]) -> Callable[[], None] | None:
    """Fork the process that waits; return, in it, what it is to do, and None in the worker."""
    global _spare
    ours, theirs = socket.socketpair()
    parent = os.getpid()
    pid = quiet_fork()
    if pid:
        theirs.close()
        _spare = SpareKernel(pid, ours)
        return None
    ours.close()
    die_with_parent(parent)
    os.setsid()
    return lambda: _wait_on(theirs, parent, run_kernel)


def quiet_fork() -> int:
    """Fork, without the note that later Pythons make of any thread.

    The only one is an allocator's, which knows what to do about a fork.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def take() -> SpareKernel | None:
    """Return the spare kernel, once; None where there is none."""
    global _spare
    spare, _spare = _spare, None
    return spare


def _wait_on(link: socket.socket, parent: int, run_kernel: Callable[[], None]) -> None:
    with link, link.makefile("rb") as lines:
        line = lines.readline()
        if not line:
            return  # the worker needs no kernel
        wanted = json.loads(line.decode("utf-8", "surrogateescape"))
        os.environ.clear()
        os.environ.update({**wanted["environment"], "JPY_PARENT_PID": str(parent)})
        os.chdir(wanted["cwd"])
        link.sendall(b"\n")
    sys.argv = ["kernel", *wanted["arguments"]]
    run_kernel()
