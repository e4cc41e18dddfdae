"""Adapters: one a kind of source, each turning its own files into canonical columns.

An adapter only maps. Casting, validation, the ledger and writing are ingest's, the same for all.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import ibis

from analysis.errors import ParamsError


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


@dataclass(frozen=True)
class SourceRequest:
    """What an adapter is told.

    Parameters
    ----------
    study
        Key of the study.
    options
        The ``source`` section of the params, without ``kind``.
    timezone
        Zone that canonical timestamps are local to.
    margin_rates
        Contribution margin rate by department.
    uncounted_departments
        Departments whose quantities do not count units.
    root
        Project root.
    seed
        Seed of the study.
    currency
        ISO 4217 code that money is in.
    """

    study: str
    options: Mapping[str, Any]
    timezone: str
    root: Path
    margin_rates: Mapping[str, float] = field(default_factory=dict)
    uncounted_departments: tuple[str, ...] = ()
    seed: int = 0
    currency: str = ""


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


def open_source(kind: str, request: SourceRequest) -> Source:
    """Return the adapter for ``kind``; ParamsError lists the kinds there are."""
    if kind not in _ADAPTERS:
        raise ParamsError(f"source.kind: {kind!r} is not one of {', '.join(kinds())}")
    module, name = _ADAPTERS[kind]
    factory: Callable[[SourceRequest], Source] = getattr(importlib.import_module(module), name)
    return factory(request)
