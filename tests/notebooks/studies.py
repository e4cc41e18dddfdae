"""A notebook's cells, run in this process on a study made of data frames."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.params.report_params import from_notebook
from analysis.reporting.notebook import report as reports
from analysis.reporting.notebook.findings import Findings
from analysis.reporting.notebook.outputs import KEY, Output
from analysis.reporting.store.layout import Workspace
from analysis.tables.engine import EngineSettings, canonical_dir, in_memory, write_parquet
from analysis.tables.manifest import LedgerEntry
from analysis.tables.periods import as_date

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
STUDY = "odd"


@dataclass
class Page:
    """What a notebook showed and saved."""

    name: str
    workspace: Workspace
    outputs: list[Output] = field(default_factory=list)

    def shown(self, role: str) -> list[str]:
        """Return the plain text of every output of ``role``."""
        return [o.data["text/plain"] for o in self.outputs if o.metadata[KEY]["role"] == role]

    @property
    def findings(self) -> Findings:
        return Findings.read(self.workspace.findings(self.name))

    def table(self, name: str) -> pd.DataFrame | None:
        """Return a saved table, or None."""
        path = self.workspace.table(self.name, name).with_suffix(".parquet")
        return pd.read_parquet(path) if path.exists() else None


def run_notebook(
    name: str,
    frames: Mapping[str, pd.DataFrame],
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    **parameters: Any,
) -> Page:
    """Run every code cell of notebook ``name`` on ``frames``, with ``parameters`` in place."""
    publish_tables(frames, root)
    page = Page(name, Workspace.find(STUDY, root))

    def open_report(name: str, names: Mapping[str, Any]) -> reports.Report:
        return report_of(name, page.workspace, page.outputs, names)

    monkeypatch.setattr("analysis.reporting.open_report", open_report)
    one = EngineSettings(threads=1)  # of few rows, another thread would only wait
    monkeypatch.setattr("analysis.reporting.store.layout.engine_of", lambda *a, **k: one)
    namespace: dict[str, Any] = {}
    cells = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text("utf-8"))["cells"]
    for cell in cells:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), namespace)
            if "parameters" in cell["metadata"].get("tags", []):
                namespace |= {"study": STUDY, **parameters}
    return page


def report_of(
    name: str, workspace: Workspace, outputs: list[Output], names: Mapping[str, Any]
) -> reports.Report:
    """Return report ``name``, whose outputs are appended to ``outputs``."""
    return reports.Report(
        name,
        study=names["study"],
        as_of=as_date(names["as_of"]),
        seed=names["seed"],
        workspace=workspace,
        params=from_notebook(name, names),
        show=outputs.append,
    )


def publish_tables(frames: Mapping[str, pd.DataFrame], root: Path) -> None:
    """Write ``frames`` as the canonical tables of a study in the project ``root``."""
    for folder in ("params", "notebooks"):
        (root / folder).mkdir()
    ledger = tuple(LedgerEntry(n, f"{n}.csv", len(f), len(f)) for n, f in frames.items())
    made = in_memory(dict(frames), study=STUDY, title="Odd", ledger=ledger)
    current = canonical_dir(STUDY, root=root) / "current"
    for table in made.names():
        write_parquet(made.connection, getattr(made, table), current / table)
    made.manifest.write(current / "manifest.json")
    made.close()
