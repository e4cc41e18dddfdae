"""A run: from a study's params to a published site, or to nothing at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.errors import DataError
from analysis.ingest.ingest import ingest
from analysis.ingest.versions import remove
from analysis.params import StudyParams
from analysis.reporting.execution.failures import Limits
from analysis.reporting.execution.parameters import refuse_secrets
from analysis.reporting.runner import cache
from analysis.reporting.runner.dispatch import Console, Dispatch, Settled, Task
from analysis.reporting.runner.run_plan import Plan, make_plan, missing_tables
from analysis.reporting.site import history
from analysis.reporting.site import publish as prune
from analysis.reporting.store import run_record
from analysis.reporting.store.atomic import disk_errors, hold, write_json
from analysis.reporting.store.layout import RunFolder, StudyReports, place_in_order
from analysis.reporting.store.run_record import ReportRecord, RunRecord
from analysis.tables.manifest import Manifest, check_as_of

if TYPE_CHECKING:
    from analysis.reporting.mail.edition import Announcement


@dataclass(frozen=True)
class Request:
    """What to run.

    Parameters
    ----------
    params
        The study's checked params.
    root
        Project root.
    clock
        Gives the time, in UTC.
    only
        Names, or beginnings of names, of the reports to run; empty means all.
    jobs
        How many reports run side by side.
    reuse
        Copy results of equal inputs instead of running.
    limits
        Time limits.
    data
        Fingerprint that the canonical tables must have; None takes them as they are.
    watched
        It is a look of many: the edition is mailed where there is an alert alone.
    profile
        Write a table of the slowest functions of each report.
    """

    params: StudyParams
    root: Path
    clock: Callable[[], datetime]
    only: tuple[str, ...] = ()
    jobs: int = 2
    reuse: bool = True
    limits: Limits = field(default_factory=Limits)
    data: str | None = None
    watched: bool = False
    profile: bool = False

    @property
    def reports(self) -> StudyReports:
        """Where the study's runs are."""
        return StudyReports.of(self.params.study, root=self.root)


@dataclass(frozen=True)
class Executed:
    """A run whose reports have been executed, not yet published."""

    folder: RunFolder
    record: RunRecord


def run_study(request: Request, console: Console) -> RunRecord:
    """Run a study and publish it.

    Parameters
    ----------
    request
        What to run.
    console
        Who is told how it goes.

    Returns
    -------
    RunRecord
        The published run.

    Raises
    ------
    AnalysisError
        If the plan is wrong, another run is going on, the data are refused or the disk is full.
        Nothing is published then.
    """
    from analysis.reporting.site.publish import publish

    with executed(request, console) as run:
        told = Telling(request, console)
        record = publish(
            run.folder,
            run.record,
            reports=request.reports,
            clock=request.clock,
            console=console,
            keep=request.params.keep,
            beside=told.prepare,
        )
        told.announce(record, always=not request.watched)
        return record


class Telling:
    """Who is told of a run: its alerts are judged before it is published, and mailed after."""

    def __init__(self, request: Request, console: Console) -> None:
        self._request, self._console = request, console
        self._made: Announcement | None = None

    def prepare(self, folder: RunFolder, record: RunRecord) -> None:
        """Write the alerts and the mail into a staged run."""
        from analysis.reporting.mail.edition import prepare

        self._made = prepare(
            folder,
            record,
            params=self._request.params,
            reports=self._request.reports,
            environment=os.environ,
            today=self._request.clock().date(),
        )

    def announce(self, record: RunRecord, *, always: bool = True) -> None:
        """Send the mail of a published run and keep what was told."""
        from analysis.reporting.mail.edition import announce

        if self._made:
            announce(
                self._made,
                self._request.reports.run(record.run_id),
                record,
                reports=self._request.reports,
                environment=os.environ,
                today=self._request.clock().date(),
                always=always,
                console=self._console,
            )


@contextmanager
def executed(request: Request, console: Console) -> Iterator[Executed]:
    """Lock the study, execute its reports into a staging folder, and clean up afterwards."""
    plan = make_plan(request.root / "notebooks", only=request.only)
    parameters = injected(request.params, plan)
    reports = request.reports
    started = request.clock()
    purpose = f"run of {request.params.study}"
    with disk_errors(reports.path), hold(reports.lock, purpose=purpose, now=started):
        for leftover in [*reports.leftovers(), *prune.leftovers(reports)]:
            remove(leftover)
        for sentence in history.damage(reports.runs()):
            console.notes(sentence)
        data = bring_up_to_date(request, console)
        folder = reports.staging(reports.free_run_id(f"{started:%Y-%m-%dT%H%M%SZ}"))
        try:
            folder.path.mkdir(parents=True)
            resolved = request.params.model_dump(mode="json")
            write_json(folder.params_json, resolved)
            inputs = cache.Inputs.gather(resolved, data=data.fingerprint, root=request.root)
            task = Task(request, plan, parameters, inputs, frozenset(data.rows), folder)
            settled = Dispatch(task, console).run()
            shutil.rmtree(folder.shared, ignore_errors=True)
            yield Executed(folder, _record(task, data, settled, started))
        finally:
            shutil.rmtree(folder.path, ignore_errors=True)


