"""What needs a decision, ranked by the money at stake times the evidence."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from analysis.reporting.briefing.board import Board

COLUMNS = (
    *("report", "key", "sentence", "number", "value", "low", "high", "unit"),
    *("at_stake", "weight", "owner", "otherwise", "page"),
)


def priorities(board: Board, *, owners: Mapping[str, str]) -> pd.DataFrame:
    """Return the findings that ask for a decision, and the reports that are not whole.

    Parameters
    ----------
    board
        The board.
    owners
        Who decides, by the name of the report or by ``report/key`` of a finding.

    Returns
    -------
    pandas.DataFrame
        One decision a row, the heaviest first: report, key, sentence, number (as it is read),
        value, low, high, unit, at_stake (money, NaN where no figure is given), weight (money times
        evidence, see `Finding.weight`), owner, otherwise (what happens if nothing is done), page.
    """
    rows = [
        {
            "report": standing.report,
            "key": finding.key,
            "sentence": finding.sentence,
            "number": finding.number,
            "value": finding.value,
            "low": finding.low,
            "high": finding.high,
            "unit": finding.unit,
            "at_stake": finding.stake,
            "weight": finding.weight,
            "owner": _owner(owners, standing.report, finding.key),
            "otherwise": finding.otherwise or "",
            "page": f"{standing.page}#findings",
        }
        for standing, finding in board.findings()
        if finding.alert
    ]
    asked = pd.DataFrame(rows, columns=list(COLUMNS))
    ranked = asked.sort_values(["weight", "report"], ascending=[False, True], kind="stable")
    figures = dict.fromkeys(("value", "low", "high", "at_stake", "weight"), "float64")
    return ranked.astype(figures).reset_index(drop=True)


def _owner(owners: Mapping[str, str], report: str, key: str) -> str:
    return owners.get(f"{report}/{key}") or owners.get(report) or "no owner named"
