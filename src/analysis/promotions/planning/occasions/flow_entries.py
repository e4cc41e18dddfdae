"""Flows: what a customer did, so many days ago, and a condition, make one message due.

A flow is written in the study's params: trigger, wait, condition, message, holdout. Who enters is
drawn into an arm like on any list; the CRM sends, this package does not.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import ibis
import pandas as pd

from analysis.errors import ParamsError
from analysis.promotions.planning.occasions.due_occasions import COLUMNS
from analysis.tables.lines import midnight

if TYPE_CHECKING:
    from analysis.tables.engine import Tables

FIRST_ORDER, ORDER, JOINED = "first order", "order", "joined"
EVENTS = (FIRST_ORDER, ORDER, JOINED)
KINDS = ("promotion", "care", "service")

#: What a condition may compare: columns of the candidates.
MEASURES = ("orders", "recent_orders", "net", "margin")
_TERM = re.compile(rf"\s*({'|'.join(MEASURES)})\s*(<=|>=|<|>|=)\s*(-?\d+(?:\.\d+)?)\s*")
_COMPARES: dict[str, Callable[[Any, float], Any]] = {
    "<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt, "=": operator.eq,
}  # fmt: skip


@dataclass(frozen=True)
class Flow:
    """One flow.

    Parameters
    ----------
    name
        Its name; its lists are called so.
    trigger
        One of `EVENTS`, or an occasion.
    wait_days
        Days from the trigger to the message.
    condition
        Terms such as ``orders <= 1 and margin > 0``; empty: everybody.
    offer
        What the message says or gives.
    kind
        ``promotion``, ``care`` or ``service``: which caps count.
    holdout
        Share of those who enter that gets no message.
    """

    name: str
    trigger: str
    wait_days: int = 0
    condition: str = ""
    offer: str = ""
    kind: str = "promotion"
    holdout: float = 0.1

    @classmethod
    def of(cls, name: str, spec: Mapping[str, Any], occasions: tuple[str, ...]) -> Flow:
        """Return the flow that params describe; ParamsError says what is wrong with it."""
        known = {f for f in cls.__dataclass_fields__ if f != "name"}
        for key in spec:
            if key not in known:
                raise ParamsError(
                    f"flows.{name}: no such key: {key}; allowed are {', '.join(sorted(known))}"
                )
        flow = cls(name, **{**spec, "wait_days": int(spec.get("wait_days", 0))})
        allowed = {"trigger": (*EVENTS, *occasions), "kind": KINDS}
        for key, values in allowed.items():
            if getattr(flow, key) not in values:
                raise ParamsError(f"flows.{name}.{key} is none of {', '.join(values)}")
        if not 0 <= flow.holdout < 1 or flow.wait_days < 0:
            raise ParamsError(f"flows.{name}: holdout is a share below 1, wait_days not below 0")
        flow.terms()
        return flow

    def terms(self) -> list[tuple[str, str, float]]:
        """Return the terms of the condition; ParamsError if it cannot be read."""
        parts = [p for p in re.split(r"\band\b", self.condition) if p.strip()]
        found = [_TERM.fullmatch(part) for part in parts]
        if not all(found):
            raise ParamsError(
                f"flows.{self.name}.condition: {self.condition!r} cannot be read; write terms of "
                f"{', '.join(MEASURES)} such as 'orders <= 1 and margin > 0'"
            )
        return [(m[1], m[2], float(m[3])) for m in found if m]

    def meets(self, people: pd.DataFrame) -> pd.Series:
        """Tell which candidates meet the condition."""
        kept = pd.Series(True, people.index)
        for measure, sign, number in self.terms():
            kept &= _COMPARES[sign](people[measure], number)
        return kept


def entries(
    tables: Tables,
    flow: Flow,
    people: pd.DataFrame,
    occasions: pd.DataFrame,
    *,
    as_of: date,
    days: int,
) -> pd.DataFrame:
    """Return who enters a flow in the ``days`` from ``as_of`` on.

    Parameters
    ----------
    tables
        A study's tables.
    flow
        The flow.
    people
        Candidates, with `MEASURES`.
    occasions
        ``due_occasions``, for flows that an occasion triggers.
    as_of, days
        The day of the list, and days until the next one.

    Returns
    -------
    pandas.DataFrame
        As ``due_occasions``, the occasion the name of the flow.
    """
    if flow.trigger in EVENTS:
        rows = _events(tables, flow, as_of, days)
    else:
        rows = occasions[occasions["occasion"] == flow.trigger]
        due = [d + timedelta(days=flow.wait_days) for d in rows["due_on"]]
        rows = rows.assign(due_on=due)
    meeting = people.loc[flow.meets(people), "customer_id"]
    rows = rows[rows["customer_id"].isin(meeting)]
    return rows.assign(occasion=flow.name)[COLUMNS].reset_index(drop=True)


def _events(tables: Tables, flow: Flow, as_of: date, days: int) -> pd.DataFrame:
    """Return the customers whose event, so many days ago, makes the message due now."""
    if flow.trigger == JOINED:
        if not tables.has("customers", "joined_on"):
            return pd.DataFrame(columns=COLUMNS)
        rows = tables.customers.select("customer_id", day="joined_on")
    else:
        lines = tables.order_lines
        lines = lines.filter(lines.customer_id.notnull(), lines.quantity > 0)
        lines = lines.filter(lines.ordered_at < midnight(as_of))
        moment = lines.ordered_at.min() if flow.trigger == FIRST_ORDER else lines.ordered_at.max()
        rows = lines.group_by("customer_id").agg(day=moment)
        rows = rows.mutate(day=rows.day.date())
    rows = rows.filter(_enters(rows.day, flow.wait_days, as_of, days))
    frame = rows.order_by("customer_id").to_pandas()
    wait = timedelta(days=flow.wait_days)
    due = [max(pd.Timestamp(d).date() + wait, as_of) for d in frame["day"]]
    return frame.assign(due_on=due, occasion=flow.name, product_id=None, value=0.0)[COLUMNS]


def _enters(day: ibis.Value, wait: int, as_of: date, days: int) -> ibis.Value:
    """Tell which events enter this list: known, due before the next list, and in none before.

    With lists every ``days`` days each event enters one of them alone; where the wait is shorter
    than that, on the first list that knows of it.
    """
    ends = [as_of + timedelta(days=n) for n in (0, -days, days - wait, -wait)]
    now, before, due_before_next, due_before_now = (ibis.date(d.isoformat()) for d in ends)
    known = (day < now) & (day < due_before_next)
    known_then = (day < before) & (day < due_before_now)
    return known & ~known_then
