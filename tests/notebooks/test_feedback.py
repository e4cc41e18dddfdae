"""Report 10 on studies that hold only a part of what it could read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.errors import NotApplicable
from tests.engagement.feedback.answers import feedback_of, survey
from tests.notebooks.studies import Page, run_notebook
from tests.sales import AS_OF, shop


def shown(
    rows: list[dict[str, Any]], root: Path, monkeypatch: pytest.MonkeyPatch, *drop: str
) -> Page:
    feedback = feedback_of(*rows).drop(columns=list(drop))
    return run_notebook(
        "10_feedback", {**shop(3), "feedback": feedback}, root, monkeypatch, as_of=AS_OF
    )


def reviews(count: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(count)
    texts = ["Good quality.", "质量很好。", "It broke at once.", "x", "", "👍", "a b " * 40_000]
    return [
        {
            "kind": "review",
            "submitted_at": f"2017-11-{1 + n % 28:02d}",
            "score": float(rng.integers(1, 6)),
            "text": texts[n % len(texts)],
            "product_id": f"p{n % 5}",
        }
        for n in range(count)
    ]


def test_answers_without_invitations_and_on_strange_scales(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        {**row, "invited_at": None}
        for row in survey("nps", [0.0, 9.0, 10.0, 11.0, 7.5] * 12, day="2017-11-05")
    ]
    rows += survey("csat", [5.0, 9.0] * 15, day="2017-11-06")
    page = shown(rows, tmp_path, monkeypatch, "text", "channel")
    (title,) = page.shown("title")
    assert title.startswith("NPS")
    said = " ".join(page.shown("text"))
    assert "24 scores of NPS (7.5 to 11.0) lie off the scale of 0 to 10" in said
    assert "15 scores of CSAT" in said
    assert page.table("weighted_scores") is None
    lacking = {o.metadata["analysis"]["reason"] for o in page.outputs if _role(o) == "not given"}
    assert any(reason.startswith("The feedback holds answers alone") for reason in lacking)
    assert "The feedback holds no texts." in lacking
    assert len(page.shown("trust")) == 1


def _role(output: Any) -> str:
    return str(output.metadata["analysis"]["role"])


def test_reviews_alone_of_every_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = shown(reviews(140), tmp_path, monkeypatch, "invited_at")
    assert page.shown("title")[0].startswith("Rating")
    assert page.table("topics") is not None
    assert "1,000" not in " ".join(page.shown("headline"))
    assert page.table("complaint_times") is None


def test_a_handful_of_rows_ends_the_report_in_sentences(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [*survey("nps", [9.0, None], day="2017-11-05"), *reviews(2)]
    rows += [{"kind": "complaint", "submitted_at": "2017-12-01", "text": "Too late"}]
    page = shown(rows, tmp_path, monkeypatch)
    assert len(page.shown("chart")) == 1  # of returns, which the order lines tell
    assert page.findings.by_key()["open_complaints"].value == 1
    assert all(
        o.metadata["analysis"]["reason"].endswith(".")
        for o in page.outputs
        if _role(o) == "not given"
    )


def test_complaints_alone_are_shown_without_any_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = {"kind": "complaint", "submitted_at": "2017-12-01", "resolved_at": "2017-12-04"}
    page = shown([row] * 30, tmp_path, monkeypatch)
    assert page.findings.by_key()["resolve_days"].value == 3
    assert page.table("scores") is None
    lacking = [o.metadata["analysis"]["reason"] for o in page.outputs if _role(o) == "not given"]
    assert lacking[0].startswith("Nobody was asked or gave a score")


def test_where_nobody_said_anything_the_report_ends_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotApplicable, match="Nobody was asked or said anything from"):
        shown([{"kind": "complaint", "submitted_at": "2011-12-01"}], tmp_path, monkeypatch)
