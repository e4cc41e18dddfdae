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
from numpy.typing import NDArray

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


Places = NDArray[np.int64]

QUOTE, NEW_LINE = ord('"'), ord("\n")


class Strictness:
    """Knows the records of one dialect.

    Parameters
    ----------
    separator
        The delimiter.
    width
        Fields in a record.
    """

    def __init__(self, separator: str, width: int) -> None:
        self._mark = separator.encode()
        self._width = width
        escaped = re.escape(self._mark)
        one = rb'(?:"(?:[^"\r\n]|"")*"|[^"\r\n%b]*)' % escaped
        self._record = re.compile(one + (rb"(?:%b%b){%d}" % (escaped, one, width - 1)))

    def records(self, block: Block) -> Flags:
        """Return, for every line, whether it is a record beyond doubt."""
        if len(self._mark) > 1:  # such a delimiter is not found byte by byte
            return np.zeros(len(block), "bool")
        letters = np.frombuffer(block.text, "uint8")
        lengths = np.diff(block.starts) - 1
        marks = np.flatnonzero(letters == self._mark[0])
        if b'"' in block.text:
            fine = self._quoted(block, letters, marks)
        else:
            fine = np.diff(np.searchsorted(marks, block.starts)) == self._width - 1
        fine &= (lengths > 0) & (lengths < MAXIMUM_LENGTH)
        fine[_broken(block, letters)] = False
        return fine

    def _quoted(self, block: Block, letters: NDArray[np.uint8], marks: Places) -> Flags:
        """Return the verdict where some line holds a quote.

        Within a line, quotes open and close by turns. An opening one must follow a delimiter or
        a line break, a closing one must stand before one; a delimiter between two is a character.
        """
        quotes = np.flatnonzero(letters == QUOTE)
        before = np.searchsorted(quotes, block.starts)
        line = block.holding(quotes)
        closes = (np.arange(len(quotes)) - before[line]) % 2 == 1
        neighbour = letters[np.where(closes, quotes + 1, quotes - 1)]  # of the first: the last
        doubtful = np.diff(before) % 2 == 1
        doubtful[line[(neighbour != self._mark[0]) & (neighbour != NEW_LINE)]] = True
        passed = np.searchsorted(marks, quotes)
        within = np.diff(passed, append=len(marks))[~closes]
        inside = np.bincount(line[~closes], within, len(block))
        fine = np.diff(np.searchsorted(marks, block.starts)) - inside == self._width - 1
        for at in np.flatnonzero(doubtful).tolist():
            fine[at] = self._record.fullmatch(block.line(at)) is not None
        return fine


def _broken(block: Block, letters: NDArray[np.uint8]) -> list[int]:
    """Return the lines that hold what no text holds, whatever their fields."""
    found: list[int] = []
    for byte in (b"\r", b"\0"):
        if byte in block.text:
            found += block.holding(np.flatnonzero(letters == byte[0])).tolist()
    if not decodes(block.text):
        found += [at for at in block.foreign().tolist() if not decodes(block.line(at))]
    return found


#: A record of more lines than this has an opening quote that nothing closes.
MAXIMUM_LINES = 100

OPEN = "open"

UNCLOSED = "a quote is opened and never closed"

_AFTER_QUOTE = "text follows a closing quote"

_LOOSE_BREAK = "a line break stands outside quotes"


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
            return [], _LOOSE_BREAK
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
    """Return the fields of one line, such as the header, as they stand."""
    text = line.decode("utf-8", "replace")
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
    return _LOOSE_BREAK if "new-line" in said else _AFTER_QUOTE


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
        self._strictness = Strictness(self.dialect.separator, self.dialect.width)
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
        fine = self._strictness.records(block) & ~self._headers(block) & ~self._blank(block)
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

    def _headers(self, block: Block) -> NDArray[np.bool_]:
        """Return, for every line, whether it is the header again."""
        found = np.zeros(len(block), "bool")
        if self.header and self.header in block.text:
            place = block.text.find(self.header)
            while place >= 0:
                at = int(block.holding(np.array([place]))[0])
                found[at] = self._is_header(block.line(at))
                place = block.text.find(self.header, place + len(self.header))
        return found

    def _blank(self, block: Block) -> NDArray[np.bool_]:
        """Return which lines are nothing but delimiters, as spreadsheets write below a table."""
        mark = self.dialect.separator.encode()
        if self.dialect.width == 1 or len(mark) > 1:
            return np.zeros(len(block), "bool")
        marks = np.flatnonzero(np.frombuffer(block.text, "uint8") == mark[0])
        return np.diff(np.searchsorted(marks, block.starts)) == np.diff(block.starts) - 1

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
