"""Contribution margin from the best cost known, line by line, exact in sums."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.tables import margin
from analysis.tables.engine import Tables, in_memory
from analysis.tables.margin import MICROS, lines_with_margin, margin_basis_sentence
from analysis.tables.spilling import alone


def shop(lines: pd.DataFrame, products: pd.DataFrame, **manifest: object) -> Tables:
    plain = lines.assign(order_id="o", customer_id="c", ordered_at=pd.Timestamp("2017-01-02"))
    return in_memory({"order_lines": plain, "products": products}, **manifest)


PRODUCTS = pd.DataFrame(
    {
        "product_id": ["rate", "unit", "bare"],
        "department": ["GROCERY", "TOYS", "TOYS"],
        "category": ["BREAD", "DOLLS", None],
        "margin_rate": [0.3, 0.3, None],
        "unit_cost": [None, 1.25, None],
    }
)


def margins(lines: pd.DataFrame, products: pd.DataFrame = PRODUCTS) -> pd.DataFrame:
    tables = shop(lines, products, default_margin_rate=0.2)
    rows = lines_with_margin(tables).order_by("product_id").to_pandas()
    return rows.assign(margin=rows["margin_micros"] / MICROS)


def test_the_best_cost_known_is_used() -> None:
    lines = pd.DataFrame(
        {
            "product_id": ["bare", "cost", "rate", "unit"],
            "quantity": [1.0, 1.0, 1.0, 2.0],
            "net_amount": [10.0, 10.0, 10.0, 10.0],
            "cost_amount": [None, 9.0, None, None],
        }
    )
    got = margins(lines).set_index("product_id")
    assert got["margin"].to_dict() == {"bare": 2.0, "cost": 1.0, "rate": 3.0, "unit": 7.5}
    assert got["margin_basis"].to_dict() == {
        "bare": "rate",
        "cost": "cost_amount",
        "rate": "rate",
        "unit": "unit_cost",
    }


def test_a_return_takes_its_margin_back() -> None:
    lines = pd.DataFrame(
        {"product_id": ["unit"] * 2, "quantity": [2.0, -2.0], "net_amount": [10.0, -10.0]}
    )
    assert margins(lines)["margin"].sum() == 0


def test_products_nobody_knows_keep_their_lines() -> None:
    lines = pd.DataFrame(
        {"product_id": ["bare", "gone"], "quantity": [1.0, 1.0], "net_amount": [1.0, 1.0]}
    )
    got = margins(lines).set_index("product_id")
    assert got["department"].to_dict() == {"bare": "TOYS", "gone": "(unknown product)"}
    assert got["category"].to_dict() == {"bare": "(no category)", "gone": "(unknown product)"}


def test_the_sentence_says_which_cost_was_used_and_how_often() -> None:
    lines = pd.DataFrame(
        {"product_id": ["rate"] * 3 + ["unit"], "quantity": [1.0] * 4, "net_amount": [1.0] * 4}
    )
    sentence = margin_basis_sentence(shop(lines, PRODUCTS, margin_note="Assumed."))
    assert sentence == (
        "Contribution margin uses an assumed margin rate by department (75.0 % of lines), "
        "the product's unit cost (25.0 % of lines). Assumed."
    )


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(-10_000, 10_000), min_size=1, max_size=20),
    st.integers(0, 10_000),
)
def test_margin_by_rate_is_exact(cents: list[int], rate: int) -> None:
    lines = pd.DataFrame(
        {"product_id": "p", "quantity": 1.0, "net_amount": [c / 100 for c in cents]}
    )
    products = pd.DataFrame(
        {"product_id": ["p"], "department": ["d"], "category": ["c"], "margin_rate": [rate / 1e4]}
    )
    assert int(margins(lines, products)["margin_micros"].sum()) == sum(cents) * rate


def test_lines_are_joined_once_and_the_same_where_they_are_too_many_to_keep(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = pd.DataFrame(
        {"product_id": ["rate", "unit", "gone"], "quantity": [1.0] * 3, "net_amount": [10.0] * 3}
    )
    few = shop(lines, PRODUCTS)
    assert lines_with_margin(few) is lines_with_margin(few)
    kept = lines_with_margin(few).order_by("product_id").to_pandas()
    monkeypatch.setattr(margin, "MOST_KEPT", 2)
    many = shop(lines, PRODUCTS)
    assert lines_with_margin(many) is not lines_with_margin(many)
    again = lines_with_margin(many).order_by("product_id").to_pandas()
    pd.testing.assert_frame_equal(kept, again)


def test_what_reports_of_a_run_compute_alike_the_first_computes_for_all(tmp_path: Path) -> None:
    """The second report's own lines are never looked at: it reads what the first has written."""
    lines = pd.DataFrame({"product_id": ["rate", "gone"], "quantity": 1.0, "net_amount": 10.0})
    first, second = shop(lines, PRODUCTS), shop(lines.assign(net_amount=99.0), PRODUCTS)
    wanted = lines_with_margin(first).order_by("product_id").to_pandas()
    first, second.shared = shop(lines, PRODUCTS), tmp_path / "shared"
    first.shared = second.shared
    for tables in (first, second):
        found = lines_with_margin(tables).order_by("product_id")
        pd.testing.assert_frame_equal(found.to_pandas(), wanted)
        assert lines_with_margin(tables) is lines_with_margin(tables)


def test_where_the_first_fails_the_next_one_writes(tmp_path: Path) -> None:
    path = tmp_path / "shared" / "lines.parquet"

    def half() -> None:
        with alone(path) as unfinished:
            assert unfinished is not None
            unfinished.write_text("half")
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        half()
    assert not path.exists()
    for written in (True, False):
        with alone(path) as unfinished:
            assert (unfinished is not None) is written
            if unfinished is not None:
                unfinished.write_text("whole")
    assert path.read_text() == "whole"
