"""Write one delivered file as a part: its good rows by table and month, its bad rows apart.

Its queries are compiled once for many files of one form: to compile an expression takes longer
than to run it on a small file, and the files of one form differ in nothing but where they lie.
Read under a name that the next file takes over, they give equal expressions, whose SQL is kept.
"""

from __future__ import annotations

import shutil
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import ibis

from analysis.ingest import validate
from analysis.ingest.parts import (
    BY_MONTH,
    HELD,
    MARKS,
    VALUE,
    Delivery,
    FeedRecord,
    Part,
    PartFeed,
    PartSource,
)
from analysis.tables.engine import in_month
from analysis.tables.manifest import SAME_KEY, LedgerEntry
from analysis.tables.schema import TABLES
from analysis.tables.spilling import reading

LINE, SHIFTED, ROWS = "_line", "_shifted", "_rows"


def build_part(
    queries: CompiledQueries,
    source: PartSource,
    delivery: Delivery,
    *,
    key: str,
    parts: Path,
    check: Callable[[], None],
) -> Part:
    """Read one delivered file into a part; the last whole part or none is left behind.

    Parameters
    ----------
    queries
        Those of the DuckDB connection that reads and writes.
    source
        Adapter that reads the file.
    delivery
        The file.
    key
        Name of the part.
    parts
        Folder of all parts.
    check
        Raises where the file is no longer the one that ``key`` was made for; asked once it is
        read, whether well or with an error.

    Raises
    ------
    DataError
        If the file cannot be read, or none of its rows can be used.
    """
    staging = parts / f"{STAGING}{key}"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    try:
        with reading(delivery.name):
            feeds, notes = source.part_feeds(queries.connection, delivery, staging / "work")
            records = []
            for number, feed in enumerate(feeds):
                columns = source.columns_of(feed.table)
                writer = _FeedWriter(queries, staging, f"{key}-{number}", columns)
                record, said = writer.write(feed)
                records.append(record)
                notes += said
    finally:
        check()
    shutil.rmtree(staging / "work", ignore_errors=True)
    said, secret = tuple(dict.fromkeys(notes)), source.secret_label()
    part = Part(key, staging, delivery.name, tuple(records), said, secret)
    part.write()
    final = parts / key
    shutil.rmtree(final, ignore_errors=True)
    staging.rename(final)
    return replace(part, directory=final)


