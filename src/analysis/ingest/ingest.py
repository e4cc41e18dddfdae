"""From source files to canonical tables: nothing lost, nothing half-written, nothing done twice.

A version of the tables is written beside the last one and becomes current by one rename, so a
reader sees the old version or the new one and a crash leaves the old one in place.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from analysis.errors import DataError
from analysis.ingest import deliveries
from analysis.ingest.request import IngestRequest, IngestResult
from analysis.ingest.sources import Source, open_source
from analysis.ingest.sources.sent_lists import SentLists
from analysis.ingest.validate import write_whole
from analysis.ingest.versions import (
    MANIFEST,
    ChangedWhileReadError,
    Quarantine,
    Version,
    code_digest,
    current_version,
    disk_errors,
    fingerprint_of,
    is_sound,
    locked,
    publish,
    remove_leftovers,
    take_fingerprints,
)
from analysis.project import find_root
from analysis.tables.engine import canonical_dir
from analysis.tables.manifest import (
    LedgerEntry,
    Manifest,
    SourceFile,
    damage,
    order_span,
    write_checksums,
)
from analysis.tables.spilling import reading

#: How often a source that is written to while it is read is read again.
ATTEMPTS = 3


def ingest(
    request: IngestRequest,
    *,
    root: Path | None = None,
    force: bool = False,
    tell: Callable[[int, int], None] | None = None,
) -> IngestResult:
    """Bring a study's canonical tables up to date.

    Parameters
    ----------
    request
        What to ingest.
    root
        Project root; None looks upwards from the working directory.
    force
        Read the contents of all sources again, whatever their sizes and times say.
    tell
        Called with how many of the delivered files are done, and of how many.

    Returns
    -------
    IngestResult
        ``skipped`` is True if sources, settings and code are those of the current tables.

    Raises
    ------
    DataError
        If a source is missing, damaged, of another shape than expected or written to while it
        is read. The last good tables stay.
    """
    began = time.perf_counter()
    root = root or find_root()
    with locked(canonical_dir(request.study, root=root)):
        for attempt in range(1, ATTEMPTS + 1):
            try:
                done = _bring_up_to_date(request, root, force, tell)
                break
            except ChangedWhileReadError as error:
                if attempt == ATTEMPTS:
                    raise DataError(
                        f"{error}, {ATTEMPTS} times over; nothing was published. Wait until it is "
                        "written, then ingest again"
                    ) from None
    return replace(done, seconds=time.perf_counter() - began)


def _bring_up_to_date(
    request: IngestRequest, root: Path, force: bool, tell: Callable[[int, int], None] | None
) -> IngestResult:
    home = canonical_dir(request.study, root=root)
    source = open_source(request, root)
    quarantine = Quarantine(home)
    remove_leftovers(home)
    version = current_version(home, quarantine)
    current = version.manifest if version is not None else None
    seen = take_fingerprints(source, None if force else current)
    sent = SentLists.of(request.study, root=root)
    files = (*seen.files, *sent.files)
    fingerprint = fingerprint_of(request, source, files)
    as_before = version is not None and version.manifest.fingerprint == fingerprint and not force
    if version is not None and as_before and is_sound(version, quarantine):
        mended = tuple(getattr(source, "mended", ()))
        return IngestResult(version.manifest, True, 0.0, mended=mended)
    build = deliveries.Build(request, source, home, seen, quarantine, force, tell)
    grown, ends = deliveries.torn(current.files if current is not None else (), seen)
    manifest = _build(build, sent, fingerprint, grown, version)
    quarantine.settle()
    news = tuple(deliveries.changes(current.files, files)) if current is not None else ()
    mended = (*quarantine.said, *getattr(source, "mended", ()))
    return IngestResult(manifest, False, 0.0, (*news, *ends), mended)


def _build(
    build: deliveries.Build,
    sent: SentLists,
    fingerprint: str,
    said: tuple[str, ...],
    version: Version | None,
) -> Manifest:
    home, request, source = build.home, build.request, build.source
    staging = home / f".staging-{os.getpid()}"
    staging.mkdir()
    try:
        with disk_errors(home):
            if hasattr(source, "part_feeds"):
                ledger, notes = deliveries.write_tables(build, staging, code=code_digest())
            else:
                before = version.directory if version is not None and not build.fresh else None
                before = None if before is None or damage(before, thorough=True) else before
                size = sum(file.size for file in build.seen.files)
                with reading(f"the source of {request.study}"):
                    ledger = write_whole(request.engine, source, staging, before, size)
                notes = ()
                build.seen.check()
            own, told = sent.add(request.engine, staging)
            files = (*build.seen.files, *sent.files)
            manifest = _manifest(request, source, files, fingerprint, (*ledger, *own))
            notes = (*manifest.notes, *notes, *told, *said)
            manifest = replace(manifest, notes=notes, order_span=order_span(staging))
            manifest.write(staging / MANIFEST)
            write_checksums(staging)
            publish(staging, home, fingerprint)
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
        not_merchandise=request.not_merchandise,
    )
