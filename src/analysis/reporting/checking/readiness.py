"""Whether each report of a study can run, and why not, without running it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from analysis.errors import ParamsError
from analysis.params import StudyParams
from analysis.reporting.execution.execute import checked_notebook
from analysis.reporting.runner.run_plan import Planned, make_plan, missing_tables

if TYPE_CHECKING:
    from analysis.tables.engine import Tables


@dataclass(frozen=True)
class Readiness:
    """Whether a report can run: ``ready``, ``lacking`` data, or ``broken``; and why not."""

    report: str
    state: Literal["ready", "lacking", "broken"]
    reason: str = ""


def readiness(params: StudyParams, tables: Tables, *, root: Path) -> list[Readiness]:
    """Return whether each report can run on the ``tables`` of a study, in running order.

    Parameters
    ----------
    params
        The study's params.
    tables
        Its canonical tables.
    root
        Project root.
    """
    found: dict[str, Readiness] = {}
    for planned in make_plan(root / "notebooks").reports:
        report = planned.report
        try:
            checked_notebook(planned.path, params.notebook_parameters(report))
        except ParamsError as error:
            found[report] = Readiness(report, "broken", str(error))
            continue
        lacking = missing_tables(planned, tables.names()) or _without_values(planned, tables)
        for need in planned.upstream:
            if found[need].state != "ready":
                lacking = lacking or f"It needs {need}, which cannot run."
        found[report] = Readiness(report, "lacking" if lacking else "ready", lacking)
    return list(found.values())


def _without_values(planned: Planned, tables: Tables) -> str:
    """Return the sentence that says which column a report requires holds no value; or nothing."""
    for table, column in planned.columns:
        rows = getattr(tables, table)
        if column not in rows.columns or not rows[column].count().execute():
            return f"No row of {table} states its {column}."
    return ""
