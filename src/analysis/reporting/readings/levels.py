"""How levels and forecasts are called on a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.demand.forecast import BOTTOM_UP, COHERENT

if TYPE_CHECKING:
    import pandas as pd

_LEVELS = {
    "total": "total",
    "department": "departments",
    "department x category": "categories",
    "product_id": "products",
}
_FORECASTS = {
    COHERENT: "published (reconciled)",
    BOTTOM_UP: "bottom-up",
    "automatic": "automatic choice",
}


def level(name: str) -> str:
    """Return how a level is read: ``departments``, ``departments, now and then``."""
    head, comma, rest = name.partition(",")
    return _LEVELS.get(head, head) + comma + rest


def named(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with its levels and forecasts as they are read."""
    renamed = table.assign(level=[level(name) for name in table["level"]])
    if "label" not in renamed:
        return renamed
    labels = [_FORECASTS.get(m, t) for m, t in zip(table["model"], table["label"], strict=True)]
    return renamed.assign(label=labels)
