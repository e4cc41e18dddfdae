"""One delivered file becomes one part, once; a study's tables are the sum of its parts.

A part depends on nothing but the file, the mapping and the code that reads it, and is kept under
the hash of these three. So a new day's file costs that file alone, a withdrawn file is a part left
out, and tables built up day by day equal those built at once, byte for byte.

One row a key from the rows of many files: which counts, and what became of the others.

Within a source the latest file wins, between sources the one that the mapping names first, column
by column.

Files that overlap: a later export holds orders again that an earlier one held already.

Where the mapping says ``overlap: order_id``, the latest file that holds an order says all of it,
so that lines added, changed and removed since are right. That holds only if they are the same
orders: numbers that restart each day, month or store name others, which would be lost. So the time,
the customer and the store of both are compared, and files whose numbers restart are refused.
Where the mapping does not say so, orders that stand in several files are counted and said, for they
may count twice.
"""

from __future__ import annotations

import functools
import json
import operator
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import ibis

from analysis.errors import DataError
from analysis.tables.manifest import UNREADABLE, LedgerEntry, write_checksums

#: Tables that are stored by month, with their time and the order of rows within a month.
BY_MONTH = {
    "order_lines": ("ordered_at", ["ordered_at", "order_id", "product_id"]),
    "page_views": ("viewed_at", ["viewed_at", "session_id"]),
}

#: Ranks of a source begin at a multiple of this.
RANKS_A_SOURCE = 1_000


@dataclass(frozen=True)
class Delivery:
    """A delivered file: where it is, what it is for, and what identifies its content.

    Parameters
    ----------
    name
        Path within its source's folder, with the source's name in front where there are several.
    origin
        Key of ``files`` in the mapping.
    source
        Name of the source in the study.
    path
        The file.
    """

    name: str
    origin: str
    source: str
    path: Path


@dataclass(frozen=True)
class PartFeed:
    """Rows of a delivery on their way into one canonical table.

    Parameters
    ----------
    table, label
        Canonical table; name of the file, sheet or member they come from.
    rank
        Place of the mapping's table entry: of two sources of one customer, the lower rank wins.
    rows
        As ``sources.rows.canonical_rows`` returns them.
    source_text
        ``_line`` and ``source_row``, the row as the file has it.
    once_per_key
        One row is made of the many that share a key.
    overlap
        Column of which the latest file that holds a value says all rows; empty for none.
    """

    table: str
    label: str
    rank: int
    rows: ibis.Table
    source_text: ibis.Table
    once_per_key: bool = False
    overlap: str = ""


@dataclass(frozen=True)
class FeedRecord:
    """What a part holds of one feed: its files, relative to the part, and its account of rows."""

    table: str
    label: str
    rank: int
    entry: LedgerEntry
    files: tuple[str, ...]
    overlap: str = ""


@dataclass(frozen=True)
class Part:
    """A part on disk.

    Parameters
    ----------
    key
        Hash of all that it depends on.
    directory
        Where it is.
    delivery
        Name of the file it was made from.
    feeds
        What it holds.
    notes
        Sentences about how the file was read.
    secret
        Label of the secret that its pseudonyms were made with. It is no part of ``key``, so that
        two projects that read the same file name its part alike.
    """

    key: str
    directory: Path
    delivery: str
    feeds: tuple[FeedRecord, ...]
    notes: tuple[str, ...] = field(default=())
    secret: str = ""

    def write(self) -> None:
        """Write the record of the part beside its files, and the checksums of all."""
        feeds = [asdict(feed) for feed in self.feeds]
        record = {"feeds": feeds, "notes": self.notes, "secret": self.secret}
        path = self.directory / "part.json"
        path.write_text(json.dumps(record, ensure_ascii=False, indent=1), "utf-8")
        write_checksums(self.directory)

    @classmethod
    def read(cls, key: str, directory: Path, delivery: str) -> Part | None:
        """Read the record of a part; None if it is not there or cannot be read."""
        try:
            record = json.loads((directory / "part.json").read_text("utf-8"))
            feeds = tuple(
                FeedRecord(**{**f, "entry": LedgerEntry(**f["entry"]), "files": tuple(f["files"])})
                for f in record["feeds"]
            )
            notes, secret = tuple(record["notes"]), record.get("secret", "")
            return cls(key, directory, delivery, feeds, notes, secret)
        except UNREADABLE:
            return None


