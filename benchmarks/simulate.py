"""The simulated shop: seconds, order lines a second and peak memory at three sizes."""

from __future__ import annotations

import tempfile

from benchmarks.measuring import Cost, python, table

CODE = """
import time; from pathlib import Path
import pyarrow.parquet as pq
from analysis.simulator.shop import Shop; from analysis.simulator.writer import simulate
began, work = time.perf_counter(), time.process_time()
folder = Path("{folder}") / "{customers}"
simulate(Shop(customers={customers}, seed=1), folder, lines_only={lines_only})
seconds, work = time.perf_counter() - began, time.process_time() - work
files = [p for n in ("order_lines", "order_lines_late") for p in (folder / n).glob("*.parquet")]
size = sum(p.stat().st_size for p in folder.rglob("*.parquet"))
print(sum(pq.read_metadata(p).num_rows for p in files), seconds, work, size)
"""

#: Customers, and whether order lines alone are written.
SIZES = ((20_000, False), (200_000, False), (2_000_000, True))


def main() -> None:
    """Print what each size costs: all tables for the first two, order lines alone for the last."""
    rows = []
    for customers, lines_only in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            cost = python(CODE.format(folder=folder, customers=customers, lines_only=lines_only))
        rows.append(_row(customers, lines_only, cost))
    table(
        (
            "customers",
            "tables",
            "order lines",
            "seconds",
            "processor seconds",
            "lines a second",
            "peak MB",
            "GB written",
        ),
        rows,
    )


def _row(customers: int, lines_only: bool, cost: Cost) -> tuple[str, ...]:
    lines, seconds, work, size = cost.output.split()
    return (
        f"{customers:,}",
        "order lines" if lines_only else "all",
        f"{int(lines):,}",
        f"{float(seconds):.1f}",
        f"{float(work):.1f}",
        f"{int(lines) / float(seconds):,.0f}",
        f"{cost.peak_mb:,.0f}",
        f"{int(size) / 1e9:.2f}",
    )
