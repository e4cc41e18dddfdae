"""What was decided and what came of it: a file that people write, the measured figure beside it.

``decisions/<study>.yaml``::

    decided:
      - day: 2025-06-30
        decision: Repeat the coffee coupon
        owner: Marketing
        report: 06_promotions
        finding: promotion_t1
        expected: 1.50
    planned:
      - day: 2026-02-02
        what: Coffee coupon, second wave
        owner: Marketing
        report: 06_promotions
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from analysis.errors import NotApplicable, ParamsError
from analysis.ingest.bounded_yaml import read_yaml
from analysis.project import find_root
from analysis.reporting.briefing.board import Board
from analysis.reporting.notebook import words
from analysis.reporting.store.layout import log_path

#: The folder of the files, beside params/.
FOLDER = "decisions"

_Text = Annotated[str, Field(min_length=1, max_length=200)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Decision(_Entry):
    """A decision that was taken; ``expected`` is in the unit of the finding, a share a fraction."""

    day: date
    decision: _Text
    owner: _Text = "nobody named"
    report: _Text
    finding: _Text
    expected: float | None = None


class Plan(_Entry):
    """Something that is planned."""

    day: date
    what: _Text
    owner: _Text = "nobody named"
    report: str = ""


class DecisionLog(_Entry):
    """All decisions and plans of a study."""

    decided: tuple[Decision, ...] = ()
    planned: tuple[Plan, ...] = ()


def read_log(study: str, *, root: Path | None = None) -> DecisionLog:
    """Return the decisions of a study; none where nothing is written down.

    Raises
    ------
    ParamsError
        Naming file, key and what is allowed.
    """
    path = log_path(root or find_root(), study)
    if not path.exists():
        return DecisionLog()
    raw = read_yaml(path, yaml.SafeLoader)
    try:
        return DecisionLog.model_validate(raw or {})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ParamsError(
            f"{FOLDER}/{path.name}: {where}: {first['msg']}; a decision has day, decision, report "
            "and finding, and may have owner and expected; a plan has day and what"
        ) from None


def measured(board: Board, log: DecisionLog) -> pd.DataFrame:
    """Return what was decided and what came of it, the latest first.

    Returns
    -------
    pandas.DataFrame
        One decision a row: day, decision, owner, report, finding, expected, value, low, high, unit,
        came (``as expected`` where the interval holds what was expected, ``above``, ``below``,
        ``measured`` where nothing was expected or no interval is known, ``not measured``).

    Raises
    ------
    NotApplicable
        If nothing that was decided before the day of the report is written down.
    """
    known = sorted(
        (d for d in log.decided if d.day < board.as_of), key=lambda d: d.day, reverse=True
    )
    if not known:
        raise NotApplicable(
            f"No decision is written down; {FOLDER}/{board.study}.yaml is the place for it."
        )
    return pd.DataFrame([_measured(board, decision) for decision in known])


def _measured(board: Board, decision: Decision) -> dict[str, Any]:
    found = board.finding(f"{decision.report}/{decision.finding}")
    figures = (found.value, found.low, found.high) if found else (None, None, None)
    value, low, high, expected = (
        float("nan") if figure is None else figure for figure in (*figures, decision.expected)
    )
    return {
        **{"day": decision.day, "decision": decision.decision, "owner": decision.owner},
        **{"report": decision.report, "finding": decision.finding, "expected": expected},
        **{"value": value, "low": low, "high": high, "unit": found.unit if found else ""},
        "came": _came(value, low, high, expected),
    }


def _came(value: float, low: float, high: float, expected: float) -> str:
    if value != value:
        return "not measured"
    if expected != expected or low != low or high != high:
        return "measured"
    if low <= expected <= high:
        return "as expected"
    return "above" if value > expected else "below"


def planned(board: Board, log: DecisionLog) -> pd.DataFrame:
    """Return what is planned from the day of the report on, the next first.

    Raises
    ------
    NotApplicable
        If nothing is.
    """
    coming = sorted((p for p in log.planned if p.day >= board.as_of), key=lambda p: p.day)
    if not coming:
        raise NotApplicable(
            f"Nothing after {words.day(board.as_of)} is written down in "
            f"{FOLDER}/{board.study}.yaml."
        )
    return pd.DataFrame([plan.model_dump() for plan in coming])
