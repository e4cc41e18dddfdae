"""The simulated shops' loyalty tables, as analyses take them."""

from __future__ import annotations

from analysis.tables.engine import Tables
from analysis.tables.schema import ENGINE_TYPES, TABLES
from tests.truth.shops import Shops, table_of, tables_of

CLUB = ("points", "tiers", "referrals", "subscriptions", "stored_value", "interactions",
        "assignments", "contacts")  # fmt: skip


def club_tables(shops: Shops, seed: int) -> Tables:
    """Return one shop's tables, those of the club among them."""
    plain = tables_of(shops, seed)
    rows = {name: getattr(plain, name) for name in plain.names()}
    for name in CLUB:
        table = table_of(shops, name, seed)
        types = {c.name: ENGINE_TYPES[c.type] for c in TABLES[name].columns}
        rows[name] = table.cast({c: types[c] for c in table.columns if c in types})
    return Tables(plain.connection, plain.manifest, rows)
