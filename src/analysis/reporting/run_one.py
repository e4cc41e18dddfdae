"""Execute one notebook: stateless, bounded in time, and silent only when all is well.

Everything comes in as a `Job` and goes out as files in the run folder, so that any scheduler may
call ``analysis run-one``. What is refused before anything runs is in `parameters`; what is
refused afterwards, and the kernel, in `execution`.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from analysis.errors import ParamsError
from analysis.reporting import execution
from analysis.reporting.layout import RunFolder
from analysis.reporting.outcomes import Ending, Limits, explain
from analysis.reporting.parameters import check_injection, read_parameters
from analysis.reporting.processes import Watch, adopt_orphans
from analysis.reporting.status import Status
from analysis.reporting.workspace import ROOT, STAGING


@dataclass(frozen=True)
class Job:
    """One notebook to execute.

    Parameters
    ----------
    report
        Name of the report: the notebook's file name without its suffix.
    root
        Project root; the notebook is in its ``notebooks/``.
    parameters
        What to inject into the parameters cell.
    folder
        Run folder to write to.
    limits
        Time limits.
    lifeline
        File descriptor of a pipe whose other end the runner holds, if one does.
    """

    report: str
    root: Path
    parameters: Mapping[str, Any]
    folder: RunFolder
    limits: Limits = field(default_factory=Limits)
    lifeline: int | None = None

    @property
    def notebook(self) -> Path:
        """The notebook's file."""
        return self.root / "notebooks" / f"{self.report}.ipynb"


def run_one(job: Job, *, say: Callable[[str], None] = print) -> Status:
    """Execute a notebook and write its status, and on success the executed notebook.

    When it does not end well, its tables and findings are taken away: half of a report must not
    be published.

    Parameters
    ----------
    job
        What to execute.
    say
        Called with a line of progress as each code cell starts.

    Returns
    -------
    Status
        ``done``, ``failed`` or ``not_applicable``; the same is in ``status/<report>.json``.
    """
    began = time.perf_counter()
    adopt_orphans()
    watch = Watch(limit_seconds=job.limits.notebook_seconds, lifeline=job.lifeline)
    progress = execution.Progress(job.report, 0, say)
    warnings: tuple[str, ...] = ()
    watch.start()
    try:
        progress = execution.Progress(job.report, _cells_to_run(job), say)
        warnings = _execute(job, progress)
        ending = Ending("done")
    except Exception as error:
        job.folder.discard(job.report)
        ending = explain(error, limits=job.limits, cells=progress.cells, expired=watch.expired)
    finally:
        peak = watch.end()
    status = Status(
        job.report,
        **asdict(ending),
        seconds=round(time.perf_counter() - began, 2),
        peak_memory_mb=round(peak, 1),
        cells=progress.cells,
        warnings=warnings,
    )
    status.write(job.folder.status(job.report))
    return status


def _cells_to_run(job: Job) -> int:
    """Return how many cells will run; ParamsError for what Papermill would only warn about."""
    name = job.notebook.name
    if re.search(r"[{}]", str(job.notebook.resolve())):
        raise ParamsError(f"{job.notebook}: braces in a path would be read as a format; rename it")
    try:
        notebook = json.loads(job.notebook.read_text("utf-8"))
    except FileNotFoundError:
        raise ParamsError(f"There is no notebook {name} in {job.notebook.parent}") from None
    except ValueError as error:
        raise ParamsError(f"{name} is not a readable notebook: {error}") from None
    kernel = notebook.get("metadata", {}).get("kernelspec", {}).get("name")
    if kernel != execution.KERNEL:
        raise ParamsError(f"{name} names the kernel {kernel}; reports run in {execution.KERNEL}")
    check_injection(read_parameters(notebook, name=name), job.parameters, name=name)
    return sum(map(execution.is_run, notebook["cells"]))


def _execute(job: Job, progress: execution.Progress) -> tuple[str, ...]:
    """Execute and save the notebook; return what it wrote to standard error."""
    place = {STAGING: str(job.folder.path.resolve()), ROOT: str(job.root.resolve())}
    with execution.environment(place):
        executed = execution.execute(
            job.notebook,
            job.parameters,
            cell_seconds=job.limits.cell_seconds,
            progress=progress,
        )
    execution.save(executed, job.folder.notebook(job.report), job.parameters)
    return execution.standard_error(executed)
