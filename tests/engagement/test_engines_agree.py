"""The breaks of a ledger of points are the same on Spark as on DuckDB."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from analysis.engagement.points.points_ledger import reconcile
from analysis.tables.engine import EngineSettings, in_memory
from tests.engagement.ledgers import ledger

pytestmark = pytest.mark.spark

AS_OF = date(2025, 3, 1)


def test_broken_books(spark: EngineSettings) -> None:
    rows = [
        {"entry_id": "1", "customer_id": "a", "posted_at": "2024-12-01", "kind": "redeem",
         "points": -5},
        {"entry_id": "2", "customer_id": "b", "posted_at": "2024-12-01", "kind": "earn",
         "points": 5, "expires_on": "2024-11-01", "order_id": "o"},
        {"entry_id": "3", "customer_id": "b", "posted_at": "2024-12-01", "kind": "earn",
         "points": 5, "expires_on": "2026-11-01", "order_id": "o"},
        {"entry_id": "4", "customer_id": "b", "posted_at": "2024-12-02", "kind": "adjust",
         "points": -5, "reverses_entry_id": "99"},
    ]  # fmt: skip
    ours, theirs = (
        reconcile(in_memory({"points": ledger(rows)}, settings=settings), as_of=AS_OF)
        for settings in (EngineSettings(threads=1), spark)
    )
    pd.testing.assert_frame_equal(ours.rules, theirs.rules)
    assert ours.breaks["entry_id"].tolist() == theirs.breaks["entry_id"].tolist()
    assert ours.missing == theirs.missing
