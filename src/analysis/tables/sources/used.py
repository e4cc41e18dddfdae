"""Which columns of a file a mapping uses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.tables.sources.mapped_files import FileSpec
    from analysis.tables.sources.mapping import TableSpec


def columns_used(tables: list[TableSpec], spec: FileSpec) -> tuple[str, ...]:
    """Return the names of the file's columns that ``tables`` use, each once."""
    found = [*((spec.carry.by, *spec.carry.columns) if spec.carry else ())]
    found += [spec.totals.by, *spec.totals.columns] if spec.totals else []
    found += [table.currency.column for table in tables if table.currency.column]
    found += [lookup.match for lookup in spec.lookup]
    for table in tables:
        parts: list[Any] = [*table.columns.values(), *table.identity.values()]
        parts += [d.when for d in table.drop] + [r.when for r in table.reject]
        parts += [table.returns] if table.returns else []
        for part in parts:
            found += _names(part)
    return tuple(dict.fromkeys(found))


def _names(part: Any) -> Iterator[str]:
    from pydantic import BaseModel

    for name in type(part).model_fields:
        value = getattr(part, name)
        if name == "column" and value is not None:
            yield value
        elif isinstance(value, BaseModel):
            yield from _names(value)
        elif isinstance(value, tuple):
            for each in value:
                if isinstance(each, BaseModel):
                    yield from _names(each)
