"""Reports of the simulated shop on a Spark cluster of this machine, beside DuckDB.

    analysis ingest demo_shop
    python -m benchmarks.spark [REPORT ...]

A standalone master and two workers of one core each, an application a report, nothing drawn and no
page made, on either engine. Printed are wall seconds, processor seconds (those of the executors
apart), Spark's jobs, the rows that came to the driver and the line of code that asked for most of
them. All saved tables must be those of DuckDB: money, counts and words exactly, others to 1e-9.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from benchmarks.measuring import REPOSITORY, command, table
from tests.notebooks.test_on_spark import differences, saved
from tests.spark_cluster import cluster

REPORTS = ("01_profiling", "02_segmentation", "03_deciles", "05_baskets")
STUDY = "demo_shop"
DUCKDB = {"kind": "duckdb", "memory": "2GB", "threads": 2}


def main(reports: list[str] | None = None) -> None:
    """Print what each report costs on either engine, and whether the tables are the same."""
    folder = Path(tempfile.mkdtemp(prefix="spark-"))
    rows, wrong = [], {}
    try:
        with cluster(folder / "cluster", memory=900) as made:
            for report in reports or REPORTS:
                here, before = run(folder, report, DUCKDB), made.cpu_seconds()
                there = run(folder, report, made.settings())
                time.sleep(5)  # until its executors have ended
                own = f"{made.cpu_seconds() - before:,.0f}"
                rows += [figures(report, "DuckDB", here, ""), figures(report, "Spark", there, own)]
                print(*map(json.dumps, rows[-2:]), sep="\n", file=sys.stderr, flush=True)
                ours, theirs = (saved(folder / kind / report) for kind in ("duckdb", "spark"))
                assert ours.keys() == theirs.keys()
                found = {name: differences(ours[name], theirs[name]) for name in ours}
                wrong |= {name: words for name, words in found.items() if words}
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    heads = ("report", "engine", "wall s", "CPU s", "executors' CPU s", "jobs", "rows to driver",
             "most by")  # fmt: skip
    table(heads, rows)
    print("\nAll tables are the same." if not wrong else f"\nNot the same: {wrong}")


def run(folder: Path, report: str, engine: dict[str, Any]) -> dict[str, Any]:
    """Run a report in a process of its own and return what it cost."""
    root, out = folder / f"{engine['kind']}-shop", folder / engine["kind"] / report
    if not root.exists():
        for name in ("notebooks", "params"):
            shutil.copytree(REPOSITORY / name, root / name)
        for place in ("simulated", "canonical"):
            source = REPOSITORY / "data" / place / STUDY
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


def figures(report: str, engine: str, cost: dict[str, Any], executors: str) -> list[str]:
    """Return the row of a report and an engine."""
    brought = cost["collected"]
    most = next(iter(brought.items()), ("", 0))
    return [
        report, engine, f"{cost['seconds']:,.0f}", f"{cost['cpu_seconds']:,.0f}", executors,
        f"{cost['jobs'] or ''}", f"{sum(brought.values()) or '':,}" if brought else "",
        f"{most[0]}: {most[1]:,}" if brought else "",
    ]  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1:])
