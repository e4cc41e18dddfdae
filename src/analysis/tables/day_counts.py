"""How many rows of a file each day has: every row is counted, however large the file.

The engine cuts the time off each value, so that a file of gigabytes becomes a few thousand days.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from analysis.errors import DataError
from analysis.tables.first_look import Look
from analysis.tables.guesses import TIME, day_text
from analysis.tables.samples import sample_of
from analysis.tables.sources import archives, encodings, excel
from analysis.tables.sources.lines import physical_lines

#: More different days than a shop has: the column holds something else.
MOST = 10_000
MEMORY = "1GB"
#: Bytes that tell the encoding.
_DETECTION = 1_000_000


def day_counts(found: Look, column: str) -> Counter[str]:
    """Return the days in a column, as written but without their time, and the rows of each.

    Parameters
    ----------
    found
        A look at the file.
    column
        Name of the column.
    """
    shown = _of_texts(found.values(column))
    if found.whole or len(shown) > MOST:  # no days, whatever else stands there
        return shown
    if found.kind == "excel":
        return _of_texts(_of_workbook(found, column))
    with _as_table(found) as (table, place):
        return _counted(table, place(column), found.path.name)


def _of_texts(values: Iterable[str]) -> Counter[str]:
    return Counter(day_text(value) for value in values)


def _of_workbook(found: Look, column: str) -> Iterator[str]:
    place = found.header.index(column)
    book = excel.open_workbook(archives.members(found.path, found.path.name)[0])
    for number, row in excel.rows_of(book, book.sheet_names[0]):
        if number > found.header_line and place < len(row) and row[place].strip():
            yield row[place].strip()


def _counted(table: str, column: str, label: str) -> Counter[str]:
    import duckdb

    pattern = TIME.replace("'", "''")
    query = f"""
        SELECT regexp_replace(trim({column}), '{pattern}', '') AS day, count(*)
        FROM {table} WHERE trim({column}) <> '' GROUP BY day
    """
    with TemporaryDirectory(prefix="look-") as folder, duckdb.connect() as connection:
        connection.execute(f"SET temp_directory = {_literal(folder)}")
        connection.execute(f"SET memory_limit = '{MEMORY}'; SET preserve_insertion_order = false")
        try:
            return Counter(dict(connection.execute(query).fetchall()))
        except duckdb.Error as error:
            first = str(error).strip().partition("\n")[0]
            raise DataError(f"{label}: its days cannot be counted: {first}") from None


@contextmanager
def _as_table(found: Look) -> Iterator[tuple[str, Any]]:
    """Yield the file as the engine's table function reads it, and how a column is called there."""
    if found.kind == "parquet":
        yield f"read_parquet({_literal(str(found.path))})", _quoted_text
        return
    with TemporaryDirectory(prefix="look-") as folder:
        path = _literal(str(_as_utf8(found, Path(folder))))
        if found.kind == "jsonl":
            yield f"read_ndjson_objects({path}, ignore_errors = true) AS t(json)", _json_text
            return
        yield _csv_function(found, path), _by_place(found)


def _csv_function(found: Look, path: str) -> str:
    columns = ", ".join(f"c{i}: 'VARCHAR'" for i in range(len(found.header)))
    columns = "{" + columns + "}"
    delimiter = " " if found.delimiter == "whitespace" else found.delimiter
    return (
        f"read_csv({path}, auto_detect = false, header = false, skip = {found.header_line}, "
        f"delim = {_literal(delimiter)}, quote = '\"', escape = '\"', columns = {columns}, "
        "ignore_errors = true, strict_mode = false)"
    )


def _by_place(found: Look) -> Any:
    return lambda name: f"c{found.header.index(name)}"


def _quoted_text(name: str) -> str:
    return 'CAST("' + name.replace('"', '""') + '" AS VARCHAR)'


def _json_text(name: str) -> str:
    path = '$."' + name.replace('"', '\\"') + '"'
    return f"json_extract_string(json, {_literal(path)})"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _as_utf8(found: Look, folder: Path) -> Path:
    """Return the file, or a copy that the engine reads: unpacked, UTF-8, one blank between."""
    member = archives.members(found.path, found.path.name)[0]
    packed = member.inner is not None or member.path.suffix.lower() == ".gz"
    encoding = sample_of(member, _DETECTION).encoding
    blanks = found.delimiter == "whitespace"
    if not packed and not blanks and encoding.name in {"utf-8", "ascii"}:
        return found.path
    copy = folder / "copy"
    with copy.open("wb") as out:
        for block in physical_lines(encodings.as_utf8(member.chunks(), encoding)):
            if not blanks:
                out.write(block.text)
                continue
            out.writelines(b" ".join(line.split()) + b"\n" for line in block.lines())
    return copy
