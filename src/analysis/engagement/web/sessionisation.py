"""Sessions: views of one visitor with no long silence between them, by a stated rule.

The rule is applied in the engine by two window functions over each visitor's views in the order
of time; the order in which they were delivered does not matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import ibis
import pandas as pd

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
