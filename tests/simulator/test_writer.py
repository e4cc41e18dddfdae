"""The same seed, the same bytes, on any number of threads; another seed, another shop."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from analysis.simulator import writer
from analysis.simulator.shop import Shop
from analysis.simulator.writer import FIXED, GROWING, simulate, source_files

SMALL = Shop(customers=500, chunk=125, weeks=30, seed=7)


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(SMALL, tmp_path_factory.mktemp("shop") / "one", threads=1)


def test_bytes_do_not_depend_on_threads(written: Path, tmp_path: Path) -> None:
    again = simulate(SMALL, tmp_path / "four", threads=4)
    assert digests(again) == digests(written)


def test_another_seed_is_another_shop(written: Path, tmp_path: Path) -> None:
    other = simulate(Shop(customers=500, chunk=125, weeks=30, seed=8), tmp_path / "other")
    mine, theirs = digests(written), digests(other)
    assert set(mine) == set(theirs)
    # Promotions are dates and names, which no seed changes.
    assert [n for n in mine if mine[n] == theirs[n]] == ["promotions/promotions-00000.parquet"]


def test_chunks_differ_from_each_other(written: Path) -> None:
    parts = sorted((written / "order_lines").glob("*.parquet"))
    assert len(parts) == 4
    assert len({path.read_bytes() for path in parts}) == 4


def test_source_files_are_all_but_the_truth(written: Path) -> None:
    files = source_files(written)
    assert {path.parent.name for path in files} == {*GROWING, *FIXED}
    assert len({path.name for path in files}) == len(files)


def test_a_written_shop_is_left_alone_until_settings_or_code_change(
    written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = simulate(SMALL, tmp_path / "shop")
    before = (folder / "shop.json").stat().st_mtime_ns
    simulate(SMALL, folder)
    assert (folder / "shop.json").stat().st_mtime_ns == before
    simulate(Shop(customers=100, weeks=4, seed=7), folder)
    assert len(list((folder / "order_lines").glob("*.parquet"))) == 1
    monkeypatch.setattr(writer, "_stamp", lambda shop, lines_only: "other code")
    simulate(Shop(customers=100, weeks=4, seed=7), folder)
    assert (folder / "shop.json").read_text() == "other code"


def test_a_crash_leaves_the_old_shop_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = simulate(Shop(customers=50, weeks=4), tmp_path / "shop")
    before = digests(folder)

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer, "generate", fail)
    with pytest.raises(OSError, match="No space left"):
        simulate(Shop(customers=60, weeks=4), folder)
    assert digests(folder) == before
    assert [p.name for p in tmp_path.iterdir()] == ["shop"]


def test_lines_alone_are_the_same_lines(written: Path, tmp_path: Path) -> None:
    folder = simulate(SMALL, tmp_path / "lines", lines_only=True)
    kept = {n: d for n, d in digests(written).items() if n.startswith(("order_lines", "products"))}
    found = digests(folder)
    found.pop("shop.json")
    assert found == kept
