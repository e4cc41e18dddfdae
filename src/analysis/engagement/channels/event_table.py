"""One table of what customers do: orders, messages, page views, points.

For questions that any of them may ask: how long from one kind of event to the next, and who comes
back between day n and day m.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import ibis
import pandas as pd

from analysis.engagement.channels.contact_events import order_times
from analysis.errors import NotApplicable
from analysis.stats.proportions import wilson_interval
from analysis.stats.surveys.kaplan_meier import kaplan_meier
from analysis.tables.engine import held, seconds
from analysis.tables.lines import midnight

if TYPE_CHECKING:
    from analysis.tables.engine import Tables
    from analysis.tables.periods import Period

_DAY = 86_400.0
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)


@dataclass(frozen=True)
class Events:
    """Events of a period.

    Parameters
    ----------
    rows
        customer_id, at, kind (order, sent, opened, clicked, view, earn, redeem ...).
    counts
        kind, events, customers.
    period
        When they happened.
    """

    rows: ibis.Table
    counts: pd.DataFrame
    period: Period


def collect(tables: Tables, period: Period) -> Events:
    """Return the events of known customers in ``period``, from every table that has some."""
    parts = [order_times(tables).select("customer_id", "at", kind=ibis.literal("order"))]
    if "contacts" in tables:
        contacts = tables.contacts
        for kind in ("sent", "opened", "clicked", "unsubscribed"):
            if tables.has("contacts", f"{kind}_at"):
                rows = contacts.filter(contacts[f"{kind}_at"].notnull())
                parts.append(rows.select("customer_id", at=rows[f"{kind}_at"],
                                         kind=ibis.literal(kind)))  # fmt: skip
    if tables.has("page_views", "customer_id"):
        seen = tables.page_views.filter(tables.page_views.customer_id.notnull())
        parts.append(seen.select("customer_id", at=seen.viewed_at, kind=ibis.literal("view")))
    if "points" in tables:
        moved = tables.points
        parts.append(moved.select("customer_id", at=moved.posted_at, kind=moved.kind))
    # An engine may hold the moments of one table finer than those of another.
    alike = [part.cast(parts[0].schema()) for part in parts]
    every = ibis.union(*alike) if len(alike) > 1 else alike[0]
    start, end = midnight(period.start), midnight(period.end)
    rows = held(every.filter(every["at"] >= start, every["at"] < end))
    counted = rows.group_by("kind").agg(events=rows.count(), customers=rows.customer_id.nunique())
    return Events(rows, counted.order_by("kind").to_pandas(), period)


def interval_between(events: Events, start: str, then: str) -> pd.DataFrame:
    """Return how long it takes from an event of kind ``start`` to the next of kind ``then``.

    Returns
    -------
    pandas.DataFrame
        start, then, events (of the first kind), followed (by one of the second), days_10, days_25,
        days_50, days_75, days_90 (to the hour; Kaplan-Meier: those not followed before the end of
        the period may be later; NaN where too few are).

    Raises
    ------
    NotApplicable
        If either kind does not occur.
    """
    rows = _next(events, start, then)
    hours = (24 * ibis.coalesce(rows.days, rows.left)).round().cast("int64")
    counted = rows.group_by(hours=hours, followed=rows.days.notnull()).agg(events=rows.count())
    each = counted.order_by("hours", "followed").to_pandas()
    followed, n = each["followed"].to_numpy(bool), each["events"].to_numpy("float64")
    curve = kaplan_meier(each["hours"].to_numpy("float64") / 24, followed, of=n)
    row = {"start": start, "then": then, "events": int(n.sum()), "followed": int(n[followed].sum())}
    return pd.DataFrame([row | {f"days_{round(100 * q)}": curve.quantile(q)[0] for q in QUANTILES}])


def returned_between(
    events: Events, start: str, then: str, *, first_day: int, last_day: int,
    confidence: float = 0.95,
) -> pd.DataFrame:  # fmt: skip
    """Return the share of customers who, after their first ``start``, do ``then`` from day n to m.

    A day is 24 hours. Only customers whose day m is over before the end of the period count.

    Returns
    -------
    pandas.DataFrame
        start, then, first_day, last_day, customers, returned, share, low, high (Wilson).
    """
    _require(events, start, then)
    rows = events.rows
    first = rows.filter(rows.kind == start).group_by("customer_id").agg(begun=ibis._["at"].min())
    whole = first.begun + ibis.interval(days=last_day + 1)
    first = first.filter(whole <= midnight(events.period.end))
    later = rows.filter(rows.kind == then).select("customer_id", "at")
    both = first.left_join(later, "customer_id").drop("customer_id_right")
    since = (seconds(both["at"]) - seconds(both.begun)) / _DAY
    days = (since >= first_day) & (since < last_day + 1)
    inside = ibis.coalesce(days & (both["at"] > both.begun), False)
    each = both.group_by("customer_id").agg(back=inside.cast("int64").max())
    sums = each.agg(customers=each.count(), returned=each.back.sum()).to_pandas().iloc[0]
    n, k = int(sums["customers"]), int(sums["returned"] or 0)
    low, high = wilson_interval([k], [n], confidence=confidence)
    row = (start, then, first_day, last_day, n, k, k / n if n else float("nan"))
    names = ["start", "then", "first_day", "last_day", "customers", "returned", "share"]
    return pd.DataFrame([row], columns=names).assign(low=low, high=high)


def _require(events: Events, *kinds: str) -> None:
    known = set(events.counts["kind"])
    for kind in kinds:
        if kind not in known:
            raise NotApplicable(
                f"No event {kind!r} occurs in the period; there are {', '.join(sorted(known))}."
            )


def _next(events: Events, start: str, then: str) -> ibis.Table:
    """Return every event of kind ``start``: days to the next of kind ``then``, and those left."""
    _require(events, start, then)
    rows = events.rows.filter(events.rows.kind.isin([start, then]))
    # Events at the same instant follow each other in no known order: they are not "next".
    order = {"group_by": "customer_id", "order_by": ["at", (rows.kind == start).cast("int8")]}
    if start == then:
        rows = rows.mutate(next=rows["at"].lead().over(ibis.window(**order)))
    else:
        rows = rows.mutate(when=(rows.kind == then).ifelse(rows["at"], None))
        rows = rows.mutate(next=rows.when.min().over(ibis.window(preceding=0, **order)))
        rows = rows.filter(rows.kind == start)
    began, end = seconds(rows["at"]), seconds(midnight(events.period.end))
    days = {"days": (seconds(rows.next) - began) / _DAY, "left": (end - began) / _DAY}
    return rows.select("customer_id", **days)
