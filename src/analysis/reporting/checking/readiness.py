"""Whether each report of a study can run, and why not, without running it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from analysis.errors import ParamsError
from analysis.params import StudyParams
from analysis.reporting.execution.execute import checked_notebook
from analysis.reporting.runner.run_plan import make_plan, missing_tables


@dataclass(frozen=True)
class Readiness:
    """Whether a report can run: ``ready``, ``lacking`` data, or ``broken``; and why not."""

    report: str
    state: Literal["ready", "lacking", "broken"]
    reason: str = ""


def readiness(params: StudyParams, *, present: Collection[str], root: Path) -> list[Readiness]:
    """Return whether each report can run on the tables ``present``, in running order.

    Parameters
    ----------
    params
        The study's params.
    present
        Canonical tables that the study has.
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
        lacking = missing_tables(planned, present)
        for need in planned.upstream:
            if found[need].state != "ready":
                lacking = lacking or f"It needs {need}, which cannot run."
        found[report] = Readiness(report, "lacking" if lacking else "ready", lacking)
    return list(found.values())
