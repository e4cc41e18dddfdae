"""A source that changes while it is read: what is published is what was fingerprinted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from analysis.errors import DataError
from analysis.ingest.sources.files import Files
from analysis.tables.manifest import sha256_of
from tests.ingest.shop import GOOD, Shop
from tests.tiny import Journey, frames


def meddle(monkeypatch: pytest.MonkeyPatch, before_reading, after_reading, times: int) -> None:
    """Do something before and after the first ``times`` times that a file is read."""
    original, done = Files.part_feeds, []

    def meddled(self, connection, delivery, directory):
        done.append(delivery.name)
        if len(done) > times:
            return original(self, connection, delivery, directory)
        before_reading(delivery.path)
        feeds = original(self, connection, delivery, directory)
        after_reading(delivery.path)
        return feeds

    monkeypatch.setattr(Files, "part_feeds", meddled)


def rewrite(path: Path, old: str, new: str) -> None:
    stat = path.stat()
    path.write_text(path.read_text().replace(old, new))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_hashed_as_one_read_as_another_and_put_back(shop: Shop, monkeypatch) -> None:
    shop.deliver("a.csv", GOOD)
    meddle(
        monkeypatch,
        lambda path: rewrite(path, "9.99", "1.11"),
        lambda path: rewrite(path, "1.11", "9.99"),
        times=1,
    )
    result = shop.ingest()
    assert [str(r["net_amount"]) for r in shop.table("order_lines")] == ["19.98"]
    assert result.manifest.files[0].sha256 == sha256_of(shop.folder / "a.csv")


def test_a_file_that_never_rests_is_refused(shop: Shop, monkeypatch) -> None:
    shop.deliver("a.csv", GOOD)

    def grow(path: Path) -> None:
        with path.open("a") as stream:
            stream.write(f"{GOOD}\n")

    meddle(monkeypatch, lambda path: None, grow, times=99)
    words = r"a\.csv was written to while it was read, 3 times over; nothing was published\. Wait"
    with pytest.raises(DataError, match=words):
        shop.ingest()
    assert not shop.current.exists()


def test_a_file_that_is_taken_away(shop: Shop, monkeypatch) -> None:
    shop.deliver("a.csv", GOOD)
    shop.deliver("b.csv", GOOD.replace("1001", "1002"))
    meddle(monkeypatch, lambda path: path.unlink(), lambda path: None, times=1)
    assert shop.ingest().manifest.rows["order_lines"] == 1


def test_a_file_that_arrives_meanwhile_waits_for_the_next_ingest(shop: Shop, monkeypatch) -> None:
    shop.deliver("a.csv", GOOD)
    arrival = GOOD.replace("1001", "1002")
    meddle(monkeypatch, lambda path: None, lambda path: shop.deliver("b.csv", arrival), times=1)
    assert shop.ingest().manifest.rows["order_lines"] == 1
    assert shop.ingest().manifest.rows["order_lines"] == 2


def test_a_source_that_is_read_whole(journey: Journey, monkeypatch) -> None:
    from analysis.ingest import ingest as ingesting
    from analysis.ingest import validate

    original, done = validate.write_whole, []

    def meddled(*given):
        found = original(*given)
        if not done:
            done.append(1)
            journey.write("products", frames()["products"].assign(brand="Other"))
        return found

    monkeypatch.setattr(ingesting, "write_whole", meddled)
    result = journey.ingest()
    files = {file.name: file.sha256 for file in result.manifest.files}
    assert files["products.parquet"] == sha256_of(journey.path("products"))


def test_the_torn_last_line_of_a_file_that_grew_is_said(shop: Shop) -> None:
    path = shop.deliver("a.csv", GOOD)
    shop.ingest()
    with path.open("a") as stream:
        stream.write("1002,C1,SKU1,2024-03-02 10:00,2,9.")
    path.write_text(path.read_text() + ",")  # seven fields, the price torn
    result = shop.ingest()
    words = (
        "a.csv ends without a line break: if it was still being written, its last row is cut "
        "short; ingest again once it is whole."
    )
    assert words in result.manifest.notes
    with path.open("a") as stream:
        stream.write("\n")
    assert words not in shop.ingest().manifest.notes
