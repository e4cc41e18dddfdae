"""What a study's tables depend on: its files, its settings and the code that reads them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.errors import DataError
from analysis.tables import deliveries
from analysis.tables.checksums import sha256_of
from analysis.tables.manifest import Manifest, SourceFile
from analysis.tables.sources import Source

if TYPE_CHECKING:
    from analysis.tables.ingest import IngestRequest


class ChangedWhileReadError(DataError):
    """A source file is no longer the one whose fingerprint was taken."""


@dataclass(frozen=True)
class Seen:
    """The source files as they were when their contents were hashed.

    Parameters
    ----------
    files
        The files with their hashes.
    paths
        Where each is, by its name.
    """

    files: tuple[SourceFile, ...]
    paths: Mapping[str, Path]

    def check(self, names: Collection[str] | None = None) -> None:
        """Raise ChangedWhileReadError if one of the files (of ``names`` alone) was written since.

        Size and both times must be as they were: a program may put back the contents and the
        modification time of a file, but not the time at which the file system noted the change.
        """
        for file in self.files:
            if names is None or file.name in names:
                _check_same(file.name, self.paths[file.name], _mark_of(file))


def take_fingerprints(source: Source, known: Manifest | None) -> Seen:
    """Hash the source files, trusting a hash whose file has kept its size and its times.

    Raises
    ------
    ChangedWhileReadError
        If a file is written while it is hashed.
    """
    before = {(f.name, *_mark_of(f)): f.sha256 for f in (known.files if known else ())}
    named = _named_files(source)
    return Seen(tuple(_hashed(name, path, before) for name, path in named), dict(named))


def _hashed(name: str, path: Path, before: Mapping[tuple[str, int, int, int], str]) -> SourceFile:
    try:
        mark = _mark(path)
        digest = before.get((name, *mark)) or sha256_of(path)
    except FileNotFoundError:
        raise ChangedWhileReadError(f"{name} was taken away while it was read") from None
    except OSError as error:
        raise DataError(f"{name} cannot be read: {error.strerror}") from None
    _check_same(name, path, mark)
    return SourceFile(name, mark[0], mark[1], digest, mark[2])


def _check_same(name: str, path: Path, mark: tuple[int, int, int]) -> None:
    try:
        same = _mark(path) == mark
    except OSError:
        raise ChangedWhileReadError(f"{name} was taken away while it was read") from None
    if not same:
        raise ChangedWhileReadError(f"{name} was written to while it was read")


def _mark(path: Path) -> tuple[int, int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def _mark_of(file: SourceFile) -> tuple[int, int, int]:
    return file.size, file.modified_ns, file.changed_ns


def _named_files(source: Source) -> list[tuple[str, Path]]:
    """Return the source files with the names that a person knows them by."""
    if hasattr(source, "deliveries"):
        delivered = source.deliveries()
        deliveries.check_names(delivered)
        return [(delivery.name, delivery.path) for delivery in delivered]
    return [(path.name, path) for path in source.files()]


def fingerprint_of(request: IngestRequest, source: Source, files: tuple[SourceFile, ...]) -> str:
    """Return a hash of all that the tables depend on: equal means equal tables."""
    settings = asdict(request)
    del settings["engine"]  # both engines give the same tables
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    for file in files:
        digest.update(f"{file.name}\0{file.sha256}\0".encode())
    if hasattr(source, "settings"):
        digest.update(source.settings().encode())
    if hasattr(source, "secret_label"):
        digest.update(source.secret_label().encode())
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
