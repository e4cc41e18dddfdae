"""Where an engine puts what does not fit into memory: a private folder, gone with its process.

DuckDB gives its spill files the same names in every engine, so two engines that spill into one
folder overwrite each other's rows and go on with wrong ones. Each process therefore has a folder
of its own (mode 0700), and each of its engines a path of its own within it.

A file that processes share; and what is said where memory, the disk or a file fails.
"""

from __future__ import annotations

import atexit
import errno
import fcntl
import functools
import itertools
import os
import shutil
import stat
import tempfile
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.errors import AnalysisError, DataError

if TYPE_CHECKING:
    import ibis

PREFIX = "analysis-spill-"

#: A study with a larger table keeps its held rows on disk, compressed, rather than as they are.
MOST_IN_MEMORY = 20_000_000
#: A table of which no analysis holds more than a small part, however many rows it has.
NEVER_HELD = "placements"

_numbers = itertools.count()


def spill_path() -> Path:
    """Return a path for one engine's spill files; nobody else is given it, and it is not made.

    It lies in the folder of this process in the temporary directory, which is removed when the
    process ends. What killed processes of the same user left behind is removed on the way.
    """
    return _folder_of(os.getpid()) / f"engine-{next(_numbers)}"


@functools.cache  # by process: a forked one must not share its parent's
def _folder_of(pid: int) -> Path:
    remove_leftovers()
    folder = _locked_folder()
    atexit.register(_remove_own, folder, pid)
    return folder


def _locked_folder() -> Path:
    """Return a new folder whose lock this process holds until it ends, however it ends.

    The lock also keeps the system's own cleaning of old temporary files away
    (systemd-tmpfiles(8)).
    """
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))  # mode 0700
        try:
            held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:  # another process took it for a leftover before it was locked
            continue
        fcntl.flock(held, fcntl.LOCK_EX)
        if folder.exists():
            return folder
        os.close(held)


def _remove_own(folder: Path, pid: int) -> None:
    if os.getpid() == pid:
        shutil.rmtree(folder, ignore_errors=True)


def remove_leftovers() -> None:
    """Remove the spill folders of this user whose processes have ended."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):  # another user's, in use, or removed by somebody else just now
            _remove_unheld(folder)


def _remove_unheld(folder: Path) -> None:
    """Remove ``folder`` if it is this user's and no process holds it; OSError if one does."""
    found = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        owner = os.fstat(found)
        if owner.st_uid != os.getuid() or stat.S_IMODE(owner.st_mode) != stat.S_IRWXU:
            return
        fcntl.flock(found, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(found)


@contextmanager
def alone(path: Path) -> Iterator[Path | None]:
    """Give the first process that asks a path to write to, renamed to ``path`` when it has.

    The others wait meanwhile, and get None. Where the first fails, the next one is given it.
    """
    path.parent.mkdir(exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        unfinished = None if path.exists() else path.with_suffix(".part")
        yield unfinished
        if unfinished is not None:
            unfinished.replace(path)


def keep_on_disk(connection: Any) -> None:
    """Have DuckDB put held rows into a compressed file: there they take a tenth of the room.

    In memory, and spilled from it, a hundred million lines with their names are 20 GB.
    """
    path = str(spill_path().with_suffix(".duckdb")).replace("'", "''")
    connection.raw_sql(f"attach '{path}' as kept (storage_version 'latest')")  # packs texts better
    keep_in(connection, "kept.main")


def keep_in(connection: Any, database: str | None) -> None:
    """Have DuckDB keep held rows in ``database``, and drop them between questions only.

    Any thread may be the one in which Python finds that rows are no longer used, in the midst of
    a question that another asks; a drop would end that question with an error.
    """
    import duckdb  # importing it starts a thread, which the warm process must not have

    unused: list[str] = []
    asks, alive = threading.get_ident(), weakref.ref(connection)  # held, it would never be closed

    def drop(*names: str) -> None:
        unused.extend(names)
        with suppress(duckdb.ConnectionException):  # closed, and what was held went with it
            while unused and threading.get_ident() == asks and (engine := alive()) is not None:
                engine.drop_table(unused.pop(), database=database, force=True)

    def create(name: str, rows: ibis.Table) -> ibis.Table:
        drop()
        engine = alive()
        assert engine is not None  # it asks for the table
        where: dict[str, Any] = {"database": database} if database else {"temp": True}
        return engine.create_table(name, rows, schema=rows.schema(), **where)

    connection._create_cached_table, connection._drop_cached_table = create, drop


#: How DuckDB and Spark say that there is no room.
_NO_ROOM = ("No space left", "File too large", "not enough disk space", "Out of disk space")


def is_no_room(error: BaseException) -> bool:
    """Tell whether an error means that the disk is full, whichever layer noticed it."""
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EFBIG)
    return full or any(words in str(error) for words in _NO_ROOM)


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn what the engine raises while ``name`` is read into one sentence.

    Raises
    ------
    DataError
        If the file cannot be read, such as for a damaged page.
    AnalysisError
        If the engine may not have the memory that it needs.
    """
    import duckdb  # importing it starts a thread, which the warm process must not have
    from ibis.common.exceptions import IbisError

    try:
        yield
    except (duckdb.Error, IbisError) as error:
        if is_no_room(error):
            raise
        if isinstance(error, duckdb.OutOfMemoryException):
            raise AnalysisError(
                f"{name} needs more memory than the engine may use; raise engine: memory: in the "
                "params"
            ) from error
        said = " ".join(str(error).strip().partition("\n")[0].split())
        raise DataError(f"{name} cannot be read: {said}") from error
