"""Do not run again what would come out the same."""

from __future__ import annotations

import hashlib
import itertools
import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.errors import AnalysisError
from analysis.reporting.runner.run_plan import Planned
from analysis.reporting.store import run_record
from analysis.reporting.store.layout import RunFolder, StudyReports, log_path
from analysis.reporting.store.run_record import ReportRecord, RunRecord, Status, is_sealed

#: How many runs to look back for equal inputs.
_LOOK_BACK = 30


@dataclass(frozen=True)
class Inputs:
    """What every report of a run depends on.

    Parameters
    ----------
    params
        The resolved params of the study.
    data
        Fingerprint of the canonical tables.
    code
        Hash of the package's files.
    lock
        Hash of the lock file.
    python
        Python version.
    """

    params: Mapping[str, Any]
    data: str
    code: str
    lock: str
    python: str

    @classmethod
    def gather(cls, params: Mapping[str, Any], *, data: str, root: Path) -> Inputs:
        """Return the inputs of a run that starts now; the report sections of params excepted."""
        shared = {
            key: value for key, value in params.items() if key not in {"reports", "keep", "alerts"}
        }
        return cls(
            shared,
            data,
            run_record.sources_hash(),
            run_record.lock_hash(root),
            run_record.python_version(),
        )


@dataclass(frozen=True)
class Reusable:
    """Results of an earlier run that equal inputs gave."""

    folder: RunFolder
    record: ReportRecord

    @property
    def run_id(self) -> str:
        """The run that computed them, however often they were copied since."""
        return self.record.reused_from or self.folder.path.name


def fingerprint(
    planned: Planned, parameters: Mapping[str, Any], inputs: Inputs, *, folder: RunFolder
) -> str:
    """Return a hash over everything the results of a report depend on.

    Parameters
    ----------
    planned
        The report.
    parameters
        What is injected into its notebook.
    inputs
        What all reports depend on.
    folder
        Run folder that holds the tables of other reports that it needs.
    """
    everything = {
        "notebook": digest(planned.path),
        "parameters": dict(parameters),
        "params": dict(inputs.params),
        "data": inputs.data,
        "code": inputs.code,
        "lock": inputs.lock,
        "python": inputs.python,
        "needs": {table: digest(folder.stored(table)) for table in planned.reads},
        "others": {name: _outcome(folder, name) for name in planned.others},
        "written": _written_beside(planned, parameters),
    }
    return hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()[:16]


def _written_beside(planned: Planned, parameters: Mapping[str, Any]) -> str:
    """Return the hash of what people wrote down beside the reports, for one that reads them all."""
    if not planned.others:
        return ""
    return digest(log_path(planned.path.parents[1], str(parameters.get("study", ""))))


def _outcome(folder: RunFolder, report: str) -> list[str]:
    """Return what came of a report, however long it took: its state, reason and findings."""
    path = folder.status(report)
    status = Status.read(path) if path.is_file() else None
    said = [("good" if status.good else status.status), status.reason] if status else []
    return [*said, digest(folder.findings(report))]


def find(wanted: str, report: str, *, reports: StudyReports) -> Reusable | None:
    """Return the newest results of ``report`` whose fingerprint is ``wanted``, if still intact.

    Results of which any file, or the record of the run itself, was changed or lost since are
    passed over: evidence that was edited is never published again.
    """
    for folder in itertools.islice(reports.runs(), _LOOK_BACK):
        record = _record_of(report, folder)
        if (
            record
            and record.good
            and record.fingerprint == wanted
            and record.files == digests(folder, report)
        ):
            return Reusable(folder, record)
    return None


def seconds_taken(reports: StudyReports) -> dict[str, float]:
    """Return how long each report took when it ran last, as far as recent runs tell."""
    taken: dict[str, float] = {}
    for folder in reversed(reports.runs()[:3]):
        with suppress(AnalysisError):  # a record of another version of this program
            for name, record in RunRecord.read(folder.run_json).reports.items():
                taken[name] = record.seconds or taken.get(name, 1.0)
    return taken


def reuse(found: Reusable, report: str, *, folder: RunFolder) -> None:
    """Copy the results of an earlier run into ``folder``."""
    old = found.folder
    pairs = [(old.notebook(report), folder.notebook(report))]
    if old.findings(report).is_file():
        pairs.append((old.findings(report), folder.findings(report)))
    for source, target in pairs:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    for room, copied in (
        (old.tables(report), folder.tables(report)),
        (old.lists(report), folder.lists(report)),
    ):
        if room.is_dir():
            shutil.copytree(room, copied)


def digests(folder: RunFolder, report: str) -> dict[str, str]:
    """Return the hash of every file of a report, by its path in the run's folder."""
    files = folder.files(report)
    return {path.relative_to(folder.path).as_posix(): digest(path) for path in files}


def _record_of(report: str, folder: RunFolder) -> ReportRecord | None:
    if not is_sealed(folder.run_json):
        return None
    try:
        return RunRecord.read(folder.run_json).reports.get(report)
    except AnalysisError:  # a record of another version of this program: nothing to reuse
        return None


def digest(path: Path | None) -> str:
    """Return the hash of a file's bytes; ``missing`` where there is no file."""
    if path is None or not path.is_file():
        return "missing"
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
