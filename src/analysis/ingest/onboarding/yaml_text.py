"""Texts as YAML takes them, for files that a person goes on editing."""

from __future__ import annotations

import re
from collections.abc import Iterable


def quoted(text: str) -> str:
    """Return a text as YAML takes it, in quotes only where it needs them."""
    if re.fullmatch(r"[A-Za-z][\w ]*\w|\w", text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def single(text: str) -> str:
    """Return a text in single quotes, in which backslashes stay what they are."""
    return "'" + text.replace("'", "''") + "'"


def listed(words: Iterable[str]) -> str:
    """Return texts as a YAML list."""
    return "[" + ", ".join(f'"{_escaped(w)}"' for w in words) + "]"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
