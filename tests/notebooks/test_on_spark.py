"""Reports are the same on a Spark cluster as on DuckDB, ingest included."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from analysis.reporting.execution.kernel import FIXED
from analysis.reporting.store.layout import StudyReports
from analysis.reporting.store.run_record import RunRecord
from analysis.tables.engine import canonical_dir
from analysis.tables.manifest import Manifest
from analysis.tables.spark_engine import PARTS
from tests.spark_cluster import Cluster, cluster

REPOSITORY = Path(__file__).parents[2]
STUDY = "corner_shop"

#: A shop small enough for every notebook, and large enough that none is without its main results.
PARAMS: dict[str, Any] = {
    "study": STUDY,
    "title": "Corner shop",
    "source": {
        "kind": "simulated", "customers": 400, "products": 200, "stores": 2, "weeks": 80,
        "start": "2024-01-01",
    },
    "as_of": "2025-07-14",
    "timezone": "Europe/Berlin",
    "currency": "EUR",
    "seed": 11,
    "reports": {
        "02_segmentation": {"resamples": 20, "most_clusters": 4},
        "03_deciles": {"bootstrap": 200},
        "04_forecast": {
            "origins": 5, "products": 40, "levers": 4, "country": "DE", "holidays": "Good Friday",
        },
        "05_baskets": {
            "shuffles": 19, "target": "Snacks", "switching_category": "Cola",
            "switching_by": "name",
        },
        "06_promotions": {"resamples": 200, "campaigns": 2},
        "07_value": {"draws": 50},
        "11_channels": {
            "bootstrap": 100, "random_variants": ["1 a month", "2 a month", "6 a month"],
        },
    },
}  # fmt: skip

#: Reports of which nothing comes to the driver row by row.
ROWS_STAY = ("01_profiling", "02_segmentation", "03_deciles", "05_baskets")

pytestmark = [pytest.mark.spark, pytest.mark.slow, pytest.mark.timeout(7_200)]


def project(root: Path, **changes: Any) -> Path:
    """Lay out a project with the repository's notebooks and the study."""
    (root / "params").mkdir(parents=True)
    shutil.copytree(
        REPOSITORY / "notebooks", root / "notebooks", ignore=shutil.ignore_patterns(".*")
    )
    written = yaml.safe_dump({**PARAMS, **changes}, sort_keys=False)
    (root / "params" / f"{STUDY}.yaml").write_text(written)
    return root


def saved(folder: Path) -> dict[str, pd.DataFrame]:
    """Return every result table of a run, those that name customers included."""
    rooms = (folder / "tables", folder / "lists")
    return {
        str(path.relative_to(folder)): pd.read_parquet(path)
        for room in rooms
        for path in sorted(room.rglob("*.parquet"))
    }


def differences(ours: pd.DataFrame, theirs: pd.DataFrame) -> str:
    """Return where two tables differ: money, counts and words at all, others by more than 1e-9."""
    if list(ours.columns) != list(theirs.columns) or len(ours) != len(theirs):
        return f"{ours.shape} {list(ours)} against {theirs.shape} {list(theirs)}"
    for name in ours:
        one, other = ours[name], theirs[name]
        if pd.api.types.is_float_dtype(one) and pd.api.types.is_float_dtype(other):
            same = np.isclose(one, other, rtol=1e-9, atol=1e-9, equal_nan=True)
        else:
            same = np.array([alike(a, b) for a, b in zip(one, other, strict=True)])
        if not same.all():
            row = int(np.argmin(same))
            return f"{name}, row {row}: {one.iloc[row]!r} against {other.iloc[row]!r}"
    return ""


def alike(one: Any, other: Any) -> bool:
    """Tell whether two values are the same; what is missing is like what is missing."""
    if isinstance(one, Decimal | str | bool | int) or isinstance(other, Decimal | str):
        return bool(one == other)
    missing = pd.isna(one), pd.isna(other)
    if np.ndim(missing[0]) or np.ndim(missing[1]):
        return str(one) == str(other)
    return bool(all(missing) or (not any(missing) and one == other))


