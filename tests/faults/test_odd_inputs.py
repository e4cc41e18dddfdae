"""What used to end in a traceback: odd times, patterns, Parquet, names and lookups."""

from __future__ import annotations

import copy
import os
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.errors import DataError, ParamsError
from tests.faults.test_bad_files import TEXT, refused
from tests.ingest.shop import GOOD, HEADER, MAPPING, Shop, changed, judge


def mapped(**columns: Any) -> dict[str, Any]:
    """Return the mapping with other columns of its order lines."""
    other = copy.deepcopy(MAPPING)
    other["tables"][0]["columns"] |= columns
    return other


@pytest.mark.parametrize("unit", ["excel", "unix", "unix_ms"])
@pytest.mark.parametrize("odd", ["1e13", "1e300", "-1e300", "inf", "-inf", "nan"])
def test_a_serial_time_beyond_all_times_costs_its_row(tmp_path: Path, unit: str, odd: str) -> None:
    good = {"excel": "45351.25", "unix": "1709100000", "unix_ms": "1709100000000"}[unit]
    lines = [GOOD.replace("2024-03-01 10:00", when) for when in (good, odd)]
    (tmp_path / "a.csv").write_text("\n".join([HEADER, *lines]) + "\n")
    when = {"column": "when", "dates": [unit], "timezone": "UTC"}
    verdict = judge(tmp_path / "a.csv", tmp_path / "w", mapped(ordered_at=when))
    assert len(verdict.accepted) == 1
    assert set(verdict.rejected) <= {
        "when is not a time in the format stated",
        "ordered_at lies outside the years 1900 to 2199",
    }
    assert sum(verdict.rejected.values()) == 1


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ("", r"dates: '' is no format of dates: write one such as %d/%m/%Y %H:%M"),
        ("dd.mm.yyyy", r"dates: 'dd\.mm\.yyyy' is no format of dates: write one such as"),
        ("%d/%Q", r"dates: '%d/%Q' is no format of dates that the engine knows \(.*%Q"),
        ("%d/%", r"dates: '%d/%' is no format of dates that the engine knows"),
    ],
)
def test_a_format_of_dates_that_is_none(shop: Shop, form: str, sentence: str) -> None:
    shop.deliver("a.csv", GOOD)
    shop.map(mapped(ordered_at={"column": "when", "dates": [form]}))
    refused(shop, r"shop\.yaml: tables\.0\.columns\.ordered_at: " + sentence, ParamsError)


@pytest.mark.parametrize("pattern", [r"(a)\1", "a(?=b)", "a{1,2000}"])
def test_a_regular_expression_that_the_engine_lacks(shop: Shop, pattern: str) -> None:
    shop.deliver("a.csv", GOOD)
    shop.map(mapped(customer_id={"column": "customer", "extract": pattern}))
    words = r"uses what the engine's regular expressions lack, such as back references and look-"
    refused(shop, words, ParamsError)


def test_an_expression_whose_brackets_catch_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"{HEADER}\n{GOOD}\n")
    extract = {"column": "customer", "extract": "(?:C)1"}
    verdict = judge(tmp_path / "a.csv", tmp_path / "w", mapped(customer_id=extract))
    assert [row["customer_id"] for row in verdict.accepted] == ["C1"]


def parquet(path: Path, rows: int = 5_000, **columns: Any) -> Path:
    frame = {
        "id": [str(1000 + n) for n in range(rows)],
        "customer": ["C1"] * rows,
        "sku": [f"S{n}" for n in range(rows)],
        "when": ["2024-03-01 10:00"] * rows,
        "qty": [2.0] * rows,
        "price": [1.5] * rows,
        "note": ["x"] * rows,
    }
    pd.DataFrame({**frame, **columns}).to_parquet(path)
    return path


