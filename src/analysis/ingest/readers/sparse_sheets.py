"""Workbooks whose few cells lie far apart: far-off columns are moved together before they are read.

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
from typing import IO

from analysis.errors import DataError
from analysis.ingest.readers.archives import Member, files_in

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
