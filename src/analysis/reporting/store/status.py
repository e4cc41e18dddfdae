"""How the execution of one report went."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from analysis.reporting.store.atomic import write_json
from analysis.reporting.store.seals import read_record

#: ``done`` ran, ``cached`` was copied from a run with equal inputs, ``incomplete`` is published
#: without the sections that failed, ``failed`` has a reason and mostly a traceback,
#: ``not_applicable`` lacks data, ``left_out`` was not asked for.
Outcome = Literal["done", "cached", "incomplete", "failed", "not_applicable", "left_out"]


@dataclass(frozen=True)
class Cost:
    """What something took: wall-clock seconds, and seconds of all processors together."""

    name: str
    seconds: float
    cpu_seconds: float


@dataclass(frozen=True)
class Status:
    """How the execution of one report went.

    Parameters
    ----------
    report
        Name of the report, such as ``03_deciles``.
    status
        The outcome; see ``Outcome``.
    reason
        One sentence saying why it is not done; empty when it is.
    traceback
        Where the notebook failed, without colour codes; empty if it did not.
    seconds
        Wall-clock seconds from the start of its process to its end.
    peak_memory_mb
        Largest memory of the kernel and what it started, in megabytes.
    cells
        Code cells that ran.
    cpu_seconds
        Seconds of processors, the kernel's start and all that it started included.
    costs
        What each code cell took, in order.
    analyses
        What each analysis took, by the name that the notebook calls it, and each result to show.
    """

    report: str
    status: Outcome
    reason: str = ""
    traceback: str = ""
    seconds: float = 0.0
    peak_memory_mb: float = 0.0
    cells: int = 0
    cpu_seconds: float = 0.0
    costs: tuple[Cost, ...] = ()
    analyses: tuple[Cost, ...] = ()

    @property
    def good(self) -> bool:
        """All results are there to be read."""
        return self.status in ("done", "cached")

    @property
    def shown(self) -> bool:
        """There are results to read, be it without some sections."""
        return self.good or self.status == "incomplete"

    @property
    def exit_code(self) -> int:
        """What the process that executed it ends with."""
        return 1 if self.status in ("failed", "incomplete") else 0

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, asdict(self))

    @classmethod
    def read(cls, path: Path) -> Status:
        """Read what ``write`` wrote; AnalysisError if it is missing or damaged."""
        return read_record(cls, path, "the status of a report")
