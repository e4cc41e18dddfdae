"""Bring one delivered table, whatever its format, into the engine as text, row by row accounted.

A staged table has the columns ``_line`` (line, row or record number in the file), ``_reason``
(why the row is no record), ``_rule`` (the rule that drops it), ``_text`` (a broken row as it
stands) and ``c0``, ``c1`` and so on, which ``columns`` names as the file's header does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.errors import DataError
from analysis.tables.sources import encodings
from analysis.tables.sources.archives import Member
from analysis.tables.sources.lines import (
    Block,
    Cutter,
    Dialect,
    Outcome,
    cells,
    guess_delimiter,
    physical_lines,
)

if TYPE_CHECKING:
    import ibis

    from analysis.tables.sources.mapping import FileSpec

LINE, REASON, RULE, TEXT = "_line", "_reason", "_rule", "_text"
FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".tab": "csv",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xls": "excel",
    ".xlsb": "excel",
    ".ods": "excel",
    ".parquet": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
}


@dataclass(frozen=True)
class Looked:
    """A kind of file that columns are looked up in.

    Parameters
    ----------
    match
        This file's column.
    rows
        ``key`` and ``l0``, ``l1`` and so on, one row a key.
    columns
        Names in the mapping, such as ``orders.Created_Time``, to columns of ``rows``.
    """

    match: str
    rows: ibis.Table
    columns: dict[str, str]


@dataclass(frozen=True)
class Staged:
    """One delivered table in the engine.

    Parameters
    ----------
    label
        Name of the file, or of the file and the sheet or member within it.
    rows
        The staged table, in the engine.
    columns
        Header to staged column.
    odd_spaces
        Some value may hold blanks other than the space.
    notes
        Sentences about how it was read.
    """

    label: str
    rows: ibis.Table
    columns: dict[str, str]
    odd_spaces: bool = True
    notes: tuple[str, ...] = ()
    lookups: dict[str, Looked] = field(default_factory=dict)

    def column(self, name: str, spec: FileSpec) -> ibis.Value:
        """Return the column with the header ``name``, or one of its aliases, as text or typed.

        Raises
        ------
        DataError
            If the header has no such name and ``spec`` does not say that it may lack it.
        """
        import ibis

        for wanted in (name, *spec.aliases.get(name, ())):
            alike = [n for n in self.columns if n == wanted] or [
                n for n in self.columns if _plain(n) == _plain(wanted)
            ]
            if len(alike) == 1:
                return self.rows[self.columns[alike[0]]]
        if name in spec.may_lack:
            return ibis.null("string")
        raise DataError(
            f"{self.label} has no column {name!r}; its header has {', '.join(self.columns)}"
        )


def format_of(member: Member, spec: FileSpec) -> str:
    """Return csv, excel, parquet or jsonl; DataError for a suffix that says none of them."""
    if spec.format != "auto":
        return spec.format
    if member.suffix not in FORMATS:
        raise DataError(
            f"{member.label}: {member.suffix or 'no suffix'} says nothing about its format; state "
            "format: csv, excel, parquet or jsonl in the mapping"
        )
    return FORMATS[member.suffix]


def stage(
    connection: Any, member: Member, spec: FileSpec, directory: Path, wanted: tuple[str, ...]
) -> list[Staged]:
    """Return the tables in ``member``: one, or one a sheet of a workbook.

    Parameters
    ----------
    connection
        DuckDB through Ibis.
    member
        The file to read.
    spec
        How the mapping describes it.
    directory
        An empty directory for what must be written on the way.
    wanted
        Names that the mapping uses; JSON lines have no header to take them from.

    Raises
    ------
    DataError
        If the file cannot be read as its format at all.
    """
    directory.mkdir(parents=True)
    kind = format_of(member, spec)
    if kind == "parquet":
        return [_parquet(connection, member)]
    if kind == "excel":
        from analysis.tables.sources.excel import stage_workbook

        return stage_workbook(connection, member, spec, directory)
    if kind == "jsonl":
        return [_json_lines(connection, member, spec, directory, wanted)]
    return [_delimited(connection, member, spec, directory)]


def header_names(given: list[str]) -> list[str]:
    """Return unique, non-empty names: a repeated name becomes ``Name (1)``, ``Name (2)``."""
    named = [n.strip().strip("\ufeff").strip() or f"column {i}" for i, n in enumerate(given, 1)]
    total, seen, unique = Counter(named), Counter[str](), []
    for name in named:
        seen[name] += 1
        unique.append(f"{name} ({seen[name]})" if total[name] > 1 else name)
    return unique


@contextmanager
def cutting(directory: Path, dialect: Dialect, first_line: int) -> Iterator[Cutter]:
    """Open the files that a cutter writes to."""
    with (directory / "clean.csv").open("wb") as clean, (directory / "aside.csv").open("wb") as a:
        yield Cutter(dialect, clean, a, first_line)


def collect(
    connection: Any, directory: Path, *, width: int, separator: str, outcome: Outcome
) -> ibis.Table:
    """Read what a cutter wrote as a staged table; DataError if the engine counts otherwise."""
    import ibis

    names = [f"c{i}" for i in range(width)]
    clean = _read(connection, directory / "clean.csv", {LINE: "BIGINT", **_text(names)}, separator)
    aside = _read(
        connection, directory / "aside.csv", {LINE: "BIGINT", **_text([REASON, RULE, TEXT])}, ","
    )
    nothing = ibis.null("string")
    rows = clean.select(
        LINE, nothing.name(REASON), nothing.name(RULE), nothing.name(TEXT), *names
    ).union(
        aside.select(
            LINE,
            aside[REASON].nullif("").name(REASON),
            aside[RULE].nullif("").name(RULE),
            TEXT,
            *(nothing.name(n) for n in names),
        )
    )
    path = directory / "staged.parquet"
    connection.to_parquet(rows, path, compression="snappy")
    staged = connection.read_parquet(path)
    counted = int(staged.count().to_pandas())
    expected = outcome.records + outcome.broken + outcome.blank
    if counted != expected:
        raise DataError(
            f"{expected:,} rows were cut but the engine read {counted:,}; nothing was published"
        )
    for name in ("clean.csv", "aside.csv"):
        (directory / name).unlink()
    return staged


def _text(names: list[str]) -> dict[str, str]:
    return dict.fromkeys(names, "VARCHAR")


def _read(connection: Any, path: Path, columns: dict[str, str], separator: str) -> ibis.Table:
    return connection.read_csv(
        path,
        columns=columns,
        header=False,
        auto_detect=False,
        delim=separator,
        quote='"',
        escape='"',
        new_line="\\n",  # else the engine guesses, from carriage returns inside quotes too
        strict_mode=True,
        null_padding=False,
        max_line_size=8_000_000,
    )


def _delimited(connection: Any, member: Member, spec: FileSpec, directory: Path) -> Staged:
    encoding = encodings.detect(member, spec.encoding)
    blocks = physical_lines(encodings.as_utf8(member.chunks(), encoding))
    ahead, rest = _split_header(blocks, spec.header)
    if ahead is None:
        raise DataError(f"{member.label} is empty")
    delimiter = guess_delimiter(ahead) if spec.delimiter == "auto" else spec.delimiter
    found = cells(ahead, delimiter)
    names = list(spec.names) or header_names(found)
    dialect = Dialect(delimiter, len(names), encoding.name)
    try:
        with cutting(directory, dialect, spec.header + 1) as cutter:
            for block in rest:
                cutter.feed(block)
            outcome = cutter.finish()
    except DataError as error:
        raise DataError(f"{member.label}: {error}") from None
    rows = collect(
        connection, directory, width=len(names), separator=cutter.separator, outcome=outcome
    )
    said = encodings.in_words(encoding, member.label)
    columns = {name: f"c{i}" for i, name in enumerate(names)}
    return Staged(member.label, rows, columns, outcome.odd_spaces, (said,) if said else ())


def _split_header(blocks: Iterator[Block], header: int) -> tuple[bytes | None, Iterator[Block]]:
    """Return the line that shows the columns, and the blocks of lines that hold records."""
    before: list[bytes] = []
    for block in blocks:
        before += block.lines
        if len(before) >= max(header, 1):
            rest = replace(block, lines=before[header:])
            return before[max(header, 1) - 1], chain([rest] if rest.lines else [], blocks)
    return None, iter(())


def _json_lines(
    connection: Any, member: Member, spec: FileSpec, directory: Path, wanted: tuple[str, ...]
) -> Staged:
    import ibis

    from analysis.tables.engine import builtin

    encoding = encodings.detect(member, spec.encoding)
    with cutting(directory, Dialect(",", 1, encoding.name), 1) as cutter:
        for block in physical_lines(encodings.as_utf8(member.chunks(), encoding)):
            cutter.feed_whole(block.lines)
        outcome = cutter.finish()
    rows = collect(connection, directory, width=1, separator=",", outcome=outcome)
    valid = builtin("json_valid", ("string",), "boolean")
    kind = builtin("json_type", ("string",), "string")
    extract = builtin("json_extract_string", ("string", "string"), "string")
    is_object = valid(rows.c0) & (valid(rows.c0).ifelse(kind(rows.c0), "") == "OBJECT")
    broken = rows[RULE].isnull() & rows[REASON].isnull() & ~is_object
    text = is_object.ifelse(rows.c0, ibis.null("string"))
    paths = {name: '$."' + name.replace(".", '"."') + '"' for name in wanted}
    staged = rows.select(
        LINE,
        broken.ifelse("the line is not a JSON object", rows[REASON]).name(REASON),
        RULE,
        broken.ifelse(rows.c0, rows[TEXT]).name(TEXT),
        *(extract(text, path).name(f"c{i}") for i, path in enumerate(paths.values())),
    )
    return Staged(member.label, staged, {name: f"c{i}" for i, name in enumerate(paths)})


def _parquet(connection: Any, member: Member) -> Staged:
    import ibis

    if member.inner or member.path.suffix.lower() == ".gz":
        raise DataError(f"{member.label}: Parquet is packed already; deliver it unpacked")
    try:
        rows = connection.read_parquet(member.path, file_row_number=True)
    except Exception as error:  # the engine raises several kinds for a damaged file
        first = str(error).strip().partition("\n")[0]
        raise DataError(f"{member.label} cannot be read as Parquet: {first}") from error
    names = [n for n in rows.columns if n != "file_row_number"]
    nothing = ibis.null("string")
    staged = rows.select(
        (rows.file_row_number + 1).cast("int64").name(LINE),
        *(nothing.name(n) for n in (REASON, RULE, TEXT)),
        *(_flat(rows[n]).name(f"c{i}") for i, n in enumerate(names)),
    )
    return Staged(member.label, staged, {n: f"c{i}" for i, n in enumerate(names)})


def _flat(value: ibis.Value) -> ibis.Value:
    kind = value.type()
    simple = kind.is_numeric() or kind.is_temporal() or kind.is_boolean() or kind.is_string()
    return value if simple else value.cast("string")


def _plain(name: str) -> str:
    """Return a header without regard to case, blanks and underscores."""
    return " ".join(name.casefold().replace("_", " ").split())
