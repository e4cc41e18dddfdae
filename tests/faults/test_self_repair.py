"""What ingest made and finds damaged is set aside, said, and made again from the sources."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.errors import DataError
from analysis.tables.engine import open_study
from analysis.tables.manifest import Manifest, damage, write_checksums
from tests.ingest.shop import GOOD, Shop

VERSION = "the current version of the tables was damaged"
AGAIN = "it was set aside in shop/.damaged and made again from the sources"


@pytest.fixture
def delivered(shop: Shop) -> Shop:
    """A shop with two orders, ingested."""
    shop.deliver("a.csv", GOOD, GOOD.replace("1001", "1002"))
    shop.ingest()
    return shop


def home(shop: Shop) -> Path:
    return shop.root / "data" / "canonical" / "shop"


def lines(shop: Shop) -> Path:
    return next((shop.current / "order_lines").rglob("*.parquet"))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def nonsense(path: Path) -> None:
    path.write_text('{"study": "shop", "rows": null, "ledger": [], "files": [], "notes": []}')


DAMAGE: list[tuple[str, Callable[[Shop], None], str]] = [
    ("an empty manifest", lambda s: empty(s.current / "manifest.json"), "manifest.json cannot"),
    ("half a manifest", lambda s: halve(s.current / "manifest.json"), "manifest.json cannot"),
    ("a senseless one", lambda s: nonsense(s.current / "manifest.json"), "manifest.json cannot"),
    ("no manifest", lambda s: (s.current / "manifest.json").unlink(), "manifest.json cannot"),
    ("half a table", lambda s: halve(lines(s)), "holds other bytes than were written"),
    ("a table gone", lambda s: lines(s).unlink(), "is missing or cannot be read"),
    ("no checksums", lambda s: (s.current / "checksums.json").unlink(), "checksums.json cannot"),
    ("no version", lambda s: shutil.rmtree(s.current.resolve()), "what current points to is gone"),
]


@pytest.mark.parametrize(("damaging", "why"), [d[1:] for d in DAMAGE], ids=[d[0] for d in DAMAGE])
def test_a_damaged_version_is_made_again(delivered: Shop, damaging, why: str) -> None:
    before = delivered.table("order_lines")
    damaging(delivered)
    result = delivered.ingest()
    assert not result.skipped
    assert result.mended[0].startswith(f"{VERSION} (")
    assert why in result.mended[0]
    assert result.mended[0].endswith(AGAIN)
    assert delivered.table("order_lines") == before
    assert (home(delivered) / ".damaged").is_dir() or why.endswith("is gone")
    again = delivered.ingest()
    assert (again.skipped, again.mended) == (True, ())
    open_study("shop", root=delivered.root).close()


def test_a_damaged_part_comes_into_no_new_version(delivered: Shop) -> None:
    halve(lines(delivered))  # the version and the part share their files
    delivered.deliver("b.csv", GOOD.replace("1001", "1003"))
    result = delivered.ingest()
    assert result.manifest.rows["order_lines"] == 3
    assert len(result.mended) == 1
    assert result.mended[0].startswith("the part made of a.csv was damaged (order_lines/month=")
    assert result.mended[0].endswith(AGAIN)


def test_a_damaged_record_of_a_part(delivered: Shop) -> None:
    (record,) = (home(delivered) / ".parts").glob("*/part.json")
    empty(record)
    delivered.deliver("b.csv", GOOD.replace("1001", "1003"))
    result = delivered.ingest()
    assert result.manifest.rows["order_lines"] == 3
    assert "the part made of a.csv was damaged (part.json cannot be read)" in result.mended[0]


def test_a_file_or_a_folder_where_a_link_belongs(delivered: Shop) -> None:
    """A project copied without its links is as good as the project."""
    shutil.copytree(delivered.current, home(delivered) / "copy")
    delivered.current.unlink()
    (home(delivered) / "copy").rename(delivered.current)
    assert delivered.ingest().manifest.rows["order_lines"] == 2
    assert delivered.current.is_symlink()
    delivered.current.unlink()
    delivered.current.write_text("nothing")
    assert "current is a file" in delivered.ingest().mended[0]


def test_parts_and_leftovers_that_are_no_folders(delivered: Shop) -> None:
    shutil.rmtree(home(delivered) / ".parts")
    (home(delivered) / ".parts").write_text("")
    (home(delivered) / ".staging-1").write_text("")
    (home(delivered) / ".current-1").mkdir()
    delivered.deliver("b.csv", GOOD.replace("1001", "1003"))
    assert "the folder of parts was damaged (it is a file)" in delivered.ingest().mended[0]


def test_a_file_where_the_tables_belong(shop: Shop) -> None:
    home(shop).parent.mkdir(parents=True)
    home(shop).write_text("")
    with pytest.raises(DataError, match=r"shop is a file where the tables of shop belong; move it"):
        shop.ingest()


def test_equal_size_and_time_hide_no_change(delivered: Shop) -> None:
    """The modification time can be put back; that the file was changed cannot be hidden."""
    path = delivered.folder / "a.csv"
    before = path.stat()
    path.write_text(path.read_text().replace("9.99", "8.99"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    delivered.ingest()
    assert {str(r["net_amount"]) for r in delivered.table("order_lines")} == {"17.98"}


def test_force_reads_the_contents_whatever_is_known_of_them(delivered: Shop) -> None:
    """Where even the hash in the manifest is that of the file as it is now."""
    path = delivered.folder / "a.csv"
    path.write_text(path.read_text().replace("9.99", "8.99"))
    stat = path.stat()
    manifest = Manifest.read(delivered.current / "manifest.json")
    (known,) = manifest.files
    told = {"size": stat.st_size, "modified_ns": stat.st_mtime_ns, "changed_ns": stat.st_ctime_ns}
    object.__setattr__(manifest, "files", (type(known)(**{**vars(known), **told}),))
    manifest.write(delivered.current / "manifest.json")
    write_checksums(delivered.current)
    assert delivered.ingest().skipped
    delivered.ingest(force=True)
    assert {str(r["net_amount"]) for r in delivered.table("order_lines")} == {"17.98"}


def test_checksums_of_unchanged_size_and_time_are_checked_where_asked(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("one")
    write_checksums(tmp_path)
    stat = path.stat()
    path.write_text("two")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert damage(tmp_path) == ""
    assert damage(tmp_path, thorough=True) == "a holds other bytes than were written"
