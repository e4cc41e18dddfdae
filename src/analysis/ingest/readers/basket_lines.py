"""Stage a basket file: each line is a basket, each of its cells a product in it."""

from __future__ import annotations

import csv
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.errors import DataError
from analysis.ingest.readers import encodings
from analysis.ingest.readers.archives import Member
from analysis.ingest.readers.delimited import cells, guess_delimiter, problem
from analysis.ingest.readers.physical_lines import physical_lines
from analysis.ingest.readers.staged_table import BLANK, Staged, StagedFile, read_back, writing

if TYPE_CHECKING:
    from analysis.ingest.mapping.file_mapping import FileSpec

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
    reason = problem(line, encoding)
    if reason:
        file.put_aside(number, line, reason=reason)
        return
    try:
        found = [cell for cell in cells(line, delimiter) if cell.strip()]
    except csv.Error:
        file.put_aside(number, line, reason="a quote is opened and never closed")
        return
    if not found:
        file.put_aside(number, line, rule=BLANK)
    for cell in found:
        file.record(number, [cell])
