"""Earlier runs of a report: what to compare with, when it was good, how findings moved."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import dropwhile
from pathlib import Path
from typing import Literal

from analysis.errors import AnalysisError
from analysis.reporting.notebook import words
from analysis.reporting.notebook.findings import Finding, Findings
from analysis.reporting.store.layout import RunFolder, published_runs
from analysis.reporting.store.run_record import RunRecord, Status
from analysis.stats.multiplicity import normal_quantile

Tone = Literal["good", "bad", "plain"]

#: Below so many things counted, one more or less is read as that, not as a percentage.
_FEW = 100

#: Widest reach of the strip beyond the interval, in widths of the interval.
_REACH = 2.0


@dataclass(frozen=True)
class Change:
    """The change of one finding.

    Parameters
    ----------
    text
        The change as it is read, with the run it is measured from.
    tone
        Whether it is good or bad news; plain where it is neither, or too small to tell.
    moved
        Whether the difference is more than both intervals leave to chance, or there is no interval
        and the number reads differently.
    before
        The earlier value.
    same
        Whether the number reads as it did.
    """

    text: str
    tone: Tone
    moved: bool
    before: float | None
    same: bool = False


def compare(now: Finding, before: Finding | None, *, since: str = "last run") -> Change:
    """Return how ``now`` differs from the finding of the same key in an earlier run.

    A change is called good or bad only where the finding says which way is which and the two
    intervals leave the difference to chance once in twenty times at most, as independent estimates
    would; runs that share data differ by less. A smaller one may be chance and says so.

    Parameters
    ----------
    now
        Today's finding.
    before
        The earlier one, or None if that run had no finding of this key.
    since
        Name of the earlier run, for the text.
    """
    if before is None or before.unit != now.unit:
        return Change(f"new since {since}", "plain", True, None)
    if now.value is None or before.value is None:
        known = "value" if now.value is not None else "no value"
        same = now.value is before.value
        text = f"{known} as in {since}" if same else f"{known} now, unlike {since}"
        return Change(text, "plain", not same, before.value, same)
    if now.number == words.quantity(before.value, now.unit, now.digits):
        return Change(f"unchanged since {since}", "plain", False, before.value, same=True)
    return _moved(now, now.value, before, since)


def strip(finding: Finding, before: float | None = None) -> dict[str, float] | None:
    """Return where the interval lies on a strip, in per cent of the strip's width.

    Parameters
    ----------
    finding
        The finding.
    before
        Value in the earlier run; left out where it is too far away to be drawn.

    Returns
    -------
    dict or None
        ``left`` and ``width`` of the interval, ``value``, and, where they fall on the strip,
        ``before`` and ``zero``. None without an interval of two ends.
    """
    low, high = finding.low, finding.high
    if low is None or high is None or finding.value is None or low == high:
        return None
    span = high - low
    near = [
        x for x in (before,) if x is not None and low - _REACH * span <= x <= high + _REACH * span
    ]
    first = min(low, finding.value, *near) - span / 3
    last = max(high, finding.value, *near) + span / 3
    scale = 100 / (last - first)
    marks = {"value": finding.value, "before": near[0] if near else None, "zero": 0.0}
    placed = {k: round((x - first) * scale, 1) for k, x in marks.items() if x is not None}
    shown = {k: x for k, x in placed.items() if 0 <= x <= 100}
    return {"left": round((low - first) * scale, 1), "width": round(span * scale, 1), **shown}


def _moved(now: Finding, value: float, then: Finding, since: str) -> Change:
    before = then.value or 0.0
    by = value - before
    arrow = "▲" if by > 0 else "▼"
    text = f"{arrow} {_size(now, by, before)} since {since}"
    if _may_be_chance(now, then, by):
        return Change(f"{text}, within the interval", "plain", False, before)
    if now.direction is None:
        return Change(text, "plain", True, before)
    good = (by > 0) == (now.direction == "up_good")
    return Change(text, "good" if good else "bad", True, before)


def _may_be_chance(now: Finding, then: Finding, by: float) -> bool:
    """Return whether the intervals hold the difference; one that the earlier lacks adds none."""
    errors = [each.standard_error for each in (now, then)]
    if errors[0] is None:
        return False
    return abs(by) <= normal_quantile(now.level) * math.hypot(errors[0], errors[1] or 0.0)


def _size(now: Finding, by: float, before: float) -> str:
    """Return the size of a change: shares in points, others in per cent, but for few things."""
    if now.unit in (words.PERCENT, words.POINTS):
        return words.points(abs(by), max(now.digits, 1), signed=False)
    few = not now.unit and not now.digits and before < _FEW
    if before > 0 and not few:
        return words.percent(abs(by) / before)
    return words.quantity(abs(by), now.unit, now.digits)


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
        The parameters that were others then; not as_of, since time moves on, nor who is asked.
    settings
        The settings of the whole study that were others then: of its params, and its mappings.
    """

    folder: RunFolder
    findings: Findings
    since: str
    changed: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()

    def change(self, finding: Finding) -> Change:
        """Return how a finding of the same report moved since then.

        Where the report was defined otherwise then, the change is no news, good or bad.
        """
        change = compare(finding, self.findings.by_key().get(finding.key), since=self.since)
        others = (*self.changed, *self.settings)
        if not others:
            return change
        what = "settings" if self.settings else "parameters"
        text = f"{change.text}, which had other {what} ({words.listing(others)})"
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
    findings = Findings.read(folder.findings(report))
    return Baseline(folder, findings, since, changed, changed_settings(run, then))


def _told_apart(then: RunRecord, now: RunRecord) -> str:
    """Return the day of an earlier run, with the time where it is the same day."""
    day = words.day(then.started.date())
    return f"{day}, {then.started:%H:%M %Z}" if then.started.date() == now.started.date() else day


def _changed(report: str, now: RunRecord, before: RunRecord) -> tuple[str, ...]:
    """Return the names of the parameters that a report had otherwise in an earlier run."""
    each = [run.reports[report].parameters for run in (now, before) if report in run.reports]
    if len(each) < 2:
        return ()
    names = sorted({*each[0], *each[1]} - {"as_of", "owners"})
    return tuple(name for name in names if each[0].get(name) != each[1].get(name))


#: Settings that say nothing of what is counted: a name, a day, a place, how fast.
NO_SETTING = frozenset({"study", "title", "as_of", "seed", "keep", "engine", "reports", "alerts"})


def changed_settings(now: RunRecord, before: RunRecord) -> tuple[str, ...]:
    """Return the settings of the whole study that an earlier run had otherwise.

    A run of before mappings were recorded is taken to have had the same.
    """
    names = sorted({*now.params, *before.params} - NO_SETTING)
    params = [name for name in names if now.params.get(name) != before.params.get(name)]
    if not (now.params and before.params):
        params = []
    here, there = (run.data.get("mappings") or {} for run in (now, before))
    edited = [name for name in sorted({*here} & {*there}) if here[name] != there[name]]
    return (*params, *(f"mapping {name}" for name in edited))


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
