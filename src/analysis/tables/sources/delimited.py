"""Stage delimited text: CSV, TSV and their kin."""

from __future__ import annotations

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


def stage_delimited(connection: Any, member: Member, spec: FileSpec, directory: Path) -> Staged:
    """Return the staged table of a delimited file; DataError if it is empty or no text."""
    encoding = encodings.detect(member, spec.encoding)
    blocks = physical_lines(encodings.as_utf8(member.chunks(), encoding))
    try:
        ahead, rest = _split_header(blocks, spec.header)
        if ahead is None:
            raise DataError(_EMPTY)
        delimiter = guess_delimiter(ahead) if spec.delimiter == "auto" else spec.delimiter
        names = list(spec.names) or header_names(cells(ahead, delimiter))
        dialect = Dialect(delimiter, len(names), encoding.name)
        with writing(directory, len(names)) as file:
            cutter = Cutter(dialect, file, spec.header + 1)
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
