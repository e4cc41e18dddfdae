"""Every report gives the same again, on all that may differ from one run to the next."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from analysis import params
from analysis.ingest.ingest import ingest
from analysis.tables.engine import canonical_dir
from analysis.tables.manifest import write_checksums
from tests.notebooks.test_on_spark import (
    STUDY,
    differences,
    project,
    run_in,
    run_on_duckdb,
    saved,
)

pytestmark = pytest.mark.slow

#: Sums of floats that the database makes in the order in which it reads the rows, and what is
#: taken from them: the same to nine digits. All else is the same byte for byte.
SUMMED = {
    "tables/11_channels/attribution",
    "tables/11_channels/attribution_credits",
    "tables/11_channels/attribution_with_visits",
    "tables/11_channels/cost_per_extra_order",
    "tables/11_channels/holdout_lift",
    "tables/12_web/fault_costs",
    "findings/12_web",
    "tables/00_summary/decisions",
}


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
    assert {Path(name).with_suffix("").as_posix() for name in other} <= SUMMED
    assert apart(saved(here), saved(there)) == {}
    assert apart(findings(here), findings(there)) == {}


def findings(run: Path) -> dict[str, pd.DataFrame]:
    files = sorted((run / "findings").glob("*.json"))
    return {path.stem: pd.DataFrame(json.loads(path.read_text())["findings"]) for path in files}


def apart(ours: dict[str, pd.DataFrame], theirs: dict[str, pd.DataFrame]) -> dict[str, str]:
    """Say of each pair of tables that is not the same to nine digits where it is not."""
    found = {name: differences(ours[name], theirs[name]) for name in ours}
    return {name: words for name, words in found.items() if words}
