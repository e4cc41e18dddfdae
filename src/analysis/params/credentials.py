"""Passwords and tokens have no place in params: every run writes its params where others read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from analysis.errors import ParamsError

_WORDS = (
    r"(password|passwd|passphrase|pwd|secrets?|tokens?|credentials?"
    r"|(api|access|private|secret)_?keys?)"
)
_NAME = re.compile(rf"(^|_){_WORDS}(_|$)", re.IGNORECASE)
_QUERY = re.compile(_WORDS, re.IGNORECASE)
_ADDRESS = re.compile(r"[a-z][\w+.-]*:(//|\S*\?)", re.IGNORECASE)
#: As in ``host=db password=x``, the other form of a connection that databases take.
_PAIR = re.compile(rf"(^|[\s;]){_WORDS}\s*=\s*[^\s;]", re.IGNORECASE)


def names_secret(key: str) -> bool:
    """Tell whether a key is named like a secret; ``password_env`` names a variable instead."""
    return bool(_NAME.search(key)) and not key.endswith("_env")


def refuse_credentials(raw: Mapping[str, Any], where: str) -> None:
    """Raise ParamsError if params hold a password, a token or the like anywhere.

    Parameters
    ----------
    raw
        The params as they are written, ``--set`` applied.
    where
        Name of the file, for the message, which names the key and never the value.
    """
    for key, found in _credentials(raw, ""):
        raise ParamsError(
            f"{where}: {key} holds {found}. Params are written into every run, where others read "
            "them, so secrets come from the environment alone: take it out, and name the variable "
            "that has it as password_env"
        )


def _credentials(value: Any, key: str) -> Iterator[tuple[str, str]]:
    """Yield the keys that hold a secret, each with what it is."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            path = f"{key}.{name}" if key else str(name)
            if names_secret(str(name)) and isinstance(inner, str | int | float):
                yield path, "a secret"
            yield from _credentials(inner, path)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _credentials(inner, key)
    elif isinstance(value, str) and (found := _in_text(value)):
        yield key, found


def _in_text(text: str) -> str:
    """Return what secret a text holds, in words; empty for none."""
    if _ADDRESS.match(text):
        try:
            parts = urlsplit(text)
        except ValueError:  # no address after all, which whoever uses it will say
            return ""
        if parts.password is not None:
            return "a password"
        for name, _ in parse_qsl(parts.query, keep_blank_values=True):
            if _QUERY.search(name):
                return f"a secret ({name} in the address's query)"
    return "a secret" if _PAIR.search(text) else ""
