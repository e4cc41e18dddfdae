"""What the sheet of report 00 says: sales and why, the three questions, what is decided."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.answers import NotGiven
from analysis.reporting.briefing.director_questions import DECLINE, PROMOTIONS, STAGES, VALUE
from analysis.reporting.briefing.period_sales import SALES
from analysis.reporting.notebook import words
from analysis.reporting.notebook.sheet import Cell, Panel, Tone

if TYPE_CHECKING:
    from analysis.reporting.briefing.board import Board
    from analysis.reporting.briefing.director_questions import DataTrust, LastPromotion, Losses
    from analysis.reporting.notebook.findings import Finding
    from analysis.reporting.notebook.report import TrustLine

#: Fields of a finding, as `Report.finding` takes them.
Fields = dict[str, Any]

NOT_MEASURED = "not measured"

#: What a period is held against, and the heading of its column.
_AGAINST = {"before": "on before", "plan": "on plan", "last year": "on last year"}

#: Groups of customers by expected value, as they are read on the sheet.
_GROUPS = {
    "Top tenth": "the best tenth of customers",
    "Next four tenths": "the four tenths of customers below the best",
    "Lower half": "the lower half of customers",
}

#: What is said where nothing can be held against it.
_LACKING = {
    "before": "Nothing before is known.",
    "plan": "No plan is given.",
    "last year": "The data do not reach back to last year.",
}


def title(board: Board, changes: pd.DataFrame | NotGiven) -> str:
    """Return the sheet's title: whether sales are up, and why."""
    standing = board.standings.get(SALES)
    said = standing.findings.title if standing else None
    if not said:
        return "Sales are not measured in this run"
    return f"{said}{_last_week(changes, board.currency)}"


def _last_week(changes: pd.DataFrame | NotGiven, currency: str) -> str:
    """Return the last week where it moved by more than weeks usually do; else nothing."""
    row = None if isinstance(changes, NotGiven) else _comparison(changes, "week", "before")
    if row is None or not (row["change"] < row["low"] or row["change"] > row["high"]):
        return ""
    change = words.percent(row["change"], 1, signed=True)
    net = words.money(row["net_amount"], 0, currency)
    days = _closed(row)
    when = f"Last week ({days})" if days else "Last week"
    usual = words.interval(row["low"], row["high"], 0)
    return f". {when} {net}, {change} on the week before, outside the usual {usual}"


def sales(board: Board, changes: pd.DataFrame | NotGiven, bridge: pd.DataFrame | NotGiven) -> Panel:
    """Return the panel that says whether sales are up."""
    if isinstance(changes, NotGiven):
        return _nothing("sales", "Are sales up?", changes.reason)
    known = changes[changes["change"].notna()]
    others = [against for against in _AGAINST if against in set(known["against"])]
    rows = [*_period_rows(board, changes, others), *_window_row(board, bridge, others)]
    columns = ("", "Net sales", *(_AGAINST[against] for against in others))
    lacking = [_LACKING[against] for against in _AGAINST if against not in others]
    note = " ".join([_usual(changes), *lacking])
    return Panel("sales", "Are sales up?", tuple(rows), columns, note)


def _period_rows(board: Board, changes: pd.DataFrame, others: list[str]) -> list[tuple[Cell, ...]]:
    page = board.page(SALES)
    rows = []
    for period in changes["period"].unique():
        of_period = changes[changes["period"] == period]
        first = of_period.iloc[0]
        net = words.money(first["net_amount"], 0, board.currency)
        cells = [_against(of_period, against, page) for against in others]
        rows.append(
            (Cell(_named(first), small=_closed(first)), Cell(net, f"{page}#rhythm"), *cells)
        )
    return rows


def _named(row: pd.Series) -> str:
    start = pd.Timestamp(row["starts_on"])
    if row["period"] == "month":
        return f"{start:%B %Y}"
    return f"Week to {words.day(start.date() + timedelta(days=6))}"


def _closed(row: pd.Series) -> str:
    if row["period"] == "month":  # another may be a day shorter or longer
        return words.count(row["days"], "day")
    if row["days"] >= row["usual_days"]:
        return ""
    return f"{words.count(row['days'], 'day')} with orders"


def _against(rows: pd.DataFrame, against: str, page: str) -> Cell:
    row = rows[rows["against"] == against].iloc[0]
    if row["change"] != row["change"]:
        return Cell(words.MISSING)
    tone: Tone = "plain"
    if row["change"] < row["low"] or row["change"] > row["high"]:
        tone = "good" if row["change"] > 0 else "bad"
    return Cell(words.percent(row["change"], 1, signed=True), f"{page}#rhythm", tone=tone)


