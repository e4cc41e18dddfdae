"""How cost grows with the data: reports 01, 02, 03 and 05 of the simulated shop at several sizes.

    analysis ingest demo_shop
    python -m benchmarks.scale [COPIES ...] [--lines 1 10 100] [--only 01 03] [--folder FOLDER]

The simulated shop as ingested has 1.3 M order lines; a larger one is that shop so many times over,
COPIES of it or as many as give so many million LINES. A hundred million take 2 GB of disk, and up
to 20 more while they are worked on.
Each copy has customers, orders and visits of its own, so that baskets, gaps and segments keep their
shape, and all copies sell the same products. Each report is run by `analysis run`, one after the
other, without the reports that it would take a table from. Printed are wall and CPU seconds of the
report, the peak of memory of the command and all that it starts (shared pages counted once), and
the exponent by which each grows with the lines; then the exponent of every analysis that takes
seconds, for that is where to look. With FOLDER, the shops are kept and used again.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import shutil
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import yaml

from analysis.reporting.store.layout import StudyReports
from analysis.reporting.store.run_record import RunRecord
from analysis.tables.manifest import LedgerEntry, Manifest, write_checksums
from benchmarks.measuring import REPOSITORY, command, table, tree_peak

REPORTS = ("01_profiling", "02_segmentation", "03_deciles", "05_baskets")
STUDY = "demo_shop"
MEMORY = "4GB"  # what a study is given where its params do not say otherwise

#: What all copies of the shop have in common; every other key is a copy's own.
COMMON = ("product_id", "promotion_id", "store_id", "coupon_id")
MORE_KEYS = ("in_reply_to", "renewed_from")

#: CPU seconds above which the growth of one analysis is worth a line.
WORTH = 1.0

Costs = dict[str, dict[str, Any]]


def main(arguments: list[str] | None = None) -> None:
    """Print what each size costs and how it grows."""
    words = argparse.ArgumentParser()
    words.add_argument("copies", nargs="*", type=int)
    words.add_argument("--lines", nargs="+", type=float, default=[])
    words.add_argument("--only", nargs="+", default=[name[:2] for name in REPORTS])
    words.add_argument("--folder", type=Path)
    asked = words.parse_args(arguments if arguments is not None else [])
    reports = [name for name in REPORTS if name[:2] in asked.only]
    sizes = [*asked.copies, *map(_copies, asked.lines)] or [1, 10]
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="scale-"))
    command(sys.executable, "-m", "analysis", "ingest", STUDY)
    try:
        measured = {size: costs(folder, size, reports) for size in sizes}
    finally:
        if asked.folder is None:
            shutil.rmtree(folder, ignore_errors=True)
    _print_reports(measured)
    print()
    _print_analyses(measured)


def _copies(million: float) -> int:
    """Return how many of the shop have so many million order lines at least."""
    one = Manifest.read(_tables(REPOSITORY) / "manifest.json").rows["order_lines"]
    return max(1, math.ceil(million * 1e6 / one))


def costs(folder: Path, copies: int, reports: list[str]) -> Costs:
    """Return what each report of a shop of that size cost, by name."""
    root = _shop(folder, copies)
    limits = ("--jobs", "1", "--no-cache", "--cell-limit", "20000", "--time-limit", "40000")
    found: Costs = {}
    for report in reports:
        words = (sys.executable, "-m", "analysis", "run", STUDY, "--only", report[:2], *limits)
        with tree_peak() as peak:
            command(*words, cwd=root)
        record = RunRecord.read(StudyReports.of(STUDY, root=root).runs()[0].run_json)
        took = record.reports[report]
        analyses: Counter[str] = Counter()
        for each in took.analyses:
            analyses[each.name] += each.cpu_seconds
        found[report] = {
            "lines": record.data["rows"]["order_lines"],
            "seconds": took.seconds,
            "cpu_seconds": took.cpu_seconds,
            "peak_mb": peak[0],
            "analyses": dict(analyses),
        }
        print(f"{copies} copies, {report} ({took.status}):", json.dumps(found[report]), flush=True)
    return found


def _shop(folder: Path, copies: int) -> Path:
    """Return the root of a project that holds the larger shop; make it where it is missing."""
    root = folder / str(copies)
    for name in ("notebooks", "params"):
        shutil.copytree(REPOSITORY / name, root / name, dirs_exist_ok=True)
    for path in (root / "notebooks").glob("*.ipynb"):
        notebook = json.loads(path.read_text("utf-8"))
        notebook["metadata"]["analysis"]["needs"] = []
        path.write_text(json.dumps(notebook), "utf-8")
    params = yaml.safe_load((REPOSITORY / "params" / f"{STUDY}.yaml").read_text())
    params["engine"] = {"kind": "duckdb", "memory": MEMORY, "threads": 2}
    (root / "params" / f"{STUDY}.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    target = _tables(root).with_name(f"{copies}-copies")
    if not target.exists():
        made = Path("data", "simulated", STUDY)  # what the tables are known to come from
        shutil.copytree(REPOSITORY / made, root / made, dirs_exist_ok=True)
        _copy_shop(_tables(REPOSITORY), target, copies)
    _tables(root).unlink(missing_ok=True)
    _tables(root).symlink_to(target.name)
    # Else a run would take the tables for those of another version, and ingest the small shop anew.
    fingerprint = Manifest.read(_tables(REPOSITORY) / "manifest.json").fingerprint
    replace(Manifest.read(target / "manifest.json"), fingerprint=fingerprint).write(
        target / "manifest.json"
    )
    write_checksums(target)
    return root


def _tables(root: Path) -> Path:
    return root / "data" / "canonical" / STUDY / "current"


def _copy_shop(source: Path, target: Path, copies: int) -> None:
    """Write the shop ``copies`` times over, in the engine and in bounded memory."""
    target.mkdir(parents=True)
    manifest = Manifest.read(source / "manifest.json")
    rows = dict(manifest.rows)
    with duckdb.connect(config={"memory_limit": "4GB", "temp_directory": f"{target}-spill"}) as db:
        for name in rows:
            files = sorted((source / name).rglob("*.parquet"))
            own = [
                column
                for column in db.read_parquet(str(files[0])).columns
                if column in MORE_KEYS or (column.endswith("_id") and column not in COMMON)
            ]
            if not own:
                shutil.copytree(source / name, target / name)
                continue
            copied = ", ".join(f"{c} || '-' || copy as {c}" for c in own)
            for path in files:  # a month at a time, where the table is kept by month
                copy = target / path.relative_to(source)
                copy.parent.mkdir(parents=True, exist_ok=True)
                rows_of = f"read_parquet('{path}', hive_partitioning = false)"
                db.sql(
                    f"copy (select * exclude (copy) replace ({copied}) from {rows_of}, "
                    f"range({copies}) as copies(copy)) to '{copy}' (format parquet)"
                )
            rows[name] *= copies
    ledger = tuple(_times(entry, rows[entry.table] // manifest.rows[entry.table])
                   for entry in manifest.ledger)  # fmt: skip
    replace(manifest, rows=rows, ledger=ledger).write(target / "manifest.json")


def _times(entry: LedgerEntry, copies: int) -> LedgerEntry:
    many = {
        name: {reason: n * copies for reason, n in getattr(entry, name).items()}
        for name in ("rejected", "dropped")
    }
    counts = {"rows_in": entry.rows_in * copies, "accepted": entry.accepted * copies}
    return replace(entry, **counts, **many)


def growth(small: dict[str, Any], large: dict[str, Any], of: str) -> float:
    """Return the exponent by which a cost grows with the lines."""
    return math.log(large[of] / small[of]) / math.log(large["lines"] / small["lines"])


def _print_reports(measured: dict[int, Costs]) -> None:
    costs_of = ("seconds", "cpu_seconds", "peak_mb")
    rows, before = [], None
    for size in measured.values():
        for name, cost in size.items():
            grown = [f"{growth(before[name], cost, of):.2f}" if before else "" for of in costs_of]
            figures = [f"{cost[of]:,.0f}" for of in costs_of]
            rows.append((name, f"{cost['lines'] / 1e6:.1f}", *figures, *grown))
        before = size
    words = ("wall s", "CPU s", "peak MB")
    table(("report", "M lines", *words, *(f"exponent {w}" for w in words)), sorted(rows))


def _print_analyses(measured: dict[int, Costs]) -> None:
    rows = []
    for small, large in itertools.pairwise(measured.values()):
        for report, cost in large.items():
            before = small[report]["analyses"]
            for name, cpu in cost["analyses"].items():
                if cpu >= WORTH and name in before:
                    pair = [
                        {"lines": size[report]["lines"], "cpu": max(spent, 0.01)}
                        for size, spent in ((small, before[name]), (large, cpu))
                    ]
                    exponent = f"{growth(*pair, 'cpu'):.2f}"
                    rows.append((report, name, f"{before[name]:.1f}", f"{cpu:.1f}", exponent))
    table(("report", "analysis", "CPU s", "CPU s, larger", "exponent"), rows)


if __name__ == "__main__":
    main(sys.argv[1:])
