"""The files of a run and of a study's runs: the one place that knows their names.

``reports/<study>/<run_id>/`` holds ``index.html``, a page, a notebook and a status a report,
``tables/<report>/``, ``lists/<report>/``, ``findings/<report>.json``, ``params.json`` and
``run.json``. It is written as ``.staging-<run_id>`` beside and renamed when it is complete. Where
a notebook finds the folder it writes to is `workspace`'s matter.
"""

from __future__ import annotations

import itertools
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.reporting.workspace import LATEST, LISTS, TABLES, published_runs, stored_table

if TYPE_CHECKING:
    from analysis.params import StudyParams
    from analysis.tables.engine import EngineSettings

#: What the name of a run folder starts with until it is published.
STAGED = ".staging-"


@dataclass(frozen=True)
class RunFolder:
    """The files of one run, published or still staged."""

    path: Path

    @property
    def run_id(self) -> str:
        """The run's name, also while it is staged."""
        return self.path.name.removeprefix(STAGED)

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
        return self.path / TABLES / report

    def lists(self, report: str) -> Path:
        """Return the directory with those result tables of a report that name customers."""
        return self.path / LISTS / report

    def stored(self, reference: str) -> Path | None:
        """Return the Parquet file of the table ``"report/table"``, None if it was not made."""
        return stored_table(self.path, reference)

    def results(self, report: str) -> list[Path]:
        """Return the files of all result tables of a report."""
        rooms = (self.tables(report), self.lists(report))
        return sorted(path for room in rooms for path in room.rglob("*") if path.is_file())

    def files(self, report: str) -> list[Path]:
        """Return every file that a report has."""
        single = (
            self.notebook(report),
            self.page(report),
            self.findings(report),
            self.status(report),
        )
        return [*(path for path in single if path.is_file()), *self.results(report)]

    def discard(self, report: str) -> None:
        """Remove what a report has written so far, its status excepted."""
        self.notebook(report).unlink(missing_ok=True)
        self.findings(report).unlink(missing_ok=True)
        for room in (self.tables(report), self.lists(report)):
            shutil.rmtree(room, ignore_errors=True)


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
        return self.path / LATEST

    def run(self, run_id: str) -> RunFolder:
        """Return the published folder of a run."""
        return RunFolder(self.path / run_id)

    def staging(self, run_id: str) -> RunFolder:
        """Return the folder that a run is written to before it is published."""
        return RunFolder(self.path / f"{STAGED}{run_id}")

    def runs(self) -> list[RunFolder]:
        """Return the published runs, newest first."""
        return [RunFolder(path) for path in published_runs(self.path)]

    def leftovers(self) -> list[Path]:
        """Return what runs that died left behind."""
        return sorted(self.path.glob(f"{STAGED}*"))

    def free_run_id(self, stamp: str) -> str:
        """Return ``stamp``, with a suffix if a run of that second exists already."""
        numbered = (f"{stamp}-{n:02}" for n in itertools.count(2))
        return next(
            name
            for name in itertools.chain([stamp], numbered)
            if not os.path.lexists(self.path / name)
        )


def staged_params(folder: RunFolder) -> StudyParams | None:
    """Return the resolved params that a run has put into its folder, if one has."""
    if not folder.params_json.is_file():
        return None
    from analysis.params import StudyParams

    return StudyParams.model_validate_json(folder.params_json.read_text("utf-8"))


def publishes_customers(*, writes_to: Path) -> bool:
    """Return whether a run's params ask for tables of single customers among its downloads."""
    staged = staged_params(RunFolder(writes_to))
    return staged is not None and staged.publish == "customers"


def engine_of(study: str, *, writes_to: Path, root: Path) -> EngineSettings:
    """Return the engine that a study's tables are opened in.

    Parameters
    ----------
    study
        Key of the study.
    writes_to
        Folder that the report writes to: a run's, with its resolved params, or the draft.
    root
        Project root, whose params count outside a run.
    """
    from analysis import params

    staged = staged_params(RunFolder(writes_to))
    return staged.engine_settings() if staged else params.engine_of(study, root=root)
