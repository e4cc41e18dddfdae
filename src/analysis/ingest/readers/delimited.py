"""Stage delimited text: CSV, TSV and their kin.

Cut delimited text into records, exactly: every physical line ends in one of four places.

A line is a record (or part of one: a quoted field may hold line breaks), a blank line, a broken
line with its reason, or the header.

Tell which lines of a block are records beyond doubt: no reader could read them in two ways.

Such a line has the right number of fields; each field is either without any quote, or in quotes
from end to end. All that is doubtful is left to ``records``, which looks at lines singly.

Read one doubtful record: quotes within fields, line breaks within quotes, broken lines.

Quoting follows RFC 4180; a quote inside an unquoted field is a character.
"""

from __future__ import annotations

import csv
import io
import re
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from analysis.errors import DataError
from analysis.ingest.mapping.file_mapping import FileSpec
from analysis.ingest.readers import encodings
from analysis.ingest.readers.archives import Member
from analysis.ingest.readers.physical_lines import MAXIMUM_LENGTH, Block, decodes, physical_lines
from analysis.ingest.readers.staged_table import (
    BLANK,
    REPEATED,
    Staged,
    StagedFile,
    header_names,
    read_back,
    writing,
)
from analysis.stats.types import Flags

_EMPTY = "is empty"

SEPARATOR = re.compile(rb'"?sep=([^\w\s"]|\t)"?\r?', re.IGNORECASE)


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
    found = SEPARATOR.fullmatch(first.line(0)) if len(first) else None
    if found is None:
        return "", 0, chain([first], blocks)
    rest = first.after(1)
    return found[1].decode(), 1, chain([rest] if len(rest) else [], blocks)


def _as_wide_as_records(
    given: list[str], rest: Iterator[Block], delimiter: str
) -> tuple[list[str], Iterator[Block]]:
    """Return the header's cells, as many as records have, where only empty ones differ."""
    first = next(rest, None)
    if first is None:
        return given, iter(())
    record = cells(next((line for line in first.lines() if line.strip()), b""), delimiter)
    return as_wide(given, record), chain([first], rest)


def as_wide(header: list[str], record: list[str]) -> list[str]:
    """Return the header's cells; a delimiter at the end of it or of records adds no column."""
    width = len(record)
    if 0 < width < len(header) and not any(name.strip() for name in header[width:]):
        return header[:width]
    if width > len(header) and not any(cell.strip() for cell in record[len(header) :]):
        return header + [""] * (width - len(header))
    return header


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


def certain(block: Block, separator: str, width: int) -> Flags:
    """Return which lines of a block are records of ``width`` fields beyond doubt."""
    if len(separator.encode()) > 1:  # patterns are written for bytes
        return np.zeros(len(block), "bool")
    mark = rf"\x{ord(separator):02x}"
    field = rf'(?:"(?:[^"\r\n\x00]|"")*"|[^"\r\n\x00{mark}]*)'
    thousands, rest = divmod(width - 1, 1_000)  # no pattern repeats anything more often
    more = f"(?:{mark}{field}){{1000}}" * thousands + f"(?:{mark}{field}){{{rest}}}"
    lengths = np.diff(block.starts) - 1
    found = block.matching(rf"^{field}{more}\n\z") & (lengths > 0) & (lengths < MAXIMUM_LENGTH)
    if not decodes(block.text):
        found &= [decodes(line) for line in block.lines()]
    return found


#: A record of more lines than this has an opening quote that nothing closes.
MAXIMUM_LINES = 100

OPEN = "open"

UNCLOSED = "a quote is opened and never closed"

_AFTER_QUOTE = "text follows a closing quote"

LOOSE_BREAK = "a line break stands outside quotes"


@dataclass(frozen=True)
class Dialect:
    """How a delimited file is written.

    Parameters
    ----------
    delimiter
        One character, or ``whitespace`` for any run of blanks.
    width
        Fields in a record.
    encoding
        Name of the file's encoding, for the reason given where it does not hold.
    """

    delimiter: str
    width: int
    encoding: str = "utf-8"

    @property
    def separator(self) -> str:
        """Return the character between fields once runs of blanks are made commas."""
        return "," if self.delimiter == "whitespace" else self.delimiter

    def parse(self, text: bytes) -> tuple[list[str], str]:
        """Return the fields and an empty reason, or the reason why there is no record."""
        source = io.StringIO(text.decode("utf-8"), newline="")
        csv.field_size_limit(MAXIMUM_LENGTH)
        try:
            rows = list(csv.reader(source, delimiter=self.separator, strict=True))
        except csv.Error as error:
            return [], _csv_reason(str(error))
        if len(rows) != 1:
            return [], LOOSE_BREAK
        if len(rows[0]) != self.width:
            return [], f"it has {len(rows[0])} fields where the header has {self.width}"
        return rows[0], ""

    def reach(self, text: bytes, more: Sequence[bytes]) -> tuple[list[str], int | None]:
        """Return the record that ``text`` opens and how many of the lines in ``more`` it needs.

        0: the quote is closed by something that is no record. None: it is not closed at all.
        """
        quotes = text.count(b'"')
        for taken, line in enumerate(more, start=1):
            text, quotes = text + b"\n" + line, quotes + line.count(b'"')
            if problem(line, self.encoding) or len(text) > MAXIMUM_LENGTH:
                return [], 0
            fields, reason = self.parse(text) if quotes % 2 == 0 else ([], OPEN)
            if not reason:
                return fields, taken
            if reason != OPEN:
                return [], 0
        return [], None


