"""Read workbooks: each sheet a table of text, each row with its own number.

Workbooks whose few cells lie far apart: far-off columns are moved together before they are read.

The reader of workbooks keeps a sheet as a full rectangle, so one stray cell at XFD20001 would cost
ten gigabytes, and so would a filled cell of an OpenDocument sheet that says it is repeated twenty
million times. A sheet's extent is therefore looked up first: in its XML, or in the records of a
binary workbook; of an old one (.xls), no sheet can be too large.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any

from analysis.errors import DataError
from analysis.ingest.mapping.file_mapping import FileSpec
from analysis.ingest.readers.archives import Member, files_in
from analysis.ingest.readers.staged_table import (
    BLANK,
    REPEATED,
    Staged,
    StagedFile,
    header_names,
    read_back,
    writing,
)

#: Stands for the cells of a row that the reader cannot give; no cell can hold it.
IMPOSSIBLE = "\0 no time"


def stage_workbook(
    connection: Any, member: Member, spec: FileSpec, directory: Path
) -> list[Staged]:
    """Return the wanted sheets of a workbook as staged tables.

    Raises
    ------
    DataError
        If it is no workbook, lacks the sheet that the mapping names, or unpacks to too much.
    """
    workbook = open_workbook(member)
    wanted = _sheets(workbook.sheet_names, spec.sheet, member.label)
    staged = []
    for i, name in enumerate(wanted):
        label = f"{member.label}/{name}" if len(workbook.sheet_names) > 1 else member.label
        folder = directory / f"sheet{i}"
        folder.mkdir()
        staged.append(_sheet(connection, rows_of(workbook, name, label), label, spec, folder))
    return staged


def open_workbook(member: Member) -> Any:
    """Open the workbook; DataError if it cannot be one."""
    from python_calamine import CalamineError, CalamineWorkbook

    if member.inner or member.path.suffix.lower() == ".gz":
        raise DataError(f"{member.label}: a workbook is packed already; deliver it unpacked")
    closer = moved_together(member)
    try:
        if closer is not None:
            return CalamineWorkbook.from_filelike(closer)
        return CalamineWorkbook.from_path(member.path)
    except (CalamineError, OSError, ValueError) as error:
        raise DataError(f"{member.label} cannot be read as a workbook: {error}") from None


def _sheets(names: list[str], wanted: str, label: str) -> list[str]:
    if wanted == "first":
        return names[:1]
    if wanted == "all":
        return names
    if wanted not in names:
        raise DataError(f"{label} has no sheet {wanted!r}; it has {', '.join(names)}")
    return [wanted]


def rows_of(
    workbook: Any, name: str, label: str = "the workbook"
) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a sheet with their numbers, each cell as text; DataError if it is damaged.

    Parameters
    ----------
    workbook
        From ``open_workbook``.
    name
        The sheet.
    label
        What to call it in an error.
    """
    from python_calamine import CalamineError

    try:
        sheet = workbook.get_sheet_by_name(name)
        left = [""] * (sheet.start[1] if sheet.start else 0)
        rows, number = sheet.iter_rows(), 0
        while (row := _next(rows)) is not None:
            number += 1
            yield number, left + row
    except (CalamineError, OSError, ValueError) as error:
        raise DataError(f"{label} cannot be read as a workbook: {error}") from None


def _next(rows: Iterator[list[object]]) -> list[str] | None:
    """Return the next row as text, ``[IMPOSSIBLE]`` if a cell is beyond all times; None at the end.

    A number that a cell's format makes a time may lie beyond what any time can be; the reader
    gives up such a row and goes on with the next.
    """
    try:
        return [as_text(cell) for cell in next(rows)]
    except StopIteration:
        return None
    except OverflowError:
        return [IMPOSSIBLE]
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        return [IMPOSSIBLE]


