"""The files of a run and of a study's runs: the one place that knows their names.

``reports/<study>/<run_id>/`` holds ``index.html``, a page, a notebook and a status a report,
``tables/<report>/``, ``lists/<report>/``, ``findings/<report>.json``, ``params.json`` and
``run.json``. It is written as ``.staging-<run_id>`` beside and renamed when it is complete. Where
a notebook finds the folder it writes to is `workspace`'s matter.

Where a report's files are written, and where another report's tables are found.

A run sets ``ANALYSIS_STAGING``, and everything lands in that directory until the run publishes
it. An analyst in JupyterLab has no run: the files land in ``reports/<study>/draft``, which
no published run ever reads.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.errors import AnalysisError, ParamsError
from analysis.project import find_root

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

    @property
    def alerts(self) -> Path:
        """What somebody was to be told after it."""
        return self.path / "alerts.json"

    @property
    def mail(self) -> Path:
        """Its e-mail edition, without recipients."""
        return self.path / "summary.eml"

    @property
    def shared(self) -> Path:
        """What its reports compute alike, once; gone before it is published."""
        return self.path / ".shared"

    def page(self, report: str) -> Path:
        """Return the page of a report."""
        return self.path / f"{report}.html"

    def notebook(self, report: str) -> Path:
        """Return the executed notebook of a report."""
        return self.path / "notebooks" / f"{report}.ipynb"

    def status(self, report: str) -> Path:
        """Return how the execution of a report went."""
        return self.path / "status" / f"{report}.json"

    def analyses(self, report: str) -> Path:
        """Return what a report's kernel writes down of the time of its analyses."""
        return self.path / "status" / f".{report}.costs"

    def profile(self, report: str) -> Path:
        """Return the table of a report's slowest functions, where one was asked for."""
        return self.path / "profile" / f"{report}.csv"

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


#: Directory of a run that has not been published yet; set by the runner.
STAGING = "ANALYSIS_STAGING"


#: Directory of an analyst's own files, beside the published runs.
DRAFT = "draft"

#: Name of the link to the latest run.
LATEST = "latest"

#: Folders of a run that hold result tables: those to publish, and those that name customers.
TABLES, LISTS = "tables", "lists"

_NAME = re.compile(r"[a-z0-9][a-z0-9_]*")


def log_path(root: Path, study: str) -> Path:
    """Return where people write down what was decided on a study."""
    return root / "decisions" / f"{study}.yaml"


def checked_name(name: str) -> str:
    """Return ``name`` if it may name a file; ParamsError otherwise."""
    if not _NAME.fullmatch(name):
        raise ParamsError(f"{name!r} cannot be a name: use small letters, digits and underscores")
    return name


@dataclass(frozen=True)
class Workspace:
    """The directories one report reads and writes.

    Parameters
    ----------
    directory
        Where this report's files go: the run's staging directory, or the draft.
    published
        Directory of the study's published runs.
    staged
        Whether ``directory`` belongs to a run.
    """

    directory: Path
    published: Path
    staged: bool

    @classmethod
    def find(cls, study: str, root: Path | None = None) -> Workspace:
        """Return the workspace of ``study``, from the environment and the working directory."""
        published = (root or find_root()) / "reports" / checked_name(study)
        if staging := os.environ.get(STAGING):
            return cls(Path(staging).resolve(), published, staged=True)
        return cls(published / DRAFT, published, staged=False)

    def table(self, report: str, name: str, room: str = TABLES) -> Path:
        """Return where the table ``name`` of ``report`` is written, without its suffix."""
        return self.directory / room / checked_name(report) / checked_name(name)

    def findings(self, report: str) -> Path:
        """Return where the findings of ``report`` are written."""
        return self.directory / "findings" / f"{checked_name(report)}.json"

    def find_table(self, reference: str) -> Path:
        """Return the Parquet file of ``"report/table"``: this run's, else the latest run's.

        AnalysisError, naming the report to run, where no run has made it.
        """
        report = reference.partition("/")[0]
        for directory in (self.directory, *self.runs()):
            if found := stored_table(directory, reference):
                return found
        raise AnalysisError(
            f"{reference} is needed and no run has made it yet; "
            f"run `analysis run {self.published.name} --only {report}` first"
        )

    def wanted_table(self, reference: str) -> Path | None:
        """Return the Parquet file of a table that may be absent.

        In a run only this run's own counts, lest a report that could not be made this time speak
        from long ago; outside of one, the latest run's.
        """
        places = (self.directory,) if self.staged else (self.directory, *self.runs())
        found = (stored_table(directory, reference) for directory in places)
        return next(filter(None, found), None)

    def runs(self) -> list[Path]:
        """Return the study's published runs, the latest first."""
        return published_runs(self.published)


def stored_table(directory: Path, reference: str) -> Path | None:
    """Return the Parquet file of ``"report/table"`` below a run's directory; None if not there."""
    report, _, name = reference.partition("/")
    for room in (TABLES, LISTS):
        path = directory / room / checked_name(report) / f"{checked_name(name)}.parquet"
        if path.is_file():
            return path
    return None


def published_runs(study_directory: Path) -> list[Path]:
    """Return the published runs below a study's directory, the latest first.

    They are ordered by what their run.json holds, the number of the run and the time it started,
    not by a clock or a folder's name. One of which this cannot be read any more stands where its
    name puts it. Links to runs and whatever has no run.json are not runs.
    """
    if not study_directory.is_dir():
        return []
    found = [
        folder
        for folder in study_directory.iterdir()
        if not folder.name.startswith(".")
        and folder.name not in (DRAFT, LATEST)
        and not folder.is_symlink()
        and os.path.lexists(folder / "run.json")
    ]
    places = {run: place_in_order(run) for run in found}
    return sorted(found, key=lambda run: (*_placed(run, places), run.name), reverse=True)


def place_in_order(run: Path) -> tuple[int, float] | None:
    """Return what runs are ordered by: the run's number, and the time it started.

    Runs of before runs were numbered have the number 0. None if run.json is damaged.
    """
    try:
        content = json.loads((run / "run.json").read_text("utf-8"))
        started = datetime.fromisoformat(content["started"]).timestamp()
        return int(content.get("number", 0)), started
    except (OSError, ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return None
    except RecursionError:
        return None


def _placed(run: Path, places: Mapping[Path, tuple[int, float] | None]) -> tuple[int, float]:
    """Return the place of a run, of a damaged one that behind the run its name follows."""
    if place := places[run]:
        return place
    before = (place[0] for other, place in places.items() if place and other.name < run.name)
    try:
        started = datetime.strptime(run.name[:18], "%Y-%m-%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return max(before, default=0), 0.0
    return max(before, default=0), started.timestamp()
