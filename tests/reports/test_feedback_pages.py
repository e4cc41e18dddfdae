"""Report 10 whole: nothing personal on any page, and a sentence where a study has no feedback."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from analysis.simulator.shop import Shop
from analysis.simulator.writer import simulate
from tests import forked
from tests.conftest import REPOSITORY
from tests.notebooks.studies import run_notebook
from tests.sales import shop

pytestmark = pytest.mark.slow

STUDY, SEED = "planted", 11
SIZE = {"customers": 700, "chunk": 700, "weeks": 60}
KEY = 987_654_321_012
NAME, ALONE, MAIL, PHONE = (
    "Quillon Ferwerda",
    "Zwetschkenbaum",
    "quillon.f@example.org",
    "0171-5550199",
)
STREET, MOBILE, CHINESE = "17 Marigold Lane", "13800138777", "欧阳锦绣"
VERBATIM = "the marmalade aardvark of the zyzzyva never arrived"
TEXTS = (
    f"My name is {NAME}. {VERBATIM.capitalize()}.",
    f"{ALONE} was rude and the quality was poor.",
    f"Write to {MAIL} or call {PHONE}, the delivery came late.",
    f"I live at {STREET}. I am customer {KEY}. The price was too high.",
    f"我叫王{CHINESE[2:]}。请打电话{MOBILE}。质量太差了，很失望。",
)
SECRETS = (NAME, ALONE, MAIL, PHONE, STREET, MOBILE, CHINESE[2:], str(KEY), "marmalade", "zyzzyva")


def plant(path: Path) -> None:
    """Give one customer a hundred complaints and reviews that name people."""
    rows = pd.read_parquet(path)
    written = rows.index[rows["kind"].isin(["review", "complaint"])][:100]
    rows.loc[written, "customer_id"] = KEY
    rows.loc[written, "text"] = np.array(TEXTS * 20)[: len(written)]
    opened = rows.index[rows["kind"] == "complaint"][:12]
    rows.loc[opened, "resolved_at"] = pd.NaT
    rows.to_parquet(path, index=False)


def name_a_customer(path: Path) -> None:
    """Let the register know the name that stands alone in a text."""
    people = pd.read_parquet(path)
    people["last_name"] = ALONE.lower()
    people.loc[people.index[1:], "last_name"] = None
    people.to_parquet(path, index=False)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A published run of report 10 on a shop in which people are named, and what it printed."""
    root = tmp_path_factory.mktemp("planted")
    (root / "notebooks").mkdir()
    (root / "params").mkdir()
    shutil.copy(REPOSITORY / "notebooks" / "10_feedback.ipynb", root / "notebooks")
    start = date(2024, 1, 1)
    params = {
        "study": STUDY, "title": "Planted", "source": {"kind": "simulated", "start": start, **SIZE},
        "as_of": date(2025, 2, 24), "timezone": "Europe/Berlin", "currency": "EUR", "seed": SEED,
        "margins": {"default": 0.25},
    }  # fmt: skip
    (root / "params" / f"{STUDY}.yaml").write_text(yaml.safe_dump(params), "utf-8")
    folder = root / "data" / "simulated" / STUDY
    simulate(Shop(seed=SEED, start=start, **SIZE), folder)
    plant(folder / "feedback" / "feedback-00000.parquet")
    name_a_customer(folder / "customers" / "customers-00000.parquet")
    done = forked.run("run", STUDY, "--only", "10", "--jobs", "1", cwd=root)
    assert done.returncode == 0, done.stdout + done.stderr
    return (root / "reports" / STUDY / "latest").resolve(), done.stdout + done.stderr


def test_no_page_log_or_record_names_anybody(run: tuple[Path, str]) -> None:
    folder, printed = run
    record = json.loads((folder / "run.json").read_text("utf-8"))
    assert record["reports"]["10_feedback"]["status"] == "done"
    published = [p for p in folder.rglob("*") if p.is_file() and "lists" not in p.parts]
    assert {p.suffix for p in published} >= {".html", ".json", ".csv", ".parquet"}
    for path in published:
        if path.suffix == ".parquet":
            said = pd.read_parquet(path).to_csv()
        else:
            said = path.read_bytes().decode("utf-8")
        assert [s for s in SECRETS if s.lower() in said.lower()] == [], path.name
    assert [s for s in SECRETS if s.lower() in printed.lower()] == []


def test_the_lists_hold_masked_texts_and_who_waits(run: tuple[Path, str]) -> None:
    lists = run[0] / "lists" / "10_feedback"
    texts = pd.read_parquet(lists / "verbatims.parquet")
    mine = texts[texts["customer_id"] == str(KEY)]
    assert len(mine) > 50
    for secret in set(SECRETS) - {"marmalade", "zyzzyva"}:
        assert not texts["text"].str.contains(secret, regex=False).any(), secret
    waiting = pd.read_parquet(lists / "open_complaints.parquet")
    assert list(waiting.columns) == ["customer_id", "since", "kind"]
    assert str(KEY) in set(waiting["customer_id"])


def test_the_page_shows_quotes_that_many_wrote_and_the_scores(run: tuple[Path, str]) -> None:
    page = (run[0] / "10_feedback.html").read_text("utf-8")
    assert "NPS" in page
    assert "weighted to all who were asked" in page
    first = pd.read_parquet(run[0] / "tables" / "10_feedback" / "scores.parquet").iloc[0]
    assert f"NPS is {first['shown']} ({first['interval']}) among those who answered" in page
    scores = pd.read_parquet(run[0] / "tables" / "10_feedback" / "weighted_scores.parquet")
    assert (scores["weighted_low"] <= scores["weighted"]).all()


def test_a_study_without_feedback_says_so_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from analysis.errors import NotApplicable

    with pytest.raises(NotApplicable, match=r"^This study has no feedback table\.$"):
        run_notebook("10_feedback", shop(1), tmp_path, monkeypatch, as_of="2018-01-01")
