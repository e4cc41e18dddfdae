"""What visits are like: how many, how long, from where, on which pages, and how many bounce."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import ibis
import pandas as pd

from analysis.engagement.web.clickstream import Clickstream
from analysis.engagement.web.sessionisation import SessionRule, edges, shares
from analysis.tables.engine import seconds
from analysis.tables.lines import midnight

#: Pages named one by one; the others stand together.
PAGES_NAMED = 12


@dataclass(frozen=True)
class WebOverview:
    """What visits are like.

    Parameters
    ----------
    totals
        One row: views, sessions, visitors, known (sessions whose customer is known at some view),
        views_a_session, median_seconds (of sessions of two pages or more), one_page, ordered.
    conversion
        One row: share of sessions with an order, low, high, hits, trials, visitors.
    weeks
        One whole week a row: week, sessions, visitors, ordered, conversion, low, high.
    sources
        One source, medium a row: source, medium, sessions, bounce, conversion with low, high.
    clock
        Views in hours that the clocks of the study's zone repeat or skip, and orders without the
        steps before them.
    """

    totals: pd.Series
    conversion: pd.Series
    weeks: pd.DataFrame
    sources: pd.DataFrame
    clock: pd.Series


def overview(web: Clickstream, *, confidence: float = 0.95) -> WebOverview:
    """Return what visits are like."""
    sessions = web.sessions
    bought = {"conversion": (sessions.step_5, sessions.views > 0)}
    return WebOverview(
        totals=_totals(web),
        conversion=shares(sessions, bought, confidence=confidence).iloc[0],
        weeks=_weeks(web, confidence),
        sources=_sources(web, confidence),
        clock=_clock(web),
    )


def _totals(web: Clickstream) -> pd.Series:
    sessions = web.sessions
    span = seconds(sessions.ended_at) - seconds(sessions.started_at)
    found = sessions.aggregate(
        views=sessions.views.sum(),
        sessions=sessions.count(),
        visitors=sessions.who.nunique(),
        known=sessions.customer_seen.count(),
        median_seconds=span.quantile(0.5, where=sessions.views > 1),
        one_page=(sessions.views == 1).sum(),
        ordered=sessions.step_5.sum(),
    ).execute()
    row = found.iloc[0]
    row["views_a_session"] = row["views"] / row["sessions"]
    return row


def _weeks(web: Clickstream, confidence: float) -> pd.DataFrame:
    whole = web.period.weeks()
    if not whole:
        return pd.DataFrame(columns=["week", "sessions", "ordered", "conversion", "low", "high"])
    first = whole[0].start
    begun = web.sessions.filter(web.sessions.started_at >= midnight(first))
    since = (begun.started_at.date().epoch_seconds() - _epoch(first)) // (7 * 86_400)
    begun = begun.mutate(place=since.cast("int64"))
    found = shares(
        begun, {"c": (begun.step_5, begun.views > 0)}, by=["place"], confidence=confidence
    )
    weeks = [first + timedelta(days=7 * int(place)) for place in found["place"]]
    return pd.DataFrame(
        {
            "week": pd.to_datetime(weeks),
            "sessions": found["trials"],
            "ordered": found["hits"],
            "conversion": found["share"],
            "low": found["low"],
            "high": found["high"],
        }
    )


def _epoch(day: date) -> int:
    return (day - date(1970, 1, 1)).days * 86_400


def _sources(web: Clickstream, confidence: float) -> pd.DataFrame:
    by = [name for name in ("source", "medium") if web.has(name)]
    columns = ["source", "medium", "sessions", "bounce", "bounce_low", "bounce_high",
               "conversion", "conversion_low", "conversion_high"]  # fmt: skip
    if not by:
        return pd.DataFrame(columns=columns)
    s = web.sessions.mutate(**{name: web.sessions[name].fill_null("not known") for name in by})
    measures = {"bounce": (s.views == 1, s.views > 0), "conversion": (s.step_5, s.views > 0)}
    found = shares(s, measures, by=by, confidence=confidence)
    wide = found.pivot(index=by, columns="measure", values=["share", "low", "high", "trials"])
    table = wide.index.to_frame(index=False).reindex(columns=["source", "medium"])
    for name in measures:
        table[name] = wide["share", name].to_numpy("float64")
        table[f"{name}_low"] = wide["low", name].to_numpy("float64")
        table[f"{name}_high"] = wide["high", name].to_numpy("float64")
    table["sessions"] = wide["trials", "bounce"].to_numpy("int64")
    return table[columns].sort_values("sessions", ascending=False, ignore_index=True)


def page_attention(web: Clickstream) -> pd.DataFrame:
    """Return how each page is seen, entered by and left from.

    The time on a page runs to the visitor's next view in the session; on the last page it is known
    only where the source tells it.

    Returns
    -------
    pandas.DataFrame
        One page a row, most seen first, the rest as ``(other)``: page, views, view_share, entries,
        exits, exit_rate (exits by views), timed (views whose time is known), median_seconds.
    """
    views = named_pages(web)
    next_ = seconds(views.after) - seconds(views.viewed_at)
    last = views.seconds if web.has("seconds") else ibis.null("float64")
    views = views.mutate(spent=views.ends.ifelse(last, next_.cast("float64")))
    table = (
        views.group_by("page")
        .aggregate(
            views=views.count(),
            entries=views.starts.sum(),
            exits=views.ends.sum(),
            timed=views.spent.count(),
            median_seconds=views.spent.quantile(0.5),
        )
        .execute()
    )
    table["view_share"] = table["views"] / table["views"].sum()
    table["exit_rate"] = table["exits"] / table["views"]
    order = ["page", "views", "view_share", "entries", "exits", "exit_rate", "timed"]
    table = table[[*order, "median_seconds"]]
    return table.sort_values(["views", "page"], ascending=[False, True], ignore_index=True)


def named_pages(web: Clickstream, most: int = PAGES_NAMED) -> ibis.Table:
    """Return the views with pages beyond the ``most`` seen called ``(other)``, also as the next."""
    counted = web.views.group_by("page").aggregate(n=lambda t: t.count())
    top = counted.order_by(ibis.desc("n"), "page").limit(most).execute()["page"].tolist()

    def name(page: ibis.Value) -> ibis.Value:
        return page.isin(top).ifelse(page, "(other)")

    views = web.views
    return views.mutate(page=name(views.page), next_page=name(views.next_page))


def _clock(web: Clickstream) -> pd.Series:
    """Return the views in hours that clocks repeat or skip, and orders out of order."""
    odd = web.views.viewed_at.isnull()  # none: the column to add the hours to
    for hour in _changes(web):
        moment = web.views.viewed_at
        begins = ibis.timestamp(hour.strftime("%Y-%m-%d %H:%M:%S"))
        odd = odd | ((moment >= begins) & (moment < begins + ibis.interval(hours=1)))
    counted = web.views.aggregate(odd=odd.sum(), pages=web.views.page.nunique()).execute()
    return counted.iloc[0]


def _changes(web: Clickstream) -> list[pd.Timestamp]:
    """Return the local hours that the study's zone repeats or skips in the period."""
    zone = ZoneInfo(web.tables.manifest.timezone or "UTC")
    hours = pd.date_range(web.period.start, web.period.end, freq="h", tz="UTC", inclusive="left")
    offsets = [moment.tz_convert(zone).utcoffset() for moment in hours]
    changed = [h for h, a, b in zip(hours[1:], offsets, offsets[1:], strict=False) if a != b]
    before = [offsets[hours.get_loc(h) - 1] for h in changed]
    return [
        (h.tz_localize(None) + min(b, h.tz_convert(zone).utcoffset()))
        for h, b in zip(changed, before, strict=True)
    ]


