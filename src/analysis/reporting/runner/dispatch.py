"""Run the reports of a plan side by side, each after those it needs, the longest way first."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import psutil

from analysis.reporting.execution import warm
from analysis.reporting.execution.kernel import adopt_orphans, kill_strays
from analysis.reporting.execution.worker import Assignment, Worker, look_at
from analysis.reporting.runner import cache
from analysis.reporting.runner.run_plan import Plan, Planned, missing_tables
from analysis.reporting.store.layout import RunFolder
from analysis.reporting.store.run_record import Status

if TYPE_CHECKING:
    from analysis.ingest.request import IngestResult
    from analysis.reporting.runner.run import Request


class Console(Protocol):
    """Who is told how the run goes."""

    def ingested(self, result: IngestResult) -> None:
        """Take note of the data."""

    def starts(self, report: str) -> None:
        """Take note that a report starts."""

    def goes_on(self, cells: Mapping[str, tuple[int, int]]) -> None:
        """Take note of the cell, and of how many, that each running report has come to."""

    def ends(self, status: Status) -> None:
        """Take note of how a report ended."""

    def notes(self, sentence: str) -> None:
        """Take note of something that was found and worked around."""


@dataclass(frozen=True)
class Settled:
    """A report that is over: its status, the hash of its inputs, the run it was copied from."""

    status: Status
    fingerprint: str = ""
    reused_from: str | None = None


@dataclass(frozen=True)
class Task:
    """Everything a dispatch needs to know.

    Parameters
    ----------
    request
        What to run.
    plan
        The reports and their order.
    parameters
        What is injected into each notebook, by report.
    inputs
        What every report depends on.
    present
        The canonical tables that the study has.
    folder
        Run folder to write to.
    """

    request: Request
    plan: Plan
    parameters: Mapping[str, Mapping[str, Any]]
    inputs: cache.Inputs
    present: frozenset[str]
    folder: RunFolder


class Dispatch:
    """One pass over a plan; ``run`` does it and returns how each report ended."""

    def __init__(self, task: Task, console: Console) -> None:
        self._task = task
        self._console = console
        self._planned = task.plan.by_name()
        self._urgency = task.plan.urgency(cache.seconds_taken(task.request.reports))
        self._settled: dict[str, Settled] = {}
        self._fingerprints: dict[str, str] = {}
        self._workers: list[Worker] = []
        self._foreign = {child.pid for child in psutil.Process().children()}

    def run(self) -> dict[str, Settled]:
        """Run everything and return the outcomes by report name.

        Whatever interrupts it, every process it has started is gone when it returns.
        """
        adopt_orphans()
        sorter = self._task.plan.sorter()
        waiting: list[str] = []
        try:
            while sorter.is_active():
                waiting += sorter.get_ready()
                waiting.sort(key=lambda report: (-self._urgency[report], report))
                over = self._settle_or_start(waiting) or self._collect()
                sorter.done(*over)
        finally:
            for worker in self._workers:
                worker.kill()
                worker.release()
            self._workers = []
            kill_strays(self._kept())
        return {name: self._settled[name] for name in sorted(self._settled)}

    def _kept(self) -> set[int]:
        """Return the children of this process that are no strays."""
        return self._foreign | warm.pids() | {worker.pid for worker in self._workers}

    def _settle_or_start(self, waiting: list[str]) -> list[str]:
        """Take from ``waiting`` what can be decided at once or has a free place to run."""
        over = []
        while waiting and len(self._workers) < self._task.request.jobs:
            report = waiting.pop(0)
            settled = self._without_running(self._planned[report])
            if settled:
                self._end(settled)
                over.append(report)
            else:
                self._start(report)
        return over

    def _without_running(self, planned: Planned) -> Settled | None:
        """Return how a report ends that need not or cannot run; None if it must run."""
        if lacking := missing_tables(planned, self._task.present):
            return Settled(Status(planned.report, "not_applicable", lacking))
        if broken := self._broken_by(planned):
            return Settled(broken)
        key = cache.fingerprint(
            planned,
            self._task.parameters[planned.report],
            self._task.inputs,
            folder=self._task.folder,
        )
        self._fingerprints[planned.report] = key
        chosen = planned.report in self._task.plan.chosen
        if (self._task.request.reuse or not chosen) and (
            found := self._reused(planned.report, key)
        ):
            return found
        if not chosen:
            return Settled(Status(planned.report, "left_out", "It was not part of this run."))
        return None

    def _broken_by(self, planned: Planned) -> Status | None:
        for need in planned.needs:
            upstream = need.partition("/")[0]
            status = self._settled[upstream].status
            if status.status == "incomplete" and not self._task.folder.stored(need):
                why = f"It needs {need}, which {upstream} could not make: {status.reason}"
                return Status(planned.report, "failed", why)
            if not status.shown:
                how = {"failed": "failed", "not_applicable": "is not applicable"}
                why = f"It needs {upstream}, which {how.get(status.status, 'was left out')}: "
                return Status(planned.report, status.status, why + status.reason)
        return None

    def _reused(self, report: str, key: str) -> Settled | None:
        found = cache.find(key, report, reports=self._task.request.reports)
        if found is None:
            return None
        cache.reuse(found, report, folder=self._task.folder)
        status = replace(Status.read(found.folder.status(report)), status="cached")
        return Settled(status, key, found.run_id)

    def _start(self, report: str) -> None:
        asked, folder = self._task.request, self._task.folder
        study, root = asked.params.study, asked.root
        self._console.starts(report)
        beside = min(asked.jobs, len(self._task.plan.chosen))  # more threads than cores cost time
        threads = max(1, (os.cpu_count() or 1) // beside) if beside > 1 else None
        assignment = Assignment(study, report, root, folder, asked.limits, asked.profile, threads)
        self._workers.append(Worker(assignment))

    def _collect(self) -> list[str]:
        """Wait a moment and return the reports that have ended."""
        ended = look_at(self._workers)
        for worker in ended:
            self._workers.remove(worker)
            kill_strays(self._kept())
            report = worker.assignment.report
            self._end(Settled(worker.close(), self._fingerprints[report]))
        self._console.goes_on({w.assignment.report: w.cell for w in self._workers if w.cell})
        return [worker.assignment.report for worker in ended]

    def _end(self, settled: Settled) -> None:
        status = settled.status
        status.write(self._task.folder.status(status.report))
        self._settled[status.report] = settled
        self._console.ends(status)
