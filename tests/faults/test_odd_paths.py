"""A project lies where it lies: no character of its path is taken for a pattern or a format."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from analysis.tables.engine import open_study
from tests.ingest.shop import GOOD, Shop
from tests.projects import Project
from tests.tiny import Journey

#: A folder that the name before it would match if it were a pattern.
DECOYS = {"s[a]": "sa", "s*r?": "star", "{s,t}": "s"}
ODD = [
    "s[a]",
    "{s,t}",
    "{study}",
    "s*r?",
    "back\\slash",
    "ta\tb",
    'it\'s "so"',
    "läden 店",
    "a b%20",
]


@pytest.mark.parametrize("name", ODD)
def test_tables_are_written_and_read_in_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    for place, sku in ((DECOYS.get(name), "WRONG"), (name, "SKU1")):
        if place:
            shop = Shop(tmp_path / place)
            shop.deliver("a.csv", GOOD.replace("SKU1", sku), "1002,C2,X,never,1,2.00,x")
            shop.deliver(f"b {name}.csv", f"1003,C3,{sku},2024-04-01 10:00,2,9.99,ok")
            result = shop.ingest()
    assert result.manifest.rows == {"order_lines": 2, "products": 2, "customers": 3}
    tables = open_study("shop", root=tmp_path / name)
    assert set(tables.order_lines.product_id.to_pandas()) == {"SKU1"}
    tables.close()
    assert [row["line"] for row in shop.rejected("order_lines")] == [3]


def test_reports_run_in_a_folder_of_an_odd_name(tmp_path: Path) -> None:
    project = Project(Journey.create(tmp_path / "s[a]{b}\\c\td 'e' \"f\" 店"))
    project.add("10_a")
    record, _ = project.run()
    assert record.reports["10_a"].status == "done", record.reports["10_a"].reason
    folder = project.reports.run(record.run_id)
    assert "A few lines" in folder.page("10_a").read_text("utf-8")
    counts = pd.read_parquet(folder.tables("10_a") / "counts.parquet")
    assert counts["lines"].tolist() == [4]
    again, _ = project.run()
    assert again.reports["10_a"].reused_from == record.run_id
