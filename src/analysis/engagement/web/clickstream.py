"""The clickstream of a period: views in sessions, bots told apart, ready to be asked.

A visitor is the browser (``visitor_id``), else the customer, else the source's own session: an
anonymous view without a browser's number cannot be put into another session than the source's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import ibis
import pandas as pd

from analysis.engagement.web.sessionisation import (
    RobotRules,
    SessionRule,
    robot_counts,
    robots,
    sessionise,
)
from analysis.errors import NotApplicable
from analysis.tables.engine import Tables, held
from analysis.tables.lines import midnight
from analysis.tables.periods import Period

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analysis.tables.engine import Tables
    from analysis.tables.periods import Period

#: What a session takes from its first view.
FIRST = ("customer_id", "device", "source", "medium", "campaign")


@dataclass(frozen=True)
class Clickstream:
    """Views and sessions of people, and what was left out.

    Parameters
    ----------
    tables, period, rule
        The study, the days asked for, and when a session begins.
    views
        Views of people as `sessionisation.sessionise` returns them.
    sessions
        Sessions of people: see `session_table`.
    robots
        Counts by rule: see `sessionisation.robot_counts`.
    steps
        Numbers of the steps of the purchase that the source tells.
    """

    tables: Tables
    period: Period
    rule: SessionRule
    views: ibis.Table
    sessions: ibis.Table
    robots: pd.DataFrame
    steps: tuple[int, ...]

    def has(self, *columns: str) -> bool:
        """Tell whether the views have all these columns."""
        return set(columns) <= set(self.views.columns)

    def require(self, column: str, what: str) -> None:
        """Raise NotApplicable where the views lack a column: without it ``what`` is not known."""
        if not self.has(column):
            named = {"search": "search_terms", "seconds": "seconds_on_page"}.get(column, column)
            raise NotApplicable(f"{what}: page_views has no column {named}.")


def clickstream(
    tables: Tables,
    period: Period,
    *,
    rule: SessionRule | None = None,
    robot_rules: RobotRules | None = None,
) -> Clickstream:
    """Return the views of a period in sessions, without those of bots.

    Raises
    ------
    NotApplicable
        If the study has no page views in the period, or only bots' views.
    """
    rule, robot_rules = rule or SessionRule(), robot_rules or RobotRules()
    events = page_events(tables, period)
    views = held(sessionise(events, rule))
    sessions = held(session_table(views))
    found = held(robots(sessions, robot_rules))
    counts = robot_counts(sessions, found, robot_rules)
    people = sessions.anti_join(found, "who")
    if not people.limit(1).count().execute():
        raise NotApplicable("Every page view of the period is a bot's.")
    return Clickstream(
        tables, period, rule, views.anti_join(found, "who"), people, counts, _steps(tables)
    )


def session_table(views: ibis.Table) -> ibis.Table:
    """Return one row a session.

    Parameters
    ----------
    views
        As `sessionisation.sessionise` returns them.

    Returns
    -------
    ibis.Table
        who, session_no, started_at, ended_at, views, entry, exit (pages), step_2 to step_5 (the
        session holds such a step), basket_at (its first), searches, robot, customer_seen (known
        at some view), last_seconds (on its last page, where known), and of the first view
        customer_id, device, source, medium, campaign.
    """
    first = {name: views[name].max(where=views.starts) for name in FIRST if name in views.columns}
    reached = {f"step_{n}": (views.step == n).any() for n in STEPS if n > 1}
    return views.group_by("who", "session_no").aggregate(
        started_at=views.viewed_at.min(),
        ended_at=views.viewed_at.max(),
        views=views.count(),
        entry=views.page.max(where=views.starts),
        exit=views.page.max(where=views.ends),
        basket_at=views.viewed_at.min(where=views.step == 3),
        **reached,
        **first,
        **_where_known(views),
    )


def _where_known(views: ibis.Table) -> dict[str, ibis.Value]:
    """Return what is summed up of columns that a source may lack; nothing where it does."""
    found: dict[str, ibis.Value] = {
        "searches": ibis.literal(0, "int64"),
        "robot": ibis.literal(False),
        "customer_seen": ibis.null("string"),
        "last_seconds": ibis.null("float64"),
    }
    if "customer_id" not in views.columns:
        found["customer_id"] = ibis.null("string")
    else:
        found["customer_seen"] = views.customer_id.max()
    if "search" in views.columns:
        found["searches"] = views.search.count()
    if "robot" in views.columns:
        found["robot"] = views.robot.any()
    if "seconds" in views.columns:
        found["last_seconds"] = views.seconds.max(where=views.ends)
    return found


def _steps(tables: Tables) -> tuple[int, ...]:
    columns = tables.page_views.columns
    found: Sequence[int] = [1]
    found = [*found, 2] if "product_id" in columns else found
    return (*found, 3, 4, 5) if "event" in columns else tuple(found)


#: Steps of the purchase by number: any page, a product's page, basket, checkout, order.
STEPS = {1: "visit", 2: "product", 3: "basket", 4: "checkout", 5: "order"}
#: The source's events that are a step beyond looking.
EVENTS = {"cart": 3, "checkout": 4, "purchase": 5}

#: What a bot that says so calls itself.
ROBOT_NAMES = (
    r"(?i)(bot|crawl|spider|slurp|headless|python-requests|curl|wget|scrapy|monitor|"
    r"preview|facebookexternalhit)"
)

#: Columns that go along where the source has them, by what they are called there.
DETAILS = {"seconds": "seconds_on_page"} | {
    name: name
    for name in ("customer_id", "device", "source", "medium", "campaign", "load_ms", "status",
                 "product_id", "order_id")
}  # fmt: skip


def page_events(tables: Tables, period: Period) -> ibis.Table:
    """Return the page views of a period as a table of the engine.

    Returns
    -------
    ibis.Table
        who, viewed_at, page (without what follows ? or #), step (number of `STEPS`); and where the
        source knows: robot (it or the browser says so), search (words in small letters), seconds
        (on the page), and the others of `DETAILS`.

    Raises
    ------
    NotApplicable
        If the study has no page views, or none in the period.
    """
    rows = tables.page_views
    moment = rows.viewed_at
    rows = rows.filter(moment >= midnight(period.start), moment < midnight(period.end))
    rows = rows.select(**_columns(rows))
    if not rows.limit(1).count().execute():
        raise NotApplicable(f"No page was seen from {period}.")
    return rows


def _columns(rows: ibis.Table) -> dict[str, ibis.Value]:
    page = rows.page
    marked = page.contains("?") | page.contains("#")
    found = {
        "who": _who(rows),
        "viewed_at": rows.viewed_at,
        "page": marked.ifelse(page.re_replace(r"[?#].*$", ""), page),
        "step": _step(rows),
    }
    if "is_bot" in rows.columns or "user_agent" in rows.columns:
        found["robot"] = _says_robot(rows)
    if "search_terms" in rows.columns:
        words = rows.search_terms.lower().re_replace(r"\s+", " ").strip()
        found["search"] = words.nullif("")
    return found | {
        ours: rows[theirs] for ours, theirs in DETAILS.items() if theirs in rows.columns
    }


def _who(rows: ibis.Table) -> ibis.Value:
    known = [rows["visitor_id"]] if "visitor_id" in rows.columns else []
    if "customer_id" in rows.columns:
        known.append(ibis.literal("customer ") + rows.customer_id)
    return ibis.coalesce(*known, ibis.literal("session ") + rows.session_id)


def _step(rows: ibis.Table) -> ibis.Value:
    looked: ibis.Value = ibis.literal(1, "int8")
    if "product_id" in rows.columns:
        looked = rows.product_id.notnull().ifelse(ibis.literal(2, "int8"), looked)
    if "event" not in rows.columns:
        return looked
    branches = [(rows.event == word, ibis.literal(step, "int8")) for word, step in EVENTS.items()]
    return ibis.cases(*branches, else_=looked)


def _says_robot(rows: ibis.Table) -> ibis.Value:
    said: ibis.Value = ibis.literal(False)
    if "is_bot" in rows.columns:
        said = rows.is_bot.fill_null(False)
    if "user_agent" in rows.columns:
        said = said | rows.user_agent.re_search(ROBOT_NAMES).fill_null(False)
    return said
