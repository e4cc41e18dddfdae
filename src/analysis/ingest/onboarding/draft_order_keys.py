"""Write how a drafted mapping tells orders apart and when they were made.

Order numbers may restart, or stand in files that overlap: then they alone tell no orders apart.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, NamedTuple

from analysis.ingest.bounded_yaml import listed, quoted, single
from analysis.ingest.inspection.column_names import plain
from analysis.ingest.inspection.value_forms import form_of_day, halves_last
from analysis.ingest.mapping.model import UNANSWERED

if TYPE_CHECKING:
    from analysis.ingest.onboarding.draft_plan import Plan

#: Forms of a time of day that has a column of its own.
CLOCKS = (
    "%H:%M:%S", "%H:%M", "%I:%M:%S %p", "%I:%M %p", "%H:%M:%S.%f", "%H.%M.%S", "%H.%M",
)  # fmt: skip


def order_id(plan: Plan) -> str:
    """Return what tells orders apart: their number, with a day, month or store if it restarts."""
    ideas = plan.found.columns
    if "order_id" not in ideas:
        if own := _own_number(plan):
            return f"{quoted(own)}   # UNSURE: another in every row, so each line is an order"
        if {"customer_id", "ordered_at"} <= set(ideas):
            parts = f"[{quoted(ideas['customer_id'])}, {_part_of_date(plan, 'day')}]"
            value, said = f'{{join: {parts}, between: "-"}}', "a customer's lines of a day are one"
            if not all(plan.found.cells(ideas["customer_id"])):
                value = f"{{first: [{value}, {{line: true}}]}}"
                said += ", and each line without a customer"
            return f"{value}   # UNSURE: no column looks like an order, so {said}"
        return "{line: true}   # UNSURE: no column looks like an order, so each line is one"
    column = quoted(ideas["order_id"])
    if not plan.numbers.restart:
        return column
    joined_by = [_part(plan, name) for name in plan.numbers.joined_by]
    words = " and ".join(plan.numbers.joined_by)
    return (
        f'{{join: [{", ".join([*joined_by, column])}], between: "-"}}   # UNSURE: '
        f"{plan.numbers.restarted:,} of {plan.numbers.of:,} numbers stand for several orders, so "
        f"the {words} joins them"
    )


def _own_number(plan: Plan) -> str:
    """Return a column that numbers the rows as orders, where none has an order's name."""
    places = {plain(name): name for name in reversed(plan.found.header)}
    for known in ("id", "reference", "number", "no", "nr"):
        cells = plan.found.cells(places[known]) if known in places else []
        if cells and all(cells) and len(set(cells)) == len(cells):
            return places[known]
    return ""


def _part(plan: Plan, name: str) -> str:
    if name == "store":
        return quoted(plan.found.columns["store_id"])
    return _part_of_date(plan, name)


def _part_of_date(plan: Plan, name: str) -> str:
    column = quoted(plan.found.columns["ordered_at"])
    forms = [form_of_day(form) for form in plan.dates.forms]
    pattern = month_pattern(forms[0]) if name == "month" and len(set(forms)) == 1 else ""
    pattern = pattern or r"^(.*?)(?:[ T]+\d{1,2}:\d{2}.*)?$"
    return f"{{column: {column}, extract: {single(pattern)}}}"


def ordered_at(plan: Plan) -> str:
    """Return when an order was made, a day and a time joined; a question if no format reads it."""
    ideas = plan.found.columns
    if "ordered_at" not in ideas:
        return (
            f'{{constant: "{UNANSWERED}"}}   # UNSURE: no column looks like a date; state the day '
            "(YYYY-MM-DD) or a column"
        )
    column = quoted(ideas["ordered_at"])
    if not plan.dates.forms:
        shown = next(iter(plan.found.values(ideas["ordered_at"])), "")
        return (
            f'{{column: {column}, dates: "{UNANSWERED}"}}   # UNSURE: no format known reads '
            f"{shown[:40]!r}; state it as strptime does, such as %Y-%m-%d"
        )
    note = _date_note(plan)
    if plan.clock:
        times, days = _clock_forms(plan), dict.fromkeys(map(form_of_day, plan.dates.forms))
        forms = list(dict.fromkeys(_at(day, time) for day in days for time in times))
        parts = f"[{_day_alone(plan)}, {quoted(plan.clock)}]"
        return f'{{join: {parts}, between: " ", dates: {listed(forms)}}}{note}'
    return f"{{column: {column}, dates: {listed(plan.dates.forms)}}}{note}"


def _at(day: str, time: str) -> str:
    if day != "iso":
        return day + time
    return "iso" if time.startswith(" %H:%M") else f"%Y-%m-%d{time}"


def _day_alone(plan: Plan) -> str:
    column = quoted(plan.found.columns["ordered_at"])
    values = plan.found.values(plan.found.columns["ordered_at"])
    if any(v.endswith(" 00:00:00") for v in values):
        return f"{{column: {column}, extract: '^[^ ]+'}}"
    return column


