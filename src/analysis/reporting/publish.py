"""From a staged run to a published one: all of it becomes visible at once, or none of it.

Everything is written into the staging folder and beside its final place first. What remains are
renames, which need no space and which no signal interrupts, and the overview over all runs.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from analysis.errors import AnalysisError
from analysis.reporting import cache, history, prune
from analysis.reporting.atomic import remove, set_folder_aside
from analysis.reporting.dispatch import Console
from analysis.reporting.layout import RunFolder, StudyReports
from analysis.reporting.record import ReportRecord, RunRecord
from analysis.reporting.signals import unstoppable
from analysis.reporting.status import Status


def publish(
    folder: RunFolder,
    record: RunRecord,
    *,
    reports: StudyReports,
    clock: Callable[[], datetime],
    console: Console,
    keep: int,
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
    record = _sealed(folder, replace(record, reports=made, finished=clock()), previous)
    with unstoppable():
        _show(folder, reports, console)
        old = prune.put_away(reports, keep=keep)
        _update_overview(reports, console)
    prune.delete(old)
    return record


def _sealed(folder: RunFolder, record: RunRecord, previous: Path | None) -> RunRecord:
    """Write the index and the record with the hashes of all files; return the record."""
    from analysis.reporting import site

    hashed = {
        name: replace(each, files=cache.digests(folder, name))
        for name, each in record.reports.items()
    }
    record = replace(record, reports=hashed)
    record.write(folder.run_json)
    site.write_index(folder.path, previous_run_dir=previous)
    single = (folder.index, folder.params_json)
    record = replace(record, files={path.name: cache.digest(path) for path in single})
    record.write(folder.run_json)
    return record


def _page(
    folder: RunFolder,
    report: str,
    record: ReportRecord,
    previous: Path | None,
    console: Console,
) -> ReportRecord:
    """Write the page of a report; one that cannot be made fails its report, and no other."""
    from analysis.reporting import html

    if not record.shown:
        return record
    context = html.PageContext(report, folder.path, previous)
    try:
        html.write_page(folder.notebook(report), folder.page(report), context)
    except AnalysisError as error:
        status = Status(report, "failed", str(error))
    except OSError:
        raise  # the disk's fault, not the report's
    except Exception as error:
        trace = "".join(traceback.format_exception(error))
        status = Status(report, "failed", f"Its page cannot be made: {error!r}", trace)
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
    from analysis.reporting import site

    overview = reports.path.parent
    try:
        _clear(overview / "index.html", console)
        site.write_overview(overview)
    except OSError as error:
        raise AnalysisError(
            f"The run is published, but {overview / 'index.html'}, which lists all runs, does not "
            f"show it: {error.strerror}. The next run mends that"
        ) from error


def _clear(path: Path, console: Console) -> None:
    if sentence := set_folder_aside(path):
        console.notes(sentence)
