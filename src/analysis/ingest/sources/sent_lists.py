"""The lists that a study sent: assignments of its own, read beside whatever its source is.

``data/sent/<study>/<list>/`` holds, for each list that went out, ``promotion.json`` (a row of
promotions, and the checksum of the other file) and ``assignments.parquet`` (who was drawn into
which arm, what was promised, when it was sent). `analysis sent` writes them. They are added to the
tables after the source's own rows, so they stand beside any kind of source.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa

from analysis.errors import DataError
from analysis.ingest import validate
from analysis.tables.engine import EngineSettings, connect, kind_of, read_parquet, write_parquet
from analysis.tables.manifest import UNREADABLE, LedgerEntry, SourceFile, sha256_of
from analysis.tables.schema import TABLES

PROMOTION, ASSIGNMENTS = "promotion.json", "assignments.parquet"

#: Fields of promotion.json that are no columns of promotions.
NO_COLUMNS = ("sha256", "manifest_sha256", "said")

SOURCES_OWN = "the source states this promotion itself"
TWO_ARMS = "two arms, since customers were merged into one"
TWICE = "the same arm twice, since customers were merged into one"


def sent_dir(study: str, *, root: Path) -> Path:
    """Return the directory with the lists that a study sent."""
    return root / "data" / "sent" / study


@dataclass(frozen=True)
class SentLists:
    """The lists that a study sent, as they lie on disk.

    Parameters
    ----------
    folders
        One a list, in the order of their names.
    files
        Their files, with contents hashed.
    """

    folders: tuple[Path, ...]
    files: tuple[SourceFile, ...]

    @classmethod
    def of(cls, study: str, *, root: Path) -> SentLists:
        """Return the lists of a study.

        Raises
        ------
        DataError
            If a list lacks a file or its assignments are not those that were written.
        """
        home = sent_dir(study, root=root)
        found = sorted(p.parent for p in home.glob(f"*/{PROMOTION}")) if home.is_dir() else []
        folders = tuple(p for p in found if not p.name.startswith("."))
        return cls(folders, tuple(file for folder in folders for file in _files(folder)))

    def add(
        self, settings: EngineSettings, staging: Path
    ) -> tuple[tuple[LedgerEntry, ...], tuple[str, ...]]:
        """Add the lists to the tables below ``staging``; return the account of rows, and notes."""
        if not self.folders:
            return (), ()
        connection = connect(settings)
        try:
            entries = [
                _added(connection, name, feeds, staging)
                for name, feeds in _feeds(connection, self.folders, staging).items()
            ]
        finally:
            if settings.kind == "duckdb":
                connection.disconnect()
        lists = len(self.folders)
        which = "1 list that was sent is" if lists == 1 else f"{lists} lists that were sent are"
        note = f"{which} among the promotions and assignments (data/sent)."
        return tuple(entry for found in entries for entry in found), (note,)


def _files(folder: Path) -> list[SourceFile]:
    record = promotion_of(folder)
    rows = folder / ASSIGNMENTS
    if not rows.is_file():
        raise DataError(
            f"sent/{folder.name}/{ASSIGNMENTS} is missing; run `analysis sent` for this list "
            "again, or remove its folder to forget the list"
        )
    if sha256_of(rows) != record.get("sha256"):
        raise DataError(
            f"sent/{folder.name}/{ASSIGNMENTS} holds other bytes than `analysis sent` wrote; put "
            "back a copy of it, or run `analysis sent` for this list again"
        )
    found = []
    for path in (folder / PROMOTION, rows):
        stat = path.stat()
        name = f"sent/{folder.name}/{path.name}"
        digest = sha256_of(path)
        found.append(
            SourceFile(name, stat.st_size, stat.st_mtime_ns, digest, changed_ns=stat.st_ctime_ns)
        )
    return found


def promotion_of(folder: Path) -> dict[str, Any]:
    """Return what ``promotion.json`` of a list holds; DataError if it cannot be read."""
    path = folder / PROMOTION
    try:
        record = json.loads(path.read_text("utf-8"))
        if not isinstance(record, dict) or record["promotion_id"] != folder.name:
            raise ValueError(f"promotion_id is not {folder.name}")
    except UNREADABLE as error:
        raise DataError(
            f"sent/{folder.name}/{PROMOTION} cannot be read ({error}); run `analysis sent` for "
            "this list again"
        ) from None
    return record


def _feeds(
    connection: Any, folders: Sequence[Path], staging: Path
) -> dict[str, list[tuple[str, ibis.Table]]]:
    """Return the rows of each table, by list."""
    promotions, assignments = [], []
    for folder in folders:
        record = {k: v for k, v in promotion_of(folder).items() if k not in NO_COLUMNS}
        known = {k: v for k, v in record.items() if v is not None}
        row = pd.DataFrame([{k: str(v) for k, v in known.items()}])
        promotions.append((f"sent/{folder.name}/{PROMOTION}", _held(connection, folder.name, row)))
        rows = read_parquet(connection, folder / ASSIGNMENTS)
        assignments.append(
            (f"sent/{folder.name}/{ASSIGNMENTS}", _unified(connection, rows, staging))
        )
    return {"promotions": promotions, "assignments": assignments}


def _held(connection: Any, name: str, row: Any) -> ibis.Table:
    if kind_of(connection) == "duckdb":
        return connection.create_table(f"sent {name}", pa.Table.from_pandas(row), temp=True)
    return connection.create_table(f"sent_{name}".replace("-", "_"), row, overwrite=True)


def _unified(connection: Any, rows: ibis.Table, staging: Path) -> ibis.Table:
    """Return the rows with the customers that records were merged into since."""
    links = staging / "identity" / "links.parquet"
    if not links.is_file():
        return rows
    merged = read_parquet(connection, links).select(_source="source_id", _unified="unified_id")
    joined = rows.left_join(merged, rows.customer_id == merged["_source"])
    now = joined["_unified"].fill_null(joined.customer_id)
    return joined.mutate(customer_id=now).select(rows.columns)


def _added(
    connection: Any, name: str, feeds: list[tuple[str, ibis.Table]], staging: Path
) -> list[LedgerEntry]:
    """Add the rows of the lists to one table; return their account."""
    there = read_parquet(connection, staging / name) if (staging / name).is_dir() else None
    tables, entries = [], []
    for source, rows in feeds:
        judged = validate.judged(
            rows.mutate(source_key=ibis.literal(source)), TABLES[name], source=source
        )
        reasons = judged.filter(judged[validate.REASON].notnull()).limit(1).to_pyarrow().to_pylist()
        if reasons:
            raise DataError(
                f"{source}: {reasons[0][validate.REASON]}; run `analysis sent` for this list again"
            )
        clean = judged.drop(validate.KEY, validate.RULE, validate.REASON)
        kept, dropped = _without_clashes(clean, there, name)
        count, left = (int(t.count().to_pandas()) for t in (clean, kept))
        entries.append(LedgerEntry(name, source, count, left, {}, _only(dropped, count - left)))
        tables.append(kept)
    beside = staging / f".{name}"
    every = validate.stacked([*([there] if there is not None else []), *tables])
    write_parquet(connection, every.order_by(list(TABLES[name].key)), beside)
    shutil.rmtree(staging / name, ignore_errors=True)
    beside.rename(staging / name)
    return entries


def _without_clashes(
    rows: ibis.Table, there: ibis.Table | None, name: str
) -> tuple[ibis.Table, dict[str, int]]:
    """Return the rows that may stand, and how many others were dropped, by rule."""
    dropped = {}
    if there is not None:
        own = there.select("promotion_id").distinct()
        kept = rows.anti_join(own, "promotion_id")
        dropped[SOURCES_OWN] = _fewer(rows, kept)
        rows = kept
    if name == "assignments":
        key = ["promotion_id", "customer_id"]
        arms = rows.group_by(key).agg(_arms=rows.arm.nunique())
        several = arms.filter(arms["_arms"] > 1)
        kept = rows.anti_join(several, key)
        dropped[TWO_ARMS] = _fewer(rows, kept)
        place = ibis.row_number().over(group_by=key, order_by=list(kept.columns))
        once = kept.mutate(_place=place)
        once = once.filter(once["_place"] == 0).drop("_place")
        dropped[TWICE] = _fewer(kept, once)
        rows = once
    return rows, dropped


def _fewer(rows: ibis.Table, kept: ibis.Table) -> int:
    return int(rows.count().to_pandas()) - int(kept.count().to_pandas())


def _only(dropped: dict[str, int], total: int) -> dict[str, int]:
    found = {rule: n for rule, n in sorted(dropped.items()) if n}
    if sum(found.values()) != total:
        raise DataError(f"{total:,} rows were left out but {found} were accounted for")
    return found