#: Seconds that make a session of one page engaged (Google Analytics 4), no bounce (Yandex), and
#: below which it is one (Medama).
ENGAGED, YANDEX, MEDAMA = 10, 15, 5


class Definition(NamedTuple):
    """A definition of bounce: whose it is, what it says."""

    tool: str
    says: str


DEFINITIONS = (
    Definition("Google Analytics 4", "one page, under 10 s, no basket, checkout or order"),
    Definition("Universal Analytics", "one page; midnight and a new campaign begin a session"),
    Definition("Matomo, Umami", "one page"),
    Definition("Plausible (2025)", "one page, no basket, checkout or order"),
    Definition("Yandex", "one page, under 15 s"),
    Definition("Medama", "under 5 s, of one-page sessions whose end was seen and all longer ones"),
)


def bounce_definitions(web: Clickstream, *, confidence: float = 0.95) -> pd.DataFrame:
    """Return the bounce rate by each definition.

    A time that the source does not know counts as none: a single page whose end was not seen is
    taken to be short, as the tools themselves take it; Medama leaves it out.

    Returns
    -------
    pandas.DataFrame
        One definition a row: tool, definition, sessions, bounces, bounce, low, high (visitors
        resampled as wholes), reason (why there is no rate).
    """
    sessions = web.sessions
    one = sessions.views == 1
    seconds = sessions.last_seconds
    stayed = seconds.fill_null(0)
    acted = sessions.step_3 | sessions.step_4 | sessions.step_5
    everything = sessions.views > 0
    known = ~one | seconds.notnull()
    measures = {
        0: (one & (stayed < ENGAGED) & ~acted, everything),
        2: (one, everything),
        3: (one & ~acted, everything),
        4: (one & (stayed < YANDEX), everything),
        5: (one & (stayed < MEDAMA), known),
    }
    named = {str(key): pair for key, pair in measures.items()}
    found = shares(sessions, named, confidence=confidence)
    found = pd.concat([found, _universal(web, confidence)]).set_index("measure")
    rows = [found.loc[str(n)] for n in range(len(DEFINITIONS))]
    ends_seen = bool((one & seconds.notnull()).any().execute())
    unseen = "" if ends_seen else "no single page has a known time: page_views leaves it empty"
    return pd.DataFrame(
        {
            "tool": [d.tool for d in DEFINITIONS],
            "definition": [d.says for d in DEFINITIONS],
            "sessions": [int(r["trials"]) for r in rows],
            "bounces": [int(r["hits"]) for r in rows],
            "bounce": [r["share"] for r in rows],
            "low": [r["low"] for r in rows],
            "high": [r["high"] for r in rows],
            "reason": ["" if d.tool != "Medama" else unseen for d in DEFINITIONS],
        }
    ).pipe(_withheld)


def _universal(web: Clickstream, confidence: float) -> pd.DataFrame:
    """Return the share of one-page sessions where midnight and campaigns part sessions."""
    rule = SessionRule(web.rule.minutes, web.rule.inclusive, midnight=True, campaign=True)
    starts, ends = edges(web.views, rule)
    firsts = web.views.mutate(single=starts & ends, begun=starts).filter(ibis._.begun)
    return shares(firsts, {"1": (firsts.single, firsts.begun)}, confidence=confidence)


def _withheld(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table without a rate where there is a reason against it."""
    given = table["reason"] == ""
    return table.assign(**{name: table[name].where(given) for name in ("bounce", "low", "high")})
