"""Which columns are there, and how full they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from analysis.tables.schema import TABLES

if TYPE_CHECKING:
    from analysis.tables.engine import Tables

#: The tables that every analysis of sales rests on.
SALES_TABLES = ("order_lines", "products", "customers")


def completeness(tables: Tables, *, names: tuple[str, ...] = SALES_TABLES) -> pd.DataFrame:
    """Count the values of every column, those that the schema knows but the study lacks included.

    Returns
    -------
    pandas.DataFrame
        table, column, meaning, present (the study has the column), rows, filled, missing and
        share_filled (NaN for a column that is absent or a table without rows).
    """
    parts = [_filled(tables, name) for name in names if name in tables]
    columns = ["table", "column", "meaning", "present", "rows", "filled"]
    table = pd.DataFrame([row for part in parts for row in part], columns=columns)
    share = table["filled"] / table["rows"].where(table["present"] & (table["rows"] > 0))
    return table.assign(missing=table["rows"] - table["filled"], share_filled=share)


def _filled(tables: Tables, name: str) -> list[tuple[str, str, str, bool, int, int]]:
    rows = getattr(tables, name)
    counts = {f"n_{i}": rows[column].count() for i, column in enumerate(rows.columns)}
    counted = rows.agg(total=rows.count(), **counts).to_pandas().iloc[0]
    total = int(counted["total"])
    meanings = {column.name: column.doc for column in TABLES[name].columns}
    there = [
        (name, column, meanings.get(column, "As the source gives it"), True, total, int(n))
        for column, n in zip(rows.columns, counted.drop("total"), strict=True)
    ]
    absent = [
        (name, column, meaning, False, total, 0)
        for column, meaning in meanings.items()
        if column not in rows.columns
    ]
    return there + absent