class PartSource(Protocol):
    """What an adapter offers whose files become parts one by one."""

    notes: tuple[str, ...]
    simulated: bool

    def settings(self) -> str:
        """Return everything but the files' contents that decides the tables."""
        ...

    def deliveries(self) -> Sequence[Delivery]:
        """Return the files there are, in the order in which a later one replaces an earlier."""
        ...

    def part_feeds(
        self, connection: Any, delivery: Delivery, directory: Path
    ) -> tuple[list[PartFeed], tuple[str, ...]]:
        """Return the feeds of one file and the sentences about how it was read."""
        ...

    def depends_on(self, delivery: Delivery) -> list[str]:
        """Return the names of the other files whose contents decide this file's part."""
        ...

    def secret_label(self) -> str:
        """Return what changes with the secret that customers' pseudonyms are made with."""
        ...

    def columns_of(self, table: str) -> dict[str, str]:
        """Return the columns that ``table`` has in this study, with their engine types."""
        ...


RANK, ORDER, FEED, PLACE = "_rank", "_order", "_feed", "_place"


def latest_of_each(rows: ibis.Table, key: list[str]) -> ibis.Table:
    """Return, of each source, the row of each key from its latest file."""
    newest = ibis.row_number().over(
        group_by=[*key, RANK], order_by=[ibis.desc(ORDER), ibis.desc(FEED)]
    )
    ranked = rows.mutate(_newest=newest)
    return ranked.filter(ranked["_newest"] == 0).drop("_newest")


def place_in_order(rows: ibis.Table, key: list[str]) -> ibis.Value:
    """Return numbers for the rows: the first of a key is the one whose word counts."""
    rest = [n for n in rows.columns if n not in {*key, RANK, ORDER, FEED}]
    return ibis.row_number().over(order_by=[RANK, ORDER, FEED, *key, *rest])


def first_known(rows: ibis.Table, key: list[str]) -> ibis.Table:
    """Return one row a key, each column from the first source that knows it."""
    rest = [n for n in rows.columns if n not in key and not n.startswith("_")]
    if not rest:
        return rows.select(key).distinct()
    return rows.group_by(key).agg(
        **{n: rows[n].argmin(rows[PLACE], where=rows[n].notnull()) for n in rest}
    )


def winners_by_feed(winners: ibis.Table, key: list[str]) -> dict[int, tuple[int, int]]:
    """Return, by feed, its latest rows and how many of them stand for their key."""
    first = ibis.row_number().over(group_by=key, order_by=PLACE)
    ranked = winners.mutate(_first=(first == 0).cast("int64"))
    counts = ranked.group_by(FEED).agg(n=ranked.count(), first=ranked["_first"].sum())
    return {r[FEED]: (r["n"], int(r["first"])) for r in counts.to_pyarrow().to_pylist()}


def settled(feed: FeedRecord, latest: int, standing: int) -> LedgerEntry:
    """Return the account of a feed, the rows that lost among the dropped."""
    entry, dropped = feed.entry, dict(feed.entry.dropped)
    if entry.accepted > latest:
        dropped["replaced by a later file"] = entry.accepted - latest
    if latest > standing:
        dropped["merged with another row of the same key"] = latest - standing
    return replace(entry, accepted=standing, dropped=dict(sorted(dropped.items())))


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


def link(path: Path, goal: Path) -> None:
    """Let ``goal`` be the file ``path`` under another name; a copy where that cannot be."""
    try:
        os.link(path, goal)
    except OSError:  # a file system without hard links
        shutil.copy2(path, goal)
