"""From source files to canonical tables: nothing lost, nothing half-written, nothing done twice.

A version of the tables is written beside the last one and becomes current by one rename, so a
reader sees the old version or the new one and a crash leaves the old one in place.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from analysis.errors import AnalysisError, DataError
from analysis.tables import deliveries, validate
from analysis.tables.engine import (
    Connection,
    EngineSettings,
    canonical_dir,
    connect,
    find_root,
    write_parquet,
)
from analysis.tables.manifest import LedgerEntry, Manifest, SourceFile
from analysis.tables.parts import PartSource, changes
from analysis.tables.schema import TABLES
from analysis.tables.sources import Feed, Source, SourceRequest, open_source

if TYPE_CHECKING:
    import ibis

KEPT_VERSIONS = 2

#: Tables that are read by time are stored by time.
STORAGE_ORDER = {
    "order_lines": ["ordered_at", "order_id", "product_id"],
    "page_views": ["viewed_at", "session_id"],
}


@dataclass(frozen=True)
class IngestRequest:
    """What to ingest; the params file says it.

    Parameters
    ----------
    study, title
        Key and readable name of the study.
    source
        Kind of source and its options.
    timezone, currency
        Zone of canonical timestamps; ISO 4217 code of money.
    default_margin_rate, margin_rates, margin_note
        Contribution margin rate in general and by department, and what to say about them.
    uncounted_departments
        Departments whose quantities do not count units.
    engine
        Engine to ingest with.
    seed
        Seed of the study.
    """

    study: str
    title: str
    source: Mapping[str, Any]
    timezone: str
    currency: str
    default_margin_rate: float
    margin_rates: Mapping[str, float] = field(default_factory=dict)
    margin_note: str = ""
    uncounted_departments: tuple[str, ...] = ()
    engine: EngineSettings = field(default_factory=EngineSettings)
    seed: int = 0

    def open_source(self, root: Path) -> Source:
        """Return the adapter of this request's source."""
        options = {k: v for k, v in self.source.items() if k != "kind"}
        return open_source(
            str(self.source.get("kind")),
            SourceRequest(
                study=self.study,
                options=options,
                timezone=self.timezone,
                root=root,
                margin_rates=self.margin_rates,
                uncounted_departments=self.uncounted_departments,
                seed=self.seed,
            ),
        )


@dataclass(frozen=True)
class IngestResult:
    """What ingest did: the current manifest, whether it was there already, what files changed."""

    manifest: Manifest
    skipped: bool
    seconds: float
    news: tuple[str, ...] = ()


def ingest(
    request: IngestRequest, *, root: Path | None = None, force: bool = False
) -> IngestResult:
    """Bring a study's canonical tables up to date.

    Parameters
    ----------
    request
        What to ingest.
    root
        Project root; None looks upwards from the working directory.
    force
        Read the sources again even if nothing changed.

    Returns
    -------
    IngestResult
        ``skipped`` is True if sources, settings and code are those of the current tables.

    Raises
    ------
    DataError
        If a source is missing, damaged or of another shape than expected. The last good
        tables stay.
    """
    began = time.perf_counter()
    root = root or find_root()
    home = canonical_dir(request.study, root=root)
    source = request.open_source(root)
    with _locked(home):
        _remove_leftovers(home)
        current = _current_manifest(home)
        files = _fingerprints(source, current)
        fingerprint = _fingerprint(request, source, files)
        if current is not None and current.fingerprint == fingerprint and not force:
            return IngestResult(current, True, time.perf_counter() - began)
        manifest = _build(request, source, home, files, fingerprint)
    news = tuple(changes(current.files, files)) if current is not None else ()
    return IngestResult(manifest, False, time.perf_counter() - began, news)


def _build(
    request: IngestRequest,
    source: Source,
    home: Path,
    files: tuple[SourceFile, ...],
    fingerprint: str,
) -> Manifest:
    staging = home / f".staging-{os.getpid()}"
    staging.mkdir()
    try:
        with _disk_errors(home):
            if hasattr(source, "part_feeds"):
                ledger, notes = deliveries.write_tables(
                    request,
                    cast(PartSource, source),
                    files,
                    home=home,
                    target=staging,
                    code=_code_digest(),
                )
            else:
                ledger, notes = _write_tables(request.engine, source, staging), ()
            manifest = _manifest(request, source, files, fingerprint, ledger)
            manifest = replace(manifest, notes=(*manifest.notes, *notes))
            manifest.write(staging / "manifest.json")
            _publish(staging, home, fingerprint)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return manifest


