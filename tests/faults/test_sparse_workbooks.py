"""A workbook whose few cells lie far apart costs what its cells cost; what is too much is said."""

from __future__ import annotations

import resource
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import xlsxwriter

from analysis.errors import DataError
from analysis.ingest.inspection.sniff import look
from analysis.ingest.readers import excel
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
    monkeypatch.setattr(excel, "MOST_CELLS", 1_000_000)
    workbook(shop.folder / "a.xlsx", *((n * 50, 100 + n, "x") for n in range(1, 500)))
    refused(
        shop,
        r"a\.xlsx: a sheet reaches over 24,951 rows and 600 columns, of which 563 must be read, "
        "more than 1 million cells; delete what lies beyond the table, or save the table as CSV",
    )


def test_columns_move_together_and_near_ones_stay(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(excel, "MOST_CELLS", 1_000)
    monkeypatch.setattr(excel, "FIXED_COLUMNS", 3)
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


SHEET = [["id", "qty", "price"], ["1001", 2, 9.5], ["1002", 1, 4.25]]
OPEN = "urn:oasis:names:tc:opendocument:xmlns:"


def open_document(path: Path, *beyond: str) -> Path:
    """Write the sheet as LibreOffice does: what is empty is repeated to the end of the sheet."""

    def cell(value: object) -> str:
        number = f'float" office:value="{value}' if isinstance(value, (int, float)) else "string"
        return (
            f'<table:table-cell office:value-type="{number}"><text:p>{value}</text:p>'
            "</table:table-cell>"
        )

    empty = '<table:table-cell table:number-columns-repeated="16381"/>'
    rows = [f"<table:table-row>{''.join(map(cell, row))}{empty}</table:table-row>" for row in SHEET]
    xml = (
        f'<?xml version="1.0"?><office:document-content xmlns:office="{OPEN}office:1.0" '
        f'xmlns:table="{OPEN}table:1.0" xmlns:text="{OPEN}text:1.0"><office:body>'
        f'<office:spreadsheet><table:table table:name="Sales">{"".join([*rows, *beyond])}'
        "</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", f'<m:manifest xmlns:m="{OPEN}manifest:1.0"/>')
        archive.writestr("content.xml", xml)
    return path


def binary(path: Path, far: tuple[int, int] | None = None) -> Path:
    """Write the sheet as a binary workbook ([MS-XLSB] 2.1.7: records of kind, length, content)."""

    def record(kind: int, content: bytes = b"") -> bytes:
        head = bytes([kind]) if kind < 128 else bytes([kind & 127 | 128, kind >> 7])
        return head + bytes([len(content)]) + content

    def text(value: str) -> bytes:
        return struct.pack("<I", len(value)) + value.encode("utf-16le")

    def cell(column: int, value: object) -> bytes:
        start = struct.pack("<II", column, 0)
        if isinstance(value, str):
            return record(6, start + text(value))
        return record(5, start + struct.pack("<d", value))

    def row(number: int, cells: bytes) -> bytes:
        return record(0, struct.pack("<II", number, 0) + bytes(9)) + cells

    rows = [row(n, b"".join(map(cell, range(3), line))) for n, line in enumerate(SHEET)]
    rows += [row(far[0], cell(far[1], "x"))] if far else []
    size = record(148, struct.pack("<IIII", 0, 2, 0, 2))
    book = record(156, struct.pack("<II", 0, 1) + text("rId1") + text("Sales"))
    to = "http://schemas.openxmlformats.org"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "xl/workbook.bin", record(131) + record(143) + book + record(144) + record(132)
        )
        archive.writestr(
            "xl/_rels/workbook.bin.rels",
            f'<Relationships xmlns="{to}/package/2006/relationships"><Relationship Id="rId1" '
            f'Type="{to}/officeDocument/2006/relationships/worksheet" '
            'Target="worksheets/sheet1.bin"/></Relationships>',
        )
        archive.writestr(
            "xl/worksheets/sheet1.bin",
            record(129) + size + record(145) + b"".join(rows) + record(146) + record(130),
        )
    return path


@pytest.mark.parametrize("write", [open_document, binary])
def test_workbooks_of_other_kinds_are_read(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    path = write(tmp_path / ("a.ods" if write is open_document else "a.xlsb"))
    found = look(path)
    assert (found.header, found.rows) == (
        ["id", "qty", "price"],
        [["1001", "2", "9.5"], ["1002", "1", "4.25"]],
    )


def test_a_cell_repeated_twenty_million_times_is_refused(tmp_path: Path) -> None:
    """Five hundred bytes, which the reader of workbooks would unfold to forty million cells."""
    filled = '<table:table-cell table:number-columns-repeated="2000" office:value-type="string"/>'
    rows = f'<table:table-row table:number-rows-repeated="20000">{filled}</table:table-row>'
    said = r"a\.ods: a sheet reaches over 20,003 rows and 2,000 columns, .* more than 32 million"
    with pytest.raises(DataError, match=said):
        look(open_document(tmp_path / "a.ods", rows))


def test_a_far_cell_of_a_binary_workbook_is_refused(tmp_path: Path) -> None:
    said = r"a\.xlsb: a sheet reaches over 20,001 rows and 16,384 columns"
    with pytest.raises(DataError, match=said):
        look(binary(tmp_path / "a.xlsb", (20_000, 16_383)))