def test_parquet_with_corrupt_pages(shop: Shop) -> None:
    path = parquet(shop.folder / "a.parquet")
    content = bytearray(path.read_bytes())
    for place in range(200, len(content) // 2, 97):
        content[place] ^= 0xFF
    path.write_bytes(content)
    refused(shop, r"^a\.parquet cannot be read: .*a\.parquet")


def test_ids_that_parquet_holds_as_floats(shop: Shop) -> None:
    ids = [1.0, 2.5, None, float("inf"), 1e20]
    parquet(shop.folder / "a.parquet", rows=5, customer=ids)
    shop.ingest()
    found = {row["customer_id"] for row in shop.table("order_lines")}
    assert found == {"1", "2.5", None, "inf", "1e+20"}


@pytest.mark.parametrize("name", [".", "./", ""])
def test_a_zip_member_without_a_name(shop: Shop, name: str) -> None:
    with zipfile.ZipFile(shop.folder / "a.zip", "w") as archive:
        info = zipfile.ZipInfo("a.csv")
        info.filename = name
        archive.writestr(info, TEXT if not name.endswith("/") else "")
    refused(shop, r"a\.zip holds (no file|'\.?', which is no name of a file)")


def test_a_zip_member_that_stands_there_twice(shop: Shop) -> None:
    with zipfile.ZipFile(shop.folder / "a.zip", "w") as archive:
        archive.writestr("a.csv", TEXT)
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a.csv", TEXT)
    refused(shop, r"a\.zip holds 'a\.csv' twice; which is meant\?")


def test_a_file_name_of_other_bytes_than_utf8(shop: Shop) -> None:
    (shop.folder / os.fsdecode(b"caf\xe9.csv")).write_text(TEXT)
    refused(shop, r"the name of caf\\xe9\.csv is not valid UTF-8; rename the file")


def looking_up(*lookups: dict[str, str]) -> dict[str, Any]:
    """Items whose orders name the person and whose persons name the card."""
    other = changed(paths=["items.*"], lookup=list(lookups))
    other["files"] |= {"orders": {"paths": ["orders.*"]}, "persons": {"paths": ["persons.*"]}}
    for table in (other["tables"][0], other["tables"][2]):
        table["columns"]["customer_id"] = "persons.card"
    return other


ORDERS = {"files": "orders", "match": "id", "key": "oid"}
PERSONS = {"files": "persons", "match": "orders.person", "key": "pid"}


@pytest.mark.parametrize("lookups", [[ORDERS, PERSONS], [PERSONS, ORDERS]])
def test_a_lookup_on_a_column_looked_up(shop: Shop, lookups: list[dict[str, str]]) -> None:
    shop.deliver("items.csv", GOOD, GOOD.replace("1001", "1002"))
    (shop.folder / "orders.csv").write_text("oid,person\n1001,p1\n1002,p2\n")
    (shop.folder / "persons.csv").write_text("pid,card\np1,K1\np2,K2\n")
    shop.map(looking_up(*lookups))
    shop.ingest()
    found = {row["order_id"]: row["customer_id"] for row in shop.table("order_lines")}
    assert found == {"1001": "K1", "1002": "K2"}


def test_lookups_in_a_circle(shop: Shop) -> None:
    shop.deliver("items.csv", GOOD)
    (shop.folder / "orders.csv").write_text("oid,person\n1001,p1\n")
    (shop.folder / "persons.csv").write_text("pid,card\np1,K1\n")
    shop.map(looking_up({**ORDERS, "match": "persons.card"}, PERSONS))
    refused(shop, "the lookups of the mapping match on each other's columns in a circle")


def test_a_lookup_by_whole_numbers_kept_as_floats(shop: Shop) -> None:
    parquet(shop.folder / "items.parquet", rows=2, id=[1.0, 2.0])
    (shop.folder / "orders.csv").write_text("oid,person\n1,7\n2,8\n")
    people = pd.DataFrame({"pid": [7.0, 8.0], "card": [70.0, 80.0]})
    people.to_parquet(shop.folder / "persons.parquet")
    shop.map(looking_up(ORDERS, PERSONS))
    shop.ingest()
    assert {row["customer_id"] for row in shop.table("order_lines")} == {"70", "80"}


def test_memory_that_does_not_reach_is_said() -> None:
    import duckdb

    from analysis.errors import AnalysisError
    from analysis.tables.spilling import reading

    connection = duckdb.connect(config={"memory_limit": "4MB", "temp_directory": ""})
    words = r"a\.csv needs more memory than the engine may use; raise engine: memory: in the params"
    with pytest.raises(AnalysisError, match=words), reading("a.csv"):
        connection.execute("SELECT list(i) FROM range(10_000_000) t(i)").fetchall()
    words = r"a\.csv cannot be read: Conversion Error"
    with pytest.raises(DataError, match=words), reading("a.csv"):
        connection.execute("SELECT 'x'::INT").fetchall()
    connection.close()
