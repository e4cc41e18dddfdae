"""A made-up shop's folder, its mapping, and what became of its rows."""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from analysis.ingest import validate
from analysis.ingest.ingest import ingest
from analysis.ingest.mapping import expressions, model, source_rows
from analysis.ingest.readers import archives, stage
from analysis.ingest.request import IngestRequest, IngestResult
from analysis.tables.engine import EngineSettings
from analysis.tables.schema import TABLES

HEADER = "id,customer,sku,when,qty,price,note"
GOOD = "1001,C1,SKU1,2024-03-01 10:00,2,9.99,ok"
MAPPING: dict[str, Any] = {
    "mapping": "shop",
    "files": {"sales": {"paths": ["*.csv", "*.csv.gz", "*.zip", "*.xlsx", "*.parquet", "*.jsonl"]}},
    "tables": [
        {
            "table": "order_lines",
            "from": "sales",
            "timezone": "Europe/London",
            "columns": {
                "order_id": "id",
                "customer_id": "customer",
                "product_id": "sku",
                "ordered_at": {"column": "when", "dates": ["iso", "%d/%m/%Y %H:%M"]},
                "quantity": "qty",
                "net_amount": {"multiply": ["qty", "price"]},
            },
            "drop": [{"rule": "test product", "when": {"column": "sku", "starts": "TEST"}}],
        },
        {
            "table": "products",
            "from": "sales",
            "once_per_key": "true",
            "columns": {
                "product_id": "sku",
                "department": {"constant": "ALL"},
                "category": {"constant": "ALL"},
                "name": "note",
            },
        },
        {
            "table": "customers",
            "from": "sales",
            "once_per_key": "true",
            "columns": {"customer_id": "customer"},
        },
    ],
}


@dataclass(frozen=True)
class Verdict:
    """What became of the rows meant for order_lines."""

    accepted: list[dict[str, Any]]
    rejected: Counter[str]
    dropped: Counter[str]
    notes: tuple[str, ...]

    @property
    def total(self) -> int:
        return len(self.accepted) + sum(self.rejected.values()) + sum(self.dropped.values())


def changed(**file: Any) -> dict[str, Any]:
    """Return the mapping with other options for its files."""
    other = copy.deepcopy(MAPPING)
    other["files"]["sales"] |= file
    return other


def judge(path: Path, work: Path, raw: dict[str, Any] = MAPPING) -> Verdict:
    """Stage one file and judge its rows, without writing tables."""
    checked = model.parse(raw, "shop.yaml")
    spec, table = checked.files["sales"], checked.tables[0]
    connection = ibis.duckdb.connect(threads=1)
    names = expressions.columns_used([table], spec)
    found: list[dict[str, Any]] = []
    notes: tuple[str, ...] = ()
    work.mkdir()
    for i, member in enumerate(archives.members(path, path.name)):
        for staged in stage.stage(connection, member, spec, work / str(i), names):
            mapped = source_rows.canonical_rows(
                staged, table, spec, connection=connection, timezone="Europe/London"
            )
            judged = validate.judged(mapped, TABLES["order_lines"], source=path.name)
            found += judged.order_by("_line").to_pyarrow().to_pylist()
            notes += staged.notes
    connection.disconnect()
    good = [r for r in found if r[validate.RULE] is None and r[validate.REASON] is None]
    refused = Counter(r[validate.REASON] for r in found if r[validate.REASON] is not None)
    dropped = Counter(r[validate.RULE] for r in found if r[validate.RULE] is not None)
    return Verdict(good, refused, dropped, notes)


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of a folder's Parquet files; an engine would take longer to be started."""
    files = sorted(folder.rglob("*.parquet"))
    return pa.concat_tables([pq.ParquetFile(path).read() for path in files]).to_pylist()


class Shop:
    """A project with one study whose source is a folder of files."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "data" / "raw" / "shop"
        self.folder.mkdir(parents=True)
        (root / "params" / "sources").mkdir(parents=True)
        (root / "notebooks").mkdir()
        self.source: dict[str, Any] = {
            "kind": "files",
            "mapping": "shop",
            "folder": "data/raw/shop",
        }
        self.currency = "GBP"
        self.map(MAPPING)

    def map(self, raw: dict[str, Any], name: str = "shop") -> None:
        """Write a mapping."""
        path = self.root / "params" / "sources" / f"{name}.yaml"
        path.write_text(yaml.safe_dump({**raw, "mapping": name}, allow_unicode=True), "utf-8")

    def deliver(self, name: str, *lines: str) -> Path:
        """Write a CSV file with these lines under the header."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([HEADER, *lines]) + "\n", "utf-8")
        return path

    def ingest(self, **kwargs: Any) -> IngestResult:
        """Bring the tables up to date and check that every row is accounted for."""
        request = IngestRequest(
            study="shop",
            title="Shop",
            source=self.source,
            timezone="Europe/London",
            currency=self.currency,
            default_margin_rate=0.3,
            engine=EngineSettings(memory="1GB", threads=1),
        )
        result = ingest(request, root=self.root, **kwargs)
        self.reconcile(result)
        return result

    @property
    def current(self) -> Path:
        return self.root / "data" / "canonical" / "shop" / "current"

    def table(self, name: str) -> list[dict[str, Any]]:
        """Return the rows of a canonical table, in one order."""
        found = rows_of(self.current / name)
        return sorted(found, key=lambda row: [str(v) for v in row.values()])

    def rejected(self, name: str) -> list[dict[str, Any]]:
        """Return the refused rows of a table."""
        folder = self.current / "rejected" / name
        return rows_of(folder) if folder.is_dir() else []

    def reconcile(self, result: IngestResult) -> None:
        """Rows in are rows out: in the account, in the tables and in the refused rows."""
        for name, counted in result.manifest.rows.items():
            entries = [e for e in result.manifest.ledger if e.table == name]
            assert len(self.table(name)) == counted == sum(e.accepted for e in entries)
            refused = sum(sum(e.rejected.values()) for e in entries)
            assert len(self.rejected(name)) == refused
