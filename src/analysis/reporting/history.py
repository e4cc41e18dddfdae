"""Earlier runs of a report: what to compare with, and when it was last good."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import dropwhile
from pathlib import Path

from analysis.errors import AnalysisError
from analysis.reporting import words
from analysis.reporting.changes import Change, compare, strip
from analysis.reporting.findings import Finding, Findings
from analysis.reporting.layout import RunFolder
from analysis.reporting.record import RunRecord
from analysis.reporting.status import Status
from analysis.reporting.workspace import published_runs


@dataclass(frozen=True)
class Baseline:
    """The run that a report's findings are compared with.

    Parameters
    ----------
    folder
        The earlier run.
    findings
        What the report found then.
    since
        What that run is called: the last run, or the run of a day.
    changed
        The parameters that were others then; as_of is not one of them, since time moves on.
    """

    folder: RunFolder
    findings: Findings
    since: str
    changed: tuple[str, ...] = ()

    def change(self, finding: Finding) -> Change:
        """Return how a finding of the same report moved since then.

        Where the report was defined otherwise then, the change is no news, good or bad.
        """
        change = compare(finding, self.findings.by_key().get(finding.key), since=self.since)
        if not self.changed:
            return change
        text = f"{change.text}, which had other parameters ({words.listing(self.changed)})"
        return Change(text, "plain", False, None)


@dataclass(frozen=True)
class FindingView:
    """A finding as a page shows it: with its change and the strip of its interval."""

    finding: Finding
    change: Change | None
    strip: dict[str, float] | None


def view(finding: Finding, before: Baseline | None) -> FindingView:
    """Return how a page shows ``finding``, compared with an earlier run if there is one."""
    change = before.change(finding) if before else None
    return FindingView(finding, change, strip(finding, change.before if change else None))


def baseline(report: str, run: RunRecord, previous: Path | None) -> Baseline | None:
    """Return the newest run, no newer than ``previous``, in which ``report`` was good.

    Parameters
    ----------
    report
        Name of the report.
    run
        The run to compare.
    previous
        The run before this one, or None to compare with nothing.
    """
    if previous is None:
        return None
    folder = last_good(report, previous)
    if folder is None:
        return None
    then = RunRecord.read(folder.run_json)
    since = "last run" if folder.path == previous else f"the run of {_told_apart(then, run)}"
    changed = _changed(report, run, then)
    return Baseline(folder, Findings.read(folder.findings(report)), since, changed)


def _told_apart(then: RunRecord, now: RunRecord) -> str:
    """Return the day of an earlier run, with the time where it is the same day."""
    day = words.day(then.started.date())
    return f"{day}, {then.started:%H:%M %Z}" if then.started.date() == now.started.date() else day


def _changed(report: str, now: RunRecord, before: RunRecord) -> tuple[str, ...]:
    """Return the names of the parameters that a report had otherwise in an earlier run."""
    each = [run.reports[report].parameters for run in (now, before) if report in run.reports]
    if len(each) < 2:
        return ()
    names = sorted({*each[0], *each[1]} - {"as_of"})
    return tuple(name for name in names if each[0].get(name) != each[1].get(name))


def last_good(report: str, newest: Path) -> RunFolder | None:
    """Return the newest run, no newer than ``newest``, in which ``report`` was good."""
    runs = dropwhile(lambda run: run != newest, published_runs(newest.parent))
    return next((RunFolder(run) for run in runs if is_good(report, RunFolder(run))), None)


def is_good(report: str, folder: RunFolder) -> bool:
    """Return whether ``report`` has results in a run; a damaged run has none."""
    try:
        RunRecord.read(folder.run_json)
        Findings.read(folder.findings(report))
        return Status.read(folder.status(report)).good
    except AnalysisError:
        return False


def is_readable(folder: RunFolder) -> bool:
    """Return whether a run's record can be read."""
    try:
        RunRecord.read(folder.run_json)
    except AnalysisError:
        return False
    return True


def damage(runs: Iterable[RunFolder]) -> Iterator[str]:
    """Yield a sentence on each run, and on each report of a run, that cannot be read any more."""
    for folder in runs:
        try:
            run = RunRecord.read(folder.run_json)
        except AnalysisError as error:
            yield f"{error}; the run is left out of the history"
            continue
        for report in (name for name, each in run.reports.items() if each.shown):
            try:
                Status.read(folder.status(report))
                Findings.read(folder.findings(report))
            except AnalysisError as error:
                yield f"{error}; this report of the run is left out of the history"


def day_of(folder: RunFolder) -> str:
    """Return the day a run started on, as it is read."""
    return words.day(RunRecord.read(folder.run_json).started.date())
