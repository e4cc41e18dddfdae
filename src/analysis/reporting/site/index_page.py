"""The index of a run, and the index over all studies and runs."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from analysis.errors import AnalysisError
from analysis.reporting.notebook import words
from analysis.reporting.notebook.findings import Findings
from analysis.reporting.site import history, templating
from analysis.reporting.site.history import FindingView
from analysis.reporting.store.atomic import write_text
from analysis.reporting.store.layout import RunFolder, published_runs
from analysis.reporting.store.run_record import RunRecord, Status

#: What a status is called on the index.
LABELS = {
    "done": "done",
    "cached": "reused",
    "incomplete": "incomplete",
    "failed": "failed",
    "not_applicable": "no data",
    "left_out": "not run",
}

#: The same in a count of reports.
_COUNTED = {**LABELS, "not_applicable": "without data"}

#: Runs of one study that the overview lists.
_RUNS_LISTED = 60


@dataclass(frozen=True)
class Link:
    """A text that leads somewhere."""

    text: str
    target: str


@dataclass(frozen=True)
class Card:
    """A report as the index shows it.

    Parameters
    ----------
    name, title
        The report's name and what it is about.
    label, kind
        What its state is called, and the class that colours it.
    sentence
        What it found, or why it did not.
    page
        Where its page is, or None.
    findings
        Its findings with their change.
    traceback
        Where it failed, if it did.
    last_good
        The page of the last run in which it was good, where it is not good now.
    """

    name: str
    title: str
    label: str
    kind: str
    sentence: str
    page: str | None
    findings: tuple[FindingView, ...] = ()
    traceback: str = ""
    last_good: Link | None = None

    @property
    def number(self) -> str:
        """Its number among the reports, or nothing."""
        number = self.name.partition("_")[0]
        return number if number.isdigit() else ""


@dataclass(frozen=True)
class Headline:
    """A finding on the index, and the report it is from."""

    view: FindingView
    card: Card


@dataclass(frozen=True)
class RunLine:
    """A run on the overview; ``problem`` says why it cannot be read."""

    name: str
    target: str
    run: RunRecord | None
    summary: str
    alerts: int
    problem: str = ""


@dataclass(frozen=True)
class StudyBlock:
    """A study on the overview: its newest readable run, all runs, the newest first, and trends."""

    name: str
    newest: RunRecord | None
    runs: tuple[RunLine, ...]
    unlisted: int
    headlines: tuple[history.Headline, ...] = ()


def write_index(run_dir: Path, previous_run_dir: Path | None) -> None:
    """Write the index of a run: what needs a decision, what changed, and each report.

    Parameters
    ----------
    run_dir
        The run's folder, with run.json, statuses, findings and pages in it.
    previous_run_dir
        The study's run before, to compare with; None where there is none.
    """
    folder = RunFolder(run_dir)
    run = RunRecord.read(folder.run_json)
    cards = [_card(name, run, folder, previous_run_dir) for name in run.reports]
    asked = [Headline(v, card) for card in cards for v in card.findings if v.finding.alert]
    decisions = sorted(asked, key=lambda each: each.view.finding.weight, reverse=True)
    changes = [Headline(v, card) for card in cards for v in card.findings if _news(v)]
    page = {
        "run": run,
        "cards": cards,
        "title": _title(run, bool(decisions), bool(changes), compared=previous_run_dir is not None),
        "settings": _settings_changed(run, previous_run_dir),
        "summary": _summary(run, len(decisions)),
        "decisions": decisions,
        "changes": changes,
        "same": any(v.change and v.change.same for card in cards for v in card.findings),
    }
    write_text(folder.index, templating.render("index.html.j2", page=page))


def write_overview(reports_root: Path) -> None:
    """Write ``index.html`` over all studies below ``reports_root`` and all their runs."""
    studies = [path for path in sorted(reports_root.iterdir()) if published_runs(path)]
    blocks = [_study(path) for path in studies]
    html = templating.render("overview.html.j2", page={"studies": blocks})
    write_text(reports_root / "index.html", html)


def _card(name: str, run: RunRecord, folder: RunFolder, previous: Path | None) -> Card:
    report = run.reports[name]
    card = Card(name, report.title or name, LABELS[report.status], report.status, "", None)
    if report.shown:
        card = _with_findings(card, run, folder, previous)
    if report.good:
        return card
    status = Status.read(folder.status(name)) if folder.status(name).is_file() else None
    reason = (status.reason if status else "") or report.reason or "Not asked for in this run"
    trace = status.traceback if status else ""
    earlier = _last_good(name, folder, previous)
    return replace(card, sentence=reason, traceback=trace, last_good=earlier)


def _with_findings(card: Card, run: RunRecord, folder: RunFolder, previous: Path | None) -> Card:
    """Return the card of a report that has a page, with what it found."""
    findings = Findings.read(folder.findings(card.name))
    before = history.baseline(card.name, run, previous)
    views = tuple(history.view(finding, before) for finding in findings.items)
    report = run.reports[card.name]
    if report.good:
        decide = bool(findings.alerts)
        kind, label = ("decide", "decide") if decide else ("done", card.label)
        card = replace(card, kind=kind, label=label)
    sentence = findings.title or report.question
    return replace(card, sentence=sentence, page=f"{card.name}.html", findings=views)


def _last_good(name: str, folder: RunFolder, previous: Path | None) -> Link | None:
    good = history.last_good(name, previous) if previous else None
    if good is None:
        return None
    target = os.path.relpath(good.page(name), folder.path)
    return Link(history.day_of(good), Path(target).as_posix())


def _news(view: FindingView) -> bool:
    change = view.change
    return change is not None and change.tone != "plain" and not view.finding.alert


def _title(run: RunRecord, decisions: bool, changes: bool, *, compared: bool) -> str:
    """Return what a run says first; nothing is decided by a report that is not there."""
    if run.failed and not decisions:
        lacking = _lacking(run)
        return f"What changed; {lacking}" if changes else lacking[:1].upper() + lacking[1:]
    if decisions and compared:
        return "What changed, and what needs a decision" if changes else "What needs a decision"
    if decisions:
        return "What needs a decision"
    return "What changed; nothing needs a decision" if changes else "Nothing needs a decision"


def _lacking(run: RunRecord) -> str:
    """Return how many reports are not whole: ``1 report failed and 2 are incomplete``."""
    counts = Counter[str](report.status for report in run.reports.values())
    failed, incomplete = counts["failed"], counts["incomplete"]
    verb = "is" if incomplete == 1 else "are"
    said = [f"{words.count(failed, 'report')} failed"] if failed else []
    if incomplete:
        said.append(
            f"{incomplete if failed else words.count(incomplete, 'report')} {verb} incomplete"
        )
    return words.listing(said)


def _settings_changed(run: RunRecord, previous: Path | None) -> str:
    """Return the settings of the study that the run before had otherwise; empty if none."""
    if previous is None or not history.is_readable(RunFolder(previous)):
        return ""
    before = RunRecord.read(RunFolder(previous).run_json)
    changed = history.changed_settings(run, before)
    return words.listing(changed) if changed else ""


def _summary(run: RunRecord, decisions: int) -> str:
    counted = f"{_counted(run)}."
    if not decisions:
        return counted
    asks = "asks" if decisions == 1 else "ask"
    return f"{counted} {words.count(decisions, 'finding')} {asks} for a decision."


def _counted(run: RunRecord) -> str:
    """Return how many reports came out how: ``3 reports: 2 done and 1 failed``."""
    counts = Counter[str](report.status for report in run.reports.values())
    parts = (f"{counts[status]} {word}" for status, word in _COUNTED.items() if counts[status])
    return f"{words.count(len(run.reports), 'report')}: {words.listing(parts)}"


def _study(path: Path) -> StudyBlock:
    runs = published_runs(path)
    lines = tuple(_run_line(run) for run in runs[:_RUNS_LISTED])
    newest = next((line.run for line in lines if line.run), None)
    found = tuple(history.headlines(runs))
    return StudyBlock(path.name, newest, lines, len(runs) - len(lines), found)


def _run_line(path: Path) -> RunLine:
    folder = RunFolder(path)
    target = f"{path.parent.name}/{path.name}/index.html"
    try:
        run = RunRecord.read(folder.run_json)
        good = [name for name, report in run.reports.items() if report.shown]
        alerts = sum(len(Findings.read(folder.findings(name)).alerts) for name in good)
    except AnalysisError as error:
        return RunLine(path.name, target, None, "", 0, str(error))
    return RunLine(path.name, target, run, _counted(run), alerts)
