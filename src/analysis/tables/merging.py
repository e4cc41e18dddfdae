"""One row a key from the rows of many files: which counts, and what became of the others.

Within a source the latest file wins, between sources the one that the mapping names first, column
by column.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from analysis.tables.manifest import LedgerEntry
from analysis.tables.parts import FeedRecord

if TYPE_CHECKING:
    import ibis

RANK, ORDER, FEED, PLACE = "_rank", "_order", "_feed", "_place"


def latest_of_each(rows: ibis.Table, key: list[str]) -> ibis.Table:
    """Return, of each source, the row of each key from its latest file."""
    import ibis

    newest = ibis.row_number().over(
        group_by=[*key, RANK], order_by=[ibis.desc(ORDER), ibis.desc(FEED)]
    )
    ranked = rows.mutate(_newest=newest)
    return ranked.filter(ranked["_newest"] == 0).drop("_newest")


def place_in_order(rows: ibis.Table, key: list[str]) -> ibis.Value:
    """Return numbers for the rows: the first of a key is the one whose word counts."""
    import ibis

    rest = [n for n in rows.columns if n not in {*key, RANK, ORDER, FEED}]
    return ibis.row_number().over(order_by=[RANK, ORDER, FEED, *key, *rest])


def first_known(rows: ibis.Table, key: list[str]) -> ibis.Table:
    """Return one row a key, each column from the first source that knows it."""
    rest = [n for n in rows.columns if n not in key and not n.startswith("_")]
    if not rest:
        return rows.select(key).distinct()
    return rows.group_by(key).agg(
        **{n: rows[n].argmin(rows[PLACE], where=rows[n].notnull()) for n in rest}
    )


def winners_by_feed(winners: ibis.Table, key: list[str]) -> dict[int, tuple[int, int]]:
    """Return, by feed, its latest rows and how many of them stand for their key."""
    import ibis

    first = ibis.row_number().over(group_by=key, order_by=PLACE)
    ranked = winners.mutate(_first=(first == 0).cast("int64"))
    counts = ranked.group_by(FEED).agg(n=ranked.count(), first=ranked["_first"].sum())
    return {r[FEED]: (r["n"], int(r["first"])) for r in counts.to_pyarrow().to_pylist()}


def settled(feed: FeedRecord, latest: int, standing: int) -> LedgerEntry:
    """Return the account of a feed, the rows that lost among the dropped."""
    entry, dropped = feed.entry, dict(feed.entry.dropped)
    if entry.accepted > latest:
        dropped["replaced by a later file"] = entry.accepted - latest
    if latest > standing:
        dropped["merged with another row of the same key"] = latest - standing
    return replace(entry, accepted=standing, dropped=dict(sorted(dropped.items())))
