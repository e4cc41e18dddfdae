"""What the sheet of report 00 says on decisions, on what came of earlier ones, and on aims."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.answers import NotGiven
from analysis.reporting.briefing import finding_history
from analysis.reporting.notebook import words
from analysis.reporting.notebook.sheet import Cell, Panel, Tone

if TYPE_CHECKING:
    from analysis.reporting.briefing.board import Board
    from analysis.reporting.notebook.report import TrustLine

#: Fields of a finding, as `Report.finding` takes them.
Fields = dict[str, Any]

#: Aims whose measure is a difference.
_SIGNED = frozenset({"Development", "Win-back"})

#: What a sentence of a decision may take on the sheet, and what no cut may take from it.
_LONGEST = 120
_WARNINGS = ("(no causal proof)", "not significant")


def decide(asked: pd.DataFrame, currency: str, most: int) -> Panel:
    """Return the panel on what must be decided, the heaviest first."""
    heading = "What must I decide?"
    if asked.empty:
        return Panel("decide", heading, (), note="Nothing: no finding asks for a decision.")
    rows = tuple(_decision(row, currency) for row in asked.head(most).to_dict("records"))
    more = len(asked) - len(rows)
    note = (
        f"{words.count(more, 'decision')} more: see all below, by money at stake times evidence, "
        "those without either last."
        if more
        else "By money at stake times evidence."
    )
    return Panel("decide", heading, rows, note=note)


def _decision(row: dict[Any, Any], currency: str) -> tuple[Cell, ...]:
    known = row["at_stake"] == row["at_stake"]
    amount = words.money(row["at_stake"], 0, currency) if known else ""
    stake = f"{amount} at stake" if known and amount != row["number"] else ""
    number = row["number"] if row["value"] == row["value"] else "no figure"
    otherwise = f"If nothing is done: {row['otherwise']}" if row["otherwise"] else ""
    small = " · ".join(part for part in (row["owner"], stake, otherwise) if part)
    return Cell(number, row["page"], tone="bad"), Cell(_short(row["sentence"]), small=small)


def _short(sentence: str) -> str:
    if len(sentence) <= _LONGEST:
        return sentence
    said = sentence[: _LONGEST - 1].rsplit(" ", 1)[0] + " …"
    lost = [warning for warning in _WARNINGS if warning in sentence and warning not in said]
    return " ".join([said, *lost])


def came(board: Board, log: pd.DataFrame | NotGiven) -> Panel:
    """Return the panel on what was decided last and what came of it."""
    heading = "What was decided, and what came of it?"
    if isinstance(log, NotGiven):
        return Panel("came", heading, (), note=log.reason)
    rows = tuple(_outcome(board, row) for row in log.head(3).to_dict("records"))
    return Panel("came", heading, rows, note=_more(len(log) - len(rows), "earlier decision"))


def _outcome(board: Board, row: dict[Any, Any]) -> tuple[Cell, ...]:
    tone: Tone = {"above": "good", "below": "bad"}.get(row["came"], "plain")  # type: ignore[assignment]
    target = f"{board.page(row['report'])}#findings" if row["came"] != "not measured" else ""
    value = words.quantity(row["value"], row["unit"], _digits(row["value"], row["unit"]))
    expected = words.quantity(row["expected"], row["unit"], _digits(row["value"], row["unit"]))
    told = f"{row['came']}: {expected} was expected" if row["expected"] == row["expected"] else ""
    ends = (
        words.interval(row["low"], row["high"], _digits(row["value"], row["unit"]), row["unit"])
        if row["low"] == row["low"]
        else ""
    )
    small = " · ".join(part for part in (told, ends) if part)
    figure = value if row["came"] != "not measured" else words.MISSING
    return Cell(figure, target, tone=tone), Cell(row["decision"], small=small)


def _digits(value: float, unit: str) -> int | None:
    return 2 if words.is_currency(unit) and abs(value) < 100 else None


def planned(plans: pd.DataFrame | NotGiven) -> Panel:
    """Return the panel on what is planned."""
    heading = "What is planned?"
    if isinstance(plans, NotGiven):
        return Panel("planned", heading, (), note=plans.reason)
    rows = tuple(
        (Cell(words.day(row["day"])), Cell(row["what"], small=row["owner"]))
        for row in plans.head(3).to_dict("records")
    )
    return Panel("planned", heading, rows, note=_more(len(plans) - len(rows), "later plan"))


def _more(count: int, noun: str) -> str:
    return f"{words.count(count, noun)} in the table below." if count > 0 else ""


def scorecard(board: Board, scores: pd.DataFrame, kept: pd.DataFrame) -> Panel:
    """Return the panel of the strategy scorecard."""
    known = scores[scores["value"].notna()]
    aimed = bool(known["target"].notna().any())
    rows = tuple(_score(board, row, kept, aimed=aimed) for row in known.to_dict("records"))
    columns = ("Aim", "Now", "Interval", *(("Target",) if aimed else ()))
    lacking = [str(aim).lower() for aim in scores.loc[scores["value"].isna(), "aim"]]
    said = [f"Not measured: {words.listing(lacking)}; why stands below."] if lacking else []
    said += [] if aimed else ["No targets are set."]
    return Panel(
        "scorecard", "Does the strategy work?", rows, columns if rows else (), " ".join(said)
    )


def _score(
    board: Board, row: dict[Any, Any], kept: pd.DataFrame, *, aimed: bool
) -> tuple[Cell, ...]:
    met, unit = row["met"], row["unit"]
    tone: Tone = "plain" if met is None or met != met else "good" if met else "bad"
    value = words.quantity(row["value"], unit, signed=row["aim"] in _SIGNED)
    ends = words.interval(row["low"], row["high"], None, unit) if row["low"] == row["low"] else ""
    ends = ends.removesuffix(f" {words.POINTS}")  # the figure beside it has the word
    target = (
        words.quantity(row["target"], unit) if row["target"] == row["target"] else words.MISSING
    )
    line = finding_history.trend(kept, "scorecard", row["measure"])
    page = f"{board.page(row['report'])}#findings"
    cells = (
        Cell(row["aim"], small=row["what"]),
        Cell(value, page, tone=tone, trend=line),
        Cell("", small=ends or "no interval"),
    )
    return (*cells, Cell(target)) if aimed else cells


def decisions_finding(asked: pd.DataFrame) -> Fields:
    """Return the finding on how many decisions are asked for."""
    stakes = int((asked["weight"] > 0).sum())
    return {
        "key": "decisions",
        "sentence": f"{'finding asks' if len(asked) == 1 else 'findings ask'} for a decision; for "
        f"{stakes} of them the money at stake is estimated",
        "value": float(len(asked)),
        "direction": "up_bad",
    }


def rests_on(board: Board) -> list[TrustLine]:
    """Return the lines of the trust panel on the reports that the page rests on."""
    standings = board.standings.values()
    read = [each.report for each in standings if each.folder is not None and each.as_of is None]
    older = [f"{s.report} ({words.day(s.as_of)})" for s in standings if s.as_of is not None]
    lacking = [each.report for each in standings if each.folder is None]
    wrong = [each.report for each in board.wrong()]
    lines: list[TrustLine] = [
        ("Reports", not wrong, f"Read: {words.listing(read or [words.MISSING])}.")
    ]
    if wrong:
        lines.append(("Failed", False, f"{words.listing(wrong)}: what they measure is not here."))
    if older:
        lines.append(("Earlier", None, f"From earlier runs: {words.listing(older)}."))
    if lacking:
        lines.append(("Without", None, f"Not applicable or not run: {words.listing(lacking)}."))
    return lines
