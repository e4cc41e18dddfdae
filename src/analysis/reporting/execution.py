"""Execute a checked notebook by Papermill, in a kernel and an environment of its own.

Papermill counts a notebook as executed when it stopped half-way without an exception, and writes
its progress into the notebook; both are mended here.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from analysis.errors import AnalysisError
from analysis.reporting import isolation
from analysis.reporting import parameters as cells
from analysis.reporting.atomic import write_text
from analysis.reporting.startup import skip_address_grammar

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
        self._report = report
        self._total = total
        self._say = say

    def cell_starts(self, cell: Mapping[str, Any], cell_index: int) -> None:  # noqa: ARG002
        """Count a cell; nbclient calls this with these very keywords."""
        if is_run(cell):
            self.cells += 1
            self._say(f"{self._report} cell {self.cells}/{self._total}")


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
    libraries = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB_MAXIMUM")
    wanted = {
        **extra,
        **{f"{library}_NUM_THREADS": "1" for library in libraries},
        "PYTHONHASHSEED": "0",
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

    from analysis.reporting.kernel import manager_class

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
