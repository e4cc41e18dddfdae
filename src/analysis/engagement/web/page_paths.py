"""Paths: from which page to which, and what buyers do before the basket that others do not.

Search on the site: what is searched for, and whether it leads anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd

from analysis.engagement.web.clickstream import Clickstream
from analysis.engagement.web.session_summary import named_pages
from analysis.engagement.web.sessionisation import shares
from analysis.errors import NotApplicable
from analysis.stats.multiplicity import q_values
from analysis.stats.proportions import common_difference, wilson_interval
from analysis.stats.sizes import FEWEST_FOLLOWED

#: Before the first page and after the last.
ENTRY, EXIT = "(entry)", "(exit)"
#: How far a session got, as paths are told apart.
KINDS = ("no basket", "basket, no order", "order")


@dataclass(frozen=True)
class PagePaths:
    """From page to page.

    Parameters
    ----------
    moves
        One move a row: sessions (kind, or all), page, next_page, moves, share (of all that
        followed the page, exits included), share_of_moves (exits left out) with low, high.
    signs
        One behaviour before the basket a row: sign, buyers (share of sessions with an order that
        showed it), others, difference with low, high (compared at equal numbers of pages), q,
        sessions.
    """

    moves: pd.DataFrame
    signs: pd.DataFrame


def page_paths(web: Clickstream, *, confidence: float = 0.95) -> PagePaths:
    """Return the moves between pages, and what sets sessions with an order apart before it."""
    labelled = _labelled(web)
    return PagePaths(_moves(labelled, confidence), _signs(labelled, confidence))


def _labelled(web: Clickstream) -> ibis.Table:
    """Return the views with how far their session got and when its basket began."""
    s = web.sessions
    kind = ibis.cases((s.step_5, KINDS[2]), (s.step_3, KINDS[1]), else_=KINDS[0])
    labels = s.select(who_="who", no_="session_no", kind=kind, basket_at="basket_at")
    views = named_pages(web)
    return views.inner_join(
        labels, [views.who == labels.who_, views.session_no == labels.no_]
    ).drop("who_", "no_")


def _moves(views: ibis.Table, confidence: float) -> pd.DataFrame:
    step = views.mutate(next_page=views.ends.ifelse(EXIT, views.next_page))
    counted = step.group_by("kind", "page", "next_page").aggregate(moves=step.count()).execute()
    entered = views.filter(views.starts)
    entries = entered.group_by("kind", "page").aggregate(moves=entered.count()).execute()
    entries = entries.rename(columns={"page": "next_page"}).assign(page=ENTRY)
    by_kind = pd.concat([counted, entries], ignore_index=True)
    keys = ["page", "next_page"]
    every = by_kind.groupby(keys, as_index=False)["moves"].sum().assign(kind="all")
    table = pd.concat([every, by_kind], ignore_index=True)
    whole = table.groupby(["kind", "page"])["moves"].transform("sum")
    on = table["moves"].where(table["next_page"] != EXIT, 0)
    going = on.groupby([table["kind"], table["page"]]).transform("sum")
    low, high = wilson_interval(on, going, confidence=confidence)
    moved = table["next_page"] != EXIT
    table = table.assign(
        share=table["moves"] / whole,
        share_of_moves=(on / going.where(going > 0)).where(moved),
        low=np.where(moved, low, np.nan),
        high=np.where(moved, high, np.nan),
    )
    order = pd.Categorical(table["kind"], ["all", *KINDS], ordered=True)
    table = table.assign(kind=order).sort_values(
        ["kind", "page", "moves", "next_page"], ascending=[True, True, False, True]
    )
    table["kind"] = table["kind"].astype(str)
    table = table.rename(columns={"kind": "sessions"}).reset_index(drop=True)
    columns = ["sessions", "page", "next_page", "moves", "share", "share_of_moves", "low", "high"]
    return table[columns]


#: Sessions are compared with others of as many pages before the basket, up to so many.
_MOST_PAGES = 8


def _signs(views: ibis.Table, confidence: float) -> pd.DataFrame:
    """Return what sessions with an order did before the basket, against those without.

    The page from which one went to the basket, or left, is no behaviour of either: to the basket
    one goes from a product.
    """
    going = views.basket_at.isnull() | (views.after < views.basket_at)
    before = views.filter(~views.ends, going, views.step <= 2)
    counted = before.group_by("page").aggregate(n=before.count()).order_by(ibis.desc("n"), "page")
    pages = counted.limit(_MOST_PAGES).execute()["page"].tolist()
    flags: dict[str, ibis.Value] = {
        f"seen_{n}": (before.page == page).any() for n, page in enumerate(pages)
    }
    names = {f"seen_{n}": f"saw {page}" for n, page in enumerate(pages)}
    if "product_id" in before.columns:
        flags["several"] = before.product_id.nunique() >= 3
        names["several"] = "looked at three products or more"
    if "search" in before.columns:
        flags["searched"] = before.search.notnull().any()
        names["searched"] = "searched on the site"
    flags["again"] = (before.session_no > 1).any()
    names["again"] = "had been here before in the period"
    grouped = before.group_by("who", "session_no", "kind").aggregate(pages=before.count(), **flags)
    grouped = grouped.mutate(
        bought=grouped.kind == KINDS[2], size=ibis.least(grouped.pages, _MOST_PAGES)
    )
    sums = {name: grouped[name].sum() for name in flags}
    table = grouped.group_by("bought", "size").aggregate(n=grouped.count(), **sums).execute()
    return _compared(table, names, confidence)


def _compared(table: pd.DataFrame, names: dict[str, str], confidence: float) -> pd.DataFrame:
    """Return the behaviours of both sides, compared between sessions of as many pages."""
    rows = []
    for column, sign in names.items():
        wide = table.pivot(index="size", columns="bought", values=[column, "n"])
        wide = wide.reindex(
            columns=pd.MultiIndex.from_product([[column, "n"], [True, False]])
        ).fillna(0)
        (x1, x2), (n1, n2) = (
            [wide[name, side].to_numpy("float64") for side in (True, False)]
            for name in (column, "n")
        )
        if min(n1.sum(), n2.sum()) < FEWEST_FOLLOWED:
            continue
        difference, low, high, p = common_difference(x1, n1, x2, n2, confidence=confidence)
        rows.append(
            {
                "sign": sign,
                "buyers": x1.sum() / n1.sum(),
                "others": x2.sum() / n2.sum(),
                "difference": difference,
                "low": low,
                "high": high,
                "p": p,
                "sessions": int(n1.sum() + n2.sum()),
            }
        )
    columns = ["sign", "buyers", "others", "difference", "low", "high", "p", "sessions"]
    found = pd.DataFrame(rows, columns=columns)
    found["q"] = q_values(found["p"])
    return found.sort_values("difference", ascending=False, key=abs, ignore_index=True)


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
