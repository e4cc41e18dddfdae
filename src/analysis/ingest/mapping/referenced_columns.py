"""The columns of a file that a mapping's values are made of, and what each is read as."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from analysis.ingest.mapping.arithmetic import ARITHMETIC
from analysis.tables.schema import TABLES, ColumnType

if TYPE_CHECKING:
    from analysis.ingest.mapping.value_mapping import Value


def leaf_key(value: Value, kind: ColumnType) -> str:
    """Return what is the same for two uses of a column that read it alike."""
    return f"{kind} {value.model_dump_json(exclude_defaults=True, exclude={'negate'})}"


def leaves(value: Value, kind: ColumnType) -> Iterator[tuple[Value, ColumnType]]:
    """Yield the parts of ``value`` that are columns of the file, with what each is read as."""
    if value.column is not None:
        yield value, kind
    for verb in ("first", "join", *ARITHMETIC):
        inner: ColumnType = "string" if verb == "join" else "number" if verb in ARITHMETIC else kind
        for part in getattr(value, verb) or ():
            yield from leaves(part, inner)
    for branch in (value.then, value.otherwise):
        if branch is not None:
            yield from leaves(branch, kind)


def kind_of(name: str, table: str) -> ColumnType:
    """Return the type of a canonical column; one that a study adds is a text."""
    return next((c.type for c in TABLES[table].columns if c.name == name), "string")
