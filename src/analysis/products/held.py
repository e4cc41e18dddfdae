"""Rows that several steps read, computed once where the engine can keep them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.tables.engine import kind_of

if TYPE_CHECKING:
    import ibis


def held(rows: ibis.Table) -> ibis.Table:
    """Return ``rows``, kept by the engine until they are no longer used.

    Spark computes them again: Ibis keeps no rows there that come with rows of our own.
    """
    return rows if kind_of(rows.get_backend()) == "spark" else rows.cache()
