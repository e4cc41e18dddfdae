"""Bring a study's tables up to date from delivered files: read what is new, put all together."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.errors import DataError
from analysis.tables.assembly import Assembly, twice
from analysis.tables.engine import connect
from analysis.tables.manifest import LedgerEntry, SourceFile
from analysis.tables.part_writer import build_part
from analysis.tables.parts import Delivery, Part, PartSource

if TYPE_CHECKING:
    from analysis.tables.ingest import IngestRequest


def write_tables(
    request: IngestRequest,
    source: PartSource,
    files: Sequence[SourceFile],
    *,
    home: Path,
    target: Path,
    code: str,
) -> tuple[tuple[LedgerEntry, ...], tuple[str, ...]]:
    """Write the tables of the delivered ``files`` into ``target``.

    Files that were read before, by the same mapping and the same code, are not read again. A
    file whose content is that of an earlier one counts once.

    Parameters
    ----------
    request
        What to ingest.
    source
        Adapter of the delivered files.
    files
        The files with their hashes, in the order of ``source.deliveries()``.
    home
        Directory of the study's versions and parts.
    target
        Directory to write to.
    code
        Hash of the code that reads files.

    Returns
    -------
    tuple
        The account of every row, and sentences about how files were read.
    """
    # Files are read by DuckDB whichever engine reads the tables later: both give the same.
    connection = connect(replace(request.engine, kind="duckdb"))
    connection.raw_sql("SET enable_progress_bar = false")
    try:
        found = _Parts(connection, source, home / ".parts", code)
        parts, doubles = found.of(source.deliveries(), files)
        unified = _unified(source, connection, parts, target)
        assembly = Assembly(
            connection,
            parts,
            target,
            request.margin_rates,
            request.uncounted_departments,
            unified,
        )
        ledger = (*assembly.write(), *doubles)
    finally:
        connection.disconnect()
    found.remove_unused(parts)
    said = [note for part in parts for note in part.notes]
    said += unified.notes if unified is not None else []
    said += assembly.notes
    return ledger, tuple(dict.fromkeys(said))


class _Parts:
    """The parts of a study on disk, built where they are not there yet."""

    def __init__(self, connection: Any, source: PartSource, folder: Path, code: str) -> None:
        self._connection, self._source, self._folder = connection, source, folder
        self._salt = f"{code}\0{source.settings()}"
        folder.mkdir(parents=True, exist_ok=True)

    def of(
        self, deliveries: Sequence[Delivery], files: Sequence[SourceFile]
    ) -> tuple[list[Part], list[LedgerEntry]]:
        """Return the parts, and the accounts of files delivered twice."""
        hashes = {file.name: file.sha256 for file in files}
        parts: dict[tuple[str, ...], Part] = {}
        doubles: list[LedgerEntry] = []
        for delivery, file in zip(deliveries, files, strict=True):
            others = [hashes[name] for name in self._source.depends_on(delivery)]
            content = (delivery.source, delivery.origin, file.sha256, *others)
            if content in parts:
                first = parts[content]
                doubles += [
                    twice(feed.entry, again=delivery.name, first=first.delivery)
                    for feed in first.feeds
                ]
                continue
            parts[content] = self._part(delivery, self._key(delivery, content))
        return list(parts.values()), doubles

    def remove_unused(self, parts: Sequence[Part]) -> None:
        """Remove the parts of files that are no longer delivered."""
        kept = {part.key for part in parts}
        for folder in self._folder.iterdir():
            if folder.name not in kept:
                shutil.rmtree(folder)

    def _part(self, delivery: Delivery, key: str) -> Part:
        there = Part.read(key, self._folder / key, delivery.name)
        if there is not None and there.secret == self._source.secret_label():
            return there
        return build_part(self._connection, self._source, delivery, key=key, parts=self._folder)

    def _key(self, delivery: Delivery, content: tuple[str, ...]) -> str:
        text = "\0".join([self._salt, delivery.name, *content])
        return hashlib.sha256(text.encode()).hexdigest()[:20]


def check_names(deliveries: Sequence[Delivery]) -> None:
    """Refuse two kinds of files that match one and the same file: its rows would count twice."""
    seen: dict[Path, str] = {}
    for delivery in deliveries:
        if seen.setdefault(delivery.path, delivery.origin) != delivery.origin:
            raise DataError(
                f"{delivery.name} is both {seen[delivery.path]} and {delivery.origin} in the "
                "mapping; narrow the paths"
            )


def _unified(source: PartSource, connection: Any, parts: Sequence[Part], target: Path) -> Any:
    options = getattr(getattr(source, "options", None), "unify", None)
    if options is None:
        return None
    from analysis.tables.identity import unify

    return unify(connection, parts, options, target=target)


def changes(before: Sequence[SourceFile], now: Sequence[SourceFile]) -> Iterator[str]:
    """Yield what changed about the delivered files since the last ingest, in sentences."""
    old, new = ({f.name: f.sha256 for f in files} for files in (before, now))
    kinds = {
        "new": sorted(new.keys() - old.keys()),
        "changed since it was last read": sorted(n for n in new if n in old and new[n] != old[n]),
        "withdrawn": sorted(old.keys() - new.keys()),
    }
    for kind, names in kinds.items():
        if names:
            more = f" and {len(names) - 5} more" if len(names) > 5 else ""
            yield f"{kind}: {', '.join(names[:5])}{more}"
