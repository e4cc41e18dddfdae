"""What a study's tables depend on: its files, its settings and the code that reads them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.tables import deliveries
from analysis.tables.manifest import Manifest, SourceFile
from analysis.tables.sources import Source

if TYPE_CHECKING:
    from analysis.tables.ingest import IngestRequest


def fingerprints(source: Source, known: Manifest | None) -> tuple[SourceFile, ...]:
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


def fingerprint_of(request: IngestRequest, source: Source, files: tuple[SourceFile, ...]) -> str:
    """Return a hash of all that the tables depend on: equal means equal tables."""
    settings = asdict(request)
    del settings["engine"]  # both engines give the same tables
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    for file in files:
        digest.update(f"{file.name}\0{file.sha256}\0".encode())
    if hasattr(source, "settings"):
        digest.update(source.settings().encode())
    digest.update(code_digest().encode())
    return digest.hexdigest()[:16]


def code_digest() -> str:
    """Return a hash of the code that decides what the tables hold."""
    digest = hashlib.sha256()
    for module in _ingest_code():
        digest.update(module.read_bytes())
    return digest.hexdigest()


def _ingest_code() -> list[Path]:
    """Return the modules that decide what the canonical tables hold."""
    room = Path(__file__).parent
    names = (
        "agreement",
        "assembly",
        "deliveries",
        "engine",
        "identity",
        "ingest",
        "likely",
        "likeness",
        "merging",
        "outlying_dates",
        "overlap",
        "part_writer",
        "parts",
        "schema",
        "spellings",
        "validate",
        "whole_tables",
    )
    own = [room / f"{name}.py" for name in names]
    return [*own, *sorted((room / "sources").rglob("*.py"))]
