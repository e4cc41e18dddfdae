"""How cost grows with the data: reports 01, 02, 03 and 05 of the simulated shop at several sizes.

    python -m benchmarks.scale [MILLIONS ...] [--engine spark] [--folder FOLDER]

Each report is run by `analysis run`, in a process of its own, on shops of about that many million
order lines, 1 and 10 unless told. Printed are wall seconds,
CPU seconds and peak memory of each size, and the growth exponent between one size and the next:
how the logarithm of a cost grows with that of the lines. Next comes the exponent of each analysis
that takes seconds, for that is where to look. With FOLDER, the shops are kept and used again.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from analysis.reporting.store.layout import StudyReports
from analysis.reporting.store.run_record import RunRecord
from benchmarks.measuring import REPOSITORY, command, table

REPORTS = ("01_profiling", "02_segmentation", "03_deciles", "05_baskets")

#: Customers of the shop for a million order lines.
CUSTOMERS = 15_760

#: CPU seconds above which the growth of one analysis is worth a line.
WORTH = 1.0

Costs = dict[str, dict[str, Any]]


def main(arguments: list[str] | None = None) -> None:
    """Print what each size costs and how it grows."""
    words = argparse.ArgumentParser()
    words.add_argument("millions", nargs="*", type=float, default=[1.0, 10.0])
    words.add_argument("--engine", default="duckdb")
    words.add_argument("--folder", type=Path)
    asked = words.parse_args(arguments if arguments is not None else [])
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="scale-"))
    try:
        measured = {size: costs(folder, size, asked.engine) for size in asked.millions}
    finally:
        if asked.folder is None:
            shutil.rmtree(folder, ignore_errors=True)
    _print_reports(measured)
    _print_analyses(measured)


def costs(folder: Path, millions: float, engine: str) -> Costs:
    """Return what ingest and each report of a shop of that size cost, by name."""
    root, study = folder / f"{millions:g}M", "demo_shop"
    _lay_out(root, millions, engine)
    limits = ("--jobs", "1", "--no-cache", "--cell-limit", "20000", "--time-limit", "40000")
    analysis = (sys.executable, "-m", "analysis")
    step = command(*analysis, "ingest", study, cwd=root)
    manifest = root / "data" / "canonical" / study / "current" / "manifest.json"
    lines = json.loads(manifest.read_text())["rows"]["order_lines"]
    found: Costs = {"ingest": _cost(lines, step.seconds, step.cpu_seconds, step.peak_mb)}
    for report in REPORTS:
        command(*analysis, "run", study, "--only", report[:2], *limits, cwd=root)
        last = StudyReports.of(study, root=root).runs()[0]
        took = RunRecord.read(last.run_json).reports[report]
        found[report] = _cost(lines, took.seconds, took.cpu_seconds, took.peak_memory_mb)
        found[report]["analyses"] = {a.name: a.cpu_seconds for a in took.analyses}
    return found


def _lay_out(root: Path, millions: float, engine: str) -> None:
    (root / "params").mkdir(parents=True, exist_ok=True)
    shutil.copytree(REPOSITORY / "notebooks", root / "notebooks", dirs_exist_ok=True)
    params = yaml.safe_load((REPOSITORY / "params" / "demo_shop.yaml").read_text())
    params["source"]["customers"] = round(CUSTOMERS * millions)
    params["engine"] = {"kind": engine, "memory": "8GB", "threads": 2}
    (root / "params" / "demo_shop.yaml").write_text(yaml.safe_dump(params, sort_keys=False))


def _cost(lines: int, seconds: float, cpu: float, peak: float) -> dict[str, Any]:
    return {"lines": lines, "seconds": seconds, "cpu_seconds": cpu, "peak_memory_mb": peak}


def growth(small: dict[str, Any], large: dict[str, Any], of: str) -> float:
    """Return the exponent by which a cost grows with the lines."""
    lines = math.log(large["lines"] / small["lines"])
    return math.log(large[of] / small[of]) / lines


def _print_reports(measured: dict[float, Costs]) -> None:
    rows, before = [], None
    for size in measured.values():
        for name, cost in size.items():
            row = [name, f"{cost['lines'] / 1e6:.1f}", f"{cost['seconds']:.0f}"]
            row += [f"{cost['cpu_seconds']:.0f}", f"{cost['peak_memory_mb']:,.0f}"]
            grown = [
                f"{growth(before[name], cost, of):.2f}" if before else ""
                for of in ("seconds", "cpu_seconds", "peak_memory_mb")
            ]
            rows.append((*row, *grown))
        before = size
    cost_words = ("wall s", "CPU s", "peak MB")
    table(("report", "M lines", *cost_words, *(f"exponent {w}" for w in cost_words)), sorted(rows))


def _print_analyses(measured: dict[float, Costs]) -> None:
    rows = []
    for small, large in itertools.pairwise(measured.values()):
        for report in REPORTS:
            before = small[report]["analyses"]
            for name, cpu in large[report]["analyses"].items():
                if cpu >= WORTH and name in before:
                    pair = ({**small[report], "cpu": max(before[name], 0.01)},
                            {**large[report], "cpu": cpu})  # fmt: skip
                    words = (f"{before[name]:.1f}", f"{cpu:.1f}", f"{growth(*pair, 'cpu'):.2f}")
                    rows.append((report, name, *words))
    print()
    table(("report", "analysis", "CPU s", "CPU s, larger", "exponent"), rows)


if __name__ == "__main__":
    main(sys.argv[1:])
