"""The versions of a study's tables on disk: one is current, by one rename, whatever happens.

What a study's tables depend on: its files, its settings and the code that reads them.
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
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import analysis
from analysis.errors import AnalysisError
from analysis.ingest import deliveries
from analysis.ingest.sources import Source
from analysis.tables.manifest import Manifest, SourceFile

if TYPE_CHECKING:
    from analysis.ingest.request import IngestRequest


KEPT_VERSIONS = 2


def current_manifest(home: Path) -> Manifest | None:
    """Return the manifest of the current version; None if there is none."""
    path = home / "current" / "manifest.json"
    return Manifest.read(path) if path.exists() else None


def publish(staging: Path, home: Path, fingerprint: str) -> None:
    """Make what was staged the current version and remove versions that nobody reads any more."""
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


def remove_leftovers(home: Path) -> None:
    """Remove what a killed ingest left behind."""
    for leftover in home.glob(".staging-*"):
        shutil.rmtree(leftover)
    for link in home.glob(".current-*"):
        link.unlink()


@contextlib.contextmanager
def locked(home: Path) -> Iterator[None]:
    """Keep a second ingest of the study out; AnalysisError if one is going on."""
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
def disk_errors(home: Path) -> Iterator[None]:
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
    """Return the modules that decide what the canonical tables hold: ingest, schema and engine."""
    package = Path(analysis.__file__).parent
    return sorted(
        [*(package / "ingest").rglob("*.py"), *(package / "tables").glob("*.py")],
        key=lambda path: path.relative_to(package).as_posix(),
    )
