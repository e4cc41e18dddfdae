"""How many rows of a file each day has: every row is counted, however large the file.

The engine cuts the time off each value, so that a file of gigabytes becomes a few thousand days.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from analysis.ingest.inspection.file_scans import ask, cells_of_workbook, read_alike
from analysis.ingest.inspection.sniff import Look
from analysis.ingest.inspection.value_forms import TIME, day_text

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
