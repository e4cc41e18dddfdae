"""Engines that spill at once: each has a folder of its own, and none is left behind."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import ibis
import pytest

from analysis.ingest.readers import database
from analysis.tables import spilling
from analysis.tables.engine import EngineSettings, connect
from tests.projects import wait_for

SOURCE = Path(spilling.__file__).parents[1]

#: Sorts a million rows in 30 MB, which spills 14 MB, and says their sum and where it spilled.
SORTS = """\
import sys
from analysis.tables.engine import EngineSettings, connect

connection = connect(EngineSettings(memory="30MB", threads=1))
print(connection.raw_sql("select current_setting('temp_directory')").fetchone()[0], flush=True)
rows = (
    f"select i, hash(i + {sys.argv[1]}) k, repeat(chr(65 + (i % 26)::int), 20) s "
    "from range(1000000) t(i)"
)
numbered = f"select i, k, row_number() over (order by k) r from ({rows})"
total = f"select sum((hash(i, k, r) % 1000003)::hugeint) from ({numbered})"
print(connection.raw_sql(total).fetchone()[0])
"""
CONNECTS = """\
from analysis.tables.engine import connect

connection = connect()
print(connection.raw_sql("select current_setting('temp_directory')").fetchone()[0], flush=True)
"""


def start(code: str, *arguments: str, temporary: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(temporary)},
    )


def test_two_processes_that_spill_at_once_equal_one_alone(tmp_path: Path) -> None:
    alone = [start(SORTS, seed, temporary=tmp_path).communicate()[0].split() for seed in "17"]
    both = [start(SORTS, seed, temporary=tmp_path) for seed in "17"]
    said = [process.communicate()[0].split() for process in both]
    assert [one[1:] for one in said] == [one[1:] for one in alone]
    assert len({Path(one[0]).parent for one in said}) == 2
    assert all(len(one) == 2 for one in alone)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", ["", "raise SystemExit(3)", "raise ValueError('no')"])
def test_the_folder_goes_with_its_process(tmp_path: Path, ending: str) -> None:
    process = start(CONNECTS + ending, temporary=tmp_path)
    said, _ = process.communicate()
    assert said.startswith(str(tmp_path / spilling.PREFIX))
    assert list(tmp_path.iterdir()) == []


def test_only_folders_of_processes_that_ended_are_left_overs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = CONNECTS + "import time; time.sleep(36000)"
    killed, living = (start(waits, temporary=tmp_path) for _ in range(2))
    folders = [Path(p.stdout.readline()).parent for p in (killed, living) if p.stdout]
    (folders[0] / "engine-0").mkdir()
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in folders] == [0o700, 0o700]
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    wait_for(folders[0].exists)
    stranger = tmp_path / f"{spilling.PREFIX}link"
    stranger.symlink_to(tmp_path.parent)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    spilling.remove_leftovers()
    assert sorted(tmp_path.iterdir()) == sorted([folders[1], stranger])
    living.kill()
    living.communicate()


def test_every_engine_of_a_process_has_a_path_of_its_own(tmp_path: Path) -> None:
    settings = EngineSettings(memory="1GB", threads=1)
    found = [
        connect(settings).raw_sql("select current_setting('temp_directory')").fetchone()[0]
        for _ in range(2)
    ]
    assert len(set(found)) == 2
    assert {Path(path).parent for path in found} == {spilling._folder_of(os.getpid())}


def test_a_duckdb_database_that_is_a_source_spills_there_too(tmp_path: Path) -> None:
    path = tmp_path / "shop.duckdb"
    shop = ibis.duckdb.connect(path)
    shop.raw_sql("create table t as select 1 as a")
    shop.disconnect()
    connection = database._connect(f"duckdb://{path}", None)
    (found,) = connection.raw_sql("select current_setting('temp_directory')").fetchone()
    connection.disconnect()
    assert Path(found).parent == spilling._folder_of(os.getpid())


def test_nothing_connects_to_duckdb_but_with_a_spill_path() -> None:
    for path in SOURCE.rglob("*.py"):
        code = path.read_text("utf-8")
        if "duckdb.connect(" in code:
            assert "spill_path()" in code, path.name


def test_a_folder_taken_before_it_is_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may sweep a folder between its making and its locking."""
    made = tempfile.mkdtemp
    taken: list[str] = []

    def swept(**options: str) -> str:
        folder = made(dir=tmp_path, **options)
        if not taken:
            Path(folder).rmdir()
            taken.append(folder)
        return folder

    monkeypatch.setattr(tempfile, "mkdtemp", swept)
    folder = spilling._locked_folder()
    assert folder.is_dir()
    assert str(folder) not in taken
