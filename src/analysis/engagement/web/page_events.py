"""Page views as the analyses of the web take them: who, when, which page, which step.

A visitor is the browser (``visitor_id``), else the customer, else the source's own session: an
anonymous view without a browser's number cannot be put into another session than the source's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis

from analysis.errors import NotApplicable
from analysis.tables.lines import midnight

if TYPE_CHECKING:
    from analysis.tables.engine import Tables
    from analysis.tables.periods import Period

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
