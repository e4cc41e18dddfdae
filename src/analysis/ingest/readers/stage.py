"""Bring one delivered file, whatever its format, into the engine as staged tables."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

import ibis

from analysis.errors import DataError
from analysis.ingest.mapping.file_mapping import FileSpec
from analysis.ingest.readers import encodings
from analysis.ingest.readers.archives import Member
from analysis.ingest.readers.delimited import (
    LOOSE_BREAK,
    cells,
    guess_delimiter,
    problem,
    stage_delimited,
)
from analysis.ingest.readers.excel import stage_workbook
from analysis.ingest.readers.json_documents import stage_json_lines
from analysis.ingest.readers.physical_lines import physical_lines
from analysis.ingest.readers.staged_table import (
    BLANK,
    LINE,
    REASON,
    RULE,
    TEXT,
    Staged,
    StagedFile,
    read_back,
    writing,
)

FORMATS = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".tab": "csv", ".xlsx": "excel", ".xlsm": "excel",
    ".xls": "excel", ".xlsb": "excel", ".ods": "excel", ".parquet": "parquet", ".jsonl": "jsonl",
    ".ndjson": "jsonl", ".json": "jsonl",
}  # fmt: skip


def format_of(member: Member, spec: FileSpec) -> str:
    """Return csv, excel, parquet, jsonl or baskets; DataError for a suffix that says none."""
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
        return [stage_parquet(connection, member)]
    if kind == "excel":
        return stage_workbook(connection, member, spec, directory)
    if kind == "jsonl":
        return [stage_json_lines(connection, member, spec, directory, wanted)]
    if kind == "baskets":
        return [stage_baskets(connection, member, spec, directory)]
    return [stage_delimited(connection, member, spec, directory)]


def stage_parquet(connection: Any, member: Member) -> Staged:
    """Return the staged table of a Parquet file; DataError if it is none."""
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


ITEM = "item"
#: Lines whose longest tells the delimiter where the mapping does not.
TELLING = 400


def stage_baskets(connection: Any, member: Member, spec: FileSpec, directory: Path) -> Staged:
    """Return the staged table of a basket file: a row a cell, with the column ``item``.

    Cells that are empty, as where each line is padded to the longest, are no rows. A line's
    number is that of all its rows, so that ``{line: true}`` is the basket.
    """
    encoding = encodings.detect(member, spec.encoding)
    blocks = physical_lines(encodings.as_utf8(member.chunks(), encoding))
    lines = chain.from_iterable(block.lines() for block in blocks)
    head = [line for _, line in zip(range(TELLING), lines, strict=False)]
    if not head:
        raise DataError(f"{member.label} is empty")
    delimiter = spec.delimiter
    if delimiter == "auto":
        delimiter = guess_delimiter(max(head[spec.header :] or head, key=len))
    with writing(directory, 1) as file:
        for number, line in enumerate(chain(head, lines), start=1):
            if number > spec.header:
                _take(file, number, line, delimiter, encoding.name)
    said = encodings.in_words(encoding, member.label)
    rows = read_back(connection, file)
    return Staged(member.label, rows, {ITEM: "c0"}, notes=(said,) if said else ())


def _take(file: StagedFile, number: int, line: bytes, delimiter: str, encoding: str) -> None:
    reason = problem(line, encoding) or (LOOSE_BREAK if b"\r" in line else "")
    if reason:
        file.put_aside(number, line, reason=reason)
        return
    found = [cell for cell in cells(line, delimiter) if cell.strip()]
    if not found:
        file.put_aside(number, line, rule=BLANK)
    for cell in found:
        file.record(number, [cell])
