"""What a run was made with: code, packages, Python."""

from __future__ import annotations

import hashlib
import platform
import re
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import analysis

#: Name under which the project is installed.
DISTRIBUTION = "retail-analysis"

_NAME = re.compile(r"[A-Za-z0-9._-]+")


@cache
def sources_hash() -> str:
    """Return a hash over every file of the package: code, templates, styles."""
    package = Path(analysis.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            digest.update(f"{path.relative_to(package)}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def lock_hash(root: Path) -> str:
    """Return a hash of the lock file of the project; empty if it has none."""
    lock = root / "requirements.lock"
    return hashlib.sha256(lock.read_bytes()).hexdigest()[:16] if lock.is_file() else ""


def packages() -> dict[str, str]:
    """Return the installed version, by name, of what the project depends on directly."""
    required = (line for line in metadata.requires(DISTRIBUTION) or () if "extra ==" not in line)
    names = (match.group() for match in map(_NAME.match, required) if match)
    return {name: metadata.version(name) for name in sorted(names)}


def python_version() -> str:
    """Return the version of the running Python."""
    return platform.python_version()


def code_version(root: Path) -> dict[str, Any]:
    """Return what identifies the code: ``commit``, ``changed``, ``sources`` and ``lock``.

    ``commit`` and ``changed`` are None where there is no git or no work tree.
    """
    commit = _git(root, "rev-parse", "HEAD")
    watched = ("src", "notebooks", "params", "requirements.lock")
    changes = _git(root, "status", "--porcelain", "--", *watched) if commit else None
    return {
        "commit": commit,
        "changed": None if changes is None else bool(changes),
        "sources": sources_hash(),
        "lock": lock_hash(root),
    }


def _git(root: Path, *arguments: str) -> str | None:
    try:
        answer = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None
