"""Bring a study's tables up to date from delivered files: read what is new, put all together."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from analysis.ingest.assembly import Assembly, twice
from analysis.ingest.part_writer import CompiledQueries, build_part
from analysis.ingest.parts import Delivery, Part, PartSource
from analysis.ingest.readers.stage import FORMATS
from analysis.ingest.request import IngestRequest
from analysis.ingest.versions import Quarantine, Seen, remove
from analysis.tables.engine import connect
from analysis.tables.manifest import LedgerEntry, SourceFile, damage
from analysis.tables.spilling import reading


@dataclass(frozen=True)
class Build:
    """What a version of the tables is built from.

    Parameters
    ----------
    request
        What to ingest.
    source
        Adapter of its source.
    home
        Directory of the study's versions and parts.
    seen
        The source files with their hashes, in the order of ``source.deliveries()``.
    quarantine
        Takes damaged parts.
    fresh
        Read every file anew, parts or no parts.
    tell
        Called with how many files are done, and of how many.
    """

    request: IngestRequest
    source: Any
    home: Path
    seen: Seen
    quarantine: Quarantine
    fresh: bool = False
    tell: Callable[[int, int], None] | None = None


def write_tables(
    build: Build, target: Path, *, code: str
) -> tuple[tuple[LedgerEntry, ...], tuple[str, ...]]:
    """Write the tables of the delivered files into ``target``.

    Files that were read before, by the same mapping and the same code, are not read again. A
    file whose content is that of an earlier one counts once.

    Parameters
    ----------
    build
        What to build from.
    target
        Directory to write to.
    code
        Hash of the code that reads files.

    Returns
    -------
    tuple
        The account of every row, and sentences about how files were read.
    """
    request, source = build.request, build.source
    # Files are read by DuckDB whichever engine reads the tables later: both give the same.
    connection = connect(replace(request.engine, kind="duckdb"))
    connection.raw_sql("SET enable_progress_bar = false")
    try:
        found = _Parts(connection, build, code)
        parts, doubles = found.of(source.deliveries())
        unified = _unified(source, connection, parts, target)
        assembly = Assembly(
            connection, parts, target, request.margin_rates, request.uncounted_departments, unified
        )
        with reading(f"what was made of the files of {request.study}"):
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

    def __init__(self, connection: Any, build: Build, code: str) -> None:
        self._queries, self._build = CompiledQueries(connection), build
        self._source: PartSource = build.source
        self._folder = build.home / ".parts"
        self._salt = f"{code}\0{self._source.settings()}"
        if self._folder.exists() and not self._folder.is_dir():
            build.quarantine.set_aside(self._folder, "the folder of parts", "it is a file")
        self._folder.mkdir(parents=True, exist_ok=True)

    def of(self, deliveries: Sequence[Delivery]) -> tuple[list[Part], list[LedgerEntry]]:
        """Return the parts, and the accounts of files delivered twice."""
        files = self._build.seen.files
        hashes = {file.name: file.sha256 for file in files}
        parts: dict[tuple[str, ...], Part] = {}
        doubles: list[LedgerEntry] = []
        for done, (delivery, file) in enumerate(zip(deliveries, files, strict=True)):
            if self._build.tell is not None:
                self._build.tell(done, len(files))
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
                remove(folder)

    def _part(self, delivery: Delivery, key: str) -> Part:
        there = None if self._build.fresh else self._kept(delivery, key)
        if there is not None and there.secret == self._source.secret_label():
            return there
        names = {delivery.name, *self._source.depends_on(delivery)}
        return build_part(
            self._queries,
            self._source,
            delivery,
            key=key,
            parts=self._folder,
            check=lambda: self._build.seen.check(names),
        )

    def _kept(self, delivery: Delivery, key: str) -> Part | None:
        """Return the part if it was built before; what is damaged is set aside."""
        folder = self._folder / key
        if not folder.exists():
            return None
        part = Part.read(key, folder, delivery.name)
        wrong = damage(folder, thorough=True) if part is not None else "part.json cannot be read"
        if wrong:
            self._build.quarantine.set_aside(folder, f"the part made of {delivery.name}", wrong)
        return None if wrong else part

    def _key(self, delivery: Delivery, content: tuple[str, ...]) -> str:
        text = "\0".join([self._salt, delivery.name, *content])
        return hashlib.sha256(text.encode()).hexdigest()[:20]


def _unified(source: PartSource, connection: Any, parts: Sequence[Part], target: Path) -> Any:
    options = getattr(getattr(source, "options", None), "unify", None)
    if options is None:
        return None
    from analysis.ingest.identity.identity import unify

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
            yield f"{kind}: {_some(names)}"


def torn(before: Sequence[SourceFile], seen: Seen) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return sentences on files of text whose last row may be cut short.

    Returns
    -------
    tuple
        One for each file that has grown since ``before`` and ends without a line break: such a
        file is still being written. And one for all that are new or changed and end so.
    """
    old = {f.name: f for f in before}
    new = [f for f in seen.files if f.name not in old or f.sha256 != old[f.name].sha256]
    ends = [f for f in new if _ends_in_mid_line(seen.paths[f.name])]
    grown = tuple(
        f"{f.name} ends without a line break: if it was still being written, its last row is cut "
        "short; ingest again once it is whole."
        for f in ends
        if f.name in old and f.size > old[f.name].size
    )
    names = sorted(f.name for f in ends)
    told = f"without a line break at the end, where a row may be cut short: {_some(names)}"
    return grown, (told,) if names else ()


def _ends_in_mid_line(path: Path) -> bool:
    if FORMATS.get(path.suffix.lower()) not in {"csv", "jsonl"}:
        return False
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, stream.seek(0, 2) - 4))
            tail = stream.read().rstrip(b"\0")
    except FileNotFoundError:
        return False  # it is missed where it is read
    return bool(tail) and not tail.endswith((b"\n", b"\r"))


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"{', '.join(names[:5])}{more}"