def problem(line: bytes, encoding: str) -> str:
    """Return why a line is no text at all; empty if it is."""
    if len(line) > MAXIMUM_LENGTH:
        return f"the line is longer than {MAXIMUM_LENGTH:,} characters"
    if b"\0" in line:
        return "the line holds a NUL byte"
    if not decodes(line):
        return f"the line is not valid {encoding.upper()}"
    return ""


def cells(line: bytes, delimiter: str) -> list[str]:
    """Return the fields of one line, such as the header, as they stand, whatever it holds."""
    text = line[:MAXIMUM_LENGTH].decode("utf-8", "replace").replace("\r", " ")
    csv.field_size_limit(MAXIMUM_LENGTH)
    if delimiter == "whitespace":
        return text.split()
    return next(csv.reader([text], delimiter=delimiter), [])


def guess_delimiter(line: bytes) -> str:
    """Return the delimiter that cuts the header ``line`` into most fields; comma if none does."""
    candidates = [",", ";", "\t", "|"]
    return max(candidates, key=lambda d: (len(cells(line, d)), -candidates.index(d)))


def _csv_reason(said: str) -> str:
    if "unexpected end" in said:
        return OPEN
    return LOOSE_BREAK if "new-line" in said else _AFTER_QUOTE


_ODD_SPACES = tuple(c.encode() for c in "\u00a0\u202f\u3000\u200b")


@dataclass
class Cutter:
    """Cuts lines into records.

    Parameters
    ----------
    dialect
        How the file is written.
    file
        Receives the records, and the broken and the blank lines.
    first_line
        Number of the first line after the header.
    header
        The line of the header; where it stands again, as in files put together, it is dropped.
    """

    dialect: Dialect
    file: StagedFile
    first_line: int
    header: bytes = b""
    #: Some value may hold blanks other than the space.
    odd_spaces: bool = False

    def __post_init__(self) -> None:
        empty = self.dialect.separator.encode() * (self.dialect.width - 1)
        headers = [self.header, BOM_UTF8 + self.header] if self.header else []
        #: Lines with as many fields as a record that are none.
        self._no_records = [*headers, *([empty] if empty else [])]
        self._number = self.first_line
        self._rest = b""

    def feed(self, block: Block) -> None:
        """Take a block of lines."""
        if self.dialect.delimiter == "whitespace":
            joined = (b",".join(line.replace(b",", b" ").split()) for line in block.lines())
            block = Block.of(b"".join(line + b"\n" for line in joined))
        if not self.odd_spaces:
            self.odd_spaces = b"\t" in block.text or _has_odd_spaces(block.text)
        if self._rest:
            block = Block.of(self._rest + block.text)
        self._cut(block, last=False)

    def finish(self) -> None:
        """Take what is left."""
        self._cut(Block.of(self._rest), last=True)

    def _cut(self, block: Block, *, last: bool) -> None:
        """Hand on the lines that are records as they stand; settle the others singly."""
        fine = certain(block, self.dialect.separator, self.dialect.width)
        fine &= ~block.among(self._no_records)
        at = 0
        for odd in np.flatnonzero(~fine).tolist():
            if odd < at:
                continue
            taken = self._take(block, odd, last=last)
            at = odd + taken
            fine[odd : at if taken else None] = False
            if taken == 0:
                break
        else:
            at = len(block)
        self._rest = block.text[block.starts[at] :]
        numbers = np.flatnonzero(fine) + self._number
        self.file.records(block.chosen(fine), numbers, self.dialect.separator)
        self._number += at

    def _is_header(self, line: bytes) -> bool:
        return bool(self.header) and line.removeprefix(BOM_UTF8) == self.header

    def _take(self, block: Block, at: int, *, last: bool) -> int:
        """Settle the line at ``at`` and return how many lines that took.

        0 means that its quoted field may go on in lines that are not there yet.
        """
        line, number = block.line(at), self._number + at
        reason = problem(line, self.dialect.encoding)
        if reason:
            self.file.put_aside(number, line, reason=reason)
        elif self._is_header(line):
            self.file.put_aside(number, line, rule=REPEATED)
        elif not line.replace(self.dialect.separator.encode(), b"").strip():
            self.file.put_aside(number, line, rule=BLANK)
        else:
            return self._take_loosely(block, at, last=last)
        return 1

    def _take_loosely(self, block: Block, at: int, *, last: bool) -> int:
        text, number = block.line(at), self._number + at
        fields, reason = self.dialect.parse(text)
        if reason == OPEN:
            reach = range(at + 1, min(at + MAXIMUM_LINES, len(block)))
            fields, taken = self.dialect.reach(text, [block.line(i) for i in reach])
            if taken:
                self.file.record(number, fields)
                return taken + 1
            if taken is None and not last and len(reach) < MAXIMUM_LINES - 1:
                return 0
            reason = UNCLOSED
        if reason:
            self.file.put_aside(number, text, reason=reason)
        else:
            self.file.record(number, fields)
        return 1


def _has_odd_spaces(text: bytes) -> bool:
    """Tell whether a text holds blanks beyond ASCII, by a look at what is beyond ASCII alone."""
    if text.isascii():
        return False
    letters = np.frombuffer(text, "uint8")
    beyond = letters[letters >= 0x80].tobytes()
    return any(space in beyond for space in _ODD_SPACES)
