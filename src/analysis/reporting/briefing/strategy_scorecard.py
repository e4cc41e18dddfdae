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
from analysis.stats.sizes import FEWEST_CUSTOMERS

#: Further reports that aims are measured in.
LOYALTY, FEEDBACK = "09_loyalty", "10_feedback"

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
    up_is_good: bool = True


@dataclass(frozen=True)
class Measure:
    """One aim: its name, where it is measured, the best place first, and what lacks otherwise."""

    name: str
    places: tuple[Callable[[Board], Score], ...]
    lacking: str


def _finding(reference: str, what: str, *, up_is_good: bool = True) -> Callable[[Board], Score]:
    """Return what reads a measure from a finding."""

    def read(board: Board) -> Score:
        found = board.finding(reference)
        if found is None or found.value is None:
            raise NotApplicable("")
        low, high = (_NAN if end is None else end for end in (found.low, found.high))
        reason = "" if low == low else "its report gives no interval"
        report = reference.partition("/")[0]
        return Score(found.value, low, high, found.unit, report, what, reason, up_is_good)

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
    told = board.table(f"{STAGES}/win_back")
    rows = told[told[["contacted", "not_contacted"]].min(axis=1) >= FEWEST_CUSTOMERS]
    if rows.empty:
        raise NotApplicable(f"fewer than {FEWEST_CUSTOMERS} lost customers were contacted")
    row = rows.sort_values("contacted", kind="stable").iloc[-1]
    what = "more came back where contacted (no causal proof)"
    return _score(row, ("difference", "low", "high"), "points", STAGES, what)


def _weighted_nps(board: Board) -> Score:
    """Read the net promoter score of all who were asked: who answers is seldom like the others."""
    score = _finding(f"{FEEDBACK}/weighted_score", "net promoter score of all asked, weighted")
    found = score(board)
    if found.unit != "points":
        raise NotApplicable("")
    return found


def _loyalty(score: str, what: str) -> Callable[[Board], Score]:
    """Return what reads a measure from the scores of the report on loyalty."""

    def read(board: Board) -> Score:
        told = board.table(f"{LOYALTY}/strategy_scores")
        rows = told[told["score"] == score]
        if rows.empty:
            raise NotApplicable("")
        row = rows.iloc[0]
        if row["value"] != row["value"]:
            raise NotApplicable(str(row["reason"]))
        return _score(row, ("value", "low", "high"), "%", LOYALTY, what)

    return read


#: The aims, in the order of a customer's way, then what they rest on.
MEASURES = (
    Measure("Acquisition", (_acquisition,), "report 01 has no customer bridge"),
    Measure("Development", (_development,), "report 01 has no revenue tree"),
    Measure(
        "Retention",
        (
            _loyalty("bought in a year and again in the next", "bought again in the next year"),
            _loyalty("bought in a half-year and again in the next", "bought again half a year on"),
            _finding(f"{VALUE}/churn", "regular customers fallen silent", up_is_good=False),
        ),
        "neither report 07 nor 09 has measured it",
    ),
    Measure("Win-back", (_win_back_tested, _win_back_seen), "nobody lost was contacted"),
    Measure(
        "Satisfaction",
        (
            _weighted_nps,
            _finding(f"{FEEDBACK}/score_nps", "net promoter score of who answered"),
            _finding(f"{FEEDBACK}/score_csat", "satisfied of who answered"),
            _finding(f"{FEEDBACK}/score_review", "reviews of the two highest ratings"),
        ),
        "no feedback is in the data",
    ),
    Measure(
        "Renewal",
        (_loyalty("renewed a term that ended", "renewed of terms that ended"),),
        "nothing that expires is in the data",
    ),
    Measure(
        "Repeat purchase",
        (
            _finding(f"{STAGES}/second_order", "newcomers with a second order"),
            _loyalty("bought again within 90 days", "newcomers who bought again in 90 days"),
        ),
        "the data do not tell who is new",
    ),
    Measure(
        "Word of mouth",
        (
            _finding(f"{LOYALTY}/referral_reproduction", "referred by one referred customer"),
            _finding(f"{LOYALTY}/referral_quality", "times the orders of others, if referred"),
        ),
        "no referrals are in the data",
    ),
    Measure(
        "Value",
        (_finding(f"{VALUE}/expected_margin", "coming margin of today's customers"),),
        "report 07 has not valued customers",
    ),
)

#: How `Board.table` says that a report has made no such table.
_NO_TABLE = "has not made it"


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
    reasons = []
    for place in measure.places:
        score = answer(place)(board)
        if not isinstance(score, NotGiven):
            ends = {"value": score.value, "low": score.low, "high": score.high}
            told = {"unit": score.unit, "report": score.report, "what": score.what}
            return {**shared, **ends, **told, "met": _met(score, target), "reason": score.reason}
        reasons += [score.reason] if score.reason and _NO_TABLE not in score.reason else []
    nothing = {"value": _NAN, "low": _NAN, "high": _NAN, "unit": "", "report": "", "what": ""}
    return {**shared, **nothing, "met": None, "reason": (reasons or [measure.lacking])[-1]}


def _met(score: Score, target: float) -> bool | None:
    """Return whether the target is met or missed beyond the interval; None if it is open."""
    if target != target or score.low != score.low:
        return None
    if score.low <= target <= score.high:
        return None
    return (score.value > target) == score.up_is_good
