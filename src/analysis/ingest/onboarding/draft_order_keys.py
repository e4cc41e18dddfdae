"""Write how a drafted mapping tells orders apart and when they were made."""

from __future__ import annotations

from datetime import datetime

from analysis.ingest.inspection.column_names import plain
from analysis.ingest.inspection.order_numbers import month_pattern
from analysis.ingest.inspection.value_forms import form_of_day, halves_last
from analysis.ingest.mapping.model import UNANSWERED
from analysis.ingest.onboarding.draft_plan import Plan
from analysis.ingest.onboarding.yaml_text import listed, quoted, single

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
            return (
                f'{{join: {parts}, between: "-"}}   # UNSURE: no column looks like an order, so a '
                "customer's lines of a day are one"
            )
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
        times = _clock_forms(plan)
        forms = list(dict.fromkeys(_at(day, time) for day in _days(plan) for time in times))
        parts = f"[{_day_alone(plan)}, {quoted(plan.clock)}]"
        return f'{{join: {parts}, between: " ", dates: {listed(forms)}}}{note}'
    return f"{{column: {column}, dates: {listed(plan.dates.forms)}}}{note}"


def _at(day: str, time: str) -> str:
    if day != "iso":
        return day + time
    return "iso" if time.startswith(" %H:%M") else f"%Y-%m-%d{time}"


def _days(plan: Plan) -> list[str]:
    return list(dict.fromkeys(form_of_day(form) for form in plan.dates.forms))


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
