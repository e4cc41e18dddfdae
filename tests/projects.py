"""Whole projects in a temporary directory: the tiny shop with notebooks of a few cells."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

from analysis import params
from analysis.reporting.execution.failures import Limits
from analysis.reporting.runner.run import Request, run_study
from analysis.reporting.store.layout import RunFolder, StudyReports
from analysis.reporting.store.run_record import RunRecord, Status
from tests import forked
from tests.tiny import Journey

PARAMETERS = """\
study: str = "complete_journey"  # study whose canonical tables are read
as_of: str = "2018-01-01"  # everything before this day is known
seed: int = 20171231  # seed of everything random"""

#: How long a test waits for what takes a second or two where nothing else runs: it is there to end
#: what hangs, and must not be what a busy machine fails by.
SECONDS = 900

PATIENT = Limits(cell_seconds=SECONDS, notebook_seconds=SECONDS)

#: The fewest draws that reports take: for what does not depend on how sure they are.
FEW_DRAWS = (
    "reports.02_segmentation.resamples=20",
    "reports.03_deciles.bootstrap=200",
    "reports.05_baskets.shuffles=19",
    "reports.06_promotions.resamples=200",
    "reports.07_value.draws=50",
    "reports.09_loyalty.draws=99",
    "reports.11_channels.bootstrap=100",
)

#: The least that reports compute with: for what only asks that they end.
LEAST = (*FEW_DRAWS, "reports.02_segmentation.most_clusters=3", "reports.04_forecast.origins=5")

#: The least that a report does: a title, a table, a finding.
REPORT = """\
import pandas as pd

from analysis.reporting import open_report

report = open_report("{report}", study=study, as_of=as_of, seed=seed)
lines = report.tables.order_lines
counts = pd.DataFrame({{"lines": [int(lines.count().execute())], "seed": [seed]}})
report.title("A few lines")
report.table(counts, name="counts")
report.finding(key="lines", sentence="order lines were read.", value=counts["lines"][0])"""


