"""One delivered file becomes one part, once; a study's tables are the sum of its parts.

A part depends on nothing but the file, the mapping and the code that reads it, and is kept under
the hash of these three. So a new day's file costs that file alone, a withdrawn file is a part left
out, and tables built up day by day equal those built at once, byte for byte.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from analysis.tables.checksums import write_checksums
from analysis.tables.manifest import UNREADABLE, LedgerEntry

if TYPE_CHECKING:
    import ibis

#: Tables that are stored by month, with their time and the order of rows within a month.
BY_MONTH = {
    "order_lines": ("ordered_at", ["ordered_at", "order_id", "product_id"]),
    "page_views": ("viewed_at", ["viewed_at", "session_id"]),
}
#: Ranks of a source begin at a multiple of this.
RANKS_A_SOURCE = 1_000


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
    overlap
        Column of which the latest file that holds a value says all rows; empty for none.
    """

    table: str
    label: str
    rank: int
    rows: ibis.Table
    source_text: ibis.Table
    once_per_key: bool = False
    overlap: str = ""


@dataclass(frozen=True)
class FeedRecord:
    """What a part holds of one feed: its files, relative to the part, and its account of rows."""

    table: str
    label: str
    rank: int
    entry: LedgerEntry
    files: tuple[str, ...]
    overlap: str = ""


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
    secret
        Label of the secret that its pseudonyms were made with. It is no part of ``key``, so that
        two projects that read the same file name its part alike.
    """

    key: str
    directory: Path
    delivery: str
    feeds: tuple[FeedRecord, ...]
    notes: tuple[str, ...] = field(default=())
    secret: str = ""

    def write(self) -> None:
        """Write the record of the part beside its files, and the checksums of all."""
        feeds = [asdict(feed) for feed in self.feeds]
        record = {"feeds": feeds, "notes": self.notes, "secret": self.secret}
        path = self.directory / "part.json"
        path.write_text(json.dumps(record, ensure_ascii=False, indent=1), "utf-8")
        write_checksums(self.directory)

    @classmethod
    def read(cls, key: str, directory: Path, delivery: str) -> Part | None:
        """Read the record of a part; None if it is not there or cannot be read."""
        try:
            record = json.loads((directory / "part.json").read_text("utf-8"))
            feeds = tuple(
                FeedRecord(
                    f["table"],
                    f["label"],
                    f["rank"],
                    LedgerEntry(**f["entry"]),
                    tuple(f["files"]),
                    f["overlap"],
                )
                for f in record["feeds"]
            )
            notes, secret = tuple(record["notes"]), record.get("secret", "")
            return cls(key, directory, delivery, feeds, notes, secret)
        except UNREADABLE:
            return None


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

    def secret_label(self) -> str:
        """Return what changes with the secret that customers' pseudonyms are made with."""
        ...

    def columns_of(self, table: str) -> dict[str, str]:
        """Return the columns that ``table`` has in this study, with their engine types."""
        ...
