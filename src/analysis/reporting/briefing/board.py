"""The board: what came of every other report, with its findings and its tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from analysis.errors import AnalysisError, NotApplicable
from analysis.reporting.notebook import frames
from analysis.reporting.notebook.findings import Finding, Findings
from analysis.reporting.store.layout import RunFolder, stored_table
from analysis.reporting.store.run_record import RunRecord, Status

if TYPE_CHECKING:
    from analysis.reporting.notebook.report import Report

#: Outcomes of a report that is not whole, and what a reader is told of it.
_WRONG = frozenset({"failed", "incomplete"})


@dataclass(frozen=True)
class Standing:
    """One report: what came of it, and where what it found is.

    Parameters
    ----------
    report
        Its name.
    status
        Its outcome in this run.
    reason
        Why it is not done.
    folder
        The run that its findings and tables are from; None where it has none.
    as_of
        The day of that run, where it is an earlier one.
    findings
        What it found there.
    """

    report: str
    status: str
    reason: str
    folder: Path | None
    as_of: date | None
    findings: Findings

    @property
    def page(self) -> str:
        """Its page, from the folder of this run."""
        if self.folder is None:
            return ""
        earlier = f"../{self.folder.name}/" if self.as_of else ""
        return f"{earlier}{self.report}.html"


@dataclass(frozen=True)
class Board:
    """Every other report of a study, in reading order.

    Parameters
    ----------
    study, as_of, currency
        What it is about.
    standings
        What came of each report, by name.
    """

    study: str
    as_of: date
    currency: str
    standings: Mapping[str, Standing]

    def findings(self) -> Iterator[tuple[Standing, Finding]]:
        """Yield every finding with its report."""
        for standing in self.standings.values():
            for finding in standing.findings.items:
                yield standing, finding

    def finding(self, reference: str) -> Finding | None:
        """Return the finding ``"report/key"``; None where it was not made."""
        report, _, key = reference.partition("/")
        standing = self.standings.get(report)
        return standing.findings.by_key().get(key) if standing else None

    def table(self, reference: str) -> pd.DataFrame:
        """Return the table ``"report/table"``; NotApplicable where it was not made."""
        report = reference.partition("/")[0]
        standing = self.standings.get(report)
        path = stored_table(standing.folder, reference) if standing and standing.folder else None
        if path is None:
            raise NotApplicable(f"Report {report} has not made it.")
        return frames.load(path)

    def page(self, report: str) -> str:
        """Return the page of a report; empty where it has none."""
        standing = self.standings.get(report)
        return standing.page if standing else ""

    def wrong(self) -> list[Standing]:
        """Return the reports that failed, or of which a section did."""
        return [each for each in self.standings.values() if each.status in _WRONG]


def read_board(report: Report) -> Board:
    """Return what came of every other report.

    One that was no part of this run is read from the newest published run in which it was good,
    and says so.

    Raises
    ------
    NotApplicable
        If no other report has found anything yet.
    """
    here = RunFolder(report.workspace.directory)
    statuses = {path.stem: path for path in sorted((here.path / "status").glob("*.json"))}
    earlier = [RunFolder(path) for path in report.workspace.runs()]
    names = sorted({*statuses, *(name for run in earlier[:1] for name in _reports(run))})
    standings = {
        name: _standing(name, here, statuses.get(name), earlier)
        for name in names
        if name != report.name
    }
    if not any(standing.folder for standing in standings.values()):
        raise NotApplicable("No other report of this study has found anything yet.")
    return Board(report.study, report.as_of, report.currency, standings)


def _standing(name: str, here: RunFolder, path: Path | None, earlier: list[RunFolder]) -> Standing:
    status = Status.read(path) if path else Status(name, "left_out")
    if status.shown:
        findings = Findings.read(here.findings(name))
        return Standing(name, status.status, status.reason, here.path, None, findings)
    if status.status == "left_out":
        for run in earlier:
            if (found := _published(name, run)) is not None:
                return found
    return Standing(name, status.status, status.reason, None, None, Findings(name))


def _published(name: str, run: RunFolder) -> Standing | None:
    """Return a report as an earlier run published it; None where it was not good there."""
    try:
        status = Status.read(run.status(name))
        findings = Findings.read(run.findings(name))
        as_of = date.fromisoformat(RunRecord.read(run.run_json).as_of)
    except AnalysisError:
        return None
    if not status.good:
        return None
    return Standing(name, "left_out", status.reason, run.path, as_of, findings)


def _reports(run: RunFolder) -> list[str]:
    return [path.stem for path in (run.path / "status").glob("*.json")]
