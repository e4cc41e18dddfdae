"""Open a delivered file as a stream of bytes: plain, gzip or zip, never trusted, always bounded.

A file from outside may lead out of its folder, or unpack to far more than it weighs. Both are
refused before a row is read.
"""

from __future__ import annotations

import gzip
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath
from typing import Protocol

from analysis.errors import DataError, ParamsError

#: Bytes that may come out of any archive, whatever its size, before the ratio counts.
FREE_BYTES = 64 * 2**20
#: Order exports shrink ten- to fiftyfold; far more than this is no order export.
MAXIMUM_RATIO = 200
CHUNK = 4 * 2**20


class Readable(Protocol):
    """Anything that gives bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes."""
        ...


@dataclass(frozen=True)
class Member:
    """One readable file: a delivered file itself, or a file within a zip archive.

    Parameters
    ----------
    label
        Name as the user knows it, such as ``orders.zip/may.csv``.
    suffix
        Its own suffix, compression taken off: ``.csv``.
    path
        The delivered file.
    inner
        Name within the zip archive; None for a plain or gzip file.
    """

    label: str
    suffix: str
    path: Path
    inner: str | None = None

    @contextmanager
    def open(self) -> Iterator[Readable]:
        """Open the bytes, unpacked; DataError for a damaged archive or one that explodes."""
        with _reading(self.label), self.path.open("rb") as raw:
            if self.inner is not None:
                with zipfile.ZipFile(raw) as archive:
                    info = archive.getinfo(self.inner)
                    with archive.open(info) as stream:
                        yield _Bounded(stream, info.compress_size, self.label)
            elif self.path.suffix.lower() == ".gz":
                with gzip.GzipFile(fileobj=raw) as stream:
                    yield _Bounded(stream, self.path.stat().st_size, self.label)
            else:
                yield raw

    def chunks(self, size: int = CHUNK) -> Iterator[bytes]:
        """Yield the unpacked bytes, ``size`` at a time."""
        with self.open() as stream, _reading(self.label):
            while chunk := stream.read(size):
                yield chunk


def members(path: Path, label: str) -> list[Member]:
    """Return what can be read in the delivered file ``path``.

    Raises
    ------
    DataError
        If it is a zip archive that is damaged, encrypted, empty, nested, or names a path that
        leads out of it.
    """
    suffix = path.suffix.lower()
    if suffix == ".gz":
        return [Member(label, Path(path.stem).suffix.lower(), path)]
    if suffix != ".zip":
        return [Member(label, suffix, path)]
    with _reading(label), zipfile.ZipFile(path) as archive:
        infos = files_in(archive)
    for info in infos:
        _check_member(info, label)
        if [other.filename for other in infos].count(info.filename) > 1:
            raise DataError(f"{label} holds {info.filename!r} twice; which is meant?")
    kept = [info for info in infos if not _is_clutter(info.filename)]
    if not kept:
        raise DataError(f"{label} holds no file")
    return [
        Member(f"{label}/{info.filename}", Path(info.filename).suffix.lower(), path, info.filename)
        for info in sorted(kept, key=lambda info: natural_order(info.filename))
    ]


def files_in(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return the members of a zip archive that are no folders."""
    # ZipInfo.is_dir of Python 3.11 fails for a member without a name.
    return [info for info in archive.infolist() if not info.filename.endswith("/")]


def find(folder: Path, patterns: tuple[str, ...]) -> list[Path]:
    """Return the files in ``folder`` that match any of ``patterns``, sorted by name.

    Numbers in names count as numbers: ``orders_9`` comes before ``orders_10``, which is the later.

    Raises
    ------
    ParamsError
        If a pattern is absolute or holds ``..``.
    DataError
        If a match is a symbolic link or lies behind one: what it points to could change or lie
        anywhere.
    """
    found: set[Path] = set()
    for pattern in patterns:
        parts = PurePosixPath(pattern).parts
        if ".." in parts or PurePosixPath(pattern).is_absolute():
            raise ParamsError(f"paths: {pattern!r} leads out of the source's folder")
        found.update(p for p in _matches(folder, pattern) if p.is_file() or p.is_symlink())
    for path in found:
        _refuse_foreign_name(path, folder)
        _refuse_link(path, folder)
    return sorted(found, key=natural_order)


def natural_order(path: PurePath | str) -> list[tuple[bool, int, str]]:
    """Return what sorts a name as a person would, runs of digits by their value."""
    parts = re.split(r"(\d+)", str(path))
    return [(p.isdecimal(), int(p) if p.isdecimal() else 0, p) for p in parts]


def _matches(folder: Path, pattern: str) -> list[Path]:
    """Return what ``pattern`` names: a file by its own name, brackets and all, or those it fits."""
    try:
        if (folder / pattern).is_file():
            return [folder / pattern]
        return list(folder.glob(pattern))
    except (ValueError, IndexError, OSError, NotImplementedError) as error:
        raise ParamsError(f"paths: {pattern!r} names no files ({error})") from None


def _refuse_foreign_name(path: Path, folder: Path) -> None:
    """Refuse a name of bytes that are no UTF-8: it could not be written into any report."""
    name = os.fsencode(path.relative_to(folder))
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:
        shown = name.decode("utf-8", "backslashreplace")
        raise DataError(f"the name of {shown} is not valid UTF-8; rename the file") from None


def _refuse_link(path: Path, folder: Path) -> None:
    steps = [path, *path.parents]
    for step in steps[: steps.index(folder)]:
        if step.is_symlink():
            raise DataError(
                f"{path.relative_to(folder)} is or lies behind a symbolic link; put the file "
                "itself into the folder"
            )


def _check_member(info: zipfile.ZipInfo, label: str) -> None:
    name = PurePosixPath(info.filename.replace("\\", "/"))
    if not name.parts:
        raise DataError(f"{label} holds {info.filename!r}, which is no name of a file")
    if ".." in name.parts or name.is_absolute() or ":" in name.parts[0]:
        raise DataError(f"{label} holds {info.filename!r}, which leads out of the archive")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise DataError(f"{label} holds {info.filename!r}, which is a symbolic link")
    if info.flag_bits & 0x1:
        raise DataError(f"{label} is encrypted; unpack it and deliver the files")
    if name.suffix.lower() in {".zip", ".gz"}:
        raise DataError(f"{label} holds {info.filename!r}, an archive in an archive; unpack it")


def _is_clutter(name: str) -> bool:
    return name.startswith("__MACOSX/") or PurePosixPath(name).name in {".DS_Store", "Thumbs.db"}


@contextmanager
def _reading(label: str) -> Iterator[None]:
    try:
        yield
    except EOFError:
        raise DataError(f"{label} ends in mid-file: it was cut off; deliver it again") from None
    except (gzip.BadGzipFile, zlib.error, zipfile.BadZipFile, NotImplementedError) as error:
        raise DataError(f"{label} is damaged ({error}); deliver it again") from None


class _Bounded:
    """A stream that refuses to give much more than its archive weighs."""

    def __init__(self, stream: Readable, packed: int, label: str) -> None:
        self._stream = stream
        self._limit = max(FREE_BYTES, packed * MAXIMUM_RATIO)
        self._label = label
        self._given = 0

    def read(self, size: int = -1, /) -> bytes:
        chunk = self._stream.read(CHUNK if size < 0 else size)
        self._given += len(chunk)
        if self._given > self._limit:
            raise DataError(
                f"{self._label} unpacks to more than {self._limit // 2**20:,} MB, over "
                f"{MAXIMUM_RATIO} times its size; it is refused as an archive bomb"
            )
        return chunk
