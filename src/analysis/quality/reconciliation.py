"""Where every row of the source went."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import pandas as pd

from analysis.errors import DataError
from analysis.tables.manifest import SAME_KEY

if TYPE_CHECKING:
    from analysis.tables.engine import Tables


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
