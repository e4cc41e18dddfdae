"""What a cell prints, up to a bound: a page has no room for megabytes, nor has the way there."""

from __future__ import annotations

import threading
from typing import Any

from ipykernel.iostream import OutStream

#: Characters that are kept of what one cell writes to one stream.
KEPT_CHARACTERS = 20_000


class BoundedStream(OutStream):
    """A kernel's standard output, or error, that keeps the beginning of what a cell writes.

    The rest is counted nowhere and sent nowhere, so that a cell that prints without end costs no
    more than its own time; that something is missing is said where it was cut off.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._cell = ""
        self._left = KEPT_CHARACTERS
        self._counting = threading.Lock()

    def write(self, string: str) -> int:
        """Write what is within the bound, and say once where it ends."""
        if not isinstance(string, str):
            super().write(string)  # which says what is wrong with it
        with self._counting:
            kept = self._within_bound(string)
        if kept:
            super().write(kept)
        return len(string)

    def _within_bound(self, string: str) -> str:
        cell = str(self.parent_header.get("msg_id", ""))
        if cell != self._cell:
            self._cell, self._left = cell, KEPT_CHARACTERS
        if self._left < 0:
            return ""
        kept = string[: self._left]
        self._left -= len(kept)
        if len(kept) == len(string):
            return kept
        self._left = -1
        return (
            f"{kept}\n[Cut off: of what a cell prints, {KEPT_CHARACTERS:,} characters are kept.]\n"
        )
