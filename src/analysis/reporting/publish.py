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
from analysis.reporting import prune
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
    tell: Callable[[Status], None],
    keep: int,
) -> RunRecord:
    """Render the pages of a staged run and publish it, and remove old runs.

    Parameters
    ----------
    folder
        The staging folder.
    record
        The run; its finish is set anew, and a report whose page cannot be made is failed.
    reports
        Where the study's runs are.
    clock
        Gives the time, in UTC.
    tell
        Called with the status of a report whose page cannot be made.
    keep
        Number of runs to keep; see ``prune``.

    Returns
    -------
    RunRecord
        The run as published.
    """
    from analysis.reporting import site

    previous = next((run.path for run in reports.runs()), None)
    record.write(folder.run_json)
    made = {
        name: _page(folder, name, each, previous, tell) for name, each in record.reports.items()
    }
    record = replace(record, reports=made, finished=clock())
    record.write(folder.run_json)
    site.write_index(folder.path, previous_run_dir=previous)
    with unstoppable():
        _show(folder, reports)
        old = prune.put_away(reports, keep=keep)
        _update_overview(reports)
    prune.delete(old)
    return record


def _page(
    folder: RunFolder,
    report: str,
    record: ReportRecord,
    previous: Path | None,
    tell: Callable[[Status], None],
) -> ReportRecord:
    """Write the page of a report; one that cannot be made fails its report, and no other."""
    from analysis.reporting import html

    if not record.good:
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
    return _fail(folder, report, record, status, tell)


def _fail(
    folder: RunFolder,
    report: str,
    record: ReportRecord,
    status: Status,
    tell: Callable[[Status], None],
) -> ReportRecord:
    folder.discard(report)
    status.write(folder.status(report))
    tell(status)
    return replace(record, status="failed", reason=status.reason, reused_from=None, tables={})


def _show(folder: RunFolder, reports: StudyReports) -> None:
    """Give the run its name and let ``latest`` point to it."""
    link = reports.path / f".latest-{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(folder.run_id)
    try:
        folder.path.rename(reports.path / folder.run_id)
        link.replace(reports.latest)
    finally:
        link.unlink(missing_ok=True)


def _update_overview(reports: StudyReports) -> None:
    from analysis.reporting import site

    overview = reports.path.parent
    try:
        site.write_overview(overview)
    except OSError as error:
        raise AnalysisError(
            f"The run is published, but {overview / 'index.html'}, which lists all runs, does not "
            f"show it: {error.strerror}. The next run mends that"
        ) from error
