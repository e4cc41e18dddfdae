"""The canonical tables of a study, brought up to date while no run reads them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from analysis.ingest.ingest import ingest
from analysis.ingest.request import IngestResult
from analysis.params import StudyParams
from analysis.reporting.store.atomic import disk_errors, hold
from analysis.reporting.store.layout import StudyReports
from analysis.tables.manifest import SAME_KEY, LedgerEntry

#: Files of a table that get a line of their own.
SHOWN_FILES = 12


def bring_up_to_date(
    params: StudyParams,
    *,
    root: Path,
    now: datetime,
    force: bool = False,
    tell: Callable[[int, int], None] | None = None,
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
        Read the contents of all sources again, whatever their sizes and times say.
    tell
        Called with how many of the delivered files are done, and of how many.

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
        return ingest(params.ingest_request(), root=root, force=force, tell=tell)


def ledger_lines(result: IngestResult) -> list[str]:
    """Return what ingest did and what became of every source row, as a person reads it."""
    how = "are as before" if result.skipped else f"were read in {result.seconds:.1f} s"
    head = f"tables {result.manifest.fingerprint} {how}"
    news = (f"  files {each}" for each in result.news)
    mended = (f"  {each}" for each in result.mended)
    notes = (f"  note: {each}" for each in result.manifest.notes)
    return [head, *mended, *news, *notes, *map(_entry, _one_a_kind(result.manifest.ledger))]


def _one_a_kind(ledger: Sequence[LedgerEntry]) -> list[LedgerEntry]:
    """Return the account, that of a table made from many files as one entry."""
    by_table: dict[str, list[LedgerEntry]] = {}
    for entry in ledger:
        by_table.setdefault(entry.table, []).append(entry)
    return [
        each
        for entries in by_table.values()
        for each in (entries if len(entries) <= SHOWN_FILES else [_together(entries)])
    ]


def _together(entries: Sequence[LedgerEntry]) -> LedgerEntry:
    rejected, dropped = Counter[str](), Counter[str]()
    for entry in entries:
        rejected.update(entry.rejected)
        dropped.update(entry.dropped)
    return LedgerEntry(
        entries[0].table,
        f"{len(entries)} files, {entries[0].source} to {entries[-1].source}",
        sum(entry.rows_in for entry in entries),
        sum(entry.accepted for entry in entries),
        dict(rejected),
        dict(dropped),
    )


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
