"""Lists that were sent stand among the tables of any source, and nothing of them is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.errors import DataError
from analysis.ingest.sources import sent_lists
from analysis.ingest.sources.sent_lists import ASSIGNMENTS, PROMOTION, SentLists
from analysis.tables.engine import EngineSettings, open_study
from analysis.tables.manifest import sha256_of
from tests.ingest.shop import GOOD, Shop
from tests.tiny import Journey

ARMS = ["target", "target", "control"]


def send(root: Path, study: str, ids: list[str], name: str = "targets-1", **more: Any) -> Path:
    """Record a list that was sent to ``ids``, as `analysis sent` does."""
    folder = sent_lists.sent_dir(study, root=root) / name
    folder.mkdir(parents=True)
    rows = pd.DataFrame(
        {
            "promotion_id": name,
            "customer_id": ids,
            "arm": (ARMS * len(ids))[: len(ids)],
            "assigned_at": pd.Timestamp("2018-01-01").as_unit("us"),
            "randomised": True,
            "planned_share": 0.8,
            "promised_margin": 1.5,
            **more,
        }
    )
    rows.to_parquet(folder / ASSIGNMENTS, index=False)
    record = {
        "promotion_id": name,
        "name": "Targets of January",
        "starts_on": "2018-01-02",
        "ends_on": "2018-01-29",
        "mechanic": None,
        "contact_cost": "0.50",
        "sha256": sha256_of(folder / ASSIGNMENTS),
    }
    (folder / PROMOTION).write_text(json.dumps(record))
    return folder


def table(root: Path, study: str, name: str) -> pd.DataFrame:
    tables = open_study(study, settings=EngineSettings(threads=1), root=root)
    found = getattr(tables, name).to_pandas()
    tables.close()
    return found


@pytest.fixture
def journey(tmp_path: Path) -> Journey:
    made = Journey.create(tmp_path)
    made.ingest()
    return made


def test_a_packaged_source_keeps_its_rows_and_gains_the_list(journey: Journey) -> None:
    before = {n: table(journey.root, "tiny", n) for n in ("assignments", "promotions")}
    send(journey.root, "tiny", ["1", "2", "3"])
    result = journey.ingest()
    after = {n: table(journey.root, "tiny", n) for n in ("assignments", "promotions")}
    for name, rows in before.items():
        own = after[name][after[name]["promotion_id"] != "targets-1"]
        pd.testing.assert_frame_equal(
            own[rows.columns].reset_index(drop=True), rows.sort_values(rows.columns[0])
        )
    listed = after["assignments"].query("promotion_id == 'targets-1'")
    assert listed["arm"].tolist() == ARMS
    assert listed["promised_margin"].tolist() == [1.5] * 3
    assert result.news == (
        "new: sent/targets-1/assignments.parquet, sent/targets-1/promotion.json",
    )
    assert "1 list that was sent is among" in " ".join(result.manifest.notes)


def test_nothing_is_read_again_until_a_list_changes(journey: Journey) -> None:
    folder = send(journey.root, "tiny", ["1", "2", "3"])
    first = journey.ingest()
    assert journey.ingest().skipped
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    gone = journey.ingest()
    assert gone.news[0].startswith("withdrawn: sent/targets-1/")
    assert gone.manifest.fingerprint != first.manifest.fingerprint
    assert "targets-1" not in set(table(journey.root, "tiny", "assignments")["promotion_id"])


def test_a_source_without_assignments_gets_them(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.deliver("a.csv", GOOD)
    shop.ingest()
    send(tmp_path, "shop", ["C1"])
    shop.ingest()  # reconciles every row of every table
    assert table(tmp_path, "shop", "promotions")["contact_cost"].tolist() == [0.5]
    assert table(tmp_path, "shop", "assignments")["customer_id"].tolist() == ["C1"]


def test_what_the_source_states_itself_goes_before(journey: Journey) -> None:
    """Campaign 1 is the source's own."""
    send(journey.root, "tiny", ["1", "2", "3"], name="1")
    result = journey.ingest()
    entry = next(e for e in result.manifest.ledger if e.source == "sent/1/assignments.parquet")
    assert (entry.accepted, entry.dropped) == (0, {sent_lists.SOURCES_OWN: 3})


def test_customers_merged_since_count_once_or_not_at_all(tmp_path: Path) -> None:
    staging = tmp_path / "staging"
    (staging / "identity").mkdir(parents=True)
    links = {"source_id": ["b", "d", "f"], "unified_id": ["a", "c", "e"]}
    pd.DataFrame(links).to_parquet(staging / "identity" / "links.parquet")
    #                       target target control | target target control
    send(tmp_path, "shop", ["a", "b", "c", "d", "x", "f"])  # a = b alike, c = d of two arms
    entries, _ = SentLists.of("shop", root=tmp_path).add(EngineSettings(threads=1), staging)
    entry = next(e for e in entries if e.table == "assignments")
    assert entry.dropped == {sent_lists.TWO_ARMS: 2, sent_lists.TWICE: 1}
    kept = pd.read_parquet(staging / "assignments")
    assert kept["customer_id"].tolist() == ["a", "e", "x"]


def test_a_list_that_was_changed_by_hand_is_refused(journey: Journey) -> None:
    folder = send(journey.root, "tiny", ["1", "2", "3"])
    pd.read_parquet(folder / ASSIGNMENTS).head(2).to_parquet(folder / ASSIGNMENTS)
    with pytest.raises(DataError, match=r"sent/targets-1/assignments.parquet holds other bytes"):
        journey.ingest()


def test_a_wrong_row_names_file_and_column(journey: Journey) -> None:
    send(journey.root, "tiny", ["1", "2"], contact_cost=-1.0)
    with pytest.raises(DataError, match=r"sent/targets-1/assign.*contact_cost is below 0"):
        journey.ingest()