def _manifest(
    request: IngestRequest,
    source: Source,
    files: tuple[SourceFile, ...],
    fingerprint: str,
    ledger: tuple[LedgerEntry, ...],
) -> Manifest:
    rows: dict[str, int] = {}
    for entry in ledger:
        rows[entry.table] = rows.get(entry.table, 0) + entry.accepted
    return Manifest(
        study=request.study,
        title=request.title,
        source=str(request.source.get("kind")),
        simulated=source.simulated,
        timezone=request.timezone,
        currency=request.currency,
        fingerprint=fingerprint,
        default_margin_rate=request.default_margin_rate,
        margin_note=request.margin_note,
        rows=rows,
        ledger=ledger,
        files=files,
        notes=source.notes,
    )


def _write_tables(
    settings: EngineSettings, source: Source, staging: Path
) -> tuple[LedgerEntry, ...]:
    connection = connect(settings)
    feeds: dict[str, list[Feed]] = {}
    for feed in source.feeds(connection):
        feeds.setdefault(feed.table, []).append(feed)
    entries = [
        entry
        for table, table_feeds in feeds.items()
        for entry in _write_table(connection, table, table_feeds, staging)
    ]
    if settings.kind == "duckdb":
        connection.disconnect()
    return tuple(entries)


def _write_table(
    connection: Connection, name: str, feeds: list[Feed], staging: Path
) -> list[LedgerEntry]:
    """Judge all rows meant for one table; write the good and the bad apart, and count both.

    The verdicts are counted before anything is written, with the few columns that they need.
    """
    table = TABLES[name]
    judged = [
        validate.judged(feed.rows, table, source=feed.source).mutate(_source=_text(feed.source))
        for feed in feeds
    ]
    rows = validate.reject_repeated_keys(_stack(judged), table)
    entries = _ledger(rows, name, feeds)
    _refuse_hopeless(entries)
    good = rows
    if any(entry.rejected or entry.dropped for entry in entries):
        good = rows.filter(rows[validate.RULE].isnull() & rows[validate.REASON].isnull())
    good = good.drop("_source", validate.KEY, validate.RULE, validate.REASON)
    order = STORAGE_ORDER.get(name)
    write_parquet(connection, good.order_by(order) if order else good, staging / name)
    if any(entry.rejected for entry in entries):
        refused = rows.filter(rows[validate.REASON].notnull())
        write_parquet(connection, refused, staging / "rejected" / name)
    return entries


def _text(value: str) -> ibis.Value:
    import ibis

    return ibis.literal(value)


def _stack(tables: list[ibis.Table]) -> ibis.Table:
    """Union tables whose optional columns may differ, filling what one lacks with nulls."""
    import ibis

    types = {name: t[name].type() for t in tables for name in t.columns}
    aligned = [
        t.select(
            *(
                (t[n].cast(types[n]) if n in t.columns else ibis.null(types[n])).name(n)
                for n in types
            )
        )
        for t in tables
    ]
    return ibis.union(*aligned) if len(aligned) > 1 else aligned[0]


def _ledger(rows: ibis.Table, name: str, feeds: list[Feed]) -> list[LedgerEntry]:
    counts = (
        rows.group_by("_source", validate.RULE, validate.REASON).agg(n=rows.count()).to_pandas()
    )
    entries = []
    for feed in feeds:
        rejected: dict[str, int] = {}
        dropped: dict[str, int] = {}
        accepted = 0
        for row in counts[counts["_source"] == feed.source].itertuples(index=False):
            rule, reason = getattr(row, validate.RULE), row[2]
            if isinstance(rule, str):
                dropped[rule] = int(row.n)
            elif isinstance(reason, str):
                rejected[reason] = int(row.n)
            else:
                accepted = int(row.n)
        rows_in = int(feed.rows.count().to_pandas())
        entries.append(LedgerEntry(name, feed.source, rows_in, accepted, rejected, dropped))
    return entries


