"""Which occasions are due for whom: days of the calendar, and what follows from purchases.

Every rule gives customer_id, occasion, due_on, product_id (what it is about; missing where
nothing) and value (what is at stake, in currency; 0 where nothing is). Nothing on or after
``as_of`` is read. Points that expire and tiers that are near come from report 09, which keeps the
ledger.

Flows: what a customer did, so many days ago, and a condition, make one message due.

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

from analysis.answers import NotGiven
from analysis.errors import ParamsError
from analysis.stats.sizes import FEWEST_OF_A_PRODUCT, FEWEST_ORDERS_OF_A_GAP
from analysis.tables.lines import midnight

if TYPE_CHECKING:
    from analysis.tables.engine import Tables

COLUMNS = ["customer_id", "occasion", "due_on", "product_id", "value"]

BIRTHDAY, ANNIVERSARY, FESTIVAL = "birthday", "anniversary", "festival"
REPLENISHMENT, AFTER_SALE, WIN_BACK = "replenishment", "after-sale", "win-back"

#: Gaps of their own that a silence must last.
GAPS_OF_SILENCE = 3.0
#: A product this many times as dear as the usual one is worth a question how it does.
DEAR = 10.0
#: Days after such a purchase.
AFTER_SALE_DAYS = 14


def due_occasions(
    tables: Tables,
    people: pd.DataFrame,
    *,
    as_of: date,
    days: int,
    festivals: Mapping[str, str] | None = None,
    more: pd.DataFrame | NotGiven | None = None,
) -> pd.DataFrame:
    """Return every occasion that falls due in the ``days`` days from ``as_of`` on.

    Parameters
    ----------
    tables
        A study's tables; a rule whose column is lacking finds nobody.
    people
        Candidates: customer_id.
    as_of
        The day of the list.
    days
        Days until the next list: each occasion falls due in one of them alone.
    festivals
        Festival to its day: MM-DD, or YYYY-MM-DD where it moves.
    more
        Occasions that another report found: customer_id, occasion, due_on, value.
    """
    parts = [
        *_of_the_calendar(tables, as_of, days),
        _festivals(people, as_of, days, festivals or {}),
        _replenishment(tables, as_of, days),
        _after_sale(tables, as_of, days),
        _win_back(tables, as_of, days),
    ]
    if isinstance(more, pd.DataFrame) and len(more):
        parts.append(_told(more, as_of, days))
    kept = [part for part in parts if len(part)]
    if not kept:
        return pd.DataFrame({n: pd.Series(dtype="object") for n in COLUMNS})
    found = pd.concat(kept, ignore_index=True)[COLUMNS]
    found = found[found["customer_id"].isin(people["customer_id"])]
    found = found.sort_values(["customer_id", "occasion", "value"], ascending=[True, True, False])
    return found.drop_duplicates(["customer_id", "occasion"]).reset_index(drop=True)


def next_of_year(born: pd.Series, as_of: date, days: int) -> pd.Series:
    """Return the day in the next ``days`` on which a month and day return; missing: in none.

    Who was born on 29 February has it on 28 February in other years.
    """
    ahead = {(d.month, d.day): d for d in reversed([as_of + timedelta(n) for n in range(days)])}
    if (2, 28) in ahead and (2, 29) not in ahead:
        year = ahead[2, 28].year
        if not (year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)):
            ahead[2, 29] = ahead[2, 28]
    dates = pd.to_datetime(born)
    keys = zip(dates.dt.month, dates.dt.day, strict=True)
    found = [ahead.get((int(m), int(d))) if m == m else None for m, d in keys]
    return pd.Series(found, born.index, dtype="object")


def _of_the_calendar(tables: Tables, as_of: date, days: int) -> list[pd.DataFrame]:
    found = []
    for occasion, column in ((BIRTHDAY, "birth_date"), (ANNIVERSARY, "joined_on")):
        if not tables.has("customers", column):
            continue
        rows = tables.customers.filter(tables.customers[column].notnull())
        day = rows[column]
        if occasion == ANNIVERSARY:  # the first of them a year after
            rows = rows.filter(day < ibis.date((as_of - timedelta(days=300)).isoformat()))
        else:  # the first of January stands for an unknown day
            rows = rows.filter(~((day.month() == 1) & (day.day() == 1)))
        frame = rows.select("customer_id", day=column).to_pandas()
        due = next_of_year(frame["day"], as_of, days)
        found.append(_table(frame.assign(due_on=due)[due.notna()], occasion))
    return found


def _table(frame: pd.DataFrame, occasion: str) -> pd.DataFrame:
    defaults = {"occasion": occasion, "product_id": None, "value": 0.0}
    wanted = {k: v for k, v in defaults.items() if k not in frame}
    days = pd.to_datetime(frame["due_on"]).dt.date
    return frame.assign(due_on=days, **wanted)[COLUMNS]


def _festivals(
    people: pd.DataFrame, as_of: date, days: int, festivals: Mapping[str, str]
) -> pd.DataFrame:
    ahead = [as_of + timedelta(n) for n in range(days)]
    near = [
        d for d in ahead for said in festivals.values() if said in (f"{d:%m-%d}", d.isoformat())
    ]
    if not near:
        return pd.DataFrame(columns=COLUMNS)
    return _table(people[["customer_id"]].assign(due_on=near[0]), FESTIVAL)


def _bought(tables: Tables, as_of: date) -> ibis.Table:
    lines = tables.order_lines
    bought = lines.filter(lines.ordered_at < midnight(as_of), lines.customer_id.notnull())
    return bought.filter(bought.quantity > 0).mutate(day=bought.ordered_at.date())


def _within(due: ibis.Value, as_of: date, days: int) -> ibis.Value:
    first, end = (ibis.date((as_of + timedelta(n)).isoformat()) for n in (0, days))
    return (due >= first) & (due < end)


def _mean_gap(first: ibis.Value, last: ibis.Value, count: ibis.Value) -> ibis.Value:
    """Return the mean days between so many purchases, whole."""
    return (last.delta(first, unit="day") / (count - 1)).round().cast("int64")


def _replenishment(tables: Tables, as_of: date, days: int) -> pd.DataFrame:
    """Return what customers buy again and again, where the next time falls due."""
    lines = _bought(tables, as_of)
    keys = ["customer_id", "product_id"]
    found = lines.group_by(keys).agg(
        n=lines.day.nunique(), first=lines.day.min(), last=lines.day.max(),
        # Spark would round the mean of what is exact to six places.
        value=lines.net_amount.sum().cast("float64") / lines.count(),
    )  # fmt: skip
    found = found.filter(found.n >= FEWEST_OF_A_PRODUCT)
    found = found.mutate(gap=_mean_gap(found["first"], found["last"], found.n))
    found = found.filter(found.gap >= days)  # what is bought at every visit needs no reminder
    due = found["last"] + found.gap.as_interval("D")
    found = found.mutate(due_on=due.cast("date"))
    found = found.filter(_within(found.due_on, as_of, days))
    frame = found.select(*keys, "due_on", "value").order_by(keys).to_pandas()
    frame = frame.assign(value=frame["value"].astype("float64"))
    best = frame.sort_values(["customer_id", "value", "product_id"], ascending=[True, False, True])
    return _table(best.drop_duplicates("customer_id"), REPLENISHMENT)


def _after_sale(tables: Tables, as_of: date, days: int) -> pd.DataFrame:
    """Return who bought something dear so many days ago that it is in use."""
    lines = _bought(tables, as_of)
    priced = lines.mutate(price=lines.net_amount.cast("float64") / lines.quantity)
    usual = float(priced.price.median().to_pandas() or 0.0)
    dear = priced.filter(priced.price >= DEAR * usual, priced.price > 0)
    dear = dear.mutate(due_on=(dear.day + ibis.interval(days=AFTER_SALE_DAYS)).cast("date"))
    dear = dear.filter(_within(dear.due_on, as_of, days))
    frame = dear.select("customer_id", "product_id", "due_on", value="price").to_pandas()
    order = ["customer_id", "value", "product_id", "due_on"]
    frame = frame.sort_values(order, ascending=[True, False, True, True])
    return _table(frame.drop_duplicates("customer_id"), AFTER_SALE)


def _win_back(tables: Tables, as_of: date, days: int) -> pd.DataFrame:
    """Return whose silence has just become longer than their own gaps explain."""
    lines = _bought(tables, as_of)
    found = lines.group_by("customer_id").agg(
        n=lines.day.nunique(), first=lines.day.min(), last=lines.day.max(),
        value=lines.net_amount.sum(),
    )  # fmt: skip
    found = found.filter(found.n >= FEWEST_ORDERS_OF_A_GAP)
    gap = _mean_gap(found["first"], found["last"], found.n)
    silence = (gap * GAPS_OF_SILENCE).round().cast("int64")
    found = found.mutate(due_on=(found["last"] + silence.as_interval("D")).cast("date"))
    found = found.filter(_within(found.due_on, as_of, days))
    frame = found.select("customer_id", "due_on", "value").order_by("customer_id").to_pandas()
    return _table(frame.assign(value=frame["value"].astype("float64")), WIN_BACK)


def _told(more: pd.DataFrame, as_of: date, days: int) -> pd.DataFrame:
    """Return the occasions of another report that this one does not find itself."""
    due = pd.to_datetime(more["due_on"]).dt.date
    own = more["occasion"].isin([BIRTHDAY, ANNIVERSARY, FESTIVAL, REPLENISHMENT, WIN_BACK])
    soon = (due >= as_of) & (due < as_of + timedelta(days=days)) & ~own
    rows = more.assign(due_on=due)[soon]
    value = rows.get("value", pd.Series(0.0, rows.index)).astype("float64").fillna(0.0)
    product = rows.get("product_id", pd.Series(None, rows.index, dtype="object"))
    return rows.assign(value=value, product_id=product)[COLUMNS]


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
