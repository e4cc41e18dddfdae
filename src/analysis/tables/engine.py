"""The one door to the row-level engine: Ibis on DuckDB by default, on Spark when asked.

Everything that differs between the two engines is in this module and in `spark_engine`:
connecting, reading and writing Parquet, and the few functions for which Ibis has no common word.

Rows that several steps read, computed once where the engine can keep them.
"""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

import ibis
import pandas as pd
import pyarrow as pa

from analysis.errors import DataError, NotApplicable
from analysis.project import THREADS, find_root
from analysis.tables.manifest import Manifest
from analysis.tables.schema import ENGINE_TYPES, PERSONAL_KEY, TABLES
from analysis.tables.spark_engine import fit, kept, open_session, read_files, write_parts
from analysis.tables.spilling import (
    MOST_IN_MEMORY,
    NEVER_HELD,
    alone,
    keep_in,
    keep_on_disk,
    spill_path,
)

Connection = Any  # Ibis' backends share no importable base without importing one of them.


@dataclass(frozen=True)
class EngineSettings:
    """How to run row-level work.

    Parameters
    ----------
    kind
        ``duckdb`` (in the process) or ``spark``.
    memory
        Memory bound, such as ``4GB``; what does not fit spills to disk.
    threads
        Threads to use; None takes every core, or in a run of reports side by side a report's share.
    master
        Spark master URL.
    options
        Properties of Spark, such as ``spark.executor.memory``, that come after ours.
    """

    kind: Literal["duckdb", "spark"] = "duckdb"
    memory: str = "4GB"
    threads: int | None = None
    master: str = "local[*]"
    options: Mapping[str, str] = field(default_factory=dict, hash=False)


def connect(settings: EngineSettings | None = None) -> Connection:
    """Return a fresh Ibis connection; AnalysisError if the engine is not installed."""
    settings = settings or EngineSettings()
    return open_session(settings) if settings.kind == "spark" else _connect_duckdb(settings)


