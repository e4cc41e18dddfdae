"""Findings over the days of earlier runs, carried on from run to run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from analysis.reporting.briefing.board import Board
from analysis.reporting.notebook.earlier_tables import table_before

if TYPE_CHECKING:
    from analysis.reporting.notebook.report import Report

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
