"""Cut a stream of bytes into its physical lines, a block at a time.

A block stays one piece of text with the places where its lines start, so that what is asked of
every line (how many delimiters? any quote?) is asked once of the whole block.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from analysis.errors import DataError
from analysis.stats.types import Flags

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

    def chosen(self, wanted: Flags) -> bytes:
        """Return the text of the ``wanted`` lines."""
        if wanted.all():
            return self.text
        kept = self._array().filter(pa.array(wanted))
        return bytes(kept.buffers()[2] or b"")

    def matching(self, pattern: str) -> Flags:
        """Return in which lines, with their ends, ``pattern``, written for bytes, is found."""
        return _flags(pc.match_substring_regex(self._array(), pattern))

    def among(self, lines: Iterable[bytes]) -> Flags:
        """Return which lines are one of ``lines``."""
        there = [line + b"\n" for line in lines if line in self.text]
        if not there:
            return np.zeros(len(self), "bool")
        return _flags(pc.is_in(self._array(), value_set=pa.array(there, pa.large_binary())))

    def foreign(self) -> NDArray[np.int64]:
        """Return the numbers within the block of the lines that hold bytes beyond ASCII."""
        if self.text.isascii():
            return np.array([], "int64")
        return np.flatnonzero(self.matching(r"[^\x00-\x7f]"))

    def _array(self) -> pa.LargeBinaryArray:
        """Return the lines with their ends, in place."""
        buffers = [None, pa.py_buffer(self.starts), pa.py_buffer(self.text)]
        return pa.Array.from_buffers(pa.large_binary(), len(self), buffers)


def _flags(found: pa.BooleanArray) -> Flags:
    flags: Flags = found.to_numpy(zero_copy_only=False)
    return flags


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
