"""Search on the site: what is searched for, and whether it leads anywhere."""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import pandas as pd

from analysis.engagement.web.clickstream import Clickstream
from analysis.engagement.web.visitor_shares import shares
from analysis.errors import NotApplicable
from analysis.stats.sizes import FEWEST_FOLLOWED

#: Words that may be somebody's: an address, or a long number.
_PERSONAL = r"@|\d[\d\s/-]{4,}"


@dataclass(frozen=True)
class SiteSearch:
    """Searches.

    Parameters
    ----------
    totals
        One row: searches, sessions (with a search), clicked (share followed by a product's page)
        with low, high.
    terms
        One term a row, most without a click first: term, searches, visitors, clicked (share) with
        low, high, refined (share followed by another search), left (share that ended the
        session), without_click. Terms of fewer than twenty visitors, and such that may name a
        person, are one row ``(others)``.
    conversion
        Sessions with and without a search: searched, sessions, conversion, low, high.
    """

    totals: pd.Series
    terms: pd.DataFrame
    conversion: pd.DataFrame


def site_search(web: Clickstream, *, confidence: float = 0.95) -> SiteSearch:
    """Return how searches on the site end.

    Raises
    ------
    NotApplicable
        If the page views hold no words searched for, or no products to be clicked.
    """
    web.require("search", "On-site search is not known")
    views = web.views.filter(web.views.search.notnull())
    if not views.limit(1).count().execute():
        raise NotApplicable("On-site search is not known: no page view holds search_terms.")
    web.require("product_id", "What a search leads to is not known")
    searches = views.mutate(
        clicked=~views.ends & views.next_product.fill_null(False),
        refined=~views.ends & views.next_search.fill_null(False),
        left=views.ends,
        one=ibis.literal(True),
    )
    named = _named(searches)
    measures = {name: (named[name], named.one) for name in ("clicked", "refined", "left")}
    by_term = shares(named, measures, by=["term"], confidence=confidence)
    every = {"clicked": (searches.clicked, searches.one)}
    total = shares(searches, every, confidence=confidence).iloc[0]
    sessions = web.sessions.mutate(searched=web.sessions.searches > 0)
    bought = {"conversion": (sessions.step_5, sessions.views > 1)}
    found = shares(sessions, bought, by=["searched"], confidence=confidence)
    conversion = found.rename(columns={"trials": "sessions", "share": "conversion"})
    return SiteSearch(total, _terms(by_term), conversion)


def _named(searches: ibis.Table) -> ibis.Table:
    """Return the searches with rare and personal terms put together."""
    counted = searches.group_by("search").aggregate(people=searches.who.nunique())
    shown = counted.filter(
        counted.people >= FEWEST_FOLLOWED, ~counted.search.re_search(_PERSONAL)
    ).select(shown="search")
    joined = searches.left_join(shown, searches.search == shown.shown)
    return joined.mutate(term=joined.shown.fill_null("(others)"))


def _terms(found: pd.DataFrame) -> pd.DataFrame:
    wide = found.pivot(index="term", columns="measure", values=["share", "low", "high"])
    first = found[found["measure"] == "clicked"].set_index("term")
    table = pd.DataFrame(
        {
            "term": first.index,
            "searches": first["trials"].to_numpy(),
            "visitors": first["visitors"].to_numpy(),
            "clicked": first["share"].to_numpy(),
            "low": first["low"].to_numpy(),
            "high": first["high"].to_numpy(),
            "refined": wide["share", "refined"].reindex(first.index).to_numpy(),
            "left": wide["share", "left"].reindex(first.index).to_numpy(),
            "without_click": (first["trials"] - first["hits"]).to_numpy(),
        }
    )
    ordered = table.sort_values(["without_click", "term"], ascending=[False, True])
    return ordered.reset_index(drop=True)
