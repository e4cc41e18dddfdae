"""The ledger of points, its vintages and its breaks are the same on Spark as on DuckDB."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from analysis.engagement.points import points_vintages
from analysis.engagement.points.ledger_checks import reconcile
from analysis.engagement.points.points_liability import liability
from analysis.tables.engine import EngineSettings, in_memory
from tests.engagement.ledgers import ledger, scheme

pytestmark = pytest.mark.spark

AS_OF = date(2025, 3, 1)


def test_lots_vintages_and_liability(spark: EngineSettings) -> None:
    points, _ = scheme(30, 420, seed=9)
    found = []
    for settings in (EngineSettings(threads=1), spark):
        tables = in_memory({"points": points}, settings=settings)
        books = reconcile(tables, as_of=date(2025, 2, 24))  # the day after the scheme's last
        lots = books.ledger.lots.select("entry_id", "expired", "used", "open", "begins")
        vintages = points_vintages.fetch(books.ledger)
        owed = liability(books)
        found.append((books, lots.order_by("entry_id").to_pandas(), vintages, owed))
    (books, lots, vintages, owed), (theirs, their_lots, their_vintages, their_owed) = found
    pd.testing.assert_frame_equal(lots, their_lots)
    pd.testing.assert_frame_equal(books.flows, theirs.flows)
    np.testing.assert_array_equal(vintages.expired, their_vintages.expired)
    np.testing.assert_array_equal(vintages.used, their_vintages.used)
    assert owed.owed == their_owed.owed
    assert owed.out_of_turn == their_owed.out_of_turn


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