def _refuse_hopeless(entries: list[LedgerEntry]) -> None:
    """Refuse a source of which no row is usable: that is a wrong file or mapping, not bad rows."""
    for entry in entries:
        if entry.rows_in and not entry.accepted and entry.rejected:
            reason = max(entry.rejected, key=lambda r: entry.rejected[r])
            raise DataError(
                f"{entry.source}: none of its {entry.rows_in:,} rows can be used for "
                f"{entry.table}; the most frequent reason is: {reason}"
            )


def _fingerprints(source: Source, known: Manifest | None) -> tuple[SourceFile, ...]:
    """Hash the source files, trusting a hash whose file has kept its size and time."""
    before = {(f.name, f.size, f.modified_ns): f.sha256 for f in (known.files if known else ())}
    found = []
    for name, path in _named_files(source):
        stat = path.stat()
        digest = before.get((name, stat.st_size, stat.st_mtime_ns)) or _sha256(path)
        found.append(SourceFile(name, stat.st_size, stat.st_mtime_ns, digest))
    return tuple(found)


def _named_files(source: Source) -> list[tuple[str, Path]]:
    """Return the source files with the names that a person knows them by."""
    if hasattr(source, "deliveries"):
        delivered = source.deliveries()
        deliveries.check_names(delivered)
        return [(delivery.name, delivery.path) for delivery in delivered]
    return [(path.name, path) for path in source.files()]


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _fingerprint(request: IngestRequest, source: Source, files: tuple[SourceFile, ...]) -> str:
    settings = asdict(request)
    del settings["engine"]  # both engines give the same tables
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    for file in files:
        digest.update(f"{file.name}\0{file.sha256}\0".encode())
    if hasattr(source, "settings"):
        digest.update(source.settings().encode())
    digest.update(_code_digest().encode())
    return digest.hexdigest()[:16]


def _code_digest() -> str:
    digest = hashlib.sha256()
    for module in _ingest_code():
        digest.update(module.read_bytes())
    return digest.hexdigest()


def _ingest_code() -> list[Path]:
    """Return the modules that decide what the canonical tables hold."""
    room = Path(__file__).parent
    names = (
        "assembly",
        "deliveries",
        "engine",
        "identity",
        "ingest",
        "parts",
        "schema",
        "validate",
    )
    own = [room / f"{name}.py" for name in names]
    return [*own, *sorted((room / "sources").rglob("*.py"))]


def _current_manifest(home: Path) -> Manifest | None:
    path = home / "current" / "manifest.json"
    return Manifest.read(path) if path.exists() else None


def _publish(staging: Path, home: Path, fingerprint: str) -> None:
    version = home / f"{fingerprint}-{time.time_ns():x}"
    staging.rename(version)
    link = home / f".current-{os.getpid()}"
    link.symlink_to(version.name)
    link.replace(home / "current")
    versions = sorted(
        (p for p in home.iterdir() if p.is_dir() and not p.is_symlink() and p.name[0] != "."),
        key=lambda p: p.name.rpartition("-")[2],
    )
    for old in versions[:-KEPT_VERSIONS]:
        shutil.rmtree(old)


def _remove_leftovers(home: Path) -> None:
    for leftover in home.glob(".staging-*"):
        shutil.rmtree(leftover)
    for link in home.glob(".current-*"):
        link.unlink()


@contextlib.contextmanager
def _locked(home: Path) -> Iterator[None]:
    home.mkdir(parents=True, exist_ok=True)
    with (home / ".lock").open("a+") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AnalysisError(
                f"{home.name} is being ingested by another process; wait for it to end"
            ) from None
        yield


#: How DuckDB and Spark say that there is no room.
_NO_ROOM = ("No space left", "File too large", "not enough disk space", "Out of disk space")


@contextlib.contextmanager
def _disk_errors(home: Path) -> Iterator[None]:
    """Turn a full disk into one sentence, whichever layer noticed it."""
    try:
        yield
    except Exception as error:
        full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EFBIG)
        if full or any(words in str(error) for words in _NO_ROOM):
            free = shutil.disk_usage(home).free // 2**20
            raise AnalysisError(
                f"The disk is full or a file may not grow ({free} MB free at {home}); nothing was "
                "published. Make room and run again"
            ) from error
        raise
