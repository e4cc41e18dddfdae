from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pytest
from python_calamine import CalamineWorkbook

from analysis.errors import DataError
from analysis.reporting.contacts import crm_formats

LIST = pd.DataFrame(
    {
        "customer_id": ["30", "10", "20"],
        "promotion_id": ["spring"] * 3,
        "arm": ["treatment", "control", "treatment"],
        "offer": ["=1+1", "5 %", None],
    }
)


def test_zoho_takes_csv_with_its_field_names_and_no_control(tmp_path: Path) -> None:
    (path,) = crm_formats.write(LIST, tmp_path, name="spring", system="zoho_crm")
    with path.open(encoding="utf-8") as stream:
        rows = list(csv.reader(stream))
    assert rows == [
        ["Id", "Target_List", "Target_Arm", "Offer"],
        ["20", "spring", "treatment", ""],
        ["30", "spring", "treatment", "'=1+1"],
    ]


def test_fxiaoke_takes_a_workbook_with_chinese_headers(tmp_path: Path) -> None:
    (path,) = crm_formats.write(LIST, tmp_path, name="spring", system="fxiaoke")
    sheet = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    assert sheet[0] == ["客户名称", "营销名单", "实验分组", "优惠"]
    assert sheet[2] == ["30", "spring", "treatment", "=1+1"]  # a text, no formula


def test_a_long_list_is_cut_into_files_that_the_crm_takes(tmp_path: Path) -> None:
    many = pd.DataFrame({"customer_id": [f"{i:06d}" for i in range(60_001)]})
    paths = crm_formats.write(many, tmp_path, name="all", system="zoho_crm")
    sizes = [len(p.read_text().splitlines()) - 1 for p in paths]
    assert [p.name for p in paths] == ["all-1.csv", "all-2.csv", "all-3.csv"]
    assert sizes == [25_000, 25_000, 10_001]


@pytest.mark.parametrize("arm", ["control", "holdout"])
@pytest.mark.parametrize("system", ["csv", "mail"])
def test_who_is_held_out_is_in_no_file(tmp_path: Path, arm: str, system: str) -> None:
    held = LIST.replace({"arm": {"control": arm}})
    (path,) = crm_formats.write(held, tmp_path, name="spring", system=system)  # type: ignore[arg-type]
    assert [line[:2] for line in path.read_text().splitlines()[1:]] == ["20", "30"]


@pytest.mark.parametrize(
    ("ids", "sentence"),
    [(["1", "1"], "stands in the list twice"), (["1", None], "needs a customer")],
)
def test_a_list_that_is_none(tmp_path: Path, ids: list, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        crm_formats.write(pd.DataFrame({"customer_id": ids}), tmp_path, name="x", system="csv")


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("@sum(A1)", "'@sum(A1)"),
        ("-2+3", "'-2+3"),
        ("+49 30 1234", "'+49 30 1234"),
        ("\tx", "'\tx"),
        ("-8.63", "-8.63"),
        ("1e-05", "1e-05"),
        ("plain", "plain"),
    ],
)
def test_what_looks_like_a_formula_is_made_harmless(cell: str, written: str) -> None:
    assert crm_formats.harmless(cell) == written
