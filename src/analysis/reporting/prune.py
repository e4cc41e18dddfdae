"""Remove old runs: only the newest are kept, and whatever a reader or a report still needs."""

from __future__ import annotations

import shutil
from pathlib import Path

from analysis.errors import AnalysisError
from analysis.reporting.history import is_good
from analysis.reporting.layout import RunFolder, StudyReports
from analysis.reporting.record import RunRecord
from analysis.reporting.workspace import place_in_order

#: What the name of a run folder starts with while it is being removed.
REMOVED = ".removed-"


def put_away(reports: StudyReports, *, keep: int) -> list[Path]:
    """Take old runs out of sight, each by one rename, and return what is to be deleted.

    Parameters
    ----------
    reports
        The study's runs.
    keep
        Number of newest runs to keep, and whatever cannot be told from the last of them by age.
        Kept besides: the run that ``latest`` leads to and, for each report, its last good run and
        the last good run of an earlier day, which a forecast is measured against.

    Raises
    ------
    AnalysisError
        If a run cannot be renamed; those before it are out of sight, the others as they were.
    """
    runs = reports.runs()
    if not runs:
        return []
    kept = _newest(runs, keep) | _needed(runs) | {reports.path / reports.latest.resolve().name}
    gone = []
    for run in runs:
        if run.path not in kept:
            goal = run.path.with_name(REMOVED + run.path.name)
            try:
                run.path.rename(goal)
            except OSError as error:
                raise AnalysisError(
                    f"The run is published, but the old run {run.path} cannot be removed: "
                    f"{error.strerror}"
                ) from error
            gone.append(goal)
    return gone


def delete(folders: list[Path]) -> None:
    """Delete what was taken out of sight; what stays by an error goes with the next run."""
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def leftovers(reports: StudyReports) -> list[Path]:
    """Return what an interrupted deletion left behind."""
    return sorted(reports.path.glob(f"{REMOVED}*"))


def _newest(runs: list[RunFolder], keep: int) -> set[Path]:
    """Return the newest runs; those that the last of them ties with are as new."""
    places = [place_in_order(run.path) for run in runs]
    last = places[:keep][-1]
    ties = (n for n, place in enumerate(places) if place is not None and place == last)
    return {runs[n].path for n in {*range(min(keep, len(runs))), *ties}}


def _needed(runs: list[RunFolder]) -> set[Path]:
    """Return the runs that hold a report's last good results, and those of the day before."""
    seen: dict[str, set[str]] = {}
    needed = set()
    for run in runs:
        record = _record(run)
        for report in record.reports if record else ():
            days = seen.setdefault(report, set())
            if record and len(days) < 2 and record.as_of not in days and is_good(report, run):
                days.add(record.as_of)
                needed.add(run.path)
    return needed


def _record(run: RunFolder) -> RunRecord | None:
    try:
        return RunRecord.read(run.run_json)
    except AnalysisError:  # a damaged run is needed by nobody
        return None
