"""Stage delimited text: CSV, TSV and their kin."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.errors import DataError
from analysis.tables.sources import encodings
from analysis.tables.sources.archives import Member
from analysis.tables.sources.cutter import Cutter
from analysis.tables.sources.lines import Block, physical_lines
from analysis.tables.sources.records import Dialect, cells, guess_delimiter
from analysis.tables.sources.staged import Staged, header_names
from analysis.tables.sources.staged_file import read_back, writing

if TYPE_CHECKING:
    from analysis.tables.sources.mapped_files import FileSpec


_EMPTY = "is empty"
_SEPARATOR = re.compile(rb'"?sep=([^\w\s"]|\t)"?', re.IGNORECASE)


def stage_delimited(connection: Any, member: Member, spec: FileSpec, directory: Path) -> Staged:
    """Return the staged table of a delimited file; DataError if it is empty or no text."""
    encoding = encodings.detect(member, spec.encoding)
    blocks = physical_lines(encodings.as_utf8(member.chunks(), encoding))
    try:
        said_by_file, skipped, blocks = _separator_line(blocks)
        ahead, rest = _split_header(blocks, spec.header)
        if ahead is None:
            raise DataError(_EMPTY)
        stated = said_by_file if spec.delimiter == "auto" else spec.delimiter
        delimiter = stated or guess_delimiter(ahead)
        names = list(spec.names)
        if not names:
            given, rest = _as_wide_as_records(cells(ahead, delimiter), rest, delimiter)
            names = header_names(given)
        dialect = Dialect(delimiter, len(names), encoding.name)
        with writing(directory, len(names)) as file:
            header = ahead if spec.header else b""
            cutter = Cutter(dialect, file, spec.header + 1 + skipped, header)
            for block in rest:
                cutter.feed(block)
            cutter.finish()
    except DataError as error:
        colon = "" if str(error) == _EMPTY else ":"
        raise DataError(f"{member.label}{colon} {error}") from None
    rows = read_back(connection, file)
    said = encodings.in_words(encoding, member.label)
    columns = {name: f"c{i}" for i, name in enumerate(names)}
    return Staged(member.label, rows, columns, cutter.odd_spaces, (said,) if said else ())


def _separator_line(blocks: Iterator[Block]) -> tuple[str, int, Iterator[Block]]:
    """Return the delimiter that a first line such as ``sep=;`` names, and the lines behind it.

    Spreadsheets write that line for each other; it is no part of the table.
    """
    first = next(blocks, None)
    if first is None:
        return "", 0, iter(())
    found = _SEPARATOR.fullmatch(first.line(0)) if len(first) else None
    if found is None:
        return "", 0, chain([first], blocks)
    rest = first.after(1)
    return found[1].decode(), 1, chain([rest] if len(rest) else [], blocks)


def _as_wide_as_records(
    given: list[str], rest: Iterator[Block], delimiter: str
) -> tuple[list[str], Iterator[Block]]:
    """Return the header's cells, as many as records have, where only empty ones differ.

    A delimiter at the end of the header alone, or of the records alone, adds no column.
    """
    first = next(rest, None)
    if first is None:
        return given, iter(())
    record = cells(next((line for line in first.lines() if line.strip()), b""), delimiter)
    width = len(record)
    if 0 < width < len(given) and not any(name.strip() for name in given[width:]):
        given = given[:width]
    elif width > len(given) and not any(cell.strip() for cell in record[len(given) :]):
        given = given + [""] * (width - len(given))
    return given, chain([first], rest)


def _split_header(blocks: Iterator[Block], header: int) -> tuple[bytes | None, Iterator[Block]]:
    """Return the line that shows the columns, and the blocks of lines that hold records."""
    before = b""
    for block in blocks:
        seen = Block.of(before + block.text)
        if len(seen) >= max(header, 1):
            rest = seen.after(header)
            return seen.line(max(header, 1) - 1), chain([rest] if len(rest) else [], blocks)
        before = seen.text
    return None, iter(())
