"""Small tables of feedback with a known truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis.tables.engine import EngineSettings, Tables, in_memory
from analysis.tables.periods import Period
from tests.sales import catalogue, lines_of

PERIOD = Period.before("2018-01-01", days=365)

_ROW: dict[str, Any] = {
    "feedback_id": "f",
    "kind": "nps",
    "customer_id": None,
    "submitted_at": None,
    "invited_at": None,
    "score": np.nan,
    "text": None,
    "product_id": None,
    "channel": "web",
}
_MOMENTS = ("submitted_at", "invited_at", "resolved_at", "first_response_at")


def feedback_of(*rows: dict[str, Any]) -> pd.DataFrame:
    """Return feedback: what a row leaves out is missing, keys and customers are its number."""
    frame = pd.DataFrame(
        [{**_ROW, "feedback_id": f"f{i}", "customer_id": f"c{i}", **r} for i, r in enumerate(rows)]
    )
    for column in _MOMENTS:
        if column in frame:
            frame[column] = pd.to_datetime(frame[column], format="ISO8601")
    return frame


def tables_of(feedback: pd.DataFrame, *lines: dict[str, Any], **frames: pd.DataFrame) -> Tables:
    """Return tables of the feedback, with order lines (one by default)."""
    rows = lines_of(*(lines or ({},)))
    products = frames.pop("products", catalogue(*sorted(rows["product_id"].unique())))
    given = {"order_lines": rows, "products": products, "feedback": feedback, **frames}
    return in_memory(given, settings=EngineSettings(threads=1))


def survey(
    kind: str, scores: list[float | None], *, day: str = "2017-06-01", **columns: Any
) -> list[dict[str, Any]]:
    """Return invitations on one day; None did not answer."""
    return [
        {
            "kind": kind,
            "invited_at": f"{day} 10:00:00",
            "submitted_at": None if score is None else f"{day} 18:00:00",
            "score": np.nan if score is None else score,
            **columns,
        }
        for score in scores
    ]
