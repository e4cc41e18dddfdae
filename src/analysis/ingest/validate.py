"""Hold a feed to the schema inside the engine: each row is accepted, rejected or dropped.

A source that is read whole each time is judged, counted and written here; parts have a writer.
Large tables with a time are stored by month, and a month whose rows are those of the last version
is linked from there: a new month writes its own files alone.
"""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import ibis

from analysis.errors import DataError
from analysis.ingest.parts import BY_MONTH, link
from analysis.ingest.sources import Feed, Source
from analysis.tables.engine import (
    Connection,
    EngineSettings,
    builtin,
    connect,
    kind_of,
    read_parquet,
    write_months,
    write_parquet,
)
from analysis.tables.manifest import LedgerEntry
from analysis.tables.schema import ENGINE_TYPES, TABLES, Column, Table
from analysis.tables.spark_engine import fit

REASON = "_rejected_because"
RULE = "dropped_by"
KEY = "source_key"
COUNT = "_rows_of_key"
FLAG = "_unreadable_"
REJECTED = "rejected_by"

#: Years that a time or a date may lie in: outside are placeholders such as 0001 and 9999.
FIRST_YEAR, LAST_YEAR = 1900, 2199

#: Bytes of all source files for a row of the largest table: 30 in the simulated shops.
_BYTES_A_ROW = 30

_KIND_WORDS = {
    "string": "text",
    "timestamp": "a time",
    "date": "a date",
    "money": "an amount of money",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
}


def judged(rows: ibis.Table, table: Table, *, source: str) -> ibis.Table:
    """Return ``rows`` cast to the schema, with the verdict on each.

    Parameters
    ----------
    rows
        A feed's rows. A column ``rejected_by`` holds the adapter's own reason to reject a row;
        columns whose names begin with an underscore pass through as they are.
    table
        The canonical table they are meant for.
    source
        Name of the source, for messages.

    Returns
    -------
    ibis.Table
        The canonical columns that the feed has, ``source_key``, ``dropped_by`` (rule or null)
        and ``_rejected_because`` (reason or null). Accepted rows have neither.

    Raises
    ------
    DataError
        If a required column is missing altogether, or a column is not in the schema.
    """
    _check_columns(rows, table, source)
    columns = [c for c in table.columns if c.name in rows.columns]
    declared = {c.name for c in columns}
    extra = [n for n in rows.columns if n not in declared | {KEY, RULE, REJECTED}]
    doubtful = {c.name: _unreadable(rows[c.name], c) for c in columns if _may_fail(rows, c)}
    typed = rows.select(
        *(_typed(rows[c.name], c).name(c.name) for c in columns),
        *extra,
        KEY,
        (rows[RULE] if RULE in rows.columns else ibis.null("string")).name(RULE),
        (rows[REJECTED] if REJECTED in rows.columns else ibis.null("string")).name(REJECTED),
        *(test.name(FLAG + name) for name, test in doubtful.items()),
    )
    reasons = [case for c in columns for case in _cases(typed, c)]
    verdict = ibis.cases(
        (typed[RULE].notnull(), ibis.null("string")),
        (typed[REJECTED].notnull(), typed[REJECTED]),
        *reasons,
        else_=ibis.null("string"),
    )
    flags = (FLAG + name for name in doubtful)
    return typed.mutate(**{REASON: verdict}).drop(REJECTED, *flags)


def accepted(rows: ibis.Table) -> ibis.Table:
    """Return the judged rows that are neither dropped nor rejected."""
    return rows.filter(rows[RULE].isnull() & rows[REASON].isnull())


def reject_repeated_keys(rows: ibis.Table, table: Table) -> ibis.Table:
    """Return ``rows`` with every row of a repeated key rejected.

    Which of several rows with one key is true cannot be known here, so none is kept; an adapter
    that knows drops the others by a named rule before.
    """
    if not table.key:
        return rows
    sound = accepted(rows)
    repeated = sound.group_by(table.key).agg(**{COUNT: sound.count()})
    repeated = repeated.filter(repeated[COUNT] > 1)
    if repeated.limit(1).to_pandas().empty:
        return rows
    joined = rows.left_join(repeated, table.key, rname="_right_{name}")
    clash = joined[COUNT].notnull() & joined[RULE].isnull() & joined[REASON].isnull()
    words = f"{' + '.join(table.key)} stands in several rows"
    return joined.mutate(**{REASON: clash.ifelse(words, joined[REASON])}).select(*rows.columns)


