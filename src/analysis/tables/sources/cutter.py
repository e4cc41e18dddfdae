"""Cut delimited text into records, exactly: every physical line ends in one of four places.

A line is a record (or part of one: a quoted field may hold line breaks), a blank line, a broken
line with its reason, or the header.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.tables.sources.lines import Block
from analysis.tables.sources.records import MAXIMUM_LINES, OPEN, UNCLOSED, Dialect, problem
from analysis.tables.sources.staged_file import BLANK, REPEATED, StagedFile
from analysis.tables.sources.strictness import Strictness

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
