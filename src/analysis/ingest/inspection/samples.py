"""Take a sample of a text file: its head, pieces from all over it, its tail; never all of a giant.

What the sample holds is cut into records as ingest cuts them, so that both see the same rows.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.ingest.readers import encodings
from analysis.ingest.readers.archives import CHUNK, Member
from analysis.ingest.readers.delimited import Cutter, Dialect
from analysis.ingest.readers.physical_lines import MAXIMUM_LENGTH, physical_lines

#: Pieces between head and tail, at most.
PIECES = 24
#: Bytes of a piece, and of a packed file, that are read at once at least.
SMALLEST = 4_096


@dataclass(frozen=True)
class Sample:
    """Pieces of a text as UTF-8, each of whole lines that end with a line break.

    Parameters
    ----------
    pieces
        The head first.
    encoding
        How the file is written.
    whole
        The head is all of the file.
    """

    pieces: list[bytes]
    encoding: encodings.Encoding
    whole: bool

    def head_lines(self) -> list[bytes]:
        """Return the first lines."""
        return self.pieces[0].split(b"\n")[:-1] if self.pieces else []


@dataclass(frozen=True)
class _Pieces(Member):
    """Some bytes of a file in place of all, for what asks for a file's bytes."""

    raw: tuple[bytes, ...] = ()

    def chunks(self, size: int = CHUNK) -> Iterator[bytes]:
        """Yield the bytes of the sample."""
        for piece in self.raw:
            yield from (piece[at : at + size] for at in range(0, len(piece), size))


def sample_of(member: Member, budget: int) -> Sample:
    """Return a sample of about ``budget`` bytes."""
    raw, whole = _raw_pieces(member, budget)
    encoding = encodings.detect(
        _Pieces(member.label, member.suffix, member.path, member.inner, tuple(raw)), "auto"
    )
    if encoding.name.startswith(("utf-16", "utf-32")):  # pieces would begin within a character
        raw = raw[:1]
    pieces = []
    for place, piece in enumerate(raw):
        how = encoding if place == 0 else replace(encoding, mark=0)
        pieces.append(b"".join(b.text for b in physical_lines(encodings.as_utf8([piece], how))))
    return Sample(pieces, encoding, whole)


def _raw_pieces(member: Member, budget: int) -> tuple[list[bytes], bool]:
    packed = member.inner is not None or member.path.suffix.lower() == ".gz"
    return _streamed(member, budget) if packed else _sought(member, budget)


def _sought(member: Member, budget: int) -> tuple[list[bytes], bool]:
    """Return head, pieces and tail of a file by going to their places."""
    size = member.path.stat().st_size
    with member.path.open("rb") as file:
        if size <= budget:
            return [file.read()], True
        head = _to_a_line(file.read(budget // 3))
        pieces = max(1, min(PIECES, budget // 2 // SMALLEST))
        length = budget // 2 // pieces
        gap = (size - len(head)) // (pieces + 1)
        found = [head]
        for piece in range(pieces):
            file.seek(len(head) + piece * gap)
            found.append(_to_a_line(_from_a_line(file.read(length))))
        file.seek(max(len(head), size - budget // 6))
        return [*found, _from_a_line(file.read())], False


def _from_a_line(piece: bytes) -> bytes:
    """Return a piece from its second line on: it may begin within a character."""
    return piece[piece.find(b"\n") + 1 :]


def _to_a_line(piece: bytes) -> bytes:
    """Return a piece without the line that it ends in; all of it if it has no line break."""
    return piece[: piece.rfind(b"\n") + 1] or piece


def _streamed(member: Member, budget: int) -> tuple[list[bytes], bool]:
    """Return head and pieces of a packed file, which can only be read from its start."""
    head, rest, step = b"", [], 1
    for number, chunk in enumerate(member.chunks(min(CHUNK, max(budget // 3, SMALLEST)))):
        if len(head) < budget // 3:
            head += chunk
        elif number % step == 0:
            rest.append(_to_a_line(_from_a_line(chunk[: budget // 2 // PIECES])))
            if len(rest) > 2 * PIECES:
                rest, step = rest[::2], 2 * step
    return [_to_a_line(head) if rest else head, *rest], not rest


class _Collected:
    """Takes records in place of the file that ingest stages them in."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = []

    def records(self, text: bytes, _: NDArray[np.int64], separator: str) -> None:
        """Take lines that are records beyond doubt."""
        lines = text.decode("utf-8", "replace").split("\n")[:-1]
        csv.field_size_limit(MAXIMUM_LENGTH)
        self.rows += csv.reader(lines, delimiter=separator)

    def record(self, _: int, fields: list[str]) -> None:
        """Take one record that is cut already."""
        self.rows.append(fields)

    def put_aside(self, *_: object, **__: str) -> None:
        """Leave out what is no record."""


def records_of(text: bytes, delimiter: str, width: int) -> list[list[str]]:
    """Return the records of ``width`` cells in a text of whole lines; others are left out."""
    collected: Any = _Collected()
    cutter = Cutter(Dialect(delimiter, width), collected, 1)
    for block in physical_lines([text]):
        cutter.feed(block)
    cutter.finish()
    rows: list[list[str]] = collected.rows
    return rows
