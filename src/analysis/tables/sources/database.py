"""Take tables out of a database as a snapshot: read once, whole, as text, in batches.

Any database that Ibis reaches by URL will do; PostgreSQL and SQLite are tested. What is text in the
snapshot goes through the same mapping as a file, so a database and its export give equal tables.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from analysis.errors import DataError, ParamsError

if TYPE_CHECKING:
    import ibis

BATCH = 100_000


def snapshots(
    url: str, password: str | None, tables: tuple[str, ...], folder: Path
) -> Iterator[tuple[str, Path]]:
    """Yield each of ``tables`` with a Parquet file that holds it as it is now.

    Parameters
    ----------
    url
        Such as ``postgresql://reader@db.example/shop`` or ``sqlite:///data/raw/shop.db``. It must
        not hold a password: those come from the environment alone.
    password
        Password, if the database wants one.
    tables
        Names of tables or views, ``schema.table`` where needed.
    folder
        Where the snapshots are written; its old ones are removed.

    Raises
    ------
    ParamsError
        If the URL holds a password or no driver for it is installed.
    DataError
        If the database cannot be reached or has no such table.
    """
    connection = _connect(url, password)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        for name in tables:
            path = folder / f"{name}.parquet"
            _write(_table(connection, name, url), path)
            yield name, path
    finally:
        connection.disconnect()


def _connect(url: str, password: str | None) -> Any:
    import ibis

    parts = urlsplit(url)
    if parts.password is not None:
        raise ParamsError(
            "source.url holds a password; take it out and name the environment variable that has "
            "it as password_env"
        )
    try:
        if parts.scheme == "sqlite":
            return ibis.sqlite.connect(_existing(url))
        return ibis.connect(_with_password(url, password))
    except ImportError as error:
        raise ParamsError(
            f"source.url: {parts.scheme} needs a driver that is not installed ({error}); install "
            "the project with its extra [databases]"
        ) from None
    except DataError:
        raise
    except Exception as error:  # each driver raises its own kind
        first = str(error).strip().partition("\n")[0]
        raise DataError(f"{parts.scheme} database {_shown(url)}: {first}") from None


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
    import pyarrow as pa
    import pyarrow.parquet as pq

    text = rows.select(**{n: rows[n].cast("string") for n in rows.columns})
    schema = pa.schema([(name, pa.string()) for name in text.columns])
    half = path.with_suffix(".half")
    with pq.ParquetWriter(half, schema, compression="snappy") as writer:
        for batch in text.to_pyarrow_batches(chunk_size=BATCH):
            writer.write_batch(batch.cast(schema) if batch.schema != schema else batch)
    shutil.move(half, path)