def bring_up_to_date(request: Request, console: Console) -> Manifest:
    """Return the manifest of the study's canonical tables, brought up to date."""
    result = ingest(request.params.ingest_request(), root=request.root)
    console.ingested(result)
    found = result.manifest.fingerprint
    if request.data not in (None, found):
        raise DataError(
            f"The sources, or the code that reads them, have changed since: the tables were "
            f"{request.data} then and are {found} now"
        )
    check_as_of(request.params.as_of, result.manifest)
    return result.manifest


def injected(params: StudyParams, plan: Plan) -> dict[str, dict[str, Any]]:
    """Return what is injected into each notebook; a secret among it is refused."""
    parameters = {p.report: params.notebook_parameters(p.report) for p in plan.reports}
    for report, injected in parameters.items():
        refuse_secrets(injected, name=report)
    return parameters


def _record(
    task: Task, data: Manifest, settled: dict[str, Settled], started: datetime
) -> RunRecord:
    request, params = task.request, task.request.params
    return RunRecord(
        study=params.study,
        title=params.title,
        run_id=task.folder.run_id,
        started=started,
        finished=request.clock(),
        params=params.model_dump(mode="json"),
        as_of=params.as_of.isoformat(),
        seed=params.seed,
        data={
            "fingerprint": data.fingerprint,
            "source": data.source,
            "simulated": data.simulated,
            "rows": dict(data.rows),
            "order_span": list(data.order_span),
            "mappings": run_record.mapping_hashes(params.source, request.root),
        },
        code=run_record.code_version(request.root),
        python=run_record.python_version(),
        packages=run_record.packages(),
        only=list(request.only),
        reports={name: _report(task, name, each) for name, each in settled.items()},
        number=1 + max((_number(run) for run in request.reports.runs()), default=0),
    )


def _number(run: RunFolder) -> int:
    place = place_in_order(run.path)
    return place[0] if place else 0


def _report(task: Task, report: str, settled: Settled) -> ReportRecord:
    planned, status = task.plan.by_name()[report], settled.status
    return ReportRecord(
        title=planned.title,
        question=planned.question,
        status=status.status,
        reason=status.reason,
        seconds=status.seconds,
        peak_memory_mb=status.peak_memory_mb,
        cells=status.cells,
        cpu_seconds=status.cpu_seconds,
        costs=status.costs,
        analyses=status.analyses,
        parameters=dict(task.parameters[report]),
        fingerprint=settled.fingerprint,
        reused_from=settled.reused_from,
    )


def run_if_changed(request: Request, console: Console) -> RunRecord | None:
    """Run a study and publish it, unless a published run has the same results already.

    Where nothing is new, alerts are judged all the same: that nothing comes may be the news.

    Returns
    -------
    RunRecord or None
        The published run; None if nothing is new.
    """
    reports = request.reports
    started = request.clock()
    purpose = f"look at {request.params.study}"
    with disk_errors(reports.path), hold(reports.lock, purpose=purpose, now=started):
        data = bring_up_to_date(request, console)
        latest = next((run for run in reports.runs() if history.is_readable(run)), None)
        if latest is not None and _same(request, data, latest):
            _watch(request, data, latest, console)
            return None
    return run_study(request, console)


def _same(request: Request, data: Manifest, latest: RunFolder) -> bool:
    """Return whether published runs hold the results of every report that is asked for."""
    plan = make_plan(request.root / "notebooks", only=request.only)
    parameters = injected(request.params, plan)
    resolved = request.params.model_dump(mode="json")
    inputs = cache.Inputs.gather(resolved, data=data.fingerprint, root=request.root)
    for planned in plan.reports:
        if planned.report not in plan.chosen or missing_tables(planned, frozenset(data.rows)):
            continue
        key = cache.fingerprint(planned, parameters[planned.report], inputs, folder=latest)
        if cache.find(key, planned.report, reports=request.reports) is None:
            return False
    return True


def _watch(request: Request, data: Manifest, latest: RunFolder, console: Console) -> None:
    """Judge the alerts of the newest run again, on the day and the data of now."""
    from analysis.reporting.mail.edition import watch

    last = date.fromisoformat(data.order_span[-1]) if data.order_span else None
    watch(latest, RunRecord.read(latest.run_json), request, last_day=last, console=console)
