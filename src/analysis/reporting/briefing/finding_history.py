"""Findings over the days of earlier runs, carried on from run to run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from analysis.errors import AnalysisError
from analysis.reporting.briefing.board import Board
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


#: Days that are carried on: five years of weeks.
_KEPT = 260

NAME = "history"


def history(report: Report, board: Board, scores: pd.DataFrame) -> pd.DataFrame:
    """Return every finding of the board, and what earlier runs of the same report kept.

    Runs of one day are one: the trend is over days of data, not over how often they were read.

    Parameters
    ----------
    report
        The open report.
    board
        The board.
    scores
        The scorecard, whose rows are kept under the report ``scorecard``.

    Returns
    -------
    pandas.DataFrame
        One finding on one day a row: as_of, report, key, value, low, high, unit.
    """
    rows = [
        {
            **{"as_of": board.as_of.isoformat(), "report": standing.report, "key": finding.key},
            **{"value": finding.value, "low": finding.low, "high": finding.high},
            "unit": finding.unit,
        }
        for standing, finding in board.findings()
        if standing.as_of is None
    ]
    rows += [
        {"as_of": board.as_of.isoformat(), "report": "scorecard", "key": row["measure"]}
        | {name: row[name] for name in ("value", "low", "high", "unit")}
        for row in scores.to_dict("records")
    ]
    today = pd.DataFrame(rows).astype({"value": "float64", "low": "float64", "high": "float64"})
    before = table_before(report, f"{report.name}/{NAME}", moment="as_of")
    if before is None:
        return today
    kept = sorted(before["as_of"].unique())[-_KEPT:]
    return pd.concat([before[before["as_of"].isin(kept)], today], ignore_index=True)


def trend(kept: pd.DataFrame, report: str, key: str) -> tuple[float, ...]:
    """Return the values of one finding, the oldest first, without those that were not given."""
    rows = kept[(kept["report"] == report) & (kept["key"] == key)]
    return tuple(float(value) for value in rows.sort_values("as_of")["value"].dropna())
