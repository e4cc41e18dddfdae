"""The strategy scorecard: what relationship work is to achieve, each with target and interval."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.answers import NotGiven, answer
from analysis.errors import NotApplicable
from analysis.reporting.briefing.board import Board
from analysis.reporting.briefing.director_questions import STAGES, VALUE
from analysis.reporting.briefing.period_sales import SALES

_NAN = float("nan")


@dataclass(frozen=True)
class Score:
    """One measure as a report gives it."""

    value: float
    low: float
    high: float
    unit: str
    report: str
    what: str
    reason: str = ""


@dataclass(frozen=True)
class Measure:
    """One aim: its name, whether a rise is good, and where it is measured, the best place first."""

    name: str
    up_is_good: bool
    places: tuple[Callable[[Board], Score], ...]
    lacking: str


def _finding(reference: str, what: str) -> Callable[[Board], Score]:
    """Return what reads a measure from a finding."""

    def read(board: Board) -> Score:
        found = board.finding(reference)
        if found is None or found.value is None:
            raise NotApplicable(f"No report has found {reference}.")
        low, high = (_NAN if end is None else end for end in (found.low, found.high))
        reason = "" if low == low else "its report gives no interval"
        report = reference.partition("/")[0]
        return Score(found.value, low, high, found.unit, report, what, reason)

    return read


def _score(row: pd.Series, names: tuple[str, str, str], unit: str, report: str, what: str) -> Score:
    """Return the measure whose value and ends are the columns ``names`` of a row."""
    value, low, high = (float(row[name]) for name in names)
    return Score(value, low, high, unit, report, what)


def _acquisition(board: Board) -> Score:
    bridge = board.table(f"{SALES}/customer_bridge")
    return _bridged(bridge, "new", board, "net sales to newly seen customers")


def _development(board: Board) -> Score:
    tree = board.table(f"{SALES}/revenue_tree").set_index("factor")
    if "orders_per_customer" not in tree.index:
        raise NotApplicable("The revenue tree has no orders per customer.")
    row = tree.loc["orders_per_customer"]
    names = ("growth", "growth_low", "growth_high")
    return _score(row, names, "%", SALES, "orders per customer, on the period before")


def _bridged(bridge: pd.DataFrame, group: str, board: Board, what: str) -> Score:
    rows = bridge[bridge["group"] == group]
    if rows.empty:
        raise NotApplicable(f"The customer bridge has no group {group}.")
    row = rows.iloc[0]
    return _score(row, ("change", "low", "high"), board.currency, SALES, what)


def _win_back_tested(board: Board) -> Score:
    row = board.table(f"{STAGES}/win_back_tested").iloc[0]
    return _score(
        row,
        ("difference", "low", "high"),
        "points",
        STAGES,
        "more came back than in the control group",
    )


def _win_back_seen(board: Board) -> Score:
    rows = board.table(f"{STAGES}/win_back")
    row = rows.sort_values("contacted", kind="stable").iloc[-1]
    what = "more came back where contacted (no causal proof)"
    return _score(row, ("difference", "low", "high"), "points", STAGES, what)


#: The aims, in the order of a customer's way, then what they rest on.
MEASURES = (
    Measure("Acquisition", True, (_acquisition,), "report 01 has no customer bridge"),
    Measure("Development", True, (_development,), "report 01 has no revenue tree"),
    Measure(
        "Retention",
        False,
        (_finding(f"{VALUE}/churn", "regular customers lost"),),
        "report 07 has not measured churn",
    ),
    Measure("Win-back", True, (_win_back_tested, _win_back_seen), "nobody lost was contacted"),
    Measure(
        "Satisfaction",
        True,
        (_finding("10_feedback/nps", "net promoter score"),),
        "no feedback is in the data, or report 10 has not been made",
    ),
    Measure(
        "Renewal",
        True,
        (_finding("09_loyalty/renewal", "renewed of what expired"),),
        "nothing that expires is in the data, or report 09 has not been made",
    ),
    Measure(
        "Repeat purchase",
        True,
        (_finding(f"{STAGES}/second_order", "newcomers with a second order"),),
        "no newcomers are known: the data do not tell who is new",
    ),
    Measure(
        "Word of mouth",
        True,
        (_finding("09_loyalty/referrals", "customers brought by one"),),
        "no referrals are in the data, or report 09 has not been made",
    ),
    Measure(
        "Value",
        True,
        (_finding(f"{VALUE}/expected_margin", "coming margin of today's customers"),),
        "report 07 has not valued customers",
    ),
)


def scorecard(board: Board, *, targets: Mapping[str, float]) -> pd.DataFrame:
    """Return each aim with its measure, interval and target.

    Parameters
    ----------
    board
        The board.
    targets
        Targets by the aim's name in small letters with underscores, in the measure's own unit (a
        share as a fraction).

    Returns
    -------
    pandas.DataFrame
        One aim a row: aim, measure (its key), what, value, low, high, unit, target, met (True or
        False where the interval leaves no doubt, else None), report, reason (why it is not
        measured, or has no interval).
    """
    return pd.DataFrame([_row(board, measure, targets) for measure in MEASURES])


def key_of(name: str) -> str:
    """Return the key of an aim: ``Word of mouth`` is ``word_of_mouth``."""
    return name.lower().replace(" ", "_").replace("-", "_")


def _row(board: Board, measure: Measure, targets: Mapping[str, float]) -> dict[str, Any]:
    target = float(targets.get(key_of(measure.name), _NAN))
    shared = {"aim": measure.name, "measure": key_of(measure.name), "target": target}
    for place in measure.places:
        score = answer(place)(board)
        if not isinstance(score, NotGiven):
            met = _met(score, target, up_is_good=measure.up_is_good)
            ends = {"value": score.value, "low": score.low, "high": score.high}
            told = {"unit": score.unit, "report": score.report, "what": score.what}
            return {**shared, **ends, **told, "met": met, "reason": score.reason}
    nothing = {"value": _NAN, "low": _NAN, "high": _NAN, "unit": "", "report": "", "what": ""}
    return {**shared, **nothing, "met": None, "reason": measure.lacking}


def _met(score: Score, target: float, *, up_is_good: bool) -> bool | None:
    """Return whether the target is met or missed beyond the interval; None if it is open."""
    if target != target or score.low != score.low:
        return None
    if score.low <= target <= score.high:
        return None
    return (score.value > target) == up_is_good
