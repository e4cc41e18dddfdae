"""What alerts are judged on: the outcomes and findings of one run, and the last day of orders."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from analysis.reporting.notebook.findings import Finding, Findings
from analysis.reporting.site.history import NO_SETTING
from analysis.reporting.store.layout import RunFolder
from analysis.reporting.store.run_record import RunRecord

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
