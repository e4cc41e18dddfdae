"""Each report's headline figure over the runs of a study, and what changed since the last run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.errors import AnalysisError
from analysis.reporting.notebook.findings import Finding, Findings
from analysis.reporting.site.history import Change, baseline, is_good
from analysis.reporting.store.layout import RunFolder
from analysis.reporting.store.run_record import RunRecord

#: Days of data that a trend shows, the newest of them last.
_DAYS = 12


@dataclass(frozen=True)
class Headline:
    """The first finding of a report, over runs.

    Parameters
    ----------
    report, title
        The report.
    page
        Its page in the newest run in which it was good, from the folder of all reports.
    finding
        The finding there.
    change
        How it differs from the run before; None where there is none.
    values
        Its values by day of data, the oldest first.
    """

    report: str
    title: str
    page: str
    finding: Finding
    change: Change | None
    values: tuple[float, ...]


def headlines(runs: Sequence[Path]) -> list[Headline]:
    """Return each report's headline over the runs of a study, the newest run first.

    Runs of the same day of data are one, the newest of them: a trend is over time, not over how
    often the same data were read. What cannot be read is passed over.
    """
    days = _newest_of_days(runs)
    found: dict[str, Headline] = {}
    for folder, record in days.values():
        for report in record.reports:
            if report not in found and (made := _headline(report, folder, record, days, runs)):
                found[report] = made
    return [found[report] for report in sorted(found)]


def _newest_of_days(runs: Sequence[Path]) -> dict[str, tuple[RunFolder, RunRecord]]:
    """Return the newest run of each day of data, the newest day first."""
    days: dict[str, tuple[RunFolder, RunRecord]] = {}
    for path in runs:
        folder = RunFolder(path)
        try:
            record = RunRecord.read(folder.run_json)
        except AnalysisError:
            continue
        days.setdefault(record.as_of, (folder, record))
        if len(days) == _DAYS:
            break
    return dict(sorted(days.items(), reverse=True))


def _headline(
    report: str,
    folder: RunFolder,
    record: RunRecord,
    days: Mapping[str, tuple[RunFolder, RunRecord]],
    runs: Sequence[Path],
) -> Headline | None:
    if not is_good(report, folder):
        return None
    items = Findings.read(folder.findings(report)).items
    if not items:
        return None
    first = items[0]
    earlier = runs[list(runs).index(folder.path) + 1 :]
    before = baseline(report, record, earlier[0]) if earlier else None
    place = f"{folder.path.parent.name}/{folder.path.name}/{report}.html"
    return Headline(
        report=report,
        title=record.reports[report].title or report,
        page=place,
        finding=first,
        change=before.change(first) if before else None,
        values=tuple(_values(report, first, days)),
    )


def _values(
    report: str, finding: Finding, days: Mapping[str, tuple[RunFolder, RunRecord]]
) -> Iterator[float]:
    for folder, _ in reversed(list(days.values())):
        if is_good(report, folder):
            then = Findings.read(folder.findings(report)).by_key().get(finding.key)
            if then and then.value is not None and then.unit == finding.unit:
                yield then.value
