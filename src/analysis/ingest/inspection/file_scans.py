"""Ask the engine of every row of a file, however large: one column at a time, in bounded memory."""

from __future__ import annotations

import glob
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from analysis.errors import DataError
from analysis.ingest.inspection.samples import sample_of
from analysis.ingest.inspection.sniff import Look
from analysis.ingest.inspection.value_forms import TIME, day_text
from analysis.ingest.readers import archives, encodings, excel
from analysis.ingest.readers.json_documents import is_document, numbered_lines
from analysis.ingest.readers.physical_lines import physical_lines
from analysis.tables.spilling import spill_path

MEMORY = "1GB"
#: Bytes that tell the encoding.
DETECTION = 1_000_000


def read_alike(looks: Sequence[Look]) -> list[list[Look]]:
    """Return the files in groups that the engine reads as one table, for `ask`."""
    groups: dict[object, list[Look]] = {}
    for each in looks:
        above = each.header_line + each.above
        layout = (each.kind, tuple(each.header), each.delimiter, above)
        groups.setdefault(layout, []).append(each)
    return list(groups.values())


def ask(
    looks: Sequence[Look], column: str, query: str, given: Sequence[object] = ()
) -> list[tuple[Any, ...]]:
    """Return what the engine answers to a query on a column of files.

    Parameters
    ----------
    looks
        A look at each file, all laid out alike and none a workbook.
    column
        Name of the column.
    query
        SQL in which ``{table}`` stands for the files and ``{value}`` for the column's text.
    given
        Values of its parameters.

    Raises
    ------
    DataError
        If the engine cannot read a file.
    """
    with (
        duckdb.connect(config={"temp_directory": str(spill_path())}) as connection,
        _as_table(looks) as (table, place),
    ):
        connection.execute(f"SET memory_limit = '{MEMORY}'; SET preserve_insertion_order = false")
        asked = query.format(table=table, value=f"trim({place(column)})")
        try:
            return connection.execute(asked, list(given)).fetchall()
        except duckdb.Error as error:
            first = str(error).strip().partition("\n")[0]
            several = f" and {len(looks) - 1} others like it" if len(looks) > 1 else ""
            name = looks[0].path.name + several
            raise DataError(f"{name} cannot be looked through: {first}") from None


def cells_of_workbook(found: Look, column: str) -> Iterator[str]:
    """Yield the cells of a column of a workbook that are filled, of all sheets that are read."""
    place = found.header.index(column)
    book = excel.open_workbook(archives.members(found.path, found.path.name)[0])
    names = book.sheet_names if found.sheet == "all" else book.sheet_names[:1]
    for name in names:
        for number, row in excel.rows_of(book, name):
            if number > found.header_line and place < len(row) and row[place].strip():
                yield row[place].strip()


def values_held(found: Look, column: str, values: set[str]) -> set[str]:
    """Return those of ``values`` that stand in a column of a file, in any of its rows."""
    if found.whole:
        return values & set(found.values(column))
    if found.kind == "excel":
        return values & set(cells_of_workbook(found, column))
    query = "SELECT DISTINCT {value} FROM {table} WHERE {value} IN (SELECT unnest(?))"
    return {value for (value,) in ask([found], column, query, [sorted(values)])}


@contextmanager
def _as_table(looks: Sequence[Look]) -> Iterator[tuple[str, Callable[[str], str]]]:
    """Yield the files as the engine's table function reads them, and how it calls a column."""
    found = looks[0]
    if found.kind == "parquet":
        paths = _list(each.path for each in looks)
        yield f"read_parquet({paths}, union_by_name = true)", _quoted_text
        return
    with TemporaryDirectory(prefix="look-") as folder:
        copies = (Path(folder) / f"copy_{number}" for number in itertools.count())
        paths = _list(_as_utf8(each, copy) for each, copy in zip(looks, copies, strict=False))
        if found.kind == "jsonl":
            yield f"read_ndjson_objects({paths}, ignore_errors = true) AS t(json)", _json_text
            return
        yield _csv_function(found, paths), lambda name: f"c{found.header.index(name)}"


