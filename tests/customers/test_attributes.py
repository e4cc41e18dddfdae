"""Attributes become groups in the order a reader expects."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from analysis.customers.features.attributes import customer_attributes, natural_order
from tests.sales import lines_of, tables_of

AS_OF = date(2018, 1, 1)


@pytest.mark.parametrize(
    "ordered",
    [
        ["Under 15K", "15-24K", "25-34K", "100-124K", "250K+"],
        ["< 18", "18-24", "65+"],
        ["0", "1", "2", "3+"],
        ["1 Adult Kids", "1 Adult No Kids", "2 Adults Kids"],
        ["below 1,000", "1,000 to 2,000", "10,000 and more"],
    ],
)
def test_levels_with_numbers_stand_in_their_order(ordered: list[str]) -> None:
    assert natural_order(sorted(ordered, reverse=True)) == ordered


def test_levels_without_numbers_stay_as_they_are() -> None:
    assert natural_order(["Renter", "Owner 2"]) == ["Renter", "Owner 2"]


def attributes_of(**columns: list[object]) -> tuple[pd.DataFrame, list[str]]:
    n = len(next(iter(columns.values())))
    people = pd.DataFrame({"customer_id": [f"c{i:03d}" for i in range(n)], **columns})
    return customer_attributes(tables_of(lines_of({}), customers=people), as_of=AS_OF)


def test_text_without_an_order_is_ordered_by_size() -> None:
    table, _ = attributes_of(region=["south", "north", "north", None])
    assert list(table["region"].cat.categories) == ["north", "south"]
    assert table["region"].isna().sum() == 1


def test_ages_are_taken_on_the_report_date() -> None:
    born = ["2000-01-01", "2000-01-02", "1950-06-01", None]
    table, _ = attributes_of(
        birth_date=[None if b is None else date.fromisoformat(b) for b in born]
    )
    assert [None if pd.isna(v) else v for v in table["age"]] == ["18-24", "Under 18", "65-74", None]


def test_many_numbers_are_cut_into_fifths_and_few_are_levels() -> None:
    table, _ = attributes_of(income=list(range(100)), cars=[i % 3 for i in range(100)])
    assert table["income"].value_counts().tolist() == [20] * 5
    assert next(iter(table["income"].cat.categories)).endswith("to 20")
    assert list(table["cars"].cat.categories) == ["0", "1", "2"]


def test_yes_and_no_and_what_makes_no_groups() -> None:
    n = 40
    table, skipped = attributes_of(
        pet=[True, False] * (n // 2),
        street=[f"street {i}" for i in range(n)],
        gender=pd.Series([None] * n, dtype="str"),
        consent_email=[True] * n,
    )
    assert list(table.columns) == ["customer_id", "pet"]
    assert set(table["pet"]) == {"yes", "no"}
    assert set(skipped) == {"street", "gender"}
