"""Files that overlap: a later export holds orders again that an earlier one held already.

Where the mapping says ``overlap: order_id``, the latest file that holds an order says all of it,
so that lines added, changed and removed since are right. That holds only if they are the same
orders: numbers that restart each day, month or store name others, which would be lost. So the time,
the customer and the store of both are compared, and files whose numbers restart are refused.
Where the mapping does not say so, orders that stand in several files are counted and said, for they
may count twice.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from analysis.errors import DataError

if TYPE_CHECKING:
    import ibis

    from analysis.tables.parts import FeedRecord

#: What tells orders apart, where the mapping names nothing.
USUAL = {"order_lines": "order_id"}
#: Folder of a part with the values that a file holds, those of rows left out by a rule as well.
HELD = "held"
VALUE, FILE = "_value", "_file"
#: What an order and its later version have in common, by the column it is taken from.
MARKS = {"_time": "ordered_at", "_customer": "customer_id", "_store": "store_id"}
#: Share of the values in several files above which other orders under old numbers are refused.
RESTARTED = 0.1


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
    notes = _restarted(connection, column, stated)
    outdated = _outdated(connection, f"outdated_{table}", stated)
    doubtful = _outdated(connection, f"doubtful_{table}", others)
    return Overlap(column, outdated, [*notes, *_notes(doubtful, usual, table)])


def _restarted(connection: Any, column: str, feeds: list[tuple[Held, list[str], str]]) -> list[str]:
    """Return a sentence about orders that are others under an old number.

    Raises
    ------
    DataError
        If they are so many that the numbers must restart.
    """
    import ibis

    if len({held.file for held, _, _ in feeds}) < 2:
        return []
    held_rows = [
        connection.read_parquet(paths, hive_partitioning=False).mutate(
            _file=ibis.literal(held.file, "int64"), _source=ibis.literal(held.source, "int64")
        )
        for held, paths, _ in feeds
    ]
    rows = ibis.union(*held_rows)
    marks = {mark: rows[mark].min() for mark in MARKS}
    once = rows.group_by(VALUE, "_source", "_file").agg(**marks)
    earlier = {
        f"{mark}_before": once[mark].lag().over(group_by=[VALUE, "_source"], order_by=FILE)
        for mark in (*MARKS, FILE)
    }
    pairs = once.mutate(**earlier)
    pairs = pairs.filter(pairs[f"{FILE}_before"].notnull())
    differs = [(pairs[m] != pairs[f"{m}_before"]).fill_null(False) for m in MARKS]
    others = pairs.filter(functools.reduce(operator.or_, differs))
    n = int(pairs.count().to_pandas())
    found = others.order_by([FILE, VALUE]).limit(1).to_pyarrow().to_pylist()
    if not found:
        return []
    restarted = int(others.count().to_pandas())
    labels = {held.file: held.feed.label for held, _, _ in feeds}
    if restarted > max(1, RESTARTED * n):
        raise DataError(_refusal(column, found[0], labels, restarted, n))
    return [
        f"{restarted:,} of {n:,} values of {column} that stand in a later file again have another "
        "time, customer or store there; the later file counts."
    ]


def _refusal(
    column: str, example: dict[str, Any], labels: dict[int, str], restarted: int, n: int
) -> str:
    """Return why files whose order numbers restart are refused, and how to mend it."""
    first, second = (
        f"{labels[example[FILE + when]]} ({example['_time' + when] or 'no time'})"
        for when in ("_before", "")
    )
    return (
        f"{column} {example[VALUE]} stands in {first} and as another order in {second}: "
        f"{restarted:,} of the {n:,} numbers that stand in several files name another order there, "
        f"so they restart, and overlap: {column} would lose the earlier ones. Let the month or the "
        f'store join the key, as {column}: {{join: [Store, Receipt], between: "-"}}; a month is '
        "{column: Date, extract: '^\\d{4}-\\d{2}'}"
    )


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
