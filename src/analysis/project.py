"""Where the project is whose studies, notebooks and reports a command works on."""

from __future__ import annotations

import os
from pathlib import Path

from analysis.errors import AnalysisError

#: Root of the project, where it is not a parent of the working directory.
ROOT = "ANALYSIS_ROOT"

#: Threads of the engine where the study does not say: the share of a report that others run beside.
THREADS = "ANALYSIS_THREADS"


def find_root(start: Path | None = None) -> Path:
    """Return the project's root: the nearest directory upwards with params/ and notebooks/.

    The environment variable ``ANALYSIS_ROOT`` goes before. AnalysisError if there is none.
    """
    if named := os.environ.get(ROOT):
        return Path(named).resolve()
    here = (start or Path.cwd()).resolve()
    for directory in (here, *here.parents):
        if (directory / "params").is_dir() and (directory / "notebooks").is_dir():
            return directory
    raise AnalysisError(
        f"No project here: neither {here} nor a directory above it has params/ and notebooks/. "
        f"Start from inside the project or set {ROOT}."
    )
