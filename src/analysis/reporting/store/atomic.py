"""Write a file whole or not at all, and say clearly when the disk will not have it.

One run of a study at a time.
"""

from __future__ import annotations

import errno
import fcntl
import itertools
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from analysis.errors import AnalysisError


def write_text(path: Path, text: str) -> None:
    """Write ``text`` beside ``path`` and rename it there, so that nobody sees half of it."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    """Write ``content`` as readable JSON, whole or not at all."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def set_folder_aside(path: Path) -> str:
    """Rename the folder that stands where a file or a link belongs; return what was done.

    A copy of a project may have folders for links. The folder is kept, out of sight, under a name
    that no other has; the sentence is empty where nothing stood in the way.
    """
    if path.is_symlink() or not path.is_dir():
        return ""
    names = (path.with_name(f".aside-{number}-{path.name}") for number in itertools.count(1))
    goal = next(name for name in names if not os.path.lexists(name))
    path.rename(goal)
    return f"{path} was a folder where none belongs; it was set aside as {goal.name}"


#: What the file system says when it will not have a file, rather than when a program is wrong.
_REFUSALS = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.EIO,
    errno.ENOTDIR,
}


@contextmanager
def disk_errors(directory: Path) -> Iterator[None]:
    """Turn a full or unwritable disk into one sentence about ``directory``."""
    try:
        yield
    except OSError as error:
        if error.errno not in _REFUSALS:
            raise
        raise AnalysisError(
            f"Cannot write to {error.filename or directory}: {error.strerror}. Nothing was "
            "published, and earlier runs are as they were; mend this and run again"
        ) from error


class LockedError(AnalysisError):
    """Another process is working on the study."""


@contextmanager
def hold(path: Path, *, purpose: str, now: datetime) -> Iterator[None]:
    """Hold the lock file ``path``, or refuse.

    The system frees the lock when its holder ends, however it ends, so a file that a killed run
    left behind stops nobody.

    Parameters
    ----------
    path
        The lock file; made if it is missing.
    purpose
        What the lock is for, as in "run of complete_journey".
    now
        The time to write into it.

    Raises
    ------
    LockedError
        Naming the process that holds it, and since when.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    set_folder_aside(path)
    with path.open("a+", encoding="utf-8") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockedError(_refusal(stream, purpose)) from None
        stream.seek(0)
        stream.truncate()
        note = {"pid": os.getpid(), "purpose": purpose, "since": f"{now:%Y-%m-%d %H:%M:%S} UTC"}
        json.dump(note, stream)
        stream.flush()
        yield


def _refusal(stream: IO[str], purpose: str) -> str:
    stream.seek(0)
    try:
        note = json.load(stream)
        holder = (
            f"{note['purpose']} (process {note['pid']}) has been going on since {note['since']}"
        )
    except (ValueError, KeyError):  # it is being written at this very moment
        holder = "another one has just started"
    return f"Cannot start the {purpose}: {holder}. Wait for it to end, or stop it, and try again"
