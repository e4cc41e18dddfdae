"""Write the tables of a source that is read whole each time, every row judged and counted."""

from __future__ import annotations

from pathlib import Path

import ibis

from analysis.errors import DataError
from analysis.ingest import validate
from analysis.ingest.sources import Feed, Source
from analysis.tables.engine import Connection, EngineSettings, connect, write_parquet
from analysis.tables.manifest import LedgerEntry
from analysis.tables.schema import TABLES

#: Tables that are read by time are stored by time.
STORAGE_ORDER = {
    "order_lines": ["ordered_at", "order_id", "product_id"],
    "page_views": ["viewed_at", "session_id"],
}


def write_whole(settings: EngineSettings, source: Source, staging: Path) -> tuple[LedgerEntry, ...]:
    """Write every table of ``source`` below ``staging`` and return the account of its rows."""
    connection = connect(settings)
    feeds: dict[str, list[Feed]] = {}
    for feed in source.feeds(connection):
        feeds.setdefault(feed.table, []).append(feed)
    entries = [
        entry
        for table, table_feeds in feeds.items()
        for entry in _write_table(connection, table, table_feeds, staging)
    ]
    # A session that goes on would hold the cores of a cluster that the reports wait for.
    connection.disconnect()
    return tuple(entries)


def _write_table(
    connection: Connection, name: str, feeds: list[Feed], staging: Path
) -> list[LedgerEntry]:
    """Judge all rows meant for one table; write the good and the bad apart, and count both.

    The verdicts are counted before anything is written, with the few columns that they need.
    """
    table = TABLES[name]
    judged = [
        validate.judged(feed.rows, table, source=feed.source).mutate(_source=_text(feed.source))
        for feed in feeds
    ]
    rows = validate.reject_repeated_keys(_stack(judged), table)
    entries = _ledger(rows, name, feeds)
    _refuse_hopeless(entries)
    good = rows
    if any(entry.rejected or entry.dropped for entry in entries):
        good = rows.filter(rows[validate.RULE].isnull() & rows[validate.REASON].isnull())
    good = good.drop("_source", validate.KEY, validate.RULE, validate.REASON)
    order = STORAGE_ORDER.get(name)
    write_parquet(connection, good.order_by(order) if order else good, staging / name)
    if any(entry.rejected for entry in entries):
        refused = rows.filter(rows[validate.REASON].notnull())
        write_parquet(connection, refused, staging / "rejected" / name)
    return entries


def _text(value: str) -> ibis.Value:

    return ibis.literal(value)


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


def _refuse_hopeless(entries: list[LedgerEntry]) -> None:
    """Refuse a source of which no row is usable: that is a wrong file or mapping, not bad rows."""
    for entry in entries:
        if entry.rows_in and not entry.accepted and entry.rejected:
            reason = max(entry.rejected, key=lambda r: entry.rejected[r])
            raise DataError(
                f"{entry.source}: none of its {entry.rows_in:,} rows can be used for "
                f"{entry.table}; the most frequent reason is: {reason}"
            )