@pytest.fixture(scope="module")
def spark_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if shutil.which("java") is None and not os.environ.get("CI"):
        pytest.skip("there is no Java here: install one to test the Spark engine")
    with cluster(tmp_path_factory.mktemp("cluster")) as made:
        yield made


@pytest.fixture(scope="module")
def command(
    spark_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A project on the cluster, ingested there, and one report run as a user runs it.

    Here and in every report below rows are dealt out to both workers, as those of larger shops are.
    """
    engine = spark_cluster.settings(**{PARTS: "2"})
    root = project(tmp_path_factory.mktemp("spark") / "shop", engine=engine)
    words = [sys.executable, "-m", "analysis", "run", STUDY, "--only", "03", "--jobs", "1"]
    return root, subprocess.run(words, cwd=root, capture_output=True, text=True, check=False)


def run_in(root: Path, folder: Path) -> Path:
    """Run every notebook of a project in a process of its own and return where the tables are."""
    command = [sys.executable, "-m", "tests.notebooks.on_engine", str(root), STUDY, str(folder)]
    env = {**FIXED, **os.environ}  # as a kernel has it, whose libraries need one thread
    done = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, check=False, env=env
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert json.loads((folder / "errors.json").read_text()) == {}
    return folder


def run_on_duckdb(shared: Path) -> Path:
    """Run every notebook on DuckDB, once for all workers, and return where the tables are."""
    folder = shared / "run"
    shared.mkdir(exist_ok=True)
    with (shared / "lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        return (
            folder
            if (folder / "errors.json").exists()
            else run_in(project(shared / "shop"), folder)
        )


def test_a_run_on_a_cluster_is_published_and_says_nothing_of_its_log(
    command: tuple[Path, subprocess.CompletedProcess[str]], spark_cluster: Cluster
) -> None:
    """As a user does it: the command, a process a notebook, a session a process."""
    root, done = command
    assert (done.returncode, done.stderr) == (0, "")
    folder = StudyReports.of(STUDY, root=root).runs()[0]
    record = RunRecord.read(folder.run_json)
    assert record.reports["03_deciles"].status == "done"
    page = folder.page("03_deciles").read_text()
    assert "incubator" not in page
    assert '<section id="warnings"' not in page
    assert spark_cluster.executors() >= 4, "two workers, in ingest and in the report"


def test_every_report_is_the_same_on_a_cluster(
    command: tuple[Path, subprocess.CompletedProcess[str]],
    spark_cluster: Cluster,
    tmp_path: Path,
    shared_dir: Path,
) -> None:
    """Every table and every sentence of every notebook there is."""
    elsewhere, before = command[0], spark_cluster.executors()
    shutil.rmtree(elsewhere / "reports")  # what is compared has no earlier run to look back on
    here = run_on_duckdb(shared_dir / "corner_shop")
    there = run_in(elsewhere, tmp_path / "there")
    assert spark_cluster.executors() == before + 2, "what is ingested is not ingested again"
    ours, theirs = saved(here), saved(there)
    reports = {path.stem for path in (REPOSITORY / "notebooks").glob("*.ipynb")}
    assert {name.split("/")[1] for name in ours} == reports
    assert sorted(ours) == sorted(theirs)
    found = {name: differences(ours[name], theirs[name]) for name in ours}
    assert {name: words for name, words in found.items() if words} == {}
    said, told = (json.loads((folder / "said.json").read_text()) for folder in (here, there))
    assert said == told
    manifest = Manifest.read(canonical_dir(STUDY, root=elsewhere) / "current" / "manifest.json")
    costs = json.loads((there / "costs.json").read_text())
    brought = {who: n for name in ROWS_STAY for who, n in costs[name]["collected"].items()}
    rows = {who for who, n in brought.items() if n > manifest.rows["order_lines"] / 3}
    assert rows == set(), "line by line: let the workers add up, or run the kernel there"