def _list(paths: Iterable[Path]) -> str:
    """Return paths as the engine reads them: none is a pattern."""
    return "[" + ", ".join(_literal(glob.escape(str(path))) for path in paths) + "]"


def _csv_function(found: Look, paths: str) -> str:
    columns = ", ".join(f"c{i}: 'VARCHAR'" for i in range(len(found.header)))
    columns = "{" + columns + "}"
    above = found.header_line + found.above
    delimiter = " " if found.delimiter == "whitespace" else found.delimiter
    return (
        f"read_csv({paths}, auto_detect = false, header = false, skip = {above}, "
        f"delim = {_literal(delimiter)}, quote = '\"', escape = '\"', columns = {columns}, "
        "ignore_errors = true, strict_mode = false)"
    )


def _quoted_text(name: str) -> str:
    return 'CAST("' + name.replace('"', '""') + '" AS VARCHAR)'


def _json_text(name: str) -> str:
    paths = {'$."' + "".join(part).replace('"', '\\"') + '"' for part in ([name],)}
    paths |= {"$" + "".join(f'."{part}"' for part in name.replace('"', '\\"').split("."))}
    read = ", ".join(f"json_extract_string(json, {_literal(path)})" for path in sorted(paths))
    return f"coalesce({read})"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _as_utf8(found: Look, copy: Path) -> Path:
    """Return the file, or write a copy that the engine reads: unpacked, UTF-8, one blank between.

    Of an archive with several files, the copy holds the records of all.
    """
    members = archives.members(found.path, found.path.name)
    packed = members[0].inner is not None or found.path.suffix.lower() == ".gz"
    encoding = sample_of(members[0], DETECTION).encoding
    blanks = found.delimiter == "whitespace"
    document = found.kind == "jsonl" and (
        found.each or is_document(sample_of(members[0], DETECTION).pieces[0])
    )
    if not packed and not blanks and not document and encoding.name in {"utf-8", "ascii"}:
        return found.path
    with copy.open("wb") as out:
        if document:
            for member in members:
                text = encodings.as_utf8(member.chunks(), encoding)
                out.writelines(line + b"\n" for _, line in numbered_lines(text, found.each))
            return copy
        for number, member in enumerate(members):
            how = sample_of(member, DETECTION).encoding
            above = found.header_line + found.above if number else 0
            for block in physical_lines(encodings.as_utf8(member.chunks(), how)):
                kept = block.after(min(above, len(block))) if above else block
                above -= len(block) - len(kept)
                joined = (b" ".join(line.split()) + b"\n" for line in kept.lines())
                out.write(b"".join(joined) if blanks else kept.text)
    return copy


#: More different days than a shop has: the column holds something else.
MOST = 10_000
QUERY = f"""
    SELECT regexp_replace({{value}}, '{TIME.replace("{", "{{").replace("}", "}}")}', '') AS day,
        count(*)
    FROM {{table}} WHERE {{value}} <> '' GROUP BY day
"""


def day_counts(looks: Sequence[Look], column: str) -> Counter[str]:
    """Return the days in a column, as written but without their time, and the rows of each.

    Parameters
    ----------
    looks
        A look at each file; those without the column are left out.
    column
        Name of the column.
    """
    counts: Counter[str] = Counter()
    larger = []
    for found in (each for each in looks if column in each.header):
        shown = _of_texts(found.values(column))
        if found.whole or len(shown) > MOST:  # no days, whatever else stands there
            counts.update(shown)
        elif found.kind == "excel":
            counts.update(_of_texts(cells_of_workbook(found, column)))
        else:
            larger.append(found)
    for alike in read_alike(larger):
        counts.update(dict(ask(alike, column, QUERY)))
    return counts


def _of_texts(values: Iterable[str]) -> Counter[str]:
    return Counter(day_text(value) for value in values)
