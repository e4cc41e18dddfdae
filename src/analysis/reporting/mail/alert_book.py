"""What was told, and what is to be told now: one file a study, which schedulers may read.

``reports/<study>/alerts.json`` holds what is active, with the day it began and was told, and the
keys of what is ``new`` since the last run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path

from analysis.errors import AnalysisError
from analysis.params.study import AlertParams
from analysis.reporting.mail.alert_rules import Alert, Evidence, Reference, judge, reference_of
from analysis.reporting.store.atomic import write_json
from analysis.reporting.store.layout import StudyReports
from analysis.reporting.store.run_record import read_record

#: Days of which it is kept how many alerts were told.
_DAYS_KEPT = 60

#: Kinds that only a run with that report can end: of a report left out nothing is known.
_OF_REPORTS = ("failed", "threshold", "changed", "decision")


@dataclass(frozen=True)
class Standing:
    """An active alert: since when, and the day it was told; empty until then."""

    alert: Alert
    since: str
    told: str = ""


@dataclass(frozen=True)
class AlertBook:
    """The alerts of a study.

    Parameters
    ----------
    study, run_id, as_of
        The run that was judged last.
    active
        What the rules found then, the most urgent first.
    new
        Keys of what is to be told now: it is active and was not told in this state.
    waiting
        Keys of what is to be told too, but not today: the day has its number of alerts.
    resolved
        Subjects of what was active before and is not any more.
    references
        What findings are compared with.
    told_on
        How many were told, by day.
    """

    study: str
    run_id: str = ""
    as_of: str = ""
    active: tuple[Standing, ...] = ()
    new: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    resolved: tuple[str, ...] = ()
    references: dict[str, Reference] = field(default_factory=dict)
    told_on: dict[str, int] = field(default_factory=dict)

    def news(self) -> list[Alert]:
        """Return what is to be told now."""
        return [each.alert for each in self.active if each.alert.key in self.new]

    def lines(self) -> list[str]:
        """Return the book as a person reads it."""
        if not self.active:
            return [f"Nothing is to be told of {self.study}."]
        marks = {**dict.fromkeys(self.new, "new"), **dict.fromkeys(self.waiting, "waiting")}
        return [
            f"{marks.get(each.alert.key, f'since {each.since}'):<17}{each.alert.subject}"
            for each in self.active
        ]

    def write(self, path: Path) -> None:
        """Write it as JSON, whole or not at all."""
        write_json(path, asdict(self))

    @classmethod
    def read(cls, path: Path, study: str) -> AlertBook:
        """Return the book in ``path``; an empty one where there is none, or a damaged one."""
        if not path.is_file():
            return cls(study)
        try:
            return read_record(cls, path, "the alerts of a study")
        except AnalysisError:  # what was told is forgotten; it is told again
            return cls(study)


def book_path(reports: StudyReports) -> Path:
    """Return where the alerts of a study are kept."""
    return reports.path / "alerts.json"


def judged(book: AlertBook, evidence: Evidence, params: AlertParams, today: date) -> AlertBook:
    """Return the book after a run: what is active, what of it is new, what is over.

    An alert is new when it begins or its state changes; it is quiet until then, however many runs
    find it. What is left of a report that was no part of the run stays as it was.

    Parameters
    ----------
    book
        The book before.
    evidence
        The run.
    params
        The rules.
    today
        The day, which takes a number of alerts.
    """
    found = [*judge(evidence, params, book.references), *_unseen(book, evidence)]
    before = {each.alert.key: each for each in book.active}
    active = tuple(_standing(alert, before.get(alert.key), evidence) for alert in found)
    untold = [each.alert.key for each in active if not each.told]
    room = max(0, params.most_a_day - book.told_on.get(today.isoformat(), 0))
    still = {alert.key for alert in found}
    ended = (each.alert for key, each in before.items() if key not in still)
    gone = [alert.subject for alert in ended if alert.kind != "changed"]
    return replace(
        book,
        run_id=evidence.run_id,
        as_of=evidence.as_of.isoformat(),
        active=active,
        new=tuple(untold[:room]),
        waiting=tuple(untold[room:]),
        resolved=tuple(gone),
        references=_references(book, evidence),
    )


def told(book: AlertBook, evidence: Evidence, today: date) -> AlertBook:
    """Return the book after its new alerts were told; what was told is compared with from now."""
    day = today.isoformat()
    active = tuple(
        replace(each, told=day) if each.alert.key in book.new else each for each in book.active
    )
    counts = {**book.told_on, day: book.told_on.get(day, 0) + len(book.new)}
    kept = dict(sorted(counts.items())[-_DAYS_KEPT:])
    renewed = {
        f"{report}/{finding.key}": made
        for report, finding in evidence.findings()
        if f"changed:{report}/{finding.key}" in book.new
        and (made := reference_of(finding, evidence.reports[report].settings, book.as_of))
    }
    return replace(book, active=active, told_on=kept, references={**book.references, **renewed})


def _standing(alert: Alert, before: Standing | None, evidence: Evidence) -> Standing:
    if before is None or before.alert.state != alert.state:
        return Standing(alert, evidence.as_of.isoformat())
    return replace(before, alert=alert)


def _unseen(book: AlertBook, evidence: Evidence) -> Sequence[Alert]:
    """Return the alerts of reports that were no part of the run."""
    return [
        each.alert
        for each in book.active
        if each.alert.kind in _OF_REPORTS and each.alert.report not in evidence.reports
    ]


def _references(book: AlertBook, evidence: Evidence) -> dict[str, Reference]:
    """Return what findings are compared with: first seen, or made with other settings since."""
    kept = dict(book.references)
    for report, finding in evidence.findings():
        name = f"{report}/{finding.key}"
        settings = evidence.reports[report].settings
        made = reference_of(finding, settings, evidence.as_of.isoformat())
        known = kept.get(name)
        if made and (known is None or (known.settings, known.unit) != (settings, finding.unit)):
            kept[name] = made
    return kept