def as_text(cell: object) -> str:
    """Return a cell as the text that a CSV export of it would hold."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    if isinstance(cell, date):
        return cell.isoformat()
    return "" if cell is None else str(cell)


def _sheet(
    connection: Any,
    rows: Iterator[tuple[int, list[str]]],
    label: str,
    spec: FileSpec,
    directory: Path,
) -> Staged:
    found = next((row for number, row in rows if number >= max(spec.header, 1)), None)
    if found is None:
        raise DataError(f"{label} is empty")
    while found and not found[-1].strip():
        found.pop()
    names = list(spec.names) or header_names(found)
    with writing(directory, len(names)) as file:
        if spec.header == 0:
            _take(file, 1, found, len(names))
        for number, row in rows:
            if spec.header and row[: len(found)] == found and not any(row[len(found) :]):
                file.put_aside(number, b"", rule=REPEATED)
            else:
                _take(file, number, row, len(names))
    columns = {name: f"c{i}" for i, name in enumerate(names)}
    return Staged(label, read_back(connection, file), columns)


def _take(file: StagedFile, number: int, row: list[str], width: int) -> None:
    text = ",".join(row).encode("utf-8", "replace")
    if row[-1:] == [IMPOSSIBLE]:
        file.put_aside(number, b"", reason="a cell holds a number that is no time")
    elif not any(cell.strip() for cell in row):
        file.put_aside(number, b"", rule=BLANK)
    elif any(cell.strip() for cell in row[width:]):
        file.put_aside(number, text, reason="a cell stands outside the header's columns")
    elif any("\0" in cell for cell in row):
        file.put_aside(number, text, reason="the line holds a NUL byte")
    else:
        file.record(number, row[:width] + [""] * (width - len(row)))


#: Cells of a sheet's rectangle that are read: two gigabytes while they are.
MOST_CELLS = 64_000_000
#: The same where all of them may be filled, whatever the file weighs.
MOST_FILLED = MOST_CELLS // 2
#: Columns that stay where they are even if they are empty.
FIXED_COLUMNS = 64

_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml", re.IGNORECASE)
_CELL = re.compile(rb"""<(?:\w+:)?c\b[^>]*?\br=["']([A-Za-z]{1,3})(\d{1,9})["']""")
_ROW = re.compile(rb"""<(?:\w+:)?row\b[^>]*?\br=["'](\d{1,9})["']""")
_SIZE = re.compile(rb"""<(?:\w+:)?dimension\b[^>]*>""")
_BINARY_SHEET = re.compile(r"xl/worksheets/[^/]+\.bin", re.IGNORECASE)
#: Rows and cells of an OpenDocument table, and how often each is repeated.
_OPEN_TAG = re.compile(rb"<table:(table|table-row|(?:covered-)?table-cell)(?=[\s/>])([^>]*)>")
_REPEATED = re.compile(rb"""number-(?:rows|columns)-repeated=["'](\d{1,9})["']""")
#: Records of a binary sheet: a row, and the cells of it that hold something.
_BINARY_ROW, _BINARY_CELLS = 0, range(2, 12)


@dataclass
class Extent:
    """How far the cells of one sheet reach."""

    rows: int = 0
    letters: set[bytes] = field(default_factory=set)

    def take(self, xml: bytes) -> None:
        """Take whole tags of the sheet's XML."""
        found = _CELL.findall(xml)
        self.letters.update(letters for letters, _ in found)
        numbers = [int(n) for n in _ROW.findall(xml)]
        numbers += [int(found[-1][1])] if found else []
        self.rows = max(self.rows, *numbers, 0) if numbers else self.rows

    @property
    def columns(self) -> int:
        """Return the number of the last column that has a cell."""
        return max((_number(letters) for letters in self.letters), default=0)

    @property
    def cells(self) -> int:
        """Return the number of cells of the rectangle."""
        return self.rows * self.columns

    def closer(self) -> dict[bytes, bytes]:
        """Return where each column goes once the empty ones beyond the fixed are left out."""
        far = sorted(n for n in map(_number, self.letters) if n > FIXED_COLUMNS)
        return {_letters(n): _letters(FIXED_COLUMNS + i) for i, n in enumerate(far, start=1)}


def moved_together(member: Member) -> IO[bytes] | None:
    """Return a copy of the workbook whose far-off columns have moved together; None if none are.

    The whole workbook is unpacked once to nowhere, so that a bomb goes off here, bounded.

    Raises
    ------
    DataError
        If it unpacks to too much, or a sheet stays too large without its empty columns.
    """
    if not zipfile.is_zipfile(member.path):
        return None
    with zipfile.ZipFile(member.path) as archive:
        names = [info.filename for info in files_in(archive)]
    large = {}
    for name in names:
        part = Member(member.label, member.suffix, member.path, name)
        if name == "content.xml" or _BINARY_SHEET.fullmatch(name):
            rows, columns = (_open_document if name == "content.xml" else _binary)(part)
            most = MOST_FILLED if name == "content.xml" else MOST_CELLS
            if rows * columns > most:
                raise _too_large(member.label, rows, columns, columns, most)
            continue
        extent = _extent(part)
        if extent.cells > MOST_CELLS:
            _check_size(extent, member.label)
            large[name] = extent.closer()
    return _copied(member, large) if large else None


def _extent(part: Member) -> Extent:
    extent = Extent()
    is_sheet = _SHEET.fullmatch(part.inner or "") is not None
    for xml in _whole_tags(part.chunks()):
        if is_sheet:
            extent.take(xml)
    return extent


def _check_size(extent: Extent, label: str) -> None:
    columns = min(extent.columns, FIXED_COLUMNS) + len(extent.closer())
    if extent.rows * columns > MOST_CELLS:
        raise _too_large(label, extent.rows, extent.columns, columns, MOST_CELLS)


def _too_large(label: str, rows: int, columns: int, read: int, most: int) -> DataError:
    return DataError(
        f"{label}: a sheet reaches over {rows:,} rows and {columns:,} columns, "
        f"of which {read:,} must be read, more than {most // 1_000_000} million "
        "cells; delete what lies beyond the table, or save the table as CSV"
    )


def _open_document(part: Member) -> tuple[int, int]:
    """Return the rows and columns of the largest sheet of an OpenDocument workbook."""
    largest, rows, columns = (0, 0), 0, 0
    row = column = 0
    for xml in _whole_tags(part.chunks()):
        for name, attributes in _OPEN_TAG.findall(xml):
            found = _REPEATED.search(attributes)
            times = int(found[1]) if found else 1
            if name == b"table":
                row = rows = columns = 0
            elif name == b"table-row":
                row, column = row + times, 0
            else:
                column += times
                if b"value-type=" in attributes:
                    rows, columns = row, max(columns, column)
                    largest = max(largest, (rows, columns), key=lambda size: size[0] * size[1])
    return largest


def _binary(part: Member) -> tuple[int, int]:
    """Return the rows and columns that the cells of a binary sheet reach over."""
    content = b"".join(part.chunks())
    at = row = rows = columns = 0
    while at + 1 < len(content):
        kind, at = content[at], at + 1
        if kind & 0x80 and at < len(content):
            kind, at = (kind & 0x7F) | content[at] << 7, at + 1
        length = shift = 0
        while at < len(content) and shift < 28:
            byte, at = content[at], at + 1
            length, shift = length | (byte & 0x7F) << shift, shift + 7
            if not byte & 0x80:
                break
        number = int.from_bytes(content[at : at + 4], "little")
        if kind == _BINARY_ROW:
            row = number + 1
        elif kind in _BINARY_CELLS:
            rows, columns = max(rows, row), max(columns, number + 1)
        at += length
    return rows, columns


def _copied(member: Member, large: dict[str, dict[bytes, bytes]]) -> IO[bytes]:
    goal = io.BytesIO()
    with (
        zipfile.ZipFile(member.path) as archive,
        zipfile.ZipFile(goal, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as copy,
    ):
        for info in files_in(archive):
            part = Member(member.label, member.suffix, member.path, info.filename)
            with copy.open(info.filename, "w") as stream:
                for xml in _whole_tags(part.chunks()):
                    stream.write(_moved(xml, large.get(info.filename, {})))
    goal.seek(0)
    return goal


def _moved(xml: bytes, goals: dict[bytes, bytes]) -> bytes:
    if not goals:
        return xml

    def move(cell: re.Match[bytes]) -> bytes:
        start, end = cell.span(1)
        before, after = cell[0][: start - cell.start()], cell[0][end - cell.start() :]
        return before + goals.get(cell[1].upper(), cell[1]) + after

    return _CELL.sub(move, _SIZE.sub(b"", xml))


def _whole_tags(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the XML cut before a tag, so that no tag is cut in two."""
    rest = b""
    for chunk in chunks:
        text = rest + chunk
        cut = max(text.rfind(b"<"), 0)
        yield text[:cut]
        rest = text[cut:]
    yield rest


def _number(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = 26 * number + letter - 64
    return number


def _letters(number: int) -> bytes:
    found = b""
    while number:
        number, letter = divmod(number - 1, 26)
        found = bytes([65 + letter]) + found
    return found
