"""Look at a newcomer's file: its form, its header, some rows, and what its columns seem to be.

However large the file, only its head, pieces from all over it and its tail are looked at.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from analysis.errors import DataError
from analysis.ingest.inspection.column_names import ideas_of, plain
from analysis.ingest.inspection.header_search import KNOWN, Layout, find_layout, header_row
from analysis.ingest.inspection.samples import Sample, records_of, sample_of
from analysis.ingest.mapping.file_mapping import FileSpec
from analysis.ingest.readers import archives, excel
from analysis.ingest.readers.json_documents import flat, is_document, numbered_lines, path_of_items
from analysis.ingest.readers.stage import FORMATS
from analysis.ingest.readers.staged_table import header_names, plain_header

#: Bytes of a text, or rows of a workbook, that are looked at.
BUDGET, ROWS = 3_000_000, 20_000
WORDS_FOR_NOTHING = ("NULL", "null", "NaN", "nan", "NA", "N/A", "n/a", "None", "#N/A", "-", "\\N")
_NOTHING = frozenset(WORDS_FOR_NOTHING)
#: Encodings of one byte a letter, in which the same bytes are other letters.
ALIKE = ("cp1252", "cp1250", "cp1254", "cp1257")


@dataclass(frozen=True)
class Look:
    """What a look at a file shows.

    Parameters
    ----------
    path
        The file.
    header
        Names of its columns.
    rows
        Some rows, from its start, its middle and its end.
    encoding, delimiter
        How it is written; empty where that means nothing.
    columns
        Canonical idea (``order_id``, ``price`` and so on) to the column that seems to hold it.
    kind
        csv, excel, parquet or jsonl.
    header_line
        Number of the line with the names; 0 where there is none.
    above
        Lines above the first that are not counted: the one that names the delimiter.
    whole
        The rows are all that the file has.
    baskets
        Each line is a basket, its cells the products in it.
    sheet
        ``all`` where all sheets of a workbook have the same header; else empty.
    other_sheets
        Sheets with another header, which are not read.
    each
        The array in a JSON object whose elements are the rows; empty where each object is one.
    """

    path: Path
    header: list[str]
    rows: list[list[str]]
    encoding: str = ""
    delimiter: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    kind: str = "csv"
    header_line: int = 1
    above: int = 0
    whole: bool = True
    baskets: bool = False
    sheet: str = ""
    other_sheets: tuple[str, ...] = ()
    each: str = ""
    _cells: dict[str, list[str]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def values(self, column: str) -> list[str]:
        """Return the values of a column that are there."""
        return [v for v in self.cells(column) if v]

    def cells(self, column: str) -> list[str]:
        """Return a column row by row; what means nothing is an empty text."""
        if column not in self._cells:
            place, width = self.header.index(column), len(self.header)
            found = (row[place].strip() for row in self.rows if len(row) == width)
            self._cells[column] = ["" if v in _NOTHING else v for v in found]
        return self._cells[column]

    def words_for_nothing(self) -> list[str]:
        """Return the words that stand where nothing is known."""
        seen = Counter(cell.strip() for row in self.rows for cell in row)
        return [word for word in WORDS_FOR_NOTHING if seen[word]]


def look(path: Path, *, budget: int = BUDGET) -> Look:
    """Look at a file; DataError if it cannot be read at all."""
    member, *more = archives.members(path, path.name)
    kind = FORMATS.get(member.suffix)
    if kind is None:
        known = ", ".join(FORMATS)
        raise DataError(f"{path.name}: no kind of file that can be read; there are {known}")
    reader = {"csv": _csv, "excel": _excel, "parquet": _parquet, "jsonl": _json}[kind]
    found = reader(member, budget)
    if not found.header:
        raise DataError(f"{path.name} is empty")
    whole = found.whole and not more
    return replace(found, kind=kind, columns=ideas_in(found), whole=whole)


def ideas_in(found: Look, prefixes: Iterable[str] = ()) -> dict[str, str]:
    """Return the column that each idea most likely is, of those in which something stands."""
    filled = [name for name in found.header if found.values(name)]
    inner = [found.each] if found.each else []
    return ideas_of(filled or found.header, prefixes=[*prefixes, *inner])


def _csv(member: archives.Member, budget: int) -> Look:
    sample = sample_of(member, budget)
    layout = find_layout(sample.head_lines())
    if layout is None:
        return Look(member.path, [], [])
    names, encoding = layout.names, sample.encoding.name
    parts = [records_of(piece, layout.delimiter, len(names)) for piece in _bodies(sample, layout)]
    rows = [row for part in parts for row in part if row != names]
    better = _by_names(names, encoding)
    if better != encoding:
        names = [_read_as(name, encoding, better) for name in names]
        rows = [[_read_as(cell, encoding, better) for cell in row] for row in rows]
    return Look(
        member.path,
        names,
        rows,
        better,
        layout.delimiter,
        header_line=layout.header_line,
        above=layout.above,
        whole=sample.whole,
        baskets=layout.baskets,
    )


def _by_names(names: list[str], encoding: str) -> str:
    """Return the encoding in which most names are words of a header: bytes alone tell too little.

    Turkish and Polish letters are other letters of Windows-1252, and valid ones.
    """
    if encoding not in ALIKE or all(name.isascii() for name in names):
        return encoding

    def known(other: str) -> int:
        return sum(plain(_read_as(name, encoding, other)) in KNOWN for name in names)

    return max((encoding, *ALIKE), key=known)


def _read_as(text: str, encoding: str, other: str) -> str:
    return text.encode(encoding, "replace").decode(other, "replace")


def _bodies(sample: Sample, layout: Layout) -> list[bytes]:
    """Return the pieces of a text without what stands above its first record."""
    head, *others = sample.pieces
    for _ in range(layout.header_line + layout.above):
        head = head.partition(b"\n")[2]
    return [head, *others]


def _excel(member: archives.Member, _: int) -> Look:
    book = excel.open_workbook(member)
    first, *others = (_sheet(book, name) for name in book.sheet_names)
    if not first.header:
        return Look(member.path, [], [])
    alike = [each for each in others if each.header == first.header]
    same = len(alike) == len(others) and bool(others)
    same &= all(each.header_line == first.header_line for each in alike)
    rows = [row for each in (first, *alike) for row in each.rows] if same else first.rows
    other = (
        ()
        if same
        else tuple(n for n, s in zip(book.sheet_names[1:], others, strict=True) if s.header)
    )
    step = -(-len(rows) // ROWS) or 1
    whole = step == 1
    shown = rows if whole else [*rows[: ROWS // 2], *rows[ROWS // 2 :: step], *rows[-500:]]
    return Look(
        member.path,
        first.header,
        shown,
        header_line=first.header_line,
        whole=whole,
        sheet="all" if same else "",
        other_sheets=other,
    )


@dataclass(frozen=True)
class _Sheet:
    """The header and the rows of one sheet; no header if it is empty."""

    header: list[str]
    rows: list[list[str]]
    header_line: int = 0


def _sheet(book: Any, name: str) -> _Sheet:
    numbers, filled = [], []
    for number, row in excel.rows_of(book, name):
        if any(cell.strip() for cell in row):
            numbers.append(number)
            filled.append(row)
    if not filled:
        return _Sheet([], [])
    place = header_row(filled)
    found = list(filled[max(place, 0)])
    while found and not found[-1].strip():
        found.pop()
    names = header_names(found) if place >= 0 else [f"column {i}" for i in range(1, len(found) + 1)]
    width = len(names)
    rows = [[*row[:width], *[""] * (width - len(row))] for row in filled[place + 1 :]]
    return _Sheet(names, rows, numbers[place] if place >= 0 else 0)


def _parquet(member: archives.Member, _: int) -> Look:
    try:
        file = pq.ParquetFile(member.path)
        groups = sorted({0, file.num_row_groups // 2, max(0, file.num_row_groups - 1)})
        batches = [
            next(file.iter_batches(batch_size=ROWS // 2, row_groups=[group]), None)
            for group in groups
            if file.num_row_groups
        ]
        names = file.schema_arrow.names
    except (OSError, ValueError) as error:
        raise DataError(f"{member.label} cannot be read as Parquet: {error}") from None
    rows = [
        ["" if v is None else str(v) for v in record.values()]
        for batch in batches
        if batch is not None
        for record in batch.to_pylist()
    ]
    return Look(member.path, names, rows, whole=len(rows) == file.metadata.num_rows)


def _json(member: archives.Member, budget: int) -> Look:
    sample = sample_of(member, budget)
    pieces = sample.pieces[:1] if is_document(sample.pieces[0]) else sample.pieces
    each = path_of_items(_records(pieces, ""))
    records = [flat(record) for record in _records(pieces, each)]
    header = list(dict.fromkeys(k for r in records for k in r))
    rows = [["" if r.get(k) is None else str(r[k]) for k in header] for r in records]
    return Look(member.path, header, rows, whole=sample.whole, each=each)


def _records(pieces: list[bytes], each: str) -> list[dict[str, Any]]:
    """Return the objects in some JSON; what cannot be read, such as a part of one, is left out."""
    found = []
    for piece in pieces:
        for _, line in numbered_lines([piece], each):
            try:
                record = json.loads(line, parse_float=str, parse_int=str)
            except ValueError:
                continue
            if isinstance(record, dict):
                found.append(record)
    return found


def fits(header: list[str], spec: FileSpec, wanted: Iterable[str]) -> bool:
    """Tell whether a header has every column that a ready mapping wants of it."""
    there = {plain_header(name) for name in header}
    known = {n for n in wanted if {plain_header(a) for a in (n, *spec.aliases.get(n, ()))} & there}
    return set(wanted) <= known | set(spec.may_lack)
