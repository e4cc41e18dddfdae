"""The clickstream of a period: views in sessions, bots told apart, ready to be asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import ibis
import pandas as pd

from analysis.engagement.web.page_events import STEPS, page_events
from analysis.engagement.web.robot_rules import RobotRules, robot_counts, robots
from analysis.engagement.web.sessionisation import SessionRule, sessionise
from analysis.errors import NotApplicable
from analysis.tables.engine import Tables, held
from analysis.tables.periods import Period

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        Counts by rule: see `robot_rules.robot_counts`.
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
