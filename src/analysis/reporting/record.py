"""What a run was: the content of its ``run.json``, as the site reads it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from analysis.reporting.atomic import write_json
from analysis.reporting.status import Outcome


@dataclass(frozen=True)
class ReportEntry:
    """One report of a run.

    Parameters
    ----------
    name
        The notebook's name without its suffix, ``03_deciles``.
    title
        What the report is about.
    question
        The question it answers.
    status, seconds, peak_memory_mb
        As in `status.Status`.
    """

    name: str
    title: str
    question: str = ""
    status: Outcome = "done"
    seconds: float = 0.0
    peak_memory_mb: float = 0.0

    @property
    def number(self) -> str:
        """The number it is ordered by, or nothing."""
        return self.name.partition("_")[0] if self.name[:1].isdigit() else ""


@dataclass(frozen=True)
class RunRecord:
    """What was run, on what, and when.

    Parameters
    ----------
    study, title, source
        The study's key, its name for people, and where its data come from.
    run_id
        Name of the run; its time in UTC.
    started_at
        When it started, ISO with offset.
    as_of
        The day before which everything is known, ISO.
    simulated
        Whether the data were made by a simulation.
    engine, seed, seconds
        Engine, seed, and the wall-clock seconds of the whole run.
    fingerprint
        Of the canonical tables that were read.
    code
        Version of the code.
    params
        The resolved params.
    packages
        Version by package.
    reports
        The reports in reading order.
    """

    study: str
    title: str
    source: str
    run_id: str
    started_at: str
    as_of: str
    simulated: bool
    engine: str
    seed: int
    fingerprint: str
    code: str
    seconds: float = 0.0
    params: dict[str, Any] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)
    reports: tuple[ReportEntry, ...] = ()

    @property
    def started(self) -> datetime:
        """When it started."""
        return datetime.fromisoformat(self.started_at)

    @property
    def last_day(self) -> date:
        """The last day whose data it read."""
        return date.fromisoformat(self.as_of) - timedelta(days=1)

    def entry(self, report: str) -> ReportEntry:
        """Return the entry of a report; one without a title where it is not listed."""
        named = [entry for entry in self.reports if entry.name == report]
        return named[0] if named else ReportEntry(report, report)

    def write(self, path: Path) -> None:
        """Write it as JSON, whole or not at all."""
        write_json(path, asdict(self))

    @classmethod
    def read(cls, path: Path) -> RunRecord:
        """Read what ``write`` wrote; what a later version adds is left aside."""
        raw = json.loads(path.read_text("utf-8"))
        known = {f.name: raw[f.name] for f in fields(cls) if f.name in raw}
        names = {f.name for f in fields(ReportEntry)}
        entries = [{k: v for k, v in e.items() if k in names} for e in raw.get("reports", ())]
        return cls(**{**known, "reports": tuple(ReportEntry(**entry) for entry in entries)})
