"""What spreadsheets and people who put files together leave in delimited files."""

from __future__ import annotations

from pathlib import Path

import pytest
import xlsxwriter

from analysis.errors import ParamsError
from tests.ingest.shop import GOOD, HEADER, Shop, changed, judge

OTHER = GOOD.replace("1001", "1002")


def verdict(tmp_path: Path, text: str, encoding: str = "utf-8"):
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    return judge(tmp_path / "a.csv", tmp_path / "w")


@pytest.mark.parametrize("first", ["sep=;", "SEP=;", '"sep=;"', "\ufeffsep=;"])
def test_a_first_line_that_names_the_separator(tmp_path: Path, first: str) -> None:
    lines = [first, HEADER.replace(",", ";"), GOOD.replace(",", ";"), "x;y"]
    found = verdict(tmp_path, "\r\n".join(lines))
    assert [row["order_id"] for row in found.accepted] == ["1001"]
    assert [row["_line"] for row in found.accepted] == [3]
    assert found.rejected == {"it has 2 fields where the header has 7": 1}


def test_a_separator_that_is_named_counts_even_if_another_stands_in_the_header(
    tmp_path: Path,
) -> None:
    header = HEADER.replace(",", "|").replace("note", "note, where, who, why, when, how, what")
    found = verdict(tmp_path, "\n".join(["sep=|", header, GOOD.replace(",", "|")]) + "\n")
    assert len(found.accepted) == 1


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        (HEADER + ",", [GOOD, OTHER]),
        (HEADER + ",,,", [GOOD, OTHER]),
        (HEADER, [GOOD + ",", OTHER + ","]),
        (HEADER + ",", [GOOD + ",", OTHER + ","]),
    ],
)
def test_delimiters_at_the_end_of_lines_add_no_column(tmp_path: Path, header, rows) -> None:
    found = verdict(tmp_path, "\n".join([header, *rows]) + "\n")
    assert [row["order_id"] for row in found.accepted] == ["1001", "1002"]
    assert found.total == 2


def test_a_value_beyond_the_header_is_refused_still(tmp_path: Path) -> None:
    found = verdict(tmp_path, "\n".join([HEADER, GOOD + ",more", OTHER]) + "\n")
    assert found.rejected == {"it has 8 fields where the header has 7": 1}
    assert len(found.accepted) == 1


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_header_that_stands_again_makes_no_customer(shop: Shop, mark: str) -> None:
    path = shop.folder / "a.csv"
    lines = [HEADER, GOOD, mark + HEADER, HEADER, OTHER]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    manifest = shop.ingest().manifest
    assert manifest.rows == {"order_lines": 2, "products": 1, "customers": 1}
    entry = next(e for e in manifest.ledger if e.table == "order_lines")
    assert (entry.rejected, entry.dropped) == ({}, {"header repeated": 2})


def test_a_header_that_stands_again_in_a_workbook(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(tmp_path / "a.xlsx")
    sheet = book.add_worksheet()
    for number, line in enumerate([HEADER, GOOD, HEADER, OTHER]):
        sheet.write_row(number, 0, line.split(","))
    book.close()
    found = judge(tmp_path / "a.xlsx", tmp_path / "w")
    assert (len(found.accepted), found.dropped) == (2, {"header repeated": 1})


def test_rows_of_nothing_below_the_table_are_no_rows_of_it(tmp_path: Path) -> None:
    found = verdict(tmp_path, "\n".join([HEADER, GOOD, *[",,,,,,"] * 500]) + "\n")
    assert (len(found.accepted), found.rejected) == (1, {})
    assert found.dropped == {"blank line": 500}


def test_brackets_in_the_name_of_a_file_are_its_own(shop: Shop) -> None:
    shop.deliver("orders[1].csv", GOOD)
    shop.deliver("orders1.csv", OTHER)
    shop.map(changed(paths=["orders[1].csv"]))
    shop.ingest()
    assert [row["order_id"] for row in shop.table("order_lines")] == ["1001"]


@pytest.mark.parametrize("pattern", ["", "**a", "a" * 5_000])
def test_a_pattern_that_names_no_files(shop: Shop, pattern: str) -> None:
    shop.map(changed(paths=[pattern]))
    with pytest.raises(ParamsError, match=r"paths: '.*' names no files \("):
        shop.ingest()
