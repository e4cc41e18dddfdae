"""Put a study's tables together from its parts.

Tables without a key are the parts' own files, linked: nothing is rewritten. Tables with a key
hold one row a key: within a source the latest file wins, between sources the one that the mapping
names first, column by column. The account of rows says what became of the others.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.errors import DataError
from analysis.tables.manifest import LedgerEntry
from analysis.tables.parts import BY_MONTH, FeedRecord, Part
from analysis.tables.schema import TABLES

if TYPE_CHECKING:
    import ibis

    from analysis.tables.identity import Unified

_RANK, _ORDER, _FEED, _PLACE = "_rank", "_order", "_feed", "_place"


@dataclass(frozen=True)
class _Piece:
    """One feed of one part, with the place of its file among the deliveries."""

    part: Part
    feed: FeedRecord
    order: int

    @property
    def paths(self) -> list[Path]:
        """Return its canonical files."""
        names = [n for n in self.feed.files if not n.startswith("rejected/")]
        return [self.part.directory / n for n in names]


@dataclass(frozen=True)
class Assembly:
    """Writes the tables of one version.

    Parameters
    ----------
    connection
        DuckDB through Ibis.
    parts
        The parts, in the order in which a later one replaces an earlier.
    target
        Directory of the new version.
    margin_rates, uncounted_departments
        As the params say them, for products.
    unified
        Whose identities are one customer; None where customers are not unified.
    """

    connection: Any
    parts: Sequence[Part]
    target: Path
    margin_rates: Mapping[str, float]
    uncounted_departments: tuple[str, ...] = ()
    unified: Unified | None = None

    def write(self) -> tuple[LedgerEntry, ...]:
        """Write every table and return the account of all rows."""
        pieces: dict[str, list[_Piece]] = {}
        for order, part in enumerate(self.parts):
            for feed in part.feeds:
                pieces.setdefault(feed.table, []).append(_Piece(part, feed, order))
        entries = [e for name, found in pieces.items() for e in self._table(name, found)]
        self._link_refused()
        return tuple(entries)

    def _table(self, name: str, pieces: list[_Piece]) -> list[LedgerEntry]:
        if TABLES[name].key:
            entries = self._merge(name, pieces)
        else:
            self._join(name, pieces)
            entries = [piece.feed.entry for piece in pieces]
        self._check(name, entries)
        return entries

    def _join(self, name: str, pieces: list[_Piece]) -> None:
        """Link the parts' files, or, where customers are unified, rewrite their identities."""
        folder = self.target / name
        folder.mkdir(parents=True)
        filled = [p for piece in pieces if piece.feed.entry.accepted for p in piece.paths]
        for path in filled or pieces[0].paths:
            month = path.parent.name if path.parent.name.startswith("month=") else ""
            goal = folder / month / path.name
            goal.parent.mkdir(exist_ok=True)
            self._place(name, path, goal)

    def _place(self, name: str, path: Path, goal: Path) -> None:
        if self.unified is None or not _identities(name):
            _link(path, goal)
            return
        rows = self.connection.read_parquet(path)
        order = BY_MONTH[name][1] if name in BY_MONTH else list(rows.columns)
        rows = self.unified.applied(rows, _identities(name)).order_by(order)
        self.connection.to_parquet(rows, goal, compression="zstd")

    def _merge(self, name: str, pieces: list[_Piece]) -> list[LedgerEntry]:
        """Write one row a key and return the account, the rows that lost among the dropped."""
        key = list(TABLES[name].key)
        latest = _latest(self._all(pieces), key)
        if self.unified is not None:
            latest = self.unified.applied(latest, _identities(name))
        place = _place_in_order(latest, key)
        winners = self._scratch(latest.mutate(**{_PLACE: place}), f"latest-{name}")
        final = _first_known(winners, key)
        if name == "products":
            final = self._with_assumptions(final)
        folder = self.target / name
        folder.mkdir(parents=True)
        kept = [n for n in final.columns if not n.startswith("_")]
        path = folder / "part-0.parquet"
        self.connection.to_parquet(final.select(kept).order_by(key), path, compression="zstd")
        counts = _winners_by_feed(winners, key)
        return [_settled(p.feed, *counts.get(i, (0, 0))) for i, p in enumerate(pieces)]

    def _all(self, pieces: list[_Piece]) -> ibis.Table:
        import ibis

        tables = []
        for i, piece in enumerate(pieces):
            rows = self.connection.read_parquet([str(p) for p in piece.paths])
            extra = {_RANK: piece.feed.rank, _ORDER: piece.order, _FEED: i}
            tables.append(rows.mutate(**{n: ibis.literal(v, "int64") for n, v in extra.items()}))
        return ibis.union(*tables) if len(tables) > 1 else tables[0]

    def _scratch(self, rows: ibis.Table, name: str) -> ibis.Table:
        folder = self.target / ".scratch"
        folder.mkdir(exist_ok=True)
        path = folder / f"{name}.parquet"
        self.connection.to_parquet(rows, path, compression="snappy")
        return self.connection.read_parquet(path)

    def _with_assumptions(self, products: ibis.Table) -> ibis.Table:
        """Add the params' margin rates and which departments' quantities count no units."""
        import ibis

        department = products.department
        if self.margin_rates and "margin_rate" not in products.columns:
            rates = department.cases(*self.margin_rates.items(), else_=ibis.null("float64"))
            products = products.mutate(margin_rate=rates)
        if self.uncounted_departments and "counted" not in products.columns:
            products = products.mutate(counted=department.notin(self.uncounted_departments))
        return products

    def _check(self, name: str, entries: list[LedgerEntry]) -> None:
        written = int(self.connection.read_parquet(_glob(self.target / name)).count().to_pandas())
        accounted = sum(entry.accepted for entry in entries)
        if written != accounted:
            raise DataError(
                f"{name}: {accounted:,} rows were accepted but {written:,} were written; nothing "
                "was published"
            )

    def _link_refused(self) -> None:
        for part in self.parts:
            for feed in part.feeds:
                for name in (n for n in feed.files if n.startswith("rejected/")):
                    goal = self.target / name
                    goal.parent.mkdir(parents=True, exist_ok=True)
                    _link(part.directory / name, goal)
        shutil.rmtree(self.target / ".scratch", ignore_errors=True)


