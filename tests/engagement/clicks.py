"""Page views written by hand: who looked at what, and when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import pandas as pd

from analysis.engagement.web.clickstream import Clickstream, clickstream
from analysis.engagement.web.sessionisation import RobotRules, SessionRule
from analysis.tables.engine import EngineSettings, Tables, in_memory
from analysis.tables.periods import Period

PERIOD = Period(date(2025, 3, 1), date(2025, 5, 1))

#: What a letter stands for: page, event, whether it shows a product.
PAGES = {
    "h": ("/home", "view", False),
    "p": ("/product", "view", True),
    "c": ("/cart", "cart", True),
    "k": ("/checkout", "checkout", False),
    "o": ("/thank-you", "purchase", False),
    "s": ("/search", "view", False),
}

ORDER_LINES = pd.DataFrame(
    {
        "order_id": ["o1"],
        "customer_id": ["nobody"],
        "product_id": ["p1"],
        "ordered_at": pd.to_datetime(["2025-01-01 10:00"]),
        "quantity": [1.0],
        "net_amount": [4.0],
    }
)


def walk(visitor: str, start: str, pages: str, *, gap: float = 60.0, **more: Any) -> pd.DataFrame:
    """Return the views of a visitor, ``gap`` seconds apart, one a letter of `PAGES`."""
    moments = pd.Timestamp(start) + pd.to_timedelta([gap * n for n in range(len(pages))], unit="s")
    found = [PAGES[letter] for letter in pages]
    return pd.DataFrame(
        {
            "session_id": f"{visitor}-{start}",
            "viewed_at": moments,
            "page": [f[0] for f in found],
            "event": [f[1] for f in found],
            "product_id": ["p1" if f[2] else None for f in found],
            "visitor_id": visitor,
            **more,
        }
    )


def shop(views: Iterable[pd.DataFrame], orders: pd.DataFrame = ORDER_LINES, **more: Any) -> Tables:
    """Return the canonical tables of a shop with these views."""
    frames = {"page_views": pd.concat(list(views), ignore_index=True), "order_lines": orders}
    return in_memory(frames, settings=EngineSettings(threads=1), **more)


def web(
    *views: pd.DataFrame, rule: SessionRule | None = None, pace: float = 0.0, **more: Any
) -> Clickstream:
    """Return the clickstream of these views; by default nobody is too fast for a person."""
    return clickstream(shop(views, **more), PERIOD, rule=rule, robot_rules=RobotRules(pace=pace))
