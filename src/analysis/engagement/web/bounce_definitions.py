"""Bounce as the common tools define it, side by side on the same views."""

from __future__ import annotations

from typing import NamedTuple

import ibis
import pandas as pd

from analysis.engagement.web.clickstream import Clickstream
from analysis.engagement.web.sessionisation import SessionRule, edges
from analysis.engagement.web.visitor_shares import shares

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
