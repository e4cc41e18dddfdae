"""The kernel that executes a notebook: this very interpreter, and never an orphan.

Jupyter would look for a kernel called ``python3`` in the user's home first and run whichever
interpreter it names. A report must run on the packages it was locked with, so the kernel is
``python -m analysis.reporting.execution.kernel`` with the running interpreter, or a process that
was forked for it (`SpareKernel`): a worker must not fork once it runs threads, and Jupyter starts
the kernel when it does, so a worker is forked together with a process that waits and, told where
to connect, becomes the kernel.
"""

from __future__ import annotations

import ctypes
import json
import logging
import os
import resource
import select
import signal
import socket
import sys
import threading
import time
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import psutil

_PR_SET_PDEATHSIG = 1

_PR_SET_CHILD_SUBREAPER = 36

#: How often a watch looks at memory and the clock, in seconds.
_BEAT = 0.25


def adopt_orphans() -> None:
    """Make this process, instead of init, the parent of descendants whose parent dies."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(parent: int) -> None:
    """Have the system kill this process when ``parent``, which started it, ends in any way."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the call above
        os.kill(os.getpid(), signal.SIGKILL)


def _prctl(option: int, value: int) -> None:
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl failed")


def kill_descendants(pid: int | None = None) -> None:
    """Kill everything that process ``pid`` (this one by default) has started, all levels down."""
    for _ in range(50):  # a process may fork while its family is being killed
        family = _living(pid)
        if not family:
            return
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(family, timeout=1)


def _living(pid: int | None) -> list[psutil.Process]:
    try:
        family = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return [process for process in family if not _is_zombie(process)]