def _check_columns(rows: ibis.Table, table: Table, source: str) -> None:
    missing = [name for name in table.required if name not in rows.columns]
    if missing:
        raise DataError(
            f"{source}: the canonical table {table.name} needs a column {missing[0]}, which the "
            "mapping does not fill"
        )
    declared = {c.name for c in table.columns} | {KEY, RULE, REJECTED}
    unknown = [n for n in rows.columns if n not in declared and not n.startswith("_")]
    if unknown and not (table.open_columns):
        raise DataError(
            f"{source}: {table.name} has no column {unknown[0]}; it has "
            + ", ".join(c.name for c in table.columns)
        )


def _typed(raw: ibis.Value, column: Column) -> ibis.Value:
    target = ENGINE_TYPES[column.type]
    typed = raw if str(raw.type()) == target else raw.try_cast(target)
    if column.type == "string":
        return typed.nullif("")
    if column.type == "number":
        return (typed.isnan() | typed.isinf()).ifelse(None, typed).cast("float64")
    return typed


def _may_fail(rows: ibis.Table, column: Column) -> bool:
    """Tell whether a value of this column can be there and yet not be readable as its type."""
    if column.type == "string":
        return False
    return column.type == "number" or str(rows[column.name].type()) != ENGINE_TYPES[column.type]


def _unreadable(raw: ibis.Value, column: Column) -> ibis.Value:
    there = raw != "" if raw.type().is_string() else raw.notnull()
    return there & _typed(raw, column).isnull()


def _cases(rows: ibis.Table, column: Column) -> list[tuple[ibis.Value, str]]:
    """Return the tests that reject a row for this column, each with its reason."""
    value, name, cases = rows[column.name], column.name, []
    if FLAG + name in rows.columns:
        cases.append((rows[FLAG + name], f"{name} is not {_KIND_WORDS[column.type]}"))
    if column.required and not column.nullable:
        cases.append((value.isnull(), f"{name} is missing"))
    if column.type in {"timestamp", "date"}:
        years = f"{name} lies outside the years {FIRST_YEAR} to {LAST_YEAR}"
        cases.append((~value.year().between(FIRST_YEAR, LAST_YEAR), years))
    if column.minimum is not None:
        cases.append((value < column.minimum, f"{name} is below {column.minimum:g}"))
    if column.allowed:
        words = ", ".join(column.allowed)
        cases.append((value.notin(column.allowed), f"{name} is none of {words}"))
    return cases


#: Rows from which on a table is stored by month: files of fewer than some 10,000 rows cost more
#: to open than to read.
LEAST_BY_MONTH = 200_000


