"""Whole files that are damaged, odd or hostile: refused in one sentence, or read and accounted."""

from __future__ import annotations

import gzip
import io
import stat
import zipfile
from pathlib import Path

import pytest

from analysis.errors import AnalysisError, DataError, ParamsError
from tests.ingest.shop import GOOD, HEADER, Shop, changed, judge

TEXT = f"{HEADER}\n{GOOD}\n{GOOD.replace('1001', '1002')}\n"


def zipped(path: Path, **members: str | bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def refused(shop: Shop, sentence: str, kind: type[AnalysisError] = DataError) -> None:
    """The ingest is refused in these words and leaves nothing behind."""
    with pytest.raises(kind, match=sentence):
        shop.ingest()
    home = shop.root / "data" / "canonical" / "shop"
    assert not (home / "current").exists()
    assert not list(home.glob(".staging-*"))


def test_a_truncated_gzip(shop: Shop) -> None:
    whole = gzip.compress((TEXT * 500).encode())
    (shop.folder / "a.csv.gz").write_bytes(whole[: len(whole) // 2])
    refused(shop, r"a\.csv\.gz ends in mid-file: it was cut off; deliver it again")


def test_a_gzip_that_is_none(shop: Shop) -> None:
    (shop.folder / "a.csv.gz").write_bytes(TEXT.encode())
    refused(shop, r"a\.csv\.gz is damaged")


def test_a_damaged_zip(shop: Shop) -> None:
    (shop.folder / "a.zip").write_bytes(b"PK\x03\x04 no archive")
    refused(shop, r"a\.zip is damaged")


@pytest.mark.parametrize("suffix", [".zip", ".csv.gz"])
def test_a_bomb_is_refused_before_it_has_unpacked(shop: Shop, suffix: str, monkeypatch) -> None:
    from analysis.ingest.readers import archives

    monkeypatch.setattr(archives, "FREE_BYTES", 2**20)
    content = HEADER.encode() + b"\n" + b"0" * 20_000_000
    path = shop.folder / f"bomb{suffix}"
    if suffix == ".zip":
        zipped(path, **{"bomb.csv": content})
    else:
        path.write_bytes(gzip.compress(content))
    refused(shop, r"unpacks to more than .* MB, over 200 times its size; it is refused")


def test_a_workbook_that_is_a_bomb(shop: Shop, monkeypatch) -> None:
    from analysis.ingest.readers import archives

    monkeypatch.setattr(archives, "FREE_BYTES", 2**20)
    zipped(shop.folder / "bomb.xlsx", **{"xl/worksheets/sheet1.xml": b" " * 20_000_000})
    refused(shop, "is refused as an archive bomb")


@pytest.mark.parametrize("name", ["../../etc/passwd.csv", "/etc/passwd.csv", "a\\..\\..\\b.csv"])
def test_a_zip_member_that_leads_out(shop: Shop, name: str) -> None:
    zipped(shop.folder / "a.zip", **{name: TEXT})
    refused(shop, "which leads out of the archive")


def test_a_zip_member_that_is_a_link(shop: Shop) -> None:
    with zipfile.ZipFile(shop.folder / "a.zip", "w") as archive:
        info = zipfile.ZipInfo("a.csv")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    refused(shop, "which is a symbolic link")


def test_an_archive_in_an_archive(shop: Shop) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("a.csv", TEXT)
    zipped(shop.folder / "a.zip", **{"inner.zip": inner.getvalue()})
    refused(shop, "an archive in an archive")


def test_an_empty_zip(shop: Shop) -> None:
    zipped(shop.folder / "a.zip")
    refused(shop, r"a\.zip holds no file")


def test_a_symbolic_link(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text(TEXT)
    (shop.folder / "a.csv").symlink_to(tmp_path / "secret.csv")
    refused(shop, r"a\.csv is or lies behind a symbolic link")


def test_a_folder_behind_a_symbolic_link(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.csv").write_text(TEXT)
    (shop.folder / "sub").symlink_to(tmp_path / "elsewhere")
    shop.map(changed(paths=["sub/*.csv"]))
    refused(shop, "lies behind a symbolic link")


@pytest.mark.parametrize("pattern", ["../*.csv", "/etc/*.csv", "a/../../*.csv"])
def test_a_pattern_that_leads_out(shop: Shop, pattern: str) -> None:
    shop.map(changed(paths=[pattern]))
    refused(shop, "leads out of the source's folder", ParamsError)


def test_no_file_at_all(shop: Shop) -> None:
    refused(shop, r"no file in data/raw/shop matches \*\.csv or .*names as its sales")


def test_an_empty_file(shop: Shop) -> None:
    (shop.folder / "a.csv").write_bytes(b"")
    refused(shop, r"a\.csv is empty")


def test_a_header_and_nothing_else(shop: Shop) -> None:
    shop.deliver("a.csv")
    result = shop.ingest()
    assert result.manifest.rows == {"order_lines": 0, "products": 0, "customers": 0}
    assert shop.table("order_lines") == []


def test_a_file_of_nothing_but_bad_rows(shop: Shop) -> None:
    shop.deliver("a.csv", *["x"] * 5)
    refused(shop, "none of its 5 rows can be used for order_lines; .* it has 1 fields where")


def test_a_binary_file_with_a_text_suffix(shop: Shop) -> None:
    (shop.folder / "a.csv").write_bytes(bytes(range(256)) * 70_000)
    refused(shop, "a.csv")


def test_a_header_without_a_column_that_is_needed(shop: Shop) -> None:
    (shop.folder / "a.csv").write_text("id,customer,sku,when,qty,note\n")
    refused(shop, r"a\.csv has no column 'price'; its header has id, customer, sku")


def test_a_header_with_a_name_twice_is_not_guessed_at(shop: Shop) -> None:
    (shop.folder / "a.csv").write_text(TEXT.replace("qty", "price", 1))
    refused(shop, r"no column '(qty|price)'; its header has .*price \(1\), price \(2\)")


def test_a_name_twice_that_nobody_needs_is_fine(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"{HEADER},extra,extra\n{GOOD},1,2\n")
    assert len(judge(tmp_path / "a.csv", tmp_path / "w").accepted) == 1


def test_a_corrupt_workbook(shop: Shop) -> None:
    (shop.folder / "a.xlsx").write_bytes(b"no workbook")
    refused(shop, r"a\.xlsx cannot be read as a workbook")


def test_a_corrupt_parquet(shop: Shop) -> None:
    (shop.folder / "a.parquet").write_bytes(b"PAR1 nothing")
    refused(shop, r"a\.parquet cannot be read as Parquet")


def test_json_lines_with_broken_ones(tmp_path: Path) -> None:
    good = '{"id":"1","customer":"C","sku":"S","when":"2024-03-01 10:00","qty":2,"price":1.5}'
    path = tmp_path / "a.jsonl"
    twice = good.replace("{", '{"qty":3,')
    path.write_text(f'{good}\n{{"id":\n[1]\n\n{good.replace(":2", ":NaN")}\n{good}\n{twice}\n')
    verdict = judge(path, tmp_path / "w", without_note())
    assert len(verdict.accepted) == 2
    assert verdict.rejected == {
        "the line is not a JSON object": 2,
        "qty is not a number": 1,
        "the object has a key twice": 1,
    }
    assert verdict.dropped == {"blank line": 1}


def without_note() -> dict:
    other = changed()
    del other["tables"][1]["columns"]["name"]
    return other


ENCODED = [
    ("utf-8-sig", "emojis 🧸 é", None),
    ("utf-16", "naïve 中文", "UTF-16"),
    ("gb18030", "上海百货有限公司 茶壶 连衣裙 牛奶巧克力 订单", "GB18030"),
    ("big5", "臺北百貨股份有限公司 茶壺 連衣裙 牛奶巧克力 訂單", "Big5"),
    ("latin-1", "CAFÉ AU LAIT, £ CRÈME", "Latin-1"),
]


@pytest.mark.parametrize(("encoding", "word", "said"), ENCODED)
def test_encodings_are_detected_and_said(tmp_path: Path, encoding: str, word: str, said) -> None:
    lines = [f'{i},C1,"{word}",2024-03-01 10:00,1,1.00,ok' for i in range(20)]
    path = tmp_path / "a.csv"
    path.write_bytes("\r\n".join([HEADER, *lines]).encode(encoding))
    verdict = judge(path, tmp_path / "w")
    assert {r["product_id"] for r in verdict.accepted} == {word}
    assert len(verdict.accepted) == 20
    assert (said is None and verdict.notes == ()) or said in verdict.notes[0]


def test_mixed_encodings_refuse_the_foreign_lines_only(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    utf8 = [f"{i},C1,é,2024-03-01 10:00,1,1.00,ok".encode() for i in range(9)]
    path.write_bytes(
        b"\n".join([HEADER.encode(), *utf8, "9,C1,é,2024-03-01 10:00,1,1,x".encode("latin-1")])
    )
    verdict = judge(path, tmp_path / "w")
    assert len(verdict.accepted) == 9
    assert verdict.rejected == {"the line is not valid UTF-8": 1}


def test_a_stated_encoding_that_does_not_exist(shop: Shop) -> None:
    shop.deliver("a.csv", GOOD)
    shop.map(changed(encoding="klingon"))
    refused(shop, "encoding 'klingon' does not exist", ParamsError)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_line_ends(tmp_path: Path, end: str, last: bool) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes((end.join([HEADER, GOOD, GOOD]) + (end if last else "")).encode())
    verdict = judge(path, tmp_path / "w")
    assert (len(verdict.accepted), verdict.total) == (2, 2)


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_delimiters_are_found(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"{HEADER}\n{GOOD}\n".replace(",", delimiter))
    assert len(judge(path, tmp_path / "w").accepted) == 1


def test_the_refused_rows_are_kept_with_their_line(shop: Shop) -> None:
    shop.deliver("a.csv", GOOD, "", "1002,C1,SKU1,2024-03-01 10:00,two,9.99,ok", "short")
    shop.ingest()
    found = {
        (r["source"], r["line"], r["reason"], r["source_row"]) for r in shop.rejected("order_lines")
    }
    row = (
        "id=1002 | customer=C1 | sku=SKU1 | when=2024-03-01 10:00 | qty=two | price=9.99 | note=ok"
    )
    assert found == {
        ("a.csv", 4, "qty is not a number", row),
        ("a.csv", 5, "it has 1 fields where the header has 7", "short"),
    }


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"headr": "1"},
            r"shop\.yaml: files\.sales\.headr: no such key; allowed are paths, format",
        ),
        ({"header": "first"}, r"shop\.yaml: files\.sales\.header: Input should be a valid integer"),
        ({"delimiter": ";;"}, r"shop\.yaml: files\.sales\.delimiter: delimiter must be auto"),
        ({"header": "0"}, r"names must list the columns"),
    ],
)
def test_a_mapping_with_a_mistake(shop: Shop, change: dict, sentence: str) -> None:
    shop.map(changed(**change))
    shop.deliver("a.csv", GOOD)
    refused(shop, sentence, ParamsError)
