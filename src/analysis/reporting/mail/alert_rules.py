"""From the findings of one run to what somebody should be told, by the rules of the study."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fnmatch import fnmatchcase

import numpy as np

from analysis.params.study import AlertParams, AlertRule
from analysis.reporting.notebook import words
from analysis.reporting.notebook.findings import Finding, Findings
from analysis.reporting.site.history import NO_SETTING
from analysis.reporting.store.layout import RunFolder
from analysis.reporting.store.run_record import RunRecord
from analysis.stats.multiplicity import normal_quantile, q_values, two_sided_p

#: The report that is made of the others: what it finds was found there.
_SUMMARY = "00_summary"


@dataclass(frozen=True)
class Seen:
    """One report of a run.

    Parameters
    ----------
    title
        What it is about.
    status, reason
        Its outcome, and why it is not done.
    settings
        Hash of everything it was made with but the day: findings of other settings are others.
    findings
        What it found.
    """

    title: str
    status: str
    reason: str
    settings: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Evidence:
    """One run.

    Parameters
    ----------
    study, title, run_id, as_of
        Which run it is.
    last_day
        Last day with an order; None where it is not known.
    reports
        Its reports by name; those that were no part of it are left out.
    """

    study: str
    title: str
    run_id: str
    as_of: date
    last_day: date | None
    reports: Mapping[str, Seen]

    def findings(self) -> Iterator[tuple[str, Finding]]:
        """Yield each finding with the name of its report."""
        for name, seen in self.reports.items():
            for finding in seen.findings:
                yield name, finding


def read_evidence(folder: RunFolder, record: RunRecord) -> Evidence:
    """Return what a run, staged or published, says that may be told."""
    span = record.data.get("order_span") or ()
    reports = {
        name: Seen(
            each.title or name,
            each.status,
            each.reason,
            _settings(record, name),
            Findings.read(folder.findings(name)).items if each.shown else (),
        )
        for name, each in record.reports.items()
        if each.status != "left_out" and name != _SUMMARY
    }
    return Evidence(
        study=record.study,
        title=record.title,
        run_id=record.run_id,
        as_of=date.fromisoformat(record.as_of),
        last_day=date.fromisoformat(span[-1]) if span else None,
        reports=reports,
    )


def _settings(record: RunRecord, report: str) -> str:
    shared = {k: v for k, v in record.params.items() if k not in NO_SETTING}
    own = {k: v for k, v in record.reports[report].parameters.items() if k != "as_of"}
    text = json.dumps([shared, own], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


#: What comes first where there are more alerts than a day takes.
_ORDER = {"failed": 0, "late": 1, "threshold": 2, "changed": 3, "decision": 4}


@dataclass(frozen=True)
class Alert:
    """Something to be told.

    Parameters
    ----------
    key
        Name that stays the same from run to run: rule, report and finding.
    state
        What it is about now; told again only when this changes.
    subject
        The alert in one line.
    body
        The change and the threshold.
    report
        The report it is from; empty where it is about the data.
    weight
        Money at stake times evidence.
    """

    key: str
    state: str
    subject: str
    body: str
    report: str = ""
    weight: float = 0.0

    @property
    def kind(self) -> str:
        """The kind of its rule."""
        return self.key.partition(":")[0]


@dataclass(frozen=True)
class Reference:
    """A finding as it was when somebody was last told of it, or when it was first seen."""

    value: float
    low: float
    high: float
    level: float
    unit: str
    settings: str
    as_of: str


def judge(
    evidence: Evidence, params: AlertParams, references: Mapping[str, Reference]
) -> list[Alert]:
    """Return everything that the rules find in a run, the most urgent first.

    Parameters
    ----------
    evidence
        The run.
    params
        The rules.
    references
        What each finding, ``report/key``, is compared with.
    """
    found: dict[str, Alert] = {}
    for rule in params.rules:
        for alert in _by_rule(rule, evidence, params, references):
            found.setdefault(alert.key, alert)
    return sorted(found.values(), key=lambda a: (_ORDER[a.kind], -a.weight, a.key))


def reference_of(finding: Finding, settings: str, as_of: str) -> Reference | None:
    """Return what later findings are compared with; None without value and interval."""
    if finding.value is None or finding.low is None or finding.high is None:
        return None
    ends = (finding.value, finding.low, finding.high, finding.level)
    return Reference(*ends, finding.unit, settings, as_of)


def _by_rule(
    rule: AlertRule, evidence: Evidence, params: AlertParams, references: Mapping[str, Reference]
) -> Iterator[Alert]:
    if rule.when == "failed":
        yield from _failed(evidence)
    elif rule.when == "late":
        yield from _late(evidence, rule.days)
    elif rule.when == "changed":
        yield from _changed(evidence, rule, params.fdr, references)
    else:
        for report, finding in _matching(evidence, rule):
            alert = (
                _beyond(rule, report, finding)
                if rule.when == "threshold"
                else _asked(report, finding)
            )
            yield from [alert] if alert else []


def _matching(evidence: Evidence, rule: AlertRule) -> Iterator[tuple[str, Finding]]:
    for report, finding in evidence.findings():
        if fnmatchcase(f"{report}/{finding.key}", rule.finding):
            yield report, finding


def _failed(evidence: Evidence) -> Iterator[Alert]:
    """Yield the reports that are not whole; an error may quote a row, so that it stays behind."""
    for name, seen in evidence.reports.items():
        if seen.status in ("failed", "incomplete"):
            how = "failed" if seen.status == "failed" else "is incomplete"
            yield Alert(
                f"failed:{name}",
                f"{seen.status} {hashlib.sha256(seen.reason.encode()).hexdigest()[:12]}",
                f"{seen.title} {how}",
                f"Report {name} {how}. Why stands on the page of the run.",
                name,
            )


def _late(evidence: Evidence, days: int) -> Iterator[Alert]:
    if evidence.last_day is None:
        return
    expected = evidence.as_of - timedelta(days=1)
    missing = (expected - evidence.last_day).days
    if missing >= days:
        last = words.day(evidence.last_day)
        yield Alert(
            "late:data",
            evidence.last_day.isoformat(),
            f"no orders since {last}",
            f"The last order is of {last}; {words.count(missing, 'day')} up to "
            f"{words.day(expected)} have none. The threshold is {words.count(days, 'day')}.",
        )


def _beyond(rule: AlertRule, report: str, finding: Finding) -> Alert | None:
    """Return the alert of a finding on the wrong side of its threshold."""
    above, value = rule.above is not None, finding.value
    limit = rule.above if rule.above is not None else rule.below
    if value is None or limit is None or (value <= limit if above else value >= limit):
        return None
    side = "above" if above else "below"
    threshold = words.quantity(limit, finding.unit, finding.digits)
    low, high = finding.low, finding.high
    open_still = low is not None and high is not None and low <= limit <= high
    doubt = " The threshold lies within the interval." if open_still else ""
    return Alert(
        f"threshold:{report}/{finding.key}/{side}",
        side,
        f"{finding.number} {finding.sentence} ({side} {threshold})",
        f"{_told(finding)} The threshold is {threshold}.{doubt}",
        report,
        finding.weight,
    )


def _asked(report: str, finding: Finding) -> Alert | None:
    """Return the alert of a finding that asks for a decision."""
    if not finding.alert:
        return None
    otherwise = f" If nothing is done: {finding.otherwise}." if finding.otherwise else ""
    number = f"{finding.number} " if finding.value is not None else ""
    return Alert(
        f"decision:{report}/{finding.key}",
        "asked",
        f"to decide: {number}{finding.sentence}",
        f"{_told(finding)}{otherwise}",
        report,
        finding.weight,
    )


def _changed(
    evidence: Evidence, rule: AlertRule, fdr: float, references: Mapping[str, Reference]
) -> Iterator[Alert]:
    """Yield the findings that differ from when they were last told, by more than chance makes.

    Both values have their interval: the difference is held against both. All findings of a run
    are searched together, so that of those told a share ``fdr`` at most is chance.
    """
    compared = [
        (report, finding, references[f"{report}/{finding.key}"])
        for report, finding in _matching(evidence, rule)
        if _comparable(evidence, report, finding, references)
    ]
    p_values = two_sided_p([_z(finding, then) for _, finding, then in compared])
    for (report, finding, then), q in zip(compared, q_values(p_values), strict=True):
        if q <= fdr and finding.value is not None:
            yield _change(report, finding, then, finding.value)


def _comparable(
    evidence: Evidence, report: str, finding: Finding, references: Mapping[str, Reference]
) -> bool:
    then = references.get(f"{report}/{finding.key}")
    now = reference_of(finding, evidence.reports[report].settings, "")
    return (
        then is not None
        and now is not None
        and (then.unit, then.settings) == (now.unit, now.settings)
        and np.isfinite(_z(finding, then))
    )


def _z(finding: Finding, then: Reference) -> float:
    """Return the difference in standard errors, both intervals taken as normal."""
    before = (then.high - then.low) / 2 / normal_quantile(then.level)
    error = float(np.hypot(finding.standard_error or 0.0, before))
    return ((finding.value or 0.0) - then.value) / error if error > 0 else float("nan")


def _change(report: str, finding: Finding, then: Reference, value: float) -> Alert:
    up = value > then.value
    before = words.quantity(then.value, finding.unit, finding.digits)
    rose = "rose" if up else "fell"
    good = "" if finding.direction is None else _news(up == (finding.direction == "up_good"))
    return Alert(
        f"changed:{report}/{finding.key}",
        f"{rose} from {then.as_of}",
        f"{rose} from {before}: {finding.number} {finding.sentence}",
        f"{_told(finding)} It was {before} on {then.as_of}, and the difference is more than the "
        f"two intervals leave to chance.{good}",
        report,
        finding.weight,
    )


def _news(good: bool) -> str:
    return " That is good news." if good else " That is bad news."


def _told(finding: Finding) -> str:
    """Return a finding with what it rests on, as a sentence."""
    small = [part for part in (finding.interval, finding.observations) if part]
    if finding.interval:
        small[0] = f"{100 * finding.level:g} % interval {small[0]}"
    rests = f" ({'; '.join(small)})" if small else ""
    number = f"{finding.number} " if finding.value is not None else ""
    return f"{number}{finding.sentence.rstrip('.')}{rests}."
