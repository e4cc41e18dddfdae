"""Everything that the director's page says, each part a result or the reason why there is none.

What needs a decision is ranked by the money at stake times the evidence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import pandas as pd

from analysis.answers import NotGiven, answer
from analysis.errors import NotApplicable
from analysis.reporting.briefing import (
    decisions_log,
    director_questions,
    finding_history,
    period_sales,
    strategy_scorecard,
)
from analysis.reporting.briefing.board import Board, read_board

if TYPE_CHECKING:
    from analysis.reporting.briefing.director_questions import DataTrust, LastPromotion, Losses
    from analysis.reporting.notebook.report import Report

Table: TypeAlias = pd.DataFrame | NotGiven


@dataclass(frozen=True)
class Brief:
    """The director's page.

    Parameters
    ----------
    board
        What came of every other report.
    changes, week, tree, bridge, same
        Sales: against other periods, the last week's factors, the revenue tree, the customer
        bridge, the stores that sold in both periods.
    asked
        What needs a decision; see `brief.priorities`.
    promotion, lost, trust
        The last promotion, whom the study loses, whether its data can be trusted.
    log, coming
        What was decided with what came of it, and what is planned.
    scores
        The strategy scorecard.
    kept
        Today's findings behind those of earlier days; see `finding_history.history`.
    """

    board: Board
    changes: Table
    week: Table
    tree: Table
    bridge: Table
    same: Table
    asked: pd.DataFrame
    promotion: LastPromotion | NotGiven
    lost: Losses | NotGiven
    trust: DataTrust | NotGiven
    log: Table
    coming: Table
    scores: pd.DataFrame
    kept: pd.DataFrame


def brief(report: Report) -> Brief:
    """Return the director's page of the report's study, from what the other reports found.

    Raises
    ------
    NotApplicable
        If no other report has found anything yet.
    ParamsError
        If the file of decisions is wrong.
    """
    board, given = read_board(report), report.params
    log = decisions_log.read_log(report.study, root=report.workspace.published.parents[1])
    scores = strategy_scorecard.scorecard(board, targets=given.targets)
    return Brief(
        board=board,
        changes=answer(period_sales.sales_changes)(
            board, plan=given.plan, coverage=given.confidence
        ),
        week=answer(period_sales.week_drivers)(board),
        tree=answer(period_sales.window_drivers)(board),
        bridge=answer(_bridge)(board),
        same=answer(board.table)(f"{period_sales.SALES}/like_for_like"),
        asked=priorities(board, owners=given.owners),
        promotion=answer(director_questions.last_promotion)(board),
        lost=answer(director_questions.losses)(board),
        trust=answer(director_questions.data_trust)(board),
        log=answer(decisions_log.measured)(board, log),
        coming=answer(decisions_log.planned)(board, log),
        scores=scores,
        kept=finding_history.history(report, board, scores),
    )


def _bridge(board: Board) -> pd.DataFrame:
    bridge = board.table(f"{period_sales.SALES}/customer_bridge")
    if bridge.empty:
        raise NotApplicable("The customer bridge is empty.")
    return bridge


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