def _connect_duckdb(settings: EngineSettings) -> Connection:
    options: dict[str, Any] = {
        "memory_limit": settings.memory,
        "temp_directory": str(spill_path()),
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    if threads := settings.threads or os.environ.get(THREADS):
        options["threads"] = int(threads)
    connection = ibis.duckdb.connect(**options)
    keep_in(connection, None)
    return connection


def kind_of(connection: Connection) -> str:
    """Return ``duckdb`` or ``spark`` for a connection."""
    return "spark" if connection.name == "pyspark" else "duckdb"


def read_parquet(
    connection: Connection, path: Path, *, months: tuple[str, str] = ("", "9")
) -> ibis.Table:
    """Return the Parquet file, or the directory of Parquet files, as a table.

    Of a directory with a folder for each month, ``months`` are the first and last to read.
    DataError names the file if it is missing or cannot be read as Parquet.
    """
    if not path.exists():
        raise DataError(f"{path.name} does not exist in {path.parent}")
    # By name, for a pattern would take the brackets of a folder above for its own.
    files = [path] if path.is_file() else sorted(path.glob("*.parquet"))
    if by_month := sorted(path.glob("month=*/*.parquet")):
        first, last = months
        files = [f for f in by_month if first <= f.parent.name[6:] <= last] or by_month[:1]
    try:
        if kind_of(connection) == "spark":
            return read_files(connection, files)
        # The month is in the rows already; as a column of its own it would be a second truth.
        return connection.read_parquet(list(map(str, files)), hive_partitioning=False)
    except Exception as error:  # each engine raises its own kind for a damaged file
        raise DataError(f"{path.name} cannot be read as Parquet: {_first_line(error)}") from error


def write_parquet(connection: Connection, rows: ibis.Table, directory: Path) -> None:
    """Write ``rows`` as Parquet files into the new ``directory``."""
    if kind_of(connection) == "spark":
        connection.to_parquet_dir(rows, directory)
        return
    directory.mkdir(parents=True)
    write_file(connection, rows, directory / "part-0.parquet")


def write_months(
    connection: Connection, rows: ibis.Table, time: str, months: list[date], directory: Path
) -> None:
    """Write the rows of ``months`` into a folder for each, such as ``month=2024-03``.

    Rows of a Parquet file keep its order; in Spark they are sorted by ``time``.
    """
    if kind_of(connection) == "spark":
        wanted = rows.filter(rows[time].truncate("M").isin(months))
        named = wanted.mutate(month=rows[time].cast("string").left(7))
        write_parts(connection, named.order_by("month", time), directory, "month")
        return
    for month in months:
        folder = directory / f"month={month:%Y-%m}"
        folder.mkdir(parents=True)
        own = rows.filter(in_month(rows[time], month))
        write_file(connection, own, folder / "part-0.parquet")


def in_month(time: ibis.Value, month: date) -> ibis.Value:
    """Tell whether a time or date lies in the month that begins with the day ``month``."""
    after = (month.replace(day=28) + timedelta(days=5)).replace(day=1)
    start, end = (ibis.literal(f"{day:%Y-%m-%d}").cast(time.type()) for day in (month, after))
    return (time >= start) & (time < end)


def write_file(
    connection: Connection, rows: ibis.Table, path: Path, *, compression: str = "zstd"
) -> None:
    """Write ``rows`` as one Parquet file, whatever characters its path has; DuckDB only."""
    connection.to_parquet(rows, _SqlText(path), compression=compression)


class _SqlText(str):
    """A text that is quoted as SQL wants it where Ibis quotes it as Python does.

    The two differ for a backslash, a tab, and quotes of both kinds.
    """

    def __str__(self) -> str:
        return self

    def __repr__(self) -> str:
        return "'" + self.replace("'", "''") + "'"


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def localise(connection: Connection, moment: ibis.Value, *, source: str, target: str) -> ibis.Value:
    """Return the naive timestamp ``moment``, which is in zone ``source``, in zone ``target``."""
    if kind_of(connection) == "spark":
        convert = builtin("convert_timezone", ("string", "string", "timestamp"), "timestamp")
        return convert(source, target, moment)
    attach = builtin("timezone", ("string", "timestamp"), "timestamp('UTC')")
    detach = builtin("timezone", ("string", "timestamp('UTC')"), "timestamp")
    return detach(target, attach(source, moment))


def seconds(moment: ibis.Value) -> ibis.Value:
    """Return the seconds since 1970 of ``moment``, with their fraction.

    Ibis' own word gives whole seconds in Spark, and fractions in DuckDB.
    """
    if kind_of(moment.get_backend()) == "duckdb":
        return builtin("epoch", ("timestamp",), "float64")(moment)
    part = builtin("date_part", ("string", "timestamp"), "decimal(8, 6)")
    micros = (part("SECOND", moment) * 1_000_000).cast("int64") % 1_000_000
    whole = moment.epoch_seconds() * 1_000_000 + micros
    return whole.cast("float64") / 1e6  # as floats: 1e6 is a decimal in Spark


def exact_sum(value: ibis.Value, **options: Any) -> ibis.Value:
    """Return the sum of floats, of twelve decimals each, the same in any order of rows."""
    return value.cast("decimal(38, 12)").sum(**options).cast("float64")


def hash64(column: ibis.Column) -> ibis.Value:
    """Return a 64-bit hash of ``column``: without a sign, but for Spark, which knows no other."""
    spark = kind_of(column.get_backend()) == "spark"
    word, gives = ("xxhash64", "int64") if spark else ("hash", "uint64")
    return builtin(word, (str(column.type().copy(nullable=True)),), gives)(column)


@functools.cache  # the same function each time: only so are two equal expressions equal
def builtin(name: str, takes: tuple[str, ...], gives: str) -> Any:
    """Declare a function that the engine has and Ibis has no word for."""

    def declared(*_: Any) -> None: ...

    parameters = [
        inspect.Parameter(f"a{i}", inspect.Parameter.POSITIONAL_ONLY) for i in range(len(takes))
    ]
    declared.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    signature = (tuple(ibis.dtype(t) for t in takes), ibis.dtype(gives))
    return ibis.udf.scalar.builtin(declared, name=name, signature=signature)


class Tables:
    """A study's canonical tables, opened lazily: ``tables.order_lines`` is an Ibis table.

    Reading a table that the study lacks raises NotApplicable with one clear sentence.
    """

    def __init__(
        self,
        connection: Connection,
        manifest: Manifest,
        tables: dict[str, ibis.Table],
        personal: tuple[ibis.Table, ...] = (),
    ) -> None:
        self.connection = connection
        self.manifest = manifest
        self._tables = dict(tables)
        self._personal = personal
        self._derived: dict[str, ibis.Table] = {}
        self.shared: Path | None = None  # folder of what the reports of one run compute alike
        self.parts: tuple[Tables, ...] = ()  # by customers, once they were dealt
        self.months: Path | None = None  # of the order lines, in Spark
        self.of_months: dict[tuple[str, str], Tables] = {}  # first and last, once they were read

    def __getattr__(self, name: str) -> ibis.Table:
        if name.startswith("_") or name not in TABLES:
            raise AttributeError(name)
        if name not in self._tables:
            raise NotApplicable(f"This study has no {name} table.")
        return self._tables[name]

    def __contains__(self, name: object) -> bool:
        return name in self._tables

    def names(self) -> tuple[str, ...]:
        """Return the names of the tables that the study has."""
        return tuple(self._tables)

    def has(self, table: str, *columns: str) -> bool:
        """Tell whether the study has ``table``, with all ``columns``."""
        return table in self._tables and set(columns) <= set(self._tables[table].columns)

    def require(self, *names: str) -> None:
        """Raise NotApplicable naming the first of ``names`` that the study lacks."""
        for name in names:
            getattr(self, name)

    def personal_keys(self) -> list[str]:
        """Return what customers' pseudonyms stand for: to be masked in texts, never to be shown."""
        known = [rows.filter(rows[PERSONAL_KEY].notnull()).distinct() for rows in self._personal]
        return [key for rows in known for key in rows.to_pandas()[PERSONAL_KEY]]

    @functools.cached_property
    def first_day(self) -> date | None:
        """The day of the first order line; None where there are none. Asked of the lines once."""
        first = self.order_lines.ordered_at.min().to_pandas()
        return None if pd.isna(first) else pd.Timestamp(first).date()

    def once(
        self, name: str, make: Callable[[Tables], ibis.Table], *, alike: bool = False
    ) -> ibis.Table:
        """Return what ``make`` makes of these tables: computed once and kept under ``name``.

        What is ``alike`` in all reports is computed by the first of a run that asks for it.
        """
        if name not in self._derived:
            rows, shared = make(self), self.shared if alike else None
            self._derived[name] = (
                held(rows) if shared is None else self._written(name, rows, shared)
            )
        return self._derived[name]

    def _written(self, name: str, rows: ibis.Table, folder: Path) -> ibis.Table:
        path = folder / f"{name}.parquet"
        with alone(path) as unfinished:
            if unfinished:
                write_file(self.connection, rows, unfinished, compression="lz4")
        return read_parquet(self.connection, path)

    def with_tables(self, **tables: ibis.Table) -> Tables:
        """Return these tables, some of them replaced."""
        return Tables(self.connection, self.manifest, self._tables | tables, self._personal)

    def close(self) -> None:
        """Release the engine."""
        if kind_of(self.connection) == "duckdb":
            # What was cached goes with the connection; Ibis would ask the closed one to drop it.
            self.connection._cache_name_to_entry.clear()
            self.connection.disconnect()


def open_study(
    study: str, *, settings: EngineSettings | None = None, root: Path | None = None
) -> Tables:
    """Open the canonical tables of an ingested study, without what names a person.

    Parameters
    ----------
    study
        Key of the study.
    settings
        Engine to open them in.
    root
        Project root; None looks upwards from the working directory.

    Raises
    ------
    DataError
        If the study has not been ingested, or its files are damaged.
    """
    current = canonical_dir(study, root=root) / "current"
    if not current.exists():
        raise DataError(f"Study {study} has no canonical tables yet: run `analysis ingest {study}`")
    current = current.resolve()
    manifest = Manifest.read(current / "manifest.json")
    connection = connect(settings)
    rows = manifest.rows
    if settings is not None and settings.kind == "spark":
        fit(connection, settings, rows=max(rows.values(), default=0))
    elif any(n > MOST_IN_MEMORY for name, n in rows.items() if name != NEVER_HELD):
        keep_on_disk(connection)
    tables = {name: read_parquet(connection, current / name) for name in manifest.rows}
    holders = [tables["customers"]] if "customers" in tables else []
    if (links := current / "identity" / "links.parquet").exists():
        holders.append(read_parquet(connection, links))
    personal = tuple(t.select(PERSONAL_KEY) for t in holders if PERSONAL_KEY in t.columns)
    if "customers" in tables and PERSONAL_KEY in tables["customers"].columns:
        tables["customers"] = tables["customers"].drop(PERSONAL_KEY)
    opened = Tables(connection, manifest, tables, personal)
    if kind_of(connection) == "spark" and any(current.glob("order_lines/month=*")):
        opened.months = current / "order_lines"
    return opened


def canonical_dir(study: str, *, root: Path | None = None) -> Path:
    """Return the directory that holds a study's canonical tables, version by version."""
    return (root or find_root()) / "data" / "canonical" / study


def in_memory(
    frames: dict[str, pd.DataFrame],
    *,
    settings: EngineSettings | None = None,
    **manifest_fields: Any,
) -> Tables:
    """Return canonical tables made from data frames, cast to the schema.

    Parameters
    ----------
    frames
        Canonical table name to its rows; columns as in ``schema.TABLES``.
    settings
        Engine to hold them in; DuckDB on one thread by default.
    manifest_fields
        Fields of ``Manifest``; ``study`` defaults to ``memory``.
    """
    connection = connect(settings or EngineSettings(threads=1))  # of few rows, others would wait
    tables = {
        name: _cast_to_schema(_hold(connection, name, _as_arrow(frame)), name)
        for name, frame in frames.items()
    }
    fields = {"study": "memory", "rows": {n: len(f) for n, f in frames.items()}, **manifest_fields}
    return Tables(connection, Manifest(**fields), tables)


def _hold(connection: Connection, name: str, rows: Any) -> ibis.Table:
    if kind_of(connection) == "duckdb":
        # Ibis would write three statements, a table declared and renamed, at thrice the cost.
        connection.con.register("given", rows)
        connection.con.execute(f'CREATE OR REPLACE TABLE "{name}" AS FROM given')
        connection.con.unregister("given")
        return connection.table(name)
    from pyspark.sql import SparkSession

    # Ibis would hand Spark a pandas frame, in which a missing text becomes the text NaN.
    SparkSession.active().createDataFrame(rows).createOrReplaceTempView(name)
    return connection.table(name)


def _as_arrow(frame: pd.DataFrame) -> Any:
    rows = pa.Table.from_pandas(frame, preserve_index=False)
    for i, column in enumerate(rows.schema):
        # Engines have no column of nothing, and DuckDB would make of categories a type of its own.
        if pa.types.is_null(column.type) or pa.types.is_dictionary(column.type):
            rows = rows.set_column(i, column.name, rows.column(i).cast(pa.string()))
    return rows


def _cast_to_schema(rows: ibis.Table, name: str) -> ibis.Table:
    declared = {c.name: ENGINE_TYPES[c.type] for c in TABLES[name].columns}
    return rows.cast({n: t for n, t in declared.items() if n in rows.columns})


def held(rows: ibis.Table) -> ibis.Table:
    """Return ``rows``, kept by the engine until they are no longer used."""
    return kept(rows) if kind_of(rows.get_backend()) == "spark" else rows.cache()
