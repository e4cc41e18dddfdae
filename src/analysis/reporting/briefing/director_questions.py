"""What the last promotion earned, whom the study loses, and whether its data can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from analysis.answers import NotGiven, answer
from analysis.errors import NotApplicable
from analysis.reporting.briefing.board import Board
from analysis.reporting.briefing.period_sales import SALES
from analysis.reporting.notebook.findings import Finding

#: The reports that the answers are from.
PROMOTIONS, DECLINE, VALUE, STAGES = "06_promotions", "03_deciles", "07_value", "02_segmentation"

_DECIDE = "decide"


@dataclass(frozen=True)
class LastPromotion:
    """The promotion that began last, of those whose net return is estimated.

    Parameters
    ----------
    name
        What it is called.
    starts_on
        When it began.
    net, low, high
        Its net return and the interval.
    spent
        What it cost; NaN where nothing was spent.
    randomised
        Whether its customers were drawn at random, so that the return is its effect.
    newer
        How many began later and have no estimate.
    arms
        How many of its arms have a return; it is that of the one that its report judges it by.
    """

    name: str
    starts_on: date
    net: float
    low: float
    high: float
    spent: float
    randomised: bool
    newer: int
    arms: int


def last_promotion(board: Board) -> LastPromotion:
    """Return what the last promotion earned; NotApplicable where no return is estimated."""
    every = board.table(f"{PROMOTIONS}/returns_all")
    begun = pd.to_datetime(every["starts_on"])
    known = every[every["net"].notna()]
    if known.empty:
        raise NotApplicable("The net return of no promotion could be estimated.")
    last = begun[known.index].max()
    row = _judged(board, known[begun[known.index] == last])
    return LastPromotion(
        name=str(row["label"]),
        starts_on=last.date(),
        net=float(row["net"]),
        low=float(row["low"]),
        high=float(row["high"]),
        spent=float(row["spent"]),
        randomised=bool(row["randomised"]),
        newer=int(every.loc[begun > last, "promotion_id"].nunique()),
        arms=int((known["promotion_id"] == row["promotion_id"]).sum()),
    )


def _judged(board: Board, rows: pd.DataFrame) -> pd.Series:
    """Return the arm that its report gives the verdict on; of several promotions, the last."""
    verdicts = answer(board.table)(f"{PROMOTIONS}/verdicts_after_costs")
    if not isinstance(verdicts, NotGiven):
        arms = set(zip(verdicts["promotion_id"], verdicts["arm"], strict=True))
        ruled = [pair in arms for pair in zip(rows["promotion_id"], rows["arm"], strict=True)]
        rows = rows[ruled] if any(ruled) else rows
    return rows.sort_values("label", kind="stable").iloc[-1]


@dataclass(frozen=True)
class Losses:
    """Whom the study loses, and what is at risk with them: the findings of the reports that say it.

    Parameters
    ----------
    declining, margin_at_risk
        Customers whose margin declines by more than its noise, and what is at risk with them.
    churn, value_at_risk
        Share of regular customers lost, and the coming margin at risk.
    silent_sales
        Share of sales of customers who are silent beyond their own rhythm.
    groups
        The coming margin at risk by group of customers, or why it is not known.
    """

    declining: Finding | None
    margin_at_risk: Finding | None
    churn: Finding | None
    value_at_risk: Finding | None
    silent_sales: Finding | None
    groups: pd.DataFrame | NotGiven


def losses(board: Board) -> Losses:
    """Return whom the study loses; NotApplicable where no report says it."""
    names = {
        "declining": f"{DECLINE}/fading_customers",
        "margin_at_risk": f"{DECLINE}/margin_at_risk",
        "churn": f"{VALUE}/churn",
        "value_at_risk": f"{VALUE}/value_at_risk",
        "silent_sales": f"{STAGES}/slipping_share",
    }
    found = {name: board.finding(reference) for name, reference in names.items()}
    if not any(found.values()):
        raise NotApplicable("No report has measured who declines or is lost.")
    return Losses(**found, groups=answer(board.table)(f"{VALUE}/value_at_risk"))


@dataclass(frozen=True)
class DataTrust:
    """Whether the data can be trusted.

    Parameters
    ----------
    read, kept, rejected, dropped
        Rows of the source, and what became of them.
    to_decide
        The checks that need a decision, by what they look for.
    checks
        How many were made.
    last_day
        Last day with an order.
    days_late
        Days between it and the last day that the reports cover.
    wrong
        Reports that failed or are incomplete.
    """

    read: int
    kept: int
    rejected: int
    dropped: int
    to_decide: tuple[str, ...]
    checks: int
    last_day: date
    days_late: int
    wrong: tuple[str, ...]

    @property
    def reconciled(self) -> bool:
        """Whether every row of the source is accounted for."""
        return self.read == self.kept + self.rejected + self.dropped

    @property
    def sound(self) -> bool:
        """Whether nothing speaks against the data."""
        return self.reconciled and not (self.to_decide or self.wrong or self.days_late > 0)


def data_trust(board: Board) -> DataTrust:
    """Return whether the data can be trusted: rows, checks, days and reports."""
    ledger = board.table(f"{SALES}/row_reconciliation")
    rows = ledger.groupby("outcome")["rows"].sum()
    checks = board.table(f"{SALES}/checks")
    asked = checks.loc[checks["severity"] == _DECIDE, "check"]
    days = board.table(f"{SALES}/days")
    last = pd.to_datetime(days.loc[days["orders"] > 0, "day"]).max().date()
    return DataTrust(
        read=int(rows.get("read", 0)),
        kept=int(rows.get("accepted", 0)),
        rejected=int(rows.get("rejected", 0)),
        dropped=int(rows.get("dropped", 0)),
        to_decide=tuple(asked),
        checks=len(checks),
        last_day=last,
        days_late=max(0, (board.as_of - timedelta(days=1) - last).days),
        wrong=tuple(each.report for each in board.wrong()),
    )
