"""The canonical tables of a study, brought up to date while no run reads them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from analysis.params import StudyParams
from analysis.reporting.atomic import disk_errors
from analysis.reporting.layout import StudyReports
from analysis.reporting.lock import hold
from analysis.tables.ingest import IngestResult, ingest
from analysis.tables.manifest import SAME_KEY, LedgerEntry


def bring_up_to_date(
    params: StudyParams, *, root: Path, now: datetime, force: bool = False
) -> IngestResult:
    """Ingest a study, unless a run is reading its tables.

    Parameters
    ----------
    params
        The study's params.
    root
        Project root.
    now
        The time, for the lock.
    force
        Read the sources again even if nothing changed.

    Raises
    ------
    LockedError
        If a run of the study is going on: its reports must all read the same tables.
    DataError
        If the data are refused.
    """
    reports = StudyReports.of(params.study, root=root)
    purpose = f"ingest of {params.study}"
    with disk_errors(root), hold(reports.lock, purpose=purpose, now=now):
        return ingest(params.ingest_request(), root=root, force=force)


def ledger_lines(result: IngestResult) -> list[str]:
    """Return what ingest did and what became of every source row, as a person reads it."""
    how = "are as before" if result.skipped else f"were read in {result.seconds:.1f} s"
    head = f"tables {result.manifest.fingerprint} {how}"
    news = (f"  files {each}" for each in result.news)
    mended = (f"  {each}" for each in result.mended)
    return [head, *mended, *news, *map(_entry, result.manifest.ledger)]


def _entry(entry: LedgerEntry) -> str:
    lost = {**entry.rejected, **entry.dropped}
    again = {rule: n for rule, n in lost.items() if rule.startswith(SAME_KEY)}
    if again:  # gathered from rows meant for another table: the others are no loss
        lost = {rule: n for rule, n in lost.items() if rule not in again}
    why = "; ".join(f"{rows:,} {reason}" for reason, rows in sorted(lost.items()))
    how = "gathered out of" if again else "of"
    text = (
        f"  {entry.table:<20} {entry.accepted:>12,} {how} {entry.rows_in:>12,} from {entry.source}"
    )
    return f"{text}: {why}" if why else text
