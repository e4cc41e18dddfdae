"""Where every row of the source went, and whether references find what they refer to."""

from __future__ import annotations

import ibis
import pandas as pd

from analysis.errors import DataError
from analysis.quality.check_record import Record, record
from analysis.tables.engine import Tables
from analysis.tables.manifest import SAME_KEY
from analysis.tables.schema import TABLES


def reconcile(tables: Tables) -> pd.DataFrame:
    """Return the ledger of ingest, proved to add up and to agree with the tables.

    Returns
    -------
    pandas.DataFrame
        One row a source, canonical table and outcome: table, source, outcome (``read``,
        ``accepted``, ``rejected`` or ``dropped``), rule (the reason or the name of the rule),
        rows and share of the rows read.

    Raises
    ------
    DataError
        If rows read are not accepted + rejected + dropped, or a canonical table does not hold
        the rows that were accepted into it.
    """
    outcomes = tables.manifest.ledger_table()
    read = pd.DataFrame(
        [(e.table, e.source, "read", "", e.rows_in) for e in tables.manifest.ledger],
        columns=outcomes.columns,
    )
    _prove(outcomes, read)
    _prove_held(tables, outcomes)
    source = ["table", "source"]
    both = pd.concat([read, outcomes], ignore_index=True)
    total = both.merge(read[[*source, "rows"]], on=source, how="left", suffixes=("", "_read"))
    both = both.assign(share=total["rows"] / total["rows_read"].where(total["rows_read"] > 0))
    place = read[source].reset_index(names="place")
    ranked = both.merge(place, on=source, how="left").sort_values("place", kind="stable")
    return ranked.drop(columns="place").reset_index(drop=True)


def gathered(ledger: pd.DataFrame) -> pd.Series:
    """Tell which rows of ``reconcile`` are about a table gathered from rows meant for another.

    Customers or products taken from order lines are one row of the many that name them: the
    others are not lost.
    """
    keys = ["table", "source"]
    same = ledger["rule"].str.startswith(SAME_KEY)
    return same.groupby([ledger[key] for key in keys]).transform("any")


def _prove(outcomes: pd.DataFrame, read: pd.DataFrame) -> None:
    source = ["table", "source"]
    out = outcomes.groupby(source)["rows"].sum().rename("out").reset_index()
    both = read.merge(out, on=source, how="left").fillna({"out": 0})
    wrong = both[both["out"] != both["rows"]]
    for row in wrong.itertuples():
        raise DataError(
            f"{row.source}: {row.rows:,} rows were read but {row.out:,.0f} are accounted for; "
            "run `analysis ingest` again"
        )


def _prove_held(tables: Tables, outcomes: pd.DataFrame) -> None:
    accepted = outcomes[outcomes["outcome"] == "accepted"].groupby("table")["rows"].sum()
    if accepted.empty:
        return
    # One question for all tables: each is a job of its own on Spark.
    counts = [
        table.agg(rows=table.count()).mutate(table=ibis.literal(str(name)))
        for name, table in ((name, getattr(tables, str(name))) for name in accepted.index)
    ]
    held = ibis.union(*counts).to_pandas().set_index("table")["rows"]
    for name, rows in accepted.items():
        if held[name] != rows:
            raise DataError(
                f"{name} holds {held[name]:,} rows but {rows:,} were accepted; run "
                "`analysis ingest` again"
            )


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
