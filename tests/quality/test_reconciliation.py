"""Rows are accounted for, or the report is not made."""

from __future__ import annotations

import pytest

from analysis.errors import DataError
from analysis.quality.reconciliation import reconcile
from analysis.tables.engine import Tables
from analysis.tables.manifest import LedgerEntry
from tests.sales import lines_of, tables_of

ENTRY = LedgerEntry("order_lines", "b.csv", 5, 2, {"not a date": 1}, {"test till": 2})
OTHER = LedgerEntry("products", "a.csv", 1, 1)


def tables_with(*ledger: LedgerEntry) -> Tables:
    tables = tables_of(lines_of({}, {"order_id": "o2"}))
    object.__setattr__(tables.manifest, "ledger", ledger)
    return tables


def test_every_outcome_is_a_row_and_shares_are_of_rows_read() -> None:
    table = reconcile(tables_with(ENTRY, OTHER))
    assert table[["source", "outcome", "rule", "rows", "share"]].to_numpy().tolist() == [
        ["b.csv", "read", "", 5, 1.0],
        ["b.csv", "accepted", "", 2, 0.4],
        ["b.csv", "rejected", "not a date", 1, 0.2],
        ["b.csv", "dropped", "test till", 2, 0.4],
        ["a.csv", "read", "", 1, 1.0],
        ["a.csv", "accepted", "", 1, 1.0],
    ]


def test_a_ledger_that_does_not_add_up_is_refused() -> None:
    wrong = LedgerEntry("order_lines", "b.csv", 2, 2)
    object.__setattr__(wrong, "rows_in", 3)
    with pytest.raises(DataError, match=r"b.csv: 3 rows were read but 2 are accounted for"):
        reconcile(tables_with(wrong))


def test_a_table_that_lost_rows_after_ingest_is_refused() -> None:
    with pytest.raises(DataError, match="order_lines holds 2 rows but 3 were accepted"):
        reconcile(tables_with(LedgerEntry("order_lines", "b.csv", 3, 3)))


def test_a_study_without_a_ledger_has_an_empty_table() -> None:
    assert reconcile(tables_with()).empty