def write_whole(
    settings: EngineSettings, source: Source, staging: Path, before: Path | None, size: int
) -> tuple[LedgerEntry, ...]:
    """Write every table of ``source`` below ``staging`` and return the account of its rows.

    Months that ``before``, the folder of the last version, holds alike are linked from there. By
    ``size``, the bytes of the source files, Spark is told in how many parts to work.
    """
    connection = connect(settings)
    if settings.kind == "spark":
        fit(connection, settings, rows=size // _BYTES_A_ROW)
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
    verdicts = [
        judged(feed.rows, table, source=feed.source).mutate(_source=ibis.literal(feed.source))
        for feed in feeds
    ]
    rows = reject_repeated_keys(stacked(verdicts), table)
    entries = _ledger(rows, name, feeds)
    for entry in entries:
        refuse_hopeless(entry)
    good = rows
    if any(entry.rejected or entry.dropped for entry in entries):
        good = accepted(rows)
    good = good.drop("_source", KEY, RULE, REASON)
    if order := _order(good, name):
        good = good.order_by(order)
    if table.time and sum(entry.accepted for entry in entries) >= LEAST_BY_MONTH:
        earlier = (before or staging) / name  # staging holds none yet
        _write_months(connection, good, table.time, staging / name, earlier)
    else:
        write_parquet(connection, good, staging / name)
    if any(entry.rejected for entry in entries):
        refused = rows.filter(rows[REASON].notnull())
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
    found = _contents_by_month(rows, time)
    there = _contents_by_month(before, time) if before.schema() == rows.schema() else {}
    alike = [month for month, contents in found.items() if there.get(month) == contents]
    if new := sorted(found.keys() - set(alike)):
        write_months(connection, rows, time, new, folder)
    for goal in (folder / f"month={month:%Y-%m}" for month in alike):
        goal.mkdir(parents=True)
        for path in (earlier / goal.name).glob("*.parquet"):
            link(path, goal / path.name)
    shutil.rmtree(whole)


def _contents_by_month(rows: ibis.Table, time: str) -> dict[date, tuple[int, str]]:
    """Return how many rows each month has, and a sum of their hashes: equal means equal rows."""
    spark = kind_of(rows.get_backend()) == "spark"
    # Spark passes over what is missing, so that a value could change its column unseen.
    values = [v for n in rows.columns for v in ([rows[n].isnull()] if spark else []) + [rows[n]]]
    takes = tuple(str(v.type().copy(nullable=True)) for v in values)
    word, gives = ("xxhash64", "int64") if spark else ("hash", "uint64")
    hashed = builtin(word, takes, gives)(*values).cast("decimal(38, 0)")
    months = rows.select(month=rows[time].truncate("M"), hashed=hashed).group_by("month")
    found = months.agg(n=ibis._.count(), sum=ibis._.hashed.sum().cast("string")).to_pandas()
    return {row.month.date(): (int(row.n), str(row.sum)) for row in found.itertuples()}


def _order(rows: ibis.Table, name: str) -> list[str]:
    """Return the columns that the rows of a table are stored by; none if they stay as they come."""
    _, order = BY_MONTH.get(name, ("", []))
    return [*order, *(n for n in rows.columns if n not in order)] if order else []


def stacked(tables: list[ibis.Table]) -> ibis.Table:
    """Union tables whose optional columns may differ, filling what one lacks with nulls."""
    types = {name: t[name].type() for t in tables for name in t.columns}
    aligned = [
        t.select(**{n: t[n].cast(k) if n in t.columns else ibis.null(k) for n, k in types.items()})
        for t in tables
    ]
    return ibis.union(*aligned) if len(aligned) > 1 else aligned[0]


def _ledger(rows: ibis.Table, name: str, feeds: list[Feed]) -> list[LedgerEntry]:
    counts = rows.group_by("_source", RULE, REASON).agg(n=rows.count()).to_pandas()
    entries = []
    for feed in feeds:
        rejected: dict[str, int] = {}
        dropped: dict[str, int] = {}
        kept = 0
        for row in counts[counts["_source"] == feed.source].itertuples(index=False):
            rule, reason = getattr(row, RULE), row[2]
            if isinstance(rule, str):
                dropped[rule] = int(row.n)
            elif isinstance(reason, str):
                rejected[reason] = int(row.n)
            else:
                kept = int(row.n)
        rows_in = int(feed.rows.count().to_pandas())
        entries.append(LedgerEntry(name, feed.source, rows_in, kept, rejected, dropped))
    return entries


def refuse_hopeless(entry: LedgerEntry) -> None:
    """Refuse a source of which no row is usable: that is a wrong file or mapping, not bad rows."""
    if entry.rows_in and not entry.accepted and entry.rejected:
        reason = max(entry.rejected, key=lambda r: entry.rejected[r])
        raise DataError(
            f"{entry.source}: none of its {entry.rows_in:,} rows can be used for {entry.table}; "
            f"the most frequent reason is: {reason}"
        )
