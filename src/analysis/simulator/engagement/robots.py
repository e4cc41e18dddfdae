"""Programs on the site: some say what they are, some only give themselves away by their pace."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from analysis.simulator import arrow_columns as arrow
from analysis.simulator.engagement.view_details import AGENTS, VISITORS_A_CHUNK
from analysis.simulator.shop_plan import Plan
from analysis.simulator.trading_calendar import DAY_US
from analysis.stats.types import Floats, Integers

KINDS = ("declared", "hidden")
#: Visits of programs for each visit of a person, by kind.
SHARES = (0.03, 0.002)
#: Pages a visit, least and most, and seconds a page, by kind.
PAGES_SEEN, PACE = ((5, 40), (200, 400)), ((2.0, 10.0), (0.3, 1.0))
AGENT = "ExampleBot/2.1 (+https://example.com/bot)"
#: Pages that programs call: those that need no basket.
CALLED = ("/home", "/category", "/product", "/search")
#: Numbers of programs' visitors and sessions begin here within those of a chunk.
FIRST = 90_000_000
#: Programs come in the last so many days.
DAYS = 182


@dataclass(frozen=True)
class Robots:
    """Visits of programs: number, kind, pages seen, start; seconds before and page of each view."""

    number: Integers
    kind: Integers
    visit: Integers
    stamp: Integers
    page: Integers


def draw(plan: Plan, visits: int, index: int) -> Robots:
    """Return the visits of programs for so many visits of people."""
    rng = plan.shop.generator("web", 2 * plan.shop.chunks + index)
    kind = np.repeat(np.arange(len(KINDS)), rng.poisson(visits * np.array(SHARES)))
    low, high = np.array(PAGES_SEEN)[kind].reshape(-1, 2).T
    count = rng.integers(low, high + 1)
    visit = np.repeat(np.arange(len(kind)), count)
    slow, fast = np.array(PACE)[kind[visit]].reshape(-1, 2).T
    steps = np.rint(rng.uniform(slow, fast) * 1_000_000).astype(np.int64)
    running = np.cumsum(steps) - steps
    begins = running[np.cumsum(count) - count] if len(count) else running
    days = min(DAYS, plan.calendar.days)
    first = plan.calendar.stamp_of_day(plan.calendar.days - days)
    start = first + rng.integers(0, days * DAY_US - DAY_US // 24, len(kind))
    return Robots(
        number=index * VISITORS_A_CHUNK + FIRST + np.arange(len(kind)),
        kind=kind,
        visit=visit,
        stamp=start[visit] + running - np.repeat(begins, count),
        page=rng.integers(0, len(CALLED), len(visit)),
    )


def rows(robots: Robots, schema: pa.Schema) -> pa.Table:
    """Return the pages that programs saw, in the columns of ``schema``."""
    known = _known(robots)
    count = len(robots.visit)
    columns = [
        known[field.name].cast(field.type) if field.name in known else pa.nulls(count, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def _known(robots: Robots) -> dict[str, pa.Array]:
    count, number = len(robots.visit), robots.number[robots.visit]
    words = {name: arrow.constant(name, count) for name in ("direct", "view", "desktop")}
    load: Floats = np.full(count, 300.0)
    return {
        "session_id": arrow.whole(number),
        "viewed_at": arrow.times(robots.stamp),
        "page": arrow.names(robots.page, CALLED),
        "referrer": words["direct"],
        "event": words["view"],
        "visitor_id": arrow.whole(number),
        "device": words["desktop"],
        "source": words["direct"],
        "user_agent": arrow.names(robots.kind[robots.visit], (AGENT, AGENTS[0])),
        "is_bot": pa.array(robots.kind[robots.visit] == KINDS.index("declared")),
        "load_ms": pa.array(load),
        "status": arrow.whole(np.full(count, 200)),
    }


def truth(robots: Robots) -> pa.Table:
    """Return one row a program: visitor_id, kind, views."""
    return pa.table(
        {
            "visitor_id": arrow.whole(robots.number),
            "kind": arrow.names(robots.kind, KINDS),
            "views": arrow.whole(np.bincount(robots.visit, minlength=len(robots.number))),
        }
    )
