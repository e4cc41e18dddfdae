"""Bring a study up to date and run every notebook of it in one process, in the engine it names.

    python -m tests.notebooks.on_engine ROOT STUDY FOLDER [REPORT ...]

One process, so that one Spark session serves all notebooks: what is compared is what they compute
and what they say. Charts are not drawn; they show no figure that no table holds. What ended in an
exception is written to ``errors.json`` in FOLDER; what each report says, in order, to
``said.json``; what each notebook took to ``costs.json``: seconds, CPU seconds with Spark's driver,
jobs that Spark started, and rows brought to this process, by the line that asked for them.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from analysis import params
from analysis.ingest.ingest import ingest
from analysis.params import StudyParams
from analysis.project import ROOT
from analysis.reporting.charts import svg
from analysis.reporting.execution.cell_costs import of_family
from analysis.reporting.notebook.outputs import KEY, Output
from analysis.reporting.notebook.report import Report
from analysis.reporting.runner.run_plan import make_plan
from analysis.reporting.store.layout import STAGING, RunFolder
from analysis.reporting.store.run_record import Status
from analysis.tables.engine import Tables


def run(root: Path, study: str, folder: Path, only: Collection[str] = ()) -> None:
    """Run everything, or the reports ``only``; see above."""
    settings = params.load(study, root=root)
    ingest(settings.ingest_request(), root=root)
    here = RunFolder(folder)
    folder.mkdir(parents=True)
    here.params_json.write_text(settings.model_dump_json())
    os.environ |= {STAGING: str(folder), ROOT: str(root), "MPLBACKEND": "agg"}
    os.chdir(root / "notebooks")
    said, errors, costs, collected = listened(), {}, {}, collected_rows()
    for planned in make_plan(root / "notebooks").reports:
        name = planned.report
        if only and name not in only:
            continue
        cpu, jobs, began = of_family(), jobs_so_far(), time.perf_counter()
        collected.clear()
        try:
            execute(planned.path, settings)
        except Exception as error:
            kind = type(error).__name__
            errors[name] = str(error) if kind == "NotApplicable" else traceback.format_exc()
        else:
            Status(name, "done").write(here.status(name))  # the summary reads what came of each
        costs[name] = {
            "cpu_seconds": round(of_family() - cpu, 1),
            "seconds": round(time.perf_counter() - began, 1),
            "jobs": jobs_so_far() - jobs,
            "collected": dict(collected.most_common()),
        }  # fmt: skip
    for name, found in (("errors", errors), ("said", said), ("costs", costs)):
        (folder / f"{name}.json").write_text(json.dumps(found, indent=1))


def listened() -> dict[str, list[str]]:
    """Return what the reports of this process will say, by report, and draw no chart of theirs."""
    said: dict[str, list[str]] = {}

    def show(report: Report, output: Output) -> None:
        said.setdefault(report.name, []).append(
            f"{output.metadata[KEY]['role']}: {output.data['text/plain']}"
        )

    def undrawn(drawn: Any, **_: str) -> str:
        svg._close(svg._figure(drawn))
        return "<svg/>"

    Report._show = show  # type: ignore[method-assign]
    svg.render = undrawn
    return said


def collected_rows() -> Counter[str]:
    """Return how many rows Spark brings to this process, by the line of ours that asks for them."""
    rows: Counter[str] = Counter()
    if importlib.util.find_spec("pyspark") is None:
        return rows
    from pyspark.sql.classic.dataframe import DataFrame

    def counting(original: Callable[[DataFrame], Any]) -> Callable[[DataFrame], Any]:
        def count(frame: DataFrame) -> Any:
            found = original(frame)
            ours = [f for f in traceback.extract_stack() if "/src/analysis/" in f.filename]
            asks = next(f for f in reversed(ours) if Path(f.filename).stem != "spark_engine")
            rows[f"{Path(asks.filename).stem}.{asks.name}"] += len(found)
            return found

        return count

    for name in ("toPandas", "toArrow", "collect"):
        setattr(DataFrame, name, counting(getattr(DataFrame, name)))
    return rows


def execute(path: Path, settings: StudyParams) -> None:
    """Execute the code cells of a notebook with the study's parameters."""
    cells = json.loads(path.read_text("utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(code[0], names)
    names |= settings.notebook_parameters(path.stem)
    for text in code[1:]:
        exec(compile(text, f"<{path.stem}>", "exec"), names)
    tables = getattr(names.get("report"), "_tables", None)
    if isinstance(tables, Tables):
        tables.close()


def jobs_so_far() -> int:
    """Return how many jobs Spark has started in this process; 0 without Spark."""
    if "pyspark" not in sys.modules:
        return 0
    from pyspark.sql import SparkSession

    session = SparkSession.getActiveSession()
    if session is None:
        return 0
    return int(session.sparkContext._jsc.sc().dagScheduler().numTotalJobs())


if __name__ == "__main__":
    run(Path(sys.argv[1]).resolve(), sys.argv[2], Path(sys.argv[3]).resolve(), sys.argv[4:])