def _is_zombie(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def kill_strays(keep: Collection[int]) -> None:
    """Kill the children of this process that are not in ``keep``, with all they started."""
    strays = [child for child in psutil.Process().children() if child.pid not in keep]
    for stray in strays:
        kill_descendants(stray.pid)
        with suppress(psutil.NoSuchProcess):
            stray.kill()
    psutil.wait_procs(strays, timeout=1)


class Watch(threading.Thread):
    """Watch over what this process starts: its memory, its time, and who asked for it.

    Parameters
    ----------
    limit_seconds
        Wall-clock limit; at its end every descendant is killed and ``expired`` is true.
    lifeline
        File descriptor of a pipe whose other end the runner holds. When the runner dies, every
        descendant is killed and this process exits.
    """

    def __init__(self, *, limit_seconds: float, lifeline: int | None = None) -> None:
        super().__init__(daemon=True)
        self.expired = False
        self._limit = limit_seconds
        self._lifeline = lifeline
        self._peak_bytes = 0
        self._ended = threading.Event()

    def run(self) -> None:
        """Watch until the end; started by ``start``."""
        deadline = time.monotonic() + self._limit
        while not self._ended.is_set():
            self._peak_bytes = max(self._peak_bytes, _resident_bytes())
            if self._runner_died():
                kill_descendants()
                os._exit(1)
            if time.monotonic() > deadline:
                self.expired = True
                kill_descendants()
                return

    def _runner_died(self) -> bool:
        if self._lifeline is None:
            self._ended.wait(_BEAT)
            return False
        readable, _, _ = select.select([self._lifeline], [], [], _BEAT)
        return bool(readable) and os.read(self._lifeline, 1) == b""

    def end(self) -> float:
        """Stop watching, kill what is left, and return the peak memory in megabytes.

        The peak is the larger of the resident memory of the whole family, looked at four times
        a second, and what the system recorded for its largest member.
        """
        self._ended.set()
        if self.is_alive():
            self.join()
        kill_descendants()
        unit = 1 if sys.platform == "darwin" else 1024
        largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit
        return max(self._peak_bytes, largest) / 1e6


def _resident_bytes() -> int:
    total = 0
    for pid in descendants():
        with suppress(psutil.NoSuchProcess):
            total += psutil.Process(pid).memory_info().rss
    return total


def descendants() -> list[int]:
    """Return the ids of what this process has started and lives, all levels down.

    Linux names the children of a thread; psutil reads every process of the machine to find them.
    """
    pids = [os.getpid()]
    if not Path(f"/proc/self/task/{pids[0]}/children").exists():
        return [process.pid for process in psutil.Process().children(recursive=True)]
    for pid in pids:  # which grows by what each has started
        for told in Path(f"/proc/{pid}/task").glob("*/children"):
            with suppress(OSError):  # the thread has ended
                pids += map(int, told.read_text().split())
    return pids[1:]


#: What every kernel finds in its environment from the start, since libraries look once, on import:
#: one thread a linear-algebra library, because reports run side by side, and a fixed hash seed, so
#: that sets have the same order in every run.
FIXED = {
    **{
        f"{name}_NUM_THREADS": "1"
        for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB_MAXIMUM")
    },
    "PYTHONHASHSEED": "0",
}

#: What matplotlib logs when it prepares itself or has no folder to remember fonts in.
_FIRST_USE = (
    "building the font cache",
    "Could not save font_manager cache",
    "mkdir -p failed for path",
    "is not a writable directory",
    "created a temporary cache directory",
)

_START = (sys.executable, "-P", "-m", "analysis.reporting.execution.kernel")


def command(connection_file: str) -> list[str]:
    """Return the command that starts the kernel.

    Its own log is silent: stopping a kernel interrupts it first, which it would log as an error.
    """
    return [*_START, "-f", connection_file, "--log-level=CRITICAL"]


def manager_class() -> type:
    """Return the manager class that starts this kernel, over an encrypted connection.

    ipykernel 7 warns into the first cell's output when the transport is not encrypted.
    """
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.provisioning import LocalProvisioner
    from traitlets import CaselessStrEnum, default

    class ReportProvisioner(LocalProvisioner):
        """Makes the kernel of the process that waits for that, if there is one."""

        async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
            spare, cwd = take(), str(kwargs.get("cwd") or Path.cwd())
            if not spare or not spare.become(cmd[len(_START) :], kwargs["env"], cwd):
                return await super().launch_kernel(cmd, **kwargs)
            self.process, self.cwd = cast(Any, spare), cwd
            self.pid = self.pgid = spare.pid  # it leads a session of its own
            return self.connection_info

    class ReportKernelManager(AsyncKernelManager):
        transport_encryption = CaselessStrEnum(
            ["disabled", "auto", "required"], default_value="required"
        )

        @default("kernel_spec_manager")
        def _only_the_installed_kernel(self) -> KernelSpecManager:
            return KernelSpecManager(kernel_dirs=[])

        async def _async_pre_start_kernel(self, **options: Any) -> Any:
            if self.provisioner is None:
                self.provisioner = ReportProvisioner(
                    kernel_id=self.kernel_id, kernel_spec=self.kernel_spec, parent=self
                )
            return await super()._async_pre_start_kernel(**options)

        def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
            return command(os.path.realpath(self.connection_file)) + (extra_arguments or [])

    return ReportKernelManager


def keep_first_use_quiet() -> None:
    """Keep matplotlib from logging, into a report, that it prepares itself on a new machine.

    It says so once a user, while it looks for fonts or finds no folder to remember them in; a
    report that writes to standard error is refused.
    """
    for name in ("matplotlib", "matplotlib.font_manager"):
        logging.getLogger(name).addFilter(_is_for_the_reader)


def _is_for_the_reader(record: logging.LogRecord) -> bool:
    text = record.getMessage()
    return not any(phrase in text for phrase in _FIRST_USE)


def run_kernel() -> None:
    """Be the kernel that the command line describes."""
    keep_first_use_quiet()
    from ipykernel import kernelapp

    kernelapp.launch_new_instance(
        outstream_class="analysis.reporting.execution.capture.BoundedStream"
    )


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


if __name__ == "__main__":
    die_with_parent(int(os.environ["JPY_PARENT_PID"]))
    run_kernel()