def _window_row(
    board: Board, bridge: pd.DataFrame | NotGiven, others: list[str]
) -> list[tuple[Cell, ...]]:
    """Return the row of the report's own period, whose change has an interval over customers."""
    found = board.finding(f"{SALES}/net_change")
    if found is None or isinstance(bridge, NotGiven):
        return []
    page = board.page(SALES)
    net = words.money(float(bridge["net_now"].sum()), 0, board.currency)
    low, high = (float("nan") if end is None else end for end in (found.low, found.high))
    tone: Tone = "good" if low > 0 else "bad" if high < 0 else "plain"
    change = words.quantity(found.value, found.unit, 1, signed=True)
    cell = Cell(change, f"{page}#findings", small=found.interval or "", tone=tone)
    cells = [cell if against == "before" else Cell(words.MISSING) for against in others]
    return [(Cell(_period_of(found)), Cell(net, f"{page}#growth"), *cells)]


def _period_of(found: Finding) -> str:
    """Return the period of the report on sales as its own sentence names it."""
    days = next((word for word in found.sentence.split() if word.isdigit()), "")
    return f"Last {days} days" if days else "Period of report 01"


def _usual(changes: pd.DataFrame) -> str:
    row = _comparison(changes, "week", "before")
    if row is None or row["low"] != row["low"]:
        return "Too few weeks are known to say what change from week to week is usual."
    ends = words.interval(row["low"], row["high"], 0)
    return f"From week to week {ends} is usual."


def _comparison(changes: pd.DataFrame, period: str, against: str) -> pd.Series | None:
    rows = changes[(changes["period"] == period) & (changes["against"] == against)]
    return None if rows.empty else rows.iloc[0]


def why(
    board: Board,
    tree: pd.DataFrame | NotGiven,
    week: pd.DataFrame | NotGiven,
    same: pd.DataFrame | NotGiven,
) -> Panel:
    """Return the panel that says why sales moved."""
    page = board.page(SALES)
    rows: list[tuple[Cell, ...]] = []
    if not isinstance(tree, NotGiven):
        rows += [_factor(row, board.currency, page) for row in tree.to_dict("records")]
    if not isinstance(same, NotGiven):
        rows.append(_stores(same.iloc[0], page))
    note = "" if isinstance(week, NotGiven) else _week_note(week, board.currency)
    columns = ("", "Change", "Part of the change")
    return Panel("why", "Why?", tuple(rows), columns if rows else (), note)


def _factor(row: dict[Any, Any], currency: str, page: str) -> tuple[Cell, ...]:
    tone: Tone = "good" if row["low"] > 0 else "bad" if row["high"] < 0 else "plain"
    part = words.money(row["contribution"], 0, currency, signed=True)
    ends = words.interval(row["low"], row["high"], 0, currency)
    change = words.percent(row["growth"], 1, signed=True)
    return (
        Cell(str(row["label"])),
        Cell(change, f"{page}#growth"),
        Cell(part, f"{page}#growth", small=ends, tone=tone),
    )


def _stores(row: pd.Series, page: str) -> tuple[Cell, ...]:
    change = words.percent(row["growth"], 1, signed=True)
    ends = words.interval(row["growth_low"], row["growth_high"])
    return (
        Cell("Like for like", small=f"{words.number(row['stores'])} stores and channels"),
        Cell(change, f"{page}#stores"),
        Cell("", small=ends),
    )


def _week_note(week: pd.DataFrame, currency: str) -> str:
    parts = [
        f"{row['factor'].lower()} {words.money(row['contribution'], 0, currency, signed=True)}"
        for row in week.to_dict("records")
    ]
    return f"Last week on the week before: {words.listing(parts)}."


def promotion(board: Board, last: LastPromotion | NotGiven) -> Panel:
    """Return the panel on what the last promotion earned."""
    heading, page = "What did the last promotion earn?", board.page(PROMOTIONS)
    if isinstance(last, NotGiven):
        return _nothing("promotion", heading, last.reason)
    tone: Tone = "good" if last.low > 0 else "bad" if last.high < 0 else "plain"
    proof = (
        "its customers were drawn at random"
        if last.randomised
        else "no causal proof: its customers were chosen, not drawn at random"
    )
    ends = words.interval(last.low, last.high, 0, board.currency)
    net = words.money(last.net, 0, board.currency, signed=True)
    of = f" (the best of its {last.arms} arms)" if last.arms > 1 else ""
    rows = (
        (
            Cell(net, f"{page}#returns", tone=tone),
            Cell(f"net return of {last.name}{of}, begun {words.day(last.starts_on)}", small=ends),
        ),
    )
    more = _newer(last)
    return Panel("promotion", heading, rows, note=f"{proof[:1].upper()}{proof[1:]}.{more}")


