"""Keys: do references find what they refer to, and what repeated keys met at ingest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from analysis.quality.check_record import Record, record
from analysis.tables.schema import TABLES

if TYPE_CHECKING:
    from analysis.tables.engine import Tables

#: Order lines have rules of their own, which also weigh the money.
_ELSEWHERE = "order_lines"

_REPEATED = ("several rows", "repeated", "duplicate")


def unmatched(tables: Tables) -> pd.DataFrame:
    """Count the references that find nothing in the table they refer to.

    Returns
    -------
    pandas.DataFrame
        One row a reference that the study can be asked about: table, column, refers_to, rows,
        unmatched, share. Missing values refer to nothing and are not counted.
    """
    columns = ["table", "column", "refers_to", "rows", "unmatched", "share"]
    found = pd.DataFrame(
        [
            (name, column, target, *_count(tables, name, column, target))
            for name in tables.names()
            for column, target in TABLES[name].references.items()
            if target in tables and tables.has(name, column)
        ],
        columns=columns[:-1],
    )
    return found.assign(share=found["unmatched"] / found["rows"].where(found["rows"] > 0))


def _count(tables: Tables, name: str, column: str, target: str) -> tuple[int, int]:
    """Count the rows with a reference and those whose reference finds nothing."""
    rows = getattr(tables, name)
    referred = getattr(tables, target)
    (key,) = TABLES[target].key
    referring = rows.filter(rows[column].notnull()).select(value=column)
    values = referring.group_by("value").agg(n=referring.count())
    known = referred.select(value=key).mutate(known=1)
    joined = values.left_join(known, "value")
    lost = joined.known.isnull().ifelse(joined.n, 0).sum()
    counted = joined.agg(rows=joined.n.sum(), lost=lost).to_pandas().fillna(0).iloc[0]
    return int(counted["rows"]), int(counted["lost"])


def records(tables: Tables) -> list[Record]:
    """Return the rows that keys add to the table of checks."""
    found = unmatched(tables)
    others = found[found["table"] != _ELSEWHERE]
    lost = others[others["unmatched"] > 0]
    named = ", ".join(f"{r.column} in {r.table}: {r.unmatched:,}" for r in lost.itertuples())
    reference = record(
        "Reference of another table that finds nothing",
        "keys",
        rows=int(others["unmatched"].sum()),
        of_rows=int(others["rows"].sum()),
        severity="fine" if lost.empty else "decide" if lost["share"].max() > 0.01 else "know",
        advice=f"{named}. Complete the tables referred to." if named else "Nothing to do.",
    )
    return [reference, _repeated(tables)]


def _repeated(tables: Tables) -> Record:
    """Report what ingest did with rows whose key stands several times in the source."""
    ledger = tables.manifest.ledger_table()
    of_keys = ledger["rule"].str.contains("|".join(_REPEATED)) & (ledger["outcome"] != "accepted")
    hit = ledger[of_keys]
    named = "; ".join(f"{r.rows:,} of {r.source}: {r.outcome}" for r in hit.itertuples())
    rejected = bool((hit["outcome"] == "rejected").any())
    return record(
        "Row of the source with a key it had already used",
        "uniqueness",
        rows=int(hit["rows"].sum()),
        of_rows=int(ledger["rows"].sum()),
        severity="fine" if hit.empty else "decide" if rejected else "know",
        advice=f"{named}. Keys are unique in what is analysed." if named else "Nothing to do.",
    )
