"""One delivered file becomes one part, once; a study's tables are the sum of its parts.

A part depends on nothing but the file, the mapping and the code that reads it, and is kept under
the hash of these three. So a new day's file costs that file alone, a withdrawn file is a part left
out, and tables built up day by day equal those built at once, byte for byte.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from analysis.errors import DataError
from analysis.tables import validate
from analysis.tables.manifest import LedgerEntry, SourceFile
from analysis.tables.schema import TABLES

if TYPE_CHECKING:
    import ibis

#: Tables that are stored by month, with their time and the order of rows within a month.
BY_MONTH = {
    "order_lines": ("ordered_at", ["ordered_at", "order_id", "product_id"]),
    "page_views": ("viewed_at", ["viewed_at", "session_id"]),
}
LINE, SHIFTED = "_line", "_shifted"


@dataclass(frozen=True)
class Delivery:
    """A delivered file: where it is, what it is for, and what identifies its content.

    Parameters
    ----------
    name
        Path within its source's folder, with the source's name in front where there are several.
    origin
        Key of ``files`` in the mapping.
    source
        Name of the source in the study.
    path
        The file.
    """

    name: str
    origin: str
    source: str
    path: Path


@dataclass(frozen=True)
class PartFeed:
    """Rows of a delivery on their way into one canonical table.

    Parameters
    ----------
    table, label
        Canonical table; name of the file, sheet or member they come from.
    rank
        Place of the mapping's table entry: of two sources of one customer, the lower rank wins.
    rows
        As ``sources.rows.canonical_rows`` returns them.
    source_text
        ``_line`` and ``source_row``, the row as the file has it.
    once_per_key
        One row is made of the many that share a key.
    """

    table: str
    label: str
    rank: int
    rows: ibis.Table
    source_text: ibis.Table
    once_per_key: bool = False


@dataclass(frozen=True)
class FeedRecord:
    """What a part holds of one feed: its files, relative to the part, and its account of rows."""

    table: str
    label: str
    rank: int
    entry: LedgerEntry
    files: tuple[str, ...]


@dataclass(frozen=True)
class Part:
    """A part on disk.

    Parameters
    ----------
    key
        Hash of all that it depends on.
    directory
        Where it is.
    delivery
        Name of the file it was made from.
    feeds
        What it holds.
    notes
        Sentences about how the file was read.
    """

    key: str
    directory: Path
    delivery: str
    feeds: tuple[FeedRecord, ...]
    notes: tuple[str, ...] = field(default=())

    def write(self) -> None:
        """Write the record of the part beside its files."""
        record = {"feeds": [asdict(f) for f in self.feeds], "notes": self.notes}
        path = self.directory / "part.json"
        path.write_text(json.dumps(record, ensure_ascii=False, indent=1), "utf-8")

    @classmethod
    def read(cls, key: str, directory: Path, delivery: str) -> Part | None:
        """Read a part; None if it is not there or not whole."""
        try:
            record = json.loads((directory / "part.json").read_text("utf-8"))
            feeds = tuple(
                FeedRecord(
                    f["table"], f["label"], f["rank"], LedgerEntry(**f["entry"]), tuple(f["files"])
                )
                for f in record["feeds"]
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if not all((directory / name).is_file() for feed in feeds for name in feed.files):
            return None
        return cls(key, directory, delivery, feeds, tuple(record["notes"]))


class PartSource(Protocol):
    """What an adapter offers whose files become parts one by one."""

    notes: tuple[str, ...]
    simulated: bool

    def settings(self) -> str:
        """Return everything but the files' contents that decides the tables."""
        ...

    def deliveries(self) -> Sequence[Delivery]:
        """Return the files there are, in the order in which a later one replaces an earlier."""
        ...

    def part_feeds(
        self, connection: Any, delivery: Delivery, directory: Path
    ) -> tuple[list[PartFeed], tuple[str, ...]]:
        """Return the feeds of one file and the sentences about how it was read."""
        ...

    def depends_on(self, delivery: Delivery) -> list[str]:
        """Return the names of the other files whose contents decide this file's part."""
        ...

    def columns_of(self, table: str) -> dict[str, str]:
        """Return the columns that ``table`` has in this study, with their engine types."""
        ...


