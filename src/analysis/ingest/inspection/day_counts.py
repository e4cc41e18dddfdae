"""How many rows of a file each day has: every row is counted, however large the file.

The engine cuts the time off each value, so that a file of gigabytes becomes a few thousand days.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from analysis.ingest.inspection.file_scans import ask, cells_of_workbook
from analysis.ingest.inspection.sniff import Look
from analysis.ingest.inspection.value_forms import TIME, day_text

#: More different days than a shop has: the column holds something else.
MOST = 10_000
QUERY = f"""
    SELECT regexp_replace({{value}}, '{TIME.replace("{", "{{").replace("}", "}}")}', '') AS day,
        count(*)
    FROM {{table}} WHERE {{value}} <> '' GROUP BY day
"""


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
        return _of_texts(cells_of_workbook(found, column))
    return Counter(dict(ask(found, column, QUERY)))


def _of_texts(values: Iterable[str]) -> Counter[str]:
    return Counter(day_text(value) for value in values)
