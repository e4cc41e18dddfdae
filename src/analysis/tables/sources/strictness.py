"""Tell which lines of a block are records beyond doubt: no reader could read them in two ways.

Such a line has the right number of fields; each field is either without any quote, or in quotes
from end to end. All that is doubtful is left to ``records``, which looks at lines singly.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from analysis.tables.sources.lines import MAXIMUM_LENGTH, Block, decodes

Mask = NDArray[np.bool_]
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

    def records(self, block: Block) -> Mask:
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

    def _quoted(self, block: Block, letters: NDArray[np.uint8], marks: Places) -> Mask:
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
