"""Where a report's files are written, and where another report's tables are found.

A run sets ``ANALYSIS_STAGING``, and everything lands in that directory until the run publishes
it. An analyst in JupyterLab has no run: the files land in ``reports/<study>/draft``, which
no published run ever reads.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from analysis.errors import AnalysisError, ParamsError

#: Directory of a run that has not been published yet; set by the runner.
STAGING = "ANALYSIS_STAGING"

#: Root of the project, where it is not a parent of the working directory.
ROOT = "ANALYSIS_ROOT"

#: Directory of an analyst's own files, beside the published runs.
DRAFT = "draft"

_NAME = re.compile(r"[a-z0-9][a-z0-9_]*")


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

    def table(self, report: str, name: str) -> Path:
        """Return where the table ``name`` of ``report`` is written, without its suffix."""
        return self.directory / "tables" / checked_name(report) / checked_name(name)

    def findings(self, report: str) -> Path:
        """Return where the findings of ``report`` are written."""
        return self.directory / "findings" / f"{checked_name(report)}.json"

    def find_table(self, reference: str) -> Path:
        """Return the Parquet file of ``"report/table"``: this run's, else the latest run's.

        AnalysisError, naming the report to run, where no run has made it.
        """
        report, _, name = reference.partition("/")
        path = Path("tables") / checked_name(report) / f"{checked_name(name)}.parquet"
        for directory in (self.directory, *self.runs()):
            if (directory / path).is_file():
                return directory / path
        raise AnalysisError(
            f"{reference} is needed and no run has made it yet; "
            f"run `analysis run {self.published.name} --only {report}` first"
        )

    def runs(self) -> list[Path]:
        """Return the study's published runs, the latest first."""
        return published_runs(self.published)


def published_runs(study_directory: Path) -> list[Path]:
    """Return the published runs below a study's directory, the latest first.

    A run's name is the time it started, so that names sort as times do; links to runs and
    whatever has no run.json are not runs.
    """
    found = [
        run.parent
        for run in study_directory.glob("*/run.json")
        if not run.parent.is_symlink() and run.parent.name != DRAFT
    ]
    return sorted(
        (run for run in found if not run.name.startswith(".")),
        key=lambda run: run.name,
        reverse=True,
    )
