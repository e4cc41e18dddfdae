"""Queries compiled once for many files of one form.

To compile an expression takes longer than to run it on a small file, and the files of one form
differ in nothing but where they lie. Read under a name that the next file takes over, they give
equal expressions, whose SQL is kept.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

import ibis

#: Begins the name of the folder that a part is made in.
STAGING = ".staging-"
#: Queries kept; a study has some twenty a form of file.
KEPT = 500


def view_name(path: Path) -> str | None:
    """Return the name that a file of a part in the making is read under; None for any other file.

    It is the file's place within the part, and thus the same for the next part.
    """
    for depth, folder in enumerate(reversed(path.parts)):
        if folder.startswith(STAGING):
            key = folder.removeprefix(STAGING)
            return "part/" + "/".join(path.parts[len(path.parts) - depth :]).replace(key, "")
    return None


class CompiledQueries:
    """Writes expressions as Parquet through one DuckDB connection.

    Parameters
    ----------
    connection
        DuckDB through Ibis.
    """

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self._sql: OrderedDict[Any, str] = OrderedDict()

    def write(self, rows: ibis.Table, path: Path, compression: str) -> None:
        """Write ``rows`` to the Parquet file ``path``."""
        goal = str(path).replace("'", "''")
        form = f"FORMAT PARQUET, COMPRESSION {compression}"
        self.connection.raw_sql(f"COPY ({self._compiled(rows)}) TO '{goal}' ({form})")

    def fetch(self, rows: ibis.Table) -> list[dict[str, Any]]:
        """Return a few rows, each with its values by name."""
        found = self.connection.raw_sql(self._compiled(rows)).fetchall()
        return [dict(zip(rows.columns, row, strict=True)) for row in found]

    def _compiled(self, rows: ibis.Table) -> str:
        key = rows.op()
        if key not in self._sql:
            self._sql[key] = self.connection.compile(rows)
            if len(self._sql) > KEPT:
                self._sql.popitem(last=False)
        return self._sql[key]