def build_part(
    connection: Any, source: PartSource, delivery: Delivery, *, key: str, parts: Path
) -> Part:
    """Read one delivered file into a part; the last whole part or none is left behind.

    Raises
    ------
    DataError
        If the file cannot be read, or none of its rows can be used.
    """
    staging = parts / f".staging-{key}"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    feeds, notes = source.part_feeds(connection, delivery, staging / "work")
    records = []
    for number, feed in enumerate(feeds):
        writer = _FeedWriter(connection, staging, f"{key}-{number}", source.columns_of(feed.table))
        record, said = writer.write(feed)
        records.append(record)
        notes += said
    shutil.rmtree(staging / "work", ignore_errors=True)
    part = Part(key, staging, delivery.name, tuple(records), tuple(dict.fromkeys(notes)))
    part.write()
    final = parts / key
    shutil.rmtree(final, ignore_errors=True)
    staging.rename(final)
    return Part(key, final, delivery.name, part.feeds, part.notes)


class _FeedWriter:
    """Judges the rows of one feed, counts them, and writes the good and the bad apart."""

    def __init__(
        self, connection: Any, directory: Path, stem: str, columns: dict[str, str]
    ) -> None:
        self._connection, self._directory = connection, directory
        self._stem, self._columns = stem, columns

    def write(self, feed: PartFeed) -> tuple[FeedRecord, tuple[str, ...]]:
        table = TABLES[feed.table]
        judged = validate.judged(feed.rows, table, source=feed.label)
        if not feed.once_per_key:  # those rows are read two or three times, once each is enough
            judged = validate.reject_repeated_keys(self._kept(judged, "judged"), table)
        good = judged.filter(judged[validate.RULE].isnull() & judged[validate.REASON].isnull())
        if feed.once_per_key:
            good = self._kept(_last_of_each(good, table.key), "once")
        entry, shifted = self._account(judged, good, feed)
        _refuse_hopeless(entry)
        files = self._write_good(good, feed)
        if entry.rejected:
            files.append(self._write_refused(judged, feed))
        notes = (f"{shifted:,} times in {feed.label} {_SHIFTED_WORDS}",) if shifted else ()
        record = FeedRecord(feed.table, feed.label, feed.rank, entry, tuple(files))
        return record, notes

    def _kept(self, rows: ibis.Table, name: str) -> ibis.Table:
        path = self._directory / "work" / f"{self._stem}-{name}.parquet"
        path.parent.mkdir(exist_ok=True)
        self._connection.to_parquet(rows, path, compression="snappy")
        return self._connection.read_parquet(path)

    def _account(
        self, judged: ibis.Table, good: ibis.Table, feed: PartFeed
    ) -> tuple[LedgerEntry, int]:
        rule, reason = validate.RULE, validate.REASON
        counts = judged.group_by(rule, reason).agg(
            n=judged.count(), shifted=judged[SHIFTED].sum().fill_null(0)
        )
        dropped: dict[str, int] = {}
        rejected: dict[str, int] = {}
        eligible = shifted = 0
        for row in counts.to_pyarrow().to_pylist():
            if row[rule] is not None:
                dropped[row[rule]] = dropped.get(row[rule], 0) + row["n"]
            elif row[reason] is not None:
                rejected[row[reason]] = row["n"]
            else:
                eligible, shifted = row["n"], int(row["shifted"])
        accepted = int(good.count().to_pandas())
        if eligible > accepted:
            key = " and ".join(TABLES[feed.table].key)
            dropped[f"another row of the same {key}"] = eligible - accepted
        rows_in = int(feed.source_text.count().to_pandas())
        entry = LedgerEntry(
            feed.table,
            feed.label,
            rows_in,
            accepted,
            dict(sorted(rejected.items())),
            dict(sorted(dropped.items())),
        )
        return entry, shifted

    def _write_good(self, good: ibis.Table, feed: PartFeed) -> list[str]:
        import ibis

        have = set(good.columns)
        shaped = good.select(
            **{
                name: good[name].cast(kind) if name in have else ibis.null(kind)
                for name, kind in self._columns.items()
            }
        )
        if feed.table not in BY_MONTH:
            order = list(TABLES[feed.table].key) or list(self._columns)
            return [self._parquet(shaped.order_by(order), feed.table)]
        time, order = BY_MONTH[feed.table]
        months = shaped.select(m=shaped[time].truncate("M")).distinct().order_by("m")
        found = months.to_pyarrow()["m"].to_pylist()
        if not found:
            return [self._parquet(shaped, feed.table)]
        return [
            self._parquet(
                shaped.filter(_within(shaped[time], month)).order_by(order),
                f"{feed.table}/month={month:%Y-%m}",
            )
            for month in found
        ]

    def _write_refused(self, judged: ibis.Table, feed: PartFeed) -> str:
        import ibis

        refused = judged.filter(judged[validate.REASON].notnull())
        texts = feed.source_text
        joined = refused.join(texts, refused[LINE] == texts["line_of_text"])
        rows = joined.select(
            source=ibis.literal(feed.label),
            line=joined[LINE],
            reason=joined[validate.REASON],
            source_row=joined["source_row"],
        )
        return self._parquet(rows.order_by("line"), f"rejected/{feed.table}")

    def _parquet(self, rows: ibis.Table, folder: str) -> str:
        path = self._directory / folder / f"{self._stem}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection.to_parquet(rows, path, compression="zstd")
        return str(path.relative_to(self._directory))