class _FeedWriter:
    """Judges the rows of one feed, counts them, and writes the good and the bad apart."""

    def __init__(
        self, queries: CompiledQueries, directory: Path, stem: str, columns: dict[str, str]
    ) -> None:
        self._queries, self._connection = queries, queries.connection
        self._directory = directory
        self._stem, self._columns = stem, columns

    def write(self, feed: PartFeed) -> tuple[FeedRecord, tuple[str, ...]]:
        table = TABLES[feed.table]
        judged = validate.judged(feed.rows, table, source=feed.label).drop(validate.KEY)
        if feed.once_per_key:
            counted = self._kept(_one_of_each(judged, table.key), "once")
        else:  # those rows are read two or three times, once each is enough
            singly = judged.mutate(**{ROWS: ibis.literal(1, "int64")})
            counted = validate.reject_repeated_keys(self._kept(singly, "judged"), table)
        entry, shifted = self._account(counted, feed)
        validate.refuse_hopeless(entry)
        files = self._write_good(validate.accepted(counted), feed)
        if entry.rejected:
            files.append(self._write_refused(judged if feed.once_per_key else counted, feed))
        if feed.overlap:
            files.append(self._write_held(counted, feed))
        notes = (f"{shifted:,} times in {feed.label} {_SHIFTED_WORDS}",) if shifted else ()
        record = FeedRecord(feed.table, feed.label, feed.rank, entry, tuple(files), feed.overlap)
        return record, notes

    def _kept(self, rows: ibis.Table, name: str) -> ibis.Table:
        path = self._directory / "work" / f"{self._stem}-{name}.parquet"
        path.parent.mkdir(exist_ok=True)
        self._queries.write(rows, path, "snappy")
        return self._connection.read_parquet(path, table_name=view_name(path))

    def _account(self, counted: ibis.Table, feed: PartFeed) -> tuple[LedgerEntry, int]:
        rule, reason = validate.RULE, validate.REASON
        counts = counted.group_by(rule, reason).agg(
            n=counted[ROWS].sum(), shifted=counted[SHIFTED].sum().fill_null(0), kept=counted.count()
        )
        dropped: dict[str, int] = {}
        rejected: dict[str, int] = {}
        accepted = shifted = 0
        for row in self._queries.fetch(counts):
            n = int(row["n"])
            if row[rule] is not None:
                dropped[row[rule]] = dropped.get(row[rule], 0) + n
            elif row[reason] is not None:
                rejected[row[reason]] = n
            else:
                accepted, shifted = row["kept"], int(row["shifted"])
                if n > accepted:
                    key = " and ".join(TABLES[feed.table].key)
                    dropped[f"{SAME_KEY} {key}"] = n - accepted
        entry = LedgerEntry(
            feed.table,
            feed.label,
            self._queries.fetch(feed.source_text.agg(n=feed.source_text.count()))[0]["n"],
            accepted,
            dict(sorted(rejected.items())),
            dict(sorted(dropped.items())),
        )
        return entry, shifted

    def _write_good(self, good: ibis.Table, feed: PartFeed) -> list[str]:
        if feed.table not in BY_MONTH:
            order = list(TABLES[feed.table].key) or [n for n in self._columns if n in good.columns]
            return [self._parquet(self._shaped(good.order_by([*order, LINE])), feed.table)]
        time, order = BY_MONTH[feed.table]
        months = good.select(m=good[time].truncate("M")).distinct().order_by("m")
        found = [row["m"] for row in self._queries.fetch(months)]
        if not found:
            return [self._parquet(self._shaped(good), feed.table)]
        return [
            self._parquet(
                # The line settles ties, so that the same file gives the same bytes.
                self._shaped(good.filter(in_month(good[time], month)).order_by([*order, LINE])),
                f"{feed.table}/month={month:%Y-%m}",
            )
            for month in found
        ]

    def _write_held(self, counted: ibis.Table, feed: PartFeed) -> str:
        """Write what the file holds, rows left out included: a cancelled order is said as well.

        With each value stands what tells one order from another of the same number.
        """
        rows = counted.mutate(**{VALUE: counted[feed.overlap].cast("string")})
        marks = {
            mark: rows[name].cast("string").min() if name in rows.columns else ibis.null("string")
            for mark, name in MARKS.items()
        }
        held = rows.filter(rows[VALUE].notnull()).group_by(VALUE).agg(**marks).order_by(VALUE)
        return self._parquet(held, f"{HELD}/{feed.table}")

    def _shaped(self, rows: ibis.Table) -> ibis.Table:
        """Return the columns that the table has in this study, those not in the file missing."""
        return rows.select(
            **{
                name: rows[name].cast(kind) if name in rows.columns else ibis.null(kind)
                for name, kind in self._columns.items()
            }
        )

    def _write_refused(self, judged: ibis.Table, feed: PartFeed) -> str:
        refused = judged.filter(judged[validate.REASON].notnull())
        texts = feed.source_text
        joined = refused.join(texts, refused[LINE] == texts["line_of_text"])
        rows = joined.select(
            source=ibis.literal(feed.label),
            line=joined[LINE],
            reason=joined[validate.REASON],
            source_row=joined["source_row"],
        )
        return self._parquet(rows.order_by("line"), f"rejected/{feed.table}")

    def _parquet(self, rows: ibis.Table, folder: str) -> str:
        path = self._directory / folder / f"{self._stem}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        self._queries.write(rows, path, "zstd")
        return str(path.relative_to(self._directory))


_SHIFTED_WORDS = (
    "did not exist because the clocks went forward, and were moved forward (rule gaps: shift)."
)


def _one_of_each(judged: ibis.Table, key: tuple[str, ...]) -> ibis.Table:
    """Return one row a key and verdict, and how many rows it stands for.

    Of each column it has the last value in the file that is not missing.
    """
    verdict = [validate.RULE, validate.REASON]
    rest = [n for n in judged.columns if n not in {*verdict, *key, SHIFTED, LINE}]
    return judged.group_by([*key, *verdict]).agg(
        **{n: judged[n].argmax(judged[LINE], where=judged[n].notnull()) for n in rest},
        **{LINE: judged[LINE].max(), SHIFTED: judged[SHIFTED].sum(), ROWS: judged.count()},
    )


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
