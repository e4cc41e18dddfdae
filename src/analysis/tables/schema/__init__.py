"""The canonical tables, declared once.

Ingest validates against this declaration inside the engine, the data dictionary in
``data/README.md`` is printed from it, and every analysis may rely on it.
"""

from __future__ import annotations

from analysis.tables.schema.declaration import ENGINE_TYPES, Column, ColumnType, Table
from analysis.tables.schema.relationship_tables import (
    CONSENTS,
    CONTACTS,
    FEEDBACK,
    INTERACTIONS,
    MEDIA_SPEND,
    PAGE_VIEWS,
    POINTS,
    REFERRALS,
    STORED_VALUE,
    SUBSCRIPTIONS,
    TIERS,
)
from analysis.tables.schema.shop_tables import (
    ASSIGNMENTS,
    CUSTOMERS,
    ORDER_LINES,
    ORDERS,
    PERSONAL_KEY,
    PLACEMENTS,
    PRODUCTS,
    PROMOTION_PRODUCTS,
    PROMOTIONS,
    REDEMPTIONS,
    STOCK,
)

__all__ = [
    "ENGINE_TYPES",
    "PERSONAL_KEY",
    "TABLES",
    "Column",
    "ColumnType",
    "Table",
    "customer_columns",
]

#: Every canonical table by name, in the order of the data dictionary.
TABLES: dict[str, Table] = {
    t.name: t
    for t in (
        CUSTOMERS,
        PRODUCTS,
        ORDER_LINES,
        ORDERS,
        PROMOTIONS,
        PROMOTION_PRODUCTS,
        ASSIGNMENTS,
        REDEMPTIONS,
        PLACEMENTS,
        STOCK,
        CONTACTS,
        CONSENTS,
        MEDIA_SPEND,
        PAGE_VIEWS,
        INTERACTIONS,
        FEEDBACK,
        POINTS,
        STORED_VALUE,
        TIERS,
        SUBSCRIPTIONS,
        REFERRALS,
    )
}


def customer_columns(table: str) -> list[str]:
    """Return the columns of ``table`` that name customers."""
    own = ["customer_id"] if table == "customers" else []
    return own + [c for c, target in TABLES[table].references.items() if target == "customers"]
