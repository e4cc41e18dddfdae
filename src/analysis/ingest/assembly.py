"""Put a study's tables together from its parts.

Tables without a key are the parts' own files, linked: nothing is rewritten. Tables with a key
hold one row a key: within a source the latest file wins, between sources the one that the mapping
names first, column by column. The account of rows says what became of the others. Months far from
all others that hold next to nothing are mistyped years, and named as such.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import ibis
import pyarrow.parquet as pq

from analysis.errors import DataError
from analysis.ingest.identity.identity import Unified
from analysis.ingest.parts import (
    BY_MONTH,
    FEED,
    HELD,
    ORDER,
    PLACE,
    RANK,
    RANKS_A_SOURCE,
    FeedRecord,
    Held,
    Overlap,
    Part,
    find_overlap,
    first_known,
    latest_of_each,
    link,
    place_in_order,
    settled,
    winners_by_feed,
)
from analysis.tables.engine import write_file
from analysis.tables.manifest import LedgerEntry
from analysis.tables.schema import PERSONAL_KEY, TABLES, customer_columns

#: Months without a row between two runs of months that belong together at most.
BREAK = 12
#: Share of all rows that an outlying run may hold at most.
LONE = 0.005


def outlying_months(rows: Mapping[str, int]) -> frozenset[str]:
    """Return the months that are outliers.

    Parameters
    ----------
    rows
        Rows by month, such as ``2024-03``.
    """
    total = sum(rows.values())
    runs = _runs(month for month, n in rows.items() if n)
    if len(runs) < 2:
        return frozenset()
    return frozenset(
        month for run in runs if sum(rows[m] for m in run) <= LONE * total for month in run
    )


def rule(month: str) -> str:
    """Return the name of the rule that leaves a month's rows out."""
    return f"dated {month}, more than a year from all other rows"


def _runs(months: Iterable[str]) -> list[list[str]]:
    """Return the months in order, parted where more than ``BREAK`` months hold nothing."""
    runs: list[list[str]] = []
    for month in sorted(months):
        if runs and _number(month) - _number(runs[-1][-1]) - 1 <= BREAK:
            runs[-1].append(month)
        else:
            runs.append([month])
    return runs


def _number(month: str) -> int:
    year, of_year = month.split("-")
    return 12 * int(year) + int(of_year)


@dataclass(frozen=True)
class _Piece:
    """One feed of one part, with the place of its file among the deliveries."""

    part: Part
    feed: FeedRecord
    order: int

    @property
    def paths(self) -> list[Path]:
        """Return its canonical files."""
        return self._files(lambda folder: folder not in {"rejected", HELD})

    @property
    def held(self) -> list[Path]:
        """Return the files with the values that it holds, where files may overlap."""
        return self._files(lambda folder: folder == HELD)

    def _files(self, wanted: Callable[[str], bool]) -> list[Path]:
        return [self.part.directory / n for n in self.feed.files if wanted(n.partition("/")[0])]


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
    #: Sentences for the reader, filled by ``write``.
    notes: list[str] = field(default_factory=list)

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
        entries = self._merge(name, pieces) if TABLES[name].key else self._join(name, pieces)
        self._check(name, entries)
        return entries

    def _join(self, name: str, pieces: list[_Piece]) -> list[LedgerEntry]:
        """Link the parts' files, but for what a later file says anew; return the account."""
        folder = self.target / name
        folder.mkdir(parents=True)
        feeds = _numbered(pieces)
        overlap = find_overlap(self.connection, name, feeds)
        self.notes.extend(overlap.notes)
        nothing = not any(piece.feed.entry.accepted for piece in pieces)
        outlying = outlying_months(_by_month(pieces))
        entries = []
        for number, (piece, held) in enumerate(zip(pieces, feeds, strict=True)):
            left_out = 0
            if piece.feed.entry.accepted or (nothing and number == 0):
                for path in (p for p in piece.paths if _month(p) not in outlying):
                    goal = self._goal(folder, path)
                    left_out += self._place(name, path, goal, overlap, held.file)
            entry = _without_outlying(piece, outlying)
            entries.append(_said_anew(entry, left_out, overlap.column))
        return entries

    def _goal(self, folder: Path, path: Path) -> Path:
        goal = folder / (path.parent.name if _month(path) else "") / path.name
        goal.parent.mkdir(exist_ok=True)
        return goal

    def _place(self, name: str, path: Path, goal: Path, overlap: Overlap, file: int) -> int:
        """Put a part's file in its place, rewritten where that changes it; return rows left out."""
        identities = customer_columns(name) if self.unified is not None else []
        if not identities and overlap.outdated is None:
            link(path, goal)
            return 0
        rows = self.connection.read_parquet(path, hive_partitioning=False)
        kept = overlap.without_outdated(rows, file)
        left_out = int(rows.count().to_pandas()) - int(kept.count().to_pandas())
        if not identities and not left_out:
            link(path, goal)
            return 0
        order = BY_MONTH[name][1] if name in BY_MONTH else []
        if self.unified is not None:
            kept = self.unified.applied(kept, identities)
        rest = [n for n in rows.columns if n not in order]
        write_file(self.connection, kept.order_by([*order, *rest]), goal)
        return left_out

    def _merge(self, name: str, pieces: list[_Piece]) -> list[LedgerEntry]:
        """Write one row a key and return the account, the rows that lost among the dropped."""
        key = list(TABLES[name].key)
        rows = self._all(pieces)
        if PERSONAL_KEY in rows.columns:  # a file that names the pseudonym alone takes none away
            known = rows[PERSONAL_KEY].max().over(group_by=key)
            rows = rows.mutate(**{PERSONAL_KEY: rows[PERSONAL_KEY].fill_null(known)})
        latest = latest_of_each(rows, key)
        if self.unified is not None:
            latest = self.unified.applied(latest, customer_columns(name))
        place = place_in_order(latest, key)
        winners = self._scratch(latest.mutate(**{PLACE: place}), f"latest-{name}")
        final = first_known(winners, key)
        if name == "products":
            final = self._with_assumptions(final)
        if PERSONAL_KEY in final.columns:
            final = self._with_personal_keys(final)
        folder = self.target / name
        folder.mkdir(parents=True)
        kept = [n for n in final.columns if not n.startswith("_")]
        path = folder / "part-0.parquet"
        write_file(self.connection, final.select(kept).order_by(key), path)
        counts = winners_by_feed(winners, key)
        return [settled(p.feed, *counts.get(i, (0, 0))) for i, p in enumerate(pieces)]

    def _all(self, pieces: list[_Piece]) -> ibis.Table:
        tables = []
        for i, piece in enumerate(pieces):
            rows = self.connection.read_parquet([str(p) for p in piece.paths])
            extra = {RANK: piece.feed.rank, ORDER: piece.order, FEED: i}
            tables.append(rows.mutate(**{n: ibis.literal(v, "int64") for n, v in extra.items()}))
        return ibis.union(*tables) if len(tables) > 1 else tables[0]

    def _scratch(self, rows: ibis.Table, name: str) -> ibis.Table:
        folder = self.target / ".scratch"
        folder.mkdir(exist_ok=True)
        path = folder / f"{name}.parquet"
        write_file(self.connection, rows, path, compression="snappy")
        return self.connection.read_parquet(path)

    def _with_assumptions(self, products: ibis.Table) -> ibis.Table:
        """Add the params' margin rates and which departments' quantities count no units."""
        department = products.department
        if self.margin_rates and "margin_rate" not in products.columns:
            rates = department.cases(*self.margin_rates.items(), else_=ibis.null("float64"))
            products = products.mutate(margin_rate=rates)
        if self.uncounted_departments and "counted" not in products.columns:
            products = products.mutate(counted=department.notin(self.uncounted_departments))
        return products

    def _with_personal_keys(self, customers: ibis.Table) -> ibis.Table:
        """Say how many customers go by a pseudonym; without any, leave the column out."""
        known = int(customers[PERSONAL_KEY].count().to_pandas())
        if not known:
            return customers.drop(PERSONAL_KEY)
        self.notes.append(
            f"{known:,} customers are known by an e-mail address, a phone number or a name and go "
            "by a pseudonym (keyed digest) in its place. What it stands for is kept in the table "
            f"customers, column {PERSONAL_KEY}, for contact lists alone."
        )
        return customers

    def _check(self, name: str, entries: list[LedgerEntry]) -> None:
        written = int(
            self.connection.read_parquet(sorted(map(str, (self.target / name).rglob("*.parquet"))))
            .count()
            .to_pandas()
        )
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
                    link(part.directory / name, goal)
        shutil.rmtree(self.target / ".scratch", ignore_errors=True)


