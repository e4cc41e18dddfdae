"""Keep hold of every process that a notebook starts, so that none outlives its run.

A notebook's kernel lives in a session of its own and may start further processes, so killing a
process group is not enough. Three things together leave no orphan: a process that executes a
notebook adopts whatever its descendants abandon (``adopt_orphans``) and kills it when it ends or
when the runner that holds its lifeline dies; a kernel dies with the process that started it
(``die_with_parent``); and the runner kills what a crashed child left to it (``kill_strays``).
The first two are Linux calls (prctl(2)); elsewhere the lifeline and ipykernel's own watch on its
parent do what they can.
"""

from __future__ import annotations

import ctypes
import os
import resource
import select
import signal
import sys
import threading
import time
from collections.abc import Collection
from contextlib import suppress

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
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            total += process.memory_info().rss
    return total
