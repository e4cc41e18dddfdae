"""Take tables out of a database as text, in batches: whole, or what is new above a watermark.

Any database that Ibis reaches by URL will do; PostgreSQL and SQLite are tested. What is text in the
snapshot goes through the same mapping as a file, so a database and its export give equal tables.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import ibis
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.errors import DataError, ParamsError
from analysis.tables.manifest import Checksum
from analysis.tables.spilling import spill_path

BATCH = 100_000


@dataclass(frozen=True)
class Wanted:
    """What to take out of a database.

    Parameters
    ----------
    tables
        Names of tables or views, ``schema.table`` where needed.
    watermark
        A column that grows with every new row, such as an id or the time of writing; None takes
        the tables whole each time.
    """

    tables: tuple[str, ...]
    watermark: str | None = None


@dataclass(frozen=True)
class _Read:
    """A part of a table that was read: the highest mark in it, and the checksum of its file."""

    mark: str
    checksum: Checksum


def snapshots(
    url: str,
    password: str | None,
    wanted: Wanted,
    folder: Path,
    *,
    say: Callable[[str], None] | None = None,
) -> Iterator[tuple[str, Path]]:
    """Yield Parquet files that hold the tables, each with the name of its table or its part.

    Without a watermark a table is one file, written anew each time. With one, what was read
    before stays as it is, and rows above the highest mark so far become one more file.

    Parameters
    ----------
    url
        Such as ``postgresql://reader@db.example/shop`` or ``sqlite:///data/raw/shop.db``. It must
        not hold a password: those come from the environment alone.
    password
        Password, if the database wants one.
    wanted
        The tables.
    folder
        Where the files are written.
    say
        Told, in a sentence, what was found damaged of earlier files and is read again.

    Raises
    ------
    ParamsError
        If the URL holds a password or no driver for it is installed.
    DataError
        If the database cannot be reached, has no such table, or a table has no such watermark.
    """
    connection = _connect(url, password)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        for name in wanted.tables:
            rows = _table(connection, name, url)
            if wanted.watermark is None:
                path = folder / f"{name}.parquet"
                _write(rows, path)
                yield name, path
            else:
                yield from _grown(rows, name, wanted.watermark, folder, say or _silent)
    finally:
        connection.disconnect()


def _grown(
    rows: ibis.Table, name: str, watermark: str, folder: Path, say: Callable[[str], None]
) -> Iterator[tuple[str, Path]]:
    """Add the rows above the highest mark read so far, and yield all that was read."""
    if watermark not in rows.columns:
        raise DataError(
            f"{name} has no column {watermark!r}, which the mapping names as its watermark; it "
            f"has {', '.join(rows.columns)}"
        )
    marks = folder / f"{name}.{watermark}.marks.json"
    seen, wrong = _read_before(marks, folder, name)
    if wrong:
        say(f"what was read of {name} before was damaged ({wrong}); it was read again as a whole")
    column = rows[watermark]
    without = int(column.isnull().sum().fill_null(0).to_pyarrow().as_py())
    if without:
        raise DataError(
            f"{without:,} rows of {name} have no {watermark}, so they would never be read; name a "
            "watermark that every row has, or leave it out"
        )
    top = column.max().cast("string").to_pyarrow().as_py()
    if top is not None and (not seen or top != seen[-1].mark):
        new = rows.filter(column <= _like(top, column))
        if seen:
            new = new.filter(column > _like(seen[-1].mark, column))
        path = _part(folder, name, len(seen))
        _write(new, path)
        seen.append(_Read(top, Checksum.of(path)))
        half = marks.with_suffix(".half")
        half.write_text(json.dumps([asdict(each) for each in seen]), "utf-8")
        half.replace(marks)
    if not seen:
        _write(rows, _part(folder, name, 0))
        yield name, _part(folder, name, 0)
    for number, each in enumerate(seen):
        yield f"{name} up to {watermark} {each.mark}", _part(folder, name, number)


def _silent(_sentence: str) -> None:
    """Tell nobody."""


def _read_before(marks: Path, folder: Path, name: str) -> tuple[list[_Read], str]:
    """Return what was read before, and what is wrong with it: then nothing counts as read."""
    if not marks.exists():
        return [], ""
    try:
        raw = json.loads(marks.read_text("utf-8"))
        seen = [_Read(each["mark"], Checksum(**each["checksum"])) for each in raw]
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return [], f"{marks.name} cannot be read"
    for number, each in enumerate(seen):
        path = _part(folder, name, number)
        if problem := each.checksum.problem(path):
            return [], f"{path.name} {problem}"
    return seen, ""


def _part(folder: Path, name: str, number: int) -> Path:
    return folder / f"{name}+{number:05}.parquet"


def _like(mark: str, column: ibis.Column) -> ibis.Value:
    """Return a mark, kept as text, in the type of its column."""
    return ibis.literal(mark).cast(column.type())


def _connect(url: str, password: str | None) -> Any:
    parts = urlsplit(url)
    if parts.password is not None:
        raise ParamsError(
            "source.url holds a password; take it out and name the environment variable that has "
            "it as password_env"
        )
    try:
        if parts.scheme == "sqlite":
            return ibis.sqlite.connect(_existing(url))
        connection = ibis.connect(_with_password(url, password))
        if connection.name == "duckdb":
            folder = str(spill_path()).replace("'", "''")
            connection.raw_sql(f"SET temp_directory = '{folder}'")
        return connection
    except ImportError as error:
        raise ParamsError(
            f"source.url: {parts.scheme} needs a driver that is not installed ({error}); install "
            "the project with its extra [databases]"
        ) from None
    except DataError:
        raise
    except Exception as error:  # each driver raises its own kind
        first = _without(password, str(error).strip().partition("\n")[0])
        raise DataError(f"{parts.scheme} database {_shown(url)}: {first}") from None


def _without(password: str | None, text: str) -> str:
    """Return a driver's message without the password, however the driver quotes it."""
    from urllib.parse import quote

    for form in (quote(password, safe=""), password) if password else ():
        text = text.replace(form, "***")
    return text


def _existing(url: str) -> Path:
    path = Path(urlsplit(url).path.removeprefix("/"))
    path = path if path.exists() else Path(urlsplit(url).path)
    if not path.is_file():
        raise DataError(f"the SQLite database {urlsplit(url).path} does not exist")
    return path


def _with_password(url: str, password: str | None) -> str:
    if password is None:
        return url
    from urllib.parse import quote

    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}{at}{host}"))


def _shown(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname or ''}{parts.path}"


def _table(connection: Any, name: str, url: str) -> ibis.Table:
    schema, _, table = name.rpartition(".")
    try:
        return connection.table(table, database=schema or None)
    except Exception as error:  # each driver raises its own kind
        known = ", ".join(sorted(connection.list_tables())[:20]) or "none"
        raise DataError(
            f"the database {_shown(url)} has no table {name}; it has {known}"
        ) from error


def _write(rows: ibis.Table, path: Path) -> None:
    """Write ``rows`` as text, batch by batch, and put the file in place when it is whole."""
    text = rows.select(**{n: rows[n].cast("string") for n in rows.columns})
    schema = pa.schema([(name, pa.string()) for name in text.columns])
    half = path.with_suffix(".half")
    with pq.ParquetWriter(half, schema, compression="snappy") as writer:
        for batch in text.to_pyarrow_batches(chunk_size=BATCH):
            writer.write_batch(batch.cast(schema) if batch.schema != schema else batch)
    shutil.move(half, path)
