"""Execute one notebook: stateless, bounded in time, and silent only when all is well.

Everything comes in as a `Job` and goes out as files in the run folder, so that any scheduler may
call ``analysis run-one``. What is refused before anything runs is in `parameters`; what is
refused afterwards, and the kernel, in `execution`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.errors import ParamsError
from analysis.reporting import execution
from analysis.reporting.isolation import ending_of
from analysis.reporting.layout import RunFolder
from analysis.reporting.outcomes import Ending, Limits, explain
from analysis.reporting.parameters import check_injection, read_parameters
from analysis.reporting.processes import Watch, adopt_orphans
from analysis.reporting.status import Status
from analysis.reporting.workspace import ROOT, STAGING

if TYPE_CHECKING:
    pass


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

    When it fails, its tables and findings are taken away: half of a report must not be published.
    A section that failed is half of nothing; see `isolation`.

    Parameters
    ----------
    job
        What to execute.
    say
        Called with a line of progress as each code cell starts.

    Returns
    -------
    Status
        ``done``, ``incomplete``, ``failed`` or ``not_applicable``; the same is in
        ``status/<report>.json``.
    """
    began = time.perf_counter()
    adopt_orphans()
    watch = Watch(limit_seconds=job.limits.notebook_seconds, lifeline=job.lifeline)
    progress = execution.Progress(job.report, 0, say)
    watch.start()
    try:
        notebook = checked_notebook(job.notebook, job.parameters)
        progress = execution.Progress(
            job.report, sum(map(execution.is_run, notebook["cells"])), say
        )
        ending = _execute(job, progress)
        if ending.status == "failed":
            job.folder.discard(job.report)
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
    )
    status.write(job.folder.status(job.report))
    return status


def checked_notebook(path: Path, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the notebook at ``path`` as JSON if it can be executed with ``parameters``.

    ParamsError for everything that Papermill would only warn about or stumble over.
    """
    try:
        notebook = json.loads(path.read_text("utf-8"))
        kernel = notebook["metadata"].get("kernelspec", {}).get("name")
    except FileNotFoundError:
        raise ParamsError(f"There is no notebook {path.name} in {path.parent}") from None
    except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise ParamsError(f"{path.name} is not a readable notebook: {error}") from None
    if kernel != execution.KERNEL:
        raise ParamsError(
            f"{path.name}: its kernel is {kernel}, but reports run in {execution.KERNEL}"
        )
    check_injection(read_parameters(notebook, name=path.name), parameters, name=path.name)
    return notebook


def _execute(job: Job, progress: execution.Progress) -> Ending:
    place = {STAGING: str(job.folder.path.resolve()), ROOT: str(job.root.resolve())}
    with execution.environment(place, beside=job.folder.path.resolve()):
        executed = execution.execute(
            job.notebook,
            job.parameters,
            cell_seconds=job.limits.cell_seconds,
            progress=progress,
        )
    execution.save(executed, job.folder.notebook(job.report), job.parameters)
    return ending_of(executed.cells)
