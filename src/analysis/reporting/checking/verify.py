"""Tell whether a run was edited, run it again on tables brought up to date, compare the bytes."""

from __future__ import annotations

import filecmp
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from analysis.errors import AnalysisError
from analysis.ingest.ingest import ingest
from analysis.ingest.request import IngestResult
from analysis.params import StudyParams
from analysis.reporting.notebook import words
from analysis.reporting.runner import cache
from analysis.reporting.runner.dispatch import Console
from analysis.reporting.runner.run import Request, executed
from analysis.reporting.store import run_record
from analysis.reporting.store.atomic import disk_errors, hold
from analysis.reporting.store.layout import RunFolder, StudyReports
from analysis.reporting.store.run_record import RunRecord, is_sealed
from analysis.tables.manifest import SAME_KEY, LedgerEntry


@dataclass(frozen=True)
class Verdict:
    """What the comparison of a run with its repetition gave.

    Parameters
    ----------
    compared
        Files that were compared: tables and findings.
    differences
        A sentence on each that is not the same.
    code_changed
        Whether the code is another than that of the run.
    edited
        A sentence on each published file that is no longer what was published.
    """

    compared: int
    differences: tuple[str, ...]
    code_changed: bool
    edited: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Whether nothing was edited and nothing came out otherwise."""
        return not self.differences and not self.edited

    def lines(self) -> list[str]:
        """Return the verdict as a person reads it."""
        edited = [f"{words.count(len(self.edited), 'file')} changed since the run was published:"]
        lines = [*edited, *self.edited] if self.edited else []
        if not self.differences:
            same = f"All {self.compared} tables and findings files are the same, byte for byte."
            return [*lines, same]
        lines += [f"{len(self.differences)} of {self.compared} tables and findings files differ:"]
        changed = ["The code is another than that of the run."] if self.code_changed else []
        return [*lines, *self.differences, *changed]


def find_run(name: str, *, root: Path) -> RunFolder:
    """Return the published run called ``name``.

    Parameters
    ----------
    name
        Path of the run's folder, or the run's id, or ``study/run``, or a study for its latest run.
    root
        Project root.
    """
    reports = root / "reports"
    by_id = sorted(reports.glob(f"*/{name}")) if Path(name).name == name else []
    places = [Path(name), reports / name, reports / name / "latest", *by_id]
    found = {path.resolve() for path in places if (path / "run.json").is_file()}
    if len(found) > 1:
        which = " or ".join(sorted(f"{path.parent.name}/{path.name}" for path in found))
        raise AnalysisError(f"There are several runs {name}: say {which}")
    if not found:
        raise AnalysisError(
            f"There is no run {name}; give its id, its folder or <study>/<run>, such as "
            "complete_journey/latest"
        )
    return RunFolder(found.pop())


def request_of(record: RunRecord, request: Request) -> Request:
    """Return ``request`` changed so that it repeats a recorded run."""
    good = tuple(name for name, report in record.reports.items() if report.shown)
    if not good:
        raise AnalysisError(f"Run {record.run_id} has no results to verify")
    return replace(request, only=good, reuse=False, data=record.data["fingerprint"])


def params_of(record: RunRecord) -> StudyParams:
    """Return the params that a run was made with."""
    return StudyParams.model_validate_json(json.dumps(record.params))


def verify(folder: RunFolder, request: Request, console: Console) -> Verdict:
    """Look for edits of the run in ``folder``, repeat it, compare every table and finding.

    The canonical tables are brought to what the run's params ask for, margins and zone included;
    a later run brings them back to those of the params file.

    Parameters
    ----------
    folder
        The published run.
    request
        Its params, and how to run.
    console
        Who is told how it goes.

    Raises
    ------
    DataError
        If the canonical tables are not those that the run read.
    """
    record = RunRecord.read(folder.run_json)
    request = request_of(record, request)
    changed_since = tuple(edited(folder, record))
    compared, differences = 0, []
    with executed(request, console) as again:
        for report in request.only:
            outcome = again.record.reports[report]
            if not outcome.shown:
                differences.append(f"{report} did not run to its end again: {outcome.reason}")
                continue
            names = _results(folder, report) | _results(again.folder, report)
            compared += len(names)
            differences += filter(None, (_differs(folder, again.folder, n) for n in sorted(names)))
    changed = record.code["sources"] != run_record.sources_hash()
    return Verdict(compared, tuple(differences), changed, changed_since)


def edited(folder: RunFolder, record: RunRecord) -> Iterator[str]:
    """Yield a sentence on each file of a published run that is not what was published.

    Parameters
    ----------
    folder
        The published run.
    record
        Its record, with the hash of each file.
    """
    if not is_sealed(folder.run_json):
        yield f"{folder.run_json.name} was changed since it was written"
    known = dict(record.files)
    for report, each in record.reports.items():
        known |= each.files
        for path in folder.files(report):
            name = path.relative_to(folder.path).as_posix()
            if name not in each.files:
                yield f"{name} was not in the run"
    for name, wanted in sorted(known.items()):
        found = cache.digest(folder.path / name)
        if found != wanted:
            how = "is missing" if found == "missing" else "was changed since the run was published"
            yield f"{name} {how}"


def _results(folder: RunFolder, report: str) -> set[Path]:
    files = [*folder.results(report), folder.findings(report)]
    return {path.relative_to(folder.path) for path in files if path.is_file()}


def _differs(published: RunFolder, again: RunFolder, name: Path) -> str:
    before, now = published.path / name, again.path / name
    if not before.is_file():
        return f"{name} was not in the run"
    if not now.is_file():
        return f"{name} was not made again"
    return "" if filecmp.cmp(before, now, shallow=False) else f"{name} differs"


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
