"""Read workbooks: each sheet a table of text, each row with its own number."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.errors import DataError
from analysis.ingest.readers.archives import Member
from analysis.ingest.readers.sparse_sheets import moved_together
from analysis.ingest.readers.staged_table import (
    BLANK,
    REPEATED,
    Staged,
    StagedFile,
    header_names,
    read_back,
    writing,
)

if TYPE_CHECKING:
    from analysis.ingest.mapping.file_mapping import FileSpec

#: Stands for the cells of a row that the reader cannot give; no cell can hold it.
IMPOSSIBLE = "\0 no time"


def stage_workbook(
    connection: Any, member: Member, spec: FileSpec, directory: Path
) -> list[Staged]:
    """Return the wanted sheets of a workbook as staged tables.

    Raises
    ------
    DataError
        If it is no workbook, lacks the sheet that the mapping names, or unpacks to too much.
    """
    workbook = open_workbook(member)
    wanted = _sheets(workbook.sheet_names, spec.sheet, member.label)
    staged = []
    for i, name in enumerate(wanted):
        label = f"{member.label}/{name}" if len(workbook.sheet_names) > 1 else member.label
        folder = directory / f"sheet{i}"
        folder.mkdir()
        staged.append(_sheet(connection, rows_of(workbook, name, label), label, spec, folder))
    return staged


def open_workbook(member: Member) -> Any:
    """Open the workbook; DataError if it cannot be one."""
    from python_calamine import CalamineError, CalamineWorkbook

    if member.inner or member.path.suffix.lower() == ".gz":
        raise DataError(f"{member.label}: a workbook is packed already; deliver it unpacked")
    closer = moved_together(member)
    try:
        if closer is not None:
            return CalamineWorkbook.from_filelike(closer)
        return CalamineWorkbook.from_path(member.path)
    except (CalamineError, OSError, ValueError) as error:
        raise DataError(f"{member.label} cannot be read as a workbook: {error}") from None


def _sheets(names: list[str], wanted: str, label: str) -> list[str]:
    if wanted == "first":
        return names[:1]
    if wanted == "all":
        return names
    if wanted not in names:
        raise DataError(f"{label} has no sheet {wanted!r}; it has {', '.join(names)}")
    return [wanted]


def rows_of(
    workbook: Any, name: str, label: str = "the workbook"
) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a sheet with their numbers, each cell as text; DataError if it is damaged.

    Parameters
    ----------
    workbook
        From ``open_workbook``.
    name
        The sheet.
    label
        What to call it in an error.
    """
    from python_calamine import CalamineError

    try:
        sheet = workbook.get_sheet_by_name(name)
        left = [""] * (sheet.start[1] if sheet.start else 0)
        rows, number = sheet.iter_rows(), 0
        while (row := _next(rows)) is not None:
            number += 1
            yield number, left + row
    except (CalamineError, OSError, ValueError) as error:
        raise DataError(f"{label} cannot be read as a workbook: {error}") from None


def _next(rows: Iterator[list[object]]) -> list[str] | None:
    """Return the next row as text, ``[IMPOSSIBLE]`` if a cell is beyond all times; None at the end.

    A number that a cell's format makes a time may lie beyond what any time can be; the reader
    gives up such a row and goes on with the next.
    """
    try:
        return [as_text(cell) for cell in next(rows)]
    except StopIteration:
        return None
    except OverflowError:
        return [IMPOSSIBLE]
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        return [IMPOSSIBLE]


def as_text(cell: object) -> str:
    """Return a cell as the text that a CSV export of it would hold."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    if isinstance(cell, date):
        return cell.isoformat()
    return "" if cell is None else str(cell)


def _sheet(
    connection: Any,
    rows: Iterator[tuple[int, list[str]]],
    label: str,
    spec: FileSpec,
    directory: Path,
) -> Staged:
    found = next((row for number, row in rows if number >= max(spec.header, 1)), None)
    if found is None:
        raise DataError(f"{label} is empty")
    while found and not found[-1].strip():
        found.pop()
    names = list(spec.names) or header_names(found)
    with writing(directory, len(names)) as file:
        if spec.header == 0:
            _take(file, 1, found, len(names))
        for number, row in rows:
            if spec.header and row[: len(found)] == found and not any(row[len(found) :]):
                file.put_aside(number, b"", rule=REPEATED)
            else:
                _take(file, number, row, len(names))
    columns = {name: f"c{i}" for i, name in enumerate(names)}
    return Staged(label, read_back(connection, file), columns)


def _take(file: StagedFile, number: int, row: list[str], width: int) -> None:
    text = ",".join(row).encode("utf-8", "replace")
    if row[-1:] == [IMPOSSIBLE]:
        file.put_aside(number, b"", reason="a cell holds a number that is no time")
    elif not any(cell.strip() for cell in row):
        file.put_aside(number, b"", rule=BLANK)
    elif any(cell.strip() for cell in row[width:]):
        file.put_aside(number, text, reason="a cell stands outside the header's columns")
    elif any("\0" in cell for cell in row):
        file.put_aside(number, text, reason="the line holds a NUL byte")
    else:
        file.record(number, row[:width] + [""] * (width - len(row)))
