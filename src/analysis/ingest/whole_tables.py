"""Write the tables of a source that is read whole each time, every row judged and counted.

Large tables with a time are stored by month, and a month whose rows are those of the last version
is linked from there: a new month writes its own files alone.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import ibis

from analysis.ingest import validate
from analysis.ingest.assembly import link
from analysis.ingest.parts import BY_MONTH
from analysis.ingest.sources import Feed, Source
from analysis.tables.engine import (
    Connection,
    EngineSettings,
    connect,
    contents_by_month,
    read_parquet,
    write_months,
    write_parquet,
)
from analysis.tables.manifest import LedgerEntry
from analysis.tables.schema import TABLES

#: Rows from which on a table is stored by month: files of fewer than some 10,000 rows cost more
#: to open than to read.
LEAST_BY_MONTH = 200_000


def write_whole(
    settings: EngineSettings, source: Source, staging: Path, before: Path | None
) -> tuple[LedgerEntry, ...]:
    """Write every table of ``source`` below ``staging`` and return the account of its rows.

    Months that ``before``, the folder of the last version, holds alike are linked from there.
    """
    connection = connect(settings)
    feeds: dict[str, list[Feed]] = {}
    for feed in source.feeds(connection):
        feeds.setdefault(feed.table, []).append(feed)
    entries = [
        entry
        for table, table_feeds in feeds.items()
        for entry in _write_table(connection, table, table_feeds, staging, before)
    ]
    # A session that goes on would hold the cores of a cluster that the reports wait for.
    connection.disconnect()
    return tuple(entries)


def _write_table(
    connection: Connection, name: str, feeds: list[Feed], staging: Path, before: Path | None
) -> list[LedgerEntry]:
    """Judge all rows meant for one table; write the good and the bad apart, and count both.

    The verdicts are counted before anything is written, with the few columns that they need.
    """
    table = TABLES[name]
    judged = [
        validate.judged(feed.rows, table, source=feed.source).mutate(
            _source=ibis.literal(feed.source)
        )
        for feed in feeds
    ]
    rows = validate.reject_repeated_keys(_stack(judged), table)
    entries = _ledger(rows, name, feeds)
    for entry in entries:
        validate.refuse_hopeless(entry)
    good = rows
    if any(entry.rejected or entry.dropped for entry in entries):
        good = rows.filter(rows[validate.RULE].isnull() & rows[validate.REASON].isnull())
    good = good.drop("_source", validate.KEY, validate.RULE, validate.REASON)
    if order := _order(good, name):
        good = good.order_by(order)
    if table.time and sum(entry.accepted for entry in entries) >= LEAST_BY_MONTH:
        earlier = (before or staging) / name  # staging holds none yet
        _write_months(connection, good, table.time, staging / name, earlier)
    else:
        write_parquet(connection, good, staging / name)
    if any(entry.rejected for entry in entries):
        refused = rows.filter(rows[validate.REASON].notnull())
        write_parquet(connection, refused, staging / "rejected" / name)
    return entries


def _write_months(
    connection: Connection, good: ibis.Table, time: str, folder: Path, earlier: Path
) -> None:
    """Write the rows by month; the months that ``earlier`` holds alike are linked from there."""
    whole = folder.with_name(f".{folder.name}")
    write_parquet(connection, good, whole)
    rows = read_parquet(connection, whole)
    before = read_parquet(connection, earlier) if any(earlier.glob("month=*")) else rows.limit(0)
    found = contents_by_month(rows, time)
    there = contents_by_month(before, time) if before.schema() == rows.schema() else {}
    alike = [month for month, contents in found.items() if there.get(month) == contents]
    if new := sorted(found.keys() - set(alike)):
        write_months(connection, rows, time, new, folder)
    for goal in (folder / f"month={month:%Y-%m}" for month in alike):
        goal.mkdir(parents=True)
        for path in (earlier / goal.name).glob("*.parquet"):
            link(path, goal / path.name)
    shutil.rmtree(whole)


def _order(rows: ibis.Table, name: str) -> list[str]:
    """Return the columns that the rows of a table are stored by; none if they stay as they come."""
    _, order = BY_MONTH.get(name, ("", []))
    return [*order, *(n for n in rows.columns if n not in order)] if order else []


def _stack(tables: list[ibis.Table]) -> ibis.Table:
    """Union tables whose optional columns may differ, filling what one lacks with nulls."""
    types = {name: t[name].type() for t in tables for name in t.columns}
    aligned = [
        t.select(
            *(
                (t[n].cast(types[n]) if n in t.columns else ibis.null(types[n])).name(n)
                for n in types
            )
        )
        for t in tables
    ]
    return ibis.union(*aligned) if len(aligned) > 1 else aligned[0]


def _ledger(rows: ibis.Table, name: str, feeds: list[Feed]) -> list[LedgerEntry]:
    counts = (
        rows.group_by("_source", validate.RULE, validate.REASON).agg(n=rows.count()).to_pandas()
    )
    entries = []
    for feed in feeds:
        rejected: dict[str, int] = {}
        dropped: dict[str, int] = {}
        accepted = 0
        for row in counts[counts["_source"] == feed.source].itertuples(index=False):
            rule, reason = getattr(row, validate.RULE), row[2]
            if isinstance(rule, str):
                dropped[rule] = int(row.n)
            elif isinstance(reason, str):
                rejected[reason] = int(row.n)
            else:
                accepted = int(row.n)
        rows_in = int(feed.rows.count().to_pandas())
        entries.append(LedgerEntry(name, feed.source, rows_in, accepted, rejected, dropped))
    return entries
