"""The way from the product to the order: how many get how far, in order or in any order.

``strict`` counts a step only after the step before it, with any other pages between; ``loose``
counts it wherever in the session it stands, if all steps before it are there as well; ``seen``
counts the step alone.

Without a limit of time the earliest start is the best, and each step the earliest after it. With
one the latest start counts: a step is reached if some view of a product began a way to it that took
no longer. The chain from the latest possible start is kept per step, as ClickHouse's windowFunnel
keeps it, by one running maximum for each step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import ibis
import pandas as pd

from analysis.answers import without
from analysis.engagement.web.clickstream import STEPS, Clickstream
from analysis.engagement.web.sessionisation import shares
from analysis.errors import NotApplicable
from analysis.stats.multiplicity import bonferroni
from analysis.stats.sizes import FEWEST_FOLLOWED
from analysis.tables.engine import held
from analysis.tables.lines import midnight

#: What sessions are told apart by.
GROUPINGS = ("device", "source", "history")


@dataclass(frozen=True)
class PurchaseFunnel:
    """The funnel of sessions and of visitors.

    Parameters
    ----------
    steps
        One step a row: step, sessions (strict), loose, seen, share (of all sessions) with low and
        high, kept (of those at the step before) with kept_low, kept_high, lost (sessions that got
        to the step before and no further).
    groups
        The same by grouping (device, source, history, segment) and group: sessions, share, ...
    windows
        One window a row: days, visitors, basket, ordered, order (strict, shares), order_low,
        order_high; none where the source does not tell which product a page shows.
    """

    steps: pd.DataFrame
    groups: pd.DataFrame
    windows: pd.DataFrame


@without("segments")
def purchase_funnel(
    web: Clickstream,
    *,
    segments: pd.DataFrame | None = None,
    days: Sequence[int] = (1, 7, 30),
    confidence: float = 0.95,
) -> PurchaseFunnel:
    """Return the funnel of sessions, by groups, and of visitors within some days.

    Parameters
    ----------
    web
        Views in sessions.
    segments
        customer_id and rfm, formed on days before the period, so that no order of a session puts
        its customer into a segment; None: no groups by segment.
    days
        Days that visitors are given.
    confidence
        Coverage of the intervals; those of segments hold for all of them at once.

    Raises
    ------
    NotApplicable
        If page_views does not say what happened on a page.
    """
    if len(web.steps) < 3:
        raise NotApplicable(
            "No funnel: page_views has no column event that says where a basket, a checkout or an "
            "order was made."
        )
    sessions = held(with_depth(web))
    steps = _table(sessions, web.steps, (), confidence)
    parts = [
        _grouped(_with_group(web, sessions, grouping), grouping, web.steps, confidence)
        for grouping in GROUPINGS
        if grouping == "history" or web.has(grouping)
    ]
    if segments is not None:
        parts.append(_by_segment(sessions, segments, web.steps, confidence))
    parts = [part for part in parts if len(part)]
    grouped = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=_GROUPED)
    asked = days if 2 in web.steps else ()  # the days run from a product seen
    windows = pd.DataFrame([_within(web, n, confidence) for n in asked], columns=_WINDOWS)
    windows = windows[windows["visitors"] > 0].reset_index(drop=True)
    return PurchaseFunnel(steps, grouped, windows)


def reached(
    views: ibis.Table,
    steps: Sequence[int],
    *,
    scope: Sequence[str] = ("who", "session_no"),
    within: timedelta | None = None,
) -> ibis.Table:
    """Return the furthest step that was reached in order.

    Parameters
    ----------
    views
        Views with the columns of ``scope``, viewed_at and step.
    steps
        Steps of the way, rising; the first begins it.
    scope
        What the way lies in: a session, or a visitor.
    within
        Longest time from the beginning to a step.

    Returns
    -------
    ibis.Table
        The columns of ``scope`` and strict, of those who reached more than the first.
    """
    rows = views.filter(views.step >= steps[0]).select(*scope, "viewed_at", "step")
    if within is None:
        return _in_order(rows, steps, list(scope))
    return _in_time(rows, steps, list(scope), ibis.interval(within))


def _in_order(rows: ibis.Table, steps: Sequence[int], scope: list[str]) -> ibis.Table:
    """Return how far each scope came: without a limit of time the first start is the best."""
    start = rows.filter(rows.step == steps[0])
    far = start.group_by(scope).aggregate(since=lambda t: t.viewed_at.min())
    for place, step in enumerate(steps[1:]):
        after = rows.filter(rows.step == step).rename(**{f"{name}_": name for name in scope})
        way = [far[name] == after[f"{name}_"] for name in scope]
        joined = far.join(
            after, [*way, after.viewed_at >= far.since], how="left" if place else "inner"
        )
        before = joined.strict if place else ibis.null("int8")
        got = joined.viewed_at.notnull().ifelse(ibis.literal(step, "int8"), before)
        far = joined.group_by(scope).aggregate(since=joined.viewed_at.min(), strict=got.max())
    return far.drop("since")


def _in_time(
    rows: ibis.Table, steps: Sequence[int], scope: list[str], limit: ibis.Value
) -> ibis.Table:
    """Return how far each scope came within the limit, by running maxima of the start."""
    window = ibis.cumulative_window(group_by=scope, order_by=["viewed_at", "step"])
    start = (rows.step == steps[0]).ifelse(rows.viewed_at, None)
    rows = rows.mutate(since=start.max().over(window), strict=ibis.null("int8"))
    rows = rows.filter(rows.step > steps[0])
    for step in steps[1:]:
        valid = (rows.step == step) & (rows.viewed_at <= rows.since + limit)
        rows = rows.mutate(
            chain=valid.ifelse(rows.since, None),
            strict=valid.ifelse(ibis.literal(step, "int8"), rows.strict),
        )
        if step != steps[-1]:
            rows = rows.mutate(since=rows.chain.max().over(window))
    found = rows.filter(rows.strict.notnull()).group_by(scope)
    return found.aggregate(strict=lambda t: t.strict.max())


def with_depth(web: Clickstream) -> ibis.Table:
    """Return the sessions with strict and loose, the furthest step reached in either sense."""
    way = web.steps[1:]
    far = reached(web.views, way).rename(who_="who", no_="session_no")
    sessions = web.sessions
    joined = sessions.left_join(
        far, [sessions.who == far.who_, sessions.session_no == far.no_]
    ).drop("who_", "no_")
    first = joined[f"step_{way[0]}"].ifelse(ibis.literal(way[0], "int8"), 1)
    strict = ibis.coalesce(joined.strict, first).cast("int64")
    return joined.mutate(strict=strict, loose=_loose(joined, way))


def _loose(sessions: ibis.Table, way: Sequence[int]) -> ibis.Value:
    """Return the furthest step up to which the session holds all steps."""
    branches = []
    whole: ibis.Value = ibis.literal(True)
    for step in way:
        whole = whole & sessions[f"step_{step}"]
        branches.append((whole, ibis.literal(step, "int64")))
    return ibis.cases(*reversed(branches), else_=ibis.literal(1, "int64"))


def _table(
    sessions: ibis.Table, steps: Sequence[int], by: Sequence[str], confidence: float
) -> pd.DataFrame:
    measures: dict[str, tuple[ibis.Value, ibis.Value]] = {}
    everything = sessions.views > 0
    before = everything
    for step in steps:
        here = sessions.strict >= step
        seen = sessions[f"step_{step}"] if step > 1 else everything
        measures |= {
            f"share {step}": (here, everything),
            f"kept {step}": (here, before),
            f"loose {step}": (sessions.loose >= step, everything),
            f"seen {step}": (seen, everything),
        }
        before = here
    found = shares(sessions, measures, by=by, confidence=confidence)
    if found.empty:
        return pd.DataFrame(columns=[*by, "step", *_COLUMNS, "lost"])
    names = found["measure"].str.split(" ", expand=True)
    found = found.assign(kind=names[0], number=names[1].astype(int))
    keys = [*by, "number"]
    wide = found.pivot(index=keys, columns="kind", values=["hits", "share", "low", "high"])
    table = wide.index.to_frame(index=False)
    for name, (value, kind) in _COLUMNS.items():
        table[name] = wide[value, kind].to_numpy()
    table[["sessions", "loose", "seen"]] = table[["sessions", "loose", "seen"]].astype("int64")
    previous = table.groupby(list(by))["sessions"].shift() if by else table["sessions"].shift()
    given = ["low", "high", "kept", "kept_low", "kept_high"]
    table.loc[table["number"] == 1, given] = float("nan")  # everybody, by definition
    table["lost"] = (previous - table["sessions"]).fillna(0).astype("int64")
    table.insert(len(by), "step", table.pop("number").map(STEPS))
    return table


#: Column of the table to what it is taken from.
_COLUMNS = {
    "sessions": ("hits", "share"), "loose": ("hits", "loose"), "seen": ("hits", "seen"),
    "share": ("share", "share"), "low": ("low", "share"), "high": ("high", "share"),
    "kept": ("share", "kept"), "kept_low": ("low", "kept"), "kept_high": ("high", "kept"),
}  # fmt: skip

#: Columns of `PurchaseFunnel.groups` and of `PurchaseFunnel.windows`.
_GROUPED = ["grouping", "group", "step", *_COLUMNS, "lost"]
_WINDOWS = ["days", "visitors", "basket", "ordered", "order", "order_low", "order_high"]


def _with_group(web: Clickstream, sessions: ibis.Table, grouping: str) -> ibis.Table:
    if grouping != "history":
        return sessions.mutate(group=sessions[grouping].fill_null("not known"))
    return _with_history(web, sessions)


def _with_history(web: Clickstream, sessions: ibis.Table) -> ibis.Table:
    """Return the sessions whose customer was known at the first page, with the orders before.

    Who is known only because of the order must not be compared with who is not: such a group
    would convert by its own making.
    """
    lines = web.tables.order_lines
    past = lines.filter(lines.ordered_at < midnight(web.period.start), lines.quantity > 0)
    orders = past.group_by("customer_id").aggregate(before=lambda t: t.order_id.nunique())
    orders = orders.filter(orders.customer_id.notnull()).rename(buyer="customer_id")
    known = sessions.filter(sessions.customer_id.notnull())
    known = known.left_join(orders, known.customer_id == orders.buyer).drop("buyer")
    before = known.before.fill_null(0)
    words = ibis.cases((before == 0, "no order before"), (before == 1, "one order before"),
                       else_="two or more orders before")  # fmt: skip
    return known.mutate(group=words).drop("before")


def _grouped(
    sessions: ibis.Table, grouping: str, steps: Sequence[int], confidence: float
) -> pd.DataFrame:
    table = _table(sessions, steps, ("group",), confidence)
    sizes = table.groupby("group")["sessions"].transform("max")
    table = table[sizes >= FEWEST_FOLLOWED].reset_index(drop=True)
    table.insert(0, "grouping", grouping)
    return table


def _by_segment(
    sessions: ibis.Table, segments: pd.DataFrame, steps: Sequence[int], confidence: float
) -> pd.DataFrame:
    """Return the groups by segment, of sessions whose customer was known at the first page."""
    told = ibis.memtable(segments.rename(columns={"customer_id": "buyer", "rfm": "group"}))
    known = sessions.inner_join(told, sessions.customer_id == told.buyer).drop("buyer")
    people = known.group_by("group").agg(people=known.customer_id.nunique())
    many = people.filter(people.people >= FEWEST_FOLLOWED)
    known = known.semi_join(many, "group")
    level = bonferroni(confidence, segments["rfm"].nunique())
    return _grouped(known, "segment", steps, level)


def _within(web: Clickstream, days: int, confidence: float) -> dict[str, float | int]:
    """Return the funnel of visitors who had so many days since their first view."""
    views = web.views
    first = web.sessions.group_by("who").aggregate(first=lambda t: t.started_at.min())
    latest = midnight(web.period.end) - ibis.interval(days=days)
    asked = first.filter(first["first"] <= latest).select("who")
    way = web.steps[1:]
    far = reached(views, way, scope=("who",), within=timedelta(days=days)).rename(who_="who")
    whole = asked.left_join(far, asked.who == far.who_).mutate(one=ibis.literal(True))
    strict = whole.strict.fill_null(0)
    measures = {"basket": (strict >= 3, whole.one), "order": (strict >= 5, whole.one)}
    found = shares(whole, measures, confidence=confidence).set_index("measure")
    return {
        "days": days, "visitors": int(found.loc["order", "trials"]),
        "basket": float(found.loc["basket", "share"]), "ordered": int(found.loc["order", "hits"]),
        "order": float(found.loc["order", "share"]), "order_low": float(found.loc["order", "low"]),
        "order_high": float(found.loc["order", "high"]),
    }  # fmt: skip
