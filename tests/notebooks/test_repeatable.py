"""Every report gives the same again, on all that may differ from one run to the next."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from analysis import params
from analysis.ingest.ingest import ingest
from analysis.tables.engine import canonical_dir
from analysis.tables.manifest import write_checksums
from tests.notebooks.test_on_spark import (
    STUDY,
    project,
    run_in,
    run_on_duckdb,
)

pytestmark = pytest.mark.slow

#: Rows that a part of a shuffled file has.
PART = 500


def shuffled(root: Path) -> Path:
    """Ingest the study, and write its tables again with their rows in an order drawn by lot."""
    ingest(params.load(STUDY, root=root).ingest_request(), root=root)
    tables, rng = canonical_dir(STUDY, root=root) / "current", np.random.default_rng(7)
    for path in sorted(tables.resolve().rglob("*.parquet")):
        rows = pq.read_table(path)
        pq.write_table(rows.take(rng.permutation(len(rows))), path, row_group_size=PART)
    write_checksums(tables.resolve())
    return root


def results(run: Path) -> dict[str, bytes]:
    """The bytes of every table, list and finding of a run, and of all that its reports said."""
    rooms = ("tables", "lists", "findings")
    files = [path for room in rooms for path in (run / room).rglob("*") if path.is_file()]
    return {str(path.relative_to(run)): path.read_bytes() for path in [*files, run / "said.json"]}


def test_every_table_is_the_same_byte_for_byte(
    shared_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows lie in another order, in parts for several threads, and words hash otherwise."""
    here = run_on_duckdb(shared_dir / "corner_shop")
    engine = {"kind": "duckdb", "threads": 4}
    monkeypatch.setenv("PYTHONHASHSEED", "4711")
    there = run_in(shuffled(project(tmp_path / "shop", engine=engine)), tmp_path / "again")
    first, again = results(here), results(there)
    assert sorted(again) == sorted(first)
    other = {name for name, content in first.items() if again[name] != content}
    assert other == set()
