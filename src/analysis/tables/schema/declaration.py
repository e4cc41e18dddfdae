"""What a canonical table and its columns are declared by: types, rules, keys, references."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

ColumnType = Literal["string", "timestamp", "date", "money", "number", "integer", "boolean"]

#: Engine types by declared type. Money is exact, so sums do not depend on thread order.
ENGINE_TYPES: dict[ColumnType, str] = {
    "string": "string",
    "timestamp": "timestamp(6)",
    "date": "date",
    "money": "decimal(18, 2)",
    "number": "float64",
    "integer": "int64",
    "boolean": "boolean",
}


@dataclass(frozen=True)
class Column:
    """One column of a canonical table.

    Parameters
    ----------
    name
        Column name.
    type
        One of ``ColumnType``; see ``ENGINE_TYPES`` for what the engine stores.
    doc
        What the column means, with its unit.
    required
        The column must exist. An optional column may be absent as a whole.
    nullable
        Single values may be missing.
    minimum
        Smallest value allowed, for numbers and money.
    allowed
        The only values allowed, for strings.
    """

    name: str
    type: ColumnType
    doc: str
    required: bool = True
    nullable: bool = False
    minimum: float | None = None
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """One canonical table.

    Parameters
    ----------
    name
        Table name, as in ``tables.order_lines``.
    one_row
        What one row stands for.
    columns
        The columns, key columns first.
    key
        Columns that identify a row; empty where several equal rows are legitimate.
    references
        Column to table: a value found nowhere there is counted as unmatched, not rejected.
    open_columns
        Further columns are kept as they come (demographic attributes).
    """

    name: str
    one_row: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    references: dict[str, str] = field(default_factory=dict)
    open_columns: bool = False

    def column(self, name: str) -> Column:
        """Return the declared column ``name``; KeyError if there is none."""
        return next(c for c in self.columns if c.name == name)

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns that must exist."""
        return tuple(c.name for c in self.columns if c.required)

    @property
    def time(self) -> str:
        """Name of the column that says when, in every row; empty if there is none."""
        times = (c for c in self.columns if c.type in {"timestamp", "date"})
        return next((c.name for c in times if c.required and not c.nullable), "")


def key(name: str, doc: str, *, nullable: bool = False) -> Column:
    """Return a column of identifiers, which every row states unless ``nullable``."""
    return Column(name, "string", doc, nullable=nullable)


def optional(name: str, type_: ColumnType, doc: str, **rules: object) -> Column:
    """Return a column that may be absent as a whole, and empty in single rows."""
    return Column(name, type_, doc, required=False, nullable=True, **rules)  # type: ignore[arg-type]