def twice(entry: LedgerEntry, *, again: str, first: str) -> LedgerEntry:
    """Return the account of a file that was delivered a second time under another name."""
    source = again + entry.source.removeprefix(first)
    rule = f"file delivered twice, as {first} too"
    return LedgerEntry(entry.table, source, entry.rows_in, 0, {}, {rule: entry.rows_in})


def _numbered(pieces: list[_Piece]) -> list[Held]:
    """Return what each piece holds; feeds of one file or sheet have one number."""
    numbers: dict[tuple[int, str], int] = {}
    return [
        Held(
            piece.feed,
            piece.feed.rank // RANKS_A_SOURCE,
            numbers.setdefault((piece.order, piece.feed.label), len(numbers)),
            [str(p) for p in piece.held],
            [str(p) for p in piece.paths],
        )
        for piece in pieces
    ]


def _month(path: Path) -> str:
    """Return the month whose rows a file holds; empty where files are not by month."""
    name = path.parent.name
    return name.removeprefix("month=") if name.startswith("month=") else ""


def _rows(path: Path) -> int:
    return int(pq.read_metadata(path).num_rows)


def _by_month(pieces: list[_Piece]) -> dict[str, int]:
    """Return how many rows each month has in all files."""
    counts: dict[str, int] = {}
    for path in (p for piece in pieces for p in piece.paths if _month(p)):
        counts[_month(path)] = counts.get(_month(path), 0) + _rows(path)
    return counts


def _without_outlying(piece: _Piece, outlying: frozenset[str]) -> LedgerEntry:
    """Return the account of a file without the months left out as outliers."""
    entry = piece.feed.entry
    lost = {rule(_month(p)): _rows(p) for p in piece.paths if _month(p) in outlying}
    if not lost:
        return entry
    dropped = dict(sorted({**entry.dropped, **lost}.items()))
    return replace(entry, accepted=entry.accepted - sum(lost.values()), dropped=dropped)


def _said_anew(entry: LedgerEntry, rows: int, column: str) -> LedgerEntry:
    """Return the account of a file of which a later one says ``rows`` anew."""
    if not rows:
        return entry
    dropped = {**entry.dropped, f"{column} stands in a later file again": rows}
    return replace(entry, accepted=entry.accepted - rows, dropped=dict(sorted(dropped.items())))
