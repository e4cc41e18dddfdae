"""Ask the engine of every row of a file, however large: one column at a time, in bounded memory.

The files are read as ingest reads them. The engine's own reader of delimited text would lose every
row from a quote that nothing closes to the next, and the days in them, without a word.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import ibis

from analysis.ingest.inspection.sniff import Look
from analysis.ingest.inspection.value_forms import TIME, day_text
from analysis.ingest.mapping.file_mapping import FileSpec
from analysis.ingest.mapping.values import as_text
from analysis.ingest.readers import archives
from analysis.ingest.readers.stage import stage
from analysis.tables import engine

MEMORY = "1GB"
#: More different days than a shop has: the column holds something else.
MOST = 10_000


@contextmanager
def _column_of(looks: Sequence[Look], column: str) -> Iterator[ibis.Column]:
    """Yield what stands in a column of files, without blanks around it."""
    connection = engine.connect(engine.EngineSettings(memory=MEMORY))
    try:
        with TemporaryDirectory(prefix="look-") as folder:
            parts: list[ibis.Table] = []
            for each in looks:
                spec = _as_described(each)
                for member in archives.members(each.path, each.path.name):
                    place = Path(folder) / str(len(parts))
                    for staged in stage(connection, member, spec, place, (column,)):
                        text = as_text(staged.column(column, spec))
                        parts.append(staged.rows.select(text.strip().nullif("").name("value")))
            yield ibis.union(*parts)["value"] if parts[1:] else parts[0]["value"]
    finally:
        connection.disconnect()


def _as_described(found: Look) -> FileSpec:
    """Return how a mapping would describe a file."""
    described = {
        "format": found.kind,
        "encoding": found.encoding or "auto",
        "delimiter": found.delimiter or "auto",
        "header": found.header_line,
        "names": () if found.header_line else found.header,
        "sheet": found.sheet or "first",
        "each": found.each,
    }
    return FileSpec.model_validate({"paths": "*", **described})


def values_held(found: Look, column: str, values: set[str]) -> set[str]:
    """Return those of ``values`` that stand in a column of a file, in any of its rows."""
    if found.whole:
        return values & set(found.values(column))
    with _column_of([found], column) as value:
        held = value.as_table().distinct().filter(lambda t: t["value"].isin(sorted(values)))
        return set(held.to_pyarrow()["value"].to_pylist())


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
        else:
            larger.append(found)
    if larger:
        with _column_of(larger, column) as value:
            day = value.re_replace(TIME, "").name("day")
            for row in day.value_counts(name="rows").to_pyarrow().to_pylist():
                counts[row["day"]] += row["rows"] if row["day"] else 0
    return +counts


def _of_texts(values: Iterable[str]) -> Counter[str]:
    return Counter(day_text(value) for value in values)
