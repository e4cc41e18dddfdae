"""The versions of a study's tables on disk: one is current, by one rename, whatever happens.

What a study's tables depend on: its files, its settings and the code that reads them.

What ingest made and finds damaged: set aside, said in a sentence, and made again.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import analysis
from analysis.errors import AnalysisError, DataError
from analysis.ingest.parts import Delivery
from analysis.ingest.request import IngestRequest
from analysis.ingest.sources import Source
from analysis.tables.manifest import Manifest, SourceFile, damage, sha256_of
from analysis.tables.spilling import is_no_room

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
    """Tell whether the files of a version are those that were written; say which are not.

    Every byte is read, for whoever edits a table may put its times back. The 40 MB of the real
    data set, 22 million rows, take 0.03 s.
    """
    wrong = damage(version.directory, thorough=True)
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


class ChangedWhileReadError(DataError):
    """A source file is no longer the one whose fingerprint was taken."""


@dataclass(frozen=True)
class Seen:
    """The source files as they were when their contents were hashed.

    Parameters
    ----------
    files
        The files with their hashes.
    paths
        Where each is, by its name.
    """

    files: tuple[SourceFile, ...]
    paths: Mapping[str, Path]

    def check(self, names: Collection[str] | None = None) -> None:
        """Raise ChangedWhileReadError if one of the files (of ``names`` alone) was written since.

        Size and both times must be as they were: a program may put back the contents and the
        modification time of a file, but not the time at which the file system noted the change.
        """
        for file in self.files:
            if names is None or file.name in names:
                _check_same(file.name, self.paths[file.name], _mark_of(file))


def take_fingerprints(source: Source, known: Manifest | None) -> Seen:
    """Hash the source files, trusting a hash whose file has kept its size and its times.

    Raises
    ------
    ChangedWhileReadError
        If a file is written while it is hashed.
    """
    before = {(f.name, *_mark_of(f)): f.sha256 for f in (known.files if known else ())}
    named = _named_files(source)
    return Seen(tuple(_hashed(name, path, before) for name, path in named), dict(named))


def _check_names(deliveries: Sequence[Delivery]) -> None:
    """Refuse two kinds of files that match one and the same file: its rows would count twice."""
    seen: dict[Path, str] = {}
    for delivery in deliveries:
        if seen.setdefault(delivery.path, delivery.origin) != delivery.origin:
            raise DataError(
                f"{delivery.name} is both {seen[delivery.path]} and {delivery.origin} in the "
                "mapping; narrow the paths"
            )


def _hashed(name: str, path: Path, before: Mapping[tuple[str, int, int, int], str]) -> SourceFile:
    try:
        mark = _mark(path)
        digest = before.get((name, *mark)) or sha256_of(path)
    except FileNotFoundError:
        raise ChangedWhileReadError(f"{name} was taken away while it was read") from None
    except OSError as error:
        raise DataError(f"{name} cannot be read: {error.strerror}") from None
    _check_same(name, path, mark)
    return SourceFile(name, mark[0], mark[1], digest, mark[2])


def _check_same(name: str, path: Path, mark: tuple[int, int, int]) -> None:
    try:
        same = _mark(path) == mark
    except OSError:
        raise ChangedWhileReadError(f"{name} was taken away while it was read") from None
    if not same:
        raise ChangedWhileReadError(f"{name} was written to while it was read")


def _mark(path: Path) -> tuple[int, int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def _mark_of(file: SourceFile) -> tuple[int, int, int]:
    return file.size, file.modified_ns, file.changed_ns


def _named_files(source: Source) -> list[tuple[str, Path]]:
    """Return the source files with the names that a person knows them by."""
    if hasattr(source, "deliveries"):
        delivered = source.deliveries()
        _check_names(delivered)
        return [(delivery.name, delivery.path) for delivery in delivered]
    return [(path.name, path) for path in source.files()]


def fingerprint_of(request: IngestRequest, source: Source, files: tuple[SourceFile, ...]) -> str:
    """Return a hash of all that the tables depend on: equal means equal tables."""
    settings = asdict(request)
    del settings["engine"]  # both engines give the same tables
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    for file in files:
        digest.update(f"{file.name}\0{file.sha256}\0".encode())
    if hasattr(source, "settings"):
        digest.update(source.settings().encode())
    if hasattr(source, "secret_label"):
        digest.update(source.secret_label().encode())
    digest.update(code_digest().encode())
    return digest.hexdigest()[:16]


def code_digest() -> str:
    """Return a hash of the code that decides what the tables hold."""
    digest = hashlib.sha256()
    for module in _ingest_code():
        digest.update(module.read_bytes())
    return digest.hexdigest()


def _ingest_code() -> list[Path]:
    """Return the modules that decide what the canonical tables hold: ingest, schema and engine."""
    package = Path(analysis.__file__).parent
    return sorted(
        [*(package / "ingest").rglob("*.py"), *(package / "tables").rglob("*.py")],
        key=lambda path: path.relative_to(package).as_posix(),
    )


#: Folder beside the versions that holds what the last ingest to find damage set aside.
DAMAGED = ".damaged"


@dataclass
class Quarantine:
    """Takes damaged files and folders of one study's home out of use, and remembers why.

    Parameters
    ----------
    home
        Directory of the study's versions and parts.
    """

    home: Path
    #: One sentence a damaged thing.
    said: list[str] = field(default_factory=list)
    _waiting: list[Path] = field(default_factory=list)
    _begun: bool = False

    def set_aside(self, path: Path, what: str, why: str) -> None:
        """Move ``path`` to the folder of damaged things at once; say what it was and why."""
        self.replace_later(path, what, why)
        self.settle()

    def replace_later(self, path: Path, what: str, why: str) -> None:
        """Say that ``path`` is damaged and leave it in place until another is made."""
        self.said.append(
            f"{what} was damaged ({why}); it was set aside in {self.home.name}/{DAMAGED} and made "
            "again from the sources"
        )
        self._waiting.append(path)

    def settle(self) -> None:
        """Move what was said to be damaged, in place of what earlier ingests had moved."""
        for path in self._waiting:
            if path.exists() or path.is_symlink():
                goal = self._folder() / path.name
                remove(goal)
                path.rename(goal)
        self._waiting.clear()

    def _folder(self) -> Path:
        folder = self.home / DAMAGED
        if not self._begun:
            remove(folder)
            folder.mkdir()
            self._begun = True
        return folder


def remove(path: Path) -> None:
    """Remove a file, a link or a whole folder; nothing if there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
