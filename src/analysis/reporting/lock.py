"""One run of a study at a time."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO

from analysis.errors import AnalysisError
from analysis.reporting.atomic import set_folder_aside


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
