"""From source files to canonical tables: nothing lost, nothing half-written, nothing done twice.

A version of the tables is written beside the last one and becomes current by one rename, so a
reader sees the old version or the new one and a crash leaves the old one in place.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from analysis.tables import deliveries
from analysis.tables.engine import (
    EngineSettings,
    canonical_dir,
    find_root,
)
from analysis.tables.fingerprints import code_digest, fingerprint_of, fingerprints
from analysis.tables.manifest import LedgerEntry, Manifest, SourceFile
from analysis.tables.parts import PartSource
from analysis.tables.sources import Source, SourceRequest, open_source
from analysis.tables.versions import (
    current_manifest,
    disk_errors,
    locked,
    publish,
    remove_leftovers,
)
from analysis.tables.whole_tables import write_whole

if TYPE_CHECKING:
    pass


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
                currency=self.currency,
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
    with locked(home):
        remove_leftovers(home)
        current = current_manifest(home)
        files = fingerprints(source, current)
        fingerprint = fingerprint_of(request, source, files)
        if current is not None and current.fingerprint == fingerprint and not force:
            return IngestResult(current, True, time.perf_counter() - began)
        manifest = _build(request, source, home, files, fingerprint)
    news = tuple(deliveries.changes(current.files, files)) if current is not None else ()
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
        with disk_errors(home):
            if hasattr(source, "part_feeds"):
                ledger, notes = deliveries.write_tables(
                    request,
                    cast(PartSource, source),
                    files,
                    home=home,
                    target=staging,
                    code=code_digest(),
                )
            else:
                ledger, notes = write_whole(request.engine, source, staging), ()
            manifest = _manifest(request, source, files, fingerprint, ledger)
            manifest = replace(manifest, notes=(*manifest.notes, *notes))
            manifest.write(staging / "manifest.json")
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
    )
