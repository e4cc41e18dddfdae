"""One delivered table in the engine, as text, its columns found by the names of its header."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from analysis.errors import DataError

if TYPE_CHECKING:
    import ibis

    from analysis.tables.sources.decimal_marks import Mark
    from analysis.tables.sources.mapped_files import FileSpec


@dataclass(frozen=True)
class Looked:
    """A kind of file that columns are looked up in.

    Parameters
    ----------
    match
        This file's column.
    rows
        ``key`` and ``l0``, ``l1`` and so on, one row a key.
    columns
        Names in the mapping, such as ``orders.Created_Time``, to columns of ``rows``.
    """

    match: str
    rows: ibis.Table
    columns: dict[str, str]


@dataclass(frozen=True)
class Staged:
    """One delivered table in the engine.

    Parameters
    ----------
    label
        Name of the file, or of the file and the sheet or member within it.
    rows
        The staged table, in the engine.
    columns
        Header to staged column.
    odd_spaces
        Some value may hold blanks other than the space.
    notes
        Sentences about how it was read.
    """

    label: str
    rows: ibis.Table
    columns: dict[str, str]
    odd_spaces: bool = True
    notes: tuple[str, ...] = ()
    #: How each column's numbers are written; None: not looked at yet.
    marks: dict[str, Mark] | None = None
    lookups: dict[str, Looked] = field(default_factory=dict)

    def column(self, name: str, spec: FileSpec) -> ibis.Value:
        """Return the column with the header ``name``, or one of its aliases, as text or typed.

        Raises
        ------
        DataError
            If the header has no such name and ``spec`` does not say that it may lack it.
        """
        import ibis

        for wanted in (name, *spec.aliases.get(name, ())):
            alike = [n for n in self.columns if n == wanted] or [
                n for n in self.columns if _plain(n) == _plain(wanted)
            ]
            if len(alike) == 1:
                return self.rows[self.columns[alike[0]]]
        if name in spec.may_lack:
            return ibis.null("string")
        raise DataError(
            f"{self.label} has no column {name!r}; its header has {', '.join(self.columns)}"
        )


def header_names(given: list[str]) -> list[str]:
    """Return unique, non-empty names: a repeated name becomes ``Name (1)``, ``Name (2)``."""
    named = [n.strip().strip("\ufeff").strip() or f"column {i}" for i, n in enumerate(given, 1)]
    total, seen, unique = Counter(named), Counter[str](), []
    for name in named:
        seen[name] += 1
        unique.append(f"{name} ({seen[name]})" if total[name] > 1 else name)
    return unique


def _plain(name: str) -> str:
    """Return a header without regard to case, blanks and underscores."""
    return " ".join(name.casefold().replace("_", " ").split())
