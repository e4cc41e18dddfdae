"""A shop of a few customers whose messages and orders are written out by hand."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.tables.engine import Tables, in_memory
from analysis.tables.periods import Period

WINDOW = Period.before("2025-03-01", days=59)
TIMES = ("sent_at", "delivered_at", "opened_at", "clicked_at", "unsubscribed_at", "bounced_at")


def contacts(*rows: dict[str, Any]) -> pd.DataFrame:
    """Return contacts; a time is written as ``"01-05 10:00"`` of 2025."""
    found = []
    for number, row in enumerate(rows):
        row = {"customer_id": "c1", "channel": "email", "contact_id": f"m{number}", **row}
        found.append({k: _time(v) if k in TIMES else v for k, v in row.items()})
    frame = pd.DataFrame(found)
    for name in set(TIMES) & set(frame.columns):
        frame[name] = pd.to_datetime(frame[name]).astype("datetime64[us]")
    return frame


def _time(value: str | None) -> pd.Timestamp | None:
    return None if value is None else pd.Timestamp(f"2025-{value}")


def orders(*rows: tuple[str, str]) -> pd.DataFrame:
    """Return one order line of 10 with a margin of 4 for each customer and time."""
    return pd.DataFrame(
        {
            "order_id": [f"o{n}" for n in range(len(rows))],
            "customer_id": [who for who, _ in rows],
            "product_id": "p",
            "ordered_at": pd.to_datetime([f"2025-{at}" for _, at in rows]).astype("datetime64[us]"),
            "quantity": 1.0,
            "net_amount": 10.0,
            "cost_amount": 6.0,
        }
    )


def shop(sent: pd.DataFrame, bought: pd.DataFrame, **others: pd.DataFrame) -> Tables:
    """Return the tables of the shop."""
    products = pd.DataFrame({"product_id": ["p"], "department": ["d"], "category": ["k"]})
    return in_memory({"contacts": sent, "order_lines": bought, "products": products, **others})
