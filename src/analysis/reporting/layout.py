"""Where everything of a run lies on disk: the one place that knows the names.

``reports/<study>/<run_id>/`` holds ``index.html``, a page, a notebook and a status a report,
``tables/<report>/``, ``findings/<report>.json`` and ``run.json``. It is written as
``.staging-<run_id>`` beside and renamed when it is complete. The process that executes a
notebook learns its run folder from the environment variable ``ANALYSIS_STAGING``; without it
(in JupyterLab) a report writes to ``reports/<study>/.draft``.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

#: Environment variable with the run folder that the executing notebook writes to.
STAGING_VARIABLE = "ANALYSIS_STAGING"

_RUN_ID = re.compile(r"\d{4}-\d{2}-\d{2}T\d{6}Z(-\d+)?")


@dataclass(frozen=True)
class RunFolder:
    """The files of one run, published or still staged."""

    path: Path

    @property
    def run_json(self) -> Path:
        """What was run, on what, with which outcome."""
        return self.path / "run.json"

    @property
    def params_json(self) -> Path:
        """The resolved params, for the processes that execute the notebooks."""
        return self.path / "params.json"

    @property
    def index(self) -> Path:
        """The run's own index page."""
        return self.path / "index.html"

    def page(self, report: str) -> Path:
        """Return the page of a report."""
        return self.path / f"{report}.html"

    def notebook(self, report: str) -> Path:
        """Return the executed notebook of a report."""
        return self.path / "notebooks" / f"{report}.ipynb"

    def status(self, report: str) -> Path:
        """Return how the execution of a report went."""
        return self.path / "status" / f"{report}.json"

    def findings(self, report: str) -> Path:
        """Return the findings of a report."""
        return self.path / "findings" / f"{report}.json"

    def tables(self, report: str) -> Path:
        """Return the directory with the result tables of a report."""
        return self.path / "tables" / report


@dataclass(frozen=True)
class StudyReports:
    """The directory of all runs of one study."""

    path: Path

    @classmethod
    def of(cls, study: str, *, root: Path) -> StudyReports:
        """Return the directory of a study under the project root."""
        return cls(root / "reports" / study)

    @property
    def lock(self) -> Path:
        """The file that keeps runs from overlapping."""
        return self.path / ".lock"

    @property
    def latest(self) -> Path:
        """The link to the newest run."""
        return self.path / "latest"

    def run(self, run_id: str) -> RunFolder:
        """Return the published folder of a run."""
        return RunFolder(self.path / run_id)

    def staging(self, run_id: str) -> RunFolder:
        """Return the folder that a run is written to before it is published."""
        return RunFolder(self.path / f".staging-{run_id}")

    def runs(self) -> list[RunFolder]:
        """Return the published runs, newest first."""
        if not self.path.is_dir():
            return []
        found = [p for p in self.path.iterdir() if _RUN_ID.fullmatch(p.name) and p.is_dir()]
        return [RunFolder(p) for p in sorted(found, key=_age, reverse=True)]

    def leftovers(self) -> list[Path]:
        """Return what runs that died left behind."""
        if not self.path.is_dir():
            return []
        return sorted(self.path.glob(".staging-*"))

    def free_run_id(self, stamp: str) -> str:
        """Return ``stamp``, with a suffix if a run of that second exists already."""
        taken = {folder.path.name for folder in self.runs()}
        suffixes = ("", *(f"-{n}" for n in range(2, len(taken) + 3)))
        return next(stamp + suffix for suffix in suffixes if stamp + suffix not in taken)


def _age(path: Path) -> tuple[str, int]:
    stamp, _, suffix = path.name.partition("Z")
    return stamp, int(suffix.lstrip("-") or 1)


def staging_from_environment() -> RunFolder | None:
    """Return the run folder that a runner asked this process to write to, if one did."""
    path = os.environ.get(STAGING_VARIABLE)
    return RunFolder(Path(path)) if path else None
