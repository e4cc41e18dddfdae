"""Run only where something is new, cheaply enough to ask every quarter of an hour.

What a run depends on is hashed: data, params, code, lock, Python, notebooks and the tables that
reports read of each other. Where a published run holds the results of all of it, nothing is done.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from analysis.reporting.runner import cache
from analysis.reporting.runner.dispatch import Console
from analysis.reporting.runner.run import Request, bring_up_to_date, injected, run_study
from analysis.reporting.runner.run_plan import make_plan, missing_tables
from analysis.reporting.site.history import is_readable
from analysis.reporting.store.atomic import disk_errors, hold
from analysis.reporting.store.layout import RunFolder
from analysis.reporting.store.run_record import RunRecord

if TYPE_CHECKING:
    from analysis.tables.manifest import Manifest


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
        latest = next((run for run in reports.runs() if is_readable(run)), None)
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
    from analysis.reporting.mail.announcement import watch

    last = date.fromisoformat(data.order_span[-1]) if data.order_span else None
    watch(latest, RunRecord.read(latest.run_json), request, last_day=last, console=console)