def _clock_forms(plan: Plan) -> list[str]:
    values = [halves_last(f"0 {v}")[2:] for v in plan.found.values(plan.clock)]
    return [f" {form}" for form in CLOCKS if any(_reads(form, v) for v in values)]


def _reads(form: str, value: str) -> bool:
    try:
        datetime.strptime(value, form)
    except ValueError:
        return False
    return True


def _date_note(plan: Plan) -> str:
    dates = plan.dates
    if dates.mixed:
        return (
            "   # UNSURE: some dates read only with the day first, others only with the month "
            "first: take away the form that is wrong, or mend the cells"
        )
    if dates.either:
        return "   # UNSURE: day before month, or month before day?"
    if dates.unread:
        return f"   # UNSURE: no format known reads {dates.unread[:40]!r}; such rows are refused"
    if dates.forms == ["excel"]:
        return "   # UNSURE: are these numbers serial days of Excel?"
    return ""


#: Days that the lines of one order may lie apart.
APART = 1
#: Share of the numbers of several lines that stand on days apart before they are said to restart.
RESTARTED, SETTLED = 0.05, 0.01
#: Numbers of several orders that it takes to say that they restart.
TELLING = 3


class Line(NamedTuple):
    """What one line says of its order."""

    order: str
    day: date
    store: str
    file: int
    customer: str = ""


#: Parts of a key that may tell apart orders of the same number, the coarsest first.
PARTS: Mapping[str, Callable[[Line], str]] = {
    "store": lambda line: line.store,
    "month": lambda line: f"{line.day:%Y-%m}",
    "day": lambda line: line.day.isoformat(),
}


@dataclass(frozen=True)
class Numbers:
    """What was seen of the order numbers.

    Parameters
    ----------
    shared
        Numbers that stand in several files, on the same day in each: the files overlap.
    restarted
        Numbers that stand on days apart, in one file or several.
    of
        Numbers with several lines.
    joined_by
        What tells their orders apart, beside the number: of store, month and day, the coarsest.
    """

    shared: int = 0
    restarted: int = 0
    of: int = 0
    joined_by: tuple[str, ...] = ()

    @property
    def restart(self) -> bool:
        """Tell whether the numbers restart."""
        return _restart(self.restarted, self.of)


def judge(lines: Sequence[Line]) -> Numbers:
    """Return what the ``lines`` of one kind of file say of its order numbers."""
    restarted, of = _apart(lines, ())
    shared = _shared(lines)
    if not _restart(restarted, of):
        return Numbers(shared, restarted, of)
    for parts in _ways(lines):
        left, _ = _apart(lines, parts)
        if left <= SETTLED * of:
            return Numbers(0, restarted, of, parts)
    return Numbers(0, restarted, of, ("day",))


def _restart(restarted: int, of: int) -> bool:
    return restarted >= TELLING and restarted > RESTARTED * of


def _ways(lines: Sequence[Line]) -> list[tuple[str, ...]]:
    stores = len({line.store for line in lines}) > 1
    names = ["store", "month", "day"] if stores else ["month", "day"]
    ways: list[tuple[str, ...]] = [(name,) for name in names]
    ways += [pair for pair in itertools.combinations(names, 2) if "store" in pair]
    return ways


def _apart(lines: Sequence[Line], parts: tuple[str, ...]) -> tuple[int, int]:
    """Return how many numbers of several lines are several orders, of how many.

    They are where their lines stand on days apart, in several stores, or on another day in each
    of several files; not where all are of one known customer, whose order may come in parts.
    """
    orders: dict[tuple[str, ...], list[Line]] = defaultdict(list)
    for line in lines:
        orders[line.order, *(PARTS[part](line) for part in parts)].append(line)
    several = [found for found in orders.values() if len(found) > 1]
    return sum(map(_are_several, several), 0), len(several)


def _are_several(lines: list[Line]) -> bool:
    customers = {line.customer for line in lines}
    if len(customers) == 1 and customers != {""}:
        return False
    days = [line.day for line in lines]
    first: dict[int, date] = {}
    for line in lines:
        first[line.file] = min(line.day, first.get(line.file, line.day))
    in_files = len(set(first.values())) > 1
    return in_files or (max(days) - min(days)).days > APART or len({n.store for n in lines}) > 1


def _shared(lines: Sequence[Line]) -> int:
    """Return how many numbers stand in several files on the same day."""
    files: dict[tuple[str, date], set[int]] = defaultdict(set)
    for line in lines:
        files[line.order, line.day].add(line.file)
    return len({order for (order, _), found in files.items() if len(found) > 1})


def month_pattern(form: str) -> str:
    """Return what finds year and month in a day of this format; empty if no one pattern does."""
    if form == "iso" or form.startswith("%Y"):
        return r"^\d{4}\D?\d{1,2}"
    found = re.match(r"%d(\W)%m\W%[Yy]", form)
    return rf"\d{{1,2}}\{found.group(1)}(\d{{1,2}}\{found.group(1)}\d+)" if found else ""
