"""Tables that earlier runs kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from analysis.errors import AnalysisError
from analysis.reporting.store.layout import stored_table

if TYPE_CHECKING:
    from analysis.reporting.notebook.report import Report


def table_before(
    report: Report, reference: str, *, moment: str, before: object = None
) -> pd.DataFrame | None:
    """Return the newest published table ``"report/table"`` that was made before this report's day.

    Parameters
    ----------
    report
        The open report.
    reference
        Report and table, ``"04_forecast/kept"``.
    moment
        Column that holds the day before which the table's content was known.
    before
        The moment that this report's own table will have, where that is not its day, as with
        whole weeks; None takes the day.

    Returns
    -------
    pandas.DataFrame or None
        None where no published run has kept one; a run of the same day keeps the same forecast,
        which has nothing to be compared with.
    """
    own = pd.Timestamp(report.as_of if before is None else before)
    for run in report.workspace.runs():
        found = _readable(run, reference)
        if found is not None and pd.to_datetime(found[moment]).max() < own:
            return found
    return None


def _readable(run: Path, reference: str) -> pd.DataFrame | None:
    """Return a run's table; None where it has none, or one that was damaged since."""
    from analysis.reporting.notebook import frames

    path = stored_table(run, reference)
    try:
        return frames.load(path) if path else None
    except AnalysisError:
        return None
