"""Records of earlier runs, read with every field checked: what was damaged is said, not met later.

A record is a frozen dataclass written as JSON. One that matters as evidence carries a seal, a hash
over its content, so that an edit is seen.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, TypeVar

from analysis.errors import AnalysisError

#: Key of a record's seal.
SEAL = "seal"

Record = TypeVar("Record")

_ADAPTERS: dict[Any, Any] = {}

#: What goes wrong while a damaged record is read.
_DAMAGE = (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError)


def read_record(kind: type[Record], path: Path, what: str) -> Record:
    """Return the record in ``path``, every field of the type that ``kind`` declares.

    Parameters
    ----------
    kind
        The dataclass; keys of the file that it does not know are passed over.
    path
        The JSON file.
    what
        What it should be, for the error.

    Raises
    ------
    AnalysisError
        If the file is missing or damaged.
    """
    try:
        found: Record = _adapter(kind).validate_json(path.read_bytes())
        return found
    except (*_DAMAGE, AnalysisError) as error:
        raise AnalysisError(f"{path} is not {what} ({_brief(error)})") from error


def _adapter(kind: Any) -> Any:
    """Return what checks the fields of ``kind``; making it takes longer than using it."""
    from pydantic import TypeAdapter

    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def sealed(content: dict[str, Any]) -> dict[str, Any]:
    """Return ``content`` with a seal: a hash over all of it."""
    return {**content, SEAL: _hash(content)}


def is_sealed(path: Path) -> bool:
    """Tell whether the record in ``path`` is the one that was sealed."""
    try:
        content = json.loads(path.read_bytes())
        return bool(content.pop(SEAL) == _hash(content))
    except _DAMAGE:
        return False


def _hash(content: dict[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _brief(error: Exception) -> str:
    """Return what is wrong in one line; of many wrong fields, the first."""
    from pydantic import ValidationError

    if isinstance(error, ValidationError):
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return f"{where}: {first['msg']}" if where else str(first["msg"])
    return " ".join(str(error).split())[:200] or type(error).__name__
