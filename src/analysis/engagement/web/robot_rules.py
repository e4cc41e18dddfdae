"""Bots among the visitors, told by stated rules and counted, never dropped in silence."""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import pandas as pd

from analysis.stats.sizes import FEWEST_PAGES_OF_PACE
from analysis.tables.engine import seconds


@dataclass(frozen=True)
class RobotRules:
    """What makes a visitor a bot; one rule is enough, and all its views go.

    Parameters
    ----------
    pace
        Mean seconds a page below which a session of twenty pages or more is no person's.
    views_a_day
        Views in a day's sessions above which a visitor is no person.
    """

    pace: float = 2.0
    views_a_day: int = 1_000


def robots(sessions: ibis.Table, rules: RobotRules) -> ibis.Table:
    """Return the visitors that are bots.

    Parameters
    ----------
    sessions
        As `clickstream.session_table` returns them.
    rules
        The rules.

    Returns
    -------
    ibis.Table
        One visitor a row: who, says (the source or its own name says so), paced, busy.
    """
    span = seconds(sessions.ended_at) - seconds(sessions.started_at)
    paced = (sessions.views >= FEWEST_PAGES_OF_PACE) & (span < rules.pace * (sessions.views - 1))
    days = (
        sessions.mutate(day=sessions.started_at.date(), paced=paced)
        .group_by("who", "day")
        .aggregate(
            lambda t: t.views.sum().name("seen"),
            lambda t: t.robot.any().name("says"),
            lambda t: t.paced.any().name("paced"),
        )
    )
    found = days.group_by("who").aggregate(
        says=days.says.any(), paced=days.paced.any(), busy=days.seen.max() > rules.views_a_day
    )
    return found.filter(found.says | found.paced | found.busy)


def robot_counts(sessions: ibis.Table, found: ibis.Table, rules: RobotRules) -> pd.DataFrame:
    """Return what each rule leaves out, by the first rule that a visitor meets.

    Returns
    -------
    pandas.DataFrame
        One rule a row, people first and all last: rule, visitors, sessions, views, ordered (their
        sessions with an order), view_share.
    """
    first = ibis.cases((found.says, "1"), (found.paced, "2"), else_="3")
    kinds = found.select("who", kind=first)
    counted = sessions.left_join(kinds, "who")
    table = (
        counted.mutate(kind=counted.kind.fill_null("0"))
        .group_by("kind")
        .aggregate(
            lambda t: t.who.nunique().name("visitors"),
            lambda t: t.count().name("sessions"),
            lambda t: t.views.sum().name("views"),
            lambda t: t.step_5.sum().name("ordered"),
        )
        .execute()
        .set_index("kind")
        .reindex(list("0123"), fill_value=0)
    )
    table.loc["all"] = table.sum()
    names = [
        "people",
        "says it is a bot",
        f"under {rules.pace:g} s a page over {FEWEST_PAGES_OF_PACE} pages or more",
        f"over {rules.views_a_day:,} views in a day",
        "all",
    ]
    table.insert(0, "rule", names)
    return table.assign(view_share=table["views"] / table["views"].iloc[-1]).reset_index(drop=True)
