"""From a staged run to a published one: all of it becomes visible at once, or none of it.

Everything is written into the staging folder and beside its final place first. What remains are
renames, which need no space and which no signal interrupts, and the overview over all runs.

Remove old runs: only the newest are kept, and whatever a reader or a report still needs.
"""

from __future__ import annotations

import os
import shutil
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from analysis.errors import AnalysisError
from analysis.ingest.versions import remove
from analysis.reporting.execution.failures import said_by
from analysis.reporting.runner import cache
from analysis.reporting.runner.dispatch import Console
from analysis.reporting.runner.terminal import unstoppable
from analysis.reporting.site import history
from analysis.reporting.site.history import is_good
from analysis.reporting.store.atomic import set_folder_aside
from analysis.reporting.store.layout import RunFolder, StudyReports, place_in_order
from analysis.reporting.store.run_record import ReportRecord, RunRecord, Status


def publish(
    folder: RunFolder,
    record: RunRecord,
    *,
    reports: StudyReports,
    clock: Callable[[], datetime],
    console: Console,
    keep: int,
    beside: Callable[[RunFolder, RunRecord], None] | None = None,
) -> RunRecord:
    """Render the pages of a staged run and publish it, and remove old runs.

    Parameters
    ----------
    folder
        The staging folder.
    record
        The run; its finish is set anew, the hashes of its files are added, and a report whose page
        cannot be made is failed.
    reports
        Where the study's runs are.
    clock
        Gives the time, in UTC.
    console
        Told of a report whose page cannot be made, and of what stood in the way.
    keep
        Number of runs to keep; see ``prune``.
    beside
        Writes what else is published with the run: its alerts and its mail. What goes wrong
        there is said, and the run published without.

    Returns
    -------
    RunRecord
        The run as published.
    """
    previous = next((run.path for run in reports.runs() if history.is_readable(run)), None)
    record.write(folder.run_json)
    made = {
        name: _page(folder, name, each, previous, console) for name, each in record.reports.items()
    }
    record = replace(record, reports=made, finished=clock())
    if beside:
        _write_beside(beside, folder, record, console)
    record = _sealed(folder, record, previous)
    with unstoppable():
        _show(folder, reports, console)
        old = put_away(reports, keep=keep)
        _update_overview(reports, console)
    delete(old)
    return record


def _sealed(folder: RunFolder, record: RunRecord, previous: Path | None) -> RunRecord:
    """Write the index and the record with the hashes of all files; return the record."""
    from analysis.reporting.site import index_page

    hashed = {
        name: replace(each, files=cache.digests(folder, name))
        for name, each in record.reports.items()
    }
    record = replace(record, reports=hashed)
    record.write(folder.run_json)
    index_page.write_index(folder.path, previous_run_dir=previous)
    single = (folder.index, folder.params_json, folder.alerts, folder.mail)
    there = (path for path in single if path.is_file())
    record = replace(record, files={path.name: cache.digest(path) for path in there})
    record.write(folder.run_json)
    return record


def _write_beside(
    beside: Callable[[RunFolder, RunRecord], None],
    folder: RunFolder,
    record: RunRecord,
    console: Console,
) -> None:
    try:
        beside(folder, record)
    except OSError:
        raise  # the disk's fault, which a run does not outlive
    except Exception as error:
        console.notes(f"The run is published without alerts or mail: {error!r}")


def _page(
    folder: RunFolder, report: str, record: ReportRecord, previous: Path | None, console: Console
) -> ReportRecord:
    """Write the page of a report; one that cannot be made fails its report, and no other."""
    from analysis.reporting.site import page

    if not record.shown:
        return record
    context = page.PageContext(report, folder.path, previous)
    try:
        page.write_page(folder.notebook(report), folder.page(report), context)
    except AnalysisError as error:
        status = Status(report, "failed", str(error))
    except OSError:
        raise  # the disk's fault, not the report's
    except Exception as error:
        trace = "".join(traceback.format_exception(error)).splitlines()
        ending = said_by(type(error).__name__, str(error), trace)
        reason = f"Its page cannot be made: {ending.reason}"
        status = Status(report, "failed", reason, ending.traceback)
    else:
        return record
    folder.discard(report)
    status.write(folder.status(report))
    console.ends(status)
    return replace(record, status="failed", reason=status.reason, reused_from=None)


def _show(folder: RunFolder, reports: StudyReports, console: Console) -> None:
    """Give the run its name and let ``latest`` point to it."""
    link = reports.path / f".latest-{os.getpid()}"
    remove(link)
    _clear(reports.latest, console)
    link.symlink_to(folder.run_id)
    try:
        folder.path.rename(reports.path / folder.run_id)
        link.replace(reports.latest)
    finally:
        link.unlink(missing_ok=True)


def _update_overview(reports: StudyReports, console: Console) -> None:
    from analysis.reporting.site import index_page

    overview = reports.path.parent
    try:
        _clear(overview / "index.html", console)
        index_page.write_overview(overview)
    except OSError as error:
        raise AnalysisError(
            f"The run is published, but {overview / 'index.html'}, which lists all runs, does not "
            f"show it: {error.strerror}. The next run mends that"
        ) from error


def _clear(path: Path, console: Console) -> None:
    if sentence := set_folder_aside(path):
        console.notes(sentence)


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
