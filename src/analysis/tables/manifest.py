"""What ingest writes beside the canonical tables: where they came from and what became of rows.

Checksums of what ingest wrote, so that a file damaged or replaced since is found by name.

A file that kept its size and modification time is trusted; of any other, and of all where the
check is thorough, the bytes are hashed again.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.errors import DataError

#: What goes wrong when a damaged JSON file is read back into records.
UNREADABLE = (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError, DataError)
#: Rule of rows that say again what another row of their key says: they are gathered, not lost.
SAME_KEY = "another row of the same"


@dataclass(frozen=True)
class LedgerEntry:
    """What became of the rows of one source on their way into one canonical table.

    Parameters
    ----------
    table
        Canonical table.
    source
        Source file or table, as the user knows it.
    rows_in
        Rows read.
    accepted
        Rows now in the canonical table.
    rejected
        Reason to number of rows written to ``rejected/<table>``.
    dropped
        Name of a rule to number of rows it left out.
    """

    table: str
    source: str
    rows_in: int
    accepted: int
    rejected: dict[str, int] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        out = self.accepted + sum(self.rejected.values()) + sum(self.dropped.values())
        if out != self.rows_in:
            raise DataError(
                f"{self.source} to {self.table}: {self.rows_in:,} rows were read but {out:,} are "
                "accounted for; nothing was published"
            )


@dataclass(frozen=True)
class SourceFile:
    """A file that was read: its name, size in bytes, modification time and content hash.

    ``changed_ns`` is the time at which the file system last noted a change of it, which, unlike
    the modification time, no program can set back.
    """

    name: str
    size: int
    modified_ns: int
    sha256: str
    changed_ns: int = 0


@dataclass(frozen=True)
class Manifest:
    """Everything a report must know about a study's canonical tables.

    Parameters
    ----------
    study, title
        Key and readable name of the study.
    source
        Kind of source the tables were read from.
    simulated
        The rows come from a simulator; every report says so.
    timezone, currency
        Zone that timestamps are local to; ISO 4217 code that money is in.
    fingerprint
        Hash over source contents, settings and ingest code: equal means equal tables.
    default_margin_rate, margin_note
        Contribution margin rate where nothing better is known, and what to say about it.
    rows
        Rows by canonical table.
    ledger
        One entry a source and canonical table.
    files
        The source files.
    notes
        Sentences about the source that every reader should know.
    order_span
        First and last day of the orders; empty without orders.
    not_merchandise
        Departments that hold coupons, fees or supplies: in the sums, in no finding on goods.
    """

    study: str
    title: str = ""
    source: str = "memory"
    simulated: bool = False
    timezone: str = "UTC"
    currency: str = "USD"
    fingerprint: str = ""
    default_margin_rate: float = 0.25
    margin_note: str = ""
    rows: dict[str, int] = field(default_factory=dict)
    ledger: tuple[LedgerEntry, ...] = ()
    files: tuple[SourceFile, ...] = ()
    notes: tuple[str, ...] = ()
    order_span: tuple[str, ...] = ()
    not_merchandise: tuple[str, ...] = ()

    def ledger_table(self) -> pd.DataFrame:
        """Return the ledger with columns table, source, outcome, rule and rows.

        ``outcome`` is accepted, rejected or dropped; ``rule`` is the reason or the rule's name,
        empty for accepted rows.
        """
        records = [
            (entry.table, entry.source, outcome, rule, rows)
            for entry in self.ledger
            for outcome, rule, rows in _outcomes(entry)
        ]
        return pd.DataFrame(records, columns=["table", "source", "outcome", "rule", "rows"])

    def write(self, path: Path) -> None:
        """Write the manifest as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n", "utf-8")

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Read a manifest; DataError if the file is missing or damaged."""
        try:
            raw: dict[str, Any] = json.loads(path.read_text("utf-8"))
            raw["ledger"] = tuple(LedgerEntry(**entry) for entry in raw["ledger"])
            raw["files"] = tuple(SourceFile(**file) for file in raw["files"])
            raw["notes"] = tuple(raw["notes"])
            raw["order_span"] = tuple(raw.get("order_span", ()))
            raw["not_merchandise"] = tuple(raw.get("not_merchandise", ()))
            manifest = cls(**raw)
            _check_types(manifest)
        except UNREADABLE as error:
            raise DataError(
                f"{path} is not a readable manifest ({error}); run `analysis ingest` again"
            ) from error
        return manifest


def _check_types(manifest: Manifest) -> None:
    """Raise TypeError unless every field holds what it is declared to hold."""
    kinds: dict[str, type | tuple[type, ...]] = {
        "default_margin_rate": (int, float),
        "rows": dict,
        "simulated": bool,
        **dict.fromkeys(("ledger", "files", "notes", "order_span", "not_merchandise"), tuple),
    }
    for each in fields(Manifest):
        value = getattr(manifest, each.name)
        if not isinstance(value, kinds.get(each.name, str)):
            raise TypeError(f"{each.name} is {type(value).__name__}")
    if not all(isinstance(n, int) for n in manifest.rows.values()):
        raise TypeError("rows are not counted in whole numbers")
    texts = (*manifest.notes, *manifest.order_span, *manifest.not_merchandise)
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("notes are not text")
    if manifest.order_span:
        _first, _last = map(date.fromisoformat, manifest.order_span)


def _outcomes(entry: LedgerEntry) -> list[tuple[str, str, int]]:
    rejected = [("rejected", reason, rows) for reason, rows in sorted(entry.rejected.items())]
    dropped = [("dropped", rule, rows) for rule, rows in sorted(entry.dropped.items())]
    return [("accepted", "", entry.accepted), *rejected, *dropped]


def order_span(version: Path) -> tuple[str, ...]:
    """Return the first and the last day of the orders below ``version``; empty if there are none.

    Parquet keeps the least and the greatest time of each group of rows, so no row is read.
    """
    # Its file systems start threads on import, which a process to be forked may not have.
    import pyarrow.parquet as pq

    times = []
    for path in (version / "order_lines").rglob("*.parquet"):
        metadata = pq.read_metadata(path)
        place = metadata.schema.names.index("ordered_at")
        for group in range(metadata.num_row_groups):
            statistics = metadata.row_group(group).column(place).statistics
            if statistics is not None and statistics.has_min_max:
                times += [statistics.min, statistics.max]
    return (f"{min(times):%Y-%m-%d}", f"{max(times):%Y-%m-%d}") if times else ()


def check_as_of(as_of: date, manifest: Manifest) -> None:
    """Raise DataError if no order lies before ``as_of``: every report would be empty."""
    if not manifest.order_span:
        return
    first, last = map(date.fromisoformat, manifest.order_span)
    if as_of <= first:
        raise DataError(
            f"as_of {as_of} sees no order: the orders of {manifest.study} run from {first} to "
            f"{last}, so as_of: {last + timedelta(days=1)} would see them all"
        )


#: The file beside the others that holds their checksums.
CHECKSUMS = "checksums.json"


@dataclass(frozen=True)
class Checksum:
    """Size in bytes, modification time in nanoseconds and SHA-256 of one file."""

    size: int
    modified_ns: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> Checksum:
        """Read the file and return its checksum."""
        stat = path.stat()
        return cls(stat.st_size, stat.st_mtime_ns, sha256_of(path))

    def problem(self, path: Path, *, thorough: bool = False) -> str:
        """Return what is wrong with the file, which has this checksum; empty if nothing is."""
        try:
            stat = path.stat()
            if stat.st_size == self.size and (thorough or stat.st_mtime_ns != self.modified_ns):
                changed = sha256_of(path) != self.sha256
            else:
                changed = stat.st_size != self.size
        except OSError:
            return "is missing or cannot be read"
        return "holds other bytes than were written" if changed else ""


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_checksums(folder: Path) -> None:
    """Write the checksums of every file below ``folder`` beside them."""
    found = {
        str(path.relative_to(folder)): asdict(Checksum.of(path))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != CHECKSUMS
    }
    text = json.dumps(found, ensure_ascii=False, indent=1)
    (folder / CHECKSUMS).write_text(text + "\n", "utf-8")


def damage(folder: Path, *, thorough: bool = False) -> str:
    """Return what is wrong with the files below ``folder``, in words; empty if nothing is.

    Parameters
    ----------
    folder
        A folder whose checksums were written.
    thorough
        Hash the bytes of every file, those of unchanged size and time as well.
    """
    try:
        raw = json.loads((folder / CHECKSUMS).read_text("utf-8"))
        known = {name: Checksum(**each) for name, each in raw.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return f"{CHECKSUMS} cannot be read"
    wrong = ((name, each.problem(folder / name, thorough=thorough)) for name, each in known.items())
    return next((f"{name} {why}" for name, why in wrong if why), "")
