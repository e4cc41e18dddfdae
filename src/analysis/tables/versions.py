"""The versions of a study's tables on disk: one is current, by one rename, whatever happens."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from analysis.errors import AnalysisError, DataError
from analysis.tables.checksums import damage
from analysis.tables.engine_errors import is_no_room
from analysis.tables.manifest import Manifest
from analysis.tables.quarantine import Quarantine, remove

KEPT_VERSIONS = 2
MANIFEST = "manifest.json"
_WHAT = "the current version of the tables"


@dataclass(frozen=True)
class Version:
    """A version of the tables on disk, with its manifest."""

    directory: Path
    manifest: Manifest


def current_version(home: Path, quarantine: Quarantine) -> Version | None:
    """Return the current version; None, and said, if there is none or its manifest is damaged."""
    link = home / "current"
    if link.is_symlink() and not link.is_dir():
        quarantine.set_aside(link, _WHAT, "what current points to is gone")
    elif link.is_dir() and not link.is_symlink():
        _link_again(home, link)  # a copy of a project may have folders for links
    elif link.exists() and not link.is_dir():
        quarantine.set_aside(link, _WHAT, "current is a file")
    if not link.exists():
        return None
    directory = link.resolve()
    try:
        return Version(directory, Manifest.read(directory / MANIFEST))
    except DataError:
        quarantine.replace_later(directory, _WHAT, f"{MANIFEST} cannot be read")
        return None


def is_sound(version: Version, quarantine: Quarantine) -> bool:
    """Tell whether the files of a version are those that were written; say which are not."""
    wrong = damage(version.directory)
    if wrong:
        quarantine.replace_later(version.directory, _WHAT, wrong)
    return not wrong


def _link_again(home: Path, folder: Path) -> None:
    version = home / f"copied-{time.time_ns():x}"
    folder.rename(version)
    _point(home, version)


def _point(home: Path, version: Path) -> None:
    link = home / f".current-{os.getpid()}"
    link.symlink_to(version.name)
    link.replace(home / "current")


def publish(staging: Path, home: Path, fingerprint: str) -> None:
    """Make what was staged the current version and remove versions that nobody reads any more."""
    version = home / f"{fingerprint}-{time.time_ns():x}"
    staging.rename(version)
    _point(home, version)
    versions = sorted(
        (p for p in home.iterdir() if p.is_dir() and not p.is_symlink() and p.name[0] != "."),
        key=lambda p: p.name.rpartition("-")[2],
    )
    for old in versions[:-KEPT_VERSIONS]:
        shutil.rmtree(old)


def remove_leftovers(home: Path) -> None:
    """Remove what a killed ingest left behind."""
    for leftover in (*home.glob(".staging-*"), *home.glob(".current-*")):
        remove(leftover)


@contextlib.contextmanager
def locked(home: Path) -> Iterator[None]:
    """Keep a second ingest of the study out; AnalysisError if one is going on."""
    if home.exists() and not home.is_dir():
        raise DataError(f"{home} is a file where the tables of {home.name} belong; move it away")
    home.mkdir(parents=True, exist_ok=True)
    if (home / ".lock").is_dir():
        remove(home / ".lock")
    with (home / ".lock").open("a+") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AnalysisError(
                f"{home.name} is being ingested by another process; wait for it to end"
            ) from None
        yield


@contextlib.contextmanager
def disk_errors(home: Path) -> Iterator[None]:
    """Turn a full disk into one sentence, whichever layer noticed it."""
    try:
        yield
    except Exception as error:
        if is_no_room(error):
            free = shutil.disk_usage(home).free // 2**20
            raise AnalysisError(
                f"The disk is full or a file may not grow ({free} MB free at {home}); nothing was "
                "published. Make room and run again"
            ) from error
        raise
