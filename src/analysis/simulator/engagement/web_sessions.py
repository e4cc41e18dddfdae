"""Visits to web and app: sessions with a known funnel, page by page.

Every web or app order has the session that made it; the sessions without an order are drawn
around them so that the shares of the funnel come out as planted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from analysis.simulator import arrow_columns as arrow
from analysis.simulator.engagement import robots, view_details
from analysis.simulator.engagement.view_details import Seen
from analysis.simulator.goods.basket_filling import pick
from analysis.simulator.people.population import People
from analysis.simulator.people.visits import GUEST
from analysis.simulator.selling.order_ledger import Ledger
from analysis.simulator.shop_plan import Plan
from analysis.simulator.trading_calendar import DAY_US
from analysis.stats.types import Floats, Integers

#: Page views are tracked over the last weeks of the history only.
TRACKED_WEEKS = 26
#: Where visits come from: share, and the chance that the visit bounces.
REFERRERS = {"search": 0.40, "ad": 0.20, "email": 0.15, "direct": 0.25}
BOUNCES = {"search": 0.35, "ad": 0.62, "email": 0.25, "direct": 0.30}
#: How far a visit gets that does not bounce.
STAGES = ("browse", "cart", "checkout", "purchase")
STAGE_SHARES = (0.55, 0.16, 0.10, 0.19)
#: Pages, where a visit lands, and where it goes next while it browses.
PAGES = ("/home", "/category", "/product", "/search", "/cart", "/checkout", "/thank-you")
EVENTS = ("view", "cart", "checkout", "purchase")
LANDS = (0.40, 0.25, 0.30, 0.05)
NEXT = (
    (0.05, 0.50, 0.25, 0.20),
    (0.05, 0.20, 0.70, 0.05),
    (0.10, 0.40, 0.40, 0.10),
    (0.05, 0.15, 0.75, 0.05),
)
#: Pages browsed after the first: 1 + Geometric, at most MOST_PAGES.
MORE_PAGES, MOST_PAGES = 0.45, 8
#: Visits without an order whose visitor is known.
RECOGNISED = 0.35
SESSIONS_A_CHUNK = 100_000_000
PRODUCT_PAGE = PAGES.index("/product")


@dataclass(frozen=True)
class Sessions:
    """Sessions: referrer, stage (-1 bounce), stamp of the order or the visit, customer.

    ``order`` is the position of the order that the session made, or of the one it is drawn around.
    """

    referrer: Integers
    stage: Integers
    stamp: Integers
    customer: Integers
    order: Integers


def conversion() -> float:
    """Return the share of visits that end in an order."""
    return float(_stage_shares()[:, -1].sum())


def _stage_shares() -> Floats:
    """Return the joint share of referrer (row) and bounce or stage (column)."""
    bounce = np.array(list(BOUNCES.values()))[:, None]
    goes_on = (1 - bounce) * np.array(STAGE_SHARES)
    return np.array(list(REFERRERS.values()))[:, None] * np.column_stack([bounce, goes_on])


def page_views_file(plan: Plan, people: People, ledger: Ledger, index: int) -> pa.Table:
    """Return the pages seen: session_id, viewed_at, page, customer_id, referrer, ...

    People first, then programs.
    """
    rng = plan.shop.generator("web", index)
    sessions = _sessions(plan, ledger, rng)
    pages = _pages(sessions, rng)
    rows = _rows(people, sessions, pages, index, rng)
    for name, column in view_details.columns(seen(plan, people, ledger, sessions, pages), index):
        rows = rows.append_column(name, column)
    visits = robots.draw(plan, len(sessions.stage), index)
    return pa.concat_tables([rows, robots.rows(visits, rows.schema)]).combine_chunks()


def seen(
    plan: Plan,
    people: People,
    ledger: Ledger,
    sessions: Sessions,
    pages: tuple[Integers, Integers, Integers, Integers],
) -> Seen:
    """Return what the details of the pages seen are drawn from."""
    session, page, depth, count = pages
    return Seen(
        plan=plan,
        people=people,
        ledger=ledger,
        referrer=sessions.referrer,
        stage=sessions.stage,
        stamp=sessions.stamp,
        order=sessions.order,
        session=session,
        page=page,
        last=depth == count[session] - 1,
    )


def redrawn(plan: Plan, people: People, ledger: Ledger, index: int) -> Seen:
    """Return what `page_views_file` draws details from, for the truth about it."""
    rng = plan.shop.generator("web", index)
    sessions = _sessions(plan, ledger, rng)
    return seen(plan, people, ledger, sessions, _pages(sessions, rng))


def _sessions(plan: Plan, ledger: Ledger, rng: np.random.Generator) -> Sessions:
    begins = plan.calendar.stamp_of_day(plan.calendar.days - 7 * TRACKED_WEEKS)
    online = ledger.purchases & (ledger.store >= plan.shop.stores) & (ledger.stamp >= begins)
    order = np.flatnonzero(online)
    shares = _stage_shares()
    buys = rng.choice(len(REFERRERS), len(order), p=shares[:, -1] / shares[:, -1].sum())
    rate = (1 - conversion()) / conversion()
    idle = np.repeat(order, rng.poisson(rate, len(order)))
    rest = shares[:, :-1].ravel()
    kind = rng.choice(len(rest), len(idle), p=rest / rest.sum())
    shift = rng.integers(-3 * DAY_US, 3 * DAY_US, len(idle))
    last = plan.calendar.stamp_of_day(plan.calendar.days) - DAY_US
    when = np.clip(ledger.stamp[idle] + shift, max(begins, plan.calendar.stamp_of_day(0)), last)
    known = rng.random(len(idle)) < RECOGNISED
    width = len(STAGES)
    return Sessions(
        referrer=np.concatenate([buys, kind // width]),
        stage=np.concatenate([np.full(len(order), width - 1), kind % width - 1]),
        stamp=np.concatenate([ledger.stamp[order], when]),
        customer=np.concatenate(
            [ledger.customer[order], np.where(known, ledger.customer[idle], GUEST)]
        ),
        order=np.concatenate([order, idle]),
    )


def _pages(
    sessions: Sessions, rng: np.random.Generator
) -> tuple[Integers, Integers, Integers, Integers]:
    """Return session, page and position of every page seen, and pages a session."""
    sessions_count, stays = len(sessions.stage), sessions.stage >= 0
    more = np.minimum(rng.geometric(MORE_PAGES, sessions_count), MOST_PAGES - 1)
    browsed = np.where(stays, 1 + more, 1)
    steps = np.zeros((sessions_count, MOST_PAGES + len(STAGES)), np.int8)
    steps[:, 0] = pick(np.array([LANDS]), np.zeros(sessions_count, np.int64), rng)
    for column in range(1, MOST_PAGES):
        steps[:, column] = pick(np.array(NEXT), steps[:, column - 1].astype(np.int64), rng)
    buying = np.flatnonzero(sessions.stage > 0)
    steps[buying, browsed[buying]] = PRODUCT_PAGE
    for step in range(1, len(STAGES)):
        far = np.flatnonzero(sessions.stage >= step)
        steps[far, browsed[far] + step] = PRODUCT_PAGE + 1 + step
    count = browsed + np.where(sessions.stage > 0, sessions.stage + 1, 0)
    session = np.repeat(np.arange(sessions_count), count)
    depth = np.arange(len(session)) - np.repeat(np.cumsum(count) - count, count)
    return session, steps[session, depth].astype(np.int64), depth, count


def _rows(
    people: People,
    sessions: Sessions,
    pages: tuple[Integers, Integers, Integers, Integers],
    index: int,
    rng: np.random.Generator,
) -> pa.Table:
    session, page, depth, count = pages
    seconds = np.ceil(rng.gamma(1.5, 20.0, len(session))).astype(np.int64)
    running = np.cumsum(seconds) - seconds
    begins = running[np.cumsum(count) - count] if len(count) else running
    elapsed = running - np.repeat(begins, count)
    lasts = np.bincount(session, weights=seconds, minlength=len(count)).astype(np.int64)
    buys = sessions.stage == len(STAGES) - 1
    start = sessions.stamp - np.where(buys, lasts, 0) * 1_000_000
    customer = sessions.customer[session]
    return pa.table(
        {
            "session_id": arrow.whole(index * SESSIONS_A_CHUNK + 1 + session),
            "viewed_at": arrow.times(start[session] + elapsed * 1_000_000),
            "page": arrow.names(page, PAGES),
            "customer_id": arrow.whole(people.first + customer, customer == GUEST),
            "referrer": arrow.names(sessions.referrer[session], tuple(REFERRERS)),
            "seconds_on_page": pa.array(
                seconds.astype(np.float64), mask=depth == count[session] - 1
            ),
            "event": arrow.names(np.maximum(page - PRODUCT_PAGE - 1, 0), EVENTS),
        }
    )
