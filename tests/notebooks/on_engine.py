"""Ingest a study and run every notebook of it in one process, in the engine that it is told.

    python -m tests.notebooks.on_engine ROOT STUDY FOLDER

One process, so that one Spark session serves all notebooks: what is compared is what they compute.
What ended in an exception is written to ``errors.json`` in FOLDER; what each notebook took, in
CPU seconds with Spark's driver and in jobs that Spark started, to ``costs.json``.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from analysis import params
from analysis.ingest.ingest import ingest
from analysis.params import StudyParams
from analysis.reporting.execution.cell_costs import of_family
from analysis.reporting.store.layout import ROOT, STAGING, RunFolder
from analysis.tables.engine import Tables


def run(root: Path, study: str, folder: Path) -> None:
    """Run everything; see above."""
    settings = params.load(study, root=root)
    ingest(settings.ingest_request(), root=root)
    folder.mkdir(parents=True)
    RunFolder(folder).params_json.write_text(settings.model_dump_json())
    os.environ |= {STAGING: str(folder), ROOT: str(root), "MPLBACKEND": "agg"}
    os.chdir(root / "notebooks")
    errors: dict[str, str] = {}
    costs: dict[str, dict[str, float]] = {}
    for path in sorted((root / "notebooks").glob("*.ipynb"), key=_summary_last):
        cpu, jobs = of_family(), jobs_so_far()
        try:
            execute(path, settings)
        except Exception as error:
            kind = type(error).__name__
            errors[path.stem] = str(error) if kind == "NotApplicable" else traceback.format_exc()
        costs[path.stem] = {
            "cpu_seconds": round(of_family() - cpu, 1), "jobs": jobs_so_far() - jobs,
        }  # fmt: skip
    (folder / "errors.json").write_text(json.dumps(errors))
    (folder / "costs.json").write_text(json.dumps(costs, indent=1))


def _summary_last(path: Path) -> tuple[bool, str]:
    """Order notebooks by number, the summary of all of them after the others."""
    return path.stem.startswith("00"), path.stem


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
    run(Path(sys.argv[1]).resolve(), sys.argv[2], Path(sys.argv[3]).resolve())
