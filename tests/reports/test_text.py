"""Promotions of days that are not known are named, not measured."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from analysis.errors import NotApplicable
from analysis.promotions.outcomes import outcomes
from analysis.reports.promotions import text
from analysis.tables.engine import in_memory


def days_of(*promotions: tuple[str, str, str]) -> dict[str, pd.DataFrame]:
    dates = pd.DataFrame(promotions, columns=["name", "starts_on", "ends_on"])
    orders = pd.DataFrame(
        {
            "order_id": ["1", "2"], "customer_id": ["a", "b"], "product_id": "p",
            "ordered_at": pd.to_datetime(["2024-01-10", "2024-06-01"]), "quantity": 1,
            "net_amount": 2.0,
        }
    )  # fmt: skip
    return {"order_lines": orders, "promotions": dates.assign(promotion_id=dates["name"])}


def test_promotions_outside_the_known_days_are_named() -> None:
    tables = in_memory(
        days_of(
            ("Old", "2023-12-01", "2024-01-09"),
            ("Begun before", "2023-12-01", "2024-01-10"),
            ("Within", "2024-03-01", "2024-03-10"),
            ("Next", "2024-07-01", "2024-07-10"),
        )
    )
    spans = outcomes.Spans(date(2024, 7, 1), before_days=10, after_days=10)
    assert outcomes.overview(tables, spans)["name"].tolist() == ["Begun before", "Within"]
    assert text.outside(outcomes.outside(tables, spans)) == (
        "Left out: Next (had not begun) and Old (ended before the first order)."
    )
    tables.close()


def test_nothing_is_said_where_nothing_is_left_out() -> None:
    tables = in_memory(days_of(("Within", "2024-03-01", "2024-03-10")))
    spans = outcomes.Spans(date(2024, 7, 1), before_days=10, after_days=10)
    with pytest.raises(NotApplicable):
        text.outside(outcomes.outside(tables, spans))
    tables.close()
