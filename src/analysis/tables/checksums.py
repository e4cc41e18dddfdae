"""Checksums of what ingest wrote, so that a file damaged or replaced since is found by name.

A file that kept its size and modification time is trusted; of any other, and of all where the
check is thorough, the bytes are hashed again.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

#: The file beside the others that holds their checksums.
CHECKSUMS = "checksums.json"


@dataclass(frozen=True)
class Checksum:
    """Size in bytes, modification time in nanoseconds and SHA-256 of one file."""

    size: int
    modified_ns: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> Checksum:
        """Read the file and return its checksum."""
        stat = path.stat()
        return cls(stat.st_size, stat.st_mtime_ns, sha256_of(path))

    def problem(self, path: Path, *, thorough: bool = False) -> str:
        """Return what is wrong with the file, which has this checksum; empty if nothing is."""
        try:
            stat = path.stat()
            if stat.st_size == self.size and (thorough or stat.st_mtime_ns != self.modified_ns):
                changed = sha256_of(path) != self.sha256
            else:
                changed = stat.st_size != self.size
        except OSError:
            return "is missing or cannot be read"
        return "holds other bytes than were written" if changed else ""


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_checksums(folder: Path) -> None:
    """Write the checksums of every file below ``folder`` beside them."""
    found = {
        str(path.relative_to(folder)): asdict(Checksum.of(path))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != CHECKSUMS
    }
    text = json.dumps(found, ensure_ascii=False, indent=1)
    (folder / CHECKSUMS).write_text(text + "\n", "utf-8")


def damage(folder: Path, *, thorough: bool = False) -> str:
    """Return what is wrong with the files below ``folder``, in words; empty if nothing is.

    Parameters
    ----------
    folder
        A folder whose checksums were written.
    thorough
        Hash the bytes of every file, those of unchanged size and time as well.
    """
    try:
        raw = json.loads((folder / CHECKSUMS).read_text("utf-8"))
        known = {name: Checksum(**each) for name, each in raw.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return f"{CHECKSUMS} cannot be read"
    wrong = ((name, each.problem(folder / name, thorough=thorough)) for name, each in known.items())
    return next((f"{name} {why}" for name, why in wrong if why), "")
