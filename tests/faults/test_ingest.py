"""Bad sources: a clear sentence, the last good tables in place, nothing half-written."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from analysis.errors import AnalysisError, DataError
from analysis.ingest.ingest import ingest
from analysis.tables.engine import EngineSettings, open_study
from analysis.tables.manifest import Manifest
from tests.projects import SECONDS
from tests.tiny import Journey, frames


def refused(journey: Journey, sentence: str) -> None:
    """The ingest is refused in these words, and the tables of before are untouched."""
    before = journey.canonical.resolve() if journey.canonical.exists() else None
    with pytest.raises(DataError, match=sentence):
        journey.ingest()
    after = journey.canonical.resolve() if journey.canonical.exists() else None
    assert after == before
    assert not list(journey.canonical.parent.glob(".staging-*"))


def test_good_files_give_reconciled_tables(journey: Journey) -> None:
    manifest = journey.ingest().manifest
    assert manifest.rows == {
        "customers": 3,
        "products": 2,
        "order_lines": 4,
        "promotions": 1,
        "promotion_products": 1,
        "assignments": 2,
        "redemptions": 1,
        "placements": 2,
    }
    lost = {rule: n for e in manifest.ledger for rule, n in e.dropped.items()}
    assert lost == {"exact duplicate": 1, "repeated product, store and week": 1}


def test_a_missing_file(journey: Journey) -> None:
    journey.ingest()
    journey.path("coupons").unlink()
    refused(journey, r"coupons\.parquet is missing from .*expected the files of")


def test_a_corrupt_file(journey: Journey) -> None:
    journey.ingest()
    journey.path("products").write_bytes(b"PAR1 nothing of the kind")
    refused(journey, r"products\.parquet cannot be read as Parquet")


def test_a_truncated_file(journey: Journey) -> None:
    journey.ingest()
    content = journey.path("transactions").read_bytes()
    journey.path("transactions").write_bytes(content[: len(content) // 2])
    refused(journey, r"transactions\.parquet cannot be read as Parquet")


def test_a_missing_column(journey: Journey) -> None:
    journey.write("transactions", frames()["transactions"].drop(columns="sales_value"))
    refused(journey, r"transactions\.parquet has no column sales_value; it has household_id")


def test_a_column_of_the_wrong_type(journey: Journey) -> None:
    transactions = frames()["transactions"]
    journey.write("transactions", transactions.assign(sales_value="2,50"))
    refused(journey, r"transactions\.parquet: column sales_value is string, expected number")


def test_a_duplicated_key_is_rejected_and_told(journey: Journey) -> None:
    products = frames()["products"]
    journey.write("products", pd.concat([products, products.assign(department="DELI").head(1)]))
    manifest = journey.ingest().manifest
    (entry,) = [e for e in manifest.ledger if e.table == "products"]
    assert entry.rejected == {"product_id stands in several rows": 2}
    rejected = pd.read_parquet(journey.canonical / "rejected" / "products")
    assert sorted(rejected["source_key"]) == ["product_id=7", "product_id=7"]


def test_a_file_of_which_no_row_is_usable(journey: Journey) -> None:
    products = frames()["products"]
    journey.write("products", products.assign(department=None).astype({"department": "string"}))
    refused(journey, "none of its 2 rows can be used for products.*department is missing")


def test_an_unknown_option_of_the_source(journey: Journey) -> None:
    with pytest.raises(AnalysisError, match="unknown key 'folders'; allowed are folder"):
        ingest(journey.request("source.folders=x"), root=journey.root)


def test_nothing_is_done_twice_and_a_change_is_noticed(journey: Journey) -> None:
    assert not journey.ingest().skipped
    assert journey.ingest().skipped
    products = frames()["products"]
    journey.write("products", products.assign(brand="Own"))
    assert not journey.ingest().skipped
    assert not ingest(journey.request("margins.default=0.3"), root=journey.root).skipped


def test_a_damaged_manifest_says_how_to_mend_it(journey: Journey) -> None:
    journey.ingest()
    (journey.canonical / "manifest.json").write_text("{")
    with pytest.raises(DataError, match="run `analysis ingest` again"):
        open_study("tiny", root=journey.root)


def test_a_study_never_ingested(journey: Journey) -> None:
    with pytest.raises(DataError, match="run `analysis ingest tiny`"):
        open_study("tiny", root=journey.root)


INGEST = "import sys; from tests.tiny import Journey; from pathlib import Path; " + (
    "Journey(Path(sys.argv[1])).ingest(force=True)"
)


def in_process(journey: Journey, code: str = INGEST, **options: object) -> subprocess.Popen[str]:
    root = Path(__file__).parent.parent.parent
    return subprocess.Popen(
        [sys.executable, "-c", code, str(journey.root)],
        cwd=root,
        stderr=subprocess.PIPE,
        text=True,
        **options,  # type: ignore[call-overload]
    )


def test_killed_in_the_middle_then_run_again(journey: Journey) -> None:
    first = journey.ingest().manifest
    paused = INGEST.replace(
        "Journey(Path",
        "import analysis.ingest.ingest as i, time; "
        "i.publish = lambda *a: (print('here', file=sys.stderr, flush=True), time.sleep(36000)); "
        "Journey(Path",
    )
    process = in_process(journey, paused)
    assert process.stderr is not None
    assert "here" in process.stderr.readline()
    assert list(journey.canonical.parent.glob(".staging-*"))
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stderr.close()
    assert Manifest.read(journey.canonical / "manifest.json") == first
    assert not journey.ingest(force=True).skipped
    assert not list(journey.canonical.parent.glob(".staging-*"))


def test_two_at_once_are_refused(journey: Journey) -> None:
    paused = INGEST.replace(
        "Journey(Path",
        "import analysis.ingest.ingest as i, time; "
        "i._build = lambda *a: (print('here', file=sys.stderr, flush=True), time.sleep(36000)); "
        "Journey(Path",
    )
    process = in_process(journey, paused)
    assert process.stderr is not None
    assert "here" in process.stderr.readline()
    try:
        with pytest.raises(AnalysisError, match="tiny is being ingested by another process"):
            journey.ingest()
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def test_a_full_disk(journey: Journey) -> None:
    journey.ingest()
    before = journey.canonical.resolve()
    limited = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600)); " + INGEST
    )
    process = in_process(journey, limited)
    _, errors = process.communicate(timeout=SECONDS)
    assert process.returncode != 0
    assert re.search(r"AnalysisError: The disk is full or a file may not grow \(\d+ MB", errors)
    assert journey.canonical.resolve() == before
    assert not list(journey.canonical.parent.glob(".staging-*"))


def test_old_versions_are_cleared_away(journey: Journey) -> None:
    for _ in range(4):
        journey.ingest(force=True)
        time.sleep(0.01)
    versions = [p for p in journey.canonical.parent.iterdir() if p.is_dir() and not p.is_symlink()]
    assert len(versions) == 2


@pytest.mark.spark
def test_spark_ingests_the_same_rows(journey: Journey, spark: EngineSettings) -> None:
    here = journey.ingest().manifest
    master = f"engine={{kind: spark, memory: {spark.memory}, master: '{spark.master}'}}"
    there = ingest(journey.request(master), root=journey.root, force=True).manifest
    assert there.rows == here.rows
    assert there.ledger == here.ledger
    lines = open_study("tiny", root=journey.root).order_lines
    assert str(lines.net_amount.sum().to_pandas()) == "9.85"