def twice(entry: LedgerEntry, *, again: str, first: str) -> LedgerEntry:
    """Return the account of a file that was delivered a second time under another name."""
    source = again + entry.source.removeprefix(first)
    rule = f"file delivered twice, as {first} too"
    return LedgerEntry(entry.table, source, entry.rows_in, 0, {}, {rule: entry.rows_in})


def _latest(rows: ibis.Table, key: list[str]) -> ibis.Table:
    import ibis

    newest = ibis.row_number().over(
        group_by=[*key, _RANK], order_by=[ibis.desc(_ORDER), ibis.desc(_FEED)]
    )
    ranked = rows.mutate(_newest=newest)
    return ranked.filter(ranked["_newest"] == 0).drop("_newest")


def _place_in_order(rows: ibis.Table, key: list[str]) -> ibis.Value:
    """Return numbers for the rows: the first of a key is the one whose word counts."""
    import ibis

    rest = [n for n in rows.columns if n not in {*key, _RANK, _ORDER, _FEED}]
    return ibis.row_number().over(order_by=[_RANK, _ORDER, _FEED, *key, *rest])


def _first_known(rows: ibis.Table, key: list[str]) -> ibis.Table:
    """Return one row a key, each column from the first source that knows it."""
    rest = [n for n in rows.columns if n not in key and not n.startswith("_")]
    if not rest:
        return rows.select(key).distinct()
    return rows.group_by(key).agg(
        **{n: rows[n].argmin(rows[_PLACE], where=rows[n].notnull()) for n in rest}
    )


def _winners_by_feed(winners: ibis.Table, key: list[str]) -> dict[int, tuple[int, int]]:
    """Return, by feed, its latest rows and how many of them stand for their key."""
    import ibis

    first = ibis.row_number().over(group_by=key, order_by=_PLACE)
    ranked = winners.mutate(_first=(first == 0).cast("int64"))
    counts = ranked.group_by(_FEED).agg(n=ranked.count(), first=ranked["_first"].sum())
    return {r[_FEED]: (r["n"], int(r["first"])) for r in counts.to_pyarrow().to_pylist()}


def _identities(name: str) -> list[str]:
    """Return the columns of a table that name customers."""
    own = ["customer_id"] if name == "customers" else []
    return own + [c for c, target in TABLES[name].references.items() if target == "customers"]


def _settled(feed: FeedRecord, latest: int, standing: int) -> LedgerEntry:
    entry, dropped = feed.entry, dict(feed.entry.dropped)
    if entry.accepted > latest:
        dropped["replaced by a later file"] = entry.accepted - latest
    if latest > standing:
        dropped["merged with another row of the same key"] = latest - standing
    return replace(entry, accepted=standing, dropped=dict(sorted(dropped.items())))


def _link(path: Path, goal: Path) -> None:
    try:
        os.link(path, goal)
    except OSError:  # a file system without hard links
        shutil.copy2(path, goal)


def _glob(folder: Path) -> list[str]:
    return sorted(str(p) for p in folder.rglob("*.parquet"))
