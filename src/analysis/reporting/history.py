"""Earlier runs of a report: what to compare with, and when it was last good."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

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
    """

    folder: RunFolder
    findings: Findings
    since: str

    def change(self, finding: Finding) -> Change:
        """Return how a finding of the same report moved since then."""
        return compare(finding, self.findings.by_key().get(finding.key), since=self.since)


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


def baseline(report: str, previous: Path | None) -> Baseline | None:
    """Return the newest run, no newer than ``previous``, in which ``report`` was good.

    Parameters
    ----------
    report
        Name of the report.
    previous
        The run before this one, or None to compare with nothing.
    """
    if previous is None:
        return None
    folder = last_good(report, previous)
    if folder is None:
        return None
    since = "last run" if folder.path == previous else f"the run of {day_of(folder)}"
    return Baseline(folder, Findings.read(folder.findings(report)), since)


def last_good(report: str, newest: Path) -> RunFolder | None:
    """Return the newest run, no newer than ``newest``, in which ``report`` was good."""
    older = [run for run in published_runs(newest.parent) if run.name < newest.name]
    folders = [RunFolder(path) for path in (newest, *older)]
    return next((folder for folder in folders if is_good(report, folder)), None)


def is_good(report: str, folder: RunFolder) -> bool:
    """Return whether ``report`` has results in a run."""
    path = folder.status(report)
    return path.is_file() and Status.read(path).good


def day_of(folder: RunFolder) -> str:
    """Return the day a run started on, as it is read."""
    return words.day(RunRecord.read(folder.run_json).started.date())