def notebook(
    report: str,
    cells: Sequence[str] = (REPORT,),
    *,
    parameters: str | None = PARAMETERS,
    requires: Sequence[str] = ("order_lines",),
    needs: Sequence[str] = (),
    **metadata: Any,
) -> dict[str, Any]:
    """Return a notebook whose code cells are ``cells``, behind a parameters cell."""
    title = {"cell_type": "markdown", "source": f"# {report}\n\nHow much?\n\nIt decides nothing."}
    made = [title]
    if parameters is not None:
        made.append({**_code(parameters), "metadata": {"tags": ["parameters"]}})
    made += [_code(text.format(report=report) if text is REPORT else text) for text in cells]
    about = {"title": report, "question": "How much?", "requires": [*requires], "needs": [*needs]}
    return {
        "cells": [{"metadata": {}, "id": f"cell-{n}", **cell} for n, cell in enumerate(made)],
        "metadata": {
            "analysis": about,
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            **metadata,
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _code(text: str) -> dict[str, Any]:
    return {"cell_type": "code", "source": text, "outputs": [], "execution_count": None}


@dataclass
class Listener:
    """A console that remembers what it was told."""

    started: list[str] = field(default_factory=list)
    ended: dict[str, Status] = field(default_factory=dict)
    cells: set[tuple[str, int, int]] = field(default_factory=set)
    ingests: int = 0
    noted: list[str] = field(default_factory=list)

    def ingested(self, result: Any) -> None:
        self.ingests += not result.skipped

    def starts(self, report: str) -> None:
        self.started.append(report)

    def goes_on(self, cells: dict[str, tuple[int, int]]) -> None:
        self.cells |= {(report, cell, of) for report, (cell, of) in cells.items()}

    def ends(self, status: Status) -> None:
        self.ended[status.report] = status

    def notes(self, sentence: str) -> None:
        self.noted.append(sentence)


def _clock() -> Callable[[], datetime]:
    """A clock that moves on by a second at each look, from one fixed morning."""
    seconds = itertools.count()
    return lambda: datetime(2026, 11, 21, 6, tzinfo=UTC) + timedelta(seconds=next(seconds))


@dataclass
class Project:
    """A project with the study ``tiny``."""

    journey: Journey
    clock: Callable[[], datetime] = field(default_factory=_clock)

    @property
    def root(self) -> Path:
        return self.journey.root

    @property
    def reports(self) -> StudyReports:
        return StudyReports.of("tiny", root=self.root)

    def add(self, report: str, *cells: str, **options: Any) -> Path:
        """Write a notebook; see ``notebook``."""
        path = self.root / "notebooks" / f"{report}.ipynb"
        path.write_text(json.dumps(notebook(report, cells or (REPORT,), **options)))
        return path

    def request(self, *overrides: str, **options: Any) -> Request:
        """Return the request for a run in this process."""
        loaded = params.load("tiny", overrides, root=self.root)
        options.setdefault("limits", PATIENT)
        return Request(loaded, self.root, self.clock, **options)

    def run(self, *overrides: str, **options: Any) -> tuple[RunRecord, Listener]:
        """Run the study in this process, its notebooks in theirs."""
        listener = Listener()
        return run_study(self.request(*overrides, **options), listener), listener

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command line in the project, in a process of its own."""
        return forked.run(*arguments, cwd=self.root)

    def start(self, *arguments: str) -> forked.Forked:
        """Start the command line in the project, in a process and a session of its own."""
        return forked.Forked(*arguments, cwd=self.root)


def wait_for(condition: Callable[[], Any], *, seconds: float = SECONDS) -> Any:
    """Return what ``condition`` gives once it gives something; fail after ``seconds``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


def family(mark: Path) -> list[psutil.Process]:
    """Return the living processes with ``mark`` in command line, environment or working folder."""
    found = []
    for process in psutil.process_iter():
        try:
            words = [*process.cmdline(), *process.environ().values(), process.cwd()]
            alive = process.status() != psutil.STATUS_ZOMBIE
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        if alive and process.pid != os.getpid() and any(str(mark) in word for word in words):
            found.append(process)
    return found


#: Executes a notebook with parameters that no study's params could hold.
_EXECUTE = """
import json, sys
from pathlib import Path
from analysis.reporting.store.layout import RunFolder
from analysis.reporting.execution.failures import Limits
from analysis.reporting.execution.execute import Job, run_one
job = json.loads(sys.argv[1])
run_one(Job(job["report"], Path(job["root"]), job["parameters"], RunFolder(Path(job["folder"])),
            Limits(**job["limits"])))
"""


#: Has hours pass for the watch over a notebook at the moment at which there is a file.
_HOURS_PASS = """
import time, types
from pathlib import Path
from analysis.reporting.execution import kernel
hours = lambda: time.monotonic() + 36_000 * Path({file!r}).exists()
kernel.time = types.SimpleNamespace(monotonic=hours)
"""


def execute(
    root: Path,
    report: str,
    parameters: dict[str, Any],
    *,
    hours_pass_at: Path | None = None,
    fresh: bool = False,
    **limits: int,
) -> tuple[Status, str]:
    """Execute one notebook of ``root`` in a process of its own; return status and what it said.

    ``fresh``: by a new interpreter, whose kernel is one too; else by forked ones.
    """
    code = _HOURS_PASS.format(file=str(hours_pass_at)) if hours_pass_at else ""
    folder = root / "executed"
    job = {
        "report": report,
        "root": str(root),
        "parameters": parameters,
        "folder": str(folder),
        "limits": {**asdict(PATIENT), **limits},
    }
    words = ["-c", code + _EXECUTE, json.dumps(job)]
    if fresh:
        command = [sys.executable, "-W", "error", *words]
        said = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    else:
        said = forked.run(*words, cwd=Path.cwd())
    assert said.returncode == 0, said.stderr
    return Status.read(RunFolder(folder).status(report)), said.stdout + said.stderr
