"""What a report costs: wall-clock and processor seconds of each cell and of each analysis.

Processor time is that of the kernel and of everything it has started, an engine's own process
included; what runs on other machines of a cluster is not in it. The executing process measures
the cells. The kernel measures the analyses, which it alone sees begin and end, and writes each
down as it ends, so that a kernel that is killed loses no line.
"""

from __future__ import annotations

import csv
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from analysis.reporting.execution.kernel import descendants
from analysis.reporting.store.run_record import Cost

if TYPE_CHECKING:
    from cProfile import Profile

#: Environment variables of a kernel: the file that it writes its analyses to, and that for the
#: profile of its functions, if one is wanted.
ANALYSES, PROFILE = "ANALYSIS_COSTS", "ANALYSIS_PROFILE"

#: Columns of a profile, and how many rows it has.
COLUMNS = ("function", "file", "line", "calls", "seconds", "with_called")
SLOWEST = 100


class Meter:
    """Reads two clocks: that on the wall, and that of all processors a family has used."""

    def __init__(self, cpu: Callable[[], float]) -> None:
        self._cpu = cpu
        self._began = time.perf_counter(), cpu()

    def cost(self, name: str) -> Cost:
        """Return what has been used since the beginning."""
        seconds, cpu = time.perf_counter() - self._began[0], self._cpu() - self._began[1]
        return Cost(name, round(seconds, 3), round(max(cpu, 0.0), 3))


class CellMeter:
    """Measures cells as nbclient tells of their beginning and end."""

    def __init__(self) -> None:
        self.costs: list[Cost] = []
        self._meter: Meter | None = None

    def starts(self) -> None:
        """Take the time before a cell."""
        self._meter = Meter(lambda: of_family(own=False))

    def ends(self, cell: Mapping[str, Any], cell_index: int, execute_reply: Any) -> None:  # noqa: ARG002
        """Take the time after a cell; nbclient calls this with these very keywords."""
        if self._meter is not None:
            self.costs.append(self._meter.cost(label("".join(cell["source"]))))
            self._meter = None


def label(code: str) -> str:
    """Return the first line of a cell that does something."""
    lines = (line.strip() for line in code.splitlines())
    return next((line for line in lines if line and not line.startswith("#")), "")[:120]


def of_family(*, own: bool = True) -> float:
    """Return the processor seconds of all that this process has started and of its ``own``."""
    seconds = 0.0
    for pid in [os.getpid()] * own + descendants():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            seconds += sum(psutil.Process(pid).cpu_times()[:4])
    return seconds


@contextmanager
def measured(name: str) -> Iterator[None]:
    """Write down what is used meanwhile, where the environment names a file for it."""
    path = os.environ.get(ANALYSES)
    if not path:
        yield
        return
    meter = Meter(of_family)
    try:
        yield
    finally:
        cost = meter.cost(name)
        line = json.dumps([cost.name, cost.seconds, cost.cpu_seconds])
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def read_analyses(path: Path) -> tuple[Cost, ...]:
    """Return what a kernel has written down, in the order in which it ended; none is no error."""
    if not path.is_file():
        return ()
    lines = path.read_text("utf-8").split("\n")[:-1]  # one that was not finished is passed over
    return tuple(Cost(*json.loads(line)) for line in lines)


def profile_cells() -> None:
    """Count the time of this notebook's cells by function, where the environment asks for it.

    The table is written after each cell, for a kernel is not waited for when it ends.
    """
    path = os.environ.get(PROFILE)
    if not path:
        return
    from cProfile import Profile

    from IPython import get_ipython

    profile = Profile(time.process_time)  # a busy machine takes longer, and uses no more

    def write(*_: object) -> None:
        profile.disable()
        with Path(path).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([COLUMNS, *slowest(profile)])
        profile.enable()

    get_ipython().events.register("post_run_cell", write)
    profile.enable()


def slowest(profile: Profile) -> list[tuple[str, str, int, int, float, float]]:
    """Return the slowest functions of a profile by their own time.

    Of each: its name, the file and the line where it is, how often it was called, its seconds in
    itself and those with all that it calls.
    """
    from pstats import Stats

    stats: Any = Stats(profile)
    rows = [
        (name, _short(file), line, calls, round(own, 4), round(total, 4))
        for (file, line, name), (_, calls, own, total, _) in stats.stats.items()
    ]
    return sorted(rows, key=lambda row: (-row[4], row))[:SLOWEST]


def _short(file: str) -> str:
    """Return the last folders of a path, which say what it is and not whose machine it was on."""
    return "/".join(Path(file).parts[-3:])
