"""A workbook whose few cells lie far apart costs what its cells cost; what is too much is said."""

from __future__ import annotations

import resource
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from analysis.errors import DataError
from analysis.ingest.readers import excel, sparse_sheets
from analysis.ingest.readers.archives import Member
from tests.faults.test_bad_files import refused
from tests.ingest.shop import GOOD, HEADER, Shop, judge

OUTSIDE = "a cell stands outside the header's columns"


def workbook(path: Path, *far: tuple[int, int, object]) -> Path:
    """Write two orders, and cells far away from them."""
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet()
    for row, line in enumerate([HEADER, GOOD, GOOD.replace("1001", "1002")]):
        for column, cell in enumerate(line.split(",")):
            sheet.write(row, column, float(cell) if cell in {"2", "9.99"} else cell)
    for row, column, value in far:
        sheet.write(row, column, value)
    book.close()
    return path


JUDGE = """
import sys
from pathlib import Path
from tests.ingest.shop import judge
verdict = judge(Path(sys.argv[1]), Path(sys.argv[2]))
print(len(verdict.accepted), dict(verdict.rejected), dict(verdict.dropped))
"""


def test_a_stray_cell_at_the_far_corner_costs_no_memory(tmp_path: Path) -> None:
    """In a process that may not have the ten gigabytes of the full rectangle."""
    path = workbook(tmp_path / "a.xlsx", (20_000, 16_383, " "))
    said = subprocess.run(
        [sys.executable, "-c", JUDGE, str(path), str(tmp_path / "w")],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (4 * 2**30, 4 * 2**30)),
    )
    assert said.stdout == "2 {} {'blank line': 19998}\n", said.stderr


def test_a_far_cell_that_holds_something_is_refused_by_row(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", (20_000, 16_383, "x"), (9, 70, "y"), (9, 0, "1003"))
    verdict = judge(path, tmp_path / "w")
    assert len(verdict.accepted) == 2
    assert verdict.rejected == {OUTSIDE: 2}


def test_a_sheet_that_is_too_large_without_its_gaps_too(shop: Shop, monkeypatch) -> None:
    monkeypatch.setattr(sparse_sheets, "MOST_CELLS", 1_000_000)
    workbook(shop.folder / "a.xlsx", *((n * 50, 100 + n, "x") for n in range(1, 500)))
    refused(
        shop,
        r"a\.xlsx: a sheet reaches over 24,951 rows and 600 columns, of which 563 must be read, "
        "more than 1 million cells; delete what lies beyond the table, or save the table as CSV",
    )


def test_columns_move_together_and_near_ones_stay(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(sparse_sheets, "MOST_CELLS", 1_000)
    monkeypatch.setattr(sparse_sheets, "FIXED_COLUMNS", 3)
    path = tmp_path / "a.xlsx"
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet()
    for row, column, value in [(0, 1, "b"), (1, 30, "ae"), (2, 700, "zy"), (3, 16_383, "xfd")]:
        sheet.write(row, column, value)
    book.close()
    opened = excel.open_workbook(Member("a.xlsx", ".xlsx", path))
    assert [row for _, row in excel.rows_of(opened, "Sheet1")] == [
        ["", "b", "", "", "", ""],
        ["", "", "", "ae", "", ""],
        ["", "", "", "", "zy", ""],
        ["", "", "", "", "", "xfd"],
    ]


def numbered(path: Path, number: str, form: str) -> Path:
    """Write orders of which the second has ``number`` as its time, shown as ``form``."""
    book = xlsxwriter.Workbook(path.with_suffix(".half"))
    sheet, shown = book.add_worksheet(), book.add_format({"num_format": form})
    for row, line in enumerate([HEADER, GOOD, GOOD, GOOD]):
        for column, cell in enumerate(line.split(",")):
            sheet.write(row, column, cell)
    sheet.write_number(2, 3, 45351.25, shown)
    book.close()
    with zipfile.ZipFile(path.with_suffix(".half")) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"45351.25", number.encode()))
    return path


@pytest.mark.parametrize("form", ["yyyy-mm-dd hh:mm", "[h]:mm"])
@pytest.mark.parametrize("number", ["1e9", "inf", "nan", "1e300", "-1", "-1e9"])
def test_a_number_that_is_no_time_costs_its_row(tmp_path: Path, number: str, form: str) -> None:
    verdict = judge(numbered(tmp_path / "a.xlsx", number, form), tmp_path / "w")
    assert (len(verdict.accepted), sum(verdict.rejected.values())) == (2, 1)
    assert set(verdict.rejected) <= {
        "a cell holds a number that is no time",
        "when is not a time in the format stated",
        "ordered_at lies outside the years 1900 to 2199",
    }


def test_a_sheet_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    good = workbook(tmp_path / "good.xlsx")
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, content[:700] if name.endswith("sheet1.xml") else content)
    with pytest.raises(DataError, match=r"^a\.xlsx cannot be read as a workbook: "):
        judge(path, tmp_path / "w")
