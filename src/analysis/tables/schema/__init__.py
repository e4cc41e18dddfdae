"""The canonical tables, declared once.

Ingest validates against this declaration inside the engine, the data dictionary in
``data/README.md`` is printed from it, and every analysis may rely on it.
"""

from __future__ import annotations

from analysis.tables.schema import relationship_tables, shop_tables
from analysis.tables.schema.declaration import ENGINE_TYPES, Column, ColumnType, Table
from analysis.tables.schema.shop_tables import PERSONAL_KEY

__all__ = [
    "ENGINE_TYPES",
    "PERSONAL_KEY",
    "TABLES",
    "Column",
    "ColumnType",
    "Table",
    "customer_columns",
]

#: Every table declared in the two modules by name, in the order of the data dictionary.
TABLES: dict[str, Table] = {
    table.name: table
    for module in (shop_tables, relationship_tables)
    for table in vars(module).values()
    if isinstance(table, Table)
}


def customer_columns(table: str) -> list[str]:
    """Return the columns of ``table`` that name customers."""
    own = ["customer_id"] if table == "customers" else []
    return own + [c for c, target in TABLES[table].references.items() if target == "customers"]
