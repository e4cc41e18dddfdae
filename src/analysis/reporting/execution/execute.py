"""Execute one notebook: stateless, bounded in time, and silent only when all is well.

Everything comes in as a `Job` and goes out as files in the run folder, so that any scheduler may
call ``analysis run-one``. What is refused before anything runs is in `parameters`; what a failure
means, in `failures`.

Papermill executes the notebook, in a kernel and an environment of its own. It counts a notebook as
executed when it stopped half-way without an exception, and writes its progress into the notebook;
both are mended here.
"""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from analysis.errors import AnalysisError, ParamsError
from analysis.project import ROOT, THREADS
from analysis.reporting.execution import isolation
from analysis.reporting.execution import parameters as cells
from analysis.reporting.execution.cell_costs import ANALYSES, PROFILE, CellMeter, read_analyses
from analysis.reporting.execution.failures import Ending, Limits, explain
from analysis.reporting.execution.isolation import ending_of
from analysis.reporting.execution.kernel import FIXED, Watch, adopt_orphans, manager_class
from analysis.reporting.execution.parameters import check_injection, read_parameters
from analysis.reporting.store.atomic import write_text
from analysis.reporting.store.layout import STAGING, RunFolder
from analysis.reporting.store.run_record import Status


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
    profile
        Write a table of the slowest functions.
    threads
        Threads of the engine, where the study does not say.
    """

    report: str
    root: Path
    parameters: Mapping[str, Any]
    folder: RunFolder
    limits: Limits = field(default_factory=Limits)
    lifeline: int | None = None
    profile: bool = False
    threads: int | None = None

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
    progress = Progress(job.report, 0, say)
    watch.start()
    try:
        notebook = checked_notebook(job.notebook, job.parameters)
        progress = Progress(job.report, sum(map(is_run, notebook["cells"])), say)
        ending = _execute(job, progress)
        if ending.status == "failed":
            job.folder.discard(job.report)
    except Exception as error:
        job.folder.discard(job.report)
        ending = explain(error, limits=job.limits, cells=progress.cells, expired=watch.expired)
    finally:
        analyses = read_analyses(job.folder.analyses(job.report))
        job.folder.analyses(job.report).unlink(missing_ok=True)
        peak = watch.end()
    status = Status(
        job.report,
        **asdict(ending),
        seconds=round(time.perf_counter() - began, 2),
        peak_memory_mb=round(peak, 1),
        cells=progress.cells,
        cpu_seconds=round(_used(), 2),
        costs=tuple(progress.meter.costs),
        analyses=analyses,
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
    if kernel != KERNEL:
        raise ParamsError(f"{path.name}: its kernel is {kernel}, but reports run in {KERNEL}")
    check_injection(read_parameters(notebook, name=path.name), parameters, name=path.name)
    return notebook


def _execute(job: Job, progress: Progress) -> Ending:
    job.folder.status(job.report).parent.mkdir(parents=True, exist_ok=True)
    place = {
        STAGING: str(job.folder.path.resolve()),
        ROOT: str(job.root.resolve()),
        ANALYSES: str(job.folder.analyses(job.report).resolve()),
        **({THREADS: str(job.threads)} if job.threads else {}),
    }
    if job.profile:
        job.folder.profile(job.report).parent.mkdir(parents=True, exist_ok=True)
        place[PROFILE] = str(job.folder.profile(job.report).resolve())
    with environment(place, beside=job.folder.path.resolve()):
        executed = _with_kernel(job, progress)
    save(executed, job.folder.notebook(job.report), job.parameters)
    return ending_of(executed.cells)


#: What Jupyter says of a kernel that does not answer or has ended at once.
_KERNEL_START = re.compile("Kernel died before replying|Kernel didn't respond")

#: How often a kernel may fail to start. Its ports are chosen before it opens them, and somebody
#: else may have taken one by then; what has not run a cell can be started again.
_STARTS = 3


def _with_kernel(job: Job, progress: Progress) -> Any:
    """Execute the notebook, anew if its kernel did not come as far as the first cell."""
    for start in range(1, _STARTS + 1):
        try:
            return execute(
                job.notebook,
                job.parameters,
                cell_seconds=job.limits.cell_seconds,
                progress=progress,
            )
        except RuntimeError as error:
            if progress.cells or start == _STARTS or not _KERNEL_START.search(str(error)):
                raise
    raise AssertionError("the last start either returns or raises")


def _used() -> float:
    """Return the processor seconds of this process and of all that it has started and ended."""
    own, ended = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime


KERNEL = "python3"

#: The folders in front of a file's name, as warnings name the code that they come from; of a
#: cell's own code, the name as well, which is another in every process.
_FOLDERS = re.compile(r"(?<![\w.])/(?:[^\s/:\"']+/)+(\d+\.py)?")


def is_run(cell: Mapping[str, Any]) -> bool:
    """Tell whether executing the notebook means executing this cell of it."""
    written = cell["cell_type"] == "code" and bool(cells.source(cell).strip())
    return written and "injected-parameters" not in cells.tags(cell)


class Progress:
    """How far the execution is, said aloud as each code cell starts.

    Parameters
    ----------
    report
        Name of the report.
    total
        Code cells to run.
    say
        Called with ``03_deciles cell 4/21``.
    """

    def __init__(self, report: str, total: int, say: Callable[[str], None]) -> None:
        self.cells = 0
        self.meter = CellMeter()
        self._report = report
        self._total = total
        self._say = say

    def cell_starts(self, cell: Mapping[str, Any], cell_index: int) -> None:  # noqa: ARG002
        """Count a cell; nbclient calls this with these very keywords."""
        if is_run(cell):
            self.cells += 1
            self._say(f"{self._report} cell {self.cells}/{self._total}")
            self.meter.starts()


@contextmanager
def environment(extra: Mapping[str, str], *, beside: Path) -> Iterator[None]:
    """Set what the kernel must find in its environment, and take it away again.

    Beside ``extra``: one thread a linear-algebra library, because reports run side by side; a
    fixed hash seed, so that sets have the same order in every run; and configuration folders of
    its own, below ``beside``, so that a user's start-up files change nothing and what a killed
    kernel leaves goes away with the run folder.
    """
    beside.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".kernel-", dir=beside))
    wanted = {
        **extra,
        **FIXED,
        "IPYTHONDIR": str(scratch / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(scratch / "runtime"),
    }
    before = dict(os.environ)
    os.environ.update(wanted)
    try:
        yield
    finally:
        for key in wanted:
            os.environ.pop(key)
            os.environ.update({key: before[key]} if key in before else {})
        shutil.rmtree(scratch, ignore_errors=True)


def execute(
    notebook: Path, parameters: Mapping[str, Any], *, cell_seconds: int, progress: Progress
) -> Any:
    """Return the executed notebook; errors of Papermill and nbclient pass through.

    Papermill is given no path to write to: it would write the notebook before and after every
    cell, and leave one that looks complete when the kernel dies.

    Raises
    ------
    AnalysisError
        If a cell was lost: not executed though nothing it needs had failed, or ended the notebook
        without an exception. An exception that fails its section alone is in the cell's metadata
        (see `isolation`); what was written to standard error, where warnings go, is kept.
    """
    skip_address_grammar()
    import papermill

    executed = papermill.execute_notebook(
        re.sub(r"[{}]", r"\g<0>\g<0>", str(notebook.resolve())),  # Papermill formats paths
        None,
        dict(parameters),
        engine_name=isolation.engine(),
        kernel_name=KERNEL,
        language="python",
        cwd=str(notebook.parent.resolve()),
        progress_bar=False,
        execution_timeout=cell_seconds,
        kernel_manager_class=manager_class(),
        iopub_timeout=60,  # a busy machine may take longer than the usual 4 s to hand over output
        coalesce_streams=True,
        record_timing=False,
        on_cell_start=progress.cell_starts,
        on_cell_executed=progress.meter.ends,
    )
    code = [cell for cell in executed.cells if is_run(cell)]
    for number, cell in enumerate(code, start=1):
        if isolation.loss_of(cell) is None:
            _check_ran(cell, f"Code cell {number} of {len(code)}")
    return executed


def _check_ran(cell: Any, name: str) -> None:
    ended = any(output.output_type == "error" for output in cell.outputs)
    if ended or cell.execution_count is None:
        raise AnalysisError(
            f"{name} ended the notebook or did not run; every cell must run to its end"
        )


def save(executed: Any, path: Path, parameters: Mapping[str, Any]) -> None:
    """Write the executed notebook, without Papermill's notes and machine paths in warnings.

    Papermill writes text outside ASCII into the injected cell as escapes; it is written anew.
    """
    import nbformat

    for cell in executed.cells:
        cell.metadata.pop("papermill", None)
        if "injected-parameters" in cells.tags(cell):
            cell.source = cells.injected_source(parameters)
        for output in cell.get("outputs", ()):
            if output.output_type == "stream" and output.name == "stderr":
                output.text = _FOLDERS.sub(lambda m: "cell" if m[1] else "", output.text)
    executed.metadata.pop("papermill", None)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, nbformat.writes(executed) + "\n")


def skip_address_grammar() -> None:
    """Have jsonschema do without the grammar of internationalised addresses.

    jsonschema builds it on import (1.2 s) where the optional ``rfc3987_syntax`` is installed, to
    check a format that the notebook schema does not use. A None in ``sys.modules`` makes that
    import fail as if it were not installed. Call it before the first import of nbformat, in a
    process that only executes or renders notebooks.
    """
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
