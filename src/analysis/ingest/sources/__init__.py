"""Adapters: one a kind of source, each turning its own files into canonical columns.

An adapter only maps. Casting, validation, the ledger and writing are ingest's, the same for all.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import ibis

from analysis.errors import ParamsError
from analysis.ingest.request import IngestRequest


@dataclass(frozen=True)
class Feed:
    """The rows of one source file on their way into one canonical table.

    Parameters
    ----------
    table
        Canonical table.
    source
        Name of the file as the user knows it.
    rows
        Canonical columns in any type that casts to the schema, and two more: ``source_key``
        (string that finds the row in its file) and, where the adapter leaves rows out by a
        named rule, ``dropped_by`` (name of the rule, null to keep).
    """

    table: str
    source: str
    rows: ibis.Table


class Source(Protocol):
    """What ingest needs of an adapter."""

    #: Sentences about the source that every reader should know.
    notes: tuple[str, ...]
    #: The rows come from a simulator.
    simulated: bool

    def files(self) -> Iterable[Path]:
        """Return every file that is read; DataError names one that is missing."""
        ...

    def feeds(self, connection: Any) -> Iterable[Feed]:
        """Return the feeds, their tables opened in ``connection``."""
        ...


_ADAPTERS = {
    "complete_journey": ("analysis.ingest.sources.complete_journey", "CompleteJourney"),
    "database": ("analysis.ingest.sources.files", "Files"),
    "files": ("analysis.ingest.sources.files", "Files"),
    "simulated": ("analysis.ingest.sources.simulated", "Simulated"),
}


def kinds() -> tuple[str, ...]:
    """Return the kinds of source there are."""
    return tuple(sorted(_ADAPTERS))


def open_source(request: IngestRequest, root: Path) -> Source:
    """Return the adapter for a request's source; ParamsError lists the kinds there are."""
    kind = str(request.source.get("kind"))
    if kind not in _ADAPTERS:
        raise ParamsError(f"source.kind: {kind!r} is not one of {', '.join(kinds())}")
    module, name = _ADAPTERS[kind]
    factory: Callable[[IngestRequest, Path], Source] = getattr(
        importlib.import_module(module), name
    )
    return factory(request, root)
