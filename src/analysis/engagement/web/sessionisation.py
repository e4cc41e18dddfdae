"""Sessions: views of one visitor with no long silence between them; bots told apart.

The rule is applied in the engine by two window functions over each visitor's views in the order
of time; the order in which they were delivered does not matter. Bots are told by stated rules and
counted, never dropped in silence. Shares of sessions have intervals that take whole visitors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import ibis
import pandas as pd

from analysis.stats.proportions import ClusterSums, clustered_interval
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


#: Minutes of silence and comparisons that the sensitivity table tries.
TRIED_MINUTES = (15, 30, 60)


@dataclass(frozen=True)
class SessionRule:
    """When a new session begins.

    Parameters
    ----------
    minutes
        Silence of so many minutes begins a new session.
    inclusive
        Silence of exactly that length does as well.
    midnight
        So does midnight, as in Universal Analytics.
    campaign
        So does a view that names another campaign than the one before.
    """

    minutes: float = 30.0
    inclusive: bool = True
    midnight: bool = False
    campaign: bool = False

    def __str__(self) -> str:
        """Return the rule as a reader meets it."""
        more = [w for w, on in (("midnight", self.midnight), ("campaign", self.campaign)) if on]
        sign = "≥" if self.inclusive else ">"
        return " or ".join([f"silence {sign} {self.minutes:g} minutes", *more])


def neighbours(events: ibis.Table, *, context: bool = True) -> ibis.Table:
    """Return the views with what the visitor's view before and after them was.

    Parameters
    ----------
    events
        Views with who, viewed_at, page and step (see ``page_events``).
    context
        Also what the next view was, not only when.

    Returns
    -------
    ibis.Table
        ``events`` and before, after (times); with ``context`` next_page, next_product, next_search
        (does the next view show a product, search again), and before_campaign, after_campaign,
        each where known.
    """
    window = ibis.window(group_by="who", order_by=_in_order(events))
    found = {"before": events.viewed_at.lag(), "after": events.viewed_at.lead()}
    if context:
        found["next_page"] = events.page.lead()
    if context and "search" in events.columns:
        found["next_search"] = events.search.notnull().lead()
    if context and "product_id" in events.columns:
        found["next_product"] = events.product_id.notnull().lead()
    if context and "campaign" in events.columns:
        found["before_campaign"] = events.campaign.lag()
        found["after_campaign"] = events.campaign.lead()
    return events.mutate(**{name: value.over(window) for name, value in found.items()})


def _in_order(events: ibis.Table) -> list[str]:
    """Return the columns that order a visitor's views.

    All of them: of two views of one page at one moment, another campaign or device may begin the
    session, and which of them stands first must depend neither on the engine nor on the delivery.
    """
    first = ["viewed_at", "step", "page"]
    return first + sorted(set(events.columns) - {"who", *first})


def edges(views: ibis.Table, rule: SessionRule) -> tuple[ibis.Value, ibis.Value]:
    """Return whether each view begins a session, and whether it ends one.

    Parameters
    ----------
    views
        As `neighbours` returns them.
    rule
        When a new session begins.
    """
    limit = ibis.interval(microseconds=round(rule.minutes * 60_000_000))
    now, before, after = views.viewed_at, views.before, views.after
    if rule.inclusive:
        starts, ends = now >= before + limit, after >= now + limit
    else:
        starts, ends = now > before + limit, after > now + limit
    if rule.midnight:
        starts, ends = starts | (now.date() != before.date()), ends | (now.date() != after.date())
    if rule.campaign and "before_campaign" in views.columns:
        here, last, following = views.campaign, views.before_campaign, views.after_campaign
        starts = starts | (here.notnull() & ~here.identical_to(last))
        ends = ends | (following.notnull() & ~following.identical_to(here))
    return starts.fill_null(True), ends.fill_null(True)


def sessionise(events: ibis.Table, rule: SessionRule, *, context: bool = True) -> ibis.Table:
    """Return the views with their sessions.

    Parameters
    ----------
    events
        Views with who, viewed_at, page and step (see ``page_events``).
    rule
        When a new session begins; one by campaign needs ``context``.
    context
        Also what the next view was; sessions and funnel do without.

    Returns
    -------
    ibis.Table
        As `neighbours`, and starts, ends (first and last view of a session) and session_no (1, 2,
        ... within each visitor).
    """
    views = neighbours(events, context=context)
    starts, ends = edges(views, rule)
    views = views.mutate(starts=starts, ends=ends)
    running = ibis.cumulative_window(group_by="who", order_by=_in_order(events))
    return views.mutate(session_no=views.starts.cast("int64").sum().over(running))


def rule_sensitivity(views: ibis.Table, rule: SessionRule) -> pd.DataFrame:
    """Return how many sessions there are under other rules.

    Returns
    -------
    pandas.DataFrame
        One rule a row: rule, used, sessions, one_page (sessions of one view), bounce (their
        share), views_a_session, change (of the number of sessions against the rule used).
    """
    rules = list(_rules(rule))
    measures: dict[str, ibis.Value] = {"views": views.count()}
    for n, each in enumerate(rules):
        starts, ends = edges(views, each)
        measures |= {f"sessions_{n}": starts.sum(), f"one_{n}": (starts & ends).sum()}
    counted = views.aggregate(**measures).execute().iloc[0]
    table = pd.DataFrame(
        {
            "rule": [str(each) for each in rules],
            "used": [each == rule for each in rules],
            "sessions": [int(counted[f"sessions_{n}"]) for n in range(len(rules))],
            "one_page": [int(counted[f"one_{n}"]) for n in range(len(rules))],
        }
    )
    used = int(table.loc[table["used"], "sessions"].iloc[0])
    return table.assign(
        bounce=table["one_page"] / table["sessions"],
        views_a_session=int(counted["views"]) / table["sessions"],
        change=table["sessions"] / used - 1,
    )


def _rules(rule: SessionRule) -> Iterator[SessionRule]:
    """Yield the rule used, then each of the others once."""
    tried = [rule]
    for minutes in TRIED_MINUTES:
        tried += [SessionRule(minutes), SessionRule(minutes, inclusive=False)]
    tried += [SessionRule(midnight=True), SessionRule(midnight=True, campaign=True)]
    seen: set[SessionRule] = set()
    for each in tried:
        if each not in seen:
            seen.add(each)
            yield each


def shares(
    sessions: ibis.Table,
    measures: Mapping[str, tuple[ibis.Value, ibis.Value]],
    *,
    by: Sequence[str] = (),
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Return shares of sessions, with intervals in which a visitor's sessions count together.

    Parameters
    ----------
    sessions
        One row a session, with who.
    measures
        Name to what counts (a flag) and what it is counted of (a flag).
    by
        Columns to tell apart.
    confidence
        Coverage of the intervals.

    Returns
    -------
    pandas.DataFrame
        One measure and group a row: measure, the columns of ``by``, hits, trials, share, low,
        high, visitors.
    """
    flags: dict[str, ibis.Value] = {}
    for n, (hit, trial) in enumerate(measures.values()):
        flags |= {f"k{n}": (hit & trial).sum(), f"n{n}": trial.sum()}
    visitors = sessions.group_by(["who", *by]).aggregate(**flags)
    sums: dict[str, ibis.Value] = {}
    for n in range(len(measures)):
        k, t = visitors[f"k{n}"], visitors[f"n{n}"]
        sums |= {
            f"hits_{n}": k.sum(), f"trials_{n}": t.sum(), f"kk_{n}": (k * k).sum(),
            f"kn_{n}": (k * t).sum(), f"nn_{n}": (t * t).sum(), f"m_{n}": (t > 0).sum(),
        }  # fmt: skip
    grouped = visitors.group_by(list(by)) if by else visitors
    wide = grouped.aggregate(**sums).execute()
    parts = [_of(wide, n, name, by, confidence) for n, name in enumerate(measures)]
    table = pd.concat(parts, ignore_index=True)
    return table.sort_values([*by], kind="stable", ignore_index=True) if by else table


def _of(
    wide: pd.DataFrame, n: int, name: str, by: Sequence[str], confidence: float
) -> pd.DataFrame:
    names = ("hits", "trials", "kk", "kn", "nn", "m")
    sums = ClusterSums(*(wide[f"{each}_{n}"].fillna(0).astype("float64") for each in names))
    low, high, _ = clustered_interval(sums, confidence=confidence)
    hits, trials = (wide[f"{each}_{n}"].fillna(0).astype("int64") for each in names[:2])
    return pd.DataFrame(
        {
            "measure": name,
            **{column: wide[column] for column in by},
            "hits": hits,
            "trials": trials,
            "share": (hits / trials.where(trials > 0)).astype("float64"),
            "low": low,
            "high": high,
            "visitors": wide[f"m_{n}"].fillna(0).astype("int64"),
        }
    )
