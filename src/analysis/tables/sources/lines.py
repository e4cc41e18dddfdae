"""Cut delimited text into records, exactly: every physical line ends in one of four places.

A line is a record (or part of one: a quoted field may hold line breaks), a blank line, a broken
line with its reason, or the header. What passes is written as clean UTF-8 with its line number in
front, so that the engine's parallel reader meets nothing it could read in two ways; broken lines
go aside as they are. Quoting follows RFC 4180; a quote inside an unquoted field is a character.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from operator import methodcaller
from typing import IO

from analysis.errors import DataError

#: A record of more lines than this has an opening quote that nothing closes.
MAXIMUM_LINES = 100
MAXIMUM_LENGTH = 1_000_000
KEPT_OF_BROKEN = 2_000

BLANK = "blank line"


@dataclass
class Outcome:
    """What became of the lines: numbers of records, broken and blank lines."""

    records: int = 0
    broken: int = 0
    blank: int = 0
    odd_spaces: bool = False


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


@dataclass(frozen=True)
class Block:
    """Lines without their ends, and what is known of all of them at once.

    Parameters
    ----------
    lines
        The lines.
    quoted
        Some line holds a quote.
    sound
        All are valid UTF-8 and hold neither NUL nor a carriage return.
    """

    lines: list[bytes]
    quoted: bool = False
    sound: bool = True


def physical_lines(chunks: Iterable[bytes]) -> Iterator[Block]:
    """Yield the lines of a text in blocks; DataError if it is no text in lines."""
    rest = b""
    old_mac: bool | None = None
    for chunk in chunks:
        text = rest + chunk
        if old_mac is None:
            old_mac = b"\r" in text and b"\n" not in text
        if old_mac:
            text = text.replace(b"\r", b"\n")
        cut = text.rfind(b"\n") + 1
        if cut == 0 and len(text) > 16 * MAXIMUM_LENGTH:
            raise DataError("there is no line break in its first 16 MB, so it is no text table")
        rest = text[cut:]
        if cut:
            yield _block(text[: cut - 1])
    if rest:
        yield _block(rest)


def _block(text: bytes) -> Block:
    text = text.replace(b"\r\n", b"\n").removesuffix(b"\r")
    sound = _decodes(text) and not (b"\r" in text or b"\0" in text)
    return Block(text.split(b"\n"), b'"' in text, sound)


def _decodes(text: bytes) -> bool:
    if text.isascii():
        return True
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


@dataclass
class Cutter:
    """Cuts lines into records and writes them.

    Parameters
    ----------
    dialect
        How the file is written.
    clean
        Receives the records: line number, then the fields, delimited by ``separator``.
    aside
        Receives line number, reason, rule and text of the broken and the blank lines.
    first_line
        Number of the first line after the header.
    """

    dialect: Dialect
    clean: IO[bytes]
    aside: IO[bytes]
    first_line: int
    outcome: Outcome = field(default_factory=Outcome)

    def __post_init__(self) -> None:
        csv.field_size_limit(MAXIMUM_LENGTH)
        self.separator = "," if self.dialect.delimiter == "whitespace" else self.dialect.delimiter
        self._mark = self.separator.encode()
        self._count = methodcaller("count", self._mark)
        self._strict = _strict_record(self._mark, self.dialect.width)
        self._number = self.first_line
        self._rest = Block([])

    def feed(self, block: Block) -> None:
        """Take a block of lines."""
        if self.dialect.delimiter == "whitespace":
            joined = [b",".join(line.replace(b",", b" ").split()) for line in block.lines]
            block = replace(block, lines=joined)
        self._watch_spaces(block.lines)
        before, self._rest = self._rest, Block([])
        if before.lines:
            block = Block(before.lines + block.lines, True, before.sound and block.sound)
        self._cut(block, last=False)

    def finish(self) -> Outcome:
        """Take what is left and return the counts."""
        block, self._rest = self._rest, Block([])
        self._cut(block, last=True)
        return self.outcome

    def _cut(self, block: Block, *, last: bool) -> None:
        """Write the runs of lines that are records as they stand; settle the others singly."""
        lines, at = block.lines, 0
        for odd in self._odd_lines(block):
            if odd < at:
                continue
            self._write_run(lines[at:odd])
            taken = self._take(lines, odd, last=last)
            if taken == 0:
                self._rest = replace(block, lines=lines[odd:])
                return
            at = odd + taken
        self._write_run(lines[at:])

    def _odd_lines(self, block: Block) -> Iterator[int]:
        """Yield the places of the lines that are no record as they stand."""
        lines, width = block.lines, self.dialect.width
        good: Iterable[object]
        if not block.sound:
            good = (not self._problem(x) and self._strict.fullmatch(x) for x in lines)
        elif block.quoted or width == 1:
            good = map(self._strict.fullmatch, lines)
        else:
            counts = list(map(self._count, lines))
            if (
                counts.count(width - 1) == len(counts)
                and max(map(len, lines), default=0) < MAXIMUM_LENGTH
            ):
                return
            good = (
                n == width - 1 and len(x) < MAXIMUM_LENGTH
                for n, x in zip(counts, lines, strict=True)
            )
        yield from (i for i, fine in enumerate(good) if not fine or not lines[i])

    def _write_run(self, lines: list[bytes]) -> None:
        if lines:
            numbered = zip(count(self._number), lines, strict=False)
            self.clean.write(b"\n".join(map((b"%d" + self._mark + b"%b").__mod__, numbered)))
            self.clean.write(b"\n")
            self.outcome.records += len(lines)
            self._number += len(lines)

    def feed_whole(self, lines: list[bytes]) -> None:
        """Take a block of lines each of which is one value, such as JSON lines."""
        for line in lines:
            reason = self._problem(line)
            if reason or not line.strip():
                self._settle(line, reason=reason, rule="" if reason else BLANK)
            else:
                self._accept([line.decode("utf-8")], lines=1)

    def record(self, line: int, fields: list[str]) -> None:
        """Write one record that is already cut, such as a row of a workbook."""
        self._write(line, fields)

    def put_aside(self, line: int, text: bytes, *, reason: str = "", rule: str = "") -> None:
        """Set one line aside: broken for ``reason``, or dropped by ``rule``."""
        shown = text[:KEPT_OF_BROKEN].decode("utf-8", "replace").replace("\0", "\ufffd")
        quoted = ",".join(_quoted(part) for part in (reason, rule, shown))
        self.aside.write(f"{line},{quoted}\n".encode())
        if rule:
            self.outcome.blank += 1
        else:
            self.outcome.broken += 1

    def _watch_spaces(self, lines: list[bytes]) -> None:
        if not self.outcome.odd_spaces:
            text = b"\n".join(lines)
            self.outcome.odd_spaces = any(space in text for space in _ODD_SPACES)

    def _take(self, lines: list[bytes], at: int, *, last: bool) -> int:
        """Settle the line at ``at`` and return how many lines that took.

        0 means that its quoted field may go on in lines that are not there yet.
        """
        line = lines[at]
        reason = self._problem(line)
        if reason:
            self._settle(line, reason=reason)
        elif not line.strip():
            self._settle(line, rule=BLANK)
        else:
            return self._take_loosely(lines, at, last=last)
        return 1

    def _problem(self, line: bytes) -> str:
        if len(line) > MAXIMUM_LENGTH:
            return f"the line is longer than {MAXIMUM_LENGTH:,} characters"
        if b"\0" in line:
            return "the line holds a NUL byte"
        if not _decodes(line):
            return f"the line is not valid {self.dialect.encoding.upper()}"
        return ""

    def _take_loosely(self, lines: list[bytes], at: int, *, last: bool) -> int:
        text = lines[at]
        fields, reason = self._parse(text)
        if reason == _OPEN:
            more = lines[at + 1 : at + MAXIMUM_LINES]
            fields, taken = self._reach(text, more)
            if taken:
                self._accept(fields, lines=taken + 1)
                return taken + 1
            if taken is None and not last and len(more) < MAXIMUM_LINES - 1:
                return 0
            reason = _UNCLOSED
        if reason:
            self._settle(text, reason=reason)
        else:
            self._accept(fields, lines=1)
        return 1

    def _reach(self, text: bytes, more: list[bytes]) -> tuple[list[str], int | None]:
        """Return the record that ``text`` opens and how many of the lines in ``more`` it needs.

        0: the quote is closed by something that is no record. None: it is not closed at all.
        """
        quotes = text.count(b'"')
        for taken, line in enumerate(more, start=1):
            text, quotes = text + b"\n" + line, quotes + line.count(b'"')
            if self._problem(line) or len(text) > MAXIMUM_LENGTH:
                return [], 0
            fields, reason = self._parse(text) if quotes % 2 == 0 else ([], _OPEN)
            if not reason:
                return fields, taken
            if reason != _OPEN:
                return [], 0
        return [], None

    def _parse(self, text: bytes) -> tuple[list[str], str]:
        """Return the fields and an empty reason, or the reason why there is no record."""
        source = io.StringIO(text.decode("utf-8"), newline="")
        try:
            rows = list(csv.reader(source, delimiter=self.separator, strict=True))
        except csv.Error as error:
            return [], _csv_reason(str(error))
        if len(rows) != 1:
            return [], _LOOSE_BREAK
        if len(rows[0]) != self.dialect.width:
            return [], f"it has {len(rows[0])} fields where the header has {self.dialect.width}"
        return rows[0], ""

    def _accept(self, fields: list[str], *, lines: int) -> None:
        self._write(self._number, fields)
        self._number += lines

    def _write(self, line: int, fields: list[str]) -> None:
        joined = self.separator.join(_quoted(f) if f else "" for f in fields)
        self.clean.write(f"{line}{self.separator}{joined}\n".encode())
        self.outcome.records += 1

    def _settle(self, text: bytes, *, reason: str = "", rule: str = "") -> None:
        self.put_aside(self._number, text, reason=reason, rule=rule)
        self._number += 1


_OPEN = "open"
_UNCLOSED = "a quote is opened and never closed"
_AFTER_QUOTE = "text follows a closing quote"
_LOOSE_BREAK = "a line break stands outside quotes"
_ODD_SPACES = tuple(c.encode() for c in "\t\u00a0\u202f\u3000\u200b")


def _csv_reason(said: str) -> str:
    if "unexpected end" in said:
        return _OPEN
    return _LOOSE_BREAK if "new-line" in said else _AFTER_QUOTE


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _strict_record(mark: bytes, width: int) -> re.Pattern[bytes]:
    escaped = re.escape(mark)
    one = rb'(?:"(?:[^"\r\n]|"")*"|[^"\r\n%b]*)' % escaped
    return re.compile(one + (rb"(?:%b%b){%d}" % (escaped, one, width - 1)))


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