_SHIFTED_WORDS = (
    "did not exist because the clocks went forward, and were moved forward (rule gaps: shift)."
)


def _within(time: ibis.Value, month: Any) -> ibis.Value:
    import ibis

    following = (month.replace(day=28) + _FIVE_DAYS).replace(day=1)
    start, end = (ibis.timestamp(f"{day:%Y-%m-%d} 00:00:00") for day in (month, following))
    return (time >= start) & (time < end)


def _five_days() -> Any:
    from datetime import timedelta

    return timedelta(days=5)


_FIVE_DAYS = _five_days()


def _last_of_each(rows: ibis.Table, key: tuple[str, ...]) -> ibis.Table:
    """Return one row a key: of each column, the last value in the file that is not missing."""
    verdict = {validate.RULE, validate.REASON, validate.KEY, SHIFTED, LINE}
    rest = [n for n in rows.columns if n not in verdict and n not in key]
    return rows.group_by(list(key)).agg(
        **{n: rows[n].argmax(rows[LINE], where=rows[n].notnull()) for n in rest},
        **{LINE: rows[LINE].max()},
    )


def _refuse_hopeless(entry: LedgerEntry) -> None:
    """Refuse a file of which no row is usable: that is a wrong file or mapping, not bad rows."""
    if entry.rows_in and not entry.accepted and entry.rejected:
        reason = max(entry.rejected, key=lambda r: entry.rejected[r])
        raise DataError(
            f"{entry.source}: none of its {entry.rows_in:,} rows can be used for {entry.table}; "
            f"the most frequent reason is: {reason}"
        )


def changes(before: Sequence[SourceFile], now: Sequence[SourceFile]) -> Iterator[str]:
    """Yield what changed about the delivered files since the last ingest, in sentences."""
    old, new = ({f.name: f.sha256 for f in files} for files in (before, now))
    kinds = {
        "new": sorted(new.keys() - old.keys()),
        "changed since it was last read": sorted(n for n in new if n in old and new[n] != old[n]),
        "withdrawn": sorted(old.keys() - new.keys()),
    }
    for kind, names in kinds.items():
        if names:
            more = f" and {len(names) - 5} more" if len(names) > 5 else ""
            yield f"{kind}: {', '.join(names[:5])}{more}"
