"""Each row of a feed is accepted, rejected with a reason, or dropped by a rule: never lost."""

from __future__ import annotations

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import DataError
from analysis.ingest import validate
from analysis.tables.schema import TABLES


def verdicts(frame: pd.DataFrame, table: str) -> list[str | None]:
    rows = ibis.memtable(frame.assign(source_key=[f"row {i}" for i in range(len(frame))]))
    declared = TABLES[table]
    judged = validate.reject_repeated_keys(
        validate.judged(rows, declared, source="test"), declared
    ).to_pandas()
    judged["i"] = judged["source_key"].str.removeprefix("row ").astype(int)
    reasons = judged.sort_values("i")[validate.REASON].astype(object)
    return [None if pd.isna(r) else r for r in reasons]


def lines(**columns: list[object]) -> pd.DataFrame:
    n = len(next(iter(columns.values())))
    plain: dict[str, list[object]] = {
        "order_id": ["o"] * n,
        "customer_id": ["c"] * n,
        "product_id": ["p"] * n,
        "ordered_at": ["2017-01-02 10:00:00"] * n,
        "quantity": ["1"] * n,
        "net_amount": ["1.00"] * n,
    }
    return pd.DataFrame({**plain, **columns})


def test_a_value_of_the_wrong_type_is_named() -> None:
    got = verdicts(
        lines(quantity=["1", "two", "3.5"], net_amount=["1.10", "2", "x"]), "order_lines"
    )
    assert got == [None, "quantity is not a number", "net_amount is not an amount of money"]


def test_not_a_number_and_infinity_are_no_quantities() -> None:
    got = verdicts(lines(quantity=[float("inf"), -1.0, float("-inf")]), "order_lines")
    assert got == ["quantity is not a number", None, "quantity is not a number"]


def test_a_missing_required_value_is_named_and_a_guest_is_fine() -> None:
    got = verdicts(lines(customer_id=["", None], product_id=["p", ""]), "order_lines")
    assert got == [None, "product_id is missing"]


def test_days_and_times_that_do_not_exist_are_refused() -> None:
    moments = ["2017-02-29 10:00:00", "2016-02-29 10:00:00", "yesterday"]
    got = verdicts(lines(ordered_at=moments), "order_lines")
    assert got == ["ordered_at is not a time", None, "ordered_at is not a time"]


def test_a_value_that_is_not_allowed_is_refused() -> None:
    frame = pd.DataFrame(
        {
            "feedback_id": ["1", "2"],
            "submitted_at": ["2017-01-02", "2017-01-02"],
            "kind": ["nps", "smiley"],
        }
    )
    assert verdicts(frame, "feedback") == [
        None,
        "kind is none of nps, csat, ces, review, complaint, interview, exit",
    ]


def test_no_row_of_a_repeated_key_is_believed() -> None:
    frame = pd.DataFrame(
        {"product_id": ["1", "2", "1"], "department": ["a", "b", "c"], "category": [None] * 3}
    )
    clash = "product_id stands in several rows"
    assert verdicts(frame.astype(str), "products") == [clash, None, clash]


def test_a_column_that_the_mapping_does_not_fill_is_named() -> None:
    with pytest.raises(DataError, match="order_lines needs a column net_amount"):
        verdicts(lines(quantity=["1"]).drop(columns="net_amount"), "order_lines")


def test_a_column_that_the_schema_does_not_know_is_refused() -> None:
    with pytest.raises(DataError, match="order_lines has no column colour"):
        verdicts(lines(colour=["red"]), "order_lines")


def test_customers_keep_attributes_of_their_own() -> None:
    frame = pd.DataFrame({"customer_id": ["1"], "household_size": ["2"]})
    assert verdicts(frame, "customers") == [None]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", ""]), st.sampled_from(["1", "x", "", "-2.5"])),
        min_size=1,
        max_size=12,
    )
)
def test_every_row_has_exactly_one_fate(rows: list[tuple[str, str]]) -> None:
    frame = lines(product_id=[r[0] for r in rows], quantity=[r[1] for r in rows])
    got = verdicts(frame, "order_lines")
    assert len(got) == len(rows)
    for (product, quantity), reason in zip(rows, got, strict=True):
        assert (reason is None) == (product != "" and quantity in ("1", "-2.5"))
