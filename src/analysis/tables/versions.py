"""The versions of a study's tables on disk: one is current, by one rename, whatever happens."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from analysis.errors import AnalysisError
from analysis.tables.manifest import Manifest

KEPT_VERSIONS = 2


def current_manifest(home: Path) -> Manifest | None:
    """Return the manifest of the current version; None if there is none."""
    path = home / "current" / "manifest.json"
    return Manifest.read(path) if path.exists() else None


def publish(staging: Path, home: Path, fingerprint: str) -> None:
    """Make what was staged the current version and remove versions that nobody reads any more."""
    version = home / f"{fingerprint}-{time.time_ns():x}"
    staging.rename(version)
    link = home / f".current-{os.getpid()}"
    link.symlink_to(version.name)
    link.replace(home / "current")
    versions = sorted(
        (p for p in home.iterdir() if p.is_dir() and not p.is_symlink() and p.name[0] != "."),
        key=lambda p: p.name.rpartition("-")[2],
    )
    for old in versions[:-KEPT_VERSIONS]:
        shutil.rmtree(old)


def remove_leftovers(home: Path) -> None:
    """Remove what a killed ingest left behind."""
    for leftover in home.glob(".staging-*"):
        shutil.rmtree(leftover)
    for link in home.glob(".current-*"):
        link.unlink()


@contextlib.contextmanager
def locked(home: Path) -> Iterator[None]:
    """Keep a second ingest of the study out; AnalysisError if one is going on."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / ".lock").open("a+") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AnalysisError(
                f"{home.name} is being ingested by another process; wait for it to end"
            ) from None
        yield


#: How DuckDB and Spark say that there is no room.
_NO_ROOM = ("No space left", "File too large", "not enough disk space", "Out of disk space")


@contextlib.contextmanager
def disk_errors(home: Path) -> Iterator[None]:
    """Turn a full disk into one sentence, whichever layer noticed it."""
    try:
        yield
    except Exception as error:
        full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EFBIG)
        if full or any(words in str(error) for words in _NO_ROOM):
            free = shutil.disk_usage(home).free // 2**20
            raise AnalysisError(
                f"The disk is full or a file may not grow ({free} MB free at {home}); nothing was "
                "published. Make room and run again"
            ) from error
        raise
