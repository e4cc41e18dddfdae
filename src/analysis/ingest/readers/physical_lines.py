"""Cut a stream of bytes into its physical lines, a block at a time.

A block stays one piece of text with the places where its lines start, so that what is asked of
every line (how many delimiters? any quote?) is asked once of the whole block.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.errors import DataError

#: A line longer than this is no record of a table.
MAXIMUM_LENGTH = 1_000_000


@dataclass(frozen=True)
class Block:
    """Some lines of a text.

    Parameters
    ----------
    text
        The lines, each with a line break behind it.
    starts
        Where each line starts, and where the next would: one place more than there are lines.
    """

    text: bytes
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, text: bytes) -> Block:
        """Return the block of a ``text`` that is empty or ends with a line break."""
        ends = np.flatnonzero(np.frombuffer(text, "uint8") == ord("\n"))
        return cls(text, np.concatenate([[0], ends + 1]))

    def __len__(self) -> int:
        return len(self.starts) - 1

    def line(self, at: int) -> bytes:
        """Return a line without its end."""
        return self.text[self.starts[at] : self.starts[at + 1] - 1]

    def lines(self) -> Iterator[bytes]:
        """Yield the lines without their ends."""
        return iter(self.text[:-1].split(b"\n") if self.text else [])

    def after(self, at: int) -> Block:
        """Return the lines from the one at ``at`` on."""
        return Block(self.text[self.starts[at] :], self.starts[at:] - self.starts[at])

    def chosen(self, wanted: NDArray[np.bool_]) -> bytes:
        """Return the text of the ``wanted`` lines."""
        if wanted.all():
            return self.text
        edges = np.flatnonzero(np.diff(np.concatenate([[False], wanted, [False]])))
        places = self.starts[edges].tolist()
        runs = zip(places[::2], places[1::2], strict=True)
        return b"".join([self.text[start:end] for start, end in runs])

    def holding(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the numbers within the block of the lines in which ``places`` lie."""
        return np.searchsorted(self.starts, places, side="right") - 1

    def foreign(self) -> NDArray[np.int64]:
        """Return the numbers within the block of the lines that hold bytes beyond ASCII."""
        if self.text.isascii():
            return np.array([], "int64")
        beyond = np.flatnonzero(np.frombuffer(self.text, "uint8") >= 0x80)
        found = np.zeros(len(self), "bool")
        found[self.holding(beyond)] = True
        return np.flatnonzero(found)


def physical_lines(chunks: Iterable[bytes]) -> Iterator[Block]:
    """Yield the lines of a text in blocks; DataError if it is no text in lines."""
    rest = b""
    old_mac: bool | None = None
    for chunk in chunks:
        text = rest + chunk
        if old_mac is None and (b"\n" in text or b"\r" in text[:-1]):  # the last may be half an end
            old_mac = b"\n" not in text
        if old_mac:
            text = text.replace(b"\r", b"\n")
        cut = text.rfind(b"\n") + 1
        if cut == 0 and len(text) > 16 * MAXIMUM_LENGTH:
            raise DataError("there is no line break in its first 16 MB, so it is no text table")
        rest = text[cut:]
        if cut:
            yield _block(text[:cut])
    if rest:
        yield _block(rest + b"\n")


def _block(text: bytes) -> Block:
    return Block.of(text.replace(b"\r\n", b"\n") if b"\r" in text else text)


def decodes(text: bytes) -> bool:
    """Tell whether ``text`` is valid UTF-8."""
    if text.isascii():
        return True
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
