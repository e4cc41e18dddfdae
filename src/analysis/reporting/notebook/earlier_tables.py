"""Tables that earlier runs kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

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
    from analysis.reporting.notebook import frames

    own = pd.Timestamp(report.as_of if before is None else before)
    name, _, table = reference.partition("/")
    for run in report.workspace.runs():
        path = run / "tables" / name / f"{table}.parquet"
        if path.is_file():
            found = frames.load(path)
            if pd.to_datetime(found[moment]).max() < own:
                return found
    return None
