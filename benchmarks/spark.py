"""Reports of the simulated shop on a Spark cluster of this machine, beside DuckDB.

    analysis ingest demo_shop
    python -m benchmarks.spark [REPORT ...] [--shop PROJECT]

A standalone master and two workers of one core each, an application a report, nothing drawn and no
page made, on either engine. Printed are wall seconds, processor seconds (those of the executors
apart), Spark's jobs, how often files of order lines and of all tables were read (a question may
read several times), the rows that came to the driver and the line of code that asked for most of
them. All saved tables must be those of DuckDB: money, counts and words exactly, others to 1e-9.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from benchmarks.measuring import REPOSITORY, command, table
from tests.notebooks.test_on_spark import differences, saved
from tests.spark_cluster import cluster

REPORTS = ("01_profiling", "02_segmentation", "03_deciles", "05_baskets")
STUDY = "demo_shop"
DUCKDB = {"kind": "duckdb", "memory": "2GB", "threads": 2}


def main(arguments: list[str] | None = None) -> None:
    """Print what each report costs on either engine, and whether the tables are the same."""
    words = argparse.ArgumentParser()
    words.add_argument("reports", nargs="*", default=REPORTS)
    words.add_argument("--shop", type=Path, default=REPOSITORY)
    asked = words.parse_args(arguments if arguments is not None else [])
    folder = Path(tempfile.mkdtemp(prefix="spark-"))
    rows, wrong = [], {}
    try:
        with cluster(folder / "cluster", memory=900) as made:
            for report in asked.reports:
                here, before = run(folder, asked.shop, report, DUCKDB), made.cpu_seconds()
                (log := folder / "log" / report).mkdir(parents=True)
                logged = {"spark.eventLog.enabled": "true", "spark.eventLog.dir": f"file://{log}",
                          "spark.eventLog.compress": "false"}  # fmt: skip
                there = run(folder, asked.shop, report, made.settings(**logged))
                time.sleep(5)  # until its executors have ended
                there["scans"] = scans(log)
                own = f"{made.cpu_seconds() - before:,.0f}"
                rows += [figures(report, "DuckDB", here, ""), figures(report, "Spark", there, own)]
                print(*map(json.dumps, rows[-2:]), sep="\n", file=sys.stderr, flush=True)
                ours, theirs = (saved(folder / kind / report) for kind in ("duckdb", "spark"))
                assert ours.keys() == theirs.keys()
                found = {name: differences(ours[name], theirs[name]) for name in ours}
                wrong |= {name: words for name, words in found.items() if words}
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    heads = ("report", "engine", "wall s", "CPU s", "executors' CPU s", "jobs", "lines read",
             "all read", "rows to driver", "most by")  # fmt: skip
    table(heads, rows)
    print("\nAll tables are the same." if not wrong else f"\nNot the same: {wrong}")


def run(folder: Path, shop: Path, report: str, engine: dict[str, Any]) -> dict[str, Any]:
    """Run a report of the shop of a project in a process of its own and return what it cost."""
    root, out = folder / f"{engine['kind']}-shop", folder / engine["kind"] / report
    if not root.exists():
        for name in ("notebooks", "params"):
            shutil.copytree(REPOSITORY / name, root / name)
        for place in ("simulated", "canonical"):
            source = shop / "data" / place / STUDY
            shutil.copytree(source, root / "data" / place / STUDY, symlinks=True)
    params = root / "params" / f"{STUDY}.yaml"
    said = yaml.safe_load((REPOSITORY / "params" / f"{STUDY}.yaml").read_text())
    params.write_text(yaml.safe_dump({**said, "engine": engine}, sort_keys=False))
    words = (str(root), STUDY, str(out), report)
    command(sys.executable, "-m", "tests.notebooks.on_engine", *words)
    errors = json.loads((out / "errors.json").read_text())
    assert not errors, errors
    found: dict[str, Any] = json.loads((out / "costs.json").read_text())[report]
    return found


def scans(log: Path) -> Counter[str]:
    """Return how often Spark read the files of each table, from the events that it wrote down."""
    tables, found = dict[int, str](), Counter[str]()

    def noted(node: dict[str, Any]) -> None:
        if node["nodeName"].startswith("Scan parquet"):
            place = re.search(r"canonical/[^/]+/[^/]+/(\w+)", json.dumps(node["metadata"]))
            files = (m for m in node["metrics"] if m["name"] == "number of files read")
            tables.update((m["accumulatorId"], place[1] if place else "") for m in files)
        for child in node["children"]:
            noted(child)

    for path in log.rglob("events_*"):
        for event in map(json.loads, path.read_text().splitlines()):
            if "sparkPlanInfo" in event:
                noted(event["sparkPlanInfo"])
            updates = event.get("accumUpdates", []) if "Driver" in event["Event"] else []
            found.update(tables[number] for number, _ in updates if number in tables)
    return found


def figures(report: str, engine: str, cost: dict[str, Any], executors: str) -> list[str]:
    """Return the row of a report and an engine."""
    brought, scanned = cost["collected"], Counter(cost.get("scans", {}))
    most = next(iter(brought.items()), ("", 0))
    return [
        report, engine, f"{cost['seconds']:,.0f}", f"{cost['cpu_seconds']:,.0f}", executors,
        f"{cost['jobs'] or ''}", f"{scanned['order_lines'] or ''}", f"{scanned.total() or ''}",
        f"{sum(brought.values()) or '':,}" if brought else "",
        f"{most[0]}: {most[1]:,}" if brought else "",
    ]  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1:])