def _newer(last: LastPromotion) -> str:
    if not last.newer:
        return ""
    return f" {words.count(last.newer, 'promotion')} begun since cannot be judged yet, or at all."


def losses(board: Board, lost: Losses | NotGiven) -> Panel:
    """Return the panel on whom the study loses."""
    heading = "Whom do we lose?"
    if isinstance(lost, NotGiven):
        return _nothing("losses", heading, lost.reason)
    told = (
        (lost.declining, DECLINE, "customers decline beyond their own variation"),
        (lost.margin_at_risk, DECLINE, "of margin at risk with them"),
        (lost.churn, VALUE, lost.churn.sentence if lost.churn else ""),
        (lost.value_at_risk, VALUE, f"of the coming year's margin at risk{_most(lost.groups)}"),
        (lost.silent_sales, STAGES, "of sales came from customers now silent"),
    )
    rows = tuple(
        (
            Cell(found.number, f"{board.page(report)}#findings"),
            Cell(sentence, small=found.interval or ""),
        )
        for found, report, sentence in told
        if found is not None and found.value is not None
    )
    return Panel("losses", heading, rows)


def _most(groups: pd.DataFrame | NotGiven) -> str:
    if isinstance(groups, NotGiven):
        return ""
    parts = groups[groups["group"] != "All"]
    most = parts.loc[parts["at_risk_share"].idxmax()]
    whom = _GROUPS.get(str(most["group"]), str(most["group"]))
    return f", {words.percent(most['at_risk_share'], 0)} of it with {whom}"


def trust(board: Board, found: DataTrust | NotGiven) -> Panel:
    """Return the panel on whether the data can be trusted."""
    heading, page = "Can I trust the data?", board.page(SALES)
    if isinstance(found, NotGiven):
        return _nothing("trust", heading, found.reason)
    share = found.kept / found.read if found.read else float("nan")
    accounted = "every row accounted for" if found.reconciled else "ROWS ARE MISSING"
    asked = words.listing(found.to_decide).lower() if found.to_decide else ""
    rows = (
        (
            Cell(words.percent(share, 1), f"{page}#rows", tone=_holds(found.reconciled)),
            Cell(f"of {words.number(found.read)} rows taken over", small=accounted),
        ),
        (
            Cell(
                words.number(len(found.to_decide)),
                f"{page}#checks",
                tone=_holds(not found.to_decide),
            ),
            Cell(f"of {found.checks} checks need a decision", small=asked),
        ),
        (
            Cell(words.number(found.days_late), f"{page}#days-gaps-and-outliers"),
            Cell("days without orders at the end", small=f"last on {words.day(found.last_day)}"),
        ),
    )
    return Panel("trust", heading, rows, note=_wrong(found))


def _holds(good: bool) -> Tone:
    return "plain" if good else "bad"


def _wrong(found: DataTrust) -> str:
    if not found.wrong:
        return ""
    reports = words.count(len(found.wrong), "report")
    return f"{reports} failed or is incomplete: {words.listing(found.wrong)}."


def _nothing(key: str, heading: str, reason: str) -> Panel:
    return Panel(key, heading, (), note=f"{NOT_MEASURED.capitalize()}: {reason}")


def week_finding(changes: pd.DataFrame, currency: str) -> Fields | None:
    """Return the finding on the last week; None where it has nothing to be compared with."""
    row = _comparison(changes, "week", "before")
    if row is None or row["change"] != row["change"]:
        return None
    ends = {} if row["low"] != row["low"] else {"detail": _usual(pd.DataFrame([row]))}
    closed = f" ({_closed(row)})" if _closed(row) else ""
    week = f"w{_named(row).removeprefix('W')}{closed}"
    return {
        "key": "last_week",
        "sentence": f"change of net sales in the {week} on the week before, to "
        f"{words.money(row['net_amount'], 0, currency)}",
        "value": float(row["change"]), "unit": "%", "direction": "up_good", **ends,
    }  # fmt: skip


def data(found: DataTrust) -> list[TrustLine]:
    """Return the lines of the trust panel on the data themselves."""
    rows = f"{words.number(found.read)} rows of the source: {words.number(found.kept)} taken over"
    asked = words.listing(found.to_decide).lower() if found.to_decide else "none"
    late = words.count(found.days_late, "day")
    return [
        (
            "Rows",
            found.reconciled,
            f"{rows}, the others rejected with a reason or dropped by rule.",
        ),
        ("Checks", not found.to_decide, f"That need a decision: {asked}."),
        ("Days", found.days_late == 0, f"{late} without orders before the day of the report."),
    ]
