"""One delivered table in the engine, as text, its columns found by the names of its header.

The file that a delivered table is staged in: Parquet of text, every row with its line number.

It has the columns ``_line`` (line, row or record number in the file), ``_reason`` (why the row is
no record), ``_rule`` (the rule that drops it), ``_text`` (a broken row as it stands) and ``c0``,
``c1`` and so on. Records that are beyond doubt are parsed and written by a thread of their own
while the next ones are cut.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyarrow import csv

from analysis.errors import DataError
from analysis.ingest.mapping.file_mapping import FileSpec
from analysis.ingest.part_writer import view_name

if TYPE_CHECKING:
    from analysis.ingest.mapping.decimal_marks import Mark


@dataclass(frozen=True)
class Looked:
    """A kind of file that columns are looked up in.

    Parameters
    ----------
    match
        This file's column.
    rows
        ``key`` and ``l0``, ``l1`` and so on, one row a key.
    columns
        Names in the mapping, such as ``orders.Created_Time``, to columns of ``rows``.
    """

    match: str
    rows: ibis.Table
    columns: dict[str, str]


@dataclass(frozen=True)
class Staged:
    """One delivered table in the engine.

    Parameters
    ----------
    label
        Name of the file, or of the file and the sheet or member within it.
    rows
        The staged table, in the engine.
    columns
        Header to staged column.
    odd_spaces
        Some value may hold blanks other than the space.
    notes
        Sentences about how it was read.
    """

    label: str
    rows: ibis.Table
    columns: dict[str, str]
    odd_spaces: bool = True
    notes: tuple[str, ...] = ()
    #: How each column's numbers are written; None: not looked at yet.
    marks: dict[str, Mark] | None = None
    lookups: dict[str, Looked] = field(default_factory=dict)

    def column(self, name: str, spec: FileSpec) -> ibis.Value:
        """Return the column with the header ``name``, or one of its aliases, as text or typed.

        Raises
        ------
        DataError
            If the header has no such name and ``spec`` does not say that it may lack it.
        """
        for wanted in (name, *spec.aliases.get(name, ())):
            alike = [n for n in self.columns if n == wanted] or [
                n for n in self.columns if plain_header(n) == plain_header(wanted)
            ]
            if len(alike) == 1:
                return self.rows[self.columns[alike[0]]]
        if name in spec.may_lack:
            return ibis.null("string")
        raise DataError(
            f"{self.label} has no column {name!r}; its header has {', '.join(self.columns)}"
        )


def header_names(given: list[str]) -> list[str]:
    """Return unique, non-empty names: a repeated name becomes ``Name (1)``, ``Name (2)``."""
    named = [n.strip().strip("\ufeff").strip() or f"column {i}" for i, n in enumerate(given, 1)]
    total, seen, unique = Counter(named), Counter[str](), []
    for name in named:
        seen[name] += 1
        unique.append(f"{name} ({seen[name]})" if total[name] > 1 else name)
    return unique


def plain_header(name: str) -> str:
    """Return a header without regard to case, blanks and underscores."""
    return " ".join(name.casefold().replace("_", " ").split())


LINE, REASON, RULE, TEXT = "_line", "_reason", "_rule", "_text"

BLANK = "blank line"

REPEATED = "header repeated"

KEPT_OF_BROKEN = 2_000

ROWS_AT_ONCE = 50_000

#: Blocks that may wait to be written: more would only fill the memory.
WAITING = 2


@dataclass
class Outcome:
    """What became of the lines: numbers of records, broken and blank lines."""

    records: int = 0
    broken: int = 0
    blank: int = 0

    @property
    def rows(self) -> int:
        """Return how many rows that makes."""
        return self.records + self.broken + self.blank


class StagedFile:
    """Takes the rows of one delivered table; ``writing`` opens it."""

    def __init__(self, path: Path, width: int) -> None:
        self.path, self.outcome = path, Outcome()
        self._names = [f"c{i}" for i in range(width)]
        text = [(name, pa.string()) for name in (REASON, RULE, TEXT, *self._names)]
        self._schema = pa.schema([(LINE, pa.int64()), *text])
        self._file = pq.ParquetWriter(
            path, self._schema, compression="snappy", write_statistics=False
        )
        self._rows: list[tuple[Any, ...]] = []
        self._writer = ThreadPoolExecutor(max_workers=1)
        self._waiting: deque[Future[None]] = deque()

    def records(self, text: bytes, numbers: NDArray[np.int64], separator: str) -> None:
        """Take lines that are records beyond doubt, with their line numbers."""
        if len(numbers):
            self._soon(self._parse_and_write, text, numbers, separator)
            self.outcome.records += len(numbers)

    def record(self, line: int, fields: list[str]) -> None:
        """Take one record that is cut already, such as a row of a workbook."""
        self._take((line, None, None, None, *fields))
        self.outcome.records += 1

    def put_aside(self, line: int, text: bytes, *, reason: str = "", rule: str = "") -> None:
        """Take one line that is no record: broken for ``reason``, or dropped by ``rule``."""
        shown = text[:KEPT_OF_BROKEN].decode("utf-8", "replace").replace("\0", "\ufffd")
        self._take((line, reason or None, rule or None, shown, *(None for _ in self._names)))
        if rule:
            self.outcome.blank += 1
        else:
            self.outcome.broken += 1

    def close(self) -> None:
        """Write what is left."""
        self._flush()
        while self._waiting:
            self._waiting.popleft().result()
        self._file.close()

    def abandon(self) -> None:
        """Let the thread end, whatever happened."""
        self._writer.shutdown(cancel_futures=True)

    def _take(self, row: tuple[Any, ...]) -> None:
        self._rows.append(row)
        if len(self._rows) >= ROWS_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            columns = zip(*self._rows, strict=True)
            kinds = (field.type for field in self._schema)
            arrays = [pa.array(c, k) for c, k in zip(columns, kinds, strict=True)]
            self._rows = []
            self._soon(self._file.write_table, pa.table(arrays, schema=self._schema))

    def _soon(self, work: Any, *given: Any) -> None:
        if len(self._waiting) >= WAITING:
            self._waiting.popleft().result()
        self._waiting.append(self._writer.submit(work, *given))

    def _parse_and_write(self, text: bytes, numbers: NDArray[np.int64], separator: str) -> None:
        parsed = _parsed(text, self._names, separator)
        if len(parsed) != len(numbers):
            raise DataError(
                f"{len(numbers):,} rows were cut but {len(parsed):,} were read; nothing was "
                "published"
            )
        nothing = pa.nulls(len(numbers), pa.string())
        columns = [pa.array(numbers), nothing, nothing, nothing, *parsed.columns]
        self._file.write_table(pa.table(columns, schema=self._schema))


def _parsed(text: bytes, names: list[str], separator: str) -> pa.Table:
    """Return strict records as a table of text; what is empty stays an empty text."""
    return csv.read_csv(
        pa.BufferReader(text),
        csv.ReadOptions(column_names=names, use_threads=False, block_size=len(text) + 1),
        csv.ParseOptions(delimiter=separator, ignore_empty_lines=False),
        csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            strings_can_be_null=False,
            check_utf8=False,  # every line was checked when it was cut
        ),
    )


@contextmanager
def writing(directory: Path, width: int) -> Iterator[StagedFile]:
    """Open the file that rows of ``width`` fields are staged in."""
    file = StagedFile(directory / "staged.parquet", width)
    try:
        yield file
        file.close()
    finally:
        file.abandon()


def read_back(connection: Any, file: StagedFile) -> ibis.Table:
    """Return the staged table; DataError if the engine counts otherwise."""
    staged = connection.read_parquet(file.path, table_name=view_name(file.path))
    counted = int(staged.count().to_pandas())
    if counted != file.outcome.rows:
        raise DataError(
            f"{file.outcome.rows:,} rows were cut but the engine read {counted:,}; nothing was "
            "published"
        )
    return staged
