"""How full columns are, and which are not there."""

from __future__ import annotations

import pandas as pd

from analysis.quality.date_coverage import completeness
from tests.sales import lines_of, tables_of


def test_values_are_counted_and_absent_columns_named() -> None:
    lines = lines_of({}, {"customer_id": None, "order_id": "o2"})
    people = pd.DataFrame({"customer_id": ["c1"], "hobby": ["chess"]})
    table = completeness(tables_of(lines, customers=people)).set_index(["table", "column"])
    row = table.loc[("order_lines", "customer_id")]
    assert (row["rows"], row["filled"], row["missing"], row["share_filled"]) == (2, 1, 1, 0.5)
    assert table.loc[("customers", "hobby"), "share_filled"] == 1.0
    absent = table.loc[("order_lines", "channel")]
    assert (absent["present"], absent["missing"]) == (False, 2)
    assert pd.isna(absent["share_filled"])
    assert absent["meaning"] == "Channel the order came through"


def test_a_table_without_rows_has_no_share() -> None:
    empty = pd.DataFrame({"customer_id": pd.Series([], dtype="str")})
    table = completeness(tables_of(lines_of({}), customers=empty), names=("customers",))
    assert table["share_filled"].isna().all()


def test_tables_that_the_study_lacks_are_left_out() -> None:
    assert set(completeness(tables_of(lines_of({})))["table"]) == {"order_lines", "products"}
