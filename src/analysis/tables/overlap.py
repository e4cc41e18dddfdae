"""Files that overlap: a later export holds orders again that an earlier one held already.

Where the mapping says ``overlap: order_id``, the latest file that holds an order says all of it,
so that lines added, changed and removed since are right. Where it does not, orders that stand in
several files are counted and said, for they may count twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ibis

    from analysis.tables.parts import FeedRecord

#: What tells orders apart, where the mapping names nothing.
USUAL = {"order_lines": "order_id"}
#: Folder of a part with the values that a file holds, those of rows left out by a rule as well.
HELD = "held"
VALUE, FILE = "_value", "_file"


@dataclass(frozen=True)
class Held:
    """What one feed of a table holds.

    Parameters
    ----------
    feed
        Its record.
    source
        Which source of the study it comes from: only files of one source overlap.
    file
        Number of its file, or sheet, in the order in which a later one replaces an earlier.
    values, rows
        Parquet files with the values held, where the mapping says ``overlap``; with its rows.
    """

    feed: FeedRecord
    source: int
    file: int
    values: list[str]
    rows: list[str]


@dataclass(frozen=True)
class Overlap:
    """What of a table's files is said anew by later ones.

    Parameters
    ----------
    column
        The column whose values stand in several files.
    outdated
        ``_value`` and ``_file``: values that a later file holds again; None if there are none.
    notes
        Sentences about overlaps that nobody settled.
    """

    column: str = ""
    outdated: ibis.Table | None = None
    notes: list[str] = field(default_factory=list)

    def without_outdated(self, rows: ibis.Table, file: int) -> ibis.Table:
        """Return the rows of ``file`` that no later file says anew."""
        if self.outdated is None:
            return rows
        old = self.outdated.filter(self.outdated[FILE] == file)
        return rows.anti_join(old, rows[self.column] == old[VALUE])


def find_overlap(connection: Any, table: str, feeds: Sequence[Held]) -> Overlap:
    """Return what of the ``feeds`` of ``table`` a later file says anew.

    Parameters
    ----------
    connection
        DuckDB through Ibis.
    table
        Canonical table without a key.
    feeds
        All that the study has of it.
    """
    column = next((held.feed.overlap for held in feeds if held.feed.overlap), "")
    usual = USUAL.get(table, "")
    stated = [(held, held.values, VALUE) for held in feeds if held.values]
    others = [(h, h.rows, usual) for h in feeds if usual and not h.values and h.feed.entry.accepted]
    outdated = _outdated(connection, f"outdated_{table}", stated)
    doubtful = _outdated(connection, f"doubtful_{table}", others)
    return Overlap(column, outdated, _notes(doubtful, usual, table))


def _outdated(
    connection: Any, name: str, feeds: list[tuple[Held, list[str], str]]
) -> ibis.Table | None:
    """Return the values that a later file of the same source holds again, by file."""
    import ibis

    if len({held.file for held, _, _ in feeds}) < 2:
        return None
    values = []
    for held, paths, column in feeds:
        rows = connection.read_parquet(paths, hive_partitioning=False)
        marks = {FILE: held.file, "_source": held.source}
        found = rows.select(**{VALUE: rows[column].cast("string")}).distinct()
        values.append(found.mutate(**{n: ibis.literal(v, "int64") for n, v in marks.items()}))
    all_values = ibis.union(*values, distinct=True)
    last = all_values[FILE].max().over(group_by=[VALUE, "_source"])
    several = all_values.mutate(_last=last)
    several = several.filter(several[FILE] < several["_last"]).select(VALUE, FILE)
    kept = connection.create_table(name, several, temp=True, overwrite=True)
    return kept if int(kept.count().to_pandas()) else None


def _notes(doubtful: ibis.Table | None, column: str, table: str) -> list[str]:
    if doubtful is None:
        return []
    values = int(doubtful[VALUE].nunique().to_pandas())
    return [
        f"{values:,} values of {column} stand in more than one file, so their {table} may "
        f"count twice; if the files overlap, say overlap: {column} in the mapping."
    ]
